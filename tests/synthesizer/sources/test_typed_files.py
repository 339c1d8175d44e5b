"""Parquet and JSON files become tables whose values keep their meaning."""

import gzip
import json
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import duckdb
import pytest

from astra_arena.core.errors import SourceError
from astra_arena.synthesizer.sources.table_source import WorldReport, build_world
from tests.support.requirement import requirement

PARQUET = """
COPY (
    SELECT * FROM (VALUES
        (1::TINYINT, 1.50::DECIMAL(18, 2), 0.1::FLOAT, true, date '2024-02-29',
         timestamptz '2024-01-01 12:00:00+02', timestamp '2024-01-01 12:00:00', 'a'::BLOB, [1, 2],
         {'k': 'v'}, 18446744073709551615::UBIGINT, 'nan'::DOUBLE),
        (2, 2, 2.5, false, NULL, NULL, NULL, NULL, NULL, NULL, 7, 1.5)
    ) AS t(id, price, share, ok, "birth day", seen, woke, photo, list, made_of, big, odd)
) TO 'FILE'
"""


def query(world: Path, sql: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(world)) as connection:
        return connection.execute(sql).fetchall()


def json_world(folder: Path, text: str, name: str = "things.json") -> WorldReport:
    source = folder / name
    data = text.encode()
    source.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    return build_world(source, folder / "world.sqlite")


@requirement("sources:typed-files")
def test_types_of_a_parquet_file_keep_their_meaning(tmp_path: Path) -> None:
    source = tmp_path / "odd [name] *.parquet"
    duckdb.execute(PARQUET.replace("FILE", str(source)))
    report = build_world(source, tmp_path / "world.sqlite")
    [table] = report.tables
    assert {column.name: column.logical_type for column in table.columns} == {
        "id": "integer",
        "price": "real",
        "share": "real",
        "ok": "boolean",
        "birth day": "date",
        "seen": "datetime",
        "woke": "datetime",
        "list": "text",
        "made_of": "text",
        "big": "text",
        "odd": "real",
    }
    first, second = query(tmp_path / "world.sqlite", 'SELECT * FROM "odd [name] *"')
    assert first == (
        *(1, 1.5, 0.1, 1, "2024-02-29", "2024-01-01T10:00:00Z", "2024-01-01T12:00:00", "[1, 2]"),
        *('{"k": "v"}', "18446744073709551615", None),
    )
    assert second[:4] == (2, 2.0, 2.5, 0)
    assert report.notices == (
        "column 'photo' of table 'odd [name] *' was left out: it holds bytes, which no tool can "
        "show",
        "column 'list' of table 'odd [name] *': lists and objects were read as JSON text (1)",
        "column 'made_of' of table 'odd [name] *': lists and objects were read as JSON text (1)",
        "column 'big' of table 'odd [name] *': integers too big for SQLite were read as text (1)",
        "column 'big' of table 'odd [name] *' mixes integer and text: all its values were read as "
        "text",
        "column 'odd' of table 'odd [name] *': values that are no number (NaN) were read as NULL "
        "(1)",
    )


@requirement("sources:typed-files")
@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("things.json", '[{"id": 1, "d": "2024-01-02"}, {"id": 2, "x": {"b": [1]}}]'),
        ("things.json", '{"id": 1, "d": "2024-01-02"}\n{"id": 2, "x": {"b": [1]}}\n'),
        ("things.jsonl", '{"id": 1, "d": "2024-01-02"}\n\n{"id": 2, "x": {"b": [1]}}'),
        ("things.NDJSON.gz", '{"id": 1, "d": "2024-01-02"}\n{"id": 2, "x": {"b": [1]}}\n'),
    ],
)
def test_json_is_read_as_an_array_or_line_by_line(tmp_path: Path, name: str, text: str) -> None:
    report = json_world(tmp_path, text, name)
    assert query(tmp_path / "world.sqlite", "SELECT id, d, x FROM things") == [
        (1, "2024-01-02", None),
        (2, None, '{"b": [1]}'),
    ]
    types = {column.name: column.logical_type for column in report.tables[0].columns}
    assert types == {"id": "integer", "d": "date", "x": "text"}


def test_json_values_are_not_guessed_at(tmp_path: Path) -> None:
    text = '[{"code": "0042", "n": 1, "f": 1.0, "w": true}, {"code": "17", "n": "x", "f": 2}]'
    report = json_world(tmp_path, text)
    rows = query(tmp_path / "world.sqlite", "SELECT code, n, f, w FROM things")
    assert rows == [("0042", "1", 1.0, 1), ("17", "x", 2.0, None)]
    assert report.notices == (
        "column 'n' of table 'things' mixes integer and text: all its values were read as text",
    )


@requirement("sources:typed-files")
@pytest.mark.parametrize(
    ("name", "data", "part"),
    [
        ("x.json", b'[{"a": 1}, {"a": 2,]', "cannot be read as a table: Invalid Input Error"),
        ("x.jsonl", b'{"a": 1}\n{"a": \n', "cannot be read as a table"),
        ("x.jsonl", b'{"a": "\xe9"}\n', "cannot be read as a table"),
        ("x.json", b'{"name": "settings",\n "n": 1}', "is no table: expected a JSON array"),
        ("x.json", b"[1, 2, 3]", "is no table: expected a JSON array"),
        ("x.parquet", b"PAR1 and then nothing PAR1", "cannot be read as a table"),
        ("x.json.gz", b"no gzip", "cannot be unpacked"),
    ],
)
def test_a_file_that_is_no_table_is_refused_by_name(
    tmp_path: Path, name: str, data: bytes, part: str
) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(SourceError) as caught:
        build_world(tmp_path / name, tmp_path / "world.sqlite")
    assert f"'{name}' {part}" in caught.value.message
    assert "/tmp/" not in caught.value.message


def test_settings_among_the_tables_of_a_folder_are_not_read(tmp_path: Path) -> None:
    folder = tmp_path / "source"
    folder.mkdir()
    (folder / "settings.json").write_text('{\n "a": 1\n}', encoding="utf-8")
    (folder / "a.csv").write_text("id\n1\n", encoding="utf-8")
    (folder / "b.jsonl").write_text('{"id": 1}\n', encoding="utf-8")
    report = build_world(folder, tmp_path / "world.sqlite")
    assert [table.name for table in report.tables] == ["a", "b"]
    assert report.notices == ("not read: 'settings.json'",)


@requirement("sources:extra")
def test_without_the_extra_csv_works_and_the_rest_names_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("duckdb", "sqlalchemy", "psycopg", "pymysql"):
        monkeypatch.setitem(sys.modules, module, None)
    (tmp_path / "a.csv").write_text("id\n1\n", encoding="utf-8")
    (tmp_path / "b.json").write_text("[]", encoding="utf-8")
    (tmp_path / "c.parquet").write_bytes(b"PAR1")
    assert build_world(tmp_path / "a.csv", tmp_path / "world.sqlite").tables[0].rows == 1
    for source in (tmp_path / "b.json", tmp_path / "c.parquet", "postgresql://h/d", "mysql://h/d"):
        with pytest.raises(SourceError, match=r"pip install 'astra-arena\[db\]'"):
            build_world(source, tmp_path / "world.sqlite")


@requirement("sources:offline")
def test_duckdb_opens_nothing_but_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The connection that read the file is asked, before it is closed, for what it must not do."""
    refused: list[str] = []
    connect = duckdb.connect

    class Prying:
        def __init__(self, *arguments: object, **options: object) -> None:
            self.connection = connect(*arguments, **options)  # pyright: ignore[reportArgumentType]

        def execute(self, statement: str) -> object:
            return self.connection.execute(statement)

        def close(self) -> None:
            for statement in (
                "SELECT * FROM read_text('/etc/hostname')",
                "INSTALL httpfs",
                "LOAD httpfs",
                "SELECT * FROM 'http://127.0.0.1:9/x.parquet'",
                f"COPY (SELECT 1) TO '{tmp_path}/written.csv'",
                f"ATTACH '{tmp_path}/other.db'",
                "SET enable_external_access = true",
                "SET autoinstall_known_extensions = true",
            ):
                try:
                    self.connection.execute(statement)
                except duckdb.Error:
                    refused.append(statement)
            self.connection.close()

    monkeypatch.setattr(duckdb, "connect", Prying)
    json_world(tmp_path, json.dumps([{"a": 1}]))
    assert len(refused) == 8
    assert sorted(path.name for path in tmp_path.iterdir()) == ["things.json", "world.sqlite"]
