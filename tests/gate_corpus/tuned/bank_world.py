"""Accounts and transfers of a bank (SQLite)."""

from astra_arena.core.randomness import random_stream
from tests.gate_corpus.case import Draft, Tables
from tests.gate_corpus.tuned.hops import Row
from tests.gate_corpus.writing import (
    DATE,
    INTEGER,
    LIMIT,
    TEXT,
    Writer,
    environment,
    maybe,
    page_of,
    tool,
)

NAME = "bank"
WRITER = Writer(NAME)

SCHEMA = """
CREATE TABLE advisers (adviser_id TEXT PRIMARY KEY, name TEXT NOT NULL, phone TEXT NOT NULL);
CREATE TABLE customers (customer_no INTEGER PRIMARY KEY, name TEXT NOT NULL, email TEXT NOT NULL,
  adviser_id TEXT NOT NULL REFERENCES advisers);
CREATE TABLE accounts (iban TEXT PRIMARY KEY, customer_no INTEGER NOT NULL REFERENCES customers,
  balance_cents INTEGER NOT NULL CHECK (balance_cents >= 0));
CREATE TABLE transfers (ref TEXT PRIMARY KEY, from_iban TEXT NOT NULL REFERENCES accounts,
  to_iban TEXT NOT NULL REFERENCES accounts, cents INTEGER NOT NULL, booked_on TEXT NOT NULL);
CREATE INDEX transfers_from ON transfers (from_iban, booked_on);
"""

TOOLS_PY = '''\
"""Tools of a bank."""


def _rows(world, sql, values):
    cursor = world.execute(sql, values)
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row)) for row in cursor.fetchall()]


def _one(world, table, column, value):
    rows = _rows(world, f"SELECT * FROM {table} WHERE {column} = ?", [value])
    if not rows:
        raise LookupError(f"nothing in {table} has {column} {value!r}")
    return rows[0]


def get_customer(world, *, customer_no):
    """Return one customer."""
    return _one(world, "customers", "customer_no", customer_no)


def get_account(world, *, iban):
    """Return one account."""
    return _one(world, "accounts", "iban", iban)


def get_adviser(world, *, adviser_id):
    """Return one adviser."""
    return _one(world, "advisers", "adviser_id", adviser_id)


def get_transfer(world, *, ref):
    """Return one transfer."""
    return _one(world, "transfers", "ref", ref)


def list_transfers(world, *, from_iban, booked_on=None, limit=5):
    """Return what was transferred from an account, the latest first."""
    where, values = "from_iban = ?", [from_iban]
    if booked_on is not None:
        where += " AND booked_on = ?"
        values.append(booked_on)
    total = world.execute(f"SELECT count(*) FROM transfers WHERE {where}", values).fetchone()[0]
    rows = _rows(
        world,
        f"SELECT * FROM transfers WHERE {where} ORDER BY booked_on DESC, ref LIMIT ?",
        [*values, limit],
    )
    return {"rows": rows, "total": total, "limit": limit}


def change_email(world, *, customer_no, email):
    """Replace the e-mail address of a customer."""
    before = _one(world, "customers", "customer_no", customer_no)
    if "@" not in email:
        raise ValueError(f"expected an e-mail address, got {email!r}")
    world.execute("UPDATE customers SET email = ? WHERE customer_no = ?", [email, customer_no])
    return {"customer_no": customer_no, "before": before["email"], "email": email}


def transfer_money(world, *, from_iban, to_iban, cents):
    """Move money between two accounts today."""
    source = _one(world, "accounts", "iban", from_iban)
    _one(world, "accounts", "iban", to_iban)
    if from_iban == to_iban:
        raise ValueError("expected two accounts, got the same one twice")
    if source["balance_cents"] < cents:
        raise ValueError(f"account {from_iban} does not cover {cents} cents")
    last = world.execute("SELECT max(CAST(substr(ref, 2) AS INTEGER)) FROM transfers").fetchone()[0]
    ref = f"T{last + 7}"
    world.execute(
        "UPDATE accounts SET balance_cents = balance_cents - ? WHERE iban = ?", [cents, from_iban]
    )
    world.execute(
        "UPDATE accounts SET balance_cents = balance_cents + ? WHERE iban = ?", [cents, to_iban]
    )
    world.execute(
        "INSERT INTO transfers VALUES (?, ?, ?, ?, '2025-03-01')", [ref, from_iban, to_iban, cents]
    )
    return {"ref": ref, "cents": cents, "to_iban": to_iban,
            "balance_cents": source["balance_cents"] - cents}
'''

_TRANSFER = {
    "ref": TEXT,
    "from_iban": TEXT,
    "to_iban": TEXT,
    "cents": INTEGER,
    "booked_on": DATE,
}
_CUSTOMER = {"customer_no": INTEGER, "name": TEXT, "email": TEXT, "adviser_id": TEXT}
_ACCOUNT = {"iban": TEXT, "customer_no": INTEGER, "balance_cents": INTEGER}

TOOLS = (
    tool("get_customer", "Look up a customer.", {"customer_no": INTEGER}, _CUSTOMER),
    tool("get_account", "Look up an account.", {"iban": TEXT}, _ACCOUNT),
    tool(
        "get_adviser",
        "Look up an adviser.",
        {"adviser_id": TEXT},
        {"adviser_id": TEXT, "name": TEXT, "phone": TEXT},
    ),
    tool("get_transfer", "Look up a transfer by its reference.", {"ref": TEXT}, _TRANSFER),
    tool(
        "list_transfers",
        "List what was transferred from an account, the latest first; all or of one day.",
        {"from_iban": TEXT, "booked_on": maybe("string"), "limit": LIMIT},
        page_of(_TRANSFER),
    ),
    tool(
        "change_email",
        "Replace the e-mail address of a customer.",
        {"customer_no": INTEGER, "email": TEXT},
        {"customer_no": INTEGER, "before": TEXT, "email": TEXT},
        read_only=False,
    ),
    tool(
        "transfer_money",
        "Move money from one account to another today.",
        {
            "from_iban": TEXT,
            "to_iban": TEXT,
            "cents": {"type": "integer", "minimum": 1, "maximum": 10_000_000},
        },
        {"ref": TEXT, "cents": INTEGER, "to_iban": TEXT, "balance_cents": INTEGER},
        read_only=False,
    ),
)


def _made() -> dict[str, dict[object, Row]]:
    stream = random_stream(0, "corpus", NAME)
    given = ["Alma", "Bruno", "Clara", "Denis", "Elif", "Farid", "Greta", "Hugo", "Iris", "Joao"]
    family = ["Abel", "Bauer", "Costa", "Duval", "Engel", "Ferrer", "Garcia", "Huber", "Ito"]
    advisers: list[Row] = [
        {
            "adviser_id": f"AD{number}",
            "name": f"{given[i % 10]} {family[i % 9]}",
            "phone": f"+43 1 {stream.randint(1_000_000, 9_999_999)}",
        }
        for i, number in enumerate(stream.sample(range(1000, 9999), 360))
    ]
    customers: list[Row] = [
        {
            "customer_no": number,
            "name": f"{given[i // 9 % 10]} {family[i % 9]}",
            "email": f"c{stream.randint(100_000, 999_999)}@inbox.example",
            "adviser_id": stream.choice(advisers)["adviser_id"],
        }
        for i, number in enumerate(stream.sample(range(100_000, 999_999), 400))
    ]
    accounts: list[Row] = [
        {
            "iban": f"AT{stream.randint(10, 99)} 2011 {number}",
            "customer_no": customers[i % 400]["customer_no"],
            "balance_cents": stream.randint(200_000, 9_000_000),
        }
        for i, number in enumerate(stream.sample(range(10_000_000, 99_999_999), 420))
    ]
    transfers: list[Row] = []
    for number in stream.sample(range(200_000, 900_000), 400):
        source, target = stream.sample(accounts, 2)
        transfers.append(
            {
                "ref": f"T{number}",
                "from_iban": source["iban"],
                "to_iban": target["iban"],
                "cents": stream.randint(10_000, 999_999),
                "booked_on": f"2025-02-{stream.randint(1, 28):02}",
            }
        )
    return {
        "advisers": {one["adviser_id"]: one for one in advisers},
        "customers": {one["customer_no"]: one for one in customers},
        "accounts": {one["iban"]: one for one in accounts},
        "transfers": {one["ref"]: one for one in transfers},
    }


RECORDS = _made()
LISTS: dict[str, list[Row]] = {name: list(rows.values()) for name, rows in RECORDS.items()}


def bank() -> Draft:
    """Return the environment without tasks."""
    title = "Customers, advisers, accounts and transfers of a bank."
    return Draft(environment(NAME, "Bank", title, TOOLS), TOOLS_PY, Tables(SCHEMA, LISTS), ())
