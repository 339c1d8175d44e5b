"""A question with numbered marks in the place of its values.

A model that phrases it anew sees no value unless it is allowed to; and whether it kept each of them
is seen by the marks.
"""

import re
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass

from astra_arena.core.canonical import Json
from astra_arena.core.tasks import Task
from astra_arena.servers.bundles.bundle import Bundle
from astra_arena.synthesizer.sources.table_info import quote_identifier

_MARK = re.compile(r"⟦(\d+)(?::[^⟧]*)?⟧")
_VALUES = re.compile(
    r"“[^”]+”|\"[^\"]+\"|「[^」]+」|《[^》]+》|\[[A-Z]{1,2}\]"
    r"|\b\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d)?Z?)?"
    r"|(?<![\w.])[-+$€£¥]?\d+(?:[,.:]\d+)*%?"
)
"""Quotations, dates, figures, and letters that stand for figures."""
_SHORTEST = 3
"""A shorter text of the world stands in a question by chance."""
_MOST_WORDS = 12
MOST_STORED = 200_000
"""Texts of a world that are looked for."""


@dataclass(frozen=True, slots=True)
class MaskedPrompt:
    """A question with marks `⟦1⟧`, `⟦2⟧`, …, and what they stand for."""

    text: str
    values: tuple[str, ...]
    """The first is that of mark 1."""

    def shown(self) -> str:
        """Return the text with each value beside its mark."""
        return _MARK.sub(lambda mark: f"⟦{mark[1]}:{self.values[int(mark[1]) - 1]}⟧", self.text)

    def filled(self, text: str) -> str:
        """Return another text with the values in the place of their marks."""
        return _MARK.sub(lambda mark: self.values[int(mark[1]) - 1], text)


def marks_in(text: str) -> list[int]:
    """Return the numbers of all marks, in order."""
    return [int(number) for number in _MARK.findall(text)]


def without_marks(text: str) -> str:
    """Return what is left of a text without its marks."""
    return _MARK.sub(" ", text)


def masked(prompt: str, known: Iterable[str]) -> MaskedPrompt:
    """Put marks in the place of values.

    >>> masked("Who sold 3 copies of Emma?", ["Emma"]).text
    'Who sold ⟦1⟧ copies of ⟦2⟧?'

    Args:
        prompt: The question.
        known: Texts that are values wherever they stand.
    """
    spans = [match.span() for match in _VALUES.finditer(prompt)]
    folded = prompt.casefold()
    if len(folded) == len(prompt):
        for value in known:
            spans += _places(folded, value.casefold())
    kept: list[tuple[int, int]] = []
    for start, end in sorted(spans, key=lambda span: (span[0], -span[1])):
        if kept and start < kept[-1][1]:
            kept[-1] = (kept[-1][0], max(kept[-1][1], end))
        else:
            kept.append((start, end))
    parts: list[str] = []
    at = 0
    for number, (start, end) in enumerate(kept, start=1):
        parts += [prompt[at:start], f"⟦{number}⟧"]
        at = end
    return MaskedPrompt(
        "".join([*parts, prompt[at:]]), tuple(prompt[start:end] for start, end in kept)
    )


def _places(folded: str, value: str) -> list[tuple[int, int]]:
    """Return where a value stands as words of its own."""
    found: list[tuple[int, int]] = []
    at = folded.find(value) if value else -1
    while at >= 0:
        end = at + len(value)
        inside = _joins(folded[at - 1 : at], value[:1]) or _joins(value[-1:], folded[end : end + 1])
        if not inside:
            found.append((at, end))
        at = folded.find(value, at + 1)
    return found


def _joins(left: str, right: str) -> bool:
    """Tell whether two neighbours are of one word; signs of Chinese are words of their own."""
    return (
        bool(left and right)
        and left.isalnum()
        and right.isalnum()
        and left.isascii()
        and right.isascii()
    )


def gold_texts(task: Task) -> list[str]:
    """Return the texts that a task's gold is about; plain words are in `plain_words`."""
    return [text for text in _gold(task) if not _is_plain(text)]


def plain_words(task: Task) -> list[str]:
    """Return the words in a task's gold that name a choice or a column, like `pending`."""
    return [text for text in _gold(task) if _is_plain(text)]


def _gold(task: Task) -> list[str]:
    values = [value for question in task.sub_questions for value in question.arguments.values()]
    values += [slot.value for slot in task.slots]
    return list(dict.fromkeys(text for value in values for text in _texts(value)))


def _is_plain(text: str) -> bool:
    return text.isascii() and text.replace("_", "").isalpha() and text.islower()


def _texts(value: Json) -> list[str]:
    match value:
        case str():
            return [value] if len(value.strip()) > 1 or not value.isascii() else []
        case list():
            return [text for one in value for text in _texts(one)]
        case _:
            return []


def stored_texts(bundle: Bundle) -> set[str]:
    """Return the texts of a bundle's world, those of one or two letters left out."""
    world = bundle.environment.world
    if world.kind != "sqlite":
        return set()
    found: set[str] = set()
    path = bundle.path / world.file
    with closing(sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True)) as db:
        tables = db.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
        for (table,) in tables.fetchall():
            for column in db.execute(f"PRAGMA table_info({quote_identifier(str(table))})"):
                names = quote_identifier(str(column[1])), quote_identifier(str(table))
                # Names come from the database itself and are quoted.
                query = f"SELECT DISTINCT {names[0]} FROM {names[1]} LIMIT {MOST_STORED}"
                found |= {
                    one
                    for (one,) in db.execute(query)
                    if isinstance(one, str) and (len(one) >= _SHORTEST or not one.isascii())
                }
            if len(found) >= MOST_STORED:
                break
    return found


def stored_in(prompt: str, stored: set[str]) -> list[str]:
    """Return the texts of a world that stand in a question, by looking up runs of its words.

    A single word has to be a name: written as it is stored, with a capital or a digit, and not
    where every word has a capital.
    """
    words = list(re.finditer(r"[^\W_]+(?:['.&\u2019-][^\W_]+)*|\S", prompt))
    found: list[str] = []
    for first, start in enumerate(words):
        for end in words[first : first + _MOST_WORDS]:
            text = prompt[start.start() : end.end()]
            if text in stored and (end is not start or _is_name(prompt, start)):
                found.append(text)
    return found


def _is_name(prompt: str, word: re.Match[str]) -> bool:
    if not word[0].isascii():
        return True
    begins = re.search(r"(?:^|[.?!:)\n]\s*)$", prompt[: word.start()]) is not None
    return not begins and not word[0].islower()
