"""The record of an episode: what was played, what was said and done, what it earned.

Everything but `timing` is a function of (bundle, task, seed, agent), so equal rollouts have equal
`digest`s. A void rollout carries the failure of the machinery and never a verdict.
"""

from typing import Literal

from pydantic import Field, model_validator

from astra_arena.core.calls import CallRecord
from astra_arena.core.canonical import JsonObject, digest_of
from astra_arena.core.model import Model
from astra_arena.core.tasks import Budget, BudgetChange, Task
from astra_arena.core.tool_mixing import MixedNames, ToolMixing
from astra_arena.core.verdicts import Verdict

ROLLOUT_FORMAT_VERSION = 1

Transport = Literal["http", "stdio", "memory"]
Ending = Literal["agent", "budget", "agent_error", "void"]
"""`agent`: the agent ended its turn. `agent_error`: its code raised; what it did until then is
scored, so that crashing is no way out of a losing episode. `void`: the machinery broke; never
scored."""


class Failure(Model):
    """What broke, where."""

    boundary: str
    """The boundary of the `ArenaError`: `sandbox`, `connection`, `agent` …"""
    message: str


class Timing(Model):
    """Wall-clock facts; never part of a digest."""

    started_at: str
    """UTC, ISO 8601."""
    seconds: float
    call_seconds: tuple[float, ...] = ()
    """As the agent's side measured them, one for each call it made."""


class EpisodeRecord(Model):
    """What the host knows of an episode; from the control plane or a journal."""

    environment: str
    environment_digest: str
    tasks_digest: str
    task_id: str
    seed: int
    variant: str = "base"
    tier: str
    """What confined the tool code, as the sandbox states it."""
    calls: tuple[CallRecord, ...] = ()
    void: Failure | None = None
    """The infrastructure failure that ended the episode, if one did."""
    defects: int = 0
    """Calls that ended as environment errors."""
    branched_at: int | None = None
    """Of a branch: how many calls at the log's beginning are those of the episode before it."""
    budget: Budget | None = None
    """What the episode might use, where that is not the task's own budget."""
    mixing: ToolMixing | None = None
    """The mixing that the episode was opened with, where that is not the task's own."""
    mixed: MixedNames | None = None
    """What came of a mixing."""

    def task_as_played(self, task: Task) -> Task:
        """Return the task with the budget and the mixing that the episode had."""
        changes = {"budget": self.budget, "mixing": self.mixing}
        return task.model_copy(update={k: v for k, v in changes.items() if v is not None})


class Rollout(Model):
    """One attempt of one agent at one task; a line of a rollout file."""

    format_version: Literal[1]
    id: str
    """Digest of what was asked for: environment, task, seed, variant, agent, and the budget and
    the mixing that were asked for in place of the task's own. Attempts share it."""
    agent: str
    attempt: int = 0
    transport: Transport
    episode: EpisodeRecord
    messages: tuple[JsonObject, ...] = ()
    """The conversation in chat-completions form."""
    ended: Ending
    failure: Failure | None = None
    """What broke, when the rollout ended as `agent_error` or `void`."""
    verdict: Verdict | None = None
    timing: Timing | None = Field(default=None)

    @model_validator(mode="after")
    def _void_has_no_verdict(self) -> "Rollout":
        if (self.failure is not None) != (self.ended in ("agent_error", "void")):
            raise ValueError("a rollout has a failure exactly when it ended as agent_error or void")
        if (self.verdict is None) != (self.ended == "void"):
            raise ValueError("a rollout has a verdict exactly when it is not void")
        return self

    @property
    def reward(self) -> float | None:
        """What was earned; `None` when the rollout is void."""
        return None if self.verdict is None else self.verdict.reward

    @property
    def digest(self) -> str:
        """Digest of everything but the times."""
        data = self.to_json()
        data.pop("timing", None)
        return digest_of(data)


def rollout_id(
    *,
    environment_digest: str,
    tasks_digest: str,
    task_id: str,
    seed: int,
    variant: str,
    agent: str,
    budget: BudgetChange | None = None,
    mixing: ToolMixing | None = None,
) -> str:
    """Return the id of the rollout that these make; a resumed run skips ids that it holds."""
    key: JsonObject = {
        "agent": agent,
        "environment": environment_digest,
        "seed": seed,
        "task": task_id,
        "tasks": tasks_digest,
        "variant": variant,
    }
    if budget is not None:
        key["budget"] = budget.to_json()
    if mixing is not None:
        key["mixing"] = mixing.to_json()
    return digest_of(key).partition(":")[2][:24]
