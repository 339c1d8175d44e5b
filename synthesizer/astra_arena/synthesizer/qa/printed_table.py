"""Tables as reports print them: what rows and columns are called, and where a number stands."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

from astra_arena.synthesizer.qa.number_text import CellNumber, cell_number

MOST_HEADINGS = 4
_WORD = re.compile(r"[a-z]+|\d+(?:\.\d+)?")
_YEAR = re.compile(r"(?:19|20)\d\d(?:[/-]\d\d)?")


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A cell."""

    row: int
    column: int


@dataclass(frozen=True)
class PrintedTable:
    """A grid of cell texts with headings above and labels at the left."""

    rows: Sequence[Sequence[str]]

    @cached_property
    def headings(self) -> int:
        """How many rows at the top are headings: those before the first row with a figure."""
        for number, row in enumerate(self.rows[: MOST_HEADINGS + 1]):
            figures = [text for text in row[1:] if _is_figure(text)]
            if row[0].strip() and figures:
                return number
        return min(1, len(self.rows) - 1)

    @cached_property
    def column_labels(self) -> tuple[str, ...]:
        """What each column is called; no two alike, the first column's own included."""
        labels: list[str] = []
        for column in range(len(self.rows[0])):
            texts = [_plain(row[column]) for row in self.rows[: self.headings]]
            labels.append(" ".join(dict.fromkeys(text for text in texts if text)))
        return _told_apart([label or f"column {n}" for n, label in enumerate(labels, start=1)])

    @cached_property
    def row_labels(self) -> tuple[str, ...]:
        """What each row is called; no two alike.

        Rows of one name are told apart by the heading inside the table that they stand under.
        """
        plain = [_plain(row[0]) for row in self.rows]
        counts = Counter(plain)
        section, labels = "", list[str]()
        for row, label in zip(self.rows, plain, strict=True):
            if label and not any(text.strip() for text in row[1:]):
                section = label.rstrip(":")
                labels.append(label)
            elif label and counts[label] > 1 and section:
                labels.append(f"{section}: {label}")
            else:
                labels.append(label)
        return _told_apart([label or f"row {n}" for n, label in enumerate(labels, start=1)])

    @cached_property
    def numbers(self) -> dict[Place, CellNumber]:
        """The figures below the headings and right of the labels."""
        found: dict[Place, CellNumber] = {}
        for number, row in enumerate(self.rows):
            for column, text in enumerate(row):
                held = cell_number(text) if number >= self.headings and column else None
                if held is not None:
                    found[Place(number, column)] = held
        return found

    def places_of(self, value: Fraction) -> list[Place]:
        """Return the cells that hold a number."""
        return [place for place, held in self.numbers.items() if held.value == value]

    def texts_like(self, text: str) -> list[Place]:
        """Return the cells that say the same as a text."""
        wanted = _plain(text).casefold()
        return [
            Place(number, column)
            for number, row in enumerate(self.rows)
            for column, came in enumerate(row)
            if wanted and _plain(came).casefold() == wanted
        ]

    def asked_for(
        self, places: Iterable[Place], question: str, known: Iterable[Place] = ()
    ) -> list[Place]:
        """Return those of several cells that a question is about, as far as its words tell.

        Args:
            places: The cells to choose among.
            question: Its words are held against the names of rows and columns.
            known: Cells that the question is about, too: those of their row or column come first.
        """
        words = set(words_of(question))
        rows, columns = {one.row for one in known}, {one.column for one in known}
        scored = [
            (
                (place.row in rows) + (place.column in columns),
                _overlap(self.row_labels[place.row], words)
                + _overlap(self.column_labels[place.column], words),
                place,
            )
            for place in places
        ]
        if not scored:
            return []
        best = max((near, score) for near, score, _ in scored)
        by_words = max(score for _, score, _ in scored)
        # Words decide where they say anything; the company of other cells where they do not.
        if sum(score == by_words for _, score, _ in scored) == 1:
            return [place for _, score, place in scored if score == by_words]
        return [place for near, score, place in scored if (near, score) == best]


def words_of(text: str) -> list[str]:
    """Return the words and numbers of a text, folded, plurals without their s."""
    found = _WORD.findall(text.casefold().replace(",", ""))
    return [word[:-1] if len(word) > 3 and word.endswith("s") else word for word in found]


def _overlap(label: str, words: set[str]) -> float:
    own = set(words_of(label))
    return len(own & words) / len(own) if own else 0.0


def _is_figure(text: str) -> bool:
    plain = text.strip()
    return cell_number(plain) is not None and not _YEAR.fullmatch(plain)


def _plain(text: str) -> str:
    return " ".join(text.split())


def _told_apart(labels: Sequence[str]) -> tuple[str, ...]:
    """Return labels with a number behind those that came before."""
    seen: Counter[str] = Counter()
    told: list[str] = []
    for label in labels:
        seen[label.casefold()] += 1
        count = seen[label.casefold()]
        told.append(label if count == 1 else f"{label} ({count})")
    return tuple(told)
