"""Nouns for tables: what one row is called, what several are, never the same for two tables."""

from collections import Counter
from dataclasses import dataclass

from astra_arena.synthesizer.tables.lexicon import NOUNS
from astra_arena.synthesizer.tables.naming import (
    is_identifying,
    label_of,
    plural_of,
    singular_of,
    words_of,
)

RECORD = " record"


@dataclass(frozen=True, slots=True)
class Nouns:
    """What the rows of a table are called."""

    singular: str
    plural: str
    one: str
    """What tools for one row are named after."""
    many: str
    """What tools for several rows are named after."""


def table_nouns(
    tables: list[tuple[str, str | None, str | None]], *, columns: list[str]
) -> list[Nouns]:
    """Return the nouns of each table.

    A plural name is a noun: "orders". So is a singular one that columns are named after, as
    `order_id` is, and one that ends in a common noun. Of others nothing is known, and "messies" is
    no word: their rows are called "messy records". Tables whose nouns would be the same are told
    apart by their quoted names.

    Args:
        tables: Each with its name, and the singular and plural that descriptions give it.
        columns: The names of all columns of all tables.
    """
    named_after = {" ".join(words_of(column)[:-1]) for column in columns if is_identifying(column)}
    nouns = [_nouns(*table, named_after=named_after) for table in tables]
    forms = [
        {form.casefold() for form in (noun.singular, noun.plural, *_plain(name))}
        for noun, (name, _, _) in zip(nouns, tables, strict=True)
    ]
    used = Counter(form for of_table in forms for form in of_table)
    return [
        noun if all(used[form] == 1 for form in of_table) else _quoted(name)
        for noun, of_table, (name, _, _) in zip(nouns, forms, tables, strict=True)
    ]


def _plain(table: str) -> tuple[str, ...]:
    return (singular_of(table),) if words_of(table) else ()


def _nouns(table: str, singular: str | None, plural: str | None, *, named_after: set[str]) -> Nouns:
    written = " ".join(words_of(table))
    one = singular or singular_of(table)
    if singular or plural:
        many = plural or plural_of(one)
        return Nouns(one, many, one, many)
    if not written:
        return _quoted(table)
    if written != one:
        return Nouns(one, written, one, written)
    if written in named_after or words_of(table)[-1] in NOUNS:
        many = plural_of(one)
        return Nouns(one, many, one, many)
    said = label_of(table)
    return Nouns(f"{said}{RECORD}", f"{said} records", one, written)


def _quoted(table: str) -> Nouns:
    name = " ".join(table.split())
    return Nouns(f'"{name}"{RECORD}', f'"{name}" records', table, table)
