"""Facts in three parts, subject, relation and object: questions that lead from one to the next.

The facts of all questions of a source share one world, those that a question does not need among
them.
"""

import re
import sqlite3

from astra_arena.core.canonical import Json, JsonObject
from astra_arena.core.environment import ToolSpec
from astra_arena.core.errors import SpecError
from astra_arena.core.tasks import Answer, FinalAnswer, RowSelector, SubQuestion
from astra_arena.synthesizer.qa.decomposition import (
    Decomposition,
    EvidenceSource,
    QuestionNode,
    references_in,
)
from astra_arena.synthesizer.qa.environments.code_parts import tools_text
from astra_arena.synthesizer.qa.environments.question_world import (
    NEEDS_MODEL,
    PlannedTask,
    object_schema,
    rows_schema,
    text_schema,
)
from astra_arena.synthesizer.qa.instance import QAInstance, Triple
from astra_arena.synthesizer.qa.structure import structure_of

MOST_WORDS = 8
MOST_RIVALS = 12
_SHORTHAND = re.compile(r"(?P<subject>.+?)\s*>>\s*(?P<relation>.+)")
"""How single steps of MuSiQue are written: `Larkmill Brewery >> founded by`."""

_SUBJECT: JsonObject = {"subject": text_schema("Who or what the fact is about, by name.")}
_TEXT: JsonObject = {"type": "string"}
LIST_RELATIONS = ToolSpec(
    name="list_relations",
    description="List what kinds of facts there are about a subject; not the facts themselves.",
    input_schema=object_schema(_SUBJECT, _SUBJECT),
    output_schema=object_schema({"relations": {"type": "array", "items": _TEXT}}, ["relations"]),
    read_only=True,
)
LOOK_UP = ToolSpec(
    name="look_up",
    description="Look up facts about a subject by their kind.",
    input_schema=object_schema(
        {**_SUBJECT, "relation": text_schema("The kind of fact, as list_relations names it.")},
        ["subject", "relation"],
    ),
    output_schema=rows_schema("facts", {"subject": _TEXT, "relation": _TEXT, "object": _TEXT}),
    read_only=True,
)


def facts_of(instance: QAInstance) -> dict[str, Triple] | None:
    """Return the fact behind each sub-question; `None` when one has none."""
    decomposition = instance.decomposition
    if decomposition is None:
        return None
    found: dict[str, Triple] = {}
    for name in structure_of(decomposition.parents).order:
        fact = _fact(instance, decomposition, decomposition.node(name))
        if fact is None:
            return None
        found[name] = fact
    return found


def _fact(instance: QAInstance, decomposition: Decomposition, node: QuestionNode) -> Triple | None:
    if isinstance(node.source, EvidenceSource):
        return instance.evidence[node.source.index]
    short = _SHORTHAND.fullmatch(node.question)
    if short is None or node.answer is None or not isinstance(node.answer.value, str):
        return None
    subject = short["subject"].strip()
    for parent in references_in(subject):
        answer = decomposition.node(parent).answer
        if subject != f"{{{parent}}}" or answer is None or not isinstance(answer.value, str):
            return None
        subject = answer.value
    if references_in(short["relation"]):
        return None
    return Triple(subject=subject, relation=short["relation"].strip(), object=node.answer.value)


class FactWorld:
    """The world of facts."""

    kind = "facts"
    title = "Facts about people, places and works"
    description = "Facts in three parts, which lead from one subject to the next."
    specs = (LIST_RELATIONS, LOOK_UP)

    def __init__(self) -> None:
        self._objects: dict[tuple[str, str], set[str]] = {}
        self._known: dict[str, None] = {}

    @property
    def tools_py(self) -> str:
        """The code of the tools."""
        about = "Tools that look facts up."
        return tools_text(about, ("fact_code",), [spec.name for spec in self.specs])

    def create(self, world: sqlite3.Connection) -> None:
        """Make the tables."""
        world.execute(
            "CREATE TABLE facts (folded TEXT NOT NULL, subject TEXT NOT NULL, relation TEXT NOT "
            "NULL, object TEXT NOT NULL, PRIMARY KEY (folded, relation, object))"
        )

    def add(self, instance: QAInstance, world: sqlite3.Connection) -> None:
        """Add the facts of a question, and all others that its source states."""
        facts = [*(facts_of(instance) or {}).values(), *instance.evidence]
        for fact in facts:
            key = (_folded(fact.subject), _folded(fact.relation))
            self._objects.setdefault(key, set()).add(_folded(fact.object))
            self._known.setdefault(fact.object)
        world.executemany(
            "INSERT OR IGNORE INTO facts VALUES (?, ?, ?, ?)",
            [(_folded(one.subject), one.subject, one.relation, one.object) for one in facts],
        )

    def plan(self, instance: QAInstance, environment: str, *, indirect: bool) -> PlannedTask:
        """Return the task of a question; see `QuestionWorld.plan`."""
        del indirect
        facts = facts_of(instance)
        if facts is None or instance.decomposition is None:
            raise SpecError(f"{NEEDS_MODEL}a sub-question is no fact in three parts")
        questions = tuple(
            self._asked(instance.decomposition.node(name), fact, environment)
            for name, fact in facts.items()
        )
        return PlannedTask(instance.question.strip(), questions, self._final(instance))

    def _asked(self, node: QuestionNode, fact: Triple, environment: str) -> SubQuestion:
        objects = self._objects[_folded(fact.subject), _folded(fact.relation)]
        if len(objects) > 1:
            raise SpecError(
                f"{node.id}: {len(objects)} facts say what {fact.relation!r} of {fact.subject!r} is"
            )
        if len(node.depends_on) > 1:
            raise SpecError(f"{NEEDS_MODEL}{node.id} compares the answers of others")
        subject: Json = (
            {"$from": node.depends_on[0], "path": ""} if node.depends_on else fact.subject
        )
        return SubQuestion(
            id=node.id,
            question=node.question,
            environment=environment,
            tool=LOOK_UP.name,
            arguments={"subject": subject, "relation": fact.relation},
            depends_on=node.depends_on,
            answer=Answer(
                path="/facts/0/object",
                where=RowSelector(
                    rows="/facts",
                    equals={"subject": fact.subject, "relation": fact.relation},
                    field="/object",
                    gold_rows=1,
                ),
                kind="text",
                value=fact.object,
            ),
        )

    def _final(self, instance: QAInstance) -> FinalAnswer:
        value = instance.answer.value
        if not isinstance(value, str) or len(value.split()) > MOST_WORDS:
            raise SpecError(f"{NEEDS_MODEL}the answer is more than a rule can compare")
        right = value.casefold()
        rivals = [
            one
            for one in self._known
            if right not in one.casefold() and one.casefold() not in right
        ]
        return FinalAnswer(kind="text", value=value, rivals=tuple(rivals[:MOST_RIVALS]))


def _folded(words: str) -> str:
    return " ".join(words.lower().split())
