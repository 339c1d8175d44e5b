"""Other calls that answer a sub-question as well as the gold's: a reader might make any of them.

Another page size, other case where the tool does not mind, a look-up by key in place of a search by
key. Each is executed; it answers where the reply holds the gold answer under the same name.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from astra_arena.core.answers import answers_match
from astra_arena.core.canonical import JsonObject, canonical_bytes
from astra_arena.core.pointers import escape_token
from astra_arena.core.randomness import random_stream
from astra_arena.core.tasks import Alternative, SubQuestion, Task
from astra_arena.sandbox.contract import Succeeded
from astra_arena.synthesizer.gates.mutations import mutations_of
from astra_arena.synthesizer.gates.workbench import (
    GoldStep,
    Workbench,
    alone_in,
    fingerprint,
    found_at,
    rule_that_accepts,
)

MOST_ROWS = 5
"""A reply of more rows is one to search in; it never solves."""
MOST_COMPARED = 3
"""Other values of each argument with which two tools are compared."""
ANOTHER_TOOL = "another tool with the same arguments"
OTHER_SPELLING = "the same text in other case, to which the reply is the same"
PAGE_NAMES = ("limit", "page_size", "max_results", "count", "top", "n")
PAGE_SIZES = (1, 2, 3, 5)


@dataclass(frozen=True, slots=True)
class Missing:
    """A call that answers a sub-question and is not accepted."""

    question: str
    kind: str
    alternative: Alternative


async def missing_in(bench: Workbench, task: Task) -> list[Missing]:
    """Return the calls that answer sub-questions of a task and are not accepted."""
    found: list[Missing] = []
    for step in bench.steps:
        if step.task.id != task.id:
            continue
        alone = alone_in(task, step.question)
        gold = await bench.run_step(step)
        for kind, tool, arguments in _natural_calls(bench, step):
            accepted = bench.accepted(tool, arguments)
            came = await bench.run(tool, arguments, after=step.before)
            if accepted is None or not isinstance(came, Succeeded):
                continue
            path = _answer_path(step.question, came.result)
            if path is None or rule_that_accepts(alone, tool, accepted, came) is not None:
                continue
            if kind == OTHER_SPELLING and fingerprint(came) != fingerprint(gold):
                continue
            if tool == step.tool or await _agrees(bench, step, tool, arguments, path):
                other = Alternative(tool=tool, arguments=_referring(step, accepted), path=path)
                found.append(Missing(step.question.id, kind, other))
    return found


async def _agrees(
    bench: Workbench, step: GoldStep, tool: str, arguments: JsonObject, path: str
) -> bool:
    """Tell whether another tool answers like the gold's when it is asked about other things, too.

    Two counts that are both 1 are no sign that they count the same.
    """
    if step.question.answer.where is not None:
        # The same row was found; no chance is involved.
        return True
    agreed = 0
    for name in arguments:
        parameter = bench.parameter(step.tool, name)
        if parameter is None:
            continue
        stream = random_stream(0, "alternative_solutions", step.task.id, step.question.id, name)
        for mutation in islice(
            mutations_of(parameter, step.arguments, bench.seen, stream), MOST_COMPARED
        ):
            gold = await bench.run(step.tool, mutation.arguments, after=step.before)
            changed: JsonObject = {**arguments, name: mutation.value}
            other = await bench.run(tool, changed, after=step.before)
            if isinstance(gold, Succeeded) and isinstance(other, Succeeded):
                ours, its = found_at(gold, step.question.answer.path), found_at(other, path)
                if canonical_bytes(ours) != canonical_bytes(its):
                    return False
                agreed += 1
    return agreed > 0


def _natural_calls(bench: Workbench, step: GoldStep) -> Iterator[tuple[str, str, JsonObject]]:
    """Give other calls that ask the same: kind, tool, arguments."""
    if bench.writes(step.tool):
        return
    known: set[bytes] = {canonical_bytes([step.tool, step.arguments])}
    for name in PAGE_NAMES:
        parameter = bench.parameter(step.tool, name)
        for size in PAGE_SIZES if parameter is not None and parameter.has_default else ():
            arguments: JsonObject = {**step.arguments, name: size}
            if _is_new(known, step.tool, arguments):
                yield "another page size", step.tool, arguments
    for arguments in _respelt(step):
        if _is_new(known, step.tool, arguments):
            yield OTHER_SPELLING, step.tool, arguments
    given = {
        name: value
        for name, value in step.arguments.items()
        if (one := bench.parameter(step.tool, name)) is not None
        and (one.required or not one.is_default(step.arguments))
        and name not in PAGE_NAMES
    }
    for tool, parameters in bench.parameters.items():
        required = {name for name, one in parameters.items() if one.required}
        fits = required <= given.keys() <= parameters.keys() and bool(given)
        if tool == step.tool or bench.writes(tool) or not fits or not _offers(step.task, tool):
            continue
        takes_all = all(parameters[name].takes(value) for name, value in given.items())
        if takes_all and _is_new(known, tool, given):
            yield ANOTHER_TOOL, tool, given


def _respelt(step: GoldStep) -> Iterator[JsonObject]:
    """Give the call with a text in other case, as those write it who do not mind."""
    for name, value in step.arguments.items():
        for text in (value.lower(), value.upper()) if isinstance(value, str) else ():
            yield {**step.arguments, name: text}


def _offers(task: Task, tool: str) -> bool:
    return not task.tools or tool in task.tools


def _is_new(known: set[bytes], tool: str, arguments: JsonObject) -> bool:
    key = canonical_bytes([tool, arguments])
    is_new = key not in known
    known.add(key)
    return is_new


def _answer_path(question: SubQuestion, result: JsonObject) -> str | None:
    """Return where a reply holds the gold answer under the gold's name; `None` if not for sure.

    One row must hold it, or be singled out by what singles out the gold's row.
    """
    answer = question.answer
    name = answer.path.rpartition("/")[2]
    where = answer.where
    holders = [
        path
        for path, row in _rows(result)
        if name in row
        and answers_match(answer.kind, answer.value, row[name], tolerance=answer.tolerance)
        and (
            where is None
            or all(key in row and row[key] == value for key, value in where.equals.items())
        )
    ]
    return f"{holders[0]}/{escape_token(name)}" if len(holders) == 1 else None


def _rows(result: JsonObject) -> Iterator[tuple[str, JsonObject]]:
    """Give the objects of a reply with their pointers; none of lists that are too long."""
    yield "", result
    for name, value in result.items():
        here = f"/{escape_token(name)}"
        if isinstance(value, dict):
            yield here, value
        elif isinstance(value, list) and len(value) <= MOST_ROWS:
            for index, row in enumerate(value):
                if isinstance(row, dict):
                    yield f"{here}/{index}", row


def _referring(step: GoldStep, arguments: JsonObject) -> JsonObject:
    """Return arguments that refer to parents' answers wherever the gold's do."""
    return {
        name: gold
        if isinstance(gold := step.question.arguments.get(name), dict)
        and "$from" in gold
        and canonical_bytes(step.arguments.get(name)) == canonical_bytes(value)
        else value
        for name, value in arguments.items()
    }
