"""What the control plane answers, as the harness reads it."""

from pydantic import ConfigDict, Field

from astra_arena.core.canonical import JsonObject
from astra_arena.core.model import Model
from astra_arena.core.rollouts import EpisodeRecord
from astra_arena.core.tasks import Budget
from astra_arena.core.verdicts import Verdict


class Reply(Model):
    """An answer of the control plane; fields that a newer server adds are passed over."""

    model_config = ConfigDict(extra="ignore")


class EnvironmentCard(Reply):
    """An environment as the control plane lists it."""

    name: str
    title: str
    description: str
    domain: str
    environment_digest: str
    tasks_digest: str | None = None
    tasks: int
    """How many."""
    tools: tuple[str, ...]
    """Their names."""
    tier: str


class TaskCard(Reply):
    """A task without its gold."""

    id: str
    prompt: str
    split: str = "train"
    variant: str = "base"
    budget: Budget = Budget()
    difficulty: JsonObject = Field(default_factory=dict)
    needs_reply: bool = False


class TaskPage(Reply):
    """A part of an environment's tasks."""

    total: int
    """How many there are altogether."""
    tasks: tuple[TaskCard, ...]


class OpenedEpisode(Reply):
    """An episode that waits for its agent."""

    id: str
    environment: str
    environment_digest: str
    tasks_digest: str | None = None
    task: str
    seed: int
    variant: str
    prompt: str
    budget: Budget
    needs_reply: bool = False
    tools_digest: str = ""
    tool_names: dict[str, str] = Field(default_factory=dict[str, str])
    """With a tool mixing: by `environment__tool`, the name that the agent uses for it."""
    mcp: str
    """Where its agent connects."""
    control: str
    tier: str


class SnapshotCard(Reply):
    """An episode as it was at one moment."""

    id: str
    episode: str
    calls: int
    state_digests: dict[str, str | None]
    """By environment; `None` where no tool was called yet."""


class UserAnswer(Reply):
    """What the user says next."""

    user: str | None
    done: bool


class ClosedEpisode(Reply):
    """What remains of an episode that is over."""

    record: EpisodeRecord
    verdict: Verdict | None = None
