"""Tools of Swagger Petstore, over rows that were made up.

Each takes the world, a connection to an SQLite database, and the keyword arguments that its input
schema describes; those whose names Python cannot spell, or that may be null, come in `given`. What
an agent may see of a refusal is the message of a `LookupError` or `ValueError` raised here.
"""

import json
import sqlite3
from collections.abc import Mapping, Sequence
from typing import NamedTuple, TypeAlias

Json: TypeAlias = str | int | float | bool | list["Json"] | dict[str, "Json"] | None
Reply: TypeAlias = dict[str, Json]
Stored: TypeAlias = str | int | float | None
Row: TypeAlias = dict[str, Stored]
Condition: TypeAlias = tuple[str, Sequence[Stored]]
"""SQL and the values for its places."""


class Table(NamedTuple):
    """A table, and the words to speak of it."""

    sql: str
    key: str
    """The column that names a row."""
    noun: str
    kinds: dict[str, str]
    """Columns that hold booleans or JSON."""
    referred: tuple[tuple[str, str, str], ...]
    """Columns elsewhere that name rows of this table: noun, table and column."""


class Shown(NamedTuple):
    """A column as replies show it."""

    column: str
    optional: bool = False
    """Whether it is left out where the row has no value."""
    table: Table | None = None
    """Where to find the row that is shown in place of the value."""
    by: str = ""
    """That table's column that holds the value."""
    view: "Mapping[str, Shown] | None" = None
    """How that row is shown."""


class Page(NamedTuple):
    """Rows of a list, and where they stand in it."""

    rows: list[Json]
    total: int
    size: int
    offset: int


ORDERS = Table(
    sql='"orders"',
    key="id",
    noun="order",
    kinds={
        "complete": "boolean",
    },
    referred=(),
)

PETS = Table(
    sql='"pets"',
    key="id",
    noun="pet",
    kinds={
        "category": "json",
        "photoUrls": "json",
        "tags": "json",
    },
    referred=(
        ("orders", '"orders"', "petId"),
    ),
)

USERS = Table(
    sql='"users"',
    key="username",
    noun="user",
    kinds={},
    referred=(),
)


PET_SHOWN: dict[str, Shown] = {
    "id": Shown("id", optional=True),
    "category": Shown("category", optional=True),
    "name": Shown("name"),
    "photoUrls": Shown("photoUrls"),
    "tags": Shown("tags", optional=True),
    "status": Shown("status", optional=True),
}

ORDER_SHOWN: dict[str, Shown] = {
    "id": Shown("id", optional=True),
    "petId": Shown("petId", optional=True),
    "quantity": Shown("quantity", optional=True),
    "shipDate": Shown("shipDate", optional=True),
    "status": Shown("status", optional=True),
    "complete": Shown("complete", optional=True),
}

USER_SHOWN: dict[str, Shown] = {
    "id": Shown("id", optional=True),
    "username": Shown("username", optional=True),
    "firstName": Shown("firstName", optional=True),
    "lastName": Shown("lastName", optional=True),
    "email": Shown("email", optional=True),
    "password": Shown("password", optional=True),
    "phone": Shown("phone", optional=True),
    "userStatus": Shown("userStatus", optional=True),
}


def _name(column: str) -> str:
    """Return a column's name as SQL."""
    return '"' + column.replace('"', '""') + '"'


def _is(column: str, value: Stored) -> Condition:
    return f"{_name(column)} = ?", [value]


def _one_of(column: str, values: Sequence[Json]) -> Condition:
    """Return the condition that a column holds one of some values."""
    places = ", ".join("?" for _ in values) or "NULL"
    return f"{_name(column)} IN ({places})", [_kept(value) for value in values]


def _any_of(
    world: sqlite3.Connection, table: Table, column: str, values: Sequence[Json]
) -> Condition:
    """Return the condition that a list in a column has one of some values, or one so named."""
    found = world.execute(
        f"SELECT {_name(table.key)}, {_name(column)} FROM {table.sql} ORDER BY {_name(table.key)}"
    ).fetchall()
    keys = [key for key, held in found if held is not None and _has(json.loads(held), values)]
    return f"{_name(table.key)} IN ({', '.join('?' for _ in keys) or 'NULL'})", keys


def _has(items: Sequence[Json], values: Sequence[Json]) -> bool:
    """Tell whether a list has one of some values, or an object of that name."""
    names = [item.get("name") if isinstance(item, dict) else item for item in items]
    return any(name in values for name in names if name is not None)


def _kept(value: Json) -> Stored:
    """Return a value as a column holds it."""
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, list | dict):
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    return value


def _where(conditions: Sequence[Condition]) -> tuple[str, list[Stored]]:
    """Return the WHERE clause of some conditions, and its values in order."""
    clause = " AND ".join(sql for sql, _ in conditions)
    values = [value for _, given in conditions for value in given]
    return f" WHERE {clause}" if clause else "", values


def _fetch(
    world: sqlite3.Connection,
    table: Table,
    conditions: Sequence[Condition],
    size: int = -1,
    offset: int = 0,
) -> list[Row]:
    """Return rows in the order of their keys."""
    where, values = _where(conditions)
    found = world.execute(
        f"SELECT * FROM {table.sql}{where} ORDER BY {_name(table.key)} LIMIT ? OFFSET ?",
        [*values, size, offset],
    )
    names = [str(column[0]) for column in found.description]
    return [dict(zip(names, row, strict=True)) for row in found]


def _existing(
    world: sqlite3.Connection, table: Table, conditions: Sequence[Condition], said: str
) -> Row:
    """Return the one row that is named."""
    found = _fetch(world, table, conditions, 1)
    if not found:
        raise LookupError(f"there is no {table.noun} with {said}")
    return found[0]


def _plain(table: Table, column: str, value: Stored) -> Json:
    """Return a column's value as JSON."""
    kind = table.kinds.get(column)
    if value is None or kind is None:
        return value
    if kind == "boolean":
        return bool(value)
    loaded: Json = json.loads(str(value))
    return loaded


def _shown(
    world: sqlite3.Connection, table: Table, view: Mapping[str, Shown], row: Row
) -> dict[str, Json]:
    """Return a row as a reply shows it."""
    reply: dict[str, Json] = {}
    for name, shown in view.items():
        value = _plain(table, shown.column, row[shown.column])
        if value is None and shown.optional:
            continue
        if value is not None and shown.table is not None and shown.view is not None:
            inner = _fetch(world, shown.table, [_is(shown.by, row[shown.column])], 1)
            value = _shown(world, shown.table, shown.view, inner[0]) if inner else None
        reply[name] = value
    return reply


def _page(
    world: sqlite3.Connection,
    table: Table,
    view: Mapping[str, Shown],
    conditions: Sequence[Condition],
    *,
    size: int | None = None,
    most: int = -1,
    offset: int = 0,
) -> Page:
    """Return one page of the rows that satisfy the conditions."""
    if size is not None and not 1 <= size <= most:
        raise ValueError(f"a page has 1 to {most} rows, not {size}")
    if offset < 0:
        raise ValueError("this page is before the first one")
    where, values = _where(conditions)
    total: int = world.execute(f"SELECT count(*) FROM {table.sql}{where}", values).fetchone()[0]
    rows = _fetch(world, table, conditions, -1 if size is None else size, offset)
    shown: list[Json] = [_shown(world, table, view, row) for row in rows]
    return Page(shown, total, total if size is None else size, offset)


def _refuse(**given: Json) -> None:
    """Refuse arguments that this environment gives no meaning to."""
    for name, value in given.items():
        if value is not None:
            raise ValueError(f"{name!r} is not offered here; leave it out")


def _require(world: sqlite3.Connection, table: Table, column: str, value: Stored) -> None:
    """Refuse a value that names no row."""
    if value is not None and not _fetch(world, table, [_is(column, value)], 1):
        raise LookupError(f"there is no {table.noun} with {column} {value!r}")


def _require_one_of(name: str, value: Json, members: Sequence[Json]) -> None:
    """Refuse what is none of the values that there are."""
    if value is not None and value not in members:
        raise ValueError(f"{name} is one of {', '.join(map(str, members))}, not {value!r}")


def _require_free(world: sqlite3.Connection, table: Table, column: str, value: Stored) -> None:
    """Refuse a value that names a row already."""
    if value is not None and _fetch(world, table, [_is(column, value)], 1):
        raise ValueError(f"there is a {table.noun} with {column} {value!r} already")


def _execute(world: sqlite3.Connection, sql: str, values: Sequence[Stored]) -> None:
    """Write rows; what the tables declare is held."""
    try:
        world.execute(sql, values)
    except sqlite3.IntegrityError as error:
        raise ValueError(f"this cannot be written: {error}") from None


def _next_number(world: sqlite3.Connection, table: Table, column: str) -> int:
    """Return the number after the largest one."""
    query = f"SELECT max({_name(column)}) FROM {table.sql}"
    largest: int | None = world.execute(query).fetchone()[0]
    return 1 if largest is None else largest + 1


def _next_code(world: sqlite3.Connection, table: Table, column: str) -> str:
    """Return a code that no row has."""
    total: int = world.execute(f"SELECT count(*) FROM {table.sql}").fetchone()[0]
    number = total + 1
    while _fetch(world, table, [_is(column, f"{table.noun.replace(' ', '-')}-{number}")], 1):
        number += 1
    return f"{table.noun.replace(' ', '-')}-{number}"


def _insert(world: sqlite3.Connection, table: Table, values: Mapping[str, Json]) -> Row:
    """Add a row and return it."""
    row = {column: _kept(value) for column, value in values.items() if value is not None}
    columns = ", ".join(_name(column) for column in row)
    places = ", ".join("?" for _ in row)
    sql = f"INSERT INTO {table.sql} ({columns}) VALUES ({places})"
    _execute(world, sql, list(row.values()))
    return _existing(world, table, [_is(table.key, row[table.key])], "this key")


def _change(world: sqlite3.Connection, table: Table, row: Row, values: Mapping[str, Json]) -> Row:
    """Write those of some values that differ, and return the row as it became."""
    changes = {column: _kept(value) for column, value in values.items()}
    changes = {column: value for column, value in changes.items() if value != row[column]}
    if not changes:
        raise ValueError(f"nothing would change: the {table.noun} is like that already")
    assigned = ", ".join(f"{_name(column)} = ?" for column in changes)
    sql = f"UPDATE {table.sql} SET {assigned} WHERE {_name(table.key)} = ?"
    _execute(world, sql, [*changes.values(), row[table.key]])
    return _existing(world, table, [_is(table.key, row[table.key])], "this key")


def _delete(world: sqlite3.Connection, table: Table, row: Row) -> None:
    """Delete a row that nothing refers to."""
    for noun, sql, column in table.referred:
        query = f"SELECT count(*) FROM {sql} WHERE {_name(column)} = ?"
        count: int = world.execute(query, [row[table.key]]).fetchone()[0]
        if count:
            raise ValueError(f"this {table.noun} cannot be deleted: {count} {noun} refer to it")
    _execute(world, f"DELETE FROM {table.sql} WHERE {_name(table.key)} = ?", [row[table.key]])


def add_pet(
    world: sqlite3.Connection,
    /,
    *,
    id: int | None = None,
    category: dict[str, Json] | None = None,
    name: str,
    photoUrls: list[Json],
    tags: list[Json] | None = None,
    status: str | None = None,
) -> Reply:
    """Add a new pet to the store"""
    _require_free(world, PETS, "id", id)
    values: dict[str, Json] = {
        "id": _next_number(world, PETS, "id") if id is None else id,
        "category": category,
        "name": name,
        "photoUrls": photoUrls,
        "tags": tags,
        "status": status,
    }
    _insert(world, PETS, values)
    return {}


def update_pet(
    world: sqlite3.Connection,
    /,
    *,
    id: int | None = None,
    category: dict[str, Json] | None = None,
    name: str,
    photoUrls: list[Json],
    tags: list[Json] | None = None,
    status: str | None = None,
) -> Reply:
    """Update an existing pet"""
    if id is None:
        raise ValueError("id is missing: it says which pet")
    row = _existing(world, PETS, [_is("id", id)], f"id {id!r}")
    values: dict[str, Json] = {}
    if category is not None:
        values["category"] = category
    values["name"] = name
    values["photoUrls"] = photoUrls
    if tags is not None:
        values["tags"] = tags
    if status is not None:
        values["status"] = status
    _change(world, PETS, row, values)
    return {}


def find_pets_by_status(world: sqlite3.Connection, /, *, status: list[Json]) -> Reply:
    """Finds Pets by status. Multiple status values can be provided with comma separated
    strings
    """
    conditions: list[Condition] = [_one_of("status", status)]
    page = _page(
        world,
        PETS,
        PET_SHOWN,
        conditions,
    )
    return {"result": page.rows}


def find_pets_by_tags(world: sqlite3.Connection, /, *, tags: list[Json]) -> Reply:
    """Finds Pets by tags. Muliple tags can be provided with comma separated strings. Use tag1,
    tag2, tag3 for testing
    """
    conditions: list[Condition] = [_any_of(world, PETS, "tags", tags)]
    page = _page(
        world,
        PETS,
        PET_SHOWN,
        conditions,
    )
    return {"result": page.rows}


def get_pet_by_id(world: sqlite3.Connection, /, *, petId: int) -> Reply:
    """Find pet by ID. Returns a single pet"""
    row = _existing(world, PETS, [_is("id", petId)], f"petId {petId!r}")
    return _shown(world, PETS, PET_SHOWN, row)


def update_pet_with_form(
    world: sqlite3.Connection,
    /,
    *,
    petId: int,
    name: str | None = None,
    status: str | None = None,
) -> Reply:
    """Updates a pet in the store with form data"""
    row = _existing(world, PETS, [_is("id", petId)], f"petId {petId!r}")
    values: dict[str, Json] = {}
    if name is not None:
        values["name"] = name
    _require_one_of("status", status, ['available', 'pending', 'sold'])
    if status is not None:
        values["status"] = status
    _change(world, PETS, row, values)
    return {}


def delete_pet(world: sqlite3.Connection, /, *, petId: int) -> Reply:
    """Deletes a pet"""
    row = _existing(world, PETS, [_is("id", petId)], f"petId {petId!r}")
    _delete(world, PETS, row)
    return {}


def place_order(
    world: sqlite3.Connection,
    /,
    *,
    id: int | None = None,
    petId: int | None = None,
    quantity: int | None = None,
    shipDate: str | None = None,
    status: str | None = None,
    complete: bool = False,
) -> Reply:
    """Place an order for a pet"""
    _require(world, PETS, "id", petId)
    _require_free(world, ORDERS, "id", id)
    values: dict[str, Json] = {
        "id": _next_number(world, ORDERS, "id") if id is None else id,
        "petId": petId,
        "quantity": quantity,
        "shipDate": shipDate,
        "status": status,
        "complete": complete,
    }
    row = _insert(world, ORDERS, values)
    return _shown(world, ORDERS, ORDER_SHOWN, row)


def get_order_by_id(world: sqlite3.Connection, /, *, orderId: int) -> Reply:
    """Find purchase order by ID. For valid response try integer IDs with value >= 1 and <= 10.
    Other values will generated exceptions
    """
    row = _existing(world, ORDERS, [_is("id", orderId)], f"orderId {orderId!r}")
    return _shown(world, ORDERS, ORDER_SHOWN, row)


def delete_order(world: sqlite3.Connection, /, *, orderId: int) -> Reply:
    """Delete purchase order by ID. For valid response try integer IDs with positive integer
    value. Negative or non-integer values will generate API errors
    """
    row = _existing(world, ORDERS, [_is("id", orderId)], f"orderId {orderId!r}")
    _delete(world, ORDERS, row)
    return {}


def create_user(
    world: sqlite3.Connection,
    /,
    *,
    id: int | None = None,
    username: str | None = None,
    firstName: str | None = None,
    lastName: str | None = None,
    email: str | None = None,
    password: str | None = None,
    phone: str | None = None,
    userStatus: int | None = None,
) -> Reply:
    """Create user. This can only be done by the logged in user"""
    _require_free(world, USERS, "username", username)
    values: dict[str, Json] = {
        "id": id,
        "username": _next_code(world, USERS, "username") if username is None else username,
        "firstName": firstName,
        "lastName": lastName,
        "email": email,
        "password": password,
        "phone": phone,
        "userStatus": userStatus,
    }
    _insert(world, USERS, values)
    return {}


def get_user_by_name(world: sqlite3.Connection, /, *, username: str) -> Reply:
    """Get user by user name"""
    row = _existing(world, USERS, [_is("username", username)], f"username {username!r}")
    return _shown(world, USERS, USER_SHOWN, row)


def update_user(
    world: sqlite3.Connection,
    /,
    *,
    username: str,
    id: int | None = None,
    body_username: str | None = None,
    firstName: str | None = None,
    lastName: str | None = None,
    email: str | None = None,
    password: str | None = None,
    phone: str | None = None,
    userStatus: int | None = None,
) -> Reply:
    """Updated user. This can only be done by the logged in user"""
    _refuse(body_username=body_username)
    row = _existing(world, USERS, [_is("username", username)], f"username {username!r}")
    values: dict[str, Json] = {}
    if id is not None:
        values["id"] = id
    if firstName is not None:
        values["firstName"] = firstName
    if lastName is not None:
        values["lastName"] = lastName
    if email is not None:
        values["email"] = email
    if password is not None:
        values["password"] = password
    if phone is not None:
        values["phone"] = phone
    if userStatus is not None:
        values["userStatus"] = userStatus
    _change(world, USERS, row, values)
    return {}


def delete_user(world: sqlite3.Connection, /, *, username: str) -> Reply:
    """Delete user. This can only be done by the logged in user"""
    row = _existing(world, USERS, [_is("username", username)], f"username {username!r}")
    _delete(world, USERS, row)
    return {}
