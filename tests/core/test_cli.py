import sys
from types import ModuleType

import pytest
import typer

from astra_arena.core import cli
from astra_arena.core.errors import ArenaError, BundleError, SandboxUnavailableError
from tests.support.requirement import requirement


def install(monkeypatch: pytest.MonkeyPatch, verb: object) -> None:
    module = ModuleType("arena_test_verbs")
    module.verb = verb  # pyright: ignore[reportAttributeAccessIssue]
    monkeypatch.setitem(sys.modules, "arena_test_verbs", module)
    monkeypatch.setitem(cli.VERBS, "test", cli.Verb("arena_test_verbs:verb", "client", "For tests"))


def raising(error: BaseException) -> object:
    def verb() -> None:
        raise error

    return verb


@requirement("cli:help")
def test_without_a_verb_the_overview_lists_all(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run([]) == 2
    assert cli.run(["--help"]) == 0
    out = capsys.readouterr().out
    assert all(verb in out for verb in cli.VERBS)


def test_the_version_is_the_installed_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["--version"]) == 0
    assert capsys.readouterr().out.startswith("arena 0.")


def test_a_mistyped_verb_gets_a_suggestion(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["insect"]) == 2
    assert "did you mean 'inspect'" in capsys.readouterr().err


@requirement("cli:missing-extra")
def test_a_verb_whose_part_is_missing_names_the_extra(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(cli.VERBS, "test", cli.Verb("no_such_module:verb", "client", "For tests"))
    assert cli.run(["test"]) == 2
    err = " ".join(capsys.readouterr().err.split())
    assert "'no_such_module'" in err
    assert "pip install 'astra-arena[client]'" in err


@requirement("cli:exit-codes")
@pytest.mark.parametrize(
    ("error", "code"),
    [
        (BundleError("no [bundle] here"), 2),
        (SandboxUnavailableError("no sandbox"), 1),
        (ArenaError("broken"), 1),
        (typer.Exit(1), 1),
        (SystemExit("text"), 1),
        (KeyboardInterrupt(), 130),
    ],
)
def test_errors_become_exit_codes_and_one_line(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    error: BaseException,
    code: int,
) -> None:
    install(monkeypatch, raising(error))
    assert cli.run(["test"]) == code
    err = capsys.readouterr().err
    assert "Traceback" not in err
    if isinstance(error, ArenaError):
        assert err == f"arena: {error.message}\n"
    if isinstance(error, KeyboardInterrupt):
        assert err == "arena: interrupted; what was written is whole, run again to go on\n"


def test_a_verb_may_have_sub_commands(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    app = typer.Typer()

    @app.callback()
    def group() -> None:
        """Group."""

    @app.command()
    def table(source: str) -> None:
        """Table."""
        print(f"table {source}")

    assert all((callable(group), callable(table)))
    install(monkeypatch, app)
    assert cli.run(["test", "table", "x.csv"]) == 0
    assert capsys.readouterr().out == "table x.csv\n"
    assert cli.run(["test", "tabel"]) == 2


@requirement("cli:help")
def test_the_lines_of_a_description_are_broken_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def verb() -> None:
        """Do it.

        A line of the source that is as long as those of the source are allowed to be, and then
        another one that goes on with the first.
        """

    monkeypatch.setenv("COLUMNS", "80")
    install(monkeypatch, verb)
    assert cli.run(["test", "--help"]) == 0
    lines = [line.strip() for line in capsys.readouterr().out.splitlines()]
    assert "A line of the source that is as long as those of the source are allowed to be," in lines
    assert "and then another one that goes on with the first." in lines
