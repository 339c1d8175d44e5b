"""The verb `arena check`: runs the release gates and writes the report card."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from astra_arena.core.canonical import pretty_text
from astra_arena.core.errors import SettingsError
from astra_arena.core.output import output_console, print_hanging
from astra_arena.servers.bundles.collection import source_folders
from astra_arena.synthesizer.gates.examination import examine
from astra_arena.synthesizer.gates.registry import chosen_gates
from astra_arena.synthesizer.gates.release import default_rejects, release, write_rejects
from astra_arena.synthesizer.gates.report_card import ReportCard
from astra_arena.synthesizer.gates.report_page import TITLES, report_page
from astra_arena.synthesizer.termination import unwinding_on_sigterm
from astra_arena.synthesizer.watching import watched

REPORT = "report.json"
PAGE = "report.html"
REJECTS = "rejects.jsonl"
MOST_LISTED = 5


def check(
    bundle: Annotated[
        Path, typer.Argument(help="Folder of a bundle or a suite, or one that holds such.")
    ],
    out: Annotated[
        Path | None,
        typer.Option(help=f"Folder for {REPORT}, {PAGE} and {REJECTS}; they quote gold."),
    ] = None,
    gate: Annotated[
        list[str] | None, typer.Option(help="Run this gate alone; may be given several times.")
    ] = None,
    release_to: Annotated[
        Path | None,
        typer.Option("--release", help="Folder for a bundle of the tasks that passed."),
    ] = None,
    seed: Annotated[int, typer.Option(help="Decides every draw.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="The report on stdout.")] = False,
) -> None:
    """Run the release gates: prove that an environment and its tasks hold what they promise.

    Exit code 0: all passed. 1: there are findings; tasks that failed are left out of what is
    released, and an environment that failed is not released at all. 2: no bundle, or misuse.

    Example: arena check shop-bundle --out shop-report

    Example: arena check shop-bundle --release shop-released

    Example: arena check shop-bundle --gate schema --gate leak --json

    Example: arena check servers/suite
    """
    names = tuple(gate or ())
    gates = chosen_gates(names)
    if names and release_to is not None:
        raise SettingsError("--release needs all gates; leave out --gate")
    folders = source_folders(bundle)
    if folders != (bundle,) and release_to is not None:
        raise SettingsError(f"--release is for one of them, like {folders[0]}")
    cards: dict[Path, ReportCard] = {}
    with unwinding_on_sigterm(), watched() as watcher:
        for folder in folders:
            cards[folder] = examine(folder, gates=gates, seed=seed, watcher=watcher)
    for folder, card in cards.items():
        place = out if out is None or folder == bundle else out / folder.name
        if place is not None:
            write_report(card, place)
        if not as_json:
            _print(card, place)
    if as_json:
        reports = [card.to_report(gold=True) for card in cards.values()]
        print(json.dumps(reports[0] if folders == (bundle,) else reports, indent=2))
    if release_to is not None:
        _release(bundle, cards[bundle], release_to, told=not as_json)
    if not all(card.clean for card in cards.values()):
        raise typer.Exit(1)


def _release(bundle: Path, card: ReportCard, out: Path, *, told: bool) -> None:
    released = release(bundle, card, out)
    if told:
        console = output_console()
        print_hanging(console, "", f"{len(released.tasks)} tasks released", after=f"→ {out}")
        print_hanging(console, "", "rejects", after=f"→ {default_rejects(out)}")


def write_report(card: ReportCard, out: Path) -> None:
    """Write the report, the page and the rejects into the folder `out`; they quote gold.

    Raises:
        SettingsError: if the folder cannot be written.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
        report = pretty_text(card.to_report(gold=True))
        (out / REPORT).write_text(report, encoding="utf-8", newline="\n")
        (out / PAGE).write_text(report_page(card), encoding="utf-8", newline="\n")
    except OSError as error:
        problem = error.strerror or str(error)
        raise SettingsError(f"the report cannot be written to {out}: {problem}") from None
    write_rejects(card, out / REJECTS)


def _print(card: ReportCard, out: Path | None) -> None:
    console = output_console()
    console.print(f"[bold]{escape(card.title or card.name)}[/bold]: {card.verdict}\n")
    table = Table(box=None, pad_edge=False)
    for heading in ("gate", "result", "findings"):
        table.add_column(heading, justify="right" if heading == "findings" else "left")
    table.add_column("what it checks")
    for gate in card.gates:
        _, what = TITLES.get(gate.gate, (gate.gate, ""))
        status = gate.status.replace("_", " ")
        table.add_row(gate.gate, status, str(len(gate.findings)), escape(gate.reason or what))
    console.print(table)
    rejected = card.rejected_tasks
    told = f"; rejected: {', '.join(rejected[:MOST_LISTED])}" if rejected else ""
    more = " …" if len(rejected) > MOST_LISTED else ""
    passed = f"{len(card.passed_tasks)} of {len(card.tasks)} tasks passed"
    console.print(f"\n{passed}{told}{more}", markup=False, soft_wrap=True)
    for reject in list(card.rejects())[:MOST_LISTED]:
        where = f"{reject.gate}{f' {reject.task}' if reject.task else ''}: "
        print_hanging(console, f"  {where}", reject.problem)
    if out is not None:
        print_hanging(console, "", "report", after=f"→ {out / PAGE}")
