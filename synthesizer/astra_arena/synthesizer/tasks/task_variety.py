"""What a task may have in common with those drawn before."""

from collections import Counter

from astra_arena.synthesizer.tables.catalogue import Catalogue
from astra_arena.synthesizer.tables.profile import SqlValue
from astra_arena.synthesizer.tasks.task_graphs import Plan, Step

MOST_COMMON_SHARE = 0.15
"""The share of tasks, overall and among those that ask for one column, with one final answer."""
MOST_ROOT_SHARE = 0.03
"""The share of tasks that may begin with one call; two may in any case."""
MOST_GUESSED_SHARE = 0.05
"""The share of tasks whose last steps take nothing but members of categories from their parents:
these can be found by trying all."""


class TaskVariety:
    """Knows the tasks drawn so far.

    Args:
        catalogue: The entities.
        count: How many tasks are wanted.
    """

    def __init__(self, catalogue: Catalogue, count: int) -> None:
        self._catalogue = catalogue
        self._most_of_root = max(2, int(MOST_ROOT_SHARE * count))
        self._guessed_left = max(1, int(MOST_GUESSED_SHARE * count))
        self._questions: set[str] = set()
        self._calls: list[frozenset[object]] = []
        self._roots: Counter[object] = Counter()
        self._answers: Counter[str] = Counter()
        self._column_answers: dict[tuple[str, str], Counter[str]] = {}

    def finding(self, plan: Plan) -> str | None:
        """Return what a plan has in common with too many earlier tasks; `None` when nothing."""
        if not self._is_diverse(plan):
            return "answer or calls too much like those of earlier tasks"
        if not self._guessed_left and self._is_guessed(plan):
            return "it can be found by trying all members of a category"
        return None

    def _is_guessed(self, plan: Plan) -> bool:
        """Tell whether all that the leaves take of their parents are members of categories."""
        taken = [
            (leaf.table, condition.column, plan.step(condition.source))
            for leaf in plan.leaves
            for condition in leaf.conditions
            if condition.source
        ]
        return bool(taken) and all(
            self._is_category(table, column) or self._is_category(parent.table, parent.column)
            for table, column, parent in taken
        )

    def _is_category(self, table: str, column: str | None) -> bool:
        attributes = self._catalogue.by_name[table].by_name
        return column in attributes and attributes[column].profile.is_category

    def _is_diverse(self, plan: Plan) -> bool:
        calls = _calls(plan)
        if any(calls <= earlier for earlier in self._calls):
            return False
        if any(self._roots[root] >= self._most_of_root for root in _roots(plan)):
            return False
        return all(
            _stays_rare(answers, _answer_text(leaf.answer))
            for leaf in plan.leaves
            for answers in (self._answers, self._answers_of(leaf))
        )

    def _answers_of(self, leaf: Step) -> Counter[str]:
        column = leaf.column or "" if leaf.kind != "count" else "count"
        return self._column_answers.setdefault((leaf.table, column), Counter())

    def was_asked(self, question: str) -> bool:
        """Tell whether an earlier task has the same words."""
        return question in self._questions

    def note(self, plan: Plan, question: str) -> None:
        """Take note of a task."""
        self._questions.add(question)
        self._guessed_left -= self._guessed_left > 0 and self._is_guessed(plan)
        self._calls.append(_calls(plan))
        self._roots.update(_roots(plan))
        for leaf in plan.leaves:
            for answers in (self._answers, self._answers_of(leaf)):
                answers[_answer_text(leaf.answer)] += 1


def _calls(plan: Plan) -> frozenset[object]:
    return frozenset(step.call for step in plan.steps)


def _roots(plan: Plan) -> frozenset[object]:
    return frozenset(step.call for step in plan.steps if not step.sources)


def _answer_text(answer: SqlValue) -> str:
    return str(answer).casefold()


def _stays_rare(answers: Counter[str], answer: str) -> bool:
    # A column that is asked for once or twice has each answer once; the share counts from then on.
    return answers[answer] + 1 <= max(1, int(MOST_COMMON_SHARE * (answers.total() + 1)))
