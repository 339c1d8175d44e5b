"""A folder of CSV files as they come: what is wrong with each, and what becomes of it."""

import shutil
from pathlib import Path

import pytest

from astra_arena.core.errors import SourceError
from astra_arena.synthesizer.sources.table_info import Table
from astra_arena.synthesizer.sources.table_source import WorldReport, build_world
from tests.support.requirement import requirement
from tests.synthesizer.analysed import analysed

BAD_ROWS = Path(__file__).parent / "bad_rows"


def world_of(tmp_path: Path, *names: str) -> WorldReport:
    folder = tmp_path / "source"
    folder.mkdir()
    for name in names:
        shutil.copyfile(BAD_ROWS / name, folder / name)
    return build_world(folder, tmp_path / "world.sqlite")


def types_of(table: Table) -> dict[str, str]:
    return {column.name: column.logical_type for column in table.columns}


@requirement("sources:bad-rows")
@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("ragged.csv", "'ragged.csv', line 3: expected 3 fields, as in the header, found 2"),
        ("latin1.csv", "'latin1.csv', line 2: expected UTF-8 text, found byte 0xe9 at offset 13"),
    ],
)
def test_rows_that_cannot_be_read_stop_the_folder_by_file_and_line(
    tmp_path: Path, name: str, message: str
) -> None:
    with pytest.raises(SourceError, match=message):
        world_of(tmp_path, name, "empty_columns.csv")


@requirement("sources:bad-rows")
def test_columns_of_several_kinds_are_text(tmp_path: Path) -> None:
    [table] = world_of(tmp_path, "mixed_types.csv").tables
    assert types_of(table) == {"id": "integer", "amount": "text", "mixed": "text"}


@requirement("sources:bad-rows")
def test_dates_are_dates_in_one_order_only(tmp_path: Path) -> None:
    [table] = world_of(tmp_path, "dates_as_text.csv").tables
    assert types_of(table) == {
        "id": "integer",
        "iso": "date",
        "european": "text",
        "american": "text",
        "both": "text",
    }


@requirement("sources:bad-rows")
def test_empty_columns_are_text_of_nulls(tmp_path: Path) -> None:
    report = world_of(tmp_path, "empty_columns.csv")
    [table] = report.tables
    assert [(c.logical_type, c.nulls) for c in table.columns[1:]] == [
        ("text", 2),
        *[("text", 3)] * 2,
    ]
    assert report.notices == (
        "table 'empty_columns': 'NA' was read as NULL in text columns: 'note' (1)",
    )


@requirement("sources:bad-rows")
def test_a_key_with_duplicates_is_none_and_a_wider_one_is_found(tmp_path: Path) -> None:
    with analysed(BAD_ROWS / "duplicate_keys.csv") as source:
        key = source.analysis.keys["duplicate_keys"]
        assert (key.columns, key.evidence) == (("order_id", "qty"), "unique combination")


@requirement("sources:bad-rows")
def test_names_with_spaces_and_other_scripts_are_kept(tmp_path: Path) -> None:
    name = "names with spaces & ümläute"
    [table] = world_of(tmp_path, f"{name}.csv").tables
    assert (table.name, [c.name for c in table.columns]) == (name, ["Größe", "naïve column", "二"])
