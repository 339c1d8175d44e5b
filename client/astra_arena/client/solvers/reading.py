"""What a prompt says without being understood: its words, and the values that stand in it."""

import re
from dataclasses import dataclass

from astra_arena.core.answers import plain_text
from astra_arena.core.canonical import Json

NEARBY = 7
"""So many words before a value, and half as many after it, tell what it is the value of."""

_TOKEN = re.compile(
    r"\"(?P<quoted>[^\"]{1,200})\""
    r"|(?P<date>\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d)?Z?)?)"
    r"|(?P<number>(?<![\w.])-?\d+(?:\.\d+)?(?![\w-]))"
    r"|(?P<word>[^\W_][\w'/-]*)"
)
_MONTHS = (
    *("january", "february", "march", "april", "may", "june", "july"),
    *("august", "september", "october", "november", "december"),
)


@dataclass(frozen=True, slots=True)
class Value:
    """A value that stands in a prompt."""

    value: Json
    nearby: frozenset[str]
    """The words around it."""
    marked: bool = False
    """Whether it stands in quotation marks, and so is surely a value."""


@dataclass(frozen=True, slots=True)
class Reading:
    """A prompt as a solver sees it."""

    values: tuple[Value, ...]
    words: frozenset[str]


def read_prompt(prompt: str) -> Reading:
    """Return the words of a prompt and the values in it, in their order."""
    tokens = list(_TOKEN.finditer(prompt))
    stems = [stem(match.group()) for match in tokens]
    values: list[Value] = []
    for place, match in enumerate(tokens):
        nearby = frozenset(stems[max(0, place - NEARBY) : place + NEARBY // 2 + 1])
        if match["word"] and _begins_a_sentence(prompt, match):
            continue
        marked = match["quoted"] is not None
        values += [Value(value, nearby, marked) for value in _values(match)]
    return Reading(tuple(values), frozenset(stems))


def _begins_a_sentence(prompt: str, match: re.Match[str]) -> bool:
    """Whether a word owes its capital to its place alone."""
    before = prompt[: match.start()].rstrip()
    return match.group().istitle() and (not before or before[-1] in ".!?:")


def _values(match: re.Match[str]) -> list[Json]:
    text = match.group()
    if match["quoted"] is not None:
        return [match["quoted"]]
    if match["date"] is not None:
        return [text]
    if match["number"] is not None:
        return [float(text) if "." in text else int(text), text]
    if text.casefold() in _MONTHS:
        return [text, _MONTHS.index(text.casefold()) + 1]
    # Codes and names are written in capitals somewhere.
    return [text] if text != text.lower() else []


def words_of(text: str) -> frozenset[str]:
    """Return the words of a name or description, as `stem` gives them."""
    plain = plain_text(text.replace("_", " "))
    return frozenset(stem(word) for word in re.findall(r"[^\W_]+", plain))


def stem(word: str) -> str:
    """Return a word without case and the commonest endings of English."""
    plain = plain_text(word)
    for ending in ("ies", "es", "s"):
        if plain.endswith(ending) and len(plain) - len(ending) >= 3:
            return plain.removesuffix(ending) + ("y" if ending == "ies" else "")
    return plain
