import json
from pathlib import Path

import pytest

from astra_arena.core.errors import SourceError
from astra_arena.synthesizer.demo import DESCRIPTIONS
from astra_arena.synthesizer.sources.table_info import Column, Table
from astra_arena.synthesizer.tables.descriptions import (
    Descriptions,
    TableWords,
    check_descriptions,
    load_descriptions,
)

TABLES = (Table("sales", (Column("pieces", "INTEGER", "integer", 0),), 3),)


def test_the_shipped_descriptions_load() -> None:
    words = load_descriptions(DESCRIPTIONS)
    assert words.licence is not None
    assert words.licence.name == "CC0-1.0"
    assert words.tables["flights"].columns["dest"].role == "destination airport"


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("{", "expected JSON"),
        ("[]", "Input should be"),
        (json.dumps({"tables": {"sales": {"colums": {}}}}), "/tables/sales/colums"),
    ],
)
def test_a_bad_file_is_one_clear_message(tmp_path: Path, content: str, told: str) -> None:
    path = tmp_path / "words.json"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(SourceError, match=told):
        load_descriptions(path)


def test_a_missing_file_is_one_clear_message(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="cannot be read"):
        load_descriptions(tmp_path / "none.json")


@pytest.mark.parametrize(
    ("tables", "told"),
    [
        ({"sale": TableWords()}, "the tables are sales"),
        ({"sales": TableWords.model_validate({"columns": {"piece": {}}})}, "columns are pieces"),
    ],
)
def test_words_for_what_is_not_there_are_refused(tables: dict[str, TableWords], told: str) -> None:
    with pytest.raises(SourceError, match=told):
        check_descriptions(Descriptions(tables=tables), TABLES)
