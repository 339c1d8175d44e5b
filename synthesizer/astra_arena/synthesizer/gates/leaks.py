"""The leak gate: what an agent can read without working must not hold what it is to find out."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from astra_arena.core.canonical import Json, JsonObject, same_json
from astra_arena.core.environment import ToolSpec
from astra_arena.core.tasks import (
    SubQuestion,
    Task,
    gold_answers,
    references_of,
    resolve_arguments,
)
from astra_arena.sandbox.contract import Succeeded
from astra_arena.servers.bundles.bundle import Bundle
from astra_arena.synthesizer.gates.categories import Categories
from astra_arena.synthesizer.gates.gate import Exam, Finding, GateResult, decided
from astra_arena.synthesizer.gates.provocations import Complaint, provoke
from astra_arena.synthesizer.gates.shared_replies import told_together
from astra_arena.synthesizer.gates.survey import survey
from astra_arena.synthesizer.gates.value_forms import Text, carries_enough, scalars_text
from astra_arena.synthesizer.gates.workbench import workbench

MOST_SHOWN = 200
PAGE = "gold on a first page"


@dataclass(frozen=True, slots=True)
class _Place:
    """Something that an agent can read."""

    kind: str
    where: str
    text: Text
    tool: str | None = None
    asked: Text | None = None
    """What the agent had to say itself before it could read the text."""

    def gives(self, value: Json) -> bool:
        """Tell whether a value can be read here that the agent did not have."""
        return self.text.holds(value) and not (self.asked and self.asked.holds(value))


@dataclass(frozen=True, slots=True)
class GoldValue:
    """A value that is to be found out."""

    what: str
    value: Json
    turn: int


class LeakGate:
    """No gold where no work is needed to read it."""

    name = "leak"

    async def check(self, exam: Exam) -> GateResult:
        """Look for gold in prompts, declarations, errors and first pages; see `Gate.check`."""
        bundle = exam.bundle
        gold = [call for task in exam.tasks for call in gold_call_values(task)]
        complaints = await provoke(bundle, exam.sandbox, gold, seed=exam.seed)
        calls = await survey(bundle, exam.sandbox, seed=exam.seed, rounds=0)
        pages = [
            _Place(
                PAGE,
                f"the reply of {call.tool} to no arguments",
                Text(scalars_text(call.execution.result)),
                call.tool,
            )
            for call in calls
            if isinstance(call.execution, Succeeded)
        ]
        errors = [_error_place(one) for one in complaints]
        readable = [*_declared(bundle), *errors]
        whole = Text.joined(place.text for place in [*readable, *pages])
        categories = Categories(bundle)
        findings: list[Finding] = []
        sought = 0
        for number, task in enumerate(exam.tasks, start=1):
            golds = [one for one in gold_values(task) if not categories.hold(one.value)]
            sought += len(golds)
            # Most values stand nowhere, and one look finds that out.
            near = [one for one in golds if whole.holds(one.value)]
            findings += _task_findings(task, golds, near, [*readable, *pages])
            exam.on_step(self.name, number, len(exam.tasks))
        async with workbench(exam) as bench:
            findings += await told_together(bench, categories)
        figures: JsonObject = {
            "values_sought": sought,
            "error_texts": len(errors),
            "first_pages": len(pages),
            "declarations": len(readable) - len(errors),
        }
        return decided(self.name, findings, figures)


def _error_place(complaint: Complaint) -> _Place:
    shown = complaint.text[:MOST_SHOWN]
    return _Place(
        "gold in an error text",
        f"an error of {complaint.tool}: {shown!r}",
        Text(complaint.text),
        complaint.tool,
        Text(scalars_text(complaint.arguments)),
    )


def _task_findings(
    task: Task, golds: list[GoldValue], near: list[GoldValue], places: list[_Place]
) -> Iterator[Finding]:
    """Give what can be read of a task's gold.

    Args:
        task: The task.
        golds: Its values.
        near: Those of them that stand in some place.
        places: What can be read whatever the user says.
    """
    chain = {question.tool for question in task.needed}
    chain |= {other.tool for question in task.needed for other in question.alternatives}
    spoken = [
        _Place("gold in the prompt", f"turn {number}", Text(turn.say))
        for number, turn in enumerate(task.turns)
    ]
    yield from _slots_said(task, spoken)
    told: set[tuple[str, str, str | None]] = set()
    for gold in golds:
        for place in [*spoken[: gold.turn + 1], *(places if gold in near else ())]:
            key = (gold.what, place.kind, place.tool)
            outside = place.kind != PAGE or place.tool not in chain
            if key not in told and outside and place.gives(gold.value):
                told.add(key)
                yield Finding(
                    problem=f"{gold.what} {gold.value!r} can be read in {place.where}",
                    kind=place.kind,
                    task=task.id,
                    tool=place.tool,
                    evidence={"value": gold.value},
                )


def _slots_said(task: Task, spoken: list[_Place]) -> Iterator[Finding]:
    """Give the slots whose value was said before the agent was to ask for it."""
    for slot in task.slots:
        asked = [n for n, turn in enumerate(task.turns) if turn.expect.slot == slot.name]
        for place in spoken[: asked[0] + 1] if asked and carries_enough(slot.value) else ():
            if place.gives(slot.value):
                yield Finding(
                    problem=f"the slot {slot.name!r}, {slot.value!r}, can be read in {place.where}",
                    kind="slot in the prompt",
                    task=task.id,
                    evidence={"value": slot.value},
                )


def gold_values(task: Task) -> Iterator[GoldValue]:
    """Give the values that a task asks for and that its questions do not name themselves."""
    told = [slot.value for slot in task.slots]
    for question in task.needed:
        given = [*told, *_given(task, question)]
        value = question.answer.value
        if carries_enough(value) and not any(same_json(value, one) for one in given):
            yield GoldValue(f"the answer of {question.id}", value, question.turn)
    final = task.final_answer
    answers = [question.answer.value for question in task.sub_questions]
    if final is not None and carries_enough(final.value):
        given = [*told, *_literals(task.sub_questions)]
        if not any(same_json(final.value, one) for one in [*given, *answers]):
            yield GoldValue("the final answer", final.value, len(task.turns) - 1)


def _given(task: Task, question: SubQuestion) -> list[Json]:
    """Return argument values that a task names, but for those of calls that follow `question`."""
    below = {question.id}
    for other in task.in_order():
        if below & set(other.depends_on) or below & references_of(other.arguments):
            below.add(other.id)
    return _literals(other for other in task.sub_questions if other.id not in below) + _literals(
        [question]
    )


def _literals(questions: Iterable[SubQuestion]) -> list[Json]:
    return [
        value
        for question in questions
        for value in question.arguments.values()
        if not isinstance(value, dict)
    ]


def gold_call_values(task: Task) -> list[tuple[str, JsonObject]]:
    """Return the gold calls of a task, references resolved by the gold."""
    answers = gold_answers(task)
    return [
        (question.tool, resolve_arguments(question.arguments, answers))
        for question in task.needed
        if question.tool is not None
    ]


def _declared(bundle: Bundle) -> Iterator[_Place]:
    environment = bundle.environment
    words = f"{environment.name}\n{environment.title}\n{environment.description}"
    yield _Place("gold in a description", "the environment's description", Text(words))
    for tool in environment.tools:
        yield _Place("gold in a tool name", f"the name of {tool.name}", Text(tool.name), tool.name)
        yield _Place(
            "gold in a description",
            f"the description of {tool.name}",
            Text(tool.description),
            tool.name,
        )
        for kind, text in _schema_texts(tool):
            yield _Place(kind, f"the schemas of {tool.name}", Text(text), tool.name)


def _schema_texts(tool: ToolSpec) -> Iterator[tuple[str, str]]:
    found: dict[str, list[str]] = {}
    for schema in (tool.input_schema, tool.output_schema):
        _collect(schema, "a schema", found)
    for key in sorted(found):
        yield f"gold in {key}", "\n".join(found[key])


_KEYWORDS = {
    "default": "a default",
    "const": "an enum",
    "enum": "an enum",
    "example": "an example",
    "examples": "an example",
    "description": "a description",
    "title": "a description",
}


def _collect(value: Json, kind: str, found: dict[str, list[str]]) -> None:
    match value:
        case dict():
            for key, inner in value.items():
                if key == "properties" and isinstance(inner, dict):
                    found.setdefault(kind, []).extend(inner)
                    for rule in inner.values():
                        _collect(rule, kind, found)
                else:
                    _collect(inner, _KEYWORDS.get(key, kind), found)
        case list():
            for item in value:
                _collect(item, kind, found)
        case _:
            # What a keyword of the schema itself says, `object` or a bound, is no data.
            if kind != "a schema":
                found.setdefault(kind, []).append(scalars_text(value))
