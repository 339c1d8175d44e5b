import keyword

import pytest
from hypothesis import given
from hypothesis import strategies as st

from astra_arena.synthesizer.tables.naming import (
    distinct_names,
    label_of,
    plural_of,
    safe_identifier,
    singular_of,
    without_identifying_word,
    words_of,
)


@pytest.mark.parametrize(
    ("table", "singular", "plural"),
    [
        ("customers", "customer", "customers"),
        ("OrderItems", "order item", "order items"),
        ("categories", "category", "categories"),
        ("boxes", "box", "boxes"),
        ("addresses", "address", "addresses"),
        ("people", "person", "people"),
        ("status", "status", "statuses"),
        ("bus stop", "bus stop", "bus stops"),
    ],
)
def test_tables_give_nouns(table: str, singular: str, plural: str) -> None:
    assert singular_of(table) == singular
    assert plural_of(singular) == plural


@pytest.mark.parametrize(
    ("column", "label"),
    [
        ("sched_dep_time", "scheduled departure time"),
        ("unitPrice", "unit price"),
        ("customer_id", "customer ID"),
        ("2nd price", "2nd price"),
    ],
)
def test_columns_give_plain_labels(column: str, label: str) -> None:
    assert label_of(column) == label


def test_humps_and_capitals_split_words() -> None:
    assert words_of("HTTPServer_URLPath") == ["http", "server", "url", "path"]


def test_an_identifying_word_is_taken_off() -> None:
    assert without_identifying_word("order_no") == "order"
    assert without_identifying_word("id") is None
    assert without_identifying_word("origin") is None


@given(st.text())
def test_any_name_gives_an_identifier(name: str) -> None:
    identifier = safe_identifier(name, fallback="column_1")
    assert identifier.isidentifier()
    assert identifier.isascii()
    assert not keyword.iskeyword(identifier)


def test_doubled_and_taken_names_get_numbers() -> None:
    assert distinct_names(["a", "a", "limit"], taken=["limit"]) == ["a", "a_2", "limit_2"]
