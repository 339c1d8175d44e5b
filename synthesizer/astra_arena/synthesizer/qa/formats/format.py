"""The seam of the formats: how records are told and read."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol, cast

from astra_arena.core.canonical import Json, JsonObject
from astra_arena.core.environment import Licence
from astra_arena.core.errors import SpecError
from astra_arena.synthesizer.qa.instance import QAInstance, SourceRecord
from astra_arena.synthesizer.qa.languages import Language


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a record comes from, and what is said of the whole file."""

    format: str
    file: str
    digest: str
    index: int
    licence: Licence
    domain: str = ""
    """Of all records; the format's own where empty."""
    language: Language = "en"
    translated: bool = False

    def record(self, key: str = "") -> SourceRecord:
        """Return the origin as an instance keeps it."""
        return SourceRecord(
            format=self.format,
            file=self.file,
            digest=self.digest,
            index=self.index,
            key=key,
            licence=self.licence,
        )

    def identifier(self, key: str = "") -> str:
        """Return an id that no other record of the file has."""
        return f"{self.format}-{key}" if key else f"{self.format}-{self.index + 1:05}"


@dataclass(frozen=True, slots=True)
class BadRecord:
    """A record, or a part of one, that gives no instance."""

    reason: str
    key: str = ""


class Format(Protocol):
    """One format."""

    @property
    def name(self) -> str:
        """Names it on the command line."""
        ...

    def fits(self, record: JsonObject) -> bool:
        """Tell whether a record looks like one of this format."""
        ...

    def read(self, record: JsonObject, origin: Origin) -> Iterator[QAInstance | BadRecord]:
        """Give the instances of a record, and what is wrong with the others.

        Raises:
            SpecError: if the record as a whole cannot be read.
        """
        ...


def text_field(record: JsonObject, name: str) -> str:
    """Return a text that must be there.

    Raises:
        SpecError: saying what came instead.
    """
    value = record.get(name)
    if not isinstance(value, str) or not value.strip():
        raise SpecError(f"expected a text in {name!r}, got {_shown(value)}")
    return value.strip()


def optional_text(record: JsonObject, name: str) -> str:
    """Return a text that may be absent.

    Raises:
        SpecError: if something else stands there.
    """
    value = record.get(name)
    if value is None:
        return ""
    if not isinstance(value, str | int) or isinstance(value, bool):
        raise SpecError(f"expected a text in {name!r}, got {_shown(value)}")
    return str(value).strip()


def list_field(record: JsonObject, name: str) -> list[Json]:
    """Return a list that must be there.

    Raises:
        SpecError: saying what came instead.
    """
    value = record.get(name)
    if not isinstance(value, list):
        raise SpecError(f"expected a list in {name!r}, got {_shown(value)}")
    return value


def objects_field(record: JsonObject, name: str) -> list[JsonObject]:
    """Return a list of objects that must be there.

    Raises:
        SpecError: saying what came instead.
    """
    values = list_field(record, name)
    for value in values:
        if not isinstance(value, dict):
            raise SpecError(f"expected objects in {name!r}, got {_shown(value)}")
    return cast("list[JsonObject]", values)


def object_field(record: JsonObject, name: str) -> JsonObject:
    """Return an object that must be there.

    Raises:
        SpecError: saying what came instead.
    """
    value = record.get(name)
    if not isinstance(value, dict):
        raise SpecError(f"expected an object in {name!r}, got {_shown(value)}")
    return value


def texts_field(record: JsonObject, name: str) -> list[str]:
    """Return a list of texts that must be there.

    Raises:
        SpecError: saying what came instead.
    """
    values = list_field(record, name)
    for value in values:
        if not isinstance(value, str):
            raise SpecError(f"expected texts in {name!r}, got {_shown(value)}")
    return cast("list[str]", values)


def _shown(value: Json) -> str:
    text = "nothing" if value is None else repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
