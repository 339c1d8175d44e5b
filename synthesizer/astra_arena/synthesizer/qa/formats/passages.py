"""MuSiQue, 2WikiMultihop and HotpotQA: questions over paragraphs, some of which are distractors."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from astra_arena.core.canonical import Json, JsonObject
from astra_arena.core.errors import SpecError
from astra_arena.synthesizer.qa.decomposition import (
    Decomposition,
    EvidenceSource,
    FactSource,
    ParagraphSource,
    QuestionNode,
    StatedAnswer,
)
from astra_arena.synthesizer.qa.formats.format import (
    BadRecord,
    Origin,
    list_field,
    objects_field,
    optional_text,
    text_field,
)
from astra_arena.synthesizer.qa.formats.references import HumanStep, decomposition_of
from astra_arena.synthesizer.qa.instance import Paragraph, QAInstance, Triple
from astra_arena.synthesizer.qa.structure import require_sound

UNSPLIT = "a decomposition: the source only names the paragraphs that support the answer"


@dataclass(frozen=True, slots=True)
class _Parts:
    """What a record holds, in our words."""

    key: str
    question: str
    answer: StatedAnswer
    paragraphs: tuple[Paragraph, ...]
    decomposition: Decomposition | None = None
    evidence: tuple[Triple, ...] = ()


def _instance(origin: Origin, parts: _Parts) -> QAInstance:
    return QAInstance(
        id=origin.identifier(parts.key),
        question=parts.question,
        answer=parts.answer,
        language=origin.language,
        translated=origin.translated,
        domain=origin.domain or "encyclopaedia",
        paragraphs=parts.paragraphs,
        evidence=parts.evidence,
        decomposition=parts.decomposition,
        missing="" if parts.decomposition is not None else UNSPLIT,
        source=origin.record(parts.key),
    )


class MuSiQueFormat:
    """Reads MuSiQue."""

    name = "musique"

    def fits(self, record: JsonObject) -> bool:
        """Tell whether a record looks like one of this format."""
        return "question_decomposition" in record

    def read(self, record: JsonObject, origin: Origin) -> Iterator[QAInstance | BadRecord]:
        """Give the instance of a record; see `Format.read`."""
        paragraphs = tuple(_indexed_paragraphs(objects_field(record, "paragraphs")))
        known = {one.id for one in paragraphs}
        steps = [
            HumanStep(text_field(one, "question"), text_field(one, "answer"), _support(one, known))
            for one in objects_field(record, "question_decomposition")
        ]
        answer = StatedAnswer(kind="text", value=text_field(record, "answer"))
        decomposition = decomposition_of(steps)
        _require_same(decomposition, answer)
        yield _instance(
            origin,
            _Parts(
                optional_text(record, "id"),
                text_field(record, "question"),
                answer,
                paragraphs,
                decomposition,
            ),
        )


def _indexed_paragraphs(items: Sequence[JsonObject]) -> Iterator[Paragraph]:
    for number, one in enumerate(items):
        yield Paragraph(
            id=str(one.get("idx", number)),
            title=optional_text(one, "title"),
            text=text_field(one, "paragraph_text"),
            supports=one.get("is_supporting") is True,
        )


def _support(step: JsonObject, known: set[str]) -> FactSource | None:
    named = step.get("paragraph_support_idx")
    if named is None:
        return None
    if str(named) not in known:
        raise SpecError(f"'paragraph_support_idx' is {named!r}; there is no such paragraph")
    return ParagraphSource(kind="paragraph", paragraph=str(named))


class TwoWikiFormat:
    """Reads 2WikiMultihop.

    Triples of evidence become look-ups, chained where one ends in what the next begins with.
    """

    name = "2wiki"

    def fits(self, record: JsonObject) -> bool:
        """Tell whether a record looks like one of this format."""
        return "evidences" in record and "context" in record

    def read(self, record: JsonObject, origin: Origin) -> Iterator[QAInstance | BadRecord]:
        """Give the instance of a record; see `Format.read`."""
        triples = tuple(_triple(one) for one in list_field(record, "evidences"))
        answer = StatedAnswer(kind="text", value=text_field(record, "answer"))
        decomposition = _of_triples(triples, answer, optional_text(record, "type"))
        yield _instance(
            origin,
            _Parts(
                optional_text(record, "_id"),
                text_field(record, "question"),
                answer,
                tuple(_titled_paragraphs(record)),
                decomposition,
                triples,
            ),
        )


def _triple(item: Json) -> Triple:
    if not isinstance(item, list) or len(item) != 3 or not all(isinstance(x, str) for x in item):
        raise SpecError(f"expected three texts in 'evidences', got {item!r}")
    subject, relation, entity = (str(one).strip() for one in item)
    if not (subject and relation and entity):
        raise SpecError(f"expected three texts in 'evidences', got {item!r}")
    return Triple(subject=subject, relation=relation, object=entity)


def _of_triples(triples: Sequence[Triple], answer: StatedAnswer, kind: str) -> Decomposition | None:
    """Return look-ups that end in the answer; `None` where it follows from comparing them."""
    if not triples:
        raise SpecError("expected triples in 'evidences', got none")
    nodes: list[QuestionNode] = []
    for number, triple in enumerate(triples, start=1):
        before = enumerate(triples[: number - 1], start=1)
        parent = next((n for n, other in before if other.object == triple.subject), None)
        subject = triple.subject if parent is None else f"{{q{parent}}}"
        nodes.append(
            QuestionNode(
                id=f"q{number}",
                question=f"What is the {triple.relation} of {subject}?",
                depends_on=() if parent is None else (f"q{parent}",),
                answer=StatedAnswer(kind="text", value=triple.object),
                source=EvidenceSource(kind="evidence", index=number - 1),
            )
        )
    last = nodes[-1]
    if last.answer is None or last.answer.value != answer.value:
        if "comparison" in kind:
            return None
        raise SpecError(f"the evidence ends in {triples[-1].object!r}, not in {answer.value!r}")
    try:
        require_sound([(node.id, node.depends_on) for node in nodes], [last.id])
    except ValueError as error:
        raise SpecError(str(error)) from None
    return Decomposition(nodes=tuple(nodes), finals=(last.id,))


class HotpotQaFormat:
    """Reads HotpotQA, which names supporting sentences and no steps."""

    name = "hotpot"

    def fits(self, record: JsonObject) -> bool:
        """Tell whether a record looks like one of this format."""
        return "supporting_facts" in record and "context" in record

    def read(self, record: JsonObject, origin: Origin) -> Iterator[QAInstance | BadRecord]:
        """Give the instance of a record; see `Format.read`."""
        yield _instance(
            origin,
            _Parts(
                optional_text(record, "_id") or optional_text(record, "id"),
                text_field(record, "question"),
                StatedAnswer(kind="text", value=text_field(record, "answer")),
                tuple(_titled_paragraphs(record)),
            ),
        )


def _titled_paragraphs(record: JsonObject) -> Iterator[Paragraph]:
    """Give paragraphs of `[[title, [sentence, …]], …]`, or of an object of parallel lists."""
    context, facts = record.get("context"), record.get("supporting_facts")
    supporting = {str(title) for title in _first_of_each(facts, "title")}
    titles, texts = _first_of_each(context, "title"), _sentences_of(context)
    if len(titles) != len(texts):
        raise SpecError(f"expected as many texts as titles, got {len(texts)} and {len(titles)}")
    for number, (title, sentences) in enumerate(zip(titles, texts, strict=True)):
        if not isinstance(sentences, list) or not all(isinstance(x, str) for x in sentences):
            raise SpecError(f"expected sentences in 'context', got {sentences!r}")
        yield Paragraph(
            id=str(number),
            title=str(title),
            text=" ".join(str(one).strip() for one in sentences),
            supports=str(title) in supporting,
        )


def _first_of_each(value: Json, name: str) -> list[Json]:
    if isinstance(value, dict):
        named = value.get(name)
        return named if isinstance(named, list) else []
    pairs = value if isinstance(value, list) else []
    return [pair[0] for pair in pairs if isinstance(pair, list) and pair]


def _sentences_of(value: Json) -> list[Json]:
    if isinstance(value, dict):
        for name in ("sentences", "content"):
            named = value.get(name)
            if isinstance(named, list):
                return named
        return []
    pairs = value if isinstance(value, list) else []
    return [pair[1] for pair in pairs if isinstance(pair, list) and len(pair) > 1]


def _require_same(decomposition: Decomposition, answer: StatedAnswer) -> None:
    last = decomposition.node(decomposition.final_ids[0]).answer
    if last is None or str(last.value).casefold() != str(answer.value).casefold():
        came = None if last is None else last.value
        raise SpecError(f"the steps end in {came!r}, but the answer is {answer.value!r}")
