"""What the control plane is asked and answers; the client's side of it reads the same JSON."""

from pydantic import Field

from astra_arena.core.canonical import JsonObject
from astra_arena.core.model import Model
from astra_arena.core.rollouts import EpisodeRecord, Failure
from astra_arena.core.tasks import Budget
from astra_arena.core.verdicts import Verdict

_SEED_BOUND = 2**63


class Health(Model):
    """The server answers."""

    status: str


class EnvironmentInfo(Model):
    """What is served under one name."""

    name: str
    title: str
    description: str
    domain: str
    environment_digest: str
    tasks_digest: str | None
    tasks: int
    """How many."""
    tools: tuple[str, ...]
    tier: str
    """What confines the tool code."""


class TaskInfo(Model):
    """A task without its gold."""

    id: str
    prompt: str
    split: str
    variant: str
    budget: Budget
    difficulty: JsonObject
    needs_reply: bool
    """Whether it can only be played by an agent that ends its turns in words."""


class TaskPage(Model):
    """A part of an environment's tasks."""

    total: int
    tasks: tuple[TaskInfo, ...]


class EpisodeRequest(Model):
    """Which task to open an episode of."""

    environment: str
    task: str
    seed: int = Field(default=0, ge=-_SEED_BOUND, lt=_SEED_BOUND)
    variant: str = "base"


class OpenedEpisode(Model):
    """An episode that was just opened."""

    id: str
    environment: str
    environment_digest: str
    tasks_digest: str | None
    task: str
    seed: int
    variant: str
    prompt: str
    budget: Budget
    needs_reply: bool
    """Whether the agent ends its turns by the tool `reply`."""
    tools_digest: str
    """Equal for equal lists of tools in the first turn, within one environment digest."""
    mcp: str
    """Where the agent plays; whoever knows it can play."""
    control: str
    """Where the harness asks for the record and the verdict."""
    tier: str


class SpokenMessage(Model):
    """What an agent says to end its turn."""

    message: str
    kind: str = "answer"
    """`answer`, `question` or `cannot`."""
    key: str | None = None
    """Idempotency key: a message that was taken already is answered from the log."""


class UserAnswer(Model):
    """What the user says next."""

    user: str | None
    """`null` at the end."""
    done: bool
    """Whether the conversation is over."""


class EpisodeStatus(Model):
    """How an episode stands."""

    id: str
    environment: str
    task: str
    open: bool
    calls: int
    void: Failure | None


class EpisodeEnd(Model):
    """What remains of an episode."""

    record: EpisodeRecord
    verdict: Verdict | None
    """Absent when the episode is void."""


class ErrorInfo(Model):
    """What broke, where."""

    boundary: str
    message: str


class ErrorAnswer(Model):
    """The body of every answer that is not a success."""

    error: ErrorInfo
