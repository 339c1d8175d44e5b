"""The command `arena synth qa`: imported questions become environments."""

import json
from pathlib import Path
from typing import Annotated

import typer

from astra_arena.core.output import output_console, print_hanging, print_notice
from astra_arena.synthesizer.gates.registry import parse_gates
from astra_arena.synthesizer.next_steps import print_next_steps
from astra_arena.synthesizer.qa.environments.question_synthesis import (
    DEFAULT_TASKS,
    QuestionOptions,
    QuestionSynthesis,
    synthesize_questions,
)
from astra_arena.synthesizer.termination import unwinding_on_sigterm
from astra_arena.synthesizer.watching import watched


def synth_qa(
    source: Annotated[Path, typer.Argument(help="Instances that `arena import qa` wrote.")],
    out: Annotated[Path, typer.Option(help="Folder for the environments, one bundle each.")],
    tasks: Annotated[
        int, typer.Option(min=1, help="How many tasks each environment is to have.")
    ] = DEFAULT_TASKS,
    seed: Annotated[int, typer.Option(help="Decides every draw.")] = 0,
    gates: Annotated[
        str, typer.Option(help="Release gates to run: all, quick, or names with commas.")
    ] = "all",
    as_json: Annotated[bool, typer.Option("--json", help="Figures as JSON on stdout.")] = False,
) -> None:
    """Turn questions that bring a program into environments; no language model is asked.

    Questions of one field and kind share a world. Each instance that becomes no task is listed with
    its reason in rejects.jsonl; those that a model could help say "needs --model".

    Example: arena synth qa gsm8k.jsonl --out gsm8k-environments --tasks 100
    """
    options = QuestionOptions(tasks=tasks, seed=seed, gates=parse_gates(gates))
    with unwinding_on_sigterm(), watched() as watcher:
        made = synthesize_questions(source, out, options, watcher=watcher)
    for notice in made.notices:
        print_notice(notice)
    if as_json:
        print(json.dumps(made.report, indent=2, ensure_ascii=False))
    else:
        _print(made)


def _print(made: QuestionSynthesis) -> None:
    console = output_console()
    for bundle in made.bundles:
        console.print(f"[bold]{bundle.title}[/bold]", soft_wrap=True)
        tools = len(bundle.environment.tools)
        told = f"{len(bundle.tasks)} tasks over {tools} tools"
        print_hanging(console, "", told, after=f"→ {bundle.path}")
        for task in bundle.tasks[:2]:
            print_hanging(console, f"  {task.id}  ", task.prompt)
    print_hanging(
        console,
        "",
        f"{made.report['rejected']} of {made.report['instances']} instances became no task",
        after=f"→ {made.rejects}",
    )
    print_next_steps(console, made.bundles[0].path)
