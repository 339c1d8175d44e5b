"""The command `arena synth qa`: questions become environments."""

import json
from collections import Counter
from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from astra_arena.client.authors.model_arguments import takes_model
from astra_arena.client.authors.model_options import ModelOptions
from astra_arena.core.canonical import Json
from astra_arena.core.environment import Licence
from astra_arena.core.errors import GateError, SettingsError
from astra_arena.core.output import output_console, print_hanging, print_notice
from astra_arena.servers.bundles.bundle import Bundle
from astra_arena.synthesizer.gates.registry import parse_gates
from astra_arena.synthesizer.next_steps import print_next_steps
from astra_arena.synthesizer.qa.authored.authoring import (
    Authoring,
    author_questions,
    brings_programs,
)
from astra_arena.synthesizer.qa.authored.authoring_options import AuthoringOptions, StageName
from astra_arena.synthesizer.qa.authored.judging import DEFAULT_VOTES
from astra_arena.synthesizer.qa.authored.verify import (
    DEFAULT_LEAST_SCORE,
    DEFAULT_PERCENTILE,
    Thresholds,
)
from astra_arena.synthesizer.qa.environments.question_synthesis import (
    DEFAULT_TASKS,
    QuestionOptions,
    QuestionSynthesis,
    synthesize_questions,
)
from astra_arena.synthesizer.qa.instance import HopRange
from astra_arena.synthesizer.qa.worlds.data_findings import DEFAULT_DISTRACTORS
from astra_arena.synthesizer.qa.worlds.emit import EMIT
from astra_arena.synthesizer.qa.worlds.synthesize import WorldOptions
from astra_arena.synthesizer.qa.worlds.tool_documents import DEFAULT_EXTRAS
from astra_arena.synthesizer.qa.worlds.world_names import DEFAULT_PER_WORLD
from astra_arena.synthesizer.shares import parse_variants
from astra_arena.synthesizer.termination import unwinding_on_sigterm
from astra_arena.synthesizer.watching import watched


def parse_hops(text: str) -> HopRange:
    """Read how long decompositions may be.

    Raises:
        typer.BadParameter: if it is no range.
    """
    least, _, most = text.partition("-")
    try:
        return HopRange(least=int(least), most=int(most or least))
    except ValueError:
        raise typer.BadParameter(f"expected hops like 3-5, got {text!r}") from None


_Source: TypeAlias = Annotated[
    Path, typer.Argument(help="Instances of `arena import qa`; with a model also pairs and seeds.")
]
_Out: TypeAlias = Annotated[
    Path, typer.Option(help="Folder for the environments, one bundle each.")
]
_Tasks: TypeAlias = Annotated[
    int, typer.Option(min=1, help="How many tasks each environment is to have.")
]
_Seed: TypeAlias = Annotated[int, typer.Option(help="Decides every draw.")]
_Gates: TypeAlias = Annotated[
    str, typer.Option(help="Release gates to run: all, quick, or names with commas.")
]
_Variants: TypeAlias = Annotated[
    str | None,
    typer.Option(
        help="Variants to make besides: all, or some with shares like "
        "missing_function=0.2,faults=0.1."
    ),
]
_Only: TypeAlias = Annotated[
    StageName | None, typer.Option(help="Run one stage on what the one before has left.")
]
_Hops: TypeAlias = Annotated[
    HopRange | None,
    typer.Option(parser=parse_hops, metavar="N-M", help="Hops of what the model takes apart."),
]
_Votes: TypeAlias = Annotated[
    int, typer.Option(min=1, help="Votes on each decomposition in each dimension.")
]
_LeastScore: TypeAlias = Annotated[
    float, typer.Option(min=0, max=1, help="Score that a decomposition has to reach.")
]
_Percentile: TypeAlias = Annotated[
    float, typer.Option(min=0, max=100, help="Percentile of the run that it has to reach, too.")
]
_Distractors: TypeAlias = Annotated[
    int, typer.Option(min=0, help="Other rows of each table that a question reads, at least.")
]
_ExtraParameters: TypeAlias = Annotated[
    int, typer.Option(min=0, help="How complex tools are: optional parameters of each, at least.")
]
_PerWorld: TypeAlias = Annotated[
    int, typer.Option(min=1, help="Questions of one field that share a world, at most.")
]
_Licence: TypeAlias = Annotated[
    str, typer.Option(help="SPDX identifier of pairs and seeds; instances bring theirs.")
]
_LicenceSource: TypeAlias = Annotated[str, typer.Option(help="Where pairs and seeds come from.")]
_Json: TypeAlias = Annotated[bool, typer.Option("--json", help="Figures as JSON on stdout.")]


@takes_model
def synth_qa(
    asked: ModelOptions,
    source: _Source,
    out: _Out,
    tasks: _Tasks = DEFAULT_TASKS,
    seed: _Seed = 0,
    gates: _Gates = "all",
    variants: _Variants = None,
    only: _Only = None,
    hops: _Hops = None,
    votes: _Votes = DEFAULT_VOTES,
    least_score: _LeastScore = DEFAULT_LEAST_SCORE,
    percentile: _Percentile = DEFAULT_PERCENTILE,
    distractors: _Distractors = DEFAULT_DISTRACTORS,
    extra_parameters: _ExtraParameters = DEFAULT_EXTRAS,
    per_world: _PerWorld = DEFAULT_PER_WORLD,
    licence: _Licence = "NOASSERTION",
    licence_source: _LicenceSource = "",
    as_json: _Json = False,
) -> None:
    """Turn questions into environments; only with --model a language model is asked.

    Questions that bring a program need none. With a model the others are taken apart, judged, and
    put into worlds with tools, stage by stage; DIR/stages holds what each made of each item.

    Example: arena synth qa gsm8k.jsonl --out gsm8k-environments --tasks 100

    Example: arena synth qa pairs.jsonl --out made --model qwen --base-url http://127.0.0.1:8000/v1
    """
    named_gates = parse_gates(gates)
    shares = {} if variants is None else parse_variants(variants)
    chosen = AuthoringOptions(
        votes=votes,
        thresholds=Thresholds(least_score, percentile),
        seed=seed,
        hops=hops,
        worlds=WorldOptions(distractors, per_world, extra_parameters),
        licence=Licence(name=licence, source=licence_source),
        gates=named_gates,
        variants=shares,
        at_once=asked.concurrency,
    )
    questions = QuestionOptions(tasks=tasks, seed=seed, gates=named_gates, variants=shares)
    _synth(source, out, asked, chosen, questions, only=only, as_json=as_json)


def _synth(
    source: Path,
    out: Path,
    model: ModelOptions,
    authoring: AuthoringOptions,
    questions: QuestionOptions,
    *,
    only: StageName | None,
    as_json: bool,
) -> None:
    asks = model.model is not None or bool(model.transcripts)
    if only is not None and not asks:
        raise SettingsError(f"--only {only} is a stage with a model: give --model or --transcript")
    authored: Authoring | None = None
    made: QuestionSynthesis | None = None
    with unwinding_on_sigterm(), watched() as watcher:
        if asks:
            authored = author_questions(source, out, model, authoring, only=only, watcher=watcher)
        if not asks or (only is None and brings_programs(source)):
            made = synthesize_questions(source, out, questions, watcher=watcher)
    _tell(authored, made, as_json=as_json)
    if authored is not None and made is None and only in (None, EMIT) and not authored.bundles:
        raise GateError(f"no environment was released; {authored.folder} says of each item why")


def _tell(authored: Authoring | None, made: QuestionSynthesis | None, *, as_json: bool) -> None:
    for notice in () if made is None else made.notices:
        print_notice(notice)
    if as_json:
        report: dict[str, Json] = {} if made is None else dict(made.report)
        if authored is not None:
            report["authored"] = authored.report
            report["spending"] = authored.spending.model_dump(mode="json")
        print(json.dumps(report, indent=2, ensure_ascii=False))
        return
    console = output_console()
    for line in () if authored is None else authored.lines():
        print_hanging(console, "", line)
    bundles = [*(() if authored is None else authored.bundles)]
    bundles += () if made is None else made.bundles
    for bundle in bundles:
        _print(bundle)
    if made is not None and made.report["rejected"]:
        told = f"{made.report['rejected']} of {made.report['instances']} instances became no task"
        print_hanging(console, "", told, after=f"→ {made.rejects}")
    if bundles:
        print_next_steps(console, bundles[0].path)


def _print(bundle: Bundle) -> None:
    console = output_console()
    console.print(f"[bold]{bundle.title}[/bold]", soft_wrap=True)
    tools = len(bundle.environment.tools)
    tasks = "1 task" if len(bundle.tasks) == 1 else f"{len(bundle.tasks)} tasks"
    told = f"{tasks} over {tools} tool{'' if tools == 1 else 's'}"
    print_hanging(console, "", told, after=f"→ {bundle.path}")
    counts = Counter(task.variant for task in bundle.tasks if task.variant != "base")
    if counts:
        listed = ", ".join(f"{count} {name}" for name, count in sorted(counts.items()))
        print_hanging(console, "", f"of these, variants: {listed}")
    for task in bundle.tasks[:2]:
        print_hanging(console, f"  {task.id}  ", task.prompt)
