"""The report card of an examined environment: every gate, its figures and what it found."""

from collections.abc import Iterator
from typing import Literal

from pydantic import Field

from astra_arena.core.canonical import Json, JsonObject
from astra_arena.core.model import Model
from astra_arena.synthesizer.gates.gate import GateResult

REPORT_FORMAT_VERSION = 1
MOST_REJECTED_SHARE = 0.2
"""The share of tasks that may fail and be left out."""


class Reject(Model):
    """Why a task, or with no task the environment, may not be released. For operators only."""

    task: str | None
    gate: str
    problem: str
    kind: str = ""
    tool: str | None = None
    evidence: JsonObject = Field(default_factory=dict)


class ReportCard(Model):
    """What the gates say of one environment. It holds no times: equal inputs, equal bytes."""

    format_version: Literal[1] = REPORT_FORMAT_VERSION
    name: str
    title: str = ""
    environment_digest: str = ""
    tasks_digest: str = ""
    seed: int = 0
    tasks: tuple[str, ...] = ()
    """Ids of the tasks that were examined."""
    gates: tuple[GateResult, ...] = ()
    members: tuple["ReportCard", ...] = ()
    """Of a suite: the cards of its environments, for which their own tasks do not count."""

    @property
    def rejected_tasks(self) -> tuple[str, ...]:
        """Ids of the tasks that a gate rejects, in their order."""
        rejected = frozenset[str]().union(*(gate.rejected_tasks for gate in self.gates))
        return tuple(task for task in self.tasks if task in rejected)

    @property
    def passed_tasks(self) -> tuple[str, ...]:
        """Ids of the tasks that may be released when the environment may."""
        rejected = set(self.rejected_tasks)
        return tuple(task for task in self.tasks if task not in rejected)

    @property
    def environment_problems(self) -> tuple[str, ...]:
        """Why the environment as a whole may not be released; empty when it may."""
        problems = [
            f"{where}{gate.gate}: {finding.problem}"
            for where, gate in [
                *(("", gate) for gate in self.gates),
                *((f"{one.name}: ", gate) for one in self.members for gate in one.gates),
            ]
            for finding in gate.findings
            if finding.task is None
        ]
        rejected, examined = len(self.rejected_tasks), len(self.tasks)
        if examined == 0:
            problems.append("there is no task that could be examined")
        elif rejected == examined or rejected > MOST_REJECTED_SHARE * examined:
            problems.append(
                f"{rejected} of {examined} tasks are rejected, more than "
                f"{MOST_REJECTED_SHARE:.0%}: then the environment is to blame"
            )
        return tuple(problems)

    @property
    def releasable(self) -> bool:
        """Whether the environment may be released, with the tasks that passed."""
        return not self.environment_problems

    @property
    def clean(self) -> bool:
        """Whether no gate found anything."""
        return self.releasable and not self.rejected_tasks

    def rejects(self) -> Iterator[Reject]:
        """Give every reason for which something is not released."""
        gates = [*self.gates, *(gate for member in self.members for gate in member.gates)]
        for gate in gates:
            for finding in gate.findings:
                yield Reject(
                    task=finding.task,
                    gate=gate.gate,
                    problem=finding.problem,
                    kind=finding.kind,
                    tool=finding.tool,
                    evidence=finding.evidence,
                )
        for problem in self.environment_problems[self._found_problems() :]:
            yield Reject(task=None, gate="examination", problem=problem)

    def _found_problems(self) -> int:
        gates = [*self.gates, *(gate for member in self.members for gate in member.gates)]
        return sum(one.task is None for gate in gates for one in gate.findings)

    def to_report(self, *, gold: bool) -> JsonObject:
        """Return the content of `report.json`.

        Args:
            gold: Whether findings are told in full; else what may quote gold is left out, so that
                the report may be read where an agent can.
        """
        members: list[Json] = [member.to_report(gold=gold) for member in self.members]
        return {
            "format_version": self.format_version,
            "name": self.name,
            "title": self.title,
            "digests": {"environment": self.environment_digest, "tasks": self.tasks_digest},
            "seed": self.seed,
            "verdict": self.verdict,
            "tasks": {
                "examined": len(self.tasks),
                "passed": len(self.passed_tasks),
                "rejected": list[Json](self.rejected_tasks),
            },
            "gates": [_gate_json(gate, gold=gold) for gate in self.gates],
            **({"members": members} if members else {}),
        }

    @property
    def verdict(self) -> str:
        """What came of it, in words."""
        if not self.releasable:
            return "rejected"
        return "passed" if self.clean else "passed without the rejected tasks"


def _gate_json(gate: GateResult, *, gold: bool) -> JsonObject:
    data: JsonObject = {"gate": gate.gate, "status": gate.status, "figures": gate.figures}
    if gate.reason:
        data["reason"] = gate.reason
    data["findings"] = [
        finding.to_json()
        if gold
        else {"kind": finding.kind, "task": finding.task, "tool": finding.tool}
        for finding in gate.findings
    ]
    return data
