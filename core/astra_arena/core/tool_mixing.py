"""What an episode does with an environment's tools: a mixing of the tools on offer, and of replies.

A mixing changes what an agent is offered and when replies come, never what a task asks or what its
gold earns: tools of other environments are offered beside those that are needed, tools that are not
needed are withheld, names and order change, calls fail and replies are late. What comes of one is a
function of (task, mixing, episode seed, tools), see `mixed_tools`.
"""

from typing import Literal

from pydantic import Field, model_validator

from astra_arena.core.canonical import Json
from astra_arena.core.environment import EnvironmentName, ToolName
from astra_arena.core.faults import FaultPlan
from astra_arena.core.model import Model
from astra_arena.core.randomness import random_stream

MOST_DISTRACTORS = 256
LONGEST_LATENCY = 30.0
"""Seconds."""

Band = Literal["high", "medium", "low"]
"""How alike a tool is to those that the gold uses; see `tool_similarity`."""


class Distractors(Model):
    """Tools of other environments that are offered, too; calls to them run there.

    Either `tools` are named, or `count` of them are drawn.
    """

    count: int = Field(default=0, ge=0, le=MOST_DISTRACTORS)
    environments: tuple[EnvironmentName, ...] = ()
    """Where they are drawn from; empty for every environment that is at hand."""
    bands: tuple[Band, ...] = ()
    """Only tools that are so much like the gold's are drawn; empty for all."""
    tools: tuple[str, ...] = Field(default=(), max_length=MOST_DISTRACTORS)
    """As `environment__tool`."""

    @model_validator(mode="after")
    def _says_which(self) -> "Distractors":
        if bool(self.count) == bool(self.tools):
            raise ValueError("expected either 'count', how many to draw, or 'tools'")
        if self.tools and (self.environments or self.bands):
            raise ValueError("'environments' and 'bands' are about tools that are drawn")
        return self


class Latency(Model):
    """How late replies are, each by itself."""

    low: float = Field(default=0.0, ge=0.0, le=LONGEST_LATENCY)
    """Seconds."""
    high: float = Field(ge=0.0, le=LONGEST_LATENCY)

    @model_validator(mode="after")
    def _is_a_range(self) -> "Latency":
        if self.low > self.high:
            raise ValueError("expected 'low' to be at most 'high'")
        return self


class ToolMixing(Model):
    """A mixing; everything in it is nothing by default.

    Tools are named as a task's turns name them: `tool` where the task has one environment, else
    `environment__tool`.
    """

    distractors: Distractors | None = None
    withheld: tuple[str, ...] = ()
    """Tools that are not offered."""
    withheld_share: float = Field(default=0.0, ge=0.0, le=1.0)
    """The share that is withheld of the tools that the task does not need, drawn at random."""
    renamed: dict[str, ToolName] = Field(default_factory=dict[str, str])
    """New names, without environment, by tool."""
    renamed_share: float = Field(default=0.0, ge=0.0, le=1.0)
    """The share of the tools that get another name of the same meaning, drawn at random."""
    reordered: bool = False
    """Whether tools, and properties within schemas, come in another order."""
    faults: FaultPlan | None = None
    """In place of the task's."""
    latency: Latency | None = None

    @property
    def changes_tools(self) -> bool:
        """Whether it is about more than when and whether replies come."""
        return self.model_copy(update={"faults": None, "latency": None}) != ToolMixing()


class MixedNames(Model):
    """What came of a mixing: enough to know what an agent was offered."""

    names: dict[str, str] = Field(default_factory=dict[str, str])
    """By the name that the agent uses, each tool that was offered in any turn, as
    `environment__tool`."""
    environments: dict[EnvironmentName, str] = Field(default_factory=dict[str, str])
    """The environments that distractors are of, with their digests."""


def latency_of(
    latency: Latency, *, seed: int, environment: str, tool: str, arguments: Json, attempt: int
) -> float:
    """Return how many seconds a reply is late; the same call is as late in every run.

    Args:
        latency: The range.
        seed: The episode's.
        environment: The one that the tool belongs to.
        tool: Its name there.
        arguments: As they are logged.
        attempt: How often this very call was made before in the episode.
    """
    stream = random_stream(seed, "latency", environment, tool, arguments, attempt)
    return latency.low + (latency.high - latency.low) * stream.random()
