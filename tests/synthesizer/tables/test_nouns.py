import pytest

from astra_arena.synthesizer.tables.nouns import Nouns, table_nouns


def nouns_of(*tables: str, columns: tuple[str, ...] = ()) -> list[Nouns]:
    return table_nouns([(table, None, None) for table in tables], columns=list(columns))


def test_plural_names_are_nouns() -> None:
    assert nouns_of("order_items", "people") == [
        Nouns("order item", "order items", "order item", "order items"),
        Nouns("person", "people", "person", "people"),
    ]


def test_a_name_that_is_no_plural_is_no_noun_but_where_columns_are_named_after_it() -> None:
    assert nouns_of("messy") == [Nouns("messy record", "messy records", "messy", "messy")]
    assert nouns_of("city", columns=("city_id",)) == [Nouns("city", "cities", "city", "cities")]


def test_described_nouns_stay() -> None:
    assert table_nouns([("messy", "entry", None)], columns=[]) == [
        Nouns("entry", "entries", "entry", "entries")
    ]


@pytest.mark.parametrize("tables", [("order", "orders"), ("🚗", "🏠"), ("a b", "A-B", "a_b")])
def test_tables_with_the_same_noun_are_told_apart_by_quoted_names(tables: tuple[str, ...]) -> None:
    nouns = nouns_of(*tables)
    assert [noun.singular for noun in nouns] == [f'"{table}" record' for table in tables]
    assert [noun.plural for noun in nouns] == [f'"{table}" records' for table in tables]
    assert [noun.many for noun in nouns] == list(tables)
