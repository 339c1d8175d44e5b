"""What may be taken as known when one sub-question's answer is out of reach."""

from dataclasses import dataclass

from astra_arena.core.canonical import JsonObject
from astra_arena.core.tasks import (
    SubQuestion,
    Task,
    gold_answers,
    references_of,
    resolve_arguments,
)
from astra_arena.synthesizer.variants.value_pool import ValuePool


@dataclass(frozen=True)
class TaskKnowledge:
    """A task as a solver knows it that has everything but one sub-question and what follows."""

    task: Task
    question: SubQuestion

    @property
    def below(self) -> frozenset[str]:
        """Ids of the sub-question and of all that hang on it, directly or not."""
        below = {self.question.id}
        for other in self.task.in_order():
            if below.intersection(other.depends_on):
                below.add(other.id)
        return frozenset(below)

    @property
    def finals(self) -> tuple[SubQuestion, ...]:
        """The final sub-questions that hang on it; itself if it is one."""
        fed = {parent for other in self.task.sub_questions for parent in other.depends_on}
        below = self.below
        return tuple(q for q in self.task.needed if q.id in below and q.id not in fed)

    @property
    def known_calls(self) -> tuple[tuple[SubQuestion, JsonObject], ...]:
        """The gold calls that need nothing of it, with their arguments."""
        below = self.below
        answers = gold_answers(self.task)
        return tuple(
            (question, resolve_arguments(question.arguments, answers))
            for question in self.task.needed
            if question.id not in below
        )

    @property
    def hints(self) -> tuple[JsonObject, ...]:
        """Arguments of gold calls, those of what is out of reach without what is not known."""
        below = self.below
        answers = gold_answers(self.task)
        hints: list[JsonObject] = []
        for question in self.task.needed:
            loose = {
                name: value
                for name, value in question.arguments.items()
                if not references_of({name: value}) & below
            }
            resolved = resolve_arguments(loose, answers)
            hints.append({name: v for name, v in resolved.items() if v is not None})
        return tuple(hints)

    def values(self) -> ValuePool:
        """Return what may be put into arguments.

        That is all that the gold's calls are given, under the names under which they are given it,
        so a search that finds nothing has failed with more than a reader could have known.
        """
        pool = ValuePool()
        for hint in self.hints:
            for name, value in hint.items():
                pool.add_reply(value, name)
        for slot in self.task.slots:
            for fill in slot.fills:
                pool.add(fill.argument, slot.value)
        return pool
