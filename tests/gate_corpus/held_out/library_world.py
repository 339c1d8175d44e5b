"""A county's lending library: 360 branches, 480 members, 150 titles (SQLite)."""

from random import Random
from typing import Any

from astra_arena.core.randomness import random_stream
from tests.gate_corpus.case import Draft, Tables
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

NAME = "library"
WRITER = Writer(NAME)
Row = dict[str, Any]

_FIRST = [
    "Ada",
    "Bela",
    "Carl",
    "Dora",
    "Emil",
    "Fanny",
    "Gero",
    "Hilde",
    "Ivo",
    "Jana",
    "Karl",
    "Lotte",
    "Milo",
    "Nora",
    "Otto",
    "Paula",
]
_LAST = [
    "Ahrens",
    "Brandt",
    "Cordes",
    "Dahl",
    "Ebert",
    "Falk",
    "Gerber",
    "Hansen",
    "Irmer",
    "Jansen",
]
_ADJECTIVES = [
    "Silent",
    "Crooked",
    "Distant",
    "Borrowed",
    "Amber",
    "Hollow",
    "Winter",
    "Paper",
    "Salted",
    "Wandering",
]
_NOUNS = [
    "Harbour",
    "Orchard",
    "Lantern",
    "Staircase",
    "Ferry",
    "Almanac",
    "Meadow",
    "Clockmaker",
    "Bridge",
    "Archive",
    "Island",
    "Railway",
    "Garden",
    "Window",
    "Tide",
]
_TOWNS = [
    "Aldern",
    "Birkau",
    "Corvin",
    "Dorst",
    "Elmsee",
    "Fahren",
    "Gollnitz",
    "Hasel",
    "Imming",
    "Jork",
    "Kelbra",
    "Lunden",
]
_STREETS = [
    "Mill",
    "Church",
    "Harbour",
    "Station",
    "Market",
    "Linden",
    "Castle",
    "Bridge",
    "Garden",
    "School",
]

SCHEMA = """
CREATE TABLE branches (code TEXT PRIMARY KEY, name TEXT NOT NULL, street TEXT NOT NULL,
  phone TEXT NOT NULL, manager_email TEXT NOT NULL);
CREATE TABLE members (card_no TEXT PRIMARY KEY, name TEXT NOT NULL, email TEXT NOT NULL,
  phone TEXT NOT NULL, home_branch TEXT NOT NULL);
CREATE TABLE publishers (code TEXT PRIMARY KEY, name TEXT NOT NULL, email TEXT NOT NULL);
CREATE TABLE titles (isbn TEXT PRIMARY KEY, title TEXT NOT NULL UNIQUE, year INTEGER NOT NULL,
  publisher_code TEXT NOT NULL);
CREATE TABLE copies (barcode INTEGER PRIMARY KEY, isbn TEXT NOT NULL, branch_code TEXT NOT NULL,
  shelf TEXT NOT NULL);
CREATE TABLE loans (loan_id INTEGER PRIMARY KEY, barcode INTEGER NOT NULL, card_no TEXT NOT NULL,
  lent_on TEXT NOT NULL, due_on TEXT NOT NULL, renewals INTEGER NOT NULL);
CREATE INDEX copies_of ON copies (isbn, branch_code);
CREATE INDEX loans_of ON loans (card_no);
"""

TOOLS_PY = '''\
"""Tools of a lending library."""

from datetime import date, timedelta


def _rows(world, sql, values):
    cursor = world.execute(sql, values)
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row)) for row in cursor.fetchall()]


def _one(world, sql, value, what):
    rows = _rows(world, sql, (value,))
    if not rows:
        raise LookupError(f"there is no {what} {value!r}")
    return rows[0]


def get_branch(world, *, code):
    """Return one branch."""
    return _one(world, "SELECT * FROM branches WHERE code = ?", code, "branch")


def get_member(world, *, card_no):
    """Return one member by the number on the card."""
    return _one(world, "SELECT * FROM members WHERE card_no = ?", card_no, "member with card")


def get_publisher(world, *, code):
    """Return one publisher."""
    return _one(world, "SELECT * FROM publishers WHERE code = ?", code, "publisher")


def find_title(world, *, title):
    """Return the title that is spelt exactly so."""
    return _one(world, "SELECT * FROM titles WHERE title = ?", title, "title")


def get_copy(world, *, barcode):
    """Return one copy."""
    return _one(world, "SELECT * FROM copies WHERE barcode = ?", barcode, "copy")


def list_copies(world, *, isbn, branch_code=None, limit=5):
    """Return the copies of a title, all or those of one branch."""
    where, values = "isbn = ?", [isbn]
    if branch_code is not None:
        where += " AND branch_code = ?"
        values.append(branch_code)
    total = world.execute(f"SELECT count(*) FROM copies WHERE {where}", values).fetchone()[0]
    rows = _rows(
        world, f"SELECT * FROM copies WHERE {where} ORDER BY barcode LIMIT ?", [*values, limit]
    )
    return {"rows": rows, "total": total, "limit": limit}


def get_loan(world, *, loan_id):
    """Return one loan."""
    return _one(world, "SELECT * FROM loans WHERE loan_id = ?", loan_id, "loan")


def list_loans(world, *, card_no, limit=5):
    """Return what a member has borrowed, what is due first first."""
    total = world.execute("SELECT count(*) FROM loans WHERE card_no = ?", (card_no,)).fetchone()[0]
    rows = _rows(
        world,
        "SELECT * FROM loans WHERE card_no = ? ORDER BY due_on, loan_id LIMIT ?",
        (card_no, limit),
    )
    return {"rows": rows, "total": total, "limit": limit}


def renew_loan(world, *, loan_id, days):
    """Put off the day on which a loan is due."""
    loan = _one(world, "SELECT * FROM loans WHERE loan_id = ?", loan_id, "loan")
    if loan["renewals"] >= 2:
        raise ValueError(f"loan {loan_id} was renewed twice already")
    due = (date.fromisoformat(loan["due_on"]) + timedelta(days=days)).isoformat()
    world.execute(
        "UPDATE loans SET due_on = ?, renewals = renewals + 1 WHERE loan_id = ?", (due, loan_id)
    )
    return {"loan_id": loan_id, "due_on": due, "renewals": loan["renewals"] + 1}
'''

_BRANCH = {"code": TEXT, "name": TEXT, "street": TEXT, "phone": TEXT, "manager_email": TEXT}
_MEMBER = {"card_no": TEXT, "name": TEXT, "email": TEXT, "phone": TEXT, "home_branch": TEXT}
_COPY = {"barcode": INTEGER, "isbn": TEXT, "branch_code": TEXT, "shelf": TEXT}
_LOAN = {
    "loan_id": INTEGER,
    "barcode": INTEGER,
    "card_no": TEXT,
    "lent_on": DATE,
    "due_on": DATE,
    "renewals": INTEGER,
}

TOOLS = (
    tool("get_branch", "Look up a branch by its code.", {"code": TEXT}, {**_BRANCH}),
    tool("get_member", "Look up a member by card number.", {"card_no": TEXT}, {**_MEMBER}),
    tool(
        "get_publisher",
        "Look up a publisher by its code.",
        {"code": TEXT},
        {"code": TEXT, "name": TEXT, "email": TEXT},
    ),
    tool(
        "find_title",
        "Find a title by its exact wording.",
        {"title": TEXT},
        {"isbn": TEXT, "title": TEXT, "year": INTEGER, "publisher_code": TEXT},
    ),
    tool("get_copy", "Look up a copy by its barcode.", {"barcode": INTEGER}, {**_COPY}),
    tool(
        "list_copies",
        "List the copies of a title, everywhere or in one branch.",
        {"isbn": TEXT, "branch_code": maybe("string"), "limit": LIMIT},
        page_of({**_COPY}),
    ),
    tool("get_loan", "Look up a loan by its number.", {"loan_id": INTEGER}, {**_LOAN}),
    tool(
        "list_loans",
        "List what a member has borrowed; what is due first comes first.",
        {"card_no": TEXT, "limit": LIMIT},
        page_of({**_LOAN}),
    ),
    tool(
        "renew_loan",
        "Put off the day on which a loan is due; at most twice for each loan.",
        {"loan_id": INTEGER, "days": {"type": "integer", "minimum": 1, "maximum": 28}},
        {"loan_id": INTEGER, "due_on": DATE, "renewals": INTEGER},
        read_only=False,
    ),
)


def _phone(stream: Random) -> str:
    return f"+49 {stream.randint(300, 999)} {stream.randint(1_000_000, 9_999_999)}"


def _made() -> dict[str, list[Row]]:
    stream = random_stream(0, "corpus", NAME)
    codes = [f"BR-{n}" for n in stream.sample(range(1000, 10_000), 360)]
    branches: list[Row] = [
        {
            "code": code,
            "name": f"{_TOWNS[i % 12]} {_STREETS[i // 12 % 10]} Street Library",
            "street": f"{_STREETS[(i * 7) % 10]} Street {stream.randint(1, 90)}",
            "phone": _phone(stream),
            "manager_email": f"desk{stream.randint(10_000, 99_999)}@county-library.example",
        }
        for i, code in enumerate(codes)
    ]
    members: list[Row] = [
        {
            "card_no": f"LC-{number}",
            "name": f"{_FIRST[i // 30]} {_LAST[i % 10]}",
            "email": f"{_FIRST[i // 30].lower()}{stream.randint(10_000, 99_999)}@post.example",
            "phone": _phone(stream),
            "home_branch": stream.choice(codes),
        }
        for i, number in enumerate(stream.sample(range(20_000, 99_999), 480))
    ]
    publishers: list[Row] = [
        {
            "code": f"PU{number}",
            "name": f"{_LAST[i % 10]} & {_LAST[(i // 10 + i + 1) % 10]} {_TOWNS[i % 12]}",
            "email": f"rights{stream.randint(10_000, 99_999)}@publisher.example",
        }
        for i, number in enumerate(stream.sample(range(1000, 9999), 400))
    ]
    titles: list[Row] = [
        {
            "isbn": f"978-3-{number}",
            "title": f"The {_ADJECTIVES[i % 10]} {_NOUNS[i // 10]}",
            "year": stream.randint(1950, 2024),
            "publisher_code": stream.choice(publishers)["code"],
        }
        for i, number in enumerate(stream.sample(range(100_000, 999_999), 150))
    ]
    copies: list[Row] = []
    for number in stream.sample(range(300_000, 900_000), 400):
        title = stream.choice(titles)
        taken = {row["branch_code"] for row in copies if row["isbn"] == title["isbn"]}
        branch = next(code for code in stream.sample(codes, 20) if code not in taken)
        shelf = f"{stream.choice('ABCDEFGH')}-{stream.randint(10_000, 99_999)}"
        copies.append(
            {"barcode": number, "isbn": title["isbn"], "branch_code": branch, "shelf": shelf}
        )
    loans: list[Row] = [
        {
            "loan_id": number,
            "barcode": copies[i]["barcode"],
            "card_no": stream.choice(members)["card_no"],
            "lent_on": f"2025-02-{stream.randint(1, 28):02}",
            "due_on": f"2025-03-{stream.randint(5, 28):02}",
            "renewals": i % 2,
        }
        for i, number in enumerate(stream.sample(range(1_000_000, 9_999_999), 240))
    ]
    return {
        "branches": branches,
        "members": members,
        "publishers": publishers,
        "titles": titles,
        "copies": copies,
        "loans": loans,
    }


ROWS = _made()


def row(table: str, column: str, value: object) -> Row:
    """Return the row with a value in a column."""
    return next(one for one in ROWS[table] if one[column] == value)


def library() -> Draft:
    """Return the environment without tasks."""
    return Draft(
        environment=environment(
            NAME,
            "County library",
            "Branches, members, titles, copies and loans of a county's lending library.",
            TOOLS,
        ),
        tools_py=TOOLS_PY,
        world=Tables(SCHEMA, ROWS),
        tasks=(),
    )
