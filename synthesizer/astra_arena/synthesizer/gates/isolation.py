"""The gate of isolation and determinism: a reply follows from world, arguments and seed alone.

Sessions that run beside each other or are rebuilt between two calls reply as one that runs alone;
a world dumped in the middle goes on in a fresh process as it would have; and rows stored in another
order come back in the same one.
"""

import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from astra_arena.core.canonical import Json, JsonObject, canonical_bytes
from astra_arena.core.randomness import random_stream
from astra_arena.sandbox.contract import Broke, Program, Sandbox, Succeeded
from astra_arena.sandbox.isolation import isolation_findings, reply_text
from astra_arena.synthesizer.gates.gate import Exam, Finding, GateResult, decided
from astra_arena.synthesizer.gates.leaks import gold_call_values
from astra_arena.synthesizer.gates.survey import SurveyedCall, distinct, survey
from astra_arena.synthesizer.gates.world_copies import dumped_world, reversed_world

TASKS = 8
"""Tasks whose gold calls run beside each other."""
MOST_CALLS = 40
"""Calls of one session."""
MOST_ORDERED = 200
"""Calls that are made on rows in another order."""
SIGNIFICANT_DIGITS = 9
"""Sums of fractions depend on their order in the digits behind these."""
MOST_SHOWN = 200

_Calls = list[tuple[str, JsonObject]]


class IsolationGate:
    """No state but the world, no order but the stated one."""

    name = "isolation"

    async def check(self, exam: Exam) -> GateResult:
        """Run calls in several settings and compare; see `Gate.check`."""
        bundle, program = exam.bundle, exam.bundle.program()
        surveyed = await survey(bundle, exam.sandbox, seed=exam.seed, rounds=4)
        calls = [(call.tool, call.arguments) for call in surveyed]
        plans = [*self._gold_plans(exam), *_shuffled(calls, exam.seed)]
        exam.on_step(self.name, 1, 4)
        findings = [
            Finding(problem=found, kind="sessions differ")
            for found in await isolation_findings(exam.sandbox, program, plans, seed=exam.seed)
        ]
        exam.on_step(self.name, 2, 4)
        with tempfile.TemporaryDirectory(prefix="astra-arena-") as folder:
            dumping = _Dumping(exam, Path(folder))
            halves = [
                (plan[: len(plan) // 2], plan[len(plan) // 2 :])
                for plan in _shuffled(calls, exam.seed + 1)
            ]
            # What gold writes is what an environment is about: it is read again after a dump.
            gold = [call for plan in self._gold_plans(exam) for call in plan][:MOST_CALLS]
            halves.append((gold, [*_replied(surveyed), *gold][:MOST_CALLS]))
            for number, (first, second) in enumerate(halves):
                findings += await dumping.check(first, second, f"dump{number}")
            exam.on_step(self.name, 3, 4)
            ordered, reason = await self._order(exam, Path(folder), calls, findings)
        figures: JsonObject = {
            "sessions": len(plans),
            "calls": sum(map(len, plans)),
            "dumped_worlds": dumping.dumped,
            "not_dumped": list[Json](sorted(dumping.reasons)),
            "calls_on_rows_in_another_order": ordered,
        }
        if reason is not None:
            figures["rows_not_reordered"] = reason
        return decided(self.name, findings, figures)

    def _gold_plans(self, exam: Exam) -> list[_Calls]:
        stream = random_stream(exam.seed, "isolation", "tasks")
        chosen = stream.sample(exam.tasks, min(TASKS, len(exam.tasks)))
        known = {tool.name for tool in exam.bundle.environment.tools}
        plans = [[call for call in gold_call_values(task) if call[0] in known] for task in chosen]
        return [plan for plan in plans if plan]

    async def _order(
        self, exam: Exam, folder: Path, calls: _Calls, findings: list[Finding]
    ) -> tuple[int, str | None]:
        """Make calls on a world whose rows are stored the other way round."""
        bundle = exam.bundle
        world = bundle.environment.world
        if world.kind != "sqlite":
            return 0, "the world is no database"
        target = folder / "reversed.sqlite"
        reason = reversed_world(bundle.path / world.file, target)
        if reason is not None:
            return 0, reason
        reading = {tool.name for tool in bundle.environment.tools if tool.read_only}
        gold = [call for task in exam.tasks for call in gold_call_values(task)]
        asked = [call for call in distinct([*calls, *gold]) if call[0] in reading][:MOST_ORDERED]
        program = bundle.program()
        turned = replace(program, digest=f"{program.digest}-reversed", world_path=target)
        plain = await _replies(exam.sandbox, program, asked, seed=exam.seed)
        other = await _replies(exam.sandbox, turned, asked, seed=exam.seed)
        told: set[str] = set()
        for (tool, arguments), expected, came in zip(asked, plain, other, strict=True):
            if expected != came and tool not in told:
                told.add(tool)
                problem = (
                    f"{tool} leaves the order of rows to the database: stored the other way "
                    f"round, they make it reply {came[:MOST_SHOWN]} instead of "
                    f"{expected[:MOST_SHOWN]}"
                )
                evidence: JsonObject = {"arguments": arguments}
                findings.append(
                    Finding(
                        problem=problem, kind="rows without an order", tool=tool, evidence=evidence
                    )
                )
        return len(asked), None


class _Dumping:
    """Cuts sessions in two: the second half runs on a dump of the world that the first left.

    Args:
        exam: The environment.
        folder: Where dumps are written.
    """

    def __init__(self, exam: Exam, folder: Path) -> None:
        self._exam = exam
        self._folder = folder
        self.dumped = 0
        self.reasons: set[str] = set()

    async def check(self, first: _Calls, second: _Calls, label: str) -> list[Finding]:
        """Return where the second half differs from how the session itself went on."""
        exam, program = self._exam, self._exam.bundle.program()
        session = await exam.sandbox.open_session(program, seed=exam.seed)
        try:
            for tool, arguments in first:
                execution = await session.call(tool, arguments)
                if isinstance(execution, Broke) and execution.session_lost:
                    self.reasons.add("a tool ended the session")
                    return []
            difference = await session.state_difference()
            if isinstance(difference, Broke):
                self.reasons.add("the state could not be told")
                return []
            expected = [reply_text(await session.call(*call)) for call in second]
        finally:
            await session.close()
        world = exam.bundle.environment.world
        target = self._folder / f"{label}-{world.file}"
        reason = dumped_world(exam.bundle.path / world.file, world, difference, target)
        if reason is not None:
            self.reasons.add(reason)
            return []
        self.dumped += 1
        fresh = replace(program, digest=f"{program.digest}-{label}", world_path=target)
        session = await exam.sandbox.open_session(fresh, seed=exam.seed)
        try:
            came = [reply_text(await session.call(*call)) for call in second]
        finally:
            await session.close()
        return _differences(second, expected, came)


def _differences(plan: _Calls, expected: list[str], came: list[str]) -> list[Finding]:
    for (tool, arguments), before, after in zip(plan, expected, came, strict=True):
        if before != after:
            problem = (
                f"{tool} remembers something outside the world: it replied {before[:MOST_SHOWN]}, "
                f"and {after[:MOST_SHOWN]} in a fresh process with the same world"
            )
            evidence: JsonObject = {"arguments": arguments}
            # What follows a difference follows from it.
            return [Finding(problem=problem, kind="hidden state", tool=tool, evidence=evidence)]
    return []


async def _replies(
    sandbox: Sandbox, program: Program, calls: Sequence[tuple[str, JsonObject]], *, seed: int
) -> list[str]:
    session = await sandbox.open_session(program, seed=seed)
    replies: list[str] = []
    try:
        for tool, arguments in calls:
            execution = await session.call(tool, arguments)
            if isinstance(execution, Succeeded):
                replies.append(canonical_bytes(_rounded(execution.result)).decode("ascii"))
            else:
                replies.append(reply_text(execution))
            if isinstance(execution, Broke) and execution.session_lost:
                await session.close()
                session = await sandbox.open_session(program, seed=seed)
    finally:
        await session.close()
    return replies


def _rounded(value: Json) -> Json:
    match value:
        case float():
            return float(f"{value:.{SIGNIFICANT_DIGITS}g}")
        case list():
            return [_rounded(item) for item in value]
        case dict():
            return {key: _rounded(inner) for key, inner in value.items()}
        case _:
            return value


def _replied(calls: Sequence[SurveyedCall]) -> _Calls:
    """Return the calls that brought a reply, those that brought a write apart."""
    return distinct(
        [
            (one.tool, one.arguments)
            for one in calls
            if isinstance(one.execution, Succeeded) and not one.execution.trace
        ]
    )


def _shuffled(calls: _Calls, seed: int) -> list[_Calls]:
    """Return two orders of some of the calls, each of them twice: what is remembered shows then."""
    some = distinct(calls)
    plans: list[_Calls] = []
    for number in range(2):
        stream = random_stream(seed, "isolation", "calls", number)
        chosen = stream.sample(some, min(MOST_CALLS // 2, len(some)))
        plans.append([*chosen, *stream.sample(chosen, len(chosen))])
    return [plan for plan in plans if plan]
