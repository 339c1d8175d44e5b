"""StrategyQA: yes/no questions that people took apart.

It supplies structure and facts, but no answers to the steps; a mere yes or no is too little to be
the only gold.
"""

from collections.abc import Iterator

from astra_arena.core.canonical import JsonObject
from astra_arena.core.errors import SpecError
from astra_arena.synthesizer.qa.decomposition import StatedAnswer
from astra_arena.synthesizer.qa.formats.format import (
    BadRecord,
    Origin,
    optional_text,
    text_field,
    texts_field,
)
from astra_arena.synthesizer.qa.formats.references import HumanStep, decomposition_of
from astra_arena.synthesizer.qa.instance import QAInstance

UNANSWERED = "answers of the sub-questions: the source has facts in words, and a yes or no"


class StrategyQaFormat:
    """Reads StrategyQA."""

    name = "strategyqa"

    def fits(self, record: JsonObject) -> bool:
        """Tell whether a record looks like one of this format."""
        return isinstance(record.get("answer"), bool) and "decomposition" in record

    def read(self, record: JsonObject, origin: Origin) -> Iterator[QAInstance | BadRecord]:
        """Give the instance of a record; see `Format.read`."""
        answer = record.get("answer")
        if not isinstance(answer, bool):
            raise SpecError(f"expected true or false in 'answer', got {answer!r}")
        key = optional_text(record, "qid")
        steps = [HumanStep(text) for text in texts_field(record, "decomposition")]
        facts = texts_field(record, "facts") if "facts" in record else []
        yield QAInstance(
            id=origin.identifier(key),
            question=text_field(record, "question"),
            answer=StatedAnswer(kind="exact", value=answer),
            language=origin.language,
            translated=origin.translated,
            domain=origin.domain or "general knowledge",
            context=optional_text(record, "description"),
            knowledge=tuple(fact.strip() for fact in facts if fact.strip()),
            decomposition=decomposition_of(steps),
            missing=UNANSWERED,
            source=origin.record(key),
        )
