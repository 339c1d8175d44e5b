"""What the control plane is asked and answers; the client's side of it reads the same JSON."""

from pydantic import Field

from astra_arena.core.calls import CallRecord, StateRecord
from astra_arena.core.canonical import JsonObject
from astra_arena.core.model import Model
from astra_arena.core.rollouts import EpisodeRecord, Failure
from astra_arena.core.tasks import Budget, BudgetChange
from astra_arena.core.tool_mixing import ToolMixing
from astra_arena.core.verdicts import Verdict

_SEED_BOUND = 2**63


class Health(Model):
    """How the server stands."""

    status: str
    """`ok`; of readiness `ready`, `draining` or `no sandbox`."""


class DrainState(Model):
    """Whether the server opens episodes."""

    draining: bool
    open: int
    """How many episodes are still open."""


class EnvironmentPlace(Model):
    """Where the server reads a bundle or a suite."""

    path: str = Field(min_length=1)
    """A folder on the server's machine."""


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
    budget: BudgetChange | None = None
    """What to change of the task's budget, within what the server gives."""
    mixing: ToolMixing | None = None
    """What is done with the tools that the agent is offered, in place of the task's own mixing;
    tools of all that is served can be mixed in."""


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
    tool_names: dict[str, str] = Field(default_factory=dict[str, str])
    """With a tool mixing: by `environment__tool`, the name that the agent uses; not for agents."""
    mcp: str
    """Where the agent plays; whoever knows it can play."""
    phase: str | None = None
    """Where the tools of the first phase are, in a list that stays; `null` unless turns change the
    tools. The reply that brings the next phase names its address."""
    members: dict[str, str] = Field(default_factory=dict[str, str])
    """Where each of several environments is played by itself, its tools under their own names; the
    tool `reply` is at `mcp` alone."""
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

    mcp: str | None = None
    """Where the tools of the next phase are, if they have changed."""

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


class EpisodePage(Model):
    """A part of the open episodes."""

    total: int
    episodes: tuple[EpisodeStatus, ...]


class CallPage(Model):
    """A part of an episode's calls."""

    total: int
    calls: tuple[CallRecord, ...]


class EpisodeState(Model):
    """What the worlds of an open episode have become."""

    calls: int
    """How many calls the log held."""
    worlds: dict[str, StateRecord | None]
    """By environment; `null` where no tool was called yet."""


class SnapshotInfo(Model):
    """An episode as it was at one moment."""

    id: str
    episode: str
    calls: int
    """How many calls its log held."""
    state_digests: dict[str, str | None]
    """By environment; `null` where no tool was called yet."""


class BranchRequest(Model):
    """Where a branch begins."""

    snapshot: str | None = None
    """A snapshot of the episode; as it is now when absent."""


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
