"""The verb `arena demo`."""

import json
import shlex
from pathlib import Path
from typing import Annotated

import typer

from astra_arena.core.output import output_console, print_hanging, print_notice
from astra_arena.sandbox.tiers import base_interpreter, chosen_tier
from astra_arena.synthesizer.demo import DemoResult, run_demo
from astra_arena.synthesizer.next_steps import print_next_steps
from astra_arena.synthesizer.table_options import DEFAULT_TASKS, MOST_TASKS
from astra_arena.synthesizer.termination import unwinding_on_sigterm
from astra_arena.synthesizer.watching import watched


def demo(
    out: Annotated[Path, typer.Option(help="Folder for everything that is made.")] = Path(
        "arena-demo"
    ),
    tasks: Annotated[
        int, typer.Option(min=1, max=MOST_TASKS, help="How many tasks to make.")
    ] = DEFAULT_TASKS,
    concurrency: Annotated[int, typer.Option(min=1, help="Episodes open at once.")] = 16,
    seed: Annotated[int, typer.Option(help="Decides tasks and episodes.")] = 0,
    min_tier: Annotated[
        str | None, typer.Option(help="Refuse to run below this tier, like seccomp+landlock.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Figures as JSON on stdout.")] = False,
) -> None:
    """Show the whole journey on real data: database, environment, server, scored rollouts.

    Three scripted agents play every task over HTTP; one plays a few over stdio as well. The one
    that knows the gold must earn everything and the one that does nothing must earn nothing.

    Example: arena demo

    Example: arena demo --tasks 40 --out /tmp/demo --json
    """
    chosen_tier(base_interpreter(), minimum=min_tier)
    with unwinding_on_sigterm():
        result = run_demo(out, tasks=tasks, concurrency=concurrency, seed=seed, watched=watched)
    for notice in result.notices:
        print_notice(notice)
    if as_json:
        print(json.dumps(result.to_json(), indent=2))
    else:
        _print_demo(result)
    for finding in result.findings:
        print_notice(finding)
    if result.findings:
        raise typer.Exit(1)


def _print_demo(result: DemoResult) -> None:
    console = output_console()
    places, seconds, replay, bundle = result.places, result.seconds, result.replay, result.bundle
    played = sum(one.rollouts for one in result.report.agents.values())
    questions = sorted({len(task.needed) for task in bundle.tasks})
    story = [
        ("database", "flights that left New York in 2013", places.database),
        (
            "environment",
            f"{len(bundle.environment.tools)} tools, {len(bundle.tasks)} tasks of {questions[0]} "
            f"to {questions[-1]} sub-questions, no model asked",
            places.bundle,
        ),
        (
            "replay",
            f"{replay['gold_calls']} gold calls, {replay['runs']} times in fresh processes, "
            "byte-identical",
            None,
        ),
        (
            "rollouts",
            f"{played} over HTTP, {result.stdio_tasks} over stdio, each in a confined process",
            places.rollouts,
        ),
        (
            "time",
            f"{seconds['all']:.0f} s: synthesis {seconds['synthesis']:.0f} s, rollouts "
            f"{seconds['rollouts']:.0f} s",
            None,
        ),
    ]
    for what, text, path in story:
        print_hanging(console, f"{what:13}", text, after="" if path is None else f"→ {path}")
    console.print()
    console.print(result.report.to_table())
    check = f"check {shlex.quote(str(places.bundle))}"
    print_next_steps(console, places.bundle, check, "synth table YOUR.sqlite --out YOUR-BUNDLE")
