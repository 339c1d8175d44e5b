"""The analysed source: tables with keys become entities, with the words and names to use.

Everything that later steps need to know of the data's shape stands here; none of them looks at the
names of columns to guess again.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

from astra_arena.synthesizer.sources.table_info import quote_identifier
from astra_arena.synthesizer.tables.descriptions import ColumnWords, Descriptions, TableWords
from astra_arena.synthesizer.tables.keys import PrimaryKey
from astra_arena.synthesizer.tables.naming import (
    distinct_names,
    label_of,
    safe_identifier,
    words_of,
)
from astra_arena.synthesizer.tables.nouns import table_nouns
from astra_arena.synthesizer.tables.profile import ColumnProfile, TableProfile
from astra_arena.synthesizer.tables.references import Reference, linked_columns
from astra_arena.synthesizer.tables.table_rules import TableRules

MANY_VALUES = 31
"""A column of integers with more distinct values is filtered by range, not by one value."""

_TEMPORAL_NOUNS = frozenset({"date", "day", "hour", "moment", "time", "timestamp", "year"})
_UNMEASURED = frozenset(
    {
        *("year", "month", "day", "hour", "minute", "second", "time", "date", "week", "weekday"),
        *("quarter", "id", "code", "key", "number", "no", "phone", "zip", "postcode", "lat", "lon"),
        *("latitude", "longitude", "tz", "rank", "position", "index", "version"),
    }
)
"""Words of names whose numbers name, place or order something: their mean says nothing."""
_ADDITIVE = frozenset(
    {
        *("quantity", "qty", "amount", "total", "price", "cost", "revenue", "sales", "distance"),
        *("duration", "length", "weight", "population", "count", "units", "value", "size", "area"),
        *("budget", "hours", "minutes", "days"),
    }
)


_PREPOSITIONS = frozenset({"at", "by", "for", "from", "in", "of", "on", "per", "to"})
"""What follows one of these does not name a thing but tells which one is meant."""


@dataclass(frozen=True, slots=True)
class Attribute:
    """A column: what it holds, what it is called in tools and in plain words."""

    profile: ColumnProfile
    field: str
    """Its name in tool arguments and replies: a lower-case identifier."""
    words: ColumnWords
    ambiguous: bool = False
    """Whether the words for it could be meant for another column of the table."""

    @property
    def name(self) -> str:
        """The column's name in the database."""
        return self.profile.name

    @property
    def sql(self) -> str:
        """The column's name as an SQL identifier."""
        return quote_identifier(self.profile.name)

    @property
    def label(self) -> str:
        """A noun phrase without article; the quoted name where a phrase would not tell it apart."""
        if self.ambiguous or not (self.words.label or words_of(self.name)):
            return f'"{self.name}"'
        return self.phrase

    @property
    def phrase(self) -> str:
        """The noun phrase that the name or the descriptions give, whatever others are called."""
        if self.words.label:
            return self.words.label
        label = label_of(self.name)
        kind = {"date": "date", "datetime": "time"}.get(self.profile.logical_type)
        # "placed on" names no thing, "placed on date" does.
        told = kind is None or label.split(" ")[-1] in _TEMPORAL_NOUNS
        return label if told else f"{label} {kind}"

    @property
    def is_measure(self) -> bool:
        """Whether averages and thresholds of the values mean anything."""
        if self.words.measure is not None:
            return self.words.measure and self.profile.is_number
        plain = not _UNMEASURED.intersection(words_of(self.name))
        return plain and self.profile.is_number and self.profile.distinct > MANY_VALUES // 3

    @property
    def is_additive(self) -> bool:
        """Whether sums of the values mean anything."""
        if self.words.additive is not None:
            return self.words.additive and self.is_measure
        return self.is_measure and bool(_ADDITIVE.intersection(words_of(self.name)))


@dataclass(frozen=True)
class Entity:
    """A table whose rows can be told apart."""

    name: str
    """The table's name in the database."""
    rows: int
    attributes: tuple[Attribute, ...]
    key: tuple[str, ...]
    """Columns of the key."""
    references: tuple[Reference, ...]
    """What the table's columns refer to."""
    singular: str
    plural: str
    one: str
    """The singular as an identifier, for tool names."""
    many: str
    """The plural as an identifier, for tool names."""
    words: TableWords
    rules: TableRules = field(default_factory=TableRules)

    @property
    def sql(self) -> str:
        """The table's name as an SQL identifier."""
        return quote_identifier(self.name)

    @cached_property
    def by_name(self) -> dict[str, Attribute]:
        """Attributes by column name."""
        return {attribute.name: attribute for attribute in self.attributes}

    @property
    def key_attributes(self) -> tuple[Attribute, ...]:
        """The attributes of the key, in order."""
        return tuple(self.by_name[name] for name in self.key)

    @cached_property
    def reference_columns(self) -> frozenset[str]:
        """Columns that take part in a reference."""
        return frozenset(name for reference in self.references for name in reference.columns)

    def reference_of(self, column: str) -> Reference | None:
        """Return the reference that the column makes on its own."""
        return next((r for r in self.references if r.columns == (column,)), None)


@dataclass(frozen=True)
class Catalogue:
    """All entities of a source and how they hang together."""

    entities: tuple[Entity, ...]

    @cached_property
    def by_name(self) -> dict[str, Entity]:
        """Entities by table name."""
        return {entity.name: entity for entity in self.entities}

    @cached_property
    def _groups(self) -> dict[tuple[str, str], int]:
        references = tuple(r for entity in self.entities for r in entity.references)
        groups = linked_columns(references)
        return {member: number for number, group in enumerate(groups) for member in group}

    def same_things(self, table: str, column: str, other_table: str, other_column: str) -> bool:
        """Tell whether two columns name things of one kind, so that values can be carried over."""
        if (table, column) == (other_table, other_column):
            return True
        group = self._groups.get((table, column))
        return group is not None and group == self._groups.get((other_table, other_column))

    def restricted_to(self, tables: Collection[str]) -> "Catalogue":
        """Return the catalogue without other tables, and without references to these."""
        return Catalogue(
            tuple(
                replace(
                    entity,
                    references=tuple(r for r in entity.references if r.target in tables),
                )
                for entity in self.entities
                if entity.name in tables
            )
        )

    def names_things(self, table: str, column: str) -> bool:
        """Tell whether the column's values name rows: it is part of a key or of a reference."""
        entity = self.by_name[table]
        return (table, column) in self._groups or column in entity.key


def build_catalogue(
    profiles: tuple[TableProfile, ...],
    keys: dict[str, PrimaryKey],
    references: tuple[Reference, ...],
    descriptions: Descriptions,
    rules: Mapping[str, TableRules] | None = None,
) -> Catalogue:
    """Put together what is known of the tables that have keys."""
    kept = [profile for profile in profiles if profile.name in keys]
    words = [descriptions.tables.get(profile.name, TableWords()) for profile in kept]
    nouns = table_nouns(
        [(profile.name, w.singular, w.plural) for profile, w in zip(kept, words, strict=True)],
        columns=[column.name for profile in kept for column in profile.columns],
    )
    ones = _identifiers([noun.one for noun in nouns], "record")
    manies = _identifiers([noun.many for noun in nouns], "records")
    return Catalogue(
        tuple(
            Entity(
                name=profile.name,
                rows=profile.rows,
                attributes=_attributes(profile, table_words, keys[profile.name].columns),
                key=keys[profile.name].columns,
                references=tuple(r for r in references if r.table == profile.name),
                singular=noun.singular,
                plural=noun.plural,
                one=one,
                many=many,
                words=table_words,
                rules=(rules or {}).get(profile.name, TableRules()),
            )
            for profile, table_words, noun, one, many in zip(
                kept, words, nouns, ones, manies, strict=True
            )
        )
    )


def _identifiers(nouns: list[str], fallback: str) -> list[str]:
    # Tool names are at most 63 characters, of which the longest verb takes ten.
    return distinct_names(
        safe_identifier(noun, fallback=f"{fallback}_{number}")[:48]
        for number, noun in enumerate(nouns, start=1)
    )


def _attributes(
    profile: TableProfile, words: TableWords, key: tuple[str, ...]
) -> tuple[Attribute, ...]:
    fields = distinct_names(
        safe_identifier(column.name, fallback=f"column_{number}")
        for number, column in enumerate(profile.columns, start=1)
    )
    attributes = [
        Attribute(column, field, _column_words(column, words))
        for column, field in zip(profile.columns, fields, strict=True)
    ]
    return tuple(
        replace(attribute, ambiguous=True)
        if _is_ambiguous(attribute, attributes, key)
        else attribute
        for attribute in attributes
    )


def _column_words(column: ColumnProfile, words: TableWords) -> ColumnWords:
    given = words.columns.get(column.name, ColumnWords())
    # A huge float reads back as a whole number of many digits, which no tool can compare exactly.
    return given if column.is_exact else given.model_copy(update={"in_questions": False})


def _is_ambiguous(attribute: Attribute, beside: list[Attribute], key: tuple[str, ...]) -> bool:
    """Tell whether a column's phrase is the phrase or name of another column, or begins or ends it.

    "hour" could be meant for "scheduled hour"; "month" ends "day of the month" and is no such day.
    The "ID" of a row is not the "customer ID" in it.
    """
    own = _words(attribute.phrase)
    for other in beside:
        if other is attribute:
            continue
        for words in (_words(other.phrase), words_of(other.name)):
            ends = words[-len(own) :] == own and not _PREPOSITIONS.intersection(words[: -len(own)])
            if words[: len(own)] == own or (ends and key != (attribute.name,)):
                return True
    return False


def _words(phrase: str) -> list[str]:
    return phrase.casefold().split(" ")
