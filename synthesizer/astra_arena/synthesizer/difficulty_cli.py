"""The verb `arena difficulty`: a thin function over the library."""

import asyncio
import json
from pathlib import Path
from typing import Annotated

import typer

from astra_arena.core.canonical import Json, JsonObject
from astra_arena.core.difficulty import difficulty_band, measured_difficulty
from astra_arena.core.errors import SettingsError
from astra_arena.core.tasks import Task
from astra_arena.sandbox import ProcessSandbox
from astra_arena.servers.bundles.bundle import Bundle, load_bundle, require_place, write_bundle
from astra_arena.synthesizer.difficulty import SEEDS, SOLVERS, measure_difficulty


def difficulty(
    bundle: Annotated[Path, typer.Argument(help="Bundle folder, with gold.")],
    out: Annotated[Path, typer.Option(help="Folder for the bundle with measured tasks.")],
    band: Annotated[
        str | None, typer.Option(help="Keep the tasks in this band alone, like 0.2..0.8.")
    ] = None,
    solvers: Annotated[
        list[str] | None, typer.Option("--solver", help="Scripted agent that plays; repeatable.")
    ] = None,
    seeds: Annotated[list[int] | None, typer.Option("--seed", help="Repeatable.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Figures as JSON on stdout.")] = False,
) -> None:
    """Measure how hard a bundle's tasks are for scripted solvers of graded strength.

    Example: arena difficulty flights/ --out flights-banded/ --band 0.2..0.8
    """
    kept = None if band is None else difficulty_band(band)
    source = load_bundle(bundle)
    require_place(out)
    tasks = asyncio.run(_measured(source, solvers or list(SOLVERS), seeds or list(SEEDS)))
    chosen = tuple(task for task in tasks if kept is None or kept.holds(task.difficulty))
    if not chosen:
        raise SettingsError(f"none of {len(tasks)} tasks lies in the band {band}; widen it")
    write_bundle(
        out,
        source.environment.model_copy(update={"digests": None}),
        tools_py=source.tools_py.decode("utf-8"),
        world=source.path / source.environment.world.file,
        tasks=chosen,
    )
    _print(tasks, chosen, out, as_json=as_json)


async def _measured(bundle: Bundle, solvers: list[str], seeds: list[int]) -> tuple[Task, ...]:
    async with ProcessSandbox() as sandbox:
        return await measure_difficulty(bundle, sandbox, solvers=solvers, seeds=seeds)


def _print(tasks: tuple[Task, ...], chosen: tuple[Task, ...], out: Path, *, as_json: bool) -> None:
    numbers = [measured_difficulty(task.difficulty) or 0.0 for task in tasks]
    if as_json:
        figures: JsonObject = {
            "tasks": len(tasks),
            "kept": len(chosen),
            "measured": {task.id: number for task, number in zip(tasks, numbers, strict=True)},
            "out": str(out),
        }
        print(json.dumps(figures, indent=2))
        return
    tenths: list[Json] = [sum(n * 10 // 1 == tenth for n in numbers) for tenth in range(11)]
    print(f"{len(chosen)} of {len(tasks)} tasks → {out}")
    print(f"tasks by tenth of difficulty, 0.0 to 1.0: {' '.join(map(str, tenths))}")
