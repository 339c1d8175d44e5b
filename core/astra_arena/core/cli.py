"""The `arena` command: a table of verbs, each brought by the part that does the work.

Only the verb that was typed is imported. A verb whose part is not installed names the extra to
install. Results go to stdout (`--json` for machines), progress and errors to stderr. Exit codes:
0 done, 1 findings or broken machinery, 2 misuse or bad input, 130 interrupted.
"""

import difflib
import functools
import importlib
import inspect
import os
import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import metadata
from typing import cast

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from astra_arena.core.errors import (
    ArenaError,
    BundleError,
    PolicyError,
    RecordError,
    SettingsError,
    SourceError,
    SpecError,
    TranscriptError,
    UnknownTaskError,
)

DISTRIBUTION = "astra-arena"

MISUSE = (
    BundleError,
    PolicyError,
    RecordError,
    SettingsError,
    SourceError,
    SpecError,
    TranscriptError,
    UnknownTaskError,
)
"""What was given cannot be used: exit code 2."""

INTERRUPTED = "interrupted; what was written is whole, run again to go on"


@dataclass(frozen=True, slots=True)
class Verb:
    """A sub-command: where its code is and which extra brings it."""

    target: str
    """`module:attribute` of a function or of a `typer.Typer`."""
    extra: str
    summary: str


VERBS: dict[str, Verb] = {
    "demo": Verb(
        "astra_arena.synthesizer.demo_cli:demo",
        "synthesizer",
        "The whole journey on real data: database to scored rollouts",
    ),
    "import": Verb(
        "astra_arena.synthesizer.qa.import_cli:import_app",
        "synthesizer",
        "Read files of questions into one form, whatever format they are in",
    ),
    "synth": Verb(
        "astra_arena.synthesizer.cli:synth",
        "synthesizer",
        "Turn tables, databases or questions into environments (bundles)",
    ),
    "check": Verb(
        "astra_arena.synthesizer.gates.cli:check",
        "synthesizer",
        "Run the release gates on a bundle and write its report card",
    ),
    "difficulty": Verb(
        "astra_arena.synthesizer.difficulty_cli:difficulty",
        "synthesizer",
        "Measure how hard a bundle's tasks are for scripted solvers",
    ),
    "reword": Verb(
        "astra_arena.synthesizer.rewording.reword_cli:reword",
        "synthesizer",
        "Have a model say a bundle's questions in other words",
    ),
    "init": Verb(
        "astra_arena.servers.bundles.authoring_cli:init",
        "servers",
        "Scaffold an environment to write by hand",
    ),
    "seal": Verb(
        "astra_arena.servers.bundles.authoring_cli:seal",
        "servers",
        "Check what was changed by hand and write its digests",
    ),
    "migrate": Verb(
        "astra_arena.servers.bundles.authoring_cli:migrate",
        "servers",
        "Bring bundles of older formats to the present one",
    ),
    "inspect": Verb(
        "astra_arena.servers.cli:inspect",
        "servers",
        "Show a bundle's tools, tasks and digests",
    ),
    "serve": Verb(
        "astra_arena.servers.cli:serve",
        "servers",
        "Serve bundles to MCP clients over HTTP or stdio",
    ),
    "emit": Verb(
        "astra_arena.servers.emission.emit_cli:emit",
        "servers",
        "Write folders that serve bundles by themselves, in containers too",
    ),
    "gateway": Verb(
        "astra_arena.servers.gateway.cli:gateway_app",
        "servers",
        "Use external MCP servers as environments",
    ),
    "sandbox-worker": Verb(
        "astra_arena.sandbox.cli:sandbox_worker",
        "sandbox",
        "Run tool code for servers on this machine or on others",
    ),
    "sandbox-probe": Verb(
        "astra_arena.sandbox.cli:sandbox_probe",
        "sandbox",
        "Say what confines tool code on this machine, and what does not",
    ),
    "rollout": Verb(
        "astra_arena.client.cli:rollout",
        "client",
        "Let agents play tasks and collect scored rollouts",
    ),
    "score": Verb(
        "astra_arena.client.cli:score",
        "client",
        "Score rollouts or journals again, from the record alone",
    ),
    "report": Verb(
        "astra_arena.client.cli:report",
        "client",
        "Summarise rollout files by agent",
    ),
}


def main() -> None:
    """Run the command named by `sys.argv` and exit with its code."""
    code = run(sys.argv[1:])
    if code == 128 + signal.SIGINT:
        # Dying of the signal lets a calling shell stop its loop, too.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGINT)
    sys.exit(code)


def run(arguments: Sequence[str]) -> int:
    """Run `arena` with these arguments and return the exit code."""
    if not arguments or arguments[0] in ("--help", "-h", "help"):
        _print_overview()
        return 0 if arguments else 2
    name, rest = arguments[0], list(arguments[1:])
    if name in ("--version", "-V"):
        print(f"arena {metadata.version(DISTRIBUTION)}")
        return 0
    if name not in VERBS:
        near = difflib.get_close_matches(name, VERBS, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else "; `arena --help` lists them"
        return _complain(f"no verb {name!r}{hint}", code=2)
    try:
        _call(name, rest)
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except ArenaError as error:
        return _complain(error.message, code=2 if isinstance(error, MISUSE) else 1)
    except KeyboardInterrupt:
        return _complain(INTERRUPTED, code=128 + signal.SIGINT)
    except BrokenPipeError:
        # The reader of a pipe left; the interpreter must not complain about it at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return 0


def _call(name: str, arguments: list[str]) -> None:
    target = _load(name)
    if isinstance(target, typer.Typer):
        app = target
    else:
        app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
        app.command()(target)
    for command in app.registered_commands:
        command.help = command.help or _paragraphs(command.callback)
        if command.callback is not None:
            command.callback = _interruptible(command.callback)
    app(args=arguments, prog_name=f"arena {name}")


def _paragraphs(function: Callable[..., object] | None) -> str:
    """Return the description of a verb with whole paragraphs as lines, which a terminal breaks."""
    described = inspect.getdoc(function) or ""
    return "\n\n".join(" ".join(part.split()) for part in described.split("\n\n"))


def _interruptible(function: Callable[..., object]) -> Callable[..., object]:
    """Let Ctrl-C reach `run`: typer would turn it into exit code 1."""

    @functools.wraps(function)
    def called(*args: object, **options: object) -> object:
        try:
            return function(*args, **options)
        except KeyboardInterrupt:
            _complain(INTERRUPTED, code=128 + signal.SIGINT)
            raise typer.Exit(128 + signal.SIGINT) from None

    return called


def _load(name: str) -> Callable[..., object] | typer.Typer:
    verb = VERBS[name]
    module_name, _, attribute = verb.target.partition(":")
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        missing = error.name or "?"
        raise SettingsError(
            f"`arena {name}` needs the package {missing!r}, which is not installed; "
            f"install it with: pip install '{DISTRIBUTION}[{verb.extra}]'"
        ) from None
    return cast("Callable[..., object] | typer.Typer", getattr(module, attribute))


def _print_overview() -> None:
    console = Console()
    console.print("[bold]arena[/bold]: environments for tool-using agents, with verified rewards\n")
    console.print(
        "Usage: arena VERB [OPTIONS]    `arena VERB --help` shows options and an example\n"
    )
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 3, 0, 2))
    for name, verb in VERBS.items():
        table.add_row(f"[bold]{name}[/bold]", verb.summary)
    console.print(table)
    console.print("\nStart here: arena demo")


def _complain(message: str, *, code: int) -> int:
    Console(stderr=True, soft_wrap=True).print(f"[bold red]arena:[/bold red] {escape(message)}")
    return code


if __name__ == "__main__":
    main()
