"""The seam of the gates: what a gate is given, and how it says what it found.

A gate looks at an environment as it lies on disk and runs its tools through the sandbox alone. It
passes, fails with findings, or does not apply. A finding about a task rejects the task; one about a
tool or the whole rejects the environment. A gate that cannot be decided has failed.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Literal, Protocol

from pydantic import Field

from astra_arena.core.canonical import JsonObject
from astra_arena.core.gold_program import gold_acts
from astra_arena.core.model import Model
from astra_arena.core.tasks import Task
from astra_arena.sandbox.contract import Sandbox
from astra_arena.servers.bundles.bundle import Bundle
from astra_arena.synthesizer.gates.play import Player, Programme
from astra_arena.synthesizer.gates.remembering import CallMemory

GateStatus = Literal["passed", "failed", "not_applicable"]


class Finding(Model):
    """Something that does not hold."""

    problem: str
    """What was expected and what came; it may quote gold, so it is for operators only."""
    kind: str = ""
    """The class of the defect in a few words that hold no gold: `gold in a description`."""
    task: str | None = None
    """The task that it rejects; `None` when it rejects the environment."""
    tool: str | None = None
    evidence: JsonObject = Field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TaskMean:
    """A figure of each task, whose mean over tasks is bounded."""

    what: str
    """What the figure is, for messages."""
    most: float
    of: Mapping[str, float]
    """By task; a task that is not in it does not count."""


class GateResult(Model):
    """What a gate says of one environment. Equal environments and seeds give equal results."""

    gate: str
    status: GateStatus
    figures: JsonObject = Field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    reason: str = ""
    """With `not_applicable`: why."""
    means: tuple[TaskMean, ...] = Field(default=(), exclude=True)
    """What must hold over whatever is released; see `task_means`."""

    @property
    def rejected_tasks(self) -> frozenset[str]:
        """Ids of the tasks that may not be released."""
        return frozenset(one.task for one in self.findings if one.task is not None)

    @property
    def rejects_environment(self) -> bool:
        """Whether a finding is about more than single tasks."""
        return any(one.task is None for one in self.findings)


@dataclass(frozen=True)
class Exam:
    """An environment under examination."""

    bundle: Bundle
    """As loaded from disk, with those tasks alone that no earlier gate rejected."""
    sandbox: Sandbox
    """Runs its tools; gates that need fresh processes open their own."""
    seed: int = 0
    on_step: Callable[[str, int, int], None] = field(default=lambda gate, done, total: None)
    """Told how far a gate is: its name, steps done, steps in all."""
    memory: CallMemory = field(default_factory=CallMemory)
    """What calls returned, for gates that ask the same often; see `remembering`."""

    @property
    def tasks(self) -> tuple[Task, ...]:
        """The tasks to look at."""
        return self.bundle.tasks

    def counter(self, gate: str, total: int) -> Callable[[object], None]:
        """Return what is to be called with each result of a gate, to tell how far it is."""
        done = count(1)
        return lambda result: self.on_step(gate, next(done), total)

    def gold_programmes(self) -> list[Programme]:
        """Return the gold program of each task."""
        return [Programme(task, gold_acts(task)) for task in self.tasks]

    def player(self) -> Player:
        """Return what plays programs of acts in this environment."""
        return Player(self.bundle, self.sandbox, seed=self.seed)


class Gate(Protocol):
    """One check."""

    @property
    def name(self) -> str:
        """Names the gate in reports."""
        ...

    async def check(self, exam: Exam) -> GateResult:
        """Examine an environment.

        Raises:
            SandboxUnavailableError: if the machinery broke; nothing is decided then.
        """
        ...


def decided(
    gate: str,
    findings: list[Finding] | tuple[Finding, ...],
    figures: JsonObject,
    means: tuple[TaskMean, ...] = (),
) -> GateResult:
    """Return the result of a gate that applies: failed when there is any finding."""
    status: GateStatus = "failed" if findings else "passed"
    return GateResult(
        gate=gate, status=status, figures=figures, findings=tuple(findings), means=means
    )


def not_applicable(gate: str, reason: str) -> GateResult:
    """Return the result of a gate that has nothing to look at."""
    return GateResult(gate=gate, status="not_applicable", reason=reason)
