"""The gate of near_duplicates: no task asks what another asked; the report shows the mix."""

import ast
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise

from astra_arena.core.canonical import Json, JsonObject, canonical_bytes
from astra_arena.core.tasks import Task, gold_answers, resolve_arguments
from astra_arena.core.user import telling
from astra_arena.servers.bundles.bundle import Bundle
from astra_arena.synthesizer.gates.gate import Exam, Finding, GateResult, decided

TEXT_SHARE = 0.9
"""Share of word pairs that two texts have in common when they say almost the same."""
CALL_SHARE = 0.5
"""Share of gold calls in common; with texts as near as that, two tasks are one."""
FIRST_WORDS = 2

_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class _Sketch:
    """What tasks are compared by."""

    task: Task
    words: tuple[str, ...]
    pairs: frozenset[tuple[str, ...]]
    calls: frozenset[bytes]
    wanted: frozenset[str]
    """Where in the replies the answers are."""


class NearDuplicateGate:
    """Every task is one of its own."""

    name = "near_duplicates"

    async def check(self, exam: Exam) -> GateResult:
        """Compare all tasks with each other; see `Gate.check`."""
        findings = list(_same_tools(exam.bundle))
        for number, found in enumerate(compared(exam.tasks), start=1):
            findings += found
            exam.on_step(self.name, number, len(exam.tasks))
        tools = [tool.name for tool in exam.bundle.environment.tools]
        return decided(self.name, findings, distribution(tools, exam.tasks))


def compared(tasks: tuple[Task, ...]) -> Iterator[list[Finding]]:
    """Compare each task with those before it; give what was found for each."""
    kept: list[_Sketch] = []
    for task in tasks:
        sketch = _sketched(task)
        twin = next(_twins(sketch, kept), None)
        if twin is None:
            kept.append(sketch)
        yield [] if twin is None else [twin]


def _sketched(task: Task) -> _Sketch:
    # What the user knows and tells when asked is part of what is said.
    told = [telling(slot) for slot in task.slots]
    said = " ".join([*(turn.say for turn in task.turns), *told])
    words = tuple(_WORD.findall(unicodedata.normalize("NFKC", said).casefold()))
    # A text of one word has no pair, but still differs from others.
    pairs = frozenset(pairwise(words)) or frozenset({words})
    wanted = frozenset(question.answer.path for question in task.needed)
    return _Sketch(task, words, pairs, frozenset(_calls(task)), wanted)


def _calls(task: Task) -> Iterator[bytes]:
    answers = gold_answers(task)
    for question in task.needed:
        arguments = resolve_arguments(question.arguments, answers)
        yield canonical_bytes([question.environment, question.tool, arguments])
    for turn in task.turns:
        if turn.expect.kind in ("ask", "decline"):
            yield canonical_bytes([turn.expect.kind, turn.expect.slot, turn.expect.tool])


def _twins(sketch: _Sketch, kept: list[_Sketch]) -> Iterator[Finding]:
    for other in kept:
        if sketch.task.variant != other.task.variant:
            continue
        problem = ""
        if sketch.calls and (sketch.calls, sketch.wanted) == (other.calls, other.wanted):
            kind, problem = "same gold program", "its gold makes the same calls as that of"
        elif sketch.words == other.words:
            kind, problem = "same text", "it says the same as"
        elif (
            _share(sketch.calls, other.calls) >= CALL_SHARE
            and _share(sketch.pairs, other.pairs) >= TEXT_SHARE
        ):
            kind, problem = "nearly the same", "it says nearly the same, and calls the same, as"
        else:
            continue
        yield Finding(
            problem=f"{problem} {other.task.id}",
            kind=kind,
            task=sketch.task.id,
            evidence={"task": other.task.id},
        )


def _share(left: frozenset[object], right: frozenset[object]) -> float:
    """Return how much of two sets is in both, 0 to 1."""
    either = len(left | right)
    return len(left & right) / either if either else 0.0


def _same_tools(bundle: Bundle) -> Iterator[Finding]:
    """Give tools whose code is that of another: an agent could not tell them apart."""
    try:
        tree = ast.parse(bundle.tools_py)
    except (SyntaxError, ValueError, RecursionError):
        # The schema gate says so.
        return
    tools = {tool.name for tool in bundle.environment.tools}
    seen: dict[str, str] = {}
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and node.name in tools:
            first = seen.setdefault(_body(node), node.name)
            if first != node.name:
                problem = f"{node.name} is the same code as {first}"
                yield Finding(problem=problem, kind="tools are the same", tool=node.name)


def _body(function: ast.FunctionDef) -> str:
    body = function.body
    match body[0]:
        case ast.Expr(value=ast.Constant(value=str())):
            body = body[1:]
        case _:
            pass
    return ast.dump(function.args) + "".join(map(ast.dump, body))


def distribution(tools: Iterable[str], tasks: tuple[Task, ...]) -> JsonObject:
    """Return how the tasks are spread over shapes, tools and ways of asking."""
    calls = Counter(question.tool for task in tasks for question in task.needed)
    unused = sorted(set(tools) - {str(tool) for tool in calls})
    openings = Counter(" ".join(task.prompt.split()[:FIRST_WORDS]) for task in tasks)
    return {
        "tasks": len(tasks),
        "hops": _spread(depth(task) for task in tasks),
        "sub_questions": _spread(len(task.sub_questions) for task in tasks),
        "topologies": _spread(topology(task) for task in tasks),
        "variants": _spread(task.variant for task in tasks),
        "splits": _spread(task.split for task in tasks),
        "turns": _spread(len(task.turns) for task in tasks),
        "calls_by_tool": _spread(str(tool) for tool in calls.elements()),
        "tools_without_gold": list[Json](unused),
        "distinct_openings": len(openings),
    }


def _spread(values: Iterable[str | int]) -> JsonObject:
    counts = Counter(values)
    return {str(value): counts[value] for value in sorted(counts, key=lambda v: (str(type(v)), v))}


def depth(task: Task) -> int:
    """Return the longest way through a task's sub-questions, in calls."""
    depths: dict[str, int] = {}
    for question in task.in_order():
        before = max((depths[parent] for parent in question.depends_on), default=0)
        depths[question.id] = before + (question.tool is not None)
    return max(depths.values(), default=0)


def topology(task: Task) -> str:
    """Return which of the four shapes a task's sub-questions have."""
    needed = task.needed
    if not needed:
        return "no call"
    several = len([q for q in needed if not _has_child(task, q.id)]) > 1 or any(
        len(q.depends_on) > 1 for q in task.sub_questions
    )
    deep = depth(task) > 1
    if several:
        return "parallel multi-hop" if deep else "parallel single-hop"
    return "multi-hop" if deep else "single-hop"


def _has_child(task: Task, question: str) -> bool:
    return any(question in other.depends_on for other in task.sub_questions)
