"""The verbs `arena rollout`, `arena score` and `arena report`: thin functions over the library.

Only `rollout` loads MCP and an HTTP client, when it is called.
"""

import json
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import anyio
import typer

from astra_arena.client.agent import Agent
from astra_arena.client.collect import Collected, collect
from astra_arena.client.control_models import TaskCard
from astra_arena.client.progress_bar import ProgressBar
from astra_arena.client.report import Report, summarise
from astra_arena.client.rescore import rescore_files, scores_table
from astra_arena.client.scripted_agents import build_agent
from astra_arena.client.store import RolloutStore
from astra_arena.client.venue import Venue, VenueCard
from astra_arena.core.episode_terms import EpisodeTerms
from astra_arena.core.errors import SettingsError, UnknownTaskError
from astra_arena.core.output import output_console, print_notice
from astra_arena.core.rollout_files import read_rollouts
from astra_arena.servers.bundles.suite import load_source
from astra_arena.servers.term_options import AllowExternal, Beside, BudgetOption, Mixing, read_terms

EVENT_LOOP = {"use_uvloop": True}


class TransportChoice(StrEnum):
    """How agents are connected to the tools."""

    HTTP = "http"
    STDIO = "stdio"


class ModeChoice(StrEnum):
    """How sub-questions count as solved."""

    STRICT = "strict"
    ASTRA = "astra"


AsJson = Annotated[bool, typer.Option("--json", help="As JSON on stdout.")]
Token = Annotated[str | None, typer.Option(envvar="ARENA_TOKEN", help="Its token, with --control.")]
EnvironmentName = Annotated[
    str | None, typer.Option(help="Which environment, when that server has several.")
]
Agents = Annotated[
    list[str] | None,
    typer.Option("--agent", help="oracle (the default), random or noop; repeatable."),
]
Connection = Annotated[TransportChoice, typer.Option(help="How agents are connected.")]
Files = Annotated[list[Path], typer.Argument(help="Rollout files; `score` takes journals, too.")]
Output = Annotated[
    Path | None,
    typer.Option(help="Rollout file (JSONL), appended to; without it results are only shown."),
]
MinTier = Annotated[
    str | None, typer.Option(help="Refuse tools confined by less, like seccomp+landlock.")
]
Seeds = Annotated[list[int] | None, typer.Option("--seed", help="Seed of episodes; repeatable.")]
FirstTasks = Annotated[int | None, typer.Option(min=1, help="Play the first N tasks.")]


def rollout(
    bundle: Annotated[
        Path | None,
        typer.Argument(help="Bundle folder; served by this command unless --control is given."),
    ] = None,
    control: Annotated[str | None, typer.Option(help="Address of a running server.")] = None,
    token: Token = None,
    environment: EnvironmentName = None,
    agents: Agents = None,
    transport: Connection = TransportChoice.HTTP,
    task_ids: Annotated[
        list[str] | None, typer.Option("--task", help="Play this task; repeatable.")
    ] = None,
    tasks: FirstTasks = None,
    seeds: Seeds = None,
    concurrency: Annotated[int, typer.Option(min=1, help="Episodes open at once.")] = 8,
    min_tier: MinTier = None,
    out: Output = None,
    resume: Annotated[
        bool, typer.Option(help="Skip what the file holds; --no-resume wants a new file.")
    ] = True,
    mixing: Mixing = None,
    budget: BudgetOption = None,
    beside: Beside = None,
    allow_external: AllowExternal = None,
    as_json: AsJson = False,
) -> None:
    """Let agents play tasks and collect scored rollouts.

    Example: arena rollout flights/ --agent oracle --agent random --out rollouts.jsonl

    Example: arena rollout flights/ --control http://127.0.0.1:8641 --agent oracle --tasks 20

    Example: arena rollout flights/ --beside library/ --mixing '{"distractors": {"count": 4}}'

    Example: arena rollout flights/ --mixing mixing.json --budget calls=16,seconds=60
    """
    _require_place(bundle, control, out, resume=resume)
    gold = load_source(bundle) if bundle else None
    terms = read_terms(mixing, budget)
    players = [build_agent(name, tasks=gold.tasks if gold else ()) for name in agents or ["oracle"]]

    async def run() -> Collected:
        from astra_arena.client.venue_choice import open_venue

        served = (transport.value, beside or (), allow_external or ())
        async with open_venue(gold, control, token, environment, *served) as venue:
            chosen = _chosen(await venue.tasks(), task_ids, tasks)
            how = (players, seeds or [0], concurrency, out, min_tier, terms)
            return await _collected(venue, chosen, *how)

    done = anyio.run(run, backend_options=EVENT_LOOP)
    _print_report(done.report, as_json=as_json)
    _fail_on(done.findings)


def _require_place(
    bundle: Path | None, control: str | None, out: Path | None, *, resume: bool
) -> None:
    if bundle is None and control is None:
        raise SettingsError("nothing to play on: name a BUNDLE or --control URL")
    if out is not None and not resume and out.exists():
        raise SettingsError(f"{out} is there already; --resume goes on with it, or name another")


def score(
    files: Files,
    bundle: Annotated[Path, typer.Option(help="The bundle that was played; holds the gold.")],
    mode: Annotated[
        ModeChoice, typer.Option(help="strict, or astra: the paper's rule.")
    ] = ModeChoice.STRICT,
    as_json: AsJson = False,
) -> None:
    """Score rollouts or journals again, from the record alone.

    Example: arena score rollouts.jsonl --bundle flights/ --mode astra
    """
    results = list(rescore_files(files, load_source(bundle), mode=mode.value))
    if as_json:
        scores = [result.to_json() for result in results]
        print(json.dumps({"mode": mode.value, "scores": scores}, indent=2))
    elif results:
        output_console().print(scores_table(results))
    _fail_on(_empty(files, len(results)))


def report(
    files: Files,
    as_json: AsJson = False,
) -> None:
    """Summarise rollout files by environment and agent.

    Example: arena report rollouts.jsonl --json
    """
    figures = summarise(one for path in files for one in read_rollouts(path))
    if as_json or figures.tasks:
        _print_report(figures, as_json=as_json)
    _fail_on([*_empty(files, figures.tasks), *figures.findings])


async def _collected(
    venue: Venue,
    tasks: Sequence[TaskCard],
    players: Sequence[Agent],
    seeds: Sequence[int],
    concurrency: int,
    out: Path | None,
    min_tier: str | None,
    terms: EpisodeTerms,
) -> Collected:
    total = len(tasks) * len(players) * len(seeds)
    card = await venue.card()
    with _opened(out, card) as store, ProgressBar(total) as bar:
        done = await collect(
            venue,
            tasks,
            players,
            concurrency=concurrency,
            seeds=seeds,
            store=store,
            min_tier=min_tier,
            on_progress=bar.show,
            terms=terms,
        )
    if not done.played:
        held = f"all rollouts asked for ({done.skipped}) are in {out} already"
        what = held if done.skipped else "there is no task"
        print_notice(f"{what}; nothing to play")
    return done


def _chosen(
    there: Sequence[TaskCard], task_ids: Sequence[str] | None, count: int | None
) -> Sequence[TaskCard]:
    if task_ids:
        by_id = {task.id: task for task in there}
        unknown = [task_id for task_id in task_ids if task_id not in by_id]
        if unknown:
            some = ", ".join(list(by_id)[:3])
            raise UnknownTaskError(
                f"there is no task {unknown[0]!r}; there are {len(by_id)} ({some}, …), "
                "and `arena inspect BUNDLE --tasks` lists them"
            )
        return [by_id[task_id] for task_id in task_ids]
    if count is not None and count > len(there):
        print_notice(f"there are {len(there)} tasks, fewer than --tasks {count}; all are played")
    return there if count is None else there[:count]


@contextmanager
def _opened(out: Path | None, card: VenueCard) -> Generator[RolloutStore | None]:
    if out is None:
        print_notice("results are only shown; --out FILE keeps them")
        yield None
        return
    with RolloutStore(out) as store:
        if store.torn is not None:
            print_notice(
                f"{out} ended in a torn line, left by a crash; it was moved to {store.torn}"
            )
        others = {
            name if name != card.environment else f"another version of {name}"
            for digest, name in store.environments.items()
            if digest != card.environment_digest
        }
        if others:
            print_notice(
                f"{out} also holds rollouts of {', '.join(sorted(others))}; "
                "`arena report` shows each environment apart"
            )
        yield store


def _empty(files: Sequence[Path], count: int) -> list[str]:
    """Return the finding that the files hold nothing, if they do."""
    if count:
        return []
    return [f"{', '.join(map(str, files))}: no rollouts in there; `arena rollout --out` adds some"]


def _print_report(figures: Report, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(figures.to_json(), indent=2))
    else:
        output_console().print(figures.to_table())


def _fail_on(findings: Sequence[str]) -> None:
    for finding in findings:
        print_notice(finding)
    if findings:
        raise typer.Exit(1)
