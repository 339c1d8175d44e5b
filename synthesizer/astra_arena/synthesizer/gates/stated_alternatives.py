"""Alternatives that tasks state: each must do what the gold does, or it rewards what is wrong."""

from collections.abc import Iterator
from itertools import islice

from astra_arena.core.answers import answers_match
from astra_arena.core.canonical import JsonObject, canonical_bytes
from astra_arena.core.tasks import Alternative, Task, gold_answers, resolve_arguments, spelt_out
from astra_arena.sandbox.contract import Succeeded
from astra_arena.synthesizer.gates.gate import Finding
from astra_arena.synthesizer.gates.workbench import GoldStep, Workbench, found_at

MOST_SPELLINGS = 64
"""Combinations of choices that are tried of one alternative."""


async def false_alternatives(bench: Workbench, task: Task) -> list[Finding]:
    """Return findings of alternatives that answer something else, or change something else."""
    found: list[Finding] = []
    for step in bench.steps:
        if step.task.id != task.id:
            continue
        for other in step.question.alternatives:
            for arguments in _spelt(task, other):
                problem = await _problem(bench, step, other, arguments)
                if problem is not None:
                    found.append(_finding(step, other, arguments, problem))
                    break
    return found


def _spelt(task: Task, other: Alternative) -> Iterator[JsonObject]:
    answers = gold_answers(task)
    spellings = islice(spelt_out(other.arguments), MOST_SPELLINGS)
    return (resolve_arguments(arguments, answers) for arguments in spellings)


async def _problem(
    bench: Workbench, step: GoldStep, other: Alternative, arguments: JsonObject
) -> str | None:
    if bench.parameters.get(other.tool) is None:
        # A tool of another environment; the gates of suites play it.
        return None
    came = await bench.run(other.tool, arguments, after=step.before)
    if not isinstance(came, Succeeded):
        return "it does not run"
    answer = step.question.answer
    held = found_at(came, other.path)
    if not answers_match(answer.kind, answer.value, held, tolerance=answer.tolerance):
        return f"it answers {held!r}, not {answer.value!r}"
    if bench.writes(step.tool) or bench.writes(other.tool):
        gold = await bench.state_after((step.tool, step.arguments), after=step.before)
        its = await bench.state_after((other.tool, arguments), after=step.before)
        if gold != its:
            return "it leaves another state of the world"
    return None


def _finding(step: GoldStep, other: Alternative, arguments: JsonObject, problem: str) -> Finding:
    shown = canonical_bytes(arguments).decode("ascii")[:200]
    return Finding(
        problem=f"{step.question.id} accepts {other.tool} {shown}, but {problem}",
        kind="an alternative that is wrong",
        task=step.task.id,
        tool=other.tool,
        evidence={"question": step.question.id, "arguments": arguments},
    )
