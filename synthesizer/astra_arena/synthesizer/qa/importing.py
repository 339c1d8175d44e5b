"""Imports files of questions: every record becomes instances, or a reject that says why.

Equal inputs give equal bytes. A run that was cut off goes on behind the last record that it had
finished; what it writes appears under its name when it is whole.
"""

import json
import os
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from importlib import metadata
from itertools import islice
from pathlib import Path
from typing import IO

from astra_arena.core.canonical import Json, JsonObject, canonical_bytes, digest_of, line_text
from astra_arena.core.environment import Licence
from astra_arena.core.errors import SettingsError, SourceError, SpecError
from astra_arena.synthesizer.qa.formats.format import BadRecord, Format, Origin
from astra_arena.synthesizer.qa.formats.registry import AUTO, chosen_format
from astra_arena.synthesizer.qa.instance import QAInstance
from astra_arena.synthesizer.qa.languages import Language
from astra_arena.synthesizer.qa.records import RawRecord, digest_of_file, records_of
from astra_arena.synthesizer.qa.structure import structure_of

LOOKED_AT = 20
"""Records by which the format is told."""
KEPT_EVERY = 200
"""So many records are written before they are kept for a later run."""


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """What a user may say of a file."""

    format: str = AUTO
    domain: str = ""
    language: Language = "en"
    translated: bool = False
    licence: Licence = field(default_factory=lambda: Licence(name="NOASSERTION"))


@dataclass(slots=True)
class ImportReport:
    """What came of a file."""

    format: str
    out: Path
    rejects: Path
    records: int = 0
    instances: int = 0
    rejected: int = 0
    decomposed: int = 0
    """Instances that come with sub-questions."""
    missing: Counter[str] = field(default_factory=Counter[str])
    """Instances by what has to be authored."""
    topologies: Counter[str] = field(default_factory=Counter[str])

    def to_json(self) -> JsonObject:
        """Return the figures."""
        return {
            "format": self.format,
            "records": self.records,
            "instances": self.instances,
            "decomposed": self.decomposed,
            "rejected": self.rejected,
            "missing": dict[str, Json](sorted(self.missing.items())),
            "topologies": dict[str, Json](sorted(self.topologies.items())),
            "out": str(self.out),
            "rejects": str(self.rejects),
        }

    def note(self, instance: QAInstance) -> None:
        """Count an instance."""
        self.instances += 1
        if instance.missing:
            self.missing[instance.missing] += 1
        if instance.decomposition is not None:
            self.decomposed += 1
            self.topologies[structure_of(instance.decomposition.parents).topology] += 1


def import_questions(
    source: Path,
    out: Path,
    options: ImportOptions | None = None,
    *,
    progress: Callable[[int], None] | None = None,
) -> ImportReport:
    """Read the questions of a file and write them, one instance per line, to `out`.

    Args:
        source: The file.
        out: The file to write; what an import of the same source wrote there is replaced when the
            new one is whole.
        options: What is said of the file.
        progress: Told how many records are done.

    Raises:
        SourceError: if the source cannot be read, fits no format, or `out` cannot be written.
        SettingsError: if there is no format of the name, or `out` holds something else.
    """
    chosen = options or ImportOptions()
    digest = digest_of_file(source)
    first = [one.data for one in islice(records_of(source), LOOKED_AT) if one.data is not None]
    reader = chosen_format(chosen.format, first, file=source.name)
    report = ImportReport(reader.name, out, rejects_of(out))
    decides = digest_of([digest, reader.name, repr(chosen), metadata.version("astra-arena")])
    _require_own(out, source)
    try:
        with _Draft(out, decides) as draft:
            _import(source, digest, reader, chosen, draft, report, progress)
    except OSError as error:
        raise SourceError(f"{out} cannot be written: {error.strerror or error}") from None
    return report


def _require_own(out: Path, source: Path) -> None:
    """Refuse to replace a file that no import of this source wrote."""
    try:
        with out.open("rb") as file:
            first = json.loads(file.readline() or b"{}")
        own = not first or first["source"]["file"] == source.name
    except FileNotFoundError:
        return
    except (OSError, ValueError, KeyError, TypeError):
        own = False
    if not own:
        raise SettingsError(
            f"{out} is there and does not come from {source.name}: name another file, or delete it"
        )


def rejects_of(out: Path) -> Path:
    """Return where rejects of an import are told: beside what it writes."""
    return out.with_name(f"{out.name}.rejects.jsonl")


def _import(
    source: Path,
    digest: str,
    reader: Format,
    options: ImportOptions,
    draft: "_Draft",
    report: ImportReport,
    progress: Callable[[int], None] | None,
) -> None:
    seen: set[str] = set()
    for instance in draft.finished_instances():
        report.note(instance)
        seen.add(instance.id)
    report.records, report.rejected = draft.finished, draft.finished_rejects
    for record in islice(records_of(source), draft.finished, None):
        origin = Origin(
            format=reader.name,
            file=source.name,
            digest=digest,
            index=record.index,
            licence=options.licence,
            domain=options.domain,
            language=options.language,
            translated=options.translated,
        )
        for item in read_record(reader, record, origin):
            if isinstance(item, QAInstance) and item.id in seen:
                told = f"the id {item.id!r} stands in an earlier record"
                item = BadRecord(told, item.source.key)
            if isinstance(item, QAInstance):
                seen.add(item.id)
                draft.instances.write(line_text(item.to_json()))
                report.note(item)
            else:
                draft.rejects.write(_reject_line(record, item))
                report.rejected += 1
        report.records += 1
        draft.done(record.index + 1, report.rejected)
        if progress is not None:
            progress(report.records)


def read_record(
    reader: Format, record: RawRecord, origin: Origin
) -> Iterator[QAInstance | BadRecord]:
    """Give the instances of one record; whatever is wrong with it stays with it."""
    if record.data is None:
        yield BadRecord(record.problem)
        return
    try:
        # Whole before any is given: a record that breaks in the middle gives none.
        yield from list(reader.read(record.data, origin))
    except (SpecError, ValueError) as error:
        # pydantic's own error is a ValueError of several lines.
        yield BadRecord(" ".join(str(error).split())[:500])


def _reject_line(record: RawRecord, bad: BadRecord) -> str:
    """A bad record is kept whole, a bad part of one by its key."""
    whole: Json = record.raw if record.data is None else record.data
    return line_text(
        {
            "where": record.where,
            "key": bad.key,
            "reason": bad.reason,
            **({} if bad.key and record.data is not None else {"record": whole}),
        }
    )


class _Draft:
    """The unfinished output of an import, which a later run of the same import continues.

    Args:
        out: What it becomes.
        decides: Digest of all that decides the result.
    """

    def __init__(self, out: Path, decides: str) -> None:
        self._out = out
        self._decides = decides
        self._parts = (
            out.with_name(f".{out.name}.part"),
            out.with_name(f".{out.name}.rejects.part"),
        )
        self._mark = out.with_name(f".{out.name}.mark")
        self.finished = 0
        """Records that an earlier run had finished."""
        self.finished_rejects = 0
        self._since = 0

    def __enter__(self) -> "_Draft":
        self._out.parent.mkdir(parents=True, exist_ok=True)
        sizes = self._resume()
        self.instances: IO[str] = _opened_at(self._parts[0], sizes[0])
        self.rejects: IO[str] = _opened_at(self._parts[1], sizes[1])
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self.instances.close()
        self.rejects.close()
        if kind is None:
            os.replace(self._parts[1], rejects_of(self._out))
            os.replace(self._parts[0], self._out)
            self._mark.unlink(missing_ok=True)

    def _resume(self) -> tuple[int, int]:
        try:
            mark = json.loads(self._mark.read_bytes())
            sizes = (int(mark["sizes"][0]), int(mark["sizes"][1]))
            enough = all(
                part.stat().st_size >= size for part, size in zip(self._parts, sizes, strict=True)
            )
            if mark["decides"] != self._decides or not enough:
                return 0, 0
            self.finished, self.finished_rejects = int(mark["records"]), int(mark["rejected"])
        except (OSError, ValueError, KeyError, TypeError, IndexError):
            return 0, 0
        return sizes

    def finished_instances(self) -> Iterator[QAInstance]:
        """Give what an earlier run had written."""
        if self.finished:
            with self._parts[0].open(encoding="utf-8") as file:
                for line in file:
                    yield QAInstance.from_json(json.loads(line), what=str(self._parts[0]))

    def done(self, records: int, rejected: int) -> None:
        """Keep from time to time what is done."""
        self._since += 1
        if self._since < KEPT_EVERY:
            return
        self._since = 0
        self.instances.flush()
        self.rejects.flush()
        sizes: list[Json] = [part.stat().st_size for part in self._parts]
        mark: JsonObject = {
            "decides": self._decides,
            "records": records,
            "rejected": rejected,
            "sizes": sizes,
        }
        draft = self._mark.with_name(f"{self._mark.name}.new")
        draft.write_bytes(canonical_bytes(mark))
        os.replace(draft, self._mark)


def _opened_at(path: Path, size: int) -> IO[str]:
    """Open a file for writing behind its first `size` bytes; what follows them is cut off."""
    with path.open("ab"):
        pass
    os.truncate(path, size)
    return path.open("a", encoding="utf-8", newline="\n")


def read_instances(path: Path) -> Iterator[QAInstance]:
    """Give the instances of a file that an import wrote, one at a time.

    Raises:
        SourceError: naming the line that holds none.
    """
    for record in records_of(path):
        if record.data is None:
            raise SourceError(f"{record.where}: {record.problem}")
        try:
            yield QAInstance.from_json(record.data, what=record.where)
        except SpecError as error:
            raise SourceError(
                f"{error.message}; import files of questions with `arena import qa`, or give "
                "--model for pairs and seeds of your own"
            ) from None
