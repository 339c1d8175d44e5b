"""Single terms of questions: a row by its key, a value, a role, a superlative, a list."""

import re

from astra_arena.synthesizer.tables.catalogue import Attribute, Entity
from astra_arena.synthesizer.tables.naming import joined
from astra_arena.synthesizer.tables.nouns import ROW_OF
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
        # "Row of messy 7" would be the row of a thing called so.
        if _says_identity(attribute) and not entity.singular.startswith(ROW_OF):
            return f"{entity.singular} {said[column]}"
        return f"the {entity.singular} with {attribute.label} {said[column]}"
    parts = [f"{entity.by_name[column].label} {value}" for column, value in said.items()]
    return f"the {entity.singular} with {joined(parts)}"


def _says_identity(attribute: Attribute) -> bool:
    return attribute.label.split(" ")[-1] in ("ID", "code", "key", "number")


def spoken(attribute: Attribute, value: SqlValue) -> str:
    """Return a value as a question says it."""
    said = attribute.words.values.get(str(value))
    if said is not None:
        return said
    text = str(value)
    if attribute.profile.logical_type != "text" or _is_plain_word(text):
        return text
    return quoted(text)


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


def superlatives(attribute: Attribute) -> tuple[str, str]:
    """Return phrases for the largest and the smallest value; `{}` is for a row's noun."""
    if attribute.words.superlatives:
        high, low = attribute.words.superlatives
    else:
        high, low = plain_superlatives(attribute)
    return _with_label(high, attribute), _with_label(low, attribute)


def _with_label(word: str, attribute: Attribute) -> str:
    return word if "{}" in word else f"the {word} {attribute.label}"


def plain_superlatives(attribute: Attribute) -> tuple[str, str]:
    """Return the words that a label calls for: "longest" and "shortest" for a duration."""
    last = attribute.label.split(" ")[-1]
    if attribute.profile.is_temporal or last in ("year", "date", "time"):
        return "latest", "earliest"
    if last in ("duration", "length", "distance", "delay"):
        return "longest", "shortest"
    if last in ("area", "population", "size", "quantity", "amount"):
        return "largest", "smallest"
    return "highest", "lowest"
