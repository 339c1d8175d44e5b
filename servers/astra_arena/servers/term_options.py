"""Command-line options for what episodes are played with: terms, others' tools and servers."""

import json
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from astra_arena.core.canonical import Json, JsonObject
from astra_arena.core.episode_terms import EpisodeTerms
from astra_arena.core.errors import SettingsError, SpecError
from astra_arena.core.model import Model
from astra_arena.core.tasks import BudgetChange
from astra_arena.core.tool_mixing import ToolMixing

Mixing = Annotated[
    str | None,
    typer.Option(help="Tool mixing in place of the task's: JSON, or a file of it."),
]
BudgetOption = Annotated[
    str | None,
    typer.Option(help="Change the budget: calls=16,seconds=60,turns=4, or JSON."),
]
Beside = Annotated[
    list[Path] | None,
    typer.Option(help="Bundle whose tools --mixing may draw distractors from; repeatable."),
]

AllowExternal = Annotated[
    list[str] | None,
    typer.Option(help="Start or reach the external MCP server of this environment."),
]

_ModelT = TypeVar("_ModelT", bound=Model)


def read_terms(mixing: str | None, budget: str | None) -> EpisodeTerms:
    """Return the terms that two options say.

    Raises:
        SettingsError: if an option cannot be read.
    """
    return EpisodeTerms(
        budget=None if budget is None else _read(BudgetChange, _budget(budget), "--budget"),
        mixing=None if mixing is None else _read(ToolMixing, _mixing(mixing), "--mixing"),
    )


def _read(model: type[_ModelT], value: Json, option: str) -> _ModelT:
    try:
        return model.from_json(value, what=option)
    except SpecError as error:
        raise SettingsError(error.message) from None


def _mixing(text: str) -> Json:
    if not text.lstrip().startswith("{"):
        try:
            text = Path(text).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsError(
                f"--mixing: expected JSON like {_EXAMPLE} or a file of it: {error}"
            ) from None
    return _decoded(text, "--mixing")


def _budget(text: str) -> Json:
    if text.lstrip().startswith("{"):
        return _decoded(text, "--budget")
    parts = [part.partition("=") for part in text.split(",")]
    told: JsonObject = {}
    for name, _, value in parts:
        try:
            told[name.strip()] = float(value) if "." in value else int(value)
        except ValueError:
            raise SettingsError(
                f"--budget: expected numbers like calls=16,seconds=60, got {text!r}"
            ) from None
    return told


_EXAMPLE = '{"distractors": {"count": 4}}'


def _decoded(text: str, option: str) -> Json:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise SettingsError(f"{option}: expected JSON: {error}") from None
