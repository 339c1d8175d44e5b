"""The gates on the joint tasks of a suite.

What is about tools alone is told by the members' own cards; here are the checks of tasks over
several environments, through joint episodes.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from astra_arena.core.canonical import JsonObject
from astra_arena.core.offers import ToolRef
from astra_arena.core.tasks import Task
from astra_arena.sandbox.contract import Sandbox
from astra_arena.servers.bundles.suite import Suite
from astra_arena.synthesizer.gates.gate import (
    Exam,
    Finding,
    Gate,
    GateResult,
    decided,
    not_applicable,
)
from astra_arena.synthesizer.gates.leaks import LeakGate
from astra_arena.synthesizer.gates.near_duplicates import (
    NearDuplicateGate,
    compared,
    distribution,
)
from astra_arena.synthesizer.gates.replay import ReplayGate
from astra_arena.synthesizer.suites.joint_proof import GATE as JOINT_VERDICT
from astra_arena.synthesizer.suites.joint_proof import play_joint

OF_MEMBERS = "it looks at one environment at a time: the members' own cards tell"


@dataclass(frozen=True)
class SuiteExam:
    """A suite under examination."""

    suite: Suite
    """As loaded from disk, with those tasks alone that no earlier gate rejected."""
    sandbox: Sandbox
    seed: int = 0
    on_step: Callable[[str, int, int], None] = field(default=lambda gate, done, total: None)
    """Told how far a gate is: its name, steps done, steps in all."""


class JointGate(Protocol):
    """One check of a suite's tasks."""

    @property
    def name(self) -> str:
        """Names the gate in reports."""
        ...

    async def check(self, exam: SuiteExam) -> GateResult:
        """Examine a suite.

        Raises:
            SandboxUnavailableError: if the machinery broke; nothing is decided then.
        """
        ...


def joint_gates(gates: Sequence[Gate]) -> tuple[JointGate, ...]:
    """Return the gates on a suite that stand for gates on a bundle, and that of joint verdicts."""
    made: dict[str, JointGate] = {
        gate.name: gate for gate in (JointReplay(), JointLeaks(), JointDuplicates())
    }
    joint = [made.get(gate.name) or LeftToMembers(gate.name) for gate in gates]
    return (*joint, JointVerdicts())


@dataclass(frozen=True, slots=True)
class LeftToMembers:
    """Stands for a gate that is about single environments."""

    name: str

    async def check(self, exam: SuiteExam) -> GateResult:
        """Say that the members' cards tell."""
        del exam
        return not_applicable(self.name, OF_MEMBERS)


class JointReplay:
    """The gold of joint tasks is replayed in fresh processes."""

    name = ReplayGate.name

    async def check(self, exam: SuiteExam) -> GateResult:
        """Replay all gold through joint episodes; see `JointGate.check`."""
        return await ReplayGate().replay(
            exam.suite, seed=exam.seed, on_step=lambda d, t: exam.on_step(self.name, d, t)
        )


class JointLeaks:
    """No gold of a joint task can be read in any of its environments without work."""

    name = LeakGate.name

    async def check(self, exam: SuiteExam) -> GateResult:
        """Look for the gold in each member; see `JointGate.check`."""
        findings: dict[tuple[str | None, str], Finding] = {}
        figures: JsonObject = {}
        for member in exam.suite.members:
            own = tuple(t for t in exam.suite.tasks if member.digests.environment in t.environments)
            alone = Exam(replace(member, tasks=own), exam.sandbox, exam.seed, exam.on_step)
            result = await LeakGate().check(alone)
            figures[member.name] = result.figures
            # A prompt is read in each member's examination; its finding is told once.
            findings |= {(one.task, one.problem): one for one in result.findings}
        return decided(self.name, list(findings.values()), figures)


class JointDuplicates:
    """Every joint task is one of its own."""

    name = NearDuplicateGate.name

    async def check(self, exam: SuiteExam) -> GateResult:
        """Compare all joint tasks with each other; see `JointGate.check`."""
        tasks = exam.suite.tasks
        findings: list[Finding] = []
        for number, found in enumerate(compared(tasks), start=1):
            findings += found
            exam.on_step(self.name, number, len(tasks))
        renamed = tuple(_with_full_names(task) for task in tasks)
        tools = [
            ToolRef(member.name, spec.name).full_name
            for member in exam.suite.members
            for spec in member.environment.tools
        ]
        return decided(self.name, findings, distribution(tools, renamed))


def _with_full_names(task: Task) -> Task:
    questions = tuple(
        question
        if question.tool is None
        else question.model_copy(
            update={"tool": ToolRef(question.environment, question.tool).full_name}
        )
        for question in task.sub_questions
    )
    return task.model_copy(update={"sub_questions": questions})


class JointVerdicts:
    """The gold earns everything, silence nothing, and harm in any environment costs."""

    name = JOINT_VERDICT

    async def check(self, exam: SuiteExam) -> GateResult:
        """Play gold, silence and harm; see `JointGate.check`."""
        proof = await play_joint(
            exam.suite, watch=lambda d, t: exam.on_step(self.name, d, t), runs=1
        )
        findings = [
            Finding(problem=problem, kind="a verdict that is wrong", task=task)
            for task, problem in proof.rejected
        ]
        return decided(self.name, findings, proof.figures)
