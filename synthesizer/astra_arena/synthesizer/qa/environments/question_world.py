"""The seam of the worlds: instances of one kind share a world and its tools."""

import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from astra_arena.core.canonical import Json, JsonObject
from astra_arena.core.environment import ToolSpec
from astra_arena.core.tasks import FinalAnswer, SubQuestion
from astra_arena.synthesizer.qa.instance import QAInstance
from astra_arena.synthesizer.qa.languages import Language

NEEDS_MODEL = "needs --model: "
"""What a reason begins with where a language model could make a task of the instance."""


def worded(words: Mapping[Language, str], language: Language, **values: str) -> str:
    """Return a sentence in the language of an instance."""
    return words[language].format(**values)


@dataclass(frozen=True, slots=True)
class PlannedTask:
    """What a task asks, before it is one."""

    say: str
    sub_questions: tuple[SubQuestion, ...]
    final_answer: FinalAnswer


class QuestionWorld(Protocol):
    """A world that instances of one kind share."""

    @property
    def kind(self) -> str:
        """Part of the environment's name."""
        ...

    @property
    def title(self) -> str:
        """What people call it."""
        ...

    @property
    def description(self) -> str:
        """What it is about, in a sentence."""
        ...

    @property
    def specs(self) -> tuple[ToolSpec, ...]:
        """What agents are told of the tools."""
        ...

    @property
    def tools_py(self) -> str:
        """The code of the tools."""
        ...

    def create(self, world: sqlite3.Connection) -> None:
        """Make the tables."""
        ...

    def add(self, instance: QAInstance, world: sqlite3.Connection) -> None:
        """Add what an instance is about; its facts, and all else that stands beside them."""
        ...

    def plan(self, instance: QAInstance, environment: str, *, indirect: bool) -> PlannedTask:
        """Return the task of an instance that was added.

        Args:
            instance: The instance.
            environment: The environment's name.
            indirect: Whether what it is about is to be found first, where that is possible.

        Raises:
            SpecError: saying why it cannot be one.
        """
        ...


def object_schema(properties: JsonObject, required: Iterable[str]) -> JsonObject:
    """Return the schema of an object that has nothing else."""
    return {
        "type": "object",
        "properties": properties,
        "required": list[Json](required),
        "additionalProperties": False,
    }


def text_schema(description: str) -> JsonObject:
    """Return the schema of a text."""
    return {"type": "string", "maxLength": 500, "description": description}


def rows_schema(name: str, row: JsonObject) -> JsonObject:
    """Return the schema of a reply that lists rows."""
    items = object_schema(row, row)
    return object_schema({name: {"type": "array", "items": items}}, [name])
