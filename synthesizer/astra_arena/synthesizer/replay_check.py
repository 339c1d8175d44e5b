"""The replay gate: a bundle as it lies on disk must bear out its own gold, every time.

All gold calls run through the sandbox in processes that are started for the purpose, several times
over. Replies must be byte-identical, satisfy their output schemas and hold each answer at its path,
and the calls together must earn the full reward.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from astra_arena.core.calls import CallRecord
from astra_arena.core.canonical import Json, JsonObject, canonical_bytes
from astra_arena.core.errors import GateError
from astra_arena.core.schema import Checker
from astra_arena.core.tasks import Task
from astra_arena.core.verdicts import score
from astra_arena.sandbox import ProcessSandbox
from astra_arena.servers.bundle import Bundle, load_bundle
from astra_arena.synthesizer.tasks.gold_runs import GoldCall, play_gold

GATE = "replay"
RUNS = 3
MOST_LISTED_FINDINGS = 5
MOST_REJECTED_SHARE = 0.2
"""The share of tasks that may fail and be left out."""


@dataclass(frozen=True, slots=True)
class ReplayReport:
    """What came of replaying a bundle."""

    tasks: int
    gold_calls: int
    """Of one run."""
    runs: int
    findings: tuple[str, ...]
    """What did not hold, each beginning with the task's id."""

    @property
    def failed_tasks(self) -> tuple[str, ...]:
        """Ids of the tasks that did not hold."""
        return tuple(sorted({finding.partition(" ")[0] for finding in self.findings}))

    def to_json(self) -> JsonObject:
        """Return the figures for the report card."""
        return {
            "gate": GATE,
            "tasks": self.tasks,
            "gold_calls": self.gold_calls,
            "runs": self.runs,
            "passed": not self.findings,
            "findings": list[Json](self.findings),
        }


def check_replay(
    path: Path, *, runs: int = RUNS, progress: Callable[[int], None] | None = None
) -> ReplayReport:
    """Replay the bundle in the folder `path`.

    Args:
        path: The bundle.
        runs: How often, each time in new processes.
        progress: Told how many of the tasks, of all runs together, are done.

    Raises:
        BundleError: if there is no sound bundle.
    """
    return asyncio.run(_replay(load_bundle(path), runs, progress))


def require_replay(
    path: Path, *, runs: int = RUNS, progress: Callable[[int], None] | None = None
) -> ReplayReport:
    """Replay the bundle in the folder `path` and refuse it when anything does not hold.

    Raises:
        GateError: naming the tasks that failed and why.
    """
    report = check_replay(path, runs=runs, progress=progress)
    if report.findings:
        raise _gate_error(report)
    return report


def _gate_error(report: ReplayReport) -> GateError:
    listed = "; ".join(report.findings[:MOST_LISTED_FINDINGS])
    more = len(report.findings) - MOST_LISTED_FINDINGS
    return GateError(
        f"{len(report.failed_tasks)} of {report.tasks} tasks do not bear out their gold: "
        f"{listed}" + (f"; and {more} more" if more > 0 else ""),
        findings=report.findings,
    )


def keep_sound(
    tasks: tuple[Task, ...], report: ReplayReport
) -> tuple[tuple[Task, ...], ReplayReport, list[Json]]:
    """Part the tasks that bear out their gold from those that do not.

    Returns:
        The sound tasks, the replay of these alone, and those left out, each with its reasons.

    Raises:
        GateError: if more than a fifth of the tasks failed, or all: then the tools are to blame.
    """
    failed = set(report.failed_tasks)
    sound = tuple(task for task in tasks if task.id not in failed)
    if len(failed) > MOST_REJECTED_SHARE * len(tasks) or not sound:
        raise _gate_error(report)
    reasons: dict[str, list[Json]] = {}
    for finding in report.findings:
        task_id, _, reason = finding.partition(" ")
        reasons.setdefault(task_id, []).append(reason)
    calls = sum(len(task.needed) for task in sound)
    rejected: list[Json] = [{"task": name, "reasons": why} for name, why in reasons.items()]
    return sound, ReplayReport(len(sound), calls, report.runs, ()), rejected


async def _replay(
    bundle: Bundle, runs: int, progress: Callable[[int], None] | None
) -> ReplayReport:
    played: list[dict[str, tuple[GoldCall, ...]]] = []
    done = 0

    def count() -> None:
        nonlocal done
        done += 1
        if progress is not None:
            progress(done)

    for _ in range(runs):
        # A sandbox of its own, so that nothing a first run left in a process can help a later one.
        async with ProcessSandbox() as sandbox:
            played.append(await play_gold(sandbox, bundle.program(), bundle.tasks, on_task=count))
    findings = [
        f"{task.id} {finding}"
        for task in bundle.tasks
        for finding in _findings(bundle, task, [run[task.id] for run in played])
    ]
    calls = sum(len(of_task) for of_task in played[0].values()) if played else 0
    return ReplayReport(len(bundle.tasks), calls, runs, tuple(findings))


def _findings(bundle: Bundle, task: Task, runs: list[tuple[GoldCall, ...]]) -> list[str]:
    """Return what does not hold of one task; the first run is judged, the others compared."""
    findings = [call.finding for call in runs[0] if call.finding is not None]
    for call in runs[0]:
        findings += _schema_findings(bundle, call)
    first = _replies(runs[0])
    if any(_replies(run) != first for run in runs[1:]):
        findings.append("the replies differ from run to run")
    if not findings:
        # No message is sent here: the calls are judged, what is said in the end by other gates.
        verdict = score(task.model_copy(update={"final_answer": None}), _log(runs[0]))
        if verdict.reward != 1.0 or not verdict.solved:
            findings.append(f"the gold calls earn {verdict.reward}, not 1")
    return findings


def _schema_findings(bundle: Bundle, call: GoldCall) -> list[str]:
    tool = bundle.environment.tool(call.question.tool or "")
    if tool is None:
        return [f"{call.question.id}: there is no tool {call.question.tool!r}"]
    taken = Checker(tool.input_schema).finding(call.arguments)
    findings = [f"{call.question.id}: the arguments break the input schema: {taken}"]
    returned = None if call.result is None else Checker(tool.output_schema).finding(call.result)
    findings.append(f"{call.question.id}: the reply breaks the output schema: {returned}")
    return [text for text, found in zip(findings, (taken, returned), strict=True) if found]


def _replies(calls: tuple[GoldCall, ...]) -> list[bytes]:
    return [canonical_bytes(call.result) for call in calls]


def _log(calls: tuple[GoldCall, ...]) -> tuple[CallRecord, ...]:
    return tuple(
        CallRecord(
            index=index,
            environment=call.question.environment,
            tool=call.question.tool or "",
            arguments=call.arguments,
            outcome="ok",
            result=call.result,
        )
        for index, call in enumerate(calls)
    )
