"""A source whose listings are long: freight with its ships, depots and dates."""

import random
import sqlite3
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path

GOODS = ("tea in wooden chests", "spare parts for looms", "bicycles", "glass panes", "dried fruit")
CARE = (
    "keep dry",
    "do not stack",
    "this side up",
    "keep away from heat and direct light",
    "handle with gloves",
    "open in the presence of the consignee alone",
)
SHIPS, DEPOTS, FREIGHTS = 30, 24, 360


def make_freight(path: Path) -> Path:
    """Write the source; equal on every run."""
    stream = random.Random(11)
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(
            """
            CREATE TABLE ships (
                id INTEGER PRIMARY KEY, name TEXT NOT NULL, built INTEGER NOT NULL,
                tonnage INTEGER NOT NULL);
            CREATE TABLE depots (
                id INTEGER PRIMARY KEY, name TEXT NOT NULL, places INTEGER NOT NULL);
            CREATE TABLE freights (
                id INTEGER PRIMARY KEY, ship_id INTEGER NOT NULL REFERENCES ships (id),
                depot_id INTEGER NOT NULL REFERENCES depots (id), goods TEXT NOT NULL,
                handling_note TEXT NOT NULL, gross_weight REAL NOT NULL, net_weight REAL NOT NULL,
                insured_value INTEGER NOT NULL, packed_on DATE NOT NULL,
                delivered_on DATE NOT NULL);
            """
        )
        connection.executemany(
            "INSERT INTO ships VALUES (?, ?, ?, ?)",
            [
                (500 + n, f"Star of {chr(65 + n % 26)}{n}", 1950 + n, 4000 + 37 * n * n % 9001)
                for n in range(SHIPS)
            ],
        )
        connection.executemany(
            "INSERT INTO depots VALUES (?, ?, ?)",
            [(900 + n, f"Depot {chr(65 + n)}", 100 + 61 * n) for n in range(DEPOTS)],
        )
        connection.executemany(
            f"INSERT INTO freights VALUES ({', '.join('?' * 10)})",
            [_freight(n, stream) for n in range(FREIGHTS)],
        )
        connection.commit()
    return path


def _freight(number: int, stream: random.Random) -> tuple[object, ...]:
    net = stream.randint(1000, 90000) / 10
    packed = date(2021, 1, 1) + timedelta(days=stream.randint(0, 700))
    delivered = packed + timedelta(days=stream.randint(2, 120))
    note = f"Lot {stream.randint(10000, 99999)}: " + "; ".join(
        stream.sample(CARE, k=stream.randint(1, 4))
    )
    return (
        20000 + number,
        500 + stream.randrange(SHIPS),
        900 + stream.randrange(DEPOTS),
        stream.choice(GOODS),
        note,
        round(net + stream.randint(1, 4000) / 10, 1),
        net,
        stream.randint(500, 99999),
        packed.isoformat(),
        delivered.isoformat(),
    )
