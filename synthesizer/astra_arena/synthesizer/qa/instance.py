"""A question with its answer, what it is asked about, and where it comes from."""

from pydantic import Field, StrictBool, model_validator

from astra_arena.core.environment import Licence
from astra_arena.core.model import Model
from astra_arena.synthesizer.qa.decomposition import (
    CellSource,
    Decomposition,
    EvidenceSource,
    FactSource,
    KnowledgeSource,
    ParagraphSource,
    SpanSource,
    StatedAnswer,
)
from astra_arena.synthesizer.qa.languages import Language
from astra_arena.synthesizer.qa.structure import structure_of


class Paragraph(Model):
    """A text that comes with a question."""

    id: str = Field(min_length=1)
    title: str = ""
    text: str
    supports: StrictBool = False
    """Whether the source names it as support for the answer; others are distractors."""


class Table(Model):
    """A table as it was printed: rows of cell texts, all of one length."""

    rows: tuple[tuple[str, ...], ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _is_a_grid(self) -> "Table":
        widths = sorted({len(row) for row in self.rows})
        if len(widths) > 1 or widths == [0]:
            raise ValueError(f"expected rows of one length, got lengths {widths}")
        return self


class Triple(Model):
    """A fact in three parts."""

    subject: str
    relation: str
    object: str


class HopRange(Model):
    """How many hops a decomposition may have."""

    least: int = Field(default=1, ge=1)
    most: int = Field(default=8, ge=1)

    @model_validator(mode="after")
    def _is_a_range(self) -> "HopRange":
        if self.most < self.least:
            raise ValueError(f"expected least up to most, got {self.least} to {self.most}")
        return self


class SourceRecord(Model):
    """Where an instance comes from."""

    format: str
    file: str
    """Its name, without folders."""
    digest: str
    """Of the whole file."""
    index: int = Field(ge=0)
    """Place of the record in the file, from 0."""
    key: str = ""
    """The record's own id, where it has one."""
    licence: Licence


class QAInstance(Model):
    """A question, its answer, and all that is known of how it is answered."""

    id: str = Field(min_length=1)
    question: str = Field(min_length=1)
    answer: StatedAnswer
    language: Language = "en"
    translated: StrictBool = False
    """Whether the words are a translation of what the source says."""
    domain: str = Field(min_length=1)
    group: str = ""
    """What several instances have in common: a table, a conversation."""
    context: str = ""
    paragraphs: tuple[Paragraph, ...] = ()
    table: Table | None = None
    evidence: tuple[Triple, ...] = ()
    knowledge: tuple[str, ...] = ()
    """Facts in sentences."""
    hops: HopRange | None = None
    decomposition: Decomposition | None = None
    missing: str = ""
    """What has to be authored before an environment can be made; empty for nothing."""
    source: SourceRecord

    @model_validator(mode="after")
    def _sources_are_there(self) -> "QAInstance":
        names = [paragraph.id for paragraph in self.paragraphs]
        if len(set(names)) != len(names):
            raise ValueError("expected every paragraph id once")
        for node in () if self.decomposition is None else self.decomposition.nodes:
            if node.source is not None and not self._holds(node.source):
                raise ValueError(f"{node.id}: its source {node.source.to_json()} is not there")
        return self

    @model_validator(mode="after")
    def _hops_are_in_range(self) -> "QAInstance":
        if self.decomposition is None or self.hops is None:
            return self
        hops = structure_of(self.decomposition.parents).hops
        if not self.hops.least <= hops <= self.hops.most:
            raise ValueError(f"expected {self.hops.least} to {self.hops.most} hops, got {hops}")
        return self

    @property
    def text(self) -> str:
        """All that it is about, without its question where there is anything else."""
        parts = [self.context, *self.knowledge, *(one.text for one in self.paragraphs)]
        return "\n".join(part for part in parts if part) or self.question

    def text_of(self, name: str) -> str | None:
        """Return the text that a span is of; `None` when there is none of that name."""
        if name == "question":
            return self.question
        if name == "context":
            return self.context
        return next((one.text for one in self.paragraphs if one.id == name), None)

    def _holds(self, source: FactSource) -> bool:
        match source:
            case CellSource():
                rows = () if self.table is None else self.table.rows
                return source.row < len(rows) and source.column < len(rows[source.row])
            case SpanSource():
                text = self.text_of(source.text)
                return text is not None and source.end <= len(text)
            case ParagraphSource():
                return any(one.id == source.paragraph for one in self.paragraphs)
            case EvidenceSource():
                return source.index < len(self.evidence)
            case KnowledgeSource():
                return source.index < len(self.knowledge)
