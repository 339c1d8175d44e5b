"""The verb `arena import`: files of questions become instances."""

import json
from pathlib import Path
from typing import Annotated

import typer

from astra_arena.core.environment import Licence
from astra_arena.core.errors import SettingsError
from astra_arena.core.output import output_console, print_hanging
from astra_arena.synthesizer.qa.formats.registry import AUTO, format_names
from astra_arena.synthesizer.qa.importing import ImportOptions, ImportReport, import_questions
from astra_arena.synthesizer.termination import unwinding_on_sigterm
from astra_arena.synthesizer.watching import watched

import_app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, no_args_is_help=True)


@import_app.callback()
def _import() -> None:  # pyright: ignore[reportUnusedFunction]
    """Read what you have into one form, from which environments are made."""


@import_app.command("qa")
def import_qa(
    source: Annotated[Path, typer.Argument(help="JSON or JSON lines, plain or .gz.")],
    out: Annotated[Path, typer.Option(help="File for the instances, one per line.")],
    format_name: Annotated[
        str, typer.Option("--format", help=f"One of: {', '.join(format_names())}.")
    ] = AUTO,
    domain: Annotated[str, typer.Option(help="The field that all records are from.")] = "",
    language: Annotated[str, typer.Option(help="en or zh.")] = "en",
    translated: Annotated[
        bool, typer.Option("--translated", help="The words are a translation of the source's.")
    ] = False,
    licence: Annotated[str, typer.Option(help="SPDX identifier of the data.")] = "NOASSERTION",
    licence_source: Annotated[str, typer.Option(help="Where the data comes from.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Figures as JSON on stdout.")] = False,
) -> None:
    """Import a file of questions; every record becomes instances, or a reject that says why.

    Rejects lie beside the output, in FILE.rejects.jsonl. A run that was cut off goes on where it
    stopped when it is started again.

    Example: arena import qa train.jsonl --out gsm8k.jsonl --licence MIT

    Example: arena import qa musique_dev.jsonl --out musique.jsonl --format musique
    """
    if language != "en" and language != "zh":
        raise SettingsError(f"--language is en or zh; got {language!r}")
    options = ImportOptions(
        format=format_name,
        domain=domain,
        language=language,
        translated=translated,
        licence=Licence(name=licence, source=licence_source),
    )
    with unwinding_on_sigterm(), watched() as watcher:
        report = import_questions(
            source, out, options, progress=lambda done: watcher("import records", done, 0)
        )
    if as_json:
        print(json.dumps(report.to_json(), indent=2, ensure_ascii=False))
    else:
        _print(report)


def _print(report: ImportReport) -> None:
    console = output_console()
    told = f"{report.instances} instances of {report.records} records ({report.format})"
    print_hanging(console, "", told, after=f"→ {report.out}")
    if report.rejected:
        told = f"{report.rejected} rejected, with reasons"
        print_hanging(console, "", told, after=f"→ {report.rejects}")
    shares = ", ".join(
        f"{count} {name.replace('_', ' ')}" for name, count in report.topologies.most_common()
    )
    print_hanging(
        console, "", f"{report.decomposed} come with sub-questions{f': {shares}' * bool(shares)}"
    )
    for missing, count in report.missing.most_common():
        print_hanging(console, "", f"{count} lack {missing}")
