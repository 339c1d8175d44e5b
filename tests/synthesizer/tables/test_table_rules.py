"""What declarations ask of written rows, and that tools keep to it."""

import sqlite3
from contextlib import closing
from pathlib import Path

from tests.synthesizer.analysed import Analysed, analysed
from tests.synthesizer.live_tools import live_tools

TABLES = """
CREATE TABLE regions (code TEXT PRIMARY KEY, name TEXT NOT NULL);
CREATE TABLE agencies (id INTEGER PRIMARY KEY);
CREATE TABLE bookings (
    id INTEGER PRIMARY KEY AUTOINCREMENT, region TEXT NOT NULL REFERENCES regions (code)
        DEFERRABLE INITIALLY DEFERRED,
    agency INTEGER REFERENCES agencies (id), seats INTEGER NOT NULL, fee REAL NOT NULL,
    total REAL GENERATED ALWAYS AS (seats * fee) VIRTUAL, booked_at DATETIME NOT NULL,
    UNIQUE (region, booked_at));
CREATE TABLE tickets (id INTEGER PRIMARY KEY, photo BLOB NOT NULL, seat TEXT NOT NULL);
"""


def make_bookings(path: Path) -> Path:
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(TABLES)
        connection.executemany(
            "INSERT INTO regions VALUES (?, ?)", [(f"R{n:02d}", f"Region {n}") for n in range(20)]
        )
        connection.executemany(
            "INSERT INTO bookings (region, seats, fee, booked_at) VALUES (?, ?, ?, ?)",
            [
                (
                    f"R{n % 20:02d}",
                    n % 7 + 1,
                    10 + n / 4,
                    f"2024-03-{n % 28 + 1:02d} 10:{n % 60:02d}",
                )
                for n in range(120)
            ],
        )
        connection.executemany(
            "INSERT INTO tickets VALUES (?, ?, ?)", [(n, b"x", f"{n}A") for n in range(20)]
        )
        connection.commit()
    return path


def names_of(source: Analysed, table: str) -> set[str]:
    return set(source.design(table).names)


async def test_tools_write_what_can_be_checked_and_nothing_else(tmp_path: Path) -> None:
    with analysed(make_bookings(tmp_path / "bookings.sqlite")) as source:
        rules = source.catalogue.by_name["bookings"].rules
        assert rules.computed == {"total"}
        assert "create_ticket" not in names_of(source, "tickets"), "its photo cannot be given"
        async with live_tools(source, tmp_path) as tools:
            properties = tools.specs["create_booking"].input_schema["properties"]
            assert isinstance(properties, dict)
            assert list(properties) == ["region", "seats", "fee", "booked_at"]
            booked = {"seats": 3, "fee": 12.5, "booked_at": "2025-02-03 09:30"}
            row = await tools.row("create_booking", region="R03", **booked)
            assert row["total"] == 37.5
            assert row["id"] == 121
            told = await tools.refusal("create_booking", region="R99", **booked)
            assert told == "there is no region with code 'R99'; find_regions searches"
            told = await tools.refusal("create_booking", region="R03", **booked)
            assert told.startswith("this cannot be written: UNIQUE constraint failed")
            for moment in ("2025-02-03T09:30", "2025-02-03", "2025-13-03 09:30"):
                told = await tools.refusal(
                    "create_booking", region="R03", **{**booked, "booked_at": moment}
                )
                assert told.startswith("booked_at is a date and time written like 9999-99-99 99:99")
            assert await tools.row("cancel_booking", id=121) == row
            assert "there is no booking" in await tools.refusal("get_booking", id=121)


async def test_a_key_that_is_given_must_be_free(tmp_path: Path) -> None:
    path = tmp_path / "clients.csv"
    lines = [f"{word}-{n},Client {n}" for n, word in enumerate(("elm", "oak", "ash", "fir") * 5)]
    path.write_text("\n".join(["client_code,name", *lines]), encoding="utf-8")
    with analysed(path) as source:
        async with live_tools(source, tmp_path) as tools:
            row = await tools.row("create_client", client_code="yew-1", name="New")
            assert row == {"client_code": "yew-1", "name": "New"}
            told = await tools.refusal("create_client", client_code="yew-1", name="Other")
            assert told == "there is a client with client_code 'yew-1' already"
