import pytest

from astra_arena.synthesizer.tasks.terms import spoken
from tests.synthesizer.analysed import Analysed


@pytest.mark.parametrize("value", ["JFK", "9E", "SKU-007", "N14228", "violet", "Größe"])
def test_plain_words_and_codes_are_said_as_they_are(shop: Analysed, value: str) -> None:
    title = shop.catalogue.by_name["products"].by_name["title"]
    assert spoken(title, value) == value


@pytest.mark.parametrize(
    "value", ["", "1", "01", "1e5", "nan", "null", "None", "that", "of", "two words", "?", " x"]
)
def test_text_that_could_be_read_otherwise_is_quoted(shop: Analysed, value: str) -> None:
    title = shop.catalogue.by_name["products"].by_name["title"]
    assert spoken(title, value) == f'"{value}"'


def test_text_with_quotes_is_quoted_by_others(shop: Analysed) -> None:
    title = shop.catalogue.by_name["products"].by_name["title"]
    assert spoken(title, 'a"b') == "'a\"b'"


def test_days_are_written_out(shop: Analysed) -> None:
    orders = shop.catalogue.by_name["orders"].by_name
    assert spoken(orders["id"], 7) == "7"
    assert spoken(orders["placed_on"], "2024-03-01") == "1 March 2024"
