"""Tables of a real MariaDB server become a world."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from astra_arena.core.errors import SourceError
from astra_arena.synthesizer.sources.table_source import build_world
from tests.support.requirement import requirement
from tests.synthesizer.sources.conftest import Server


@requirement("sources:address")
def test_types_and_keys_of_mariadb_keep_their_meaning(mariadb: Server, tmp_path: Path) -> None:
    mariadb.run(
        "mysql",
        "CREATE DATABASE shop CHARACTER SET utf8mb4",
        "CREATE TABLE shop.people (id INT AUTO_INCREMENT PRIMARY KEY, name VARCHAR(50) NOT NULL, "
        "mood ENUM('glad', 'sad'), born DATE, vip BOOLEAN, wage DECIMAL(10, 2), woke DATETIME, "
        "photo BLOB, settings JSON)",
        "CREATE TABLE shop.notes (id INT PRIMARY KEY, person_id INT, "
        "FOREIGN KEY (person_id) REFERENCES shop.people (id))",
        "CREATE VIEW shop.glad AS SELECT * FROM shop.people WHERE mood = 'glad'",
        "INSERT INTO shop.people VALUES (1, 'Zoë', 'glad', '1990-02-28', TRUE, 12.5, "
        "'2024-01-01 12:00:00', 'x', '{\"a\": 1}'), "
        "(2, 'Bob', NULL, NULL, FALSE, 3, NULL, NULL, NULL)",
        "INSERT INTO shop.notes VALUES (5, 2)",
    )
    world = tmp_path / "world.sqlite"
    report = build_world(mariadb.address("shop"), world)
    types = {c.name: c.logical_type for t in report.tables if t.name == "people" for c in t.columns}
    assert types == {
        "id": "integer",
        "name": "text",
        "mood": "text",
        "born": "date",
        "vip": "integer",
        "wage": "real",
        "woke": "datetime",
        "settings": "text",
    }
    with closing(sqlite3.connect(world)) as connection:
        first, _ = connection.execute("SELECT * FROM people ORDER BY id").fetchall()
        assert first == (
            *(1, "Zoë", "glad", "1990-02-28", 1, 12.5, "2024-01-01T12:00:00", '{"a": 1}'),
        )
        [key] = connection.execute("PRAGMA foreign_key_list(notes)").fetchall()
        assert key[2:5] == ("people", "person_id", "id")
    assert set(report.notices) == {
        "view 'glad' was left out: only tables become part of a world",
        "column 'photo' of table 'people' was left out: it holds bytes, which no tool can show",
    }
    assert report.inputs[0].name == "mysql database 'shop'"


@requirement("sources:address-secrets")
def test_an_address_that_mariadb_refuses_is_told_without_the_password(
    mariadb: Server, tmp_path: Path
) -> None:
    with pytest.raises(SourceError) as caught:
        build_world(mariadb.address("mysql", "hunter2"), tmp_path / "world.sqlite")
    told = f"{caught.value.message} {caught.value.__cause__} {caught.value.__context__}"
    assert "the mysql database 'mysql' cannot be read" in told
    assert "hunter2" not in told
