"""Tools over albums, artists, customers, genres, invoice lines, invoices and tracks.

Some of them write, and a call that is refused has changed nothing.
Each takes the world, a connection to an SQLite database, and the keyword arguments that its input
schema describes. What an agent may see of a refusal is the message of a `LookupError` or
`ValueError` raised here.
"""

import sqlite3
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Literal, NamedTuple, TypeAlias

_MOST_ROWS = 50
_DIGITS = 4
"""Digits after the point of figures; more would depend on the order of the rows."""

Value: TypeAlias = str | int | float | None
Row: TypeAlias = dict[str, Value]
Condition: TypeAlias = tuple[str, Value | Sequence[Value]]
"""SQL and the values for its places; `None` when the condition is not in use."""
Conditions: TypeAlias = list[Condition]


class Table(NamedTuple):
    """A table, and the words to speak of it."""

    sql: str
    columns: dict[str, str]
    """SQL of each column by its name in arguments and replies."""
    key: tuple[str, ...]
    noun: str
    search: str
    """The tool that searches it."""


Figure: TypeAlias = Literal["count", "minimum", "maximum", "mean", "sum"]

ALBUMS = Table(
    sql='"albums"',
    columns={
        "album_id": '"album_id"',
        "title": '"title"',
        "artist_id": '"artist_id"',
    },
    key=("album_id",),
    noun="album",
    search="find_albums",
)

ARTISTS = Table(
    sql='"artists"',
    columns={
        "artist_id": '"artist_id"',
        "name": '"name"',
    },
    key=("artist_id",),
    noun="artist",
    search="find_artists",
)

CUSTOMERS = Table(
    sql='"customers"',
    columns={
        "customer_id": '"customer_id"',
        "first_name": '"first_name"',
        "last_name": '"last_name"',
        "company": '"company"',
        "address": '"address"',
        "city": '"city"',
        "state": '"state"',
        "country": '"country"',
        "postal_code": '"postal_code"',
        "phone": '"phone"',
        "fax": '"fax"',
        "email": '"email"',
    },
    key=("customer_id",),
    noun="customer",
    search="find_customers",
)

CustomersGroupBy: TypeAlias = Literal["company", "state", "country", "fax"]

GENRES = Table(
    sql='"genres"',
    columns={
        "genre_id": '"genre_id"',
        "name": '"name"',
    },
    key=("genre_id",),
    noun="genre",
    search="find_genres",
)

INVOICE_LINES = Table(
    sql='"invoice_lines"',
    columns={
        "invoice_line_id": '"invoice_line_id"',
        "invoice_id": '"invoice_id"',
        "track_id": '"track_id"',
        "unit_price": '"unit_price"',
        "quantity": '"quantity"',
    },
    key=("invoice_line_id",),
    noun="invoice line",
    search="find_invoice_lines",
)

InvoiceLinesSortBy: TypeAlias = Literal["unit_price"]

InvoiceLinesMeasure: TypeAlias = Literal["unit_price"]

InvoiceLinesGroupBy: TypeAlias = Literal["invoice_id"]

INVOICES = Table(
    sql='"invoices"',
    columns={
        "invoice_id": '"invoice_id"',
        "customer_id": '"customer_id"',
        "invoice_date": '"invoice_date"',
        "billing_address": '"billing_address"',
        "billing_city": '"billing_city"',
        "billing_state": '"billing_state"',
        "billing_country": '"billing_country"',
        "billing_postal_code": '"billing_postal_code"',
        "total": '"total"',
    },
    key=("invoice_id",),
    noun="invoice",
    search="find_invoices",
)

InvoicesSortBy: TypeAlias = Literal["invoice_date", "total"]

InvoicesMeasure: TypeAlias = Literal["total"]

InvoicesGroupBy: TypeAlias = Literal[
    "customer_id",
    "billing_address",
    "billing_city",
    "billing_state",
    "billing_country",
    "billing_postal_code",
]

TRACKS = Table(
    sql='"tracks"',
    columns={
        "track_id": '"track_id"',
        "name": '"name"',
        "album_id": '"album_id"',
        "genre_id": '"genre_id"',
        "composer": '"composer"',
        "milliseconds": '"milliseconds"',
        "bytes": '"bytes"',
        "unit_price": '"unit_price"',
    },
    key=("track_id",),
    noun="track",
    search="find_tracks",
)

TracksSortBy: TypeAlias = Literal["milliseconds", "bytes", "unit_price"]

TracksMeasure: TypeAlias = Literal["milliseconds", "bytes", "unit_price"]

TracksGroupBy: TypeAlias = Literal["album_id", "genre_id", "composer"]


def _where(conditions: Conditions) -> tuple[str, list[Value]]:
    """Return the WHERE clause of the conditions in use, and its values in order."""
    used = [(sql, value) for sql, value in conditions if value is not None]
    clause = " AND ".join(sql for sql, _ in used)
    values: list[Value] = []
    for _, value in used:
        values += [value] if isinstance(value, str | int | float) else value
    return f" WHERE {clause}" if clause else "", values


def _one_of(column: str, values: Sequence[Value] | None) -> Condition:
    """Return the condition that a column holds one of some values."""
    return f"{column} IN ({', '.join('?' for _ in values or ())})", values


def _existing(world: sqlite3.Connection, table: Table, *key: Value) -> Row:
    """Return the row with this key."""
    listed = ", ".join(table.columns.values())
    where = " AND ".join(f"{table.columns[field]} = ?" for field in table.key)
    found = world.execute(f"SELECT {listed} FROM {table.sql} WHERE {where}", key).fetchone()
    if found is None:
        came = ", ".join(f"{field} {value!r}" for field, value in zip(table.key, key, strict=True))
        raise LookupError(f"there is no {table.noun} with {came}; {table.search} searches")
    return dict(zip(table.columns, found, strict=True))


def _count(world: sqlite3.Connection, table: Table, conditions: Conditions) -> int:
    where, values = _where(conditions)
    total: int = world.execute(f"SELECT count(*) FROM {table.sql}{where}", values).fetchone()[0]
    return total


def _require_page(limit: int, offset: int) -> None:
    if not 1 <= limit <= _MOST_ROWS:
        raise ValueError(f"limit is 1 to {_MOST_ROWS}, not {limit}")
    if offset < 0:
        raise ValueError(f"offset is 0 or more, not {offset}")


def _page(
    world: sqlite3.Connection,
    table: Table,
    conditions: Conditions,
    *,
    sort_by: str | None = None,
    order: str = "ascending",
    limit: int,
    offset: int,
) -> dict[str, object]:
    """Return one page of the rows that satisfy the conditions; rows without a value come last."""
    _require_page(limit, offset)
    where, values = _where(conditions)
    listed = ", ".join(table.columns.values())
    order_by = ", ".join(table.columns[field] for field in table.key)
    if sort_by is not None:
        by = table.columns[sort_by]
        direction = "DESC" if order == "descending" else "ASC"
        order_by = f"{by} IS NULL, {by} {direction}, {order_by}"
    found = world.execute(
        f"SELECT {listed} FROM {table.sql}{where} ORDER BY {order_by} LIMIT ? OFFSET ?",
        [*values, limit, offset],
    )
    rows: list[Row] = [dict(zip(table.columns, row, strict=True)) for row in found]
    total = _count(world, table, conditions)
    return {"total": total, "rows": rows, "truncated": offset + len(rows) < total}


def _figures(sql: str) -> str:
    """Return what SQL selects to summarise a column: least, most, mean and sum."""
    return (
        f"min({sql}), max({sql}), round(avg({sql}), {_DIGITS}), "
        f"CASE WHEN count({sql}) THEN round(total({sql}), {_DIGITS}) END"
    )


def _summary(
    world: sqlite3.Connection, table: Table, column: str, conditions: Conditions
) -> dict[str, object]:
    """Return minimum, maximum, mean and sum of a column; null when no row has a value."""
    where, values = _where(conditions)
    query = f"SELECT {_figures(table.columns[column])} FROM {table.sql}{where}"
    least, most, mean, total = world.execute(query, values).fetchone()
    return {"column": column, "minimum": least, "maximum": most, "mean": mean, "sum": total}


def _groups(
    world: sqlite3.Connection,
    table: Table,
    by: str,
    column: str | None,
    conditions: Conditions,
    *,
    sort_by: str,
    order: str,
    limit: int,
    offset: int,
) -> dict[str, object]:
    """Return one page of groups with their figures; null for those of a column not asked for."""
    _require_page(limit, offset)
    if column is None and sort_by != "count":
        raise ValueError(f"sort_by {sort_by!r} needs a column to summarise")
    where, values = _where(conditions)
    figures = "NULL, NULL, NULL, NULL" if column is None else _figures(table.columns[column])
    names = ("value", "count", "minimum", "maximum", "mean", "sum")
    direction = "ASC" if order == "ascending" else "DESC"
    grouped = f"SELECT {table.columns[by]}, count(*), {figures} FROM {table.sql}{where} GROUP BY 1"
    found = world.execute(
        f"WITH grouped ({', '.join(names)}) AS ({grouped}) SELECT * FROM grouped "
        f"ORDER BY {sort_by} IS NULL, {sort_by} {direction}, value LIMIT ? OFFSET ?",
        [*values, limit, offset],
    )
    groups = [dict(zip(names, row, strict=True)) for row in found]
    total = world.execute(f"SELECT count(*) FROM ({grouped})", values).fetchone()[0]
    return {"total": total, "groups": groups, "truncated": offset + len(groups) < total}


def _counts(
    world: sqlite3.Connection,
    table: Table,
    by: str,
    conditions: Conditions,
    *,
    order: str,
    limit: int,
    offset: int,
) -> dict[str, object]:
    """Return one page of groups with how many rows each holds."""
    _require_page(limit, offset)
    where, values = _where(conditions)
    direction = "ASC" if order == "ascending" else "DESC"
    grouped = f"SELECT {table.columns[by]}, count(*) FROM {table.sql}{where} GROUP BY 1"
    found = world.execute(
        f"{grouped} ORDER BY 2 {direction}, 1 LIMIT ? OFFSET ?", [*values, limit, offset]
    )
    groups = [{"value": value, "count": count} for value, count in found]
    total = world.execute(f"SELECT count(*) FROM ({grouped})", values).fetchone()[0]
    return {"total": total, "groups": groups, "truncated": offset + len(groups) < total}


def _days_between(start: str, end: str) -> int:
    """Return the days from one date to another by the calendar, whatever hour they have."""
    return (date.fromisoformat(end[:10]) - date.fromisoformat(start[:10])).days


def _compared(first: Row, second: Row, fields: Sequence[str]) -> dict[str, object]:
    """Return both values of each field, and how they differ."""
    return {field: _difference(first[field], second[field]) for field in fields}


def _difference(first: Value, second: Value) -> dict[str, object]:
    """Return the second value minus the first, of dates in days, and which is larger."""
    difference: float | None = None
    larger: str | None = None
    if isinstance(first, str) and isinstance(second, str):
        difference = _days_between(first, second)
    elif isinstance(first, int | float) and isinstance(second, int | float):
        difference = round(second - first, _DIGITS)
    if difference is not None:
        larger = "neither" if first == second else "second" if difference > 0 else "first"
    return {"first": first, "second": second, "difference": difference, "larger": larger}


def _around(column: str, day: str, days: int) -> Conditions:
    """Return the conditions on a column for a date at most so many days from another."""
    _require_day("day", day)
    if days < 0:
        raise ValueError(f"days is 0 or more, not {days}")
    middle = date.fromisoformat(day)
    try:
        first, after = middle - timedelta(days), middle + timedelta(days + 1)
    except OverflowError:
        raise ValueError(f"{days} days from {day} are beyond the calendar") from None
    return [(f"{column} >= ?", first.isoformat()), (f"{column} < ?", after.isoformat())]


def _require_day(name: str, value: str | None) -> None:
    """Refuse what is no day of the calendar written as YYYY-MM-DD."""
    if value is None:
        return
    try:
        well_formed = date.fromisoformat(value).isoformat() == value
    except ValueError:
        well_formed = False
    if not well_formed:
        raise ValueError(f"{name} is a day as YYYY-MM-DD, not {value!r}")


def _execute(world: sqlite3.Connection, sql: str, values: list[Value]) -> None:
    """Write rows; what the tables declare of keys and values is held."""
    try:
        world.execute(sql, values)
    except sqlite3.IntegrityError as error:
        raise ValueError(f"this cannot be written: {error}") from None


def _insert(world: sqlite3.Connection, table: Table, row: Row) -> Row:
    """Add a row and return it as it stands in the table."""
    listed = ", ".join(table.columns[field] for field in row)
    places = ", ".join("?" for _ in row)
    _execute(world, f"INSERT INTO {table.sql} ({listed}) VALUES ({places})", list(row.values()))
    return _existing(world, table, *(row[field] for field in table.key))


def _change(world: sqlite3.Connection, table: Table, row: Row, given: Row) -> Row:
    """Write those of the given values that differ, and return the row as it became."""
    changes = {f: value for f, value in given.items() if value is not None and value != row[f]}
    if not changes:
        raise ValueError(f"nothing would change: the {table.noun} is like that already")
    key = [row[field] for field in table.key]
    assigned = ", ".join(f"{table.columns[field]} = ?" for field in changes)
    where = " AND ".join(f"{table.columns[field]} = ?" for field in table.key)
    _execute(world, f"UPDATE {table.sql} SET {assigned} WHERE {where}", [*changes.values(), *key])
    return _existing(world, table, *key)


def _delete(world: sqlite3.Connection, table: Table, row: Row) -> Row:
    """Delete a row and return it as it was."""
    where = " AND ".join(f"{table.columns[field]} = ?" for field in table.key)
    _execute(world, f"DELETE FROM {table.sql} WHERE {where}", [row[f] for f in table.key])
    return row


def _next_number(world: sqlite3.Connection, table: Table, field: str, within: Row) -> int:
    """Return the number after the largest one in the rows with these values."""
    where, values = _where([(f"{table.columns[name]} = ?", within[name]) for name in within])
    query = f"SELECT max({table.columns[field]}) FROM {table.sql}{where}"
    largest: int | None = world.execute(query, values).fetchone()[0]
    return 1 if largest is None else largest + 1


def _require_text(name: str, value: str | None) -> None:
    """Refuse text that says nothing."""
    if value is not None and not value.strip():
        raise ValueError(f"{name} is empty")


def _require_at_least_zero(name: str, value: float | None) -> None:
    """Refuse numbers below 0."""
    if value is not None and value < 0:
        raise ValueError(f"{name} is 0 or more, not {value}")


def get_album(
    world: sqlite3.Connection,
    *,
    album_id: int,
) -> dict[str, object]:
    """Return the one album with this album ID, all columns.

    Fails when there is none; find_albums searches. Albums, each by one artist.
    """
    row = _existing(world, ALBUMS, album_id)
    return {"row": row}


def find_albums(
    world: sqlite3.Connection,
    *,
    album_id: int | None = None,
    title_contains: str | None = None,
    artist_id: int | None = None,
    limit: int = 5,
    offset: int = 0,
) -> dict[str, object]:
    """Search albums: those that satisfy every filter given, sorted, one page at a time.

    `total` counts all of them; `truncated` says whether more follow after this page.
    """
    conditions: Conditions = [
        ('"album_id" = ?', album_id),
        ('instr(lower("title"), lower(?)) > 0', title_contains),
        ('"artist_id" = ?', artist_id),
    ]
    return _page(world, ALBUMS, conditions, limit=limit, offset=offset)


def count_albums(
    world: sqlite3.Connection,
    *,
    album_id: int | None = None,
    title_contains: str | None = None,
    artist_id: int | None = None,
) -> dict[str, object]:
    """Count the albums that satisfy every filter given."""
    conditions: Conditions = [
        ('"album_id" = ?', album_id),
        ('instr(lower("title"), lower(?)) > 0', title_contains),
        ('"artist_id" = ?', artist_id),
    ]
    return {"total": _count(world, ALBUMS, conditions)}


def list_albums_of_artist(
    world: sqlite3.Connection,
    *,
    artist_id: int,
    limit: int = 5,
    offset: int = 0,
) -> dict[str, object]:
    """List the albums of one artist, named by its artist ID, sorted, one page at a time.

    Fails when there is no such artist.
    """
    _existing(world, ARTISTS, artist_id)
    conditions: Conditions = [('"artist_id" = ?', artist_id)]
    return _page(world, ALBUMS, conditions, limit=limit, offset=offset)


def get_artist(
    world: sqlite3.Connection,
    *,
    artist_id: int,
) -> dict[str, object]:
    """Return the one artist with this artist ID, all columns.

    Fails when there is none; find_artists searches. Artists and bands.
    """
    row = _existing(world, ARTISTS, artist_id)
    return {"row": row}


def find_artists(
    world: sqlite3.Connection,
    *,
    artist_id: int | None = None,
    name_contains: str | None = None,
    limit: int = 5,
    offset: int = 0,
) -> dict[str, object]:
    """Search artists: those that satisfy every filter given, sorted, one page at a time.

    `total` counts all of them; `truncated` says whether more follow after this page.
    """
    conditions: Conditions = [
        ('"artist_id" = ?', artist_id),
        ('instr(lower("name"), lower(?)) > 0', name_contains),
    ]
    return _page(world, ARTISTS, conditions, limit=limit, offset=offset)


def count_artists(
    world: sqlite3.Connection,
    *,
    artist_id: int | None = None,
    name_contains: str | None = None,
) -> dict[str, object]:
    """Count the artists that satisfy every filter given."""
    conditions: Conditions = [
        ('"artist_id" = ?', artist_id),
        ('instr(lower("name"), lower(?)) > 0', name_contains),
    ]
    return {"total": _count(world, ARTISTS, conditions)}


def get_customer(
    world: sqlite3.Connection,
    *,
    customer_id: int,
) -> dict[str, object]:
    """Return the one customer with this customer ID, all columns.

    Fails when there is none; find_customers searches. Customers, each supported by an employee.
    """
    row = _existing(world, CUSTOMERS, customer_id)
    return {"row": row}


def find_customers(
    world: sqlite3.Connection,
    *,
    customer_id: int | None = None,
    first_name: str | None = None,
    first_name_contains: str | None = None,
    last_name: str | None = None,
    last_name_contains: str | None = None,
    last_name_prefix: str | None = None,
    company: str | None = None,
    company_in: list[str] | None = None,
    address: str | None = None,
    address_contains: str | None = None,
    city: str | None = None,
    city_contains: str | None = None,
    state: str | None = None,
    state_in: list[str] | None = None,
    country: str | None = None,
    country_in: list[str] | None = None,
    postal_code: str | None = None,
    postal_code_contains: str | None = None,
    phone: str | None = None,
    phone_contains: str | None = None,
    fax: str | None = None,
    fax_in: list[str] | None = None,
    email: str | None = None,
    email_contains: str | None = None,
    limit: int = 5,
    offset: int = 0,
) -> dict[str, object]:
    """Search customers: those that satisfy every filter given, sorted, one page at a time.

    `total` counts all of them; `truncated` says whether more follow after this page.
    """
    conditions: Conditions = [
        ('"customer_id" = ?', customer_id),
        ('"first_name" = ?', first_name),
        ('instr(lower("first_name"), lower(?)) > 0', first_name_contains),
        ('"last_name" = ?', last_name),
        ('instr(lower("last_name"), lower(?)) > 0', last_name_contains),
        ('instr(lower("last_name"), lower(?)) = 1', last_name_prefix),
        ('"company" = ?', company),
        _one_of('"company"', company_in),
        ('"address" = ?', address),
        ('instr(lower("address"), lower(?)) > 0', address_contains),
        ('"city" = ?', city),
        ('instr(lower("city"), lower(?)) > 0', city_contains),
        ('"state" = ?', state),
        _one_of('"state"', state_in),
        ('"country" = ?', country),
        _one_of('"country"', country_in),
        ('"postal_code" = ?', postal_code),
        ('instr(lower("postal_code"), lower(?)) > 0', postal_code_contains),
        ('"phone" = ?', phone),
        ('instr(lower("phone"), lower(?)) > 0', phone_contains),
        ('"fax" = ?', fax),
        _one_of('"fax"', fax_in),
        ('"email" = ?', email),
        ('instr(lower("email"), lower(?)) > 0', email_contains),
    ]
    return _page(world, CUSTOMERS, conditions, limit=limit, offset=offset)


def count_customers(
    world: sqlite3.Connection,
    *,
    customer_id: int | None = None,
    first_name: str | None = None,
    first_name_contains: str | None = None,
    last_name: str | None = None,
    last_name_contains: str | None = None,
    last_name_prefix: str | None = None,
    company: str | None = None,
    company_in: list[str] | None = None,
    address: str | None = None,
    address_contains: str | None = None,
    city: str | None = None,
    city_contains: str | None = None,
    state: str | None = None,
    state_in: list[str] | None = None,
    country: str | None = None,
    country_in: list[str] | None = None,
    postal_code: str | None = None,
    postal_code_contains: str | None = None,
    phone: str | None = None,
    phone_contains: str | None = None,
    fax: str | None = None,
    fax_in: list[str] | None = None,
    email: str | None = None,
    email_contains: str | None = None,
) -> dict[str, object]:
    """Count the customers that satisfy every filter given."""
    conditions: Conditions = [
        ('"customer_id" = ?', customer_id),
        ('"first_name" = ?', first_name),
        ('instr(lower("first_name"), lower(?)) > 0', first_name_contains),
        ('"last_name" = ?', last_name),
        ('instr(lower("last_name"), lower(?)) > 0', last_name_contains),
        ('instr(lower("last_name"), lower(?)) = 1', last_name_prefix),
        ('"company" = ?', company),
        _one_of('"company"', company_in),
        ('"address" = ?', address),
        ('instr(lower("address"), lower(?)) > 0', address_contains),
        ('"city" = ?', city),
        ('instr(lower("city"), lower(?)) > 0', city_contains),
        ('"state" = ?', state),
        _one_of('"state"', state_in),
        ('"country" = ?', country),
        _one_of('"country"', country_in),
        ('"postal_code" = ?', postal_code),
        ('instr(lower("postal_code"), lower(?)) > 0', postal_code_contains),
        ('"phone" = ?', phone),
        ('instr(lower("phone"), lower(?)) > 0', phone_contains),
        ('"fax" = ?', fax),
        _one_of('"fax"', fax_in),
        ('"email" = ?', email),
        ('instr(lower("email"), lower(?)) > 0', email_contains),
    ]
    return {"total": _count(world, CUSTOMERS, conditions)}


def group_customers(
    world: sqlite3.Connection,
    *,
    by: CustomersGroupBy,
    customer_id: int | None = None,
    first_name: str | None = None,
    first_name_contains: str | None = None,
    last_name: str | None = None,
    last_name_contains: str | None = None,
    last_name_prefix: str | None = None,
    company: str | None = None,
    company_in: list[str] | None = None,
    address: str | None = None,
    address_contains: str | None = None,
    city: str | None = None,
    city_contains: str | None = None,
    state: str | None = None,
    state_in: list[str] | None = None,
    country: str | None = None,
    country_in: list[str] | None = None,
    postal_code: str | None = None,
    postal_code_contains: str | None = None,
    phone: str | None = None,
    phone_contains: str | None = None,
    fax: str | None = None,
    fax_in: list[str] | None = None,
    email: str | None = None,
    email_contains: str | None = None,
    sort_by: Literal["count"] = "count",
    order: Literal["ascending", "descending"] = "descending",
    limit: int = 5,
    offset: int = 0,
) -> dict[str, object]:
    """Group the customers that satisfy every filter given by the values of a column, and count
    each group.

    Groups come with the largest first; `order` reverses that, ties are in ascending order of
    the value.
    """
    conditions: Conditions = [
        ('"customer_id" = ?', customer_id),
        ('"first_name" = ?', first_name),
        ('instr(lower("first_name"), lower(?)) > 0', first_name_contains),
        ('"last_name" = ?', last_name),
        ('instr(lower("last_name"), lower(?)) > 0', last_name_contains),
        ('instr(lower("last_name"), lower(?)) = 1', last_name_prefix),
        ('"company" = ?', company),
        _one_of('"company"', company_in),
        ('"address" = ?', address),
        ('instr(lower("address"), lower(?)) > 0', address_contains),
        ('"city" = ?', city),
        ('instr(lower("city"), lower(?)) > 0', city_contains),
        ('"state" = ?', state),
        _one_of('"state"', state_in),
        ('"country" = ?', country),
        _one_of('"country"', country_in),
        ('"postal_code" = ?', postal_code),
        ('instr(lower("postal_code"), lower(?)) > 0', postal_code_contains),
        ('"phone" = ?', phone),
        ('instr(lower("phone"), lower(?)) > 0', phone_contains),
        ('"fax" = ?', fax),
        _one_of('"fax"', fax_in),
        ('"email" = ?', email),
        ('instr(lower("email"), lower(?)) > 0', email_contains),
    ]
    return _counts(world, CUSTOMERS, by, conditions, order=order, limit=limit, offset=offset)


def create_customer(
    world: sqlite3.Connection,
    *,
    first_name: str,
    last_name: str,
    address: str,
    city: str,
    country: str,
    email: str,
    company: str | None = None,
    state: str | None = None,
    postal_code: str | None = None,
    phone: str | None = None,
    fax: str | None = None,
) -> dict[str, object]:
    """Add a customer and return it.

    Its customer ID is the next one.
    """
    _require_text("first_name", first_name)
    _require_text("last_name", last_name)
    _require_text("address", address)
    _require_text("city", city)
    _require_text("country", country)
    _require_text("email", email)
    _require_text("company", company)
    _require_text("state", state)
    _require_text("postal_code", postal_code)
    _require_text("phone", phone)
    _require_text("fax", fax)
    number = _next_number(world, CUSTOMERS, "customer_id", {})
    row: Row = {
        "customer_id": number,
        "first_name": first_name,
        "last_name": last_name,
        "company": company,
        "address": address,
        "city": city,
        "state": state,
        "country": country,
        "postal_code": postal_code,
        "phone": phone,
        "fax": fax,
        "email": email,
    }
    return {"row": _insert(world, CUSTOMERS, row)}


def update_customer(
    world: sqlite3.Connection,
    *,
    customer_id: int,
    first_name: str | None = None,
    last_name: str | None = None,
    company: str | None = None,
    address: str | None = None,
    city: str | None = None,
    state: str | None = None,
    country: str | None = None,
    postal_code: str | None = None,
    phone: str | None = None,
    fax: str | None = None,
    email: str | None = None,
) -> dict[str, object]:
    """Change the first name, last name, company, "address", city, state, country, postal code,
    phone, fax and e-mail address of a customer and return it as it became; what is left out
    stays.

    Refused when nothing would change.
    """
    row = _existing(world, CUSTOMERS, customer_id)
    _require_text("first_name", first_name)
    _require_text("last_name", last_name)
    _require_text("company", company)
    _require_text("address", address)
    _require_text("city", city)
    _require_text("state", state)
    _require_text("country", country)
    _require_text("postal_code", postal_code)
    _require_text("phone", phone)
    _require_text("fax", fax)
    _require_text("email", email)
    changes: Row = {
        "first_name": first_name,
        "last_name": last_name,
        "company": company,
        "address": address,
        "city": city,
        "state": state,
        "country": country,
        "postal_code": postal_code,
        "phone": phone,
        "fax": fax,
        "email": email,
    }
    return {"row": _change(world, CUSTOMERS, row, changes)}


def get_genre(
    world: sqlite3.Connection,
    *,
    genre_id: int,
) -> dict[str, object]:
    """Return the one genre with this genre ID, all columns.

    Fails when there is none; find_genres searches. Genres of music and film.
    """
    row = _existing(world, GENRES, genre_id)
    return {"row": row}


def find_genres(
    world: sqlite3.Connection,
    *,
    genre_id: int | None = None,
    name: str | None = None,
    limit: int = 5,
    offset: int = 0,
) -> dict[str, object]:
    """Search genres: those that satisfy every filter given, sorted, one page at a time.

    `total` counts all of them; `truncated` says whether more follow after this page.
    """
    conditions: Conditions = [
        ('"genre_id" = ?', genre_id),
        ('"name" = ?', name),
    ]
    return _page(world, GENRES, conditions, limit=limit, offset=offset)


def count_genres(
    world: sqlite3.Connection,
    *,
    genre_id: int | None = None,
    name: str | None = None,
) -> dict[str, object]:
    """Count the genres that satisfy every filter given."""
    conditions: Conditions = [
        ('"genre_id" = ?', genre_id),
        ('"name" = ?', name),
    ]
    return {"total": _count(world, GENRES, conditions)}


def get_invoice_line(
    world: sqlite3.Connection,
    *,
    invoice_line_id: int,
) -> dict[str, object]:
    """Return the one invoice line with this invoice line ID, all columns.

    Fails when there is none; find_invoice_lines searches. Lines of invoices: one track each.
    """
    row = _existing(world, INVOICE_LINES, invoice_line_id)
    return {"row": row}


def find_invoice_lines(
    world: sqlite3.Connection,
    *,
    invoice_line_id: int | None = None,
    invoice_id: int | None = None,
    track_id: int | None = None,
    unit_price_min: float | None = None,
    unit_price_max: float | None = None,
    sort_by: InvoiceLinesSortBy | None = None,
    order: Literal["ascending", "descending"] = "ascending",
    limit: int = 5,
    offset: int = 0,
) -> dict[str, object]:
    """Search invoice lines: those that satisfy every filter given, sorted, one page at a time.

    `total` counts all of them; `truncated` says whether more follow after this page.
    """
    conditions: Conditions = [
        ('"invoice_line_id" = ?', invoice_line_id),
        ('"invoice_id" = ?', invoice_id),
        ('"track_id" = ?', track_id),
        ('"unit_price" >= ?', unit_price_min),
        ('"unit_price" <= ?', unit_price_max),
    ]
    return _page(
        world,
        INVOICE_LINES,
        conditions,
        sort_by=sort_by,
        order=order,
        limit=limit,
        offset=offset,
    )


def count_invoice_lines(
    world: sqlite3.Connection,
    *,
    invoice_line_id: int | None = None,
    invoice_id: int | None = None,
    track_id: int | None = None,
    unit_price_min: float | None = None,
    unit_price_max: float | None = None,
) -> dict[str, object]:
    """Count the invoice lines that satisfy every filter given."""
    conditions: Conditions = [
        ('"invoice_line_id" = ?', invoice_line_id),
        ('"invoice_id" = ?', invoice_id),
        ('"track_id" = ?', track_id),
        ('"unit_price" >= ?', unit_price_min),
        ('"unit_price" <= ?', unit_price_max),
    ]
    return {"total": _count(world, INVOICE_LINES, conditions)}


def summarise_invoice_lines(
    world: sqlite3.Connection,
    *,
    column: InvoiceLinesMeasure,
    invoice_line_id: int | None = None,
    invoice_id: int | None = None,
    track_id: int | None = None,
    unit_price_min: float | None = None,
    unit_price_max: float | None = None,
) -> dict[str, object]:
    """Minimum, maximum, mean and sum of one column over the invoice lines that satisfy every
    filter given.

    Rows without a value are passed over; mean and sum are rounded to 4 digits.
    """
    conditions: Conditions = [
        ('"invoice_line_id" = ?', invoice_line_id),
        ('"invoice_id" = ?', invoice_id),
        ('"track_id" = ?', track_id),
        ('"unit_price" >= ?', unit_price_min),
        ('"unit_price" <= ?', unit_price_max),
    ]
    return _summary(world, INVOICE_LINES, column, conditions)


def list_invoice_lines_of_invoice(
    world: sqlite3.Connection,
    *,
    invoice_id: int,
    sort_by: InvoiceLinesSortBy | None = None,
    order: Literal["ascending", "descending"] = "ascending",
    limit: int = 5,
    offset: int = 0,
) -> dict[str, object]:
    """List the invoice lines of one invoice, named by its invoice ID, sorted, one page at a time.

    Fails when there is no such invoice.
    """
    _existing(world, INVOICES, invoice_id)
    conditions: Conditions = [('"invoice_id" = ?', invoice_id)]
    return _page(
        world,
        INVOICE_LINES,
        conditions,
        sort_by=sort_by,
        order=order,
        limit=limit,
        offset=offset,
    )


def list_invoice_lines_of_track(
    world: sqlite3.Connection,
    *,
    track_id: int,
    sort_by: InvoiceLinesSortBy | None = None,
    order: Literal["ascending", "descending"] = "ascending",
    limit: int = 5,
    offset: int = 0,
) -> dict[str, object]:
    """List the invoice lines of one track, named by its track ID, sorted, one page at a time.

    Fails when there is no such track.
    """
    _existing(world, TRACKS, track_id)
    conditions: Conditions = [('"track_id" = ?', track_id)]
    return _page(
        world,
        INVOICE_LINES,
        conditions,
        sort_by=sort_by,
        order=order,
        limit=limit,
        offset=offset,
    )


def group_invoice_lines(
    world: sqlite3.Connection,
    *,
    by: InvoiceLinesGroupBy,
    column: InvoiceLinesMeasure | None = None,
    invoice_line_id: int | None = None,
    invoice_id: int | None = None,
    track_id: int | None = None,
    unit_price_min: float | None = None,
    unit_price_max: float | None = None,
    sort_by: Figure = "count",
    order: Literal["ascending", "descending"] = "descending",
    limit: int = 5,
    offset: int = 0,
) -> dict[str, object]:
    """Group the invoice lines that satisfy every filter given by the values of a column, and count
    each group; with `column`, also the minimum, maximum, mean and sum of that column in each,
    mean and sum rounded to 4 digits.

    Groups come with the largest first; `order` reverses that, ties are in ascending order of
    the value.
    """
    conditions: Conditions = [
        ('"invoice_line_id" = ?', invoice_line_id),
        ('"invoice_id" = ?', invoice_id),
        ('"track_id" = ?', track_id),
        ('"unit_price" >= ?', unit_price_min),
        ('"unit_price" <= ?', unit_price_max),
    ]
    return _groups(
        world,
        INVOICE_LINES,
        by,
        column,
        conditions,
        sort_by=sort_by,
        order=order,
        limit=limit,
        offset=offset,
    )


def compare_invoice_lines(
    world: sqlite3.Connection,
    *,
    first_invoice_line_id: int,
    second_invoice_line_id: int,
) -> dict[str, object]:
    """Compare two invoice lines by what can be measured: both values, the second minus the first,
    and which is larger: first, second or neither.

    Fails when there is no such invoice line.
    """
    first = _existing(world, INVOICE_LINES, first_invoice_line_id)
    second = _existing(world, INVOICE_LINES, second_invoice_line_id)
    return {"comparison": _compared(first, second, ["unit_price"])}


def create_invoice_line(
    world: sqlite3.Connection,
    *,
    invoice_id: int,
    track_id: int,
    unit_price: float,
    quantity: int,
) -> dict[str, object]:
    """Add an invoice line and return it.

    Its invoice line ID is the next one. The invoice and track must be there.
    """
    _require_at_least_zero("unit_price", unit_price)
    _require_at_least_zero("quantity", quantity)
    _existing(world, INVOICES, invoice_id)
    _existing(world, TRACKS, track_id)
    number = _next_number(world, INVOICE_LINES, "invoice_line_id", {})
    row: Row = {
        "invoice_line_id": number,
        "invoice_id": invoice_id,
        "track_id": track_id,
        "unit_price": unit_price,
        "quantity": quantity,
    }
    return {"row": _insert(world, INVOICE_LINES, row)}


def update_invoice_line(
    world: sqlite3.Connection,
    *,
    invoice_line_id: int,
    unit_price: float | None = None,
    quantity: int | None = None,
) -> dict[str, object]:
    """Change the unit price and quantity of an invoice line and return it as it became; what is
    left out stays.

    Refused when nothing would change.
    """
    row = _existing(world, INVOICE_LINES, invoice_line_id)
    _require_at_least_zero("unit_price", unit_price)
    _require_at_least_zero("quantity", quantity)
    changes: Row = {
        "unit_price": unit_price,
        "quantity": quantity,
    }
    return {"row": _change(world, INVOICE_LINES, row, changes)}


def remove_invoice_line(
    world: sqlite3.Connection,
    *,
    invoice_line_id: int,
) -> dict[str, object]:
    """Delete an invoice line and return it as it was.

    Refused when there is none.
    """
    row = _existing(world, INVOICE_LINES, invoice_line_id)
    return {"row": _delete(world, INVOICE_LINES, row)}


def get_invoice(
    world: sqlite3.Connection,
    *,
    invoice_id: int,
) -> dict[str, object]:
    """Return the one invoice with this invoice ID, all columns.

    Fails when there is none; find_invoices searches. Invoices; each has at least one line.
    """
    row = _existing(world, INVOICES, invoice_id)
    return {"row": row}


def find_invoices(
    world: sqlite3.Connection,
    *,
    invoice_id: int | None = None,
    customer_id: int | None = None,
    invoice_date_min: str | None = None,
    invoice_date_max: str | None = None,
    billing_address: str | None = None,
    billing_address_contains: str | None = None,
    billing_city: str | None = None,
    billing_city_contains: str | None = None,
    billing_state: str | None = None,
    billing_state_in: list[str] | None = None,
    billing_country: str | None = None,
    billing_country_in: list[str] | None = None,
    billing_postal_code: str | None = None,
    billing_postal_code_contains: str | None = None,
    total_min: float | None = None,
    total_max: float | None = None,
    sort_by: InvoicesSortBy | None = None,
    order: Literal["ascending", "descending"] = "ascending",
    limit: int = 5,
    offset: int = 0,
) -> dict[str, object]:
    """Search invoices: those that satisfy every filter given, sorted, one page at a time.

    `total` counts all of them; `truncated` says whether more follow after this page.
    """
    conditions: Conditions = [
        ('"invoice_id" = ?', invoice_id),
        ('"customer_id" = ?', customer_id),
        ('"invoice_date" >= ?', invoice_date_min),
        ('"invoice_date" <= ?', invoice_date_max),
        ('"billing_address" = ?', billing_address),
        ('instr(lower("billing_address"), lower(?)) > 0', billing_address_contains),
        ('"billing_city" = ?', billing_city),
        ('instr(lower("billing_city"), lower(?)) > 0', billing_city_contains),
        ('"billing_state" = ?', billing_state),
        _one_of('"billing_state"', billing_state_in),
        ('"billing_country" = ?', billing_country),
        _one_of('"billing_country"', billing_country_in),
        ('"billing_postal_code" = ?', billing_postal_code),
        ('instr(lower("billing_postal_code"), lower(?)) > 0', billing_postal_code_contains),
        ('"total" >= ?', total_min),
        ('"total" <= ?', total_max),
    ]
    return _page(
        world,
        INVOICES,
        conditions,
        sort_by=sort_by,
        order=order,
        limit=limit,
        offset=offset,
    )


def count_invoices(
    world: sqlite3.Connection,
    *,
    invoice_id: int | None = None,
    customer_id: int | None = None,
    invoice_date_min: str | None = None,
    invoice_date_max: str | None = None,
    billing_address: str | None = None,
    billing_address_contains: str | None = None,
    billing_city: str | None = None,
    billing_city_contains: str | None = None,
    billing_state: str | None = None,
    billing_state_in: list[str] | None = None,
    billing_country: str | None = None,
    billing_country_in: list[str] | None = None,
    billing_postal_code: str | None = None,
    billing_postal_code_contains: str | None = None,
    total_min: float | None = None,
    total_max: float | None = None,
) -> dict[str, object]:
    """Count the invoices that satisfy every filter given."""
    conditions: Conditions = [
        ('"invoice_id" = ?', invoice_id),
        ('"customer_id" = ?', customer_id),
        ('"invoice_date" >= ?', invoice_date_min),
        ('"invoice_date" <= ?', invoice_date_max),
        ('"billing_address" = ?', billing_address),
        ('instr(lower("billing_address"), lower(?)) > 0', billing_address_contains),
        ('"billing_city" = ?', billing_city),
        ('instr(lower("billing_city"), lower(?)) > 0', billing_city_contains),
        ('"billing_state" = ?', billing_state),
        _one_of('"billing_state"', billing_state_in),
        ('"billing_country" = ?', billing_country),
        _one_of('"billing_country"', billing_country_in),
        ('"billing_postal_code" = ?', billing_postal_code),
        ('instr(lower("billing_postal_code"), lower(?)) > 0', billing_postal_code_contains),
        ('"total" >= ?', total_min),
        ('"total" <= ?', total_max),
    ]
    return {"total": _count(world, INVOICES, conditions)}


def summarise_invoices(
    world: sqlite3.Connection,
    *,
    column: InvoicesMeasure,
    invoice_id: int | None = None,
    customer_id: int | None = None,
    invoice_date_min: str | None = None,
    invoice_date_max: str | None = None,
    billing_address: str | None = None,
    billing_address_contains: str | None = None,
    billing_city: str | None = None,
    billing_city_contains: str | None = None,
    billing_state: str | None = None,
    billing_state_in: list[str] | None = None,
    billing_country: str | None = None,
    billing_country_in: list[str] | None = None,
    billing_postal_code: str | None = None,
    billing_postal_code_contains: str | None = None,
    total_min: float | None = None,
    total_max: float | None = None,
) -> dict[str, object]:
    """Minimum, maximum, mean and sum of one column over the invoices that satisfy every filter
    given.

    Rows without a value are passed over; mean and sum are rounded to 4 digits.
    """
    conditions: Conditions = [
        ('"invoice_id" = ?', invoice_id),
        ('"customer_id" = ?', customer_id),
        ('"invoice_date" >= ?', invoice_date_min),
        ('"invoice_date" <= ?', invoice_date_max),
        ('"billing_address" = ?', billing_address),
        ('instr(lower("billing_address"), lower(?)) > 0', billing_address_contains),
        ('"billing_city" = ?', billing_city),
        ('instr(lower("billing_city"), lower(?)) > 0', billing_city_contains),
        ('"billing_state" = ?', billing_state),
        _one_of('"billing_state"', billing_state_in),
        ('"billing_country" = ?', billing_country),
        _one_of('"billing_country"', billing_country_in),
        ('"billing_postal_code" = ?', billing_postal_code),
        ('instr(lower("billing_postal_code"), lower(?)) > 0', billing_postal_code_contains),
        ('"total" >= ?', total_min),
        ('"total" <= ?', total_max),
    ]
    return _summary(world, INVOICES, column, conditions)


def list_invoices_of_customer(
    world: sqlite3.Connection,
    *,
    customer_id: int,
    sort_by: InvoicesSortBy | None = None,
    order: Literal["ascending", "descending"] = "ascending",
    limit: int = 5,
    offset: int = 0,
) -> dict[str, object]:
    """List the invoices of one customer, named by its customer ID, sorted, one page at a time.

    Fails when there is no such customer.
    """
    _existing(world, CUSTOMERS, customer_id)
    conditions: Conditions = [('"customer_id" = ?', customer_id)]
    return _page(
        world,
        INVOICES,
        conditions,
        sort_by=sort_by,
        order=order,
        limit=limit,
        offset=offset,
    )


def group_invoices(
    world: sqlite3.Connection,
    *,
    by: InvoicesGroupBy,
    column: InvoicesMeasure | None = None,
    invoice_id: int | None = None,
    customer_id: int | None = None,
    invoice_date_min: str | None = None,
    invoice_date_max: str | None = None,
    billing_address: str | None = None,
    billing_address_contains: str | None = None,
    billing_city: str | None = None,
    billing_city_contains: str | None = None,
    billing_state: str | None = None,
    billing_state_in: list[str] | None = None,
    billing_country: str | None = None,
    billing_country_in: list[str] | None = None,
    billing_postal_code: str | None = None,
    billing_postal_code_contains: str | None = None,
    total_min: float | None = None,
    total_max: float | None = None,
    sort_by: Figure = "count",
    order: Literal["ascending", "descending"] = "descending",
    limit: int = 5,
    offset: int = 0,
) -> dict[str, object]:
    """Group the invoices that satisfy every filter given by the values of a column, and count each
    group; with `column`, also the minimum, maximum, mean and sum of that column in each, mean
    and sum rounded to 4 digits.

    Groups come with the largest first; `order` reverses that, ties are in ascending order of
    the value.
    """
    conditions: Conditions = [
        ('"invoice_id" = ?', invoice_id),
        ('"customer_id" = ?', customer_id),
        ('"invoice_date" >= ?', invoice_date_min),
        ('"invoice_date" <= ?', invoice_date_max),
        ('"billing_address" = ?', billing_address),
        ('instr(lower("billing_address"), lower(?)) > 0', billing_address_contains),
        ('"billing_city" = ?', billing_city),
        ('instr(lower("billing_city"), lower(?)) > 0', billing_city_contains),
        ('"billing_state" = ?', billing_state),
        _one_of('"billing_state"', billing_state_in),
        ('"billing_country" = ?', billing_country),
        _one_of('"billing_country"', billing_country_in),
        ('"billing_postal_code" = ?', billing_postal_code),
        ('instr(lower("billing_postal_code"), lower(?)) > 0', billing_postal_code_contains),
        ('"total" >= ?', total_min),
        ('"total" <= ?', total_max),
    ]
    return _groups(
        world,
        INVOICES,
        by,
        column,
        conditions,
        sort_by=sort_by,
        order=order,
        limit=limit,
        offset=offset,
    )


def find_invoices_around_date(
    world: sqlite3.Connection,
    *,
    day: str,
    days: int,
    limit: int = 5,
    offset: int = 0,
) -> dict[str, object]:
    """List the invoices whose date is at most so many days before or after a day, by date, one
    page at a time.
    """
    conditions = _around(INVOICES.columns["invoice_date"], day, days)
    return _page(world, INVOICES, conditions, sort_by="invoice_date", limit=limit, offset=offset)


def compare_invoices(
    world: sqlite3.Connection,
    *,
    first_invoice_id: int,
    second_invoice_id: int,
) -> dict[str, object]:
    """Compare two invoices by what can be measured: both values, the second minus the first, of
    dates in days, and which is larger: first, second or neither.

    Fails when there is no such invoice.
    """
    first = _existing(world, INVOICES, first_invoice_id)
    second = _existing(world, INVOICES, second_invoice_id)
    return {"comparison": _compared(first, second, ["total", "invoice_date"])}


def create_invoice(
    world: sqlite3.Connection,
    *,
    customer_id: int,
    invoice_date: str,
    billing_address: str,
    billing_city: str,
    billing_country: str,
    total: float,
    billing_state: str | None = None,
    billing_postal_code: str | None = None,
) -> dict[str, object]:
    """Add an invoice and return it.

    Its invoice ID is the next one. The customer must be there.
    """
    _require_day("invoice_date", invoice_date)
    _require_text("billing_address", billing_address)
    _require_text("billing_city", billing_city)
    _require_text("billing_country", billing_country)
    _require_at_least_zero("total", total)
    _require_text("billing_state", billing_state)
    _require_text("billing_postal_code", billing_postal_code)
    _existing(world, CUSTOMERS, customer_id)
    number = _next_number(world, INVOICES, "invoice_id", {})
    row: Row = {
        "invoice_id": number,
        "customer_id": customer_id,
        "invoice_date": invoice_date,
        "billing_address": billing_address,
        "billing_city": billing_city,
        "billing_state": billing_state,
        "billing_country": billing_country,
        "billing_postal_code": billing_postal_code,
        "total": total,
    }
    return {"row": _insert(world, INVOICES, row)}


def update_invoice(
    world: sqlite3.Connection,
    *,
    invoice_id: int,
    invoice_date: str | None = None,
    billing_address: str | None = None,
    billing_city: str | None = None,
    billing_state: str | None = None,
    billing_country: str | None = None,
    billing_postal_code: str | None = None,
    total: float | None = None,
) -> dict[str, object]:
    """Change the date, billing address, billing city, billing state, billing country, billing
    postal code and total amount of an invoice and return it as it became; what is left out
    stays.

    Refused when nothing would change.
    """
    row = _existing(world, INVOICES, invoice_id)
    _require_day("invoice_date", invoice_date)
    _require_text("billing_address", billing_address)
    _require_text("billing_city", billing_city)
    _require_text("billing_state", billing_state)
    _require_text("billing_country", billing_country)
    _require_text("billing_postal_code", billing_postal_code)
    _require_at_least_zero("total", total)
    changes: Row = {
        "invoice_date": invoice_date,
        "billing_address": billing_address,
        "billing_city": billing_city,
        "billing_state": billing_state,
        "billing_country": billing_country,
        "billing_postal_code": billing_postal_code,
        "total": total,
    }
    return {"row": _change(world, INVOICES, row, changes)}


def assign_invoice_to_customer(
    world: sqlite3.Connection,
    *,
    invoice_id: int,
    new_customer_id: int,
) -> dict[str, object]:
    """Give an invoice another customer and return it as it became.

    Refused when that customer is not there or it is its customer already.
    """
    row = _existing(world, INVOICES, invoice_id)
    _existing(world, CUSTOMERS, new_customer_id)
    return {"row": _change(world, INVOICES, row, {"customer_id": new_customer_id})}


def get_track(
    world: sqlite3.Connection,
    *,
    track_id: int,
) -> dict[str, object]:
    """Return the one track with this track ID, all columns.

    Fails when there is none; find_tracks searches. Tracks that are sold, each on one album.
    """
    row = _existing(world, TRACKS, track_id)
    return {"row": row}


def find_tracks(
    world: sqlite3.Connection,
    *,
    track_id: int | None = None,
    name_contains: str | None = None,
    album_id: int | None = None,
    genre_id: int | None = None,
    composer_contains: str | None = None,
    milliseconds_min: int | None = None,
    milliseconds_max: int | None = None,
    bytes_min: int | None = None,
    bytes_max: int | None = None,
    unit_price_min: float | None = None,
    unit_price_max: float | None = None,
    sort_by: TracksSortBy | None = None,
    order: Literal["ascending", "descending"] = "ascending",
    limit: int = 5,
    offset: int = 0,
) -> dict[str, object]:
    """Search tracks: those that satisfy every filter given, sorted, one page at a time.

    `total` counts all of them; `truncated` says whether more follow after this page.
    """
    conditions: Conditions = [
        ('"track_id" = ?', track_id),
        ('instr(lower("name"), lower(?)) > 0', name_contains),
        ('"album_id" = ?', album_id),
        ('"genre_id" = ?', genre_id),
        ('instr(lower("composer"), lower(?)) > 0', composer_contains),
        ('"milliseconds" >= ?', milliseconds_min),
        ('"milliseconds" <= ?', milliseconds_max),
        ('"bytes" >= ?', bytes_min),
        ('"bytes" <= ?', bytes_max),
        ('"unit_price" >= ?', unit_price_min),
        ('"unit_price" <= ?', unit_price_max),
    ]
    return _page(
        world,
        TRACKS,
        conditions,
        sort_by=sort_by,
        order=order,
        limit=limit,
        offset=offset,
    )


def count_tracks(
    world: sqlite3.Connection,
    *,
    track_id: int | None = None,
    name_contains: str | None = None,
    album_id: int | None = None,
    genre_id: int | None = None,
    composer_contains: str | None = None,
    milliseconds_min: int | None = None,
    milliseconds_max: int | None = None,
    bytes_min: int | None = None,
    bytes_max: int | None = None,
    unit_price_min: float | None = None,
    unit_price_max: float | None = None,
) -> dict[str, object]:
    """Count the tracks that satisfy every filter given."""
    conditions: Conditions = [
        ('"track_id" = ?', track_id),
        ('instr(lower("name"), lower(?)) > 0', name_contains),
        ('"album_id" = ?', album_id),
        ('"genre_id" = ?', genre_id),
        ('instr(lower("composer"), lower(?)) > 0', composer_contains),
        ('"milliseconds" >= ?', milliseconds_min),
        ('"milliseconds" <= ?', milliseconds_max),
        ('"bytes" >= ?', bytes_min),
        ('"bytes" <= ?', bytes_max),
        ('"unit_price" >= ?', unit_price_min),
        ('"unit_price" <= ?', unit_price_max),
    ]
    return {"total": _count(world, TRACKS, conditions)}


def summarise_tracks(
    world: sqlite3.Connection,
    *,
    column: TracksMeasure,
    track_id: int | None = None,
    name_contains: str | None = None,
    album_id: int | None = None,
    genre_id: int | None = None,
    composer_contains: str | None = None,
    milliseconds_min: int | None = None,
    milliseconds_max: int | None = None,
    bytes_min: int | None = None,
    bytes_max: int | None = None,
    unit_price_min: float | None = None,
    unit_price_max: float | None = None,
) -> dict[str, object]:
    """Minimum, maximum, mean and sum of one column over the tracks that satisfy every filter
    given.

    Rows without a value are passed over; mean and sum are rounded to 4 digits.
    """
    conditions: Conditions = [
        ('"track_id" = ?', track_id),
        ('instr(lower("name"), lower(?)) > 0', name_contains),
        ('"album_id" = ?', album_id),
        ('"genre_id" = ?', genre_id),
        ('instr(lower("composer"), lower(?)) > 0', composer_contains),
        ('"milliseconds" >= ?', milliseconds_min),
        ('"milliseconds" <= ?', milliseconds_max),
        ('"bytes" >= ?', bytes_min),
        ('"bytes" <= ?', bytes_max),
        ('"unit_price" >= ?', unit_price_min),
        ('"unit_price" <= ?', unit_price_max),
    ]
    return _summary(world, TRACKS, column, conditions)


def list_tracks_of_album(
    world: sqlite3.Connection,
    *,
    album_id: int,
    sort_by: TracksSortBy | None = None,
    order: Literal["ascending", "descending"] = "ascending",
    limit: int = 5,
    offset: int = 0,
) -> dict[str, object]:
    """List the tracks of one album, named by its album ID, sorted, one page at a time.

    Fails when there is no such album.
    """
    _existing(world, ALBUMS, album_id)
    conditions: Conditions = [('"album_id" = ?', album_id)]
    return _page(
        world,
        TRACKS,
        conditions,
        sort_by=sort_by,
        order=order,
        limit=limit,
        offset=offset,
    )


def list_tracks_of_genre(
    world: sqlite3.Connection,
    *,
    genre_id: int,
    sort_by: TracksSortBy | None = None,
    order: Literal["ascending", "descending"] = "ascending",
    limit: int = 5,
    offset: int = 0,
) -> dict[str, object]:
    """List the tracks of one genre, named by its genre ID, sorted, one page at a time.

    Fails when there is no such genre.
    """
    _existing(world, GENRES, genre_id)
    conditions: Conditions = [('"genre_id" = ?', genre_id)]
    return _page(
        world,
        TRACKS,
        conditions,
        sort_by=sort_by,
        order=order,
        limit=limit,
        offset=offset,
    )


def group_tracks(
    world: sqlite3.Connection,
    *,
    by: TracksGroupBy,
    column: TracksMeasure | None = None,
    track_id: int | None = None,
    name_contains: str | None = None,
    album_id: int | None = None,
    genre_id: int | None = None,
    composer_contains: str | None = None,
    milliseconds_min: int | None = None,
    milliseconds_max: int | None = None,
    bytes_min: int | None = None,
    bytes_max: int | None = None,
    unit_price_min: float | None = None,
    unit_price_max: float | None = None,
    sort_by: Figure = "count",
    order: Literal["ascending", "descending"] = "descending",
    limit: int = 5,
    offset: int = 0,
) -> dict[str, object]:
    """Group the tracks that satisfy every filter given by the values of a column, and count each
    group; with `column`, also the minimum, maximum, mean and sum of that column in each, mean
    and sum rounded to 4 digits.

    Groups come with the largest first; `order` reverses that, ties are in ascending order of
    the value.
    """
    conditions: Conditions = [
        ('"track_id" = ?', track_id),
        ('instr(lower("name"), lower(?)) > 0', name_contains),
        ('"album_id" = ?', album_id),
        ('"genre_id" = ?', genre_id),
        ('instr(lower("composer"), lower(?)) > 0', composer_contains),
        ('"milliseconds" >= ?', milliseconds_min),
        ('"milliseconds" <= ?', milliseconds_max),
        ('"bytes" >= ?', bytes_min),
        ('"bytes" <= ?', bytes_max),
        ('"unit_price" >= ?', unit_price_min),
        ('"unit_price" <= ?', unit_price_max),
    ]
    return _groups(
        world,
        TRACKS,
        by,
        column,
        conditions,
        sort_by=sort_by,
        order=order,
        limit=limit,
        offset=offset,
    )


def compare_tracks(
    world: sqlite3.Connection,
    *,
    first_track_id: int,
    second_track_id: int,
) -> dict[str, object]:
    """Compare two tracks by what can be measured: both values, the second minus the first, and
    which is larger: first, second or neither.

    Fails when there is no such track.
    """
    first = _existing(world, TRACKS, first_track_id)
    second = _existing(world, TRACKS, second_track_id)
    return {"comparison": _compared(first, second, ["milliseconds", "bytes", "unit_price"])}
