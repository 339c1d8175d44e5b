"""Words a plan as one plain question that gives what is needed and nothing that is asked for."""

import random
import re
from dataclasses import dataclass, field

from astra_arena.synthesizer.tables.catalogue import Catalogue
from astra_arena.synthesizer.tables.profile import SqlValue
from astra_arena.synthesizer.tasks.closings import Closing, closing_question
from astra_arena.synthesizer.tasks.phrases import LONGEST_INSIDE, Phrases
from astra_arena.synthesizer.tasks.task_graphs import Plan, Step
from astra_arena.synthesizer.tasks.terms import moment, number

CLOSING_STEP = "final"
"""The id of the sub-question that is computed from others."""
LONGEST_NESTED_ROW = 90
"""A longer phrase for a row gets a sentence of its own."""
LONGEST_AMID = 48
"""A longer phrase does not stand amid a question."""
FEWEST_NUMBERED = 4
"""So many separate questions are numbered."""

_OPENINGS = ("Find {}.", "Take {}.", "Look for {}.", "Start with {}.")
_LATER_OPENINGS = ("Then find {}.", "From there, go to {}.", "Next, take {}.", "Then look for {}.")
_KNOWN_OPENINGS = ("Take {}.", "Start with {}.", "Consider {}.", "Look at {}.")
_CHOICES = ("Among {}, find {}.", "Of all {}, take {}.", "Among {}, look for {}.")
_CONNECTORS = ("Also, {}", "And {}", "Separately, {}", "I would also like to know: {}")
_SENTENCE_CONNECTORS = ("Separately: {}", "Another thing: {}", "Now something else. {}")
_LISTINGS = (
    "Please answer each of these.",
    "I have {n} questions.",
    "Could you look up {n} things for me?",
    "I need {n} facts for a summary.",
)
_NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight")
_ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth")


@dataclass(frozen=True, slots=True)
class Wording:
    """The question of a task and those of its steps."""

    question: str
    step_questions: dict[str, str]


@dataclass
class _Told:
    """Which rows have been introduced, and of which tables several are spoken of."""

    introduced: list[Step] = field(default_factory=list[Step])
    counted: set[str] = field(default_factory=set[str])
    """Nouns whose bearers are called the first, the second and so on."""


class Storyteller:
    """Tells one plan: long rows are introduced first, then spoken of as "that …"."""

    def __init__(
        self,
        catalogue: Catalogue,
        plan: Plan,
        stream: random.Random,
        closing: Closing | None = None,
    ) -> None:
        self._phrases = Phrases(catalogue, plan, salt=stream.getrandbits(32))
        self._plan = plan
        self._told = _Told()
        self._closing = closing

    def tell(self) -> Wording:
        """Return the wording of the plan."""
        told = self._question()
        if self._told.counted:
            # Two rows of one kind are spoken of: the second telling counts them.
            self._told.introduced = []
            told = self._question()
        steps = (
            {}
            if self._closing is None
            else {CLOSING_STEP: closing_question(self._closing, self._phrases, self._nested)}
        )
        steps |= {step.id: self._phrases.question(step, self._nested) for step in self._plan.steps}
        return Wording(told, steps)

    def _question(self) -> str:
        parts = [self._part(leaves) for leaves in self._separate_leaves()]
        if len(parts) >= FEWEST_NUMBERED:
            listing = self._phrases.choose(_LISTINGS, "listing").format(n=_NUMBERS[len(parts)])
            numbered = [f"({n}) {capitalised(part)}" for n, part in enumerate(parts, start=1)]
            return " ".join([listing, *numbered])
        first, *others = parts
        return " ".join([capitalised(first), *map(self._connected, others, range(len(others)))])

    def _connected(self, part: str, place: int) -> str:
        sentences = part.count(". ")
        forms = _SENTENCE_CONNECTORS if sentences else _CONNECTORS
        # The same opening twice would tell that a list is gone through.
        start = forms.index(self._phrases.choose(forms, "connector"))
        form = forms[(start + place) % len(forms)]
        lowered = within_sentence(part)
        return form.format(capitalised(part) if form.endswith(". {}") else lowered)

    def _separate_leaves(self) -> list[list[Step]]:
        """Return the leaves, those that have no step in common apart."""
        if self._plan.shape in ("singles", "branches") and self._closing is None:
            return [[leaf] for leaf in self._plan.leaves]
        return [list(self._plan.leaves)]

    def _part(self, leaves: list[Step]) -> str:
        needed = frozenset[str]().union(*(self._plan.ancestors(leaf) for leaf in leaves))
        sentences: list[str] = []
        for step in self._plan.inner:
            if step.id in needed and self._has_own_sentence(step):
                sentences.append(self._introduction(step, later=bool(sentences)))
        if self._closing is not None:
            return " ".join(
                [*sentences, closing_question(self._closing, self._phrases, self._refer)]
            )
        asked: list[str] = []
        for leaf in leaves:
            if self._splits_question(leaf):
                sentences.append(self._introduction(leaf, later=bool(sentences)))
            asked.append(self._asked(leaf))
        return " ".join([*sentences, _asked_together(asked)])

    def _splits_question(self, leaf: Step) -> bool:
        """Whether a row is too long to stand in the middle of the question about it."""
        if leaf.kind not in ("top", "pick") or self._phrases.ends_well(leaf):
            return False
        row = self._phrases.row(leaf, self._refer)
        return len(row) > LONGEST_AMID or " that " in row

    def _asked(self, leaf: Step) -> str:
        if leaf in self._told.introduced:
            return self._phrases.value_question(leaf, self._refer(leaf))
        return self._phrases.question(leaf, self._refer)

    def _has_own_sentence(self, step: Step) -> bool:
        if step.kind == "scan":
            return True
        feeds = sum(step.id in other.sources for other in self._plan.steps)
        if step.kind == "get" and step.sources:
            return feeds > 1 and len(self._phrases.row(step, self._refer)) > LONGEST_INSIDE
        if self._plan.shape in ("chain", "branches") and len(self._plan.ancestors(step)) == 0:
            alone = all(len(other.sources) < 2 for other in self._plan.steps)
            fed = [other for other in self._plan.steps if step.id in other.sources]
            if alone and all(self._is_leaf(other) for other in fed):
                return len(self._phrases.row(step, self._nested)) > LONGEST_NESTED_ROW
        short = step.kind in ("get", "pick") and feeds == 1
        return not short or len(self._phrases.row(step, self._nested)) > LONGEST_NESTED_ROW

    def _is_leaf(self, step: Step) -> bool:
        return step in self._plan.leaves

    def _introduction(self, step: Step, *, later: bool) -> str:
        noun = self._phrases.noun_of(step)
        known = step.kind in ("get", "pick") and not step.sources
        openings = _KNOWN_OPENINGS if known else _LATER_OPENINGS if later else _OPENINGS
        opening = self._phrases.choose(openings, step.id, "opening")
        choosing = self._phrases.choose(_CHOICES, step.id, "choosing")
        if step.kind == "scan" or (step.kind == "top" and step.sources):
            rows = self._phrases.rows(step, self._refer)
            chosen = self._phrases.superlative(step, noun="one")
            sentence = choosing.format(rows, chosen)
        else:
            sentence = opening.format(self._phrases.row(step, self._refer))
        self._told.introduced.append(step)
        if noun in self._told.counted:
            return f"{sentence[:-1]}; call it the {self._ordinal(step)} {noun}."
        return sentence

    def _ordinal(self, step: Step) -> str:
        noun = self._phrases.noun_of(step)
        same = [one for one in self._told.introduced if self._phrases.noun_of(one) == noun]
        return _ORDINALS[same.index(step)]

    def _refer(self, step: Step) -> str:
        """Return how a row is spoken of after the introductions so far."""
        if step not in self._told.introduced:
            return self._phrases.row(step, self._refer)
        noun = self._phrases.noun_of(step)
        if noun in self._told.counted:
            return f"the {self._ordinal(step)} {noun}"
        same = [one for one in self._told.introduced if self._phrases.noun_of(one) == noun]
        if same[-1] != step:
            self._told.counted.add(noun)
        return f"that {noun}"

    def _nested(self, step: Step) -> str:
        return self._phrases.row(step, self._nested)


def _asked_together(questions: list[str]) -> str:
    first, *others = questions
    if not others:
        return first
    lowered = [within_sentence(one[:-1]) for one in others]
    *between, last = [first[:-1], *lowered]
    return f"{', '.join(between)}, and {last}?"


def within_sentence(text: str) -> str:
    """Return a sentence as it stands behind other words: its first letter is small, but for `I`."""
    return text if text.startswith("I ") else text[:1].lower() + text[1:]


def capitalised(text: str) -> str:
    """Return text with a capital first letter, whatever the rest is."""
    return text[:1].upper() + text[1:]


def gives_away(question: str, answer: SqlValue) -> bool:
    """Tell whether a question holds an answer, as a word or number of its own, however written."""
    text = str(answer).strip()
    if not text:
        return True
    spellings = {text}
    if isinstance(answer, int | float):
        spellings.add(number(answer))
    elif isinstance(answer, str):
        spellings.add(moment(text))
    return any(_holds_word(question, spelling) for spelling in spellings)


def _holds_word(question: str, word: str) -> bool:
    pattern = rf"(?<![\w.,]){re.escape(word)}(?!\w|[.,]\d)"
    return re.search(pattern, question, flags=re.IGNORECASE) is not None


def wording_finding(plan: Plan, wording: Wording, closing: Closing | None = None) -> str | None:
    """Return why the question is no good one, or `None`."""
    if closing is not None and gives_away(wording.question, closing.value):
        return "the question holds the final answer"
    for step in plan.steps:
        if gives_away(wording.question, step.answer):
            return f"the question holds the answer of {step.id}"
    return None
