"""What a stage made of each item: one line per item in a file, added to as items are done.

Lines are written in the order in which items are done, so a killed run loses none of them; until
the stage is through, they lie in `NAME.part.jsonl`, which no later stage reads. Then they are
written to `NAME.jsonl` in the order of the input. Only places of lines are held in memory.
"""

import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Self

from pydantic import model_validator

from astra_arena.core.canonical import Json, JsonObject, line_text
from astra_arena.core.errors import SourceError, SpecError, SynthesisError
from astra_arena.core.model import Model

Outcome = Literal["passed", "rejected"]


class StageLine(Model):
    """What one stage made of one item."""

    item: str
    input: str
    """Digest of all that decided it."""
    outcome: Outcome
    result: JsonObject | None = None
    """What the next stage gets; `None` for a rejected item."""
    reason: str = ""
    """Why it was rejected."""
    evidence: Json = None
    """What shows that: findings, votes, an output."""
    provenance: tuple[JsonObject, ...] = ()
    """Of each reply that it was made with: model, prompt and request."""

    @model_validator(mode="after")
    def _is_one_of_both(self) -> Self:
        if (self.outcome == "passed") != (self.result is not None) or (
            self.outcome == "rejected"
        ) != bool(self.reason):
            raise ValueError(f"{self.item}: expected either a result or a reason")
        return self


@dataclass(frozen=True, slots=True)
class _Place:
    offset: int
    length: int
    input: str


class StageLog:
    """The file of one stage.

    Args:
        path: The file of a stage that is through; what it holds is taken up. A last line that was
            cut off is as if never written.

    Raises:
        SynthesisError: if it cannot be used.
        SourceError: naming a line that is damaged.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._places: dict[str, _Place] = {}
        self._where = part_of(path)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            if path.exists():
                # It is whole: a part that lies beside it is what a stop on the way left over.
                path.replace(self._where)
            self._file = self._where.open("a+b")
            try:
                os.truncate(self._where, self._index())
            except BaseException:
                self.close()
                raise
        except OSError as error:
            raise SynthesisError(f"{path} cannot be used: {error.strerror or error}") from None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; closing twice is harmless."""
        self._file.close()

    def __len__(self) -> int:
        return len(self._places)

    def held(self, item: str, digest: str) -> StageLine | None:
        """Return the line of an item if it was made from the same input."""
        place = self._places.get(item)
        if place is None or place.input != digest:
            return None
        return _parsed(self._bytes(place), self._where)

    def add(self, line: StageLine) -> None:
        """Append a line; it survives the end of the process, and replaces an older one.

        Raises:
            SynthesisError: if it cannot be written.
        """
        data = line_text(line.to_json()).encode("utf-8")
        try:
            offset = self._file.seek(0, os.SEEK_END)
            self._file.write(data)
            self._file.flush()
        except OSError as error:
            raise SynthesisError(f"{self._where} cannot be written: {error.strerror}") from None
        self._places[line.item] = _Place(offset, len(data), line.input)

    def settle(self, items: Iterable[str]) -> None:
        """Write the file: the lines of these items in this order, and no others."""
        aside = self.path.with_name(f".{self.path.name}.new")
        with aside.open("wb") as new:
            for item in items:
                new.write(self._bytes(self._places[item]))
        aside.replace(self.path)
        self._file.close()
        self._where.unlink()
        self._where = self.path
        self._file = self.path.open("a+b")
        self._places.clear()
        self._index()

    def _bytes(self, place: _Place) -> bytes:
        self._file.seek(place.offset)
        return self._file.read(place.length)

    def _index(self) -> int:
        """Find all whole lines, and return where the last of them ends."""
        self._file.seek(0)
        offset = 0
        for raw in self._file:
            if not raw.endswith(b"\n"):
                break
            line = _parsed(raw, self._where)
            self._places[line.item] = _Place(offset, len(raw), line.input)
            offset += len(raw)
        return offset


def part_of(path: Path) -> Path:
    """Return where the lines of a stage lie that is not through."""
    return path.with_suffix(f".part{path.suffix}")


def read_stage(path: Path) -> Iterator[StageLine]:
    """Give the lines of a stage that is through, one at a time.

    Raises:
        SourceError: if there is no such file, or a line is damaged.
    """
    try:
        with path.open("rb") as file:
            for raw in file:
                yield _parsed(raw, path)
    except FileNotFoundError:
        raise SourceError(
            f"expected {path}, which the stage {path.stem} writes; run that stage first"
        ) from None


def _parsed(raw: bytes, path: Path) -> StageLine:
    try:
        return StageLine.from_json(json.loads(raw), what=f"a line of {path}")
    except (SpecError, ValueError) as error:
        raise SourceError(
            f"{path} is damaged ({str(error)[:200]}); delete it, and its stage runs again"
        ) from None
