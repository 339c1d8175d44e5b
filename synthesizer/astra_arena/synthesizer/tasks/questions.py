"""Words a plan as one plain question that gives what is needed and nothing that is asked for."""

import random
import re
from dataclasses import dataclass

from astra_arena.synthesizer.tables.catalogue import Catalogue
from astra_arena.synthesizer.tables.profile import SqlValue
from astra_arena.synthesizer.tasks.phrases import Phrases
from astra_arena.synthesizer.tasks.task_graphs import Plan, Step

LONGEST_NESTED_ROW = 90
"""A longer phrase for a row gets a sentence of its own."""

_OPENINGS = ("Find {}.", "Take {}.", "Look for {}.", "Start with {}.")
_KNOWN_OPENINGS = ("Take {}.", "Start with {}.", "Consider {}.")
_CHOICES = ("Among {}, find {}.", "Of all {}, take {}.", "Among {}, look for {}.")


@dataclass(frozen=True, slots=True)
class Wording:
    """The question of a task and those of its steps."""

    question: str
    step_questions: dict[str, str]


class Storyteller:
    """Tells one plan: long rows are introduced first, then spoken of as "that …"."""

    def __init__(self, catalogue: Catalogue, plan: Plan, stream: random.Random) -> None:
        self._phrases = Phrases(catalogue, plan)
        self._plan = plan
        self._stream = stream
        self._introduced: list[Step] = []
        self._lettered: set[str] = set()

    def tell(self) -> Wording:
        """Return the wording of the plan."""
        told = self._question()
        if self._lettered:
            # Two rows of one kind are spoken of: the second telling gives them names.
            self._introduced = []
            told = self._question()
        steps = {step.id: self._phrases.question(step, self._nested) for step in self._plan.steps}
        return Wording(told, steps)

    def _question(self) -> str:
        state = self._stream.getstate()
        parts = [self._part(leaves) for leaves in self._separate_leaves()]
        self._stream.setstate(state)
        first, *others = parts
        return " ".join([capitalised(first), *(f"Separately: {other}" for other in others)])

    def _separate_leaves(self) -> list[list[Step]]:
        """Return the leaves, those that have no step in common apart."""
        if self._plan.shape in ("singles", "branches"):
            return [[leaf] for leaf in self._plan.leaves]
        return [list(self._plan.leaves)]

    def _part(self, leaves: list[Step]) -> str:
        needed = frozenset[str]().union(*(self._plan.ancestors(leaf) for leaf in leaves))
        sentences = [
            self._introduction(step)
            for step in self._plan.inner
            if step.id in needed and self._has_own_sentence(step)
        ]
        asked = [self._phrases.question(leaf, self._refer) for leaf in leaves]
        return " ".join([*sentences, _asked_together(asked)])

    def _has_own_sentence(self, step: Step) -> bool:
        if step.kind == "get" and step.sources:
            return False
        if self._plan.shape == "chain" and len(self._plan.steps) == 2:
            return len(self._phrases.row(step, self._nested)) > LONGEST_NESTED_ROW
        feeds = sum(step.id in other.sources for other in self._plan.steps)
        short = step.kind in ("get", "pick") and feeds == 1
        return not short or len(self._phrases.row(step, self._nested)) > LONGEST_NESTED_ROW

    def _introduction(self, step: Step) -> str:
        noun = self._phrases.entity_of(step).singular
        known = step.kind in ("get", "pick") and not step.sources
        opening = self._stream.choice(_KNOWN_OPENINGS if known else _OPENINGS)
        choosing = self._stream.choice(_CHOICES)
        if step.kind == "top" and step.sources:
            rows = self._phrases.rows(step, self._refer)
            chosen = self._phrases.superlative(step, noun="one")
            sentence = choosing.format(rows, chosen)
        else:
            sentence = opening.format(self._phrases.row(step, self._refer))
        self._introduced.append(step)
        if noun in self._lettered:
            return f"{sentence[:-1]}; call it {noun} {self._letter(step)}."
        return sentence

    def _letter(self, step: Step) -> str:
        same = [other for other in self._introduced if other.table == step.table]
        return "ABCDE"[same.index(step)]

    def _refer(self, step: Step) -> str:
        """Return how a row is spoken of after the introductions so far."""
        if step not in self._introduced:
            return self._phrases.row(step, self._refer)
        noun = self._phrases.entity_of(step).singular
        if noun in self._lettered:
            return f"{noun} {self._letter(step)}"
        latest = [other for other in self._introduced if other.table == step.table][-1]
        if latest != step:
            self._lettered.add(noun)
        return f"that {noun}"

    def _nested(self, step: Step) -> str:
        return self._phrases.row(step, self._nested)


def _asked_together(questions: list[str]) -> str:
    first, *others = questions
    told = first
    for other in others:
        told = f"{told[:-1]}, and {other[:1].lower()}{other[1:]}"
    return told


def capitalised(text: str) -> str:
    """Return text with a capital first letter, whatever the rest is."""
    return text[:1].upper() + text[1:]


def gives_away(question: str, answer: SqlValue) -> bool:
    """Tell whether a question holds an answer, as a word or number of its own."""
    text = str(answer).strip()
    if not text:
        return True
    pattern = rf"(?<![\w.]){re.escape(text)}(?!\w|\.\d)"
    return re.search(pattern, question, flags=re.IGNORECASE) is not None


def wording_finding(plan: Plan, wording: Wording) -> str | None:
    """Return why the question is no good one, or `None`."""
    for step in plan.steps:
        if gives_away(wording.question, step.answer):
            return f"the question holds the answer of {step.id}"
    return None
