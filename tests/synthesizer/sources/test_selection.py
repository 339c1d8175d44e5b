"""What is excluded is not in the world, in whatever source it stands, and nothing tells of it."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest

from astra_arena.core.errors import SettingsError, SourceError
from astra_arena.synthesizer.sources.table_source import load_tables, write_world
from tests.support.requirement import requirement

SECRET = "4111-1111"
SCRIPT = f"""
    CREATE TABLE people (
        id INTEGER PRIMARY KEY, name TEXT NOT NULL, card TEXT UNIQUE CHECK (length(card) > 3),
        email TEXT, last4 TEXT GENERATED ALWAYS AS (substr(card, -4)));
    CREATE TABLE orders (
        id INTEGER PRIMARY KEY, person_id INTEGER REFERENCES people (id),
        card TEXT REFERENCES people (card), total REAL);
    CREATE TABLE log (line TEXT);
    CREATE INDEX by_email ON people (email);
    CREATE INDEX rich ON orders (total) WHERE card IS NOT NULL;
    INSERT INTO people (id, name, card, email) VALUES
        (1, 'Ann', '{SECRET}', 'ann@x'), (2, 'Bob', '5500-0000', 'bob@x');
    INSERT INTO orders VALUES (7, 1, '{SECRET}', 9.5);
    INSERT INTO log VALUES ('{SECRET}');
    ANALYZE;
"""


def shop(path: Path) -> Path:
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(SCRIPT)
    return path


def world_without(source: Path, out: Path, exclude: Sequence[str]) -> dict[str, list[str]]:
    with load_tables(source, exclude=exclude) as loaded:
        write_world(loaded.connection, out)
        return {t.name: [column.name for column in t.columns] for t in loaded.tables}


@requirement("sources:exclude")
def test_tables_and_columns_of_a_database_are_left_out_whatever_depends_on_them(
    tmp_path: Path,
) -> None:
    world = tmp_path / "world.sqlite"
    found = world_without(shop(tmp_path / "shop.db"), world, ["LOG", "*.card"])
    assert found == {"people": ["id", "name", "email"], "orders": ["id", "person_id", "total"]}
    assert SECRET.encode() not in world.read_bytes()
    assert SECRET[-4:].encode() not in world.read_bytes()
    with closing(sqlite3.connect(world)) as connection:
        names = {n for (n,) in connection.execute("SELECT name FROM sqlite_schema")}
        assert names == {"people", "orders"}
        references = connection.execute("PRAGMA foreign_key_list(orders)").fetchall()
        assert [row[2:5] for row in references] == [("people", "person_id", "id")]
        keys = [r[1] for r in connection.execute("PRAGMA table_info(people)") if r[5]]
        assert keys == ["id"]


@requirement("sources:exclude")
def test_a_column_that_nothing_depends_on_leaves_the_rest_of_its_table_as_it_is(
    tmp_path: Path,
) -> None:
    world = tmp_path / "world.sqlite"
    world_without(shop(tmp_path / "shop.db"), world, ["people.email", "log"])
    with closing(sqlite3.connect(world)) as connection:
        with pytest.raises(sqlite3.IntegrityError, match="CHECK"):
            connection.execute("INSERT INTO people (name, card) VALUES ('x', 'y')")
        rows = connection.execute("SELECT id, name, card, last4 FROM people").fetchall()
    assert rows == [(1, "Ann", SECRET, "1111"), (2, "Bob", "5500-0000", "0000")]


@requirement("sources:exclude")
def test_columns_of_files_are_left_out(tmp_path: Path) -> None:
    folder = tmp_path / "source"
    folder.mkdir()
    (folder / "a.csv").write_text("id,email,n\n1,x@y,2\n", encoding="utf-8")
    (folder / "b.jsonl").write_text('{"id": 1, "email": "x@y"}\n', encoding="utf-8")
    (folder / "c.csv").write_bytes(b"\xff\xfe never read")
    found = world_without(folder, tmp_path / "world.sqlite", ["*.e?ail", "c"])
    assert found == {"a": ["id", "n"], "b": ["id"]}
    assert b"x@y" not in (tmp_path / "world.sqlite").read_bytes()


@requirement("sources:exclude")
@pytest.mark.parametrize(
    ("pattern", "hint"),
    [("peple", "Did you mean 'people'"), ("people.e-mail", "'people.email'"), ("zzzz", "There is")],
)
def test_a_pattern_that_fits_nothing_is_one_clear_message(
    tmp_path: Path, pattern: str, hint: str
) -> None:
    source = shop(tmp_path / "shop.db")
    with (
        pytest.raises(SettingsError, match=f"--exclude '{pattern}' fits no table") as caught,
        load_tables(source, exclude=[pattern]),
    ):
        pass
    assert hint in caught.value.message


def test_several_sources_make_one_world(tmp_path: Path) -> None:
    database = shop(tmp_path / "shop.db")
    other = tmp_path / "other.db"
    with closing(sqlite3.connect(other)) as connection:
        connection.executescript(
            "CREATE TABLE shops (id INTEGER PRIMARY KEY AUTOINCREMENT, n INTEGER, m AS (n * 2));"
            "INSERT INTO shops (n) VALUES (5); CREATE INDEX by_n ON shops (n);"
        )
    (tmp_path / "a.csv").write_text("id\n1\n", encoding="utf-8")
    (tmp_path / "b.json").write_text('[{"id": 1}]', encoding="utf-8")
    sources = [tmp_path / "a.csv", str(tmp_path / "b.json"), database, f"sqlite:///{other}"]
    with load_tables(sources) as loaded:
        names = [table.name for table in loaded.tables]
        assert names == ["a", "b", "people", "orders", "log", "shops"]
        assert loaded.connection.execute("SELECT * FROM shops").fetchall() == [(1, 5, 10)]
        assert [one.name for one in loaded.inputs] == ["a.csv", "b.json", "shop.db", "other.db"]


def test_two_sources_of_one_table_are_refused(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "A.csv").write_text("id\n1\n", encoding="utf-8")
    sources = [tmp_path / "one" / "A.csv", tmp_path / "two"]
    with pytest.raises(SourceError, match="would be the same table 'A'"), load_tables(sources):
        pass
    with load_tables([tmp_path / "one", shop(tmp_path / "shop.db")], exclude=["a"]) as loaded:
        assert "A" not in {table.name for table in loaded.tables}
