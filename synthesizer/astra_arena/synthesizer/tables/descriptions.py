"""What a user may say about the tables beside the data: nouns, meanings, units, phrases.

All of it is optional. It changes words only: tool names, descriptions and questions; never values.
"""

import json
from pathlib import Path

from pydantic import Field

from astra_arena.core.environment import Licence
from astra_arena.core.errors import SourceError, SpecError
from astra_arena.core.model import Model
from astra_arena.synthesizer.sources.table_info import Table


class ColumnWords(Model):
    """How one column is spoken of."""

    description: str | None = None
    """For tool schemas: "Departure delay in minutes, negative when early"."""
    label: str | None = None
    """A noun phrase without article: "departure delay"."""
    unit: str | None = None
    """After numbers: "minutes"."""
    role: str | None = None
    """For a reference: what its target is to the row: "destination airport"."""
    possessive: str | None = None
    """For a reference: its target, with `{}` for the row: "the plane that flew {}"."""
    modifier: str | None = None
    """After the plural, with `{}` for the value: "operated by {}"."""
    ask: str | None = None
    """A question, with `{}` for the row: "How many seats does {} have?"."""
    superlatives: tuple[str, str] | None = None
    """For the largest and the smallest value: "longest", "shortest"; or with `{}` for the row's
    noun: "the northernmost {}"."""
    values: dict[str, str] = Field(default_factory=dict)
    """How values are spoken of: "1" is "January"."""
    measure: bool | None = None
    """Whether averages of the numbers mean anything; guessed from the name when left out."""
    additive: bool | None = None
    """Whether sums of the numbers mean anything; guessed from the name when left out."""
    transitions: dict[str, tuple[str, ...]] | None = None
    """For a status: what each value can become. Guessed from common words when left out."""
    initial: str | None = None
    """For a status with `transitions`: what new rows get; the first value when left out."""
    in_questions: bool = True
    """Whether questions may mention or ask for the column; tools show it in any case."""


class TableWords(Model):
    """How one table is spoken of."""

    description: str | None = None
    singular: str | None = None
    plural: str | None = None
    named: str | None = None
    """A row by its key, with the key's columns in braces: "flight {carrier} {flight}"."""
    counted: str | None = None
    """A question for a number of rows, with `{}` for them: "How many {} were there?"."""
    writes: bool | None = None
    """Whether tools may change rows; guessed from what the table is about when left out."""
    columns: dict[str, ColumnWords] = Field(default_factory=dict[str, ColumnWords])


class Descriptions(Model):
    """The content of a `--describe` file."""

    name: str | None = None
    title: str | None = None
    description: str | None = None
    domain: str | None = None
    licence: Licence | None = None
    tables: dict[str, TableWords] = Field(default_factory=dict[str, TableWords])


def load_descriptions(path: Path) -> Descriptions:
    """Read a file of descriptions.

    Raises:
        SourceError: if it cannot be read or is not what a `--describe` file holds.
    """
    try:
        return Descriptions.from_json(json.loads(path.read_bytes()), what=str(path))
    except OSError as error:
        raise SourceError(f"{str(path)!r} cannot be read: {error.strerror or error}") from error
    except SpecError as error:
        raise SourceError(error.message) from None
    except ValueError as error:
        raise SourceError(f"{str(path)!r}: expected JSON with descriptions: {error}") from None


def check_descriptions(descriptions: Descriptions, tables: tuple[Table, ...]) -> None:
    """Refuse descriptions of what is not there: a misspelt name would go unnoticed.

    Raises:
        SourceError: naming the table or column and what there is.
    """
    there = {table.name: {column.name for column in table.columns} for table in tables}
    for name, words in descriptions.tables.items():
        if name not in there:
            raise SourceError(
                f"the descriptions name table {name!r}, which is not there; the tables are "
                f"{', '.join(sorted(there))}"
            )
        unknown = sorted(set(words.columns) - there[name])
        if unknown:
            raise SourceError(
                f"the descriptions of table {name!r} name column {unknown[0]!r}, which is not "
                f"there; its columns are {', '.join(sorted(there[name]))}"
            )
