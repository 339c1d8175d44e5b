"""The plain format: `{question, answer, context?, decomposition?, …}`, for pairs of one's own."""

from collections.abc import Iterator

from astra_arena.core.canonical import Json, JsonObject
from astra_arena.core.errors import SpecError
from astra_arena.synthesizer.qa.decomposition import Decomposition
from astra_arena.synthesizer.qa.formats.format import (
    BadRecord,
    Origin,
    optional_text,
    text_field,
    texts_field,
)
from astra_arena.synthesizer.qa.instance import HopRange, QAInstance
from astra_arena.synthesizer.qa.languages import Language, language_of
from astra_arena.synthesizer.qa.traces import decomposition_from_steps, stated_answer

UNSPLIT = "a decomposition"
UNANSWERED = "answers of the sub-questions"
_FIELDS = (
    *("id", "question", "answer", "context", "knowledge", "domain", "language", "translated"),
    *("hops", "decomposition", "finals"),
)


class PlainFormat:
    """Reads pairs of one's own."""

    name = "plain"

    def fits(self, record: JsonObject) -> bool:
        """Tell whether a record looks like one of this format."""
        return "question" in record and "answer" in record

    def read(self, record: JsonObject, origin: Origin) -> Iterator[QAInstance | BadRecord]:
        """Give the instance of a record; see `Format.read`."""
        unknown = sorted(set(record) - set(_FIELDS))
        if unknown:
            raise SpecError(
                f"there is no field {unknown[0]!r}; the fields are {', '.join(_FIELDS)}"
            )
        key = optional_text(record, "id")
        steps = record.get("decomposition")
        decomposition = (
            None
            if steps is None
            else decomposition_from_steps(steps, finals=_listed(record.get("finals")))
        )
        data = {
            "id": origin.identifier(key),
            "question": text_field(record, "question"),
            "answer": stated_answer(record.get("answer")),
            "language": record.get("language", _language(record, origin)),
            "translated": record.get("translated", origin.translated),
            "domain": optional_text(record, "domain") or origin.domain or "general",
            "context": optional_text(record, "context"),
            "knowledge": tuple(texts_field(record, "knowledge")) if "knowledge" in record else (),
            "hops": None if record.get("hops") is None else _hops(record.get("hops")),
            "decomposition": decomposition,
            "missing": _missing(decomposition),
            "source": origin.record(key),
        }
        yield QAInstance.from_json(data, what="record")


def _language(record: JsonObject, origin: Origin) -> Language:
    """Return what is said of the file; a question with Chinese signs is Chinese in any case."""
    return language_of(str(record.get("question"))) if origin.language == "en" else origin.language


def _hops(value: Json) -> HopRange:
    match value:
        case [int() as least, int() as most]:
            return HopRange.from_json({"least": least, "most": most}, what="hops")
        case _:
            raise SpecError(f"expected two numbers in 'hops', like [3, 5], got {value!r}")


def _listed(value: Json) -> list[Json]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise SpecError(f"expected a list of ids in 'finals', got {value!r}")
    return value


def _missing(decomposition: Decomposition | None) -> str:
    if decomposition is None:
        return UNSPLIT
    return "" if decomposition.is_answered else UNANSWERED
