"""Shipments of a carrier, leg by leg (SQLite, composite keys)."""

from astra_arena.core.randomness import random_stream
from tests.gate_corpus.case import Draft, Tables
from tests.gate_corpus.tuned.hops import Row
from tests.gate_corpus.writing import (
    INTEGER,
    LIMIT,
    TEXT,
    Writer,
    environment,
    page_of,
    tool,
)

NAME = "freight"
WRITER = Writer(NAME)

SCHEMA = """
CREATE TABLE depots (depot_code TEXT PRIMARY KEY, town TEXT NOT NULL, gate_phone TEXT NOT NULL);
CREATE TABLE trucks (plate TEXT PRIMARY KEY, driver TEXT NOT NULL, radio_id TEXT NOT NULL);
CREATE TABLE shipments (shipment_id INTEGER PRIMARY KEY, seal_no TEXT NOT NULL,
  weight_g INTEGER NOT NULL);
CREATE TABLE legs (shipment_id INTEGER NOT NULL REFERENCES shipments, leg_no INTEGER NOT NULL,
  depot_code TEXT NOT NULL REFERENCES depots, plate TEXT NOT NULL REFERENCES trucks,
  PRIMARY KEY (shipment_id, leg_no)) WITHOUT ROWID;
"""

TOOLS_PY = '''\
"""Tools of a carrier."""


def _rows(world, sql, values):
    cursor = world.execute(sql, values)
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row)) for row in cursor.fetchall()]


def _one(world, sql, values, what):
    rows = _rows(world, sql, values)
    if not rows:
        raise LookupError(f"there is no {what} {' / '.join(map(str, values))}")
    return rows[0]


def get_depot(world, *, depot_code):
    """Return one depot."""
    return _one(world, "SELECT * FROM depots WHERE depot_code = ?", [depot_code], "depot")


def get_truck(world, *, plate):
    """Return one truck."""
    return _one(world, "SELECT * FROM trucks WHERE plate = ?", [plate], "truck")


def get_shipment(world, *, shipment_id):
    """Return one shipment without its legs."""
    return _one(world, "SELECT * FROM shipments WHERE shipment_id = ?", [shipment_id], "shipment")


def get_leg(world, *, shipment_id, leg_no):
    """Return one leg of a shipment."""
    return _one(
        world,
        "SELECT * FROM legs WHERE shipment_id = ? AND leg_no = ?",
        [shipment_id, leg_no],
        "leg",
    )


def list_legs(world, *, plate, limit=5):
    """Return the legs that a truck drives."""
    total = world.execute("SELECT count(*) FROM legs WHERE plate = ?", [plate]).fetchone()[0]
    rows = _rows(
        world,
        "SELECT shipment_id, leg_no FROM legs WHERE plate = ?"
        " ORDER BY shipment_id, leg_no LIMIT ?",
        [plate, limit],
    )
    return {"rows": rows, "total": total, "limit": limit}


def move_leg(world, *, shipment_id, leg_no, plate):
    """Put a leg on another truck."""
    leg = get_leg(world, shipment_id=shipment_id, leg_no=leg_no)
    truck = get_truck(world, plate=plate)
    if leg["plate"] == plate:
        raise ValueError(f"the leg is on truck {plate} already")
    world.execute(
        "UPDATE legs SET plate = ? WHERE shipment_id = ? AND leg_no = ?",
        [plate, shipment_id, leg_no],
    )
    return {"shipment_id": shipment_id, "leg_no": leg_no, "plate": plate, "before": leg["plate"],
            "radio_id": truck["radio_id"]}
'''

_KEY = {"shipment_id": INTEGER, "leg_no": INTEGER}

TOOLS = (
    tool(
        "get_depot",
        "Look up a depot.",
        {"depot_code": TEXT},
        {"depot_code": TEXT, "town": TEXT, "gate_phone": TEXT},
    ),
    tool(
        "get_truck",
        "Look up a truck by its plate.",
        {"plate": TEXT},
        {"plate": TEXT, "driver": TEXT, "radio_id": TEXT},
    ),
    tool(
        "get_shipment",
        "Look up a shipment.",
        {"shipment_id": INTEGER},
        {"shipment_id": INTEGER, "seal_no": TEXT, "weight_g": INTEGER},
    ),
    tool(
        "get_leg",
        "Look up a leg of a shipment.",
        _KEY,
        {**_KEY, "depot_code": TEXT, "plate": TEXT},
    ),
    tool("list_legs", "List what a truck drives.", {"plate": TEXT, "limit": LIMIT}, page_of(_KEY)),
    tool(
        "move_leg",
        "Put a leg of a shipment on another truck.",
        {**_KEY, "plate": TEXT},
        {**_KEY, "plate": TEXT, "before": TEXT, "radio_id": TEXT},
        read_only=False,
    ),
)


def _made() -> dict[str, list[Row]]:
    stream = random_stream(0, "corpus", NAME)
    towns = ["Arles", "Brno", "Como", "Delft", "Évreux", "Füssen", "Gent", "Hódmező", "Iași"]
    depots: list[Row] = [
        {
            "depot_code": f"D{number}",
            "town": towns[i % 9],
            "gate_phone": f"+32 {stream.randint(10_000_000, 99_999_999)}",
        }
        for i, number in enumerate(stream.sample(range(1000, 9999), 360))
    ]
    trucks: list[Row] = [
        {
            "plate": f"{stream.choice('ABCDEFGH')}{stream.choice('JKLMNP')}-{number}",
            "driver": f"{stream.choice('ABCDEFGH')}. {stream.choice(towns)}ski",
            "radio_id": f"R{stream.randint(100_000, 999_999)}",
        }
        for number in stream.sample(range(1000, 9999), 360)
    ]
    shipments: list[Row] = [
        {
            "shipment_id": number,
            "seal_no": f"S{stream.randint(1_000_000, 9_999_999)}",
            "weight_g": stream.randint(100_000, 9_000_000),
        }
        for number in stream.sample(range(100_000, 999_999), 200)
    ]
    legs: list[Row] = [
        {
            "shipment_id": one["shipment_id"],
            "leg_no": number,
            "depot_code": stream.choice(depots)["depot_code"],
            "plate": stream.choice(trucks)["plate"],
        }
        for one in shipments
        for number in range(1, stream.randint(3, 6))
    ]
    return {"depots": depots, "trucks": trucks, "shipments": shipments, "legs": legs}


ROWS = _made()


def row(table: str, column: str, value: object) -> Row:
    """Return the row with a value in a column."""
    return next(one for one in ROWS[table] if one[column] == value)


def freight() -> Draft:
    """Return the environment without tasks."""
    text = "Depots, trucks, shipments and their legs."
    return Draft(environment(NAME, "Freight", text, TOOLS), TOOLS_PY, Tables(SCHEMA, ROWS), ())
