"""Bookings of a group of hotels, with names in many scripts (JSON)."""

from typing import Any

from astra_arena.core.canonical import JsonObject
from astra_arena.core.randomness import random_stream
from tests.gate_corpus.case import Draft
from tests.gate_corpus.writing import DATE, INTEGER, LIMIT, TEXT, Writer, environment, page_of, tool

NAME = "hotel-group"
WRITER = Writer(NAME)
Row = dict[str, Any]

_GUESTS = [
    "Zoë",
    "Çelik",
    "Łucja",
    "Østergaard",
    "Ана",
    "Петрова",
    "Jürgen",
    "Größe",
    "Siân",
    "Ó Faoláin",
    "María",
    "Peña",
    "田中",
    "さくら",
    "Nikos",
    "Παππάς",
    "Ágnes",
    "Szűcs",
    "Renée",
    "Lefèvre",
]
_PLACES = [
    "Lisboa",
    "Kraków",
    "Reykjavík",
    "京都",
    "Αθήνα",
    "Zürich",
    "São-Paulo",
    "København",
    "Łódź",
    "Málaga",
]
_SORTS = ["Hôtel", "Pensión", "Gasthof", "Residência", "Pałac", "Albergo", "Maison", "Höll"]

TOOLS_PY = '''\
"""Tools of a group of hotels."""

from datetime import date, timedelta


def _entry(world, section, key, what):
    found = world[section].get(key)
    if found is None:
        raise LookupError(f"there is no {what} {key!r}")
    return found


def get_booking(world, *, reference):
    """Return one booking."""
    return {"reference": reference, **_entry(world, "bookings", reference, "booking")}


def get_guest(world, *, guest_no):
    """Return one guest."""
    return {"guest_no": guest_no, **_entry(world, "guests", guest_no, "guest")}


def get_hotel(world, *, hotel_id):
    """Return one hotel without its rooms."""
    hotel = _entry(world, "hotels", hotel_id, "hotel")
    return {"hotel_id": hotel_id, "name": hotel["name"], "place": hotel["place"],
            "phone": hotel["phone"], "owner_no": hotel["owner_no"]}


def get_owner(world, *, owner_no):
    """Return one owner."""
    return {"owner_no": owner_no, **_entry(world, "owners", owner_no, "owner")}


def get_room(world, *, hotel_id, room_no):
    """Return one room of a hotel."""
    hotel = _entry(world, "hotels", hotel_id, "hotel")
    room = hotel["rooms"].get(str(room_no))
    if room is None:
        raise LookupError(f"hotel {hotel_id!r} has no room {room_no}")
    return {"hotel_id": hotel_id, "room_no": room_no, **room}


def list_bookings(world, *, guest_no, limit=5):
    """Return a guest's bookings, the earliest arrival first."""
    _entry(world, "guests", guest_no, "guest")
    rows = [
        {"reference": reference, "hotel_id": booking["hotel_id"], "arrival": booking["arrival"],
         "status": booking["status"]}
        for reference, booking in sorted(world["bookings"].items())
        if booking["guest_no"] == guest_no
    ]
    rows.sort(key=lambda row: (row["arrival"], row["reference"]))
    return {"rows": rows[:limit], "total": len(rows), "limit": limit}


def departure_date(world, *, reference):
    """Return the day on which the guests of a booking leave."""
    booking = _entry(world, "bookings", reference, "booking")
    leaves = date.fromisoformat(booking["arrival"]) + timedelta(days=booking["nights"])
    return {"reference": reference, "departure": leaves.isoformat()}


def cancel_booking(world, *, reference):
    """Cancel a confirmed booking."""
    booking = _entry(world, "bookings", reference, "booking")
    if booking["status"] != "confirmed":
        raise ValueError(f"booking {reference} is {booking['status']}")
    booking["status"] = "cancelled"
    return {"reference": reference, "status": "cancelled", "refund_code": booking["refund_code"]}


def extend_stay(world, *, reference, nights):
    """Add nights to a confirmed booking."""
    booking = _entry(world, "bookings", reference, "booking")
    if booking["status"] != "confirmed":
        raise ValueError(f"booking {reference} is {booking['status']}")
    booking["nights"] += nights
    return {"reference": reference, "nights": booking["nights"]}
'''

_REFERENCE = {"reference": TEXT}
_HOTEL_ID = {"hotel_id": TEXT}
_NIGHTS: JsonObject = {"type": "integer", "minimum": 1, "maximum": 21}

TOOLS = (
    tool(
        "get_booking",
        "Look up a booking by its reference.",
        {**_REFERENCE},
        {
            **_REFERENCE,
            "guest_no": TEXT,
            **_HOTEL_ID,
            "room_no": INTEGER,
            "arrival": DATE,
            "nights": INTEGER,
            "status": TEXT,
            "refund_code": TEXT,
        },
    ),
    tool(
        "get_guest",
        "Look up a guest.",
        {"guest_no": TEXT},
        {"guest_no": TEXT, "name": TEXT, "email": TEXT, "passport": TEXT},
    ),
    tool(
        "get_hotel",
        "Look up a hotel.",
        {**_HOTEL_ID},
        {**_HOTEL_ID, "name": TEXT, "place": TEXT, "phone": TEXT, "owner_no": TEXT},
    ),
    tool(
        "get_owner",
        "Look up the owner of hotels.",
        {"owner_no": TEXT},
        {"owner_no": TEXT, "name": TEXT, "tax_no": TEXT},
    ),
    tool(
        "get_room",
        "Look up a room of a hotel.",
        {**_HOTEL_ID, "room_no": INTEGER},
        {**_HOTEL_ID, "room_no": INTEGER, "door_code": TEXT, "beds": INTEGER},
    ),
    tool(
        "list_bookings",
        "List a guest's bookings, the earliest arrival first.",
        {"guest_no": TEXT, "limit": LIMIT},
        page_of({**_REFERENCE, **_HOTEL_ID, "arrival": DATE, "status": TEXT}),
    ),
    tool(
        "departure_date",
        "Work out on which day the guests of a booking leave.",
        {**_REFERENCE},
        {**_REFERENCE, "departure": DATE},
    ),
    tool(
        "cancel_booking",
        "Cancel a confirmed booking.",
        {**_REFERENCE},
        {**_REFERENCE, "status": TEXT, "refund_code": TEXT},
        read_only=False,
    ),
    tool(
        "extend_stay",
        "Add nights to a confirmed booking.",
        {**_REFERENCE, "nights": _NIGHTS},
        {**_REFERENCE, "nights": INTEGER},
        read_only=False,
    ),
)


def _made() -> Row:
    stream = random_stream(0, "corpus", NAME)
    owners = {
        f"OW{number}": {
            "name": f"{_GUESTS[i % 20]} {_PLACES[i // 20 % 10]} S.A.",
            "tax_no": f"{stream.randint(10_000_000, 99_999_999)}",
        }
        for i, number in enumerate(stream.sample(range(1000, 9999), 400))
    }
    hotels: dict[str, Row] = {}
    for i, number in enumerate(stream.sample(range(1000, 9999), 240)):
        rooms = {
            str(room): {"door_code": f"{stream.randint(100_000, 999_999)}", "beds": 1 + room % 4}
            for room in stream.sample(range(101, 640), 14)
        }
        hotels[f"H-{number}"] = {
            "name": f"{_SORTS[i % 8]} {_PLACES[i // 8 % 10]}",
            "place": _PLACES[i // 8 % 10],
            "phone": f"+351 {stream.randint(200_000_000, 299_999_999)}",
            "owner_no": stream.choice(sorted(owners)),
            "rooms": rooms,
        }
    guests = {
        f"G{number}": {
            "name": f"{_GUESTS[i // 20]} {_GUESTS[(i * 3 + 1) % 20]}",
            "email": f"g{stream.randint(100_000, 999_999)}@gæst.example",
            "passport": f"P{stream.randint(10_000_000, 99_999_999)}",
        }
        for i, number in enumerate(stream.sample(range(10_000, 99_999), 400))
    }
    bookings: dict[str, Row] = {}
    for i, number in enumerate(stream.sample(range(100_000, 999_999), 220)):
        hotel_id = stream.choice(sorted(hotels))
        bookings[f"ZQ{number}"] = {
            "guest_no": stream.choice(sorted(guests)),
            "hotel_id": hotel_id,
            "room_no": int(stream.choice(sorted(hotels[hotel_id]["rooms"]))),
            "arrival": f"2025-{stream.randint(4, 9):02}-{stream.randint(1, 28):02}",
            "nights": stream.randint(1, 9),
            "status": "confirmed" if i % 5 else "checked-out",
            "refund_code": f"RF-{stream.randint(100_000, 999_999)}",
        }
    return {"owners": owners, "hotels": hotels, "guests": guests, "bookings": bookings}


WORLD: Any = _made()
BOOKINGS: list[tuple[str, Row]] = list(WORLD["bookings"].items())
CONFIRMED = [one for one in BOOKINGS if one[1]["status"] == "confirmed"]


def hotels() -> Draft:
    """Return the environment without tasks."""
    return Draft(
        environment=environment(
            NAME,
            "Hotel group",
            "Hotels, rooms, owners, guests and bookings of a group of hotels.",
            TOOLS,
            kind="json",
        ),
        tools_py=TOOLS_PY,
        world=WORLD,
        tasks=(),
    )
