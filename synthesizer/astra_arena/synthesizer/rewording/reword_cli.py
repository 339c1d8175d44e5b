"""The verb `arena reword`: a bundle's questions in other words."""

import asyncio
import json
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from astra_arena.client.authors.model_arguments import takes_model
from astra_arena.client.authors.model_options import ModelOptions, open_author
from astra_arena.core.canonical import Json, JsonObject
from astra_arena.core.errors import SettingsError
from astra_arena.core.output import output_console, print_hanging
from astra_arena.core.tasks import Task
from astra_arena.servers.bundles.bundle import Bundle, load_bundle, require_place, write_bundle
from astra_arena.servers.emission.emit import LAUNCHER, emit_server
from astra_arena.synthesizer.gates.examination import examine_bundle
from astra_arena.synthesizer.gates.gate import Gate
from astra_arena.synthesizer.gates.registry import chosen_gates, parse_gates
from astra_arena.synthesizer.gates.release import read_report, release
from astra_arena.synthesizer.gates.report_card import ReportCard
from astra_arena.synthesizer.rewording.rewording import DEFAULT_PERSONAS, Rewording, Rewriter


@takes_model
def reword(
    asked: ModelOptions,
    bundle: Annotated[Path, typer.Argument(help="Bundle folder, with gold.")],
    out: Annotated[Path, typer.Option(help="Folder for the bundle in other words.")],
    persona: Annotated[
        list[str] | None,
        typer.Option(help="As whom questions are asked, in a few words; repeatable."),
    ] = None,
    show_values: Annotated[
        bool,
        typer.Option(
            "--show-values", help="Let the model see names and figures: values of your rows."
        ),
    ] = False,
    seed: Annotated[int, typer.Option(help="Decides who asks which question.")] = 0,
    gates: Annotated[
        str, typer.Option(help="Release gates to run: all, quick, or names with commas.")
    ] = "all",
    as_json: Annotated[bool, typer.Option("--json", help="Figures as JSON on stdout.")] = False,
) -> None:
    """Have a bundle's questions said in other words, as different people would ask them.

    A rewrite that drops or adds a constraint is refused by rule, and the original stays. Values are
    hidden from the model unless --show-values is given. All gates run on the result.

    Example: arena reword shop/ --out shop-reworded/ --model gpt-4.1-mini --cache cache

    Example: arena reword shop/ --out said/ --persona "a customer" --transcript replies.jsonl
    """
    source = load_bundle(bundle)
    require_place(out)
    if out.resolve() == bundle.resolve():
        raise SettingsError(f"expected another folder than the bundle's own, got {out}")
    chosen = chosen_gates(parse_gates(gates))
    personas = tuple(persona or DEFAULT_PERSONAS)
    rewording = asyncio.run(_reworded(source, asked, personas, seed=seed, show_values=show_values))
    figures = asyncio.run(_released(source, rewording, chosen, seed, out))
    _tell(figures, out, as_json=as_json)


async def _reworded(
    source: Bundle, model: ModelOptions, personas: tuple[str, ...], *, seed: int, show_values: bool
) -> Rewording:
    async with open_author(model) as author:
        rewriter = Rewriter(author, source, personas, seed, show_values, model.concurrency)
        return await rewriter.rewrite()


async def _released(
    source: Bundle, made: Rewording, gates: tuple[Gate, ...], seed: int, out: Path
) -> JsonObject:
    """Run the gates; a task that passes no more in other words gets its own words back."""
    with tempfile.TemporaryDirectory(prefix="astra-arena-") as folder:
        draft = Path(folder) / source.name
        tasks = {task.id: task for task in made.tasks}
        originals = {task.id: task for task in source.tasks}
        card = await _examined(source, tasks, gates, seed, draft)
        back = [name for name in card.rejected_tasks if tasks[name] != originals[name]]
        if back:
            tasks |= {name: originals[name] for name in back}
            card = await _examined(source, tasks, gates, seed, draft)
        released = release(draft, card, out)
    reworded = sum(tasks[task.id] != originals[task.id] for task in released.tasks)
    return {
        "tasks": len(released.tasks),
        "reworded": reworded,
        "kept": {**dict[str, Json](made.kept), "the gates refused it": len(back)},
    }


async def _examined(
    source: Bundle, tasks: dict[str, Task], gates: tuple[Gate, ...], seed: int, draft: Path
) -> ReportCard:
    write_bundle(
        draft,
        source.environment.model_copy(update={"digests": None}),
        tools_py=source.tools_py.decode("utf-8"),
        world=source.path / source.environment.world.file,
        tasks=tuple(tasks.values()),
        report=read_report(source.path),
    )
    if (source.path / LAUNCHER).is_file():
        emit_server(draft)
    return await examine_bundle(draft, gates=gates, seed=seed)


def _tell(figures: JsonObject, out: Path, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(figures, indent=2, ensure_ascii=False))
        return
    console = output_console()
    told = f"{figures['reworded']} of {figures['tasks']} tasks are in other words"
    print_hanging(console, "", told, after=f"→ {out}")
    kept = figures["kept"]
    for reason, count in (kept if isinstance(kept, dict) else {}).items():
        if count:
            print_hanging(console, "  ", f"{count} stayed: {reason}")
