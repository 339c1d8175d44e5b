"""Recognising an answer in a reply that was come by on another way than the gold's."""

from collections.abc import Iterator
from dataclasses import dataclass

from astra_arena.core.answers import answers_match
from astra_arena.core.canonical import Json, JsonObject, canonical_bytes
from astra_arena.core.tasks import Answer, SubQuestion, Task, gold_answers, resolve_arguments
from astra_arena.synthesizer.variants.information import is_telling
from astra_arena.synthesizer.variants.value_pool import scalars_of

_SHAPE = frozenset({"limit", "offset", "page", "page_size", "order", "sort_by", "column", "by"})
"""Arguments that say what a reply looks like, not what it is about."""


@dataclass(frozen=True, slots=True)
class Sought:
    """An answer that a search looks for."""

    answer: Answer
    field: str
    """The field in which the gold's reply holds it."""
    about: frozenset[bytes]
    """The values that say which answer is meant: the gold call's filters and keys."""

    @classmethod
    def of(cls, task: Task, question: SubQuestion) -> "Sought":
        """Return what tells a sub-question's answer from other values."""
        arguments = resolve_arguments(question.arguments, gold_answers(task))
        about = frozenset(
            canonical_bytes(value)
            for name, value in arguments.items()
            if value is not None and name not in _SHAPE
        )
        return cls(question.answer, question.answer.path.rpartition("/")[2], about)

    def is_in(self, reply: JsonObject, arguments: JsonObject) -> bool:
        """Tell whether a reply gives the answer.

        One that tells enough, or that comes from a call about the right thing, is recognised
        wherever it stands. Another that chance could meet counts where it stands in the right
        field, of a row that is about the right thing.
        """
        asked = {canonical_bytes(value) for value in arguments.values()}
        if is_telling(self.answer) or (self.about and self.about <= asked):
            if isinstance(self.answer.value, list | dict):
                return canonical_bytes(self.answer.value) in canonical_bytes(reply)
            return any(self._matches(value) for _, value in scalars_of(reply))
        return any(
            self.field in part
            and self._matches(part[self.field])
            and self.about <= asked | {canonical_bytes(value) for value in part.values()}
            for part in _objects(reply)
        )

    def _matches(self, value: Json) -> bool:
        gold = self.answer
        return answers_match(gold.kind, gold.value, value, tolerance=gold.tolerance)


def _objects(value: Json) -> Iterator[JsonObject]:
    match value:
        case dict():
            yield value
            for inner in value.values():
                yield from _objects(inner)
        case list():
            for inner in value:
                yield from _objects(inner)
        case _:
            return
