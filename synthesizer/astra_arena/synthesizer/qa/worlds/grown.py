"""What the stage `synthesize` leaves of an instance: its part of a world, and its calls."""

from typing import Literal

from pydantic import Field

from astra_arena.core.answers import answers_match
from astra_arena.core.canonical import Json, JsonObject
from astra_arena.core.model import Model
from astra_arena.core.tasks import AnswerKind, RowSelector
from astra_arena.synthesizer.qa.decomposition import StatedAnswer
from astra_arena.synthesizer.qa.instance import QAInstance
from astra_arena.synthesizer.qa.worlds.replies import NewTool, WorldData

ANSWER_LISTS: tuple[AnswerKind, ...] = ("list", "set")


class FoundCall(Model):
    """The call that answers a sub-question, as it was seen to do."""

    id: str
    tool: str
    arguments: JsonObject
    """Complete; the answer of another sub-question is a reference, see `core.tasks`."""
    path: str
    """Pointer to the answer in its reply."""
    where: RowSelector | None = None
    """The row that holds it, where the reply lists rows."""
    kind: AnswerKind
    answer: Json
    """As it is stated; the reference query gives the same."""


class Grown(Model):
    """An instance with what it added to its world."""

    id: str
    world: str
    """Name of the world, and of the environment that comes of it."""
    instance: QAInstance
    data: WorldData
    tools: tuple[NewTool, ...] = ()
    calls: tuple[FoundCall, ...] = Field(min_length=1)


class Merge(Model):
    """What came of tools with one intent."""

    intent: str
    tools: tuple[str, ...]
    outcome: Literal["merged", "kept apart"]
    name: str = ""
    """Of the tool that took their place."""
    reason: str = ""
    """Why they were kept apart."""


class WorldDraft(Model):
    """All that instances made of one world."""

    id: str
    members: tuple[Grown, ...] = Field(min_length=1)


class Dropped(Model):
    """An instance whose calls do not hold in the finished world."""

    id: str
    problems: tuple[str, ...] = Field(min_length=1)


class MergedWorld(Model):
    """A world whose tools are final."""

    id: str
    data: tuple[WorldData, ...] = Field(min_length=1)
    """Of all instances, those that were dropped among them: others may use their tables."""
    members: tuple[Grown, ...] = Field(min_length=1)
    """With their calls as they are now; rows and tools that they brought are in `data` and
    `tools`."""
    tools: tuple[NewTool, ...] = Field(min_length=1)
    merges: tuple[Merge, ...] = ()
    dropped: tuple[Dropped, ...] = ()


def compared_as(stated: StatedAnswer) -> AnswerKind:
    """Return how an answer is compared: order counts only where something stands twice."""
    value = stated.value
    if stated.kind in ANSWER_LISTS and isinstance(value, list):
        return "set" if len({repr(one) for one in value}) == len(value) else "list"
    return stated.kind


def agrees(stated: StatedAnswer, came: Json) -> bool:
    """Tell whether a value is the answer that is stated."""
    return answers_match(compared_as(stated), stated.value, came, tolerance=stated.tolerance)
