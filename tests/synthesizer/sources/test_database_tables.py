"""Tables of real database servers become worlds, and nothing of the address is told."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from astra_arena.core.errors import SourceError
from astra_arena.synthesizer.gates.registry import QUICK_GATES
from astra_arena.synthesizer.sources.table_source import build_world, load_tables
from astra_arena.synthesizer.synthesize import TableOptions, synthesize_tables
from tests.support.requirement import requirement
from tests.synthesizer.sources.conftest import Server

TYPES = (
    "CREATE TYPE mood AS ENUM ('glad', 'sad')",
    """CREATE TABLE people (
        id serial PRIMARY KEY, "full name" text NOT NULL, feels mood, born date, vip boolean,
        tags text[], settings jsonb, wage numeric(10, 2), seen timestamptz, woke timestamp,
        photo bytea, big numeric, age int GENERATED ALWAYS AS (id * 2) STORED,
        home inet, email text UNIQUE)""",
    """INSERT INTO people ("full name", feels, born, vip, tags, settings, wage, seen, woke, photo,
        big, home, email) VALUES
        ('Ann', 'glad', '1990-02-28', true, '{a,"b c"}', '{"b": 1, "a": [2]}', 12.50,
         '2024-01-01 12:00:00+02', '2024-01-01 12:00:00', '\\x00ff', 12345678901234567890,
         '10.0.0.1', 'ann@x.org'),
        ('Bøb', 'sad', NULL, false, NULL, NULL, 3, '2024-06-01 12:00:00+02',
         '2024-01-02 12:00:00.5', NULL, 7, NULL, 'bob@x.org')""",
    "CREATE VIEW glad_people AS SELECT * FROM people WHERE feels = 'glad'",
    "CREATE MATERIALIZED VIEW sad_people AS SELECT * FROM people WHERE feels = 'sad'",
    "CREATE TABLE calendar (day date, note text, PRIMARY KEY (day, note))",
    "INSERT INTO calendar VALUES ('infinity', 'never'), ('2024-05-01', 'soon')",
)


def rows(world: Path, sql: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(world)) as connection:
        return connection.execute(sql).fetchall()


@requirement("sources:address")
def test_types_of_postgresql_keep_their_meaning(postgres: Server, tmp_path: Path) -> None:
    postgres.run("postgres", "CREATE DATABASE types")
    postgres.run("types", *TYPES)
    report = build_world(postgres.address("types"), tmp_path / "world.sqlite")
    calendar, people = sorted(report.tables, key=lambda table: table.name)
    assert {column.name: column.logical_type for column in people.columns} == {
        "id": "integer",
        "full name": "text",
        "feels": "text",
        "born": "date",
        "vip": "boolean",
        "tags": "text",
        "settings": "text",
        "wage": "real",
        "seen": "datetime",
        "woke": "datetime",
        "big": "text",
        "age": "integer",
        "home": "text",
        "email": "text",
    }
    assert rows(tmp_path / "world.sqlite", "SELECT * FROM people ORDER BY id") == [
        (
            1,
            "Ann",
            "glad",
            "1990-02-28",
            1,
            '["a", "b c"]',
            '{"a": [2], "b": 1}',
            12.5,
            "2024-01-01T10:00:00Z",
            "2024-01-01T12:00:00.000000",
            "12345678901234567890",
            2,
            "10.0.0.1",
            "ann@x.org",
        ),
        (
            2,
            "Bøb",
            "sad",
            None,
            0,
            None,
            None,
            3.0,
            "2024-06-01T10:00:00Z",
            "2024-01-02T12:00:00.500000",
            "7",
            4,
            None,
            "bob@x.org",
        ),
    ]
    assert [column.logical_type for column in calendar.columns] == ["text", "text"]
    assert set(report.notices) == {
        "view 'glad_people' was left out: only tables become part of a world",
        "materialized view 'sad_people' was left out: only tables become part of a world",
        "column 'photo' of table 'people' was left out: it holds bytes, which no tool can show",
        "column 'big' of table 'people': integers too big for SQLite were read as text (1)",
        "column 'big' of table 'people' mixes integer and text: all its values were read as text",
        "column 'settings' of table 'people': lists and objects were read as JSON text (1)",
        "column 'tags' of table 'people': lists and objects were read as JSON text (1)",
    }


@requirement("sources:address")
def test_keys_and_schemas_come_along(postgres: Server, tmp_path: Path) -> None:
    postgres.run("postgres", "CREATE DATABASE shops")
    postgres.run(
        "shops",
        "CREATE SCHEMA sales",
        "CREATE SCHEMA stock",
        "CREATE TABLE sales.orders (id int, year int, note text, PRIMARY KEY (year, id))",
        "CREATE TABLE sales.lines (year int NOT NULL, id int NOT NULL, line int, "
        "FOREIGN KEY (year, id) REFERENCES sales.orders (year, id), PRIMARY KEY (year, id, line))",
        "CREATE TABLE stock.orders (id int PRIMARY KEY)",
        "CREATE TABLE stock.empty ()",
        "CREATE TABLE days (day date, n int) PARTITION BY RANGE (day)",
        "CREATE TABLE days_2024 PARTITION OF days FOR VALUES FROM ('2024-01-01') TO ('2025-01-01')",
        "INSERT INTO sales.orders VALUES (2, 2024, 'b'), (1, 2024, 'a')",
        "INSERT INTO sales.lines VALUES (2024, 2, 1), (2024, 1, 1)",
        "INSERT INTO stock.orders VALUES (7)",
        "INSERT INTO days VALUES ('2024-03-01', 5), ('2024-02-01', 4)",
    )
    world = tmp_path / "world.sqlite"
    report = build_world(postgres.address("shops"), world)
    names = ["days", "lines", "sales_orders", "stock_orders"]
    assert sorted(table.name for table in report.tables) == names
    assert rows(world, "SELECT * FROM days") == [("2024-02-01", 4), ("2024-03-01", 5)]
    assert [row[2:5] for row in rows(world, "PRAGMA foreign_key_list(lines)")] == [
        ("sales_orders", "year", "year"),
        ("sales_orders", "id", "id"),
    ]
    assert rows(world, "PRAGMA foreign_key_check") == []
    assert rows(world, "SELECT year, id FROM sales_orders") == [(2024, 1), (2024, 2)]
    assert "table 'sales.orders' is called 'sales_orders'" in report.notices


def test_equal_content_makes_equal_worlds_in_whatever_order_it_was_written(
    postgres: Server, tmp_path: Path
) -> None:
    for name, order in (("one", "ASC"), ("two", "DESC")):
        postgres.run("postgres", f"CREATE DATABASE order_{name}")
        postgres.run(
            f"order_{name}",
            "CREATE TABLE words (word text, n int)",
            "INSERT INTO words SELECT chr(97 + mod(i, 26)), i FROM generate_series(1, 3000) AS i "
            f"ORDER BY i {order}",
        )
        build_world(postgres.address(f"order_{name}"), tmp_path / f"{name}.sqlite")
    assert (tmp_path / "one.sqlite").read_bytes() == (tmp_path / "two.sqlite").read_bytes()


@requirement("sources:address-secrets")
def test_no_part_of_the_address_reaches_a_bundle(postgres: Server, tmp_path: Path) -> None:
    postgres.run("postgres", "CREATE DATABASE library")
    postgres.run(
        "library",
        "CREATE TABLE authors (id int PRIMARY KEY, name text, town text)",
        "CREATE TABLE books (id int PRIMARY KEY, author_id int REFERENCES authors, title text, "
        "pages int, price numeric(6, 2))",
        "INSERT INTO authors SELECT i, 'Author ' || i, 'Town ' || mod(i, 7) "
        "FROM generate_series(1, 60) AS i",
        "INSERT INTO books SELECT i, 1 + mod(i * 7, 60), 'Book ' || i, 40 + mod(i * 37, 900), "
        "i * 0.75 FROM generate_series(1, 400) AS i",
    )
    made = synthesize_tables(
        postgres.address("library"), tmp_path / "bundle", TableOptions(gates=QUICK_GATES, tasks=5)
    )
    assert made.bundle.name == "library"
    assert len(made.bundle.tasks) == 5
    written = b"".join(path.read_bytes() for path in (tmp_path / "bundle").iterdir())
    for part in (postgres.password, str(postgres.port), "127.0.0.1", "admin"):
        assert part.encode() not in written


@requirement("sources:address-secrets")
@pytest.mark.parametrize("database", ["postgres", "nowhere"])
def test_an_address_that_is_refused_is_told_without_the_password(
    postgres: Server, database: str, tmp_path: Path
) -> None:
    wrong = "hunter2-%40x" if database == "postgres" else None
    with pytest.raises(SourceError) as caught:
        build_world(postgres.address(database, wrong), tmp_path / "world.sqlite")
    chained = (caught.value.__cause__, caught.value.__context__)
    told = f"{caught.value.message} {chained}"
    assert f"the postgresql database '{database}' cannot be read" in told
    for secret in (postgres.password, "hunter2"):
        assert secret not in told


@requirement("sources:exclude")
def test_what_is_excluded_is_never_asked_for(postgres: Server, tmp_path: Path) -> None:
    postgres.run("postgres", "CREATE DATABASE private")
    postgres.run(
        "private",
        "CREATE TABLE users (id int PRIMARY KEY, name text, secret text)",
        "CREATE TABLE audit (user_id int REFERENCES users, secret text)",
        "INSERT INTO users VALUES (1, 'Ann', 'x')",
        "CREATE ROLE reader LOGIN PASSWORD 'pw'",
        # No right to read what is excluded: any look at it would fail.
        "GRANT SELECT (id, name) ON users TO reader",
    )
    address = postgres.address("private", "pw").replace("admin", "reader")
    with load_tables(address, exclude=["audit", "*.SECRET"]) as loaded:
        assert [table.name for table in loaded.tables] == ["users"]
        assert loaded.connection.execute("SELECT * FROM users").fetchall() == [(1, "Ann")]
        assert loaded.provenance == {"excluded": ["audit", "users.secret"]}
