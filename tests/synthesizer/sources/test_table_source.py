"""Users' tables become clean worlds, and what cannot is refused with one clear message."""

import gzip
import hashlib
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

import pytest

from astra_arena.core.errors import SourceError, SynthesisError
from astra_arena.synthesizer.sources.column_types import TypeGuess
from astra_arena.synthesizer.sources.table_info import Table, quote_identifier
from astra_arena.synthesizer.sources.table_source import (
    WorldReport,
    build_world,
    load_tables,
    write_world,
)
from tests.support.requirement import requirement

SHOP = """
CREATE TABLE shop (id INTEGER PRIMARY KEY, name TEXT NOT NULL, open BOOLEAN, since DATE, rent REAL);
INSERT INTO shop VALUES (1, 'Corner', 1, '2020-02-29', 10), (2, 'Mill', 0, '2021-01-01', 12.5);
CREATE INDEX shop_name ON shop(name);
"""


def query(world: Path, sql: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(world)) as connection:
        return connection.execute(sql).fetchall()


def database(path: Path, script: str) -> Path:
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(script)
    return path


def logical_types(table: Table) -> dict[str, str]:
    return {column.name: column.logical_type for column in table.columns}


def guessed(fields: Iterable[str]) -> str:
    guess = TypeGuess()
    for field in fields:
        guess.see(field)
    return guess.logical_type


def csv_world(folder: Path, text: str | bytes, name: str = "things.csv") -> WorldReport:
    source = folder / name
    source.write_bytes(text if isinstance(text, bytes) else text.encode())
    return build_world(source, folder / "world.sqlite")


def refusal(folder: Path, text: str | bytes, name: str = "things.csv") -> str:
    with pytest.raises(SourceError) as caught:
        csv_world(folder, text, name)
    assert not (folder / "world.sqlite").exists()
    return caught.value.message


def test_a_csv_file_becomes_a_table_with_typed_columns(tmp_path: Path) -> None:
    text = (
        "id,price,ok,day,seen,code,note\n"
        '1,2.5,true,2024-02-29,2024-02-29T10:00:00Z,0042,"a, ""b"""\n'
        "2,3,FALSE,2024-03-01,2024-03-01T11:30:00Z,17,\n"
    )
    report = csv_world(tmp_path, text)
    [table] = report.tables
    assert logical_types(table) == {
        "id": "integer",
        "price": "real",
        "ok": "boolean",
        "day": "date",
        "seen": "datetime",
        "code": "text",
        "note": "text",
    }
    assert [column.sql_type for column in table.columns] == (
        ["INTEGER", "REAL", "INTEGER", "TEXT", "TEXT", "TEXT", "TEXT"]
    )
    assert query(tmp_path / "world.sqlite", "SELECT * FROM things") == [
        (1, 2.5, 1, "2024-02-29", "2024-02-29T10:00:00Z", "0042", 'a, "b"'),
        (2, 3.0, 0, "2024-03-01", "2024-03-01T11:30:00Z", "17", None),
    ]
    assert (table.rows, table.columns[-1].nulls, report.notices) == (2, 1, ())


def test_empty_fields_and_na_are_null_and_na_in_text_is_noticed(tmp_path: Path) -> None:
    report = csv_world(tmp_path, "n,word\nNA,NA\n,\n3,x\n")
    assert query(tmp_path / "world.sqlite", "SELECT * FROM things") == [
        (None, None),
        (None, None),
        (3, "x"),
    ]
    assert report.notices == ("table 'things': 'NA' was read as NULL in text columns: 'word' (1)",)
    assert [column.nulls for column in report.tables[0].columns] == [2, 2]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        (["0", "-7", "9223372036854775807"], "integer"),
        (["9223372036854775808"], "text"),
        (["9" * 5000], "text"),
        (["1", "9007199254740993", "0.5"], "text"),
        (["0042", "17"], "text"),
        (["-0"], "real"),
        (["+5"], "text"),
        (["1", ".5", "2.", "-0.25"], "real"),
        (["1e3", "1e-05", "1.5E10", "1E+03"], "real"),
        (["1E5"], "text"),
        (["1e999"], "text"),
        (["nan"], "text"),
        (["1,5"], "text"),
        ([" 1"], "text"),
        (["\u0661\u0662"], "text"),
        (["true", "False"], "boolean"),
        (["true", "1"], "text"),
        (["0", "1"], "integer"),
        (["yes", "no"], "text"),
        (["2023-02-28"], "date"),
        (["2023-02-29"], "text"),
        (["2023-02-28", "2023-02-28T10:00"], "text"),
        (["2023-02-28T10:00:59.25+02:00"], "datetime"),
        (["2023-02-28T25:00"], "text"),
        (["28/02/2023"], "text"),
        (["", "NA"], "text"),
    ],
)
def test_a_type_is_given_only_where_every_field_keeps_its_meaning(
    fields: list[str], expected: str
) -> None:
    assert guessed(fields) == expected


def test_names_that_are_no_plain_identifiers_work(tmp_path: Path) -> None:
    text = 'select,two words,größe,"a""b",rowid\n1,2,3,4,5\n'
    csv_world(tmp_path, text, "group by \"x\" & 'y'.csv")
    table = quote_identifier("group by \"x\" & 'y'")
    row = query(tmp_path / "world.sqlite", f'SELECT "select", "größe", "a""b", rowid FROM {table}')
    assert row == [(1, 3, 4, 5)]


def test_tsv_gzip_byte_order_marks_and_semicolons_are_read(tmp_path: Path) -> None:
    folder = tmp_path / "source"
    folder.mkdir()
    (folder / "a.tsv").write_bytes(b"x\ty\n1\t2\n")
    (folder / "b.csv.gz").write_bytes(gzip.compress(b"x,y\r\n1,2\r\n\r\n"))
    (folder / "c.TSV.GZ").write_bytes(gzip.compress(b"x\ty\n1\t2\n"))
    (folder / "d.csv").write_bytes(b"\xef\xbb\xbfx; y\n1;2\n")
    (folder / "README").write_bytes(b"not a table")
    (folder / ".hidden.csv").write_bytes(b"")
    report = build_world(folder, tmp_path / "world.sqlite")
    assert [table.name for table in report.tables] == ["a", "b", "c", "d"]
    for table in report.tables:
        assert query(tmp_path / "world.sqlite", f"SELECT x, y FROM {table.name}") == [(1, 2)]
    assert report.notices == ("not read: 'README'", "table 'd': fields are separated by ';'")
    assert [file.name for file in report.inputs] == ["a.tsv", "b.csv.gz", "c.TSV.GZ", "d.csv"]


def test_a_field_may_hold_line_breaks(tmp_path: Path) -> None:
    csv_world(tmp_path, 'a,b\n1,"two\nlines"\n')
    assert query(tmp_path / "world.sqlite", "SELECT * FROM things") == [(1, "two\nlines")]


def test_equal_inputs_give_equal_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "b.csv").write_bytes(b"x,y\n" + b"1,2\n" * 2000)
        (folder / "a.csv").write_bytes(b"x,y\n3,4\n")
    first = build_world(tmp_path / "one", tmp_path / "one.sqlite")
    second = build_world(tmp_path / "two", tmp_path / "two.sqlite")
    data = (tmp_path / "one.sqlite").read_bytes()
    assert data == (tmp_path / "two.sqlite").read_bytes()
    assert first == second
    assert first.digest == "sha256:" + hashlib.sha256(data).hexdigest()
    assert first.size_bytes == len(data)


def test_a_world_built_from_a_world_is_the_same_world(tmp_path: Path) -> None:
    source = database(tmp_path / "shop.db", SHOP)
    first = build_world(source, tmp_path / "one.sqlite")
    again = build_world(tmp_path / "one.sqlite", tmp_path / "two.sqlite")
    assert (again.digest, again.tables) == (first.digest, first.tables)


def test_a_database_is_copied_with_its_keys_and_indexes_and_left_alone(tmp_path: Path) -> None:
    source = database(tmp_path / "shop.db", SHOP)
    before = source.read_bytes()
    source.chmod(0o444)
    report = build_world(source, tmp_path / "world.sqlite")
    [table] = report.tables
    assert logical_types(table) == {
        "id": "integer",
        "name": "text",
        "open": "boolean",
        "since": "date",
        "rent": "real",
    }
    assert query(tmp_path / "world.sqlite", "SELECT name FROM shop ORDER BY id") == [
        ("Corner",),
        ("Mill",),
    ]
    names = "SELECT name FROM sqlite_schema ORDER BY name"
    assert query(tmp_path / "world.sqlite", names) == [("shop",), ("shop_name",)]
    assert source.read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["shop.db", "world.sqlite"]


def test_columns_of_a_database_are_described_by_their_values(tmp_path: Path) -> None:
    script = """
        CREATE TABLE kinds (
            whole, mixed, "both" INT, raw BLOB, flag BOOLEAN, odd BOOLEAN,
            unset DOUBLE, none_int BIGINT, none_blob BLOB, none_text,
            twice INTEGER GENERATED ALWAYS AS (whole * 2)
        ) ;
        INSERT INTO kinds(whole, mixed, "both", raw, flag, odd) VALUES
            (1, 'a', 1, x'00', 1, 1), (2, 2, 1.5, x'01', NULL, 2);
    """
    report = build_world(database(tmp_path / "kinds.db", script), tmp_path / "world.sqlite")
    assert logical_types(report.tables[0]) == {
        "whole": "integer",
        "mixed": "mixed",
        "both": "real",
        "raw": "blob",
        "flag": "boolean",
        "odd": "integer",
        "unset": "real",
        "none_int": "integer",
        "none_blob": "blob",
        "none_text": "text",
        "twice": "integer",
    }


def test_triggers_views_and_virtual_tables_are_left_out_with_notice(tmp_path: Path) -> None:
    script = f"""{SHOP}
        CREATE TABLE empty (x);
        CREATE VIEW open_shops AS SELECT * FROM shop WHERE open;
        CREATE TRIGGER no_delete BEFORE DELETE ON shop BEGIN SELECT raise(ABORT, 'no'); END;
        CREATE TRIGGER on_view INSTEAD OF INSERT ON open_shops BEGIN SELECT 1; END;
        CREATE VIRTUAL TABLE words USING fts5(word);
        INSERT INTO words VALUES ('hello');
    """
    report = build_world(database(tmp_path / "shop.db", script), tmp_path / "world.sqlite")
    assert [table.name for table in report.tables] == ["shop", "empty"]
    assert report.notices == (
        "trigger 'no_delete' was left out: only tables become part of a world",
        "trigger 'on_view' was left out: only tables become part of a world",
        "view 'open_shops' was left out: only tables become part of a world",
        "virtual table 'words' was left out: only ordinary tables become part of a world",
        "table 'empty' has no rows: it gets no tools",
    )
    names = "SELECT name FROM sqlite_schema WHERE type <> 'index' ORDER BY name"
    assert query(tmp_path / "world.sqlite", names) == [("empty",), ("shop",)]


def test_a_virtual_table_of_an_unknown_module_is_left_out(tmp_path: Path) -> None:
    script = f"""{SHOP}
        PRAGMA writable_schema = ON;
        INSERT INTO sqlite_schema VALUES
            ('table', 'far', 'far', 0, 'CREATE VIRTUAL TABLE far USING nowhere(x)');
    """
    report = build_world(database(tmp_path / "shop.db", script), tmp_path / "world.sqlite")
    assert [table.name for table in report.tables] == ["shop"]
    assert report.notices == (
        "virtual table 'far' was left out: only ordinary tables become part of a world; tables in "
        "which its module kept data may remain",
    )
    assert query(tmp_path / "world.sqlite", "PRAGMA integrity_check") == [("ok",)]


def test_a_database_in_wal_mode_is_read_whole_and_not_written_to(tmp_path: Path) -> None:
    source = tmp_path / "live.db"
    with closing(sqlite3.connect(source)) as writer:
        writer.execute("PRAGMA journal_mode = WAL")
        writer.executescript(SHOP)
        # Still in the log only: nothing has moved the rows into the database file.
        before = {path.name: path.read_bytes() for path in tmp_path.glob("live.db*")}
        report = build_world(source, tmp_path / "world.sqlite")
        after = {path.name: path.read_bytes() for path in tmp_path.glob("live.db*")}
    assert after == before
    assert report.tables[0].rows == 2
    assert [file.name for file in report.inputs] == ["live.db", "live.db-wal"]
    world = (tmp_path / "world.sqlite").read_bytes()
    assert world[18:20] == b"\x01\x01"
    assert int.from_bytes(world[16:18], "big") == 4096


def test_a_closed_wal_database_is_read_without_leaving_files(tmp_path: Path) -> None:
    folder = tmp_path / "source"
    folder.mkdir()
    source = database(folder / "shop.db", f"PRAGMA journal_mode = WAL; {SHOP}")
    assert source.read_bytes()[18:20] == b"\x02\x02"
    report = build_world(source, tmp_path / "world.sqlite")
    assert report.tables[0].rows == 2
    assert [path.name for path in folder.iterdir()] == ["shop.db"]


def test_pages_of_another_size_become_pages_of_4096_bytes(tmp_path: Path) -> None:
    script = f"PRAGMA page_size = 1024; PRAGMA auto_vacuum = FULL; {SHOP}"
    build_world(database(tmp_path / "shop.db", script), tmp_path / "world.sqlite")
    assert query(tmp_path / "world.sqlite", "PRAGMA page_size") == [(4096,)]
    assert query(tmp_path / "world.sqlite", "PRAGMA auto_vacuum") == [(0,)]


def test_loaded_tables_can_be_changed_before_they_are_written(tmp_path: Path) -> None:
    source = tmp_path / "things.csv"
    source.write_bytes(b"id,name\n1,a\n2,b\n")
    with load_tables(source) as loaded:
        loaded.connection.execute("CREATE UNIQUE INDEX key ON things(id)")
        write_world(loaded.connection, tmp_path / "deep" / "world.sqlite")
    found = query(tmp_path / "deep" / "world.sqlite", "SELECT name FROM sqlite_schema")
    assert found == [("things",), ("key",)]


def test_a_world_replaces_the_one_before_but_never_its_source(tmp_path: Path) -> None:
    csv_world(tmp_path, "a\n1\n")
    csv_world(tmp_path, "a\n2\n")
    world = tmp_path / "world.sqlite"
    assert query(world, "SELECT a FROM things") == [(2,)]
    with pytest.raises(SourceError, match="is the source itself"):
        build_world(world, world)
    assert query(world, "SELECT a FROM things") == [(2,)]


def test_a_world_that_cannot_be_written_is_a_synthesis_error(tmp_path: Path) -> None:
    source = tmp_path / "things.csv"
    source.write_bytes(b"a\n1\n")
    with pytest.raises(SynthesisError, match="cannot be written"):
        build_world(source, source / "world.sqlite")


@requirement("input:ragged", "input:encoding")
@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", ["is empty", "expected a line of column names"]),
        ("a,b\n", ["has a header but no rows"]),
        ("a,b\n1,2\n\n1,2,3\n", ["line 4", "expected 2 fields", "found 3"]),
        ('a,b\n1,"x\ny"\n1\n', ["line 4", "expected 2 fields", "found 1"]),
        ('a,b\n1,"open\n', ["line 2", "unexpected end of data"]),
        ('a,b\n1,"x"y\n', ["line 2", "quotes"]),
        ("a,,c\n1,2,3\n", ["line 1", "column 2 of 3 has no name"]),
        ("id,name,ID\n1,2,3\n", ["line 1", "columns 1 and 3", "'ID'"]),
        (b"a,b\nx,\xe9t\xe9\n", ["line 2", "byte 0xe9 at offset 6", "UTF-8"]),
        (b"\xef\xbb\xbfa,\xff\n1,2\n", ["line 1", "byte 0xff at offset 5"]),
        ("a,b\n1,2\n".encode("utf-16"), ["line 1", "byte 0xff at offset 0"]),
        ("a,b\n1,2\n".encode("utf-16-le"), ["line 1", "a zero byte at offset 1", "UTF-16"]),
        (",".join(f"c{i}" for i in range(2001)) + "\n" + "1," * 2000 + "1", ["too many columns"]),
    ],
)
def test_a_bad_csv_file_is_refused_with_its_place(
    tmp_path: Path, text: str | bytes, parts: list[str]
) -> None:
    message = refusal(tmp_path, text)
    assert [part for part in ("'things.csv'", *parts) if part not in message] == []


@pytest.mark.parametrize(
    "data", [b"a,b\n1,2\n", gzip.compress(b"a,b\n1,2\n")[:-9], gzip.compress(b"a\n1\n")[:12] + b"?"]
)
def test_a_broken_gzip_file_is_refused(tmp_path: Path, data: bytes) -> None:
    message = refusal(tmp_path, data, "things.csv.gz")
    assert "cannot be unpacked: expected a whole gzip file" in message


@pytest.mark.parametrize(
    ("name", "data", "part"),
    [
        ("shop.db", b"", "is empty"),
        ("shop.db", b"hello", "is none of these"),
        ("shop.parquet", b"PAR1....", "'shop.parquet' cannot be read as a table"),
        ("shop.bin", b"PAR1....", "is a Parquet file: give it the suffix .parquet"),
        ("shop.db", b"SQLite format 3\0" + bytes(84), "cannot be read as an SQLite database"),
        (".csv", b"a\n1\n", "cannot name a table"),
        ("sqlite_x.csv", b"a\n1\n", "cannot name a table"),
    ],
)
def test_a_file_that_is_no_source_is_refused(
    tmp_path: Path, name: str, data: bytes, part: str
) -> None:
    assert part in refusal(tmp_path, data, name)


@pytest.mark.parametrize(
    ("names", "part"),
    [
        ([], "it is empty"),
        (["notes.txt", "shop.db"], "found only 'notes.txt', 'shop.db'"),
        (["a.csv", "A.tsv"], "would be the same table"),
    ],
)
def test_a_folder_without_clear_tables_is_refused(
    tmp_path: Path, names: list[str], part: str
) -> None:
    folder = tmp_path / "source"
    folder.mkdir()
    for name in names:
        (folder / name).write_bytes(b"a\n1\n")
    with pytest.raises(SourceError) as caught:
        build_world(folder, tmp_path / "world.sqlite")
    assert part in caught.value.message


def test_a_database_that_poses_as_a_csv_file_of_a_folder_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "source"
    folder.mkdir()
    database(folder / "shop.csv", SHOP)
    with pytest.raises(SourceError, match=r"'shop\.csv', line 1: expected UTF-8 text"):
        build_world(folder, tmp_path / "world.sqlite")


def test_a_missing_source_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="does not exist: expected an SQLite database"):
        build_world(tmp_path / "nowhere.csv", tmp_path / "world.sqlite")


@pytest.mark.parametrize(
    ("script", "part"),
    [
        ("PRAGMA user_version = 1", "found no table at all"),
        ("CREATE TABLE a (x); CREATE TABLE b (x)", "found 2 without any"),
        ("CREATE TABLE a (x); INSERT INTO a VALUES (CAST(x'ff' AS TEXT))", "table 'a', column 'x'"),
    ],
)
def test_a_database_without_usable_rows_is_refused(tmp_path: Path, script: str, part: str) -> None:
    source = database(tmp_path / "shop.db", script)
    with pytest.raises(SourceError) as caught:
        build_world(source, tmp_path / "world.sqlite")
    assert part in caught.value.message


def test_an_empty_table_among_others_is_noticed_and_an_empty_file_left_out(tmp_path: Path) -> None:
    folder = tmp_path / "exports"
    folder.mkdir()
    (folder / "a.csv").write_text("id,name\n", encoding="utf-8")
    (folder / "b.csv").write_text("", encoding="utf-8")
    with pytest.raises(SourceError, match="folder 'exports' holds no rows"):
        build_world(folder, tmp_path / "world.sqlite")
    (folder / "c.csv").write_text("id,name\n1,x\n", encoding="utf-8")
    report = build_world(folder, tmp_path / "world.sqlite")
    assert [(table.name, table.rows) for table in report.tables] == [("a", 0), ("c", 1)]
    assert report.notices == (
        "'b.csv' is empty: it gets no tools",
        "table 'a' has no rows: it gets no tools",
    )


@pytest.mark.parametrize("address", ["https://example.org/a.csv", "mssql://sa:hunter2@db/shop"])
def test_an_address_is_told_from_a_path_and_not_repeated(tmp_path: Path, address: str) -> None:
    for source in (address, Path(address)):
        with pytest.raises(SourceError, match="is an address that cannot be read") as caught:
            build_world(source, tmp_path / "world.sqlite")
        assert "hunter2" not in caught.value.message
