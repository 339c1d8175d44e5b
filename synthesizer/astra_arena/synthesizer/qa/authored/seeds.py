"""What a user gives: instances, pairs of their own, and seeds that have no question or answer yet.

A line with a `source` is an instance of `arena import qa`. A line with question and answer is read
as the plain format. Any other is a seed: a field of knowledge, a place in a taxonomy, a text, or a
question without an answer, from which a question with its decomposition is to be authored. Seeds of
ASTRA (arXiv 2601.21558) are read as they are: `{domain, knowledge_corpus}`, whose text describes
what somebody has in mind and states no facts, `{question, domain}`, and taxonomies.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import TypeAlias

from pydantic import Field, StrictBool

from astra_arena.core.canonical import JsonObject
from astra_arena.core.environment import Licence
from astra_arena.core.errors import SpecError
from astra_arena.core.model import Model
from astra_arena.synthesizer.qa.authored.taxonomies import topics_of
from astra_arena.synthesizer.qa.formats.format import Origin
from astra_arena.synthesizer.qa.formats.plain import PlainFormat
from astra_arena.synthesizer.qa.importing import read_record
from astra_arena.synthesizer.qa.instance import HopRange, QAInstance, SourceRecord
from astra_arena.synthesizer.qa.languages import Language, language_of
from astra_arena.synthesizer.qa.records import RawRecord, digest_of_file, records_of

SEED_FORMAT = "seed"
_PLAIN = PlainFormat()
UNLICENSED = Licence(name="NOASSERTION")


class QuestionSeed(Model):
    """From what a question is to be authored."""

    id: str = Field(min_length=1)
    domain: str = Field(min_length=1)
    topic: tuple[str, ...] = ()
    """The way to it in a taxonomy, from the most general."""
    question: str = ""
    """Given where only the answer and the way to it are missing."""
    context: str = ""
    knowledge: tuple[str, ...] = ()
    """Facts in sentences: with them, or a context, every answer has to stand there."""
    scenario: str = ""
    """What somebody has in mind who asks; no answer has to stand there."""
    hops: HopRange | None = None
    language: Language = "en"
    translated: StrictBool = False
    source: SourceRecord


class Unreadable(Model):
    """A line that holds nothing that can be read."""

    id: str
    reason: str


Input: TypeAlias = QAInstance | QuestionSeed | Unreadable


def read_inputs(path: Path, licence: Licence = UNLICENSED) -> Iterator[Input]:
    """Give what the lines of a file hold, one at a time; what cannot be read stays with its line.

    Args:
        path: The file.
        licence: Of pairs and seeds; instances bring theirs.

    Raises:
        SourceError: if the file cannot be read.
    """
    lines = _Lines(path.name, digest_of_file(path), licence)
    seen: set[str] = set()
    for record in records_of(path):
        where = f"line-{record.index + 1:05}"
        try:
            for item in lines.read(record):
                if item.id in seen:
                    raise SpecError(f"{record.where}: the id {item.id!r} stands in an earlier line")
                seen.add(item.id)
                yield item
        except SpecError as error:
            yield Unreadable(id=where, reason=error.message)


class _Lines:
    """Lines of one file."""

    def __init__(self, file: str, digest: str, licence: Licence) -> None:
        self._file = file
        self._digest = digest
        self._licence = licence

    def read(self, record: RawRecord) -> Iterator[QAInstance | QuestionSeed]:
        """Give what a line holds; a taxonomy holds several.

        Raises:
            SpecError: if it cannot be read.
        """
        data = record.data
        if data is None:
            raise SpecError(f"{record.where}: {record.problem}")
        if isinstance(data.get("source"), dict):
            yield QAInstance.from_json(data, what=record.where)
        elif "question" in data and "answer" in data:
            made = self.plain(record)
            if isinstance(made, str):
                raise SpecError(f"{record.where}: {made}")
            yield made
        elif topics := topics_of(data):
            for number, topic in enumerate(topics, start=1):
                given: JsonObject = {"id": f"topic-{number:03}", **topic.to_json()}
                yield self.seed(record, given)
        else:
            yield self.seed(record, data)

    def _origin(self, form: str, index: int) -> Origin:
        return Origin(form, self._file, self._digest, index, self._licence)

    def plain(self, record: RawRecord) -> QAInstance | str:
        """Read a pair of the user's own; say why where it is none."""
        (made,) = read_record(_PLAIN, record, self._origin(_PLAIN.name, record.index))
        return made if isinstance(made, QAInstance) else made.reason

    def seed(self, record: RawRecord, data: JsonObject) -> QuestionSeed:
        """Read a seed.

        Raises:
            SpecError: if it is none.
        """
        key = data.get("id", "")
        if not isinstance(key, str):
            raise SpecError(f"{record.where}: expected a text as id, got {key!r}")
        origin = self._origin(SEED_FORMAT, record.index)
        hops = data.get("hops")
        if isinstance(hops, list):
            least, most = (*hops, None, None)[:2]
            hops = {"least": least, "most": most}
        if "knowledge_corpus" in data:
            data = {**data, "scenario": data["knowledge_corpus"]}
            del data["knowledge_corpus"]
        words = f"{data.get('domain', '')}{data.get('question', '')}"
        given = {
            "language": language_of(words),
            **data,
            "id": origin.identifier(key),
            "hops": hops,
            "source": origin.record(key).to_json(),
        }
        return QuestionSeed.from_json(given, what=record.where)
