"""Words for steps: the row that one finds, the rows that it searches, the question it asks."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from astra_arena.core.randomness import random_stream
from astra_arena.synthesizer.tables.catalogue import Catalogue, Entity
from astra_arena.synthesizer.tables.grammar import ColumnGrammar, grammar_of
from astra_arena.synthesizer.tables.naming import a_or_an
from astra_arena.synthesizer.tables.roles import role_of
from astra_arena.synthesizer.tasks.constraints import Constraints
from astra_arena.synthesizer.tasks.task_graphs import Condition, Plan, Row, Step
from astra_arena.synthesizer.tasks.terms import named_row, spoken
from astra_arena.synthesizer.tasks.things import thing_of

Namer: TypeAlias = Callable[[Step], str]
"""How the row of a step is referred to where another step needs it."""

LONGEST_INSIDE = 60
"""A longer phrase stands at the end of a question."""
LONGEST_SHORT = 24

_UNNAMED = ("{} that I have in mind", "{} that I am looking at", "{} that I need for a report")
"""For a row that the question does not tell from others."""

_FIGURES = {
    "minimum": (
        "What is the lowest {label} among {rows}?",
        "What is the lowest {label} of {rows}?",
    ),
    "maximum": (
        "What is the highest {label} among {rows}?",
        "What is the highest {label} of {rows}?",
    ),
    "mean": ("What is the average {label} of {rows}?",),
    "sum": ("What is the total {label} of {rows}?",),
}
_COUNTED_FIGURES = {
    "mean": ("How many {counted} do {rows} have on average?",),
    "sum": ("How many {counted} do {rows} have in total?",),
}


_DEEDS_APART = (
    "How many days passed from when {row} was {start} until it was {end}?",
    "How many days after {row} was {start} was it {end}?",
)
_PERIODS = (
    "How many days lie between the {start} and the {end} of {row}?",
    "How many days are there from the {start} to the {end} of {row}?",
    "How many days after the {start} is the {end} of {row}?",
)
_LONGEST = (
    "whose {label} is the longest",
    "that has the longest {label}",
    "with the longest {label}",
)
_LONGEST_TIME = (
    "with the longest time between its {start} and its {end}",
    "for which the most time passed between its {start} and its {end}",
)
_FURTHEST = (
    "whose {high} exceeds its {low} by the most",
    "whose {high} is the furthest above its {low}",
    "with the largest margin of its {high} over its {low}",
)
"""What stands out among rows that are read one by one."""

_COUNTING = {"total": "in total", "average": "on average"}


@dataclass(frozen=True)
class Phrases:
    """Words the steps of one plan.

    Args:
        catalogue: The entities.
        plan: The steps.
        salt: Decides which of several ways to say a thing is taken; the same way each time.
    """

    catalogue: Catalogue
    plan: Plan
    salt: int = 0
    constraints: Constraints = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "constraints", Constraints(self))

    def choose(self, options: Sequence[str], *about: str) -> str:
        """Choose one of several ways to say the same, the same way whenever it is said."""
        if len(options) == 1:
            return options[0]
        return random_stream(self.salt, "phrase", *about).choice(options)

    def entity_of(self, step: Step) -> Entity:
        """Return the entity that a step is about."""
        return self.catalogue.by_name[step.table]

    def grammar(self, step: Step, column: str | None) -> ColumnGrammar:
        """Return how a column of a step's entity is spoken of."""
        entity = self.entity_of(step)
        return grammar_of(entity, entity.by_name[column or ""])

    def row(self, step: Step, name: Namer) -> str:
        """Return the noun phrase for the row that a step finds, nested parents included."""
        if any(condition.unsaid for condition in step.conditions):
            noun = a_or_an(self.entity_of(step).singular)
            return self.choose(_UNNAMED, step.id, "unnamed").replace("{}", noun)
        match step.kind:
            case "get" | "period":
                return self._known_row(step, name)
            case "group":
                return self._group_row(step, name)
            case "pick":
                return f"the {self.constraints.noun(step, name, plural=False)}"
            case "scan":
                return self._chosen_among(step, name)
            case _:
                if any(condition.source for condition in step.conditions):
                    return self._chosen_among(step, name)
                return self.superlative(step, noun=self.constraints.noun(step, name, plural=False))

    def superlative(self, step: Step, *, noun: str) -> str:
        """Return "the flight with the longest delay" without what it is chosen from."""
        if step.kind == "scan":
            return f"the {noun} {self._outstanding(step)}"
        grammar = self.grammar(step, step.sort_by)
        forms = grammar.most if step.descending else grammar.least
        form = self.choose(forms, step.id, "superlative")
        tail = noun.partition(self.entity_of(step).singular)[2]
        linked = "{} with " in form or "{} that " in form
        if form.startswith("the {} with ") and (" with " in tail or " that " in tail):
            form = form.replace("{} with ", "{} that has ", 1)
        elif form.startswith("the {} ") and tail and not linked:
            form = form.replace("{} ", "{} that was ", 1)
        # Two clauses in a row are one with "and".
        if " that " in tail:
            form = form.replace("{} that ", "{} and ", 1)
        return form.replace("{}", noun)

    def _outstanding(self, step: Step) -> str:
        """Return what the row of a scan has that no other has."""
        label = self.grammar(step, step.sort_by).label
        if step.beside is None:
            return self.choose(_LONGEST, step.id, "outstanding").format(label=label)
        other = self.grammar(step, step.beside).label
        if self.entity_of(step).by_name[step.beside].profile.is_temporal:
            done = self._done(step, step.beside), self._done(step, step.sort_by)
            if all(done):
                return f"with the longest time between being {done[0]} and being {done[1]}"
            form = self.choose(_LONGEST_TIME, step.id, "outstanding")
            return form.format(start=other, end=label)
        return self.choose(_FURTHEST, step.id, "outstanding").format(high=label, low=other)

    def _chosen_among(self, step: Step, name: Namer) -> str:
        said = self.superlative(step, noun=self.entity_of(step).singular)
        among = self.choose(("of all {}", "among {}"), step.id, "among")
        return f"{said} {among.format(self.rows(step, name))}"

    def rows(self, step: Step, name: Namer) -> str:
        """Return the noun phrase for the rows that a step searches."""
        return self.constraints.noun(step, name, plural=True)

    def question(self, step: Step, name: Namer) -> str:
        """Return the question that the step answers."""
        match step.kind:
            case "count":
                return self._told_whether_included(step, self._count_question(step, name))
            case "summary":
                return self._told_whether_included(step, self._summary_question(step, name))
            case "group":
                return self._group_question(step, name)
            case "period":
                return self._period_question(step, name)
            case _:
                return self.value_question(step, self.row(step, name))

    def _period_question(self, step: Step, name: Namer) -> str:
        row = self.row(step, name)
        done = self._done(step, step.beside), self._done(step, step.column)
        if all(done):
            form = self.choose(_DEEDS_APART, step.id, "period")
            return form.format(row=row, start=done[0], end=done[1])
        first, last = (self.grammar(step, column).label for column in (step.beside, step.column))
        form = self.choose(_PERIODS, step.id, "period")
        return form.format(row=row, start=first, end=last)

    def _done(self, step: Step, column: str | None) -> str:
        """Return "shipped" where a date says when the row was; else nothing."""
        ask = self.grammar(step, column).asks[0]
        done = ask.removeprefix("When was {} ").removesuffix("?")
        return done if done != ask.removesuffix("?") else ""

    def noun_of(self, step: Step) -> str:
        """Return the noun for what a step finds: a row, or what rows are grouped by."""
        entity = self.entity_of(step)
        if step.kind != "group":
            return entity.singular
        attribute = entity.by_name[step.column or ""]
        reference = entity.reference_of(attribute.name)
        if reference is None:
            return grammar_of(entity, attribute).label
        return attribute.words.role or role_of(attribute, self.catalogue.by_name[reference.target])

    def _group_row(self, step: Step, name: Namer) -> str:
        """Return "the customer with the most orders"."""
        noun, rows = self.noun_of(step), self.rows(step, name)
        if step.sort_by is None:
            return f"the {noun} with the most {rows}"
        grammar = self.grammar(step, step.sort_by)
        figure, label = ("total" if step.metric == "sum" else "average"), grammar.label
        most = "highest" if step.descending else "lowest"
        if grammar.counted:
            many = "most" if step.descending else "fewest"
            counting = _COUNTING[figure]
            return f"the {noun} whose {rows} have the {many} {grammar.counted} {counting}"
        if figure == "total" and "total" in label.split(" "):
            return f"the {noun} whose {rows} have the {most} sum of {label}s"
        return f"the {noun} whose {rows} have the {most} {figure} {label}"

    def _group_question(self, step: Step, name: Namer) -> str:
        row = self._group_row(step, name)
        by_key = self._asked_by_key(step, row)
        if by_key is not None:
            return by_key
        if step.sort_by is not None:
            return f"What is {row}?"
        which = row.replace("the ", "Which ", 1)
        return f"{which.replace(' with the ', ' has the ', 1)}?"

    def value(self, step: Step, name: Namer) -> str:
        """Return the noun phrase for the value that a step answers."""
        if step.kind == "group":
            return name(step)
        return f"the {self.grammar(step, step.column).label} of {name(step)}"

    def answer_phrase(self, step: Step, name: Namer) -> str:
        """Return the noun phrase for a step's answer, whatever its kind."""
        match step.kind:
            case "count":
                return f"the number of {self.rows(step, name)}"
            case "summary":
                figure = {"mean": "average", "sum": "total"}.get(step.metric or "")
                figure = figure or ("lowest" if step.metric == "minimum" else "highest")
                label = self.grammar(step, step.column).label
                return f"the {figure} {label} of {self.rows(step, name)}"
            case "period":
                first, last = (self.grammar(step, one).label for one in (step.beside, step.column))
                return (
                    f"the number of days from the {first} to the {last} of {self.row(step, name)}"
                )
            case _:
                pass
        grammar = self.grammar(step, step.column)
        row = self.row(step, name)
        done = self._done(step, step.column)
        if done:
            return f"the time when {row} was {done}"
        return f"the {grammar.label} of {row}"

    def _count_question(self, step: Step, name: Namer) -> str:
        entity = self.entity_of(step)
        rows = self.rows(step, name)
        counts = entity.words.counts
        if counts:
            return self.choose(counts, step.id, "count").replace("{}", rows)
        owned = self._owned_question(step, name)
        if owned is not None:
            return owned
        options = ["What is the number of {}?", "How many {} are there?"]
        form = self.choose(options if len(rows) > LONGEST_INSIDE else options[1:], step.id, "count")
        return form.replace("{}", rows)

    def _owned_question(self, step: Step, name: Namer) -> str | None:
        """Return "How many orders does customer 5 have?" where the owner is all that is said."""
        if len(step.conditions) != 1:
            return None
        (condition,) = step.conditions
        owner = self.constraints.owner_phrase(step, condition, name)
        if owner is None:
            return None
        form = self.choose(("How many {} does {} have?", "How many {} are there for {}?"), step.id)
        return form.format(self.entity_of(step).plural, owner)

    def ends_well(self, step: Step) -> bool:
        """Whether the value can be asked for with the row at the end of the question."""
        if step.kind in ("count", "summary", "group", "period"):
            return True
        return any(ask.endswith("{}?") for ask in self.grammar(step, step.column).asks)

    def _asked_by_key(self, step: Step, row: str) -> str | None:
        """Ask for the key of the thing that a reference names, not for the reference's column."""
        entity = self.entity_of(step)
        attribute = entity.by_name[step.column or ""]
        reference = entity.reference_of(attribute.name)
        if reference is None or attribute.words.asks:
            return None
        target = self.catalogue.by_name[reference.target]
        key = target.by_name[reference.target_columns[0]]
        options = (row,) if step.kind == "group" else thing_of(self.catalogue, step, row)
        thing = self.choose(options, step.id, "thing")
        return f"What is the {grammar_of(target, key).label} of {thing}?"

    def value_question(self, step: Step, row: str) -> str:
        """Return the question for the value of a step, with the row said like this."""
        by_key = self._asked_by_key(step, row)
        if by_key is not None:
            return by_key
        grammar = self.grammar(step, step.column)
        asks = [
            ask for ask in grammar.asks if len(row) <= LONGEST_SHORT or ask.endswith("{}?")
        ] or [ask for ask in grammar.asks if len(row) <= LONGEST_INSIDE]
        if not asks:
            asks = [grammar.asks[0]]
        question = self.choose(asks, step.id, "ask").replace("{}", row)
        return self._with_unit(step, question, grammar)

    def _with_unit(self, step: Step, question: str, grammar: ColumnGrammar) -> str:
        if not grammar.unit or grammar.unit in question[-len(grammar.unit) - 30 :]:
            return question
        # A question of one's own words may have the unit in it.
        if self.entity_of(step).by_name[step.column or ""].words.asks and step.kind != "summary":
            return question
        return f"{question[:-1]}, in {grammar.unit}?"

    def _told_whether_included(self, step: Step, question: str) -> str:
        """Say so where a row that the others are compared with is counted among them."""
        return f"{question[:-1]}, that one included?" if self._counts_its_parent(step) else question

    def _counts_its_parent(self, step: Step) -> bool:
        if step.metric in ("minimum", "maximum"):
            return False
        shared = [
            self.plan.step(condition.source)
            for condition in step.conditions
            if condition.source
            and condition.operator == "is"
            and not self.constraints.names_its_thing(step, condition)
        ]
        return any(
            parent.table == step.table
            and parent.rows
            and all(satisfies(parent.rows[0], condition) for condition in step.conditions)
            for parent in shared
        )

    def _summary_question(self, step: Step, name: Namer) -> str:
        grammar = self.grammar(step, step.column)
        metric = step.metric or "mean"
        forms = _FIGURES[metric]
        label = grammar.label
        if grammar.counted:
            forms = _COUNTED_FIGURES.get(metric, forms)
        elif metric == "sum" and "total" in label.split(" "):
            forms = ("What is the sum of the {label}s of {rows}?",)
        words = self.entity_of(step).by_name[step.column or ""].words.superlatives
        form = self.choose(forms, step.id, "figure")
        if metric in ("minimum", "maximum") and words and "{}" not in "".join(words):
            extreme = words[0] if metric == "maximum" else words[1]
            form = form.replace("highest", extreme).replace("lowest", extreme)
        rows = self.rows(step, name)
        question = form.format(label=label, rows=rows, counted=grammar.counted)
        return self._with_unit(step, question, grammar)

    def _known_row(self, step: Step, name: Namer) -> str:
        entity = self.entity_of(step)
        fed = [condition for condition in step.conditions if condition.source]
        if len(entity.key) > 1 and not entity.words.named:
            return f"the {self.constraints.noun(step, name, plural=False)}"
        if not fed or len(entity.key) > 1:
            said = {
                condition.column: self.constraints.value_of(step, condition, name)
                if condition.source
                else spoken(entity.by_name[condition.column], condition.value)
                for condition in step.conditions
            }
            return named_row(entity, said)
        return self.thing(self.plan.step(fed[0].source or ""), name)

    def thing(self, parent: Step, name: Namer) -> str:
        """Return the phrase for the thing that a step's answer names."""
        row = name(parent)
        if parent.kind == "group":
            return row
        options = thing_of(self.catalogue, parent, row)
        return self.choose(options, parent.id, "thing")


def satisfies(row: Row, condition: Condition) -> bool:
    """Tell whether a row that a step showed satisfies a condition."""
    value, bound = row[condition.column], condition.value
    if condition.operator == "is":
        return value == bound
    if isinstance(value, str) and isinstance(bound, str):
        return value >= bound if condition.operator == "at_least" else value <= bound
    if isinstance(value, int | float) and isinstance(bound, int | float):
        return value >= bound if condition.operator == "at_least" else value <= bound
    return False
