"""Good decompositions made bad by code, one defect at a time, to measure who notices.

A defect is a list of steps as a model would have written it: some are refused before they are a
decomposition, others code finds, the rest is left to the votes.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Literal, TypeAlias, TypeVar

import networkx as nx

from astra_arena.core.canonical import Json, JsonObject
from astra_arena.synthesizer.qa.authored.grounding import states
from astra_arena.synthesizer.qa.authored.step_checks import Dimension
from astra_arena.synthesizer.qa.decomposition import Decomposition, QuestionNode
from astra_arena.synthesizer.qa.instance import QAInstance
from astra_arena.synthesizer.qa.languages import Language

DefectKind = Literal[
    "circle",
    "unknown_id",
    "doubled_id",
    "stranded",
    "unused_dependency",
    "answer_given_away",
    "dropped_dependency",
    "wrong_dependency",
    "added_dependency",
    "compound_step",
    "forced_order",
    "missing_requirement",
]
Target: TypeAlias = Dimension | Literal["structure"]

TARGETS: dict[DefectKind, Target] = {
    "circle": "structure",
    "unknown_id": "structure",
    "doubled_id": "structure",
    "stranded": "structure",
    "unused_dependency": "dependency",
    "answer_given_away": "dependency",
    "dropped_dependency": "dependency",
    "wrong_dependency": "dependency",
    "added_dependency": "dependency",
    "compound_step": "atomicity",
    "forced_order": "sequence",
    "missing_requirement": "completeness",
}
"""In which dimension each defect has to be noticed."""

Steps: TypeAlias = list[JsonObject]

_FitT = TypeVar("_FitT")

_WORDS: dict[Language, dict[str, str]] = {
    "en": {
        "that": "that",
        "usual": "the usual value",
        "given": "{text} Take {name} into account.",
        "once": "Once {name} is known: {text}",
        "both": "{first} And with that: {second}",
    },
    "zh": {
        "that": "那个",
        "usual": "通常的值",
        "given": "{text}请同时考虑{name}。",
        "once": "得知{name}之后再问{text}",
        "both": "{first}然后回答{second}",
    },
}


@dataclass(frozen=True, slots=True)
class SeededDefect:
    """A good decomposition with one defect."""

    kind: DefectKind
    steps: Steps
    finals: tuple[str, ...]


def seeded_defects(instance: QAInstance, stream: Random) -> list[SeededDefect]:
    """Return one defect of each kind that fits the decomposition.

    Args:
        instance: Its decomposition is complete and good.
        stream: Chooses where the defect is.
    """
    assert instance.decomposition is not None
    seeding = _Seeding(instance.decomposition, instance.language, stream)
    makers: dict[DefectKind, Callable[[], Steps | None]] = {
        "circle": seeding.circle,
        "unknown_id": seeding.unknown_id,
        "doubled_id": seeding.doubled_id,
        "stranded": seeding.stranded,
        "unused_dependency": seeding.unused_dependency,
        "answer_given_away": seeding.answer_given_away,
        "dropped_dependency": seeding.dropped_dependency,
        "wrong_dependency": seeding.wrong_dependency,
        "added_dependency": seeding.added_dependency,
        "compound_step": seeding.compound_step,
        "forced_order": seeding.forced_order,
        "missing_requirement": seeding.missing_requirement,
    }
    finals = instance.decomposition.final_ids
    defects: list[SeededDefect] = []
    for kind, make in makers.items():
        steps = make()
        if steps is not None:
            defects.append(SeededDefect(kind, steps, finals))
    return defects


class _Seeding:
    """Makes defects in one decomposition; `None` where a kind does not fit."""

    def __init__(self, decomposition: Decomposition, language: Language, stream: Random) -> None:
        self._nodes = decomposition.nodes
        self._finals = decomposition.final_ids
        self._words = _WORDS[language]
        self._stream = stream
        self._graph: nx.DiGraph[str] = nx.DiGraph()
        self._graph.add_nodes_from(node.id for node in self._nodes)
        for node in self._nodes:
            self._graph.add_edges_from((parent, node.id) for parent in node.depends_on)

    def circle(self) -> Steps:
        """The first depends on the last."""
        return self._changed(self._nodes[0].id, adds=self._nodes[-1].id, refers=True)

    def unknown_id(self) -> Steps:
        """Something depends on what is not there."""
        return self._changed(self._any(self._nodes).id, adds="q99", refers=True)

    def doubled_id(self) -> Steps | None:
        """Two have one id."""
        if len(self._nodes) < 2:
            return None
        steps = self._steps()
        steps[1]["id"] = steps[0]["id"]
        return steps

    def stranded(self) -> Steps:
        """One leads nowhere."""
        extra = self._steps()[0]
        return [*self._steps(), {**extra, "id": "q98", "question": f"{extra['question']} ?"}]

    def unused_dependency(self) -> Steps | None:
        """A dependency is declared that the words do not use."""
        pair = self._unrelated()
        return None if pair is None else self._changed(pair[1], adds=pair[0], refers=False)

    def answer_given_away(self) -> Steps | None:
        """An answer is written out where it should be referred to."""
        fit = [
            (parent, node)
            for node in self._nodes
            for parent in node.depends_on
            if self._stated(parent) is not None
        ]
        if not fit:
            return None
        parent, node = self._any(fit)
        text = node.question.replace(f"{{{parent}}}", self._stated(parent) or "")
        return self._replaced(node.id, text, node.depends_on)

    def dropped_dependency(self) -> Steps | None:
        """A reference becomes a mere word.

        Where nothing else would lead on from what it refers to, a final one refers to that instead:
        else code would see it.
        """
        fit = [
            (parent, node)
            for node in self._nodes
            for parent in node.depends_on
            if node.id not in self._finals or self._leads_on_without(parent, node.id)
        ]
        if not fit:
            return None
        parent, node = self._any(fit)
        text = node.question.replace(f"{{{parent}}}", self._words["that"])
        steps = self._replaced(node.id, text, [one for one in node.depends_on if one != parent])
        if self._leads_on_without(parent, node.id):
            return steps
        final = next(name for name in self._finals if self._reaches(node.id, name))
        (moved,) = (one for one in self._worded(final, "given", parent) if one["id"] == final)
        return [moved if one["id"] == final else one for one in steps]

    def wrong_dependency(self) -> Steps | None:
        """Two references of different sub-questions are exchanged."""
        fit = [
            (left, right, one, other)
            for left in self._nodes
            for right in self._nodes
            for one in left.depends_on
            for other in right.depends_on
            if left.id < right.id
            and one not in right.depends_on
            and other not in left.depends_on
            and not self._reaches(left.id, other)
            and not self._reaches(right.id, one)
        ]
        if not fit:
            return None
        left, right, one, other = self._any(fit)
        return [
            _exchanged(step, one, other)
            if step["id"] == left.id
            else _exchanged(step, other, one)
            if step["id"] == right.id
            else step
            for step in self._steps()
        ]

    def added_dependency(self) -> Steps | None:
        """A reference to what is not needed."""
        pair = self._unrelated()
        if pair is None:
            return None
        return self._worded(pair[1], "given", pair[0])

    def forced_order(self) -> Steps | None:
        """One that could go beside another waits for it."""
        roots = [node.id for node in self._nodes if not node.depends_on]
        fit = [
            (first, second)
            for first in roots
            for second in roots
            if first != second and not self._reaches(second, first)
        ]
        if not fit:
            return None
        first, second = self._any(fit)
        return self._worded(second, "once", first)

    def compound_step(self) -> Steps | None:
        """Two are asked as one."""
        fit = [
            (node.depends_on[0], node)
            for node in self._nodes
            if len(node.depends_on) == 1
            and self._graph.out_degree(node.depends_on[0]) == 1
            and node.depends_on[0] not in self._finals
        ]
        if not fit:
            return None
        parent, node = self._any(fit)
        first = self._node(parent)
        second = node.question.replace(f"{{{parent}}}", self._words["that"])
        text = self._words["both"].format(first=first.question, second=second)
        steps = self._replaced(node.id, text, first.depends_on)
        return [step for step in steps if step["id"] != parent]

    def missing_requirement(self) -> Steps | None:
        """What has to be known is taken for granted."""
        fit = [
            node
            for node in self._nodes
            if not node.depends_on
            and node.id not in self._finals
            and all(len(self._node(below).depends_on) > 1 for below in self._below(node.id))
        ]
        if not fit:
            return None
        lost = self._any(fit).id
        steps = [step for step in self._steps() if step["id"] != lost]
        for step in steps:
            step["question"] = str(step["question"]).replace(f"{{{lost}}}", self._words["usual"])
            step["depends_on"] = [one for one in _ids(step) if one != lost]
        return steps

    def _steps(self) -> Steps:
        return [
            {
                "id": node.id,
                "question": node.question,
                "depends_on": list[Json](node.depends_on),
                "answer": None if node.answer is None else node.answer.value,
                "needs_tool": node.needs_tool,
            }
            for node in self._nodes
        ]

    def _replaced(self, name: str, text: str, parents: Sequence[str]) -> Steps:
        changed: dict[str, Json] = {"question": text, "depends_on": list[Json](parents)}
        return [{**step, **changed} if step["id"] == name else step for step in self._steps()]

    def _changed(self, name: str, *, adds: str, refers: bool) -> Steps:
        node = self._node(name)
        text = f"{node.question} {{{adds}}}" if refers else node.question
        return self._replaced(name, text, [*node.depends_on, adds])

    def _worded(self, name: str, how: str, parent: str) -> Steps:
        node = self._node(name)
        text = self._words[how].format(text=node.question, name=f"{{{parent}}}")
        return self._replaced(name, text, [*node.depends_on, parent])

    def _node(self, name: str) -> QuestionNode:
        return next(node for node in self._nodes if node.id == name)

    def _any(self, fit: Sequence[_FitT]) -> _FitT:
        return self._stream.choice(fit)

    def _below(self, name: str) -> list[str]:
        return sorted(self._graph.successors(name))

    def _reaches(self, start: str, end: str) -> bool:
        return start == end or nx.has_path(self._graph, start, end)

    def _unrelated(self) -> tuple[str, str] | None:
        """Return one and another that neither needs it nor leads to it."""
        fit = [
            (one.id, other.id)
            for one in self._nodes
            for other in self._nodes
            if one.id not in other.depends_on
            and not self._reaches(other.id, one.id)
            and one.id not in self._finals
        ]
        return self._any(fit) if fit else None

    def _stated(self, name: str) -> str | None:
        """Return an answer as words, if a question that holds them gives it away."""
        answer = self._node(name).answer
        value = None if answer is None else answer.value
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            return None
        return str(value) if states(str(value), value) else None

    def _leads_on_without(self, parent: str, child: str) -> bool:
        if parent in self._finals:
            return True
        left = self._graph.copy()
        left.remove_edge(parent, child)
        return any(nx.has_path(left, parent, final) for final in self._finals)


def _exchanged(step: dict[str, Json], old: str, new: str) -> dict[str, Json]:
    text = re.sub(rf"\{{{re.escape(old)}\}}", f"{{{new}}}", str(step["question"]))
    return {**step, "question": text, "depends_on": [new if x == old else x for x in _ids(step)]}


def _ids(step: dict[str, Json]) -> list[Json]:
    held = step["depends_on"]
    return held if isinstance(held, list) else []
