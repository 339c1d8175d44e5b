"""Lines, contracts and monthly usage of a telephone company (Python)."""

from typing import Any

from astra_arena.core.randomness import random_stream
from tests.gate_corpus.case import Draft
from tests.gate_corpus.tuned.hops import Row
from tests.gate_corpus.writing import INTEGER, TEXT, Writer, environment, tool

NAME = "telecom"
WRITER = Writer(NAME)

TOOLS_PY = '''\
"""Tools of a telephone company."""


class Company:
    def __init__(self, data):
        self.data = data

    def entry(self, section, key):
        found = self.data[section].get(key)
        if found is None:
            raise LookupError(f"nothing in {section} is called {key!r}")
        return found


def open_world(initial):
    return Company(initial)


def dump_world(world):
    return world.data


def get_line(world, *, number):
    """Return one line."""
    return {"number": number, **world.entry("lines", number)}


def get_contract(world, *, contract_no):
    """Return one contract."""
    return {"contract_no": contract_no, **world.entry("contracts", contract_no)}


def get_holder(world, *, holder_id):
    """Return who holds contracts."""
    return {"holder_id": holder_id, **world.entry("holders", str(holder_id))}


def get_usage(world, *, number, month):
    """Return what a line used in a month."""
    months = world.entry("usage", number)
    if month not in months:
        raise LookupError(f"there is no usage of {number} in {month!r}")
    return {"number": number, "month": month, "megabytes": months[month]}


def usage_total(world, *, number, first, last):
    """Add up what a line used from one month to another, both included."""
    months = world.entry("usage", number)
    if last < first:
        raise ValueError(f"expected the last month not before the first, got {first}, {last}")
    used = [value for month, value in sorted(months.items()) if first <= month <= last]
    return {"number": number, "months": len(used), "megabytes": sum(used)}


def swap_card(world, *, number, card_no):
    """Put a new card into a line."""
    line = world.entry("lines", number)
    if not (card_no.startswith("89") and card_no.isdigit()):
        raise ValueError(f"expected digits beginning with 89, got {card_no!r}")
    before = line["card_no"]
    line["card_no"] = card_no
    return {"number": number, "before": before, "card_no": card_no}
'''

TOOLS = (
    tool(
        "get_line",
        "Look up a line by its number.",
        {"number": TEXT},
        {"number": TEXT, "contract_no": TEXT, "card_no": TEXT},
    ),
    tool(
        "get_contract",
        "Look up a contract.",
        {"contract_no": TEXT},
        {"contract_no": TEXT, "holder_id": INTEGER, "password_hint": TEXT},
    ),
    tool(
        "get_holder",
        "Look up who holds contracts.",
        {"holder_id": INTEGER},
        {"holder_id": INTEGER, "name": TEXT, "email": TEXT},
    ),
    tool(
        "get_usage",
        "Look up what a line used in a month, written as YYYY-MM.",
        {"number": TEXT, "month": TEXT},
        {"number": TEXT, "month": TEXT, "megabytes": INTEGER},
    ),
    tool(
        "usage_total",
        "Add up what a line used over months, both ends included, written as YYYY-MM.",
        {"number": TEXT, "first": TEXT, "last": TEXT},
        {"number": TEXT, "months": INTEGER, "megabytes": INTEGER},
    ),
    tool(
        "swap_card",
        "Put a new card into a line.",
        {"number": TEXT, "card_no": TEXT},
        {"number": TEXT, "before": TEXT, "card_no": TEXT},
        read_only=False,
    ),
)

MONTHS = [f"2024-{month:02}" for month in range(1, 13)]


def _made() -> dict[str, dict[str, Row]]:
    stream = random_stream(0, "corpus", NAME)
    names = ["Adaeze", "Bilal", "Chinwe", "Dilnoza", "Emeka", "Farah", "Gulnara", "Ħaż-Żejt"]
    holders: dict[str, Row] = {
        str(number): {
            "name": f"{names[i % 8]} {names[i // 8 % 8]}",
            "email": f"h{stream.randint(100_000, 999_999)}@net.example",
        }
        for i, number in enumerate(stream.sample(range(10_000, 99_999), 360))
    }
    contracts: dict[str, Row] = {
        f"K{number}": {
            "holder_id": int(stream.choice(sorted(holders))),
            "password_hint": f"pet-{stream.randint(10_000, 99_999)}",
        }
        for number in stream.sample(range(100_000, 999_999), 360)
    }
    lines: dict[str, Row] = {
        f"0660 {number}": {
            "contract_no": stream.choice(sorted(contracts)),
            "card_no": f"89{stream.randint(10**9, 10**10)}",
        }
        for number in stream.sample(range(1_000_000, 9_999_999), 300)
    }
    usage: dict[str, Row] = {
        number: {month: stream.randint(1_000, 99_000) for month in MONTHS} for number in lines
    }
    return {"holders": holders, "contracts": contracts, "lines": lines, "usage": usage}


WORLD = _made()
LINES = list(WORLD["lines"].items())


def telecom() -> Draft:
    """Return the environment without tasks."""
    text = "Lines, contracts, their holders and monthly usage of a telephone company."
    made = environment(NAME, "Telephone company", text, TOOLS, kind="python")
    world: Any = WORLD
    return Draft(made, TOOLS_PY, world, ())
