"""Single terms of questions: a value, a day, a span of time, a row by its key, a role, a list."""

import re
from datetime import date, datetime, timedelta

from astra_arena.synthesizer.tables.catalogue import Attribute, Entity
from astra_arena.synthesizer.tables.naming import joined
from astra_arena.synthesizer.tables.nouns import RECORD
from astra_arena.synthesizer.tables.profile import SqlValue

_WORD = re.compile(r"\w+(?:[-./:]\w+)*")
_SMALL_WORDS = frozenset(
    {
        *("null", "none", "nil", "true", "false", "yes", "no", "na", "unknown", "empty"),
        *("a", "an", "the", "that", "this", "of", "on", "in", "at", "by", "for", "from", "to"),
        *("and", "or", "not", "with", "without", "all", "any", "each", "same", "it", "its", "is"),
    }
)
"""A value that is one of these would be read as a part of the sentence."""
_IDENTIFYING_LABELS = frozenset({"ID", "code", "key", "number", "SKU", "ISBN", "UUID"})


def named_row(entity: Entity, said: dict[str, str]) -> str:
    """Return the phrase for a row by its key, whose columns are said like this."""
    if entity.words.named:
        phrase = entity.words.named
        for column, value in said.items():
            phrase = phrase.replace(f"{{{column}}}", value)
        return phrase
    if len(said) == 1:
        (column,) = said
        attribute = entity.by_name[column]
        # "Weather record 7" would be the seventh of them.
        if _says_identity(attribute) and not entity.singular.endswith(RECORD):
            return f"{entity.singular} {said[column]}"
        if attribute.label in (entity.singular, "name"):
            return f"the {entity.singular} {said[column]}"
        return f"the {entity.singular} with {attribute.label} {said[column]}"
    parts = [f"{entity.by_name[column].label} {value}" for column, value in said.items()]
    return f"the {entity.singular} with {joined(parts)}"


def _says_identity(attribute: Attribute) -> bool:
    return attribute.label.split(" ")[-1] in _IDENTIFYING_LABELS


def spoken(attribute: Attribute, value: SqlValue) -> str:
    """Return a value as a question says it."""
    said = attribute.words.values.get(str(value))
    if said is not None:
        return said
    profile = attribute.profile
    if profile.is_temporal and isinstance(value, str):
        return moment(value)
    if isinstance(value, int | float) and attribute.is_measure and not _says_identity(attribute):
        return number(value)
    text = str(value)
    if profile.logical_type != "text" or _is_plain_word(text):
        return text
    return quoted(text)


def number(value: float) -> str:
    """Return a number with thousands separators, whole where it is whole.

    >>> number(12345.5), number(50.0), number(-1234)
    ('12,345.5', '50', '-1,234')
    """
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        value = int(value)
    return f"{value:,}"


def moment(text: str) -> str:
    """Return a day or moment in ISO 8601 as people write it; other text as it is.

    >>> moment("2013-03-04"), moment("2013-03-04T10:05:00Z")
    ('4 March 2013', '4 March 2013 at 10:05 UTC')
    """
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError:
        return text
    said = f"{parsed.day} {parsed:%B} {parsed.year}"
    if len(text) <= len("2013-03-04"):
        return said
    time = f"{parsed:%H:%M}"
    if parsed.second or parsed.microsecond:
        time = f"{parsed:%H:%M:%S}"
    if parsed.microsecond:
        time += f".{text.partition('.')[2].rstrip('Z').partition('+')[0].partition('-')[0]}"
    zone = text[10:].lstrip("T ")[len("10:05") :]
    if text.endswith("Z"):
        time += " UTC"
    elif sign := re.search(r"[+-]\d\d:?\d\d$", zone):
        time += f" (UTC{sign.group()})"
    return f"{said} at {time}"


def span(first: str, last: str) -> str:
    """Return what days from the first to the last are together: "in June 2013", "in 2013".

    >>> span("2013-06-01", "2013-06-30"), span("2013-06-01", "2013-07-02")
    ('in June 2013', 'between 1 June and 2 July 2013')
    """
    start, end = date.fromisoformat(first[:10]), date.fromisoformat(last[:10])
    zone = " (UTC)" if first.endswith("Z") else ""
    after = end + timedelta(days=1)
    if start.day == after.day == 1 and start.month == after.month == 1 and start.year == end.year:
        return f"in {start.year}{zone}"
    if start.day == after.day == 1 and (start.year, start.month) == (end.year, end.month):
        return f"in {start:%B} {start.year}{zone}"
    if start == end:
        return f"on {moment(first[:10])}{zone}"
    year = "" if start.year == end.year else f" {start.year}"
    return f"between {start.day} {start:%B}{year} and {moment(last[:10])}{zone}"


def quoted(text: str) -> str:
    """Return text in quotes that it does not hold itself, where there are such."""
    mark = "'" if '"' in text and "'" not in text else '"'
    return f"{mark}{text}{mark}"


def _is_plain_word(text: str) -> bool:
    """Tell whether text reads as a name or code and as nothing else: no number, no small word."""
    if _WORD.fullmatch(text) is None or text.casefold() in _SMALL_WORDS:
        return False
    try:
        float(text)
    except ValueError:
        return any(letter.isalpha() for letter in text)
    return False
