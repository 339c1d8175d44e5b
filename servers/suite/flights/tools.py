"""Tools over airlines, airports, flights and planes.

They read and never write.
Each takes the world, a connection to an SQLite database, and the keyword arguments that its input
schema describes. What an agent may see of a refusal is the message of a `LookupError` or
`ValueError` raised here.
"""

import math
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

AIRLINES = Table(
    sql='"airlines"',
    columns={
        "carrier": '"carrier"',
        "name": '"name"',
    },
    key=("carrier",),
    noun="airline",
    search="find_airlines",
)

AIRPORTS = Table(
    sql='"airports"',
    columns={
        "faa": '"faa"',
        "name": '"name"',
        "lat": '"lat"',
        "lon": '"lon"',
        "alt": '"alt"',
        "tz": '"tz"',
        "dst": '"dst"',
        "tzone": '"tzone"',
    },
    key=("faa",),
    noun="airport",
    search="find_airports",
)

AirportsSortBy: TypeAlias = Literal["lat", "lon", "alt"]

AirportsMeasure: TypeAlias = Literal["alt"]

AirportsGroupBy: TypeAlias = Literal["tz", "dst", "tzone"]

FLIGHTS = Table(
    sql='"flights"',
    columns={
        "year": '"year"',
        "month": '"month"',
        "day": '"day"',
        "dep_time": '"dep_time"',
        "sched_dep_time": '"sched_dep_time"',
        "dep_delay": '"dep_delay"',
        "arr_time": '"arr_time"',
        "sched_arr_time": '"sched_arr_time"',
        "arr_delay": '"arr_delay"',
        "carrier": '"carrier"',
        "flight": '"flight"',
        "tailnum": '"tailnum"',
        "origin": '"origin"',
        "dest": '"dest"',
        "air_time": '"air_time"',
        "distance": '"distance"',
        "hour": '"hour"',
        "minute": '"minute"',
        "time_hour": '"time_hour"',
    },
    key=("flight", "time_hour"),
    noun="flight",
    search="find_flights",
)

FlightsSortBy: TypeAlias = Literal[
    "dep_time",
    "sched_dep_time",
    "dep_delay",
    "arr_delay",
    "air_time",
    "distance",
    "time_hour",
]

FlightsMeasure: TypeAlias = Literal["dep_delay", "arr_delay", "air_time", "distance"]

FlightsGroupBy: TypeAlias = Literal[
    "month",
    "day",
    "sched_dep_time",
    "carrier",
    "tailnum",
    "origin",
    "dest",
    "hour",
    "minute",
]

PLANES = Table(
    sql='"planes"',
    columns={
        "tailnum": '"tailnum"',
        "year": '"year"',
        "type": '"type"',
        "manufacturer": '"manufacturer"',
        "model": '"model"',
        "engines": '"engines"',
        "seats": '"seats"',
        "speed": '"speed"',
        "engine": '"engine"',
    },
    key=("tailnum",),
    noun="plane",
    search="find_planes",
)

PlanesSortBy: TypeAlias = Literal["seats"]

PlanesMeasure: TypeAlias = Literal["seats"]

PlanesGroupBy: TypeAlias = Literal["manufacturer", "engine"]


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


def _place(table: Table, row: Row, latitude: str, longitude: str) -> tuple[float, float]:
    """Return a row's coordinates in degrees."""
    place = (row[latitude], row[longitude])
    if not isinstance(place[0], int | float) or not isinstance(place[1], int | float):
        raise ValueError(f"this {table.noun} has no coordinates")
    return place[0], place[1]


def _kilometres(first: tuple[float, float], second: tuple[float, float]) -> float:
    """Return the great-circle distance of two places, rounded to one digit (haversine)."""
    north, south = math.radians(first[0]), math.radians(second[0])
    half_east = math.radians(second[1] - first[1]) / 2
    chord = (
        math.sin((south - north) / 2) ** 2
        + math.cos(north) * math.cos(south) * math.sin(half_east) ** 2
    )
    return round(2 * 6371.0088 * math.asin(min(1.0, math.sqrt(chord))), 1)


def _nearest(
    world: sqlite3.Connection,
    table: Table,
    row: Row,
    latitude: str,
    longitude: str,
    *,
    within_km: float | None,
    limit: int,
) -> dict[str, object]:
    """Return the other rows by their distance from one row, then by their key."""
    _require_page(limit, 0)
    here = _place(table, row, latitude, longitude)
    key = [table.columns[field] for field in table.key]
    places = [table.columns[latitude], table.columns[longitude]]
    others = world.execute(
        f"SELECT {', '.join([*places, *key])} FROM {table.sql} "
        f"WHERE {places[0]} IS NOT NULL AND {places[1]} IS NOT NULL ORDER BY {', '.join(key)}"
    ).fetchall()
    own = tuple(row[field] for field in table.key)
    measured = [
        (_kilometres(here, (north, east)), other)
        for north, east, *other in others
        if tuple(other) != own
    ]
    kept = [one for one in measured if within_km is None or one[0] <= within_km]
    kept.sort(key=lambda one: one[0])
    return {
        "total": len(kept),
        "places": [
            {"kilometres": kilometres, "row": _existing(world, table, *other)}
            for kilometres, other in kept[:limit]
        ],
        "truncated": len(kept) > limit,
    }


def get_airline(
    world: sqlite3.Connection,
    *,
    carrier: str,
) -> dict[str, object]:
    """Return the one airline with this carrier code, all columns.

    Fails when there is none; find_airlines searches. Airlines are known by their two-letter
    carrier code.
    """
    row = _existing(world, AIRLINES, carrier)
    return {"row": row}


def find_airlines(
    world: sqlite3.Connection,
    *,
    carrier: str | None = None,
    name: str | None = None,
    limit: int = 5,
    offset: int = 0,
) -> dict[str, object]:
    """Search airlines: those that satisfy every filter given, sorted, one page at a time.

    `total` counts all of them; `truncated` says whether more follow after this page.
    """
    conditions: Conditions = [
        ('"carrier" = ?', carrier),
        ('"name" = ?', name),
    ]
    return _page(world, AIRLINES, conditions, limit=limit, offset=offset)


def count_airlines(
    world: sqlite3.Connection,
    *,
    carrier: str | None = None,
    name: str | None = None,
) -> dict[str, object]:
    """Count the airlines that satisfy every filter given."""
    conditions: Conditions = [
        ('"carrier" = ?', carrier),
        ('"name" = ?', name),
    ]
    return {"total": _count(world, AIRLINES, conditions)}


def get_airport(
    world: sqlite3.Connection,
    *,
    faa: str,
) -> dict[str, object]:
    """Return the one airport with this FAA code, all columns.

    Fails when there is none; find_airports searches. Airports of the United States, known by
    their FAA code.
    """
    row = _existing(world, AIRPORTS, faa)
    return {"row": row}


def find_airports(
    world: sqlite3.Connection,
    *,
    faa: str | None = None,
    name: str | None = None,
    name_contains: str | None = None,
    lat_min: float | None = None,
    lat_max: float | None = None,
    lon_min: float | None = None,
    lon_max: float | None = None,
    alt_min: int | None = None,
    alt_max: int | None = None,
    tz: int | None = None,
    dst: str | None = None,
    dst_in: list[str] | None = None,
    tzone: str | None = None,
    tzone_in: list[str] | None = None,
    sort_by: AirportsSortBy | None = None,
    order: Literal["ascending", "descending"] = "ascending",
    limit: int = 5,
    offset: int = 0,
) -> dict[str, object]:
    """Search airports: those that satisfy every filter given, sorted, one page at a time.

    `total` counts all of them; `truncated` says whether more follow after this page.
    """
    conditions: Conditions = [
        ('"faa" = ?', faa),
        ('"name" = ?', name),
        ('instr(lower("name"), lower(?)) > 0', name_contains),
        ('"lat" >= ?', lat_min),
        ('"lat" <= ?', lat_max),
        ('"lon" >= ?', lon_min),
        ('"lon" <= ?', lon_max),
        ('"alt" >= ?', alt_min),
        ('"alt" <= ?', alt_max),
        ('"tz" = ?', tz),
        ('"dst" = ?', dst),
        _one_of('"dst"', dst_in),
        ('"tzone" = ?', tzone),
        _one_of('"tzone"', tzone_in),
    ]
    return _page(
        world,
        AIRPORTS,
        conditions,
        sort_by=sort_by,
        order=order,
        limit=limit,
        offset=offset,
    )


def count_airports(
    world: sqlite3.Connection,
    *,
    faa: str | None = None,
    name: str | None = None,
    name_contains: str | None = None,
    lat_min: float | None = None,
    lat_max: float | None = None,
    lon_min: float | None = None,
    lon_max: float | None = None,
    alt_min: int | None = None,
    alt_max: int | None = None,
    tz: int | None = None,
    dst: str | None = None,
    dst_in: list[str] | None = None,
    tzone: str | None = None,
    tzone_in: list[str] | None = None,
) -> dict[str, object]:
    """Count the airports that satisfy every filter given."""
    conditions: Conditions = [
        ('"faa" = ?', faa),
        ('"name" = ?', name),
        ('instr(lower("name"), lower(?)) > 0', name_contains),
        ('"lat" >= ?', lat_min),
        ('"lat" <= ?', lat_max),
        ('"lon" >= ?', lon_min),
        ('"lon" <= ?', lon_max),
        ('"alt" >= ?', alt_min),
        ('"alt" <= ?', alt_max),
        ('"tz" = ?', tz),
        ('"dst" = ?', dst),
        _one_of('"dst"', dst_in),
        ('"tzone" = ?', tzone),
        _one_of('"tzone"', tzone_in),
    ]
    return {"total": _count(world, AIRPORTS, conditions)}


def summarise_airports(
    world: sqlite3.Connection,
    *,
    column: AirportsMeasure,
    faa: str | None = None,
    name: str | None = None,
    name_contains: str | None = None,
    lat_min: float | None = None,
    lat_max: float | None = None,
    lon_min: float | None = None,
    lon_max: float | None = None,
    alt_min: int | None = None,
    alt_max: int | None = None,
    tz: int | None = None,
    dst: str | None = None,
    dst_in: list[str] | None = None,
    tzone: str | None = None,
    tzone_in: list[str] | None = None,
) -> dict[str, object]:
    """Minimum, maximum, mean and sum of one column over the airports that satisfy every filter
    given.

    Rows without a value are passed over; mean and sum are rounded to 4 digits.
    """
    conditions: Conditions = [
        ('"faa" = ?', faa),
        ('"name" = ?', name),
        ('instr(lower("name"), lower(?)) > 0', name_contains),
        ('"lat" >= ?', lat_min),
        ('"lat" <= ?', lat_max),
        ('"lon" >= ?', lon_min),
        ('"lon" <= ?', lon_max),
        ('"alt" >= ?', alt_min),
        ('"alt" <= ?', alt_max),
        ('"tz" = ?', tz),
        ('"dst" = ?', dst),
        _one_of('"dst"', dst_in),
        ('"tzone" = ?', tzone),
        _one_of('"tzone"', tzone_in),
    ]
    return _summary(world, AIRPORTS, column, conditions)


def distance_between_airports(
    world: sqlite3.Connection,
    *,
    first_faa: str,
    second_faa: str,
) -> dict[str, object]:
    """Kilometres between two airports along a great circle, rounded to one digit.

    Fails when there is no such airport.
    """
    first = _existing(world, AIRPORTS, first_faa)
    second = _existing(world, AIRPORTS, second_faa)
    start = _place(AIRPORTS, first, "lat", "lon")
    end = _place(AIRPORTS, second, "lat", "lon")
    return {"kilometres": _kilometres(start, end)}


def find_nearest_airports(
    world: sqlite3.Connection,
    *,
    faa: str,
    within_km: float | None = None,
    limit: int = 5,
) -> dict[str, object]:
    """List the other airports by their distance from one of them, the nearest first; ties are in
    ascending order of the key.

    Fails when there is no such airport.
    """
    row = _existing(world, AIRPORTS, faa)
    return _nearest(world, AIRPORTS, row, "lat", "lon", within_km=within_km, limit=limit)


def group_airports(
    world: sqlite3.Connection,
    *,
    by: AirportsGroupBy,
    column: AirportsMeasure | None = None,
    faa: str | None = None,
    name: str | None = None,
    name_contains: str | None = None,
    lat_min: float | None = None,
    lat_max: float | None = None,
    lon_min: float | None = None,
    lon_max: float | None = None,
    alt_min: int | None = None,
    alt_max: int | None = None,
    tz: int | None = None,
    dst: str | None = None,
    dst_in: list[str] | None = None,
    tzone: str | None = None,
    tzone_in: list[str] | None = None,
    sort_by: Figure = "count",
    order: Literal["ascending", "descending"] = "descending",
    limit: int = 5,
    offset: int = 0,
) -> dict[str, object]:
    """Group the airports that satisfy every filter given by the values of a column, and count each
    group; with `column`, also the minimum, maximum, mean and sum of that column in each, mean
    and sum rounded to 4 digits.

    Groups come with the largest first; `order` reverses that, ties are in ascending order of
    the value.
    """
    conditions: Conditions = [
        ('"faa" = ?', faa),
        ('"name" = ?', name),
        ('instr(lower("name"), lower(?)) > 0', name_contains),
        ('"lat" >= ?', lat_min),
        ('"lat" <= ?', lat_max),
        ('"lon" >= ?', lon_min),
        ('"lon" <= ?', lon_max),
        ('"alt" >= ?', alt_min),
        ('"alt" <= ?', alt_max),
        ('"tz" = ?', tz),
        ('"dst" = ?', dst),
        _one_of('"dst"', dst_in),
        ('"tzone" = ?', tzone),
        _one_of('"tzone"', tzone_in),
    ]
    return _groups(
        world,
        AIRPORTS,
        by,
        column,
        conditions,
        sort_by=sort_by,
        order=order,
        limit=limit,
        offset=offset,
    )


def compare_airports(
    world: sqlite3.Connection,
    *,
    first_faa: str,
    second_faa: str,
) -> dict[str, object]:
    """Compare two airports by what can be measured: both values, the second minus the first, and
    which is larger: first, second or neither.

    Fails when there is no such airport.
    """
    first = _existing(world, AIRPORTS, first_faa)
    second = _existing(world, AIRPORTS, second_faa)
    return {"comparison": _compared(first, second, ["alt"])}


def get_flight(
    world: sqlite3.Connection,
    *,
    flight: int,
    time_hour: str,
) -> dict[str, object]:
    """Return the one flight with this flight number and date and hour (UTC), all columns.

    Fails when there is none; find_flights searches. Flights are told apart by carrier, flight
    number and scheduled date and hour (UTC).
    """
    row = _existing(world, FLIGHTS, flight, time_hour)
    return {"row": row}


def find_flights(
    world: sqlite3.Connection,
    *,
    month: int | None = None,
    day: int | None = None,
    dep_time_min: int | None = None,
    dep_time_max: int | None = None,
    sched_dep_time_min: int | None = None,
    sched_dep_time_max: int | None = None,
    dep_delay_min: int | None = None,
    dep_delay_max: int | None = None,
    arr_delay_min: int | None = None,
    arr_delay_max: int | None = None,
    carrier: str | None = None,
    flight: int | None = None,
    tailnum: str | None = None,
    origin: str | None = None,
    dest: str | None = None,
    air_time_min: int | None = None,
    air_time_max: int | None = None,
    distance_min: int | None = None,
    distance_max: int | None = None,
    hour: int | None = None,
    time_hour: str | None = None,
    time_hour_min: str | None = None,
    time_hour_max: str | None = None,
    sort_by: FlightsSortBy | None = None,
    order: Literal["ascending", "descending"] = "ascending",
    limit: int = 5,
    offset: int = 0,
) -> dict[str, object]:
    """Search flights: those that satisfy every filter given, sorted, one page at a time.

    `total` counts all of them; `truncated` says whether more follow after this page.
    """
    conditions: Conditions = [
        ('"month" = ?', month),
        ('"day" = ?', day),
        ('"dep_time" >= ?', dep_time_min),
        ('"dep_time" <= ?', dep_time_max),
        ('"sched_dep_time" >= ?', sched_dep_time_min),
        ('"sched_dep_time" <= ?', sched_dep_time_max),
        ('"dep_delay" >= ?', dep_delay_min),
        ('"dep_delay" <= ?', dep_delay_max),
        ('"arr_delay" >= ?', arr_delay_min),
        ('"arr_delay" <= ?', arr_delay_max),
        ('"carrier" = ?', carrier),
        ('"flight" = ?', flight),
        ('"tailnum" = ?', tailnum),
        ('"origin" = ?', origin),
        ('"dest" = ?', dest),
        ('"air_time" >= ?', air_time_min),
        ('"air_time" <= ?', air_time_max),
        ('"distance" >= ?', distance_min),
        ('"distance" <= ?', distance_max),
        ('"hour" = ?', hour),
        ('"time_hour" = ?', time_hour),
        ('"time_hour" >= ?', time_hour_min),
        ('"time_hour" <= ?', time_hour_max),
    ]
    return _page(
        world,
        FLIGHTS,
        conditions,
        sort_by=sort_by,
        order=order,
        limit=limit,
        offset=offset,
    )


def count_flights(
    world: sqlite3.Connection,
    *,
    month: int | None = None,
    day: int | None = None,
    dep_time_min: int | None = None,
    dep_time_max: int | None = None,
    sched_dep_time_min: int | None = None,
    sched_dep_time_max: int | None = None,
    dep_delay_min: int | None = None,
    dep_delay_max: int | None = None,
    arr_delay_min: int | None = None,
    arr_delay_max: int | None = None,
    carrier: str | None = None,
    flight: int | None = None,
    tailnum: str | None = None,
    origin: str | None = None,
    dest: str | None = None,
    air_time_min: int | None = None,
    air_time_max: int | None = None,
    distance_min: int | None = None,
    distance_max: int | None = None,
    hour: int | None = None,
    time_hour: str | None = None,
    time_hour_min: str | None = None,
    time_hour_max: str | None = None,
) -> dict[str, object]:
    """Count the flights that satisfy every filter given."""
    conditions: Conditions = [
        ('"month" = ?', month),
        ('"day" = ?', day),
        ('"dep_time" >= ?', dep_time_min),
        ('"dep_time" <= ?', dep_time_max),
        ('"sched_dep_time" >= ?', sched_dep_time_min),
        ('"sched_dep_time" <= ?', sched_dep_time_max),
        ('"dep_delay" >= ?', dep_delay_min),
        ('"dep_delay" <= ?', dep_delay_max),
        ('"arr_delay" >= ?', arr_delay_min),
        ('"arr_delay" <= ?', arr_delay_max),
        ('"carrier" = ?', carrier),
        ('"flight" = ?', flight),
        ('"tailnum" = ?', tailnum),
        ('"origin" = ?', origin),
        ('"dest" = ?', dest),
        ('"air_time" >= ?', air_time_min),
        ('"air_time" <= ?', air_time_max),
        ('"distance" >= ?', distance_min),
        ('"distance" <= ?', distance_max),
        ('"hour" = ?', hour),
        ('"time_hour" = ?', time_hour),
        ('"time_hour" >= ?', time_hour_min),
        ('"time_hour" <= ?', time_hour_max),
    ]
    return {"total": _count(world, FLIGHTS, conditions)}


def summarise_flights(
    world: sqlite3.Connection,
    *,
    column: FlightsMeasure,
    month: int | None = None,
    day: int | None = None,
    dep_time_min: int | None = None,
    dep_time_max: int | None = None,
    sched_dep_time_min: int | None = None,
    sched_dep_time_max: int | None = None,
    dep_delay_min: int | None = None,
    dep_delay_max: int | None = None,
    arr_delay_min: int | None = None,
    arr_delay_max: int | None = None,
    carrier: str | None = None,
    flight: int | None = None,
    tailnum: str | None = None,
    origin: str | None = None,
    dest: str | None = None,
    air_time_min: int | None = None,
    air_time_max: int | None = None,
    distance_min: int | None = None,
    distance_max: int | None = None,
    hour: int | None = None,
    time_hour: str | None = None,
    time_hour_min: str | None = None,
    time_hour_max: str | None = None,
) -> dict[str, object]:
    """Minimum, maximum, mean and sum of one column over the flights that satisfy every filter
    given.

    Rows without a value are passed over; mean and sum are rounded to 4 digits.
    """
    conditions: Conditions = [
        ('"month" = ?', month),
        ('"day" = ?', day),
        ('"dep_time" >= ?', dep_time_min),
        ('"dep_time" <= ?', dep_time_max),
        ('"sched_dep_time" >= ?', sched_dep_time_min),
        ('"sched_dep_time" <= ?', sched_dep_time_max),
        ('"dep_delay" >= ?', dep_delay_min),
        ('"dep_delay" <= ?', dep_delay_max),
        ('"arr_delay" >= ?', arr_delay_min),
        ('"arr_delay" <= ?', arr_delay_max),
        ('"carrier" = ?', carrier),
        ('"flight" = ?', flight),
        ('"tailnum" = ?', tailnum),
        ('"origin" = ?', origin),
        ('"dest" = ?', dest),
        ('"air_time" >= ?', air_time_min),
        ('"air_time" <= ?', air_time_max),
        ('"distance" >= ?', distance_min),
        ('"distance" <= ?', distance_max),
        ('"hour" = ?', hour),
        ('"time_hour" = ?', time_hour),
        ('"time_hour" >= ?', time_hour_min),
        ('"time_hour" <= ?', time_hour_max),
    ]
    return _summary(world, FLIGHTS, column, conditions)


def list_flights_of_airline(
    world: sqlite3.Connection,
    *,
    carrier: str,
    sort_by: FlightsSortBy | None = None,
    order: Literal["ascending", "descending"] = "ascending",
    limit: int = 5,
    offset: int = 0,
) -> dict[str, object]:
    """List the flights of one airline, named by its carrier code, sorted, one page at a time.

    Fails when there is no such airline.
    """
    _existing(world, AIRLINES, carrier)
    conditions: Conditions = [('"carrier" = ?', carrier)]
    return _page(
        world,
        FLIGHTS,
        conditions,
        sort_by=sort_by,
        order=order,
        limit=limit,
        offset=offset,
    )


def list_flights_of_departure_airport(
    world: sqlite3.Connection,
    *,
    faa: str,
    sort_by: FlightsSortBy | None = None,
    order: Literal["ascending", "descending"] = "ascending",
    limit: int = 5,
    offset: int = 0,
) -> dict[str, object]:
    """List the flights of one departure airport, named by its FAA code, sorted, one page at a
    time.

    Fails when there is no such airport.
    """
    _existing(world, AIRPORTS, faa)
    conditions: Conditions = [('"origin" = ?', faa)]
    return _page(
        world,
        FLIGHTS,
        conditions,
        sort_by=sort_by,
        order=order,
        limit=limit,
        offset=offset,
    )


def list_flights_of_destination_airport(
    world: sqlite3.Connection,
    *,
    faa: str,
    sort_by: FlightsSortBy | None = None,
    order: Literal["ascending", "descending"] = "ascending",
    limit: int = 5,
    offset: int = 0,
) -> dict[str, object]:
    """List the flights of one destination airport, named by its FAA code, sorted, one page at a
    time.

    Fails when there is no such airport.
    """
    _existing(world, AIRPORTS, faa)
    conditions: Conditions = [('"dest" = ?', faa)]
    return _page(
        world,
        FLIGHTS,
        conditions,
        sort_by=sort_by,
        order=order,
        limit=limit,
        offset=offset,
    )


def group_flights(
    world: sqlite3.Connection,
    *,
    by: FlightsGroupBy,
    column: FlightsMeasure | None = None,
    month: int | None = None,
    day: int | None = None,
    dep_time_min: int | None = None,
    dep_time_max: int | None = None,
    sched_dep_time_min: int | None = None,
    sched_dep_time_max: int | None = None,
    dep_delay_min: int | None = None,
    dep_delay_max: int | None = None,
    arr_delay_min: int | None = None,
    arr_delay_max: int | None = None,
    carrier: str | None = None,
    flight: int | None = None,
    tailnum: str | None = None,
    origin: str | None = None,
    dest: str | None = None,
    air_time_min: int | None = None,
    air_time_max: int | None = None,
    distance_min: int | None = None,
    distance_max: int | None = None,
    hour: int | None = None,
    time_hour: str | None = None,
    time_hour_min: str | None = None,
    time_hour_max: str | None = None,
    sort_by: Figure = "count",
    order: Literal["ascending", "descending"] = "descending",
    limit: int = 5,
    offset: int = 0,
) -> dict[str, object]:
    """Group the flights that satisfy every filter given by the values of a column, and count each
    group; with `column`, also the minimum, maximum, mean and sum of that column in each, mean
    and sum rounded to 4 digits.

    Groups come with the largest first; `order` reverses that, ties are in ascending order of
    the value.
    """
    conditions: Conditions = [
        ('"month" = ?', month),
        ('"day" = ?', day),
        ('"dep_time" >= ?', dep_time_min),
        ('"dep_time" <= ?', dep_time_max),
        ('"sched_dep_time" >= ?', sched_dep_time_min),
        ('"sched_dep_time" <= ?', sched_dep_time_max),
        ('"dep_delay" >= ?', dep_delay_min),
        ('"dep_delay" <= ?', dep_delay_max),
        ('"arr_delay" >= ?', arr_delay_min),
        ('"arr_delay" <= ?', arr_delay_max),
        ('"carrier" = ?', carrier),
        ('"flight" = ?', flight),
        ('"tailnum" = ?', tailnum),
        ('"origin" = ?', origin),
        ('"dest" = ?', dest),
        ('"air_time" >= ?', air_time_min),
        ('"air_time" <= ?', air_time_max),
        ('"distance" >= ?', distance_min),
        ('"distance" <= ?', distance_max),
        ('"hour" = ?', hour),
        ('"time_hour" = ?', time_hour),
        ('"time_hour" >= ?', time_hour_min),
        ('"time_hour" <= ?', time_hour_max),
    ]
    return _groups(
        world,
        FLIGHTS,
        by,
        column,
        conditions,
        sort_by=sort_by,
        order=order,
        limit=limit,
        offset=offset,
    )


def find_flights_around_date(
    world: sqlite3.Connection,
    *,
    day: str,
    days: int,
    limit: int = 5,
    offset: int = 0,
) -> dict[str, object]:
    """List the flights whose date and hour (UTC) is at most so many days before or after a day, by
    date, one page at a time.
    """
    conditions = _around(FLIGHTS.columns["time_hour"], day, days)
    return _page(world, FLIGHTS, conditions, sort_by="time_hour", limit=limit, offset=offset)


def compare_flights(
    world: sqlite3.Connection,
    *,
    first_flight: int,
    first_time_hour: str,
    second_flight: int,
    second_time_hour: str,
) -> dict[str, object]:
    """Compare two flights by what can be measured: both values, the second minus the first, and
    which is larger: first, second or neither.

    Fails when there is no such flight.
    """
    first = _existing(world, FLIGHTS, first_flight, first_time_hour)
    second = _existing(world, FLIGHTS, second_flight, second_time_hour)
    comparison = _compared(first, second, ["dep_delay", "arr_delay", "air_time", "distance"])
    return {"comparison": comparison}


def get_plane(
    world: sqlite3.Connection,
    *,
    tailnum: str,
) -> dict[str, object]:
    """Return the one plane with this tail number, all columns.

    Fails when there is none; find_planes searches. Planes of the FAA's registry, known by their
    tail number.
    """
    row = _existing(world, PLANES, tailnum)
    return {"row": row}


def find_planes(
    world: sqlite3.Connection,
    *,
    tailnum: str | None = None,
    year: int | None = None,
    manufacturer: str | None = None,
    manufacturer_in: list[str] | None = None,
    model: str | None = None,
    seats_min: int | None = None,
    seats_max: int | None = None,
    engine: str | None = None,
    sort_by: PlanesSortBy | None = None,
    order: Literal["ascending", "descending"] = "ascending",
    limit: int = 5,
    offset: int = 0,
) -> dict[str, object]:
    """Search planes: those that satisfy every filter given, sorted, one page at a time.

    `total` counts all of them; `truncated` says whether more follow after this page.
    """
    conditions: Conditions = [
        ('"tailnum" = ?', tailnum),
        ('"year" = ?', year),
        ('"manufacturer" = ?', manufacturer),
        _one_of('"manufacturer"', manufacturer_in),
        ('"model" = ?', model),
        ('"seats" >= ?', seats_min),
        ('"seats" <= ?', seats_max),
        ('"engine" = ?', engine),
    ]
    return _page(
        world,
        PLANES,
        conditions,
        sort_by=sort_by,
        order=order,
        limit=limit,
        offset=offset,
    )


def count_planes(
    world: sqlite3.Connection,
    *,
    tailnum: str | None = None,
    year: int | None = None,
    manufacturer: str | None = None,
    manufacturer_in: list[str] | None = None,
    model: str | None = None,
    seats_min: int | None = None,
    seats_max: int | None = None,
    engine: str | None = None,
) -> dict[str, object]:
    """Count the planes that satisfy every filter given."""
    conditions: Conditions = [
        ('"tailnum" = ?', tailnum),
        ('"year" = ?', year),
        ('"manufacturer" = ?', manufacturer),
        _one_of('"manufacturer"', manufacturer_in),
        ('"model" = ?', model),
        ('"seats" >= ?', seats_min),
        ('"seats" <= ?', seats_max),
        ('"engine" = ?', engine),
    ]
    return {"total": _count(world, PLANES, conditions)}


def summarise_planes(
    world: sqlite3.Connection,
    *,
    column: PlanesMeasure,
    tailnum: str | None = None,
    year: int | None = None,
    manufacturer: str | None = None,
    manufacturer_in: list[str] | None = None,
    model: str | None = None,
    seats_min: int | None = None,
    seats_max: int | None = None,
    engine: str | None = None,
) -> dict[str, object]:
    """Minimum, maximum, mean and sum of one column over the planes that satisfy every filter
    given.

    Rows without a value are passed over; mean and sum are rounded to 4 digits.
    """
    conditions: Conditions = [
        ('"tailnum" = ?', tailnum),
        ('"year" = ?', year),
        ('"manufacturer" = ?', manufacturer),
        _one_of('"manufacturer"', manufacturer_in),
        ('"model" = ?', model),
        ('"seats" >= ?', seats_min),
        ('"seats" <= ?', seats_max),
        ('"engine" = ?', engine),
    ]
    return _summary(world, PLANES, column, conditions)


def group_planes(
    world: sqlite3.Connection,
    *,
    by: PlanesGroupBy,
    column: PlanesMeasure | None = None,
    tailnum: str | None = None,
    year: int | None = None,
    manufacturer: str | None = None,
    manufacturer_in: list[str] | None = None,
    model: str | None = None,
    seats_min: int | None = None,
    seats_max: int | None = None,
    engine: str | None = None,
    sort_by: Figure = "count",
    order: Literal["ascending", "descending"] = "descending",
    limit: int = 5,
    offset: int = 0,
) -> dict[str, object]:
    """Group the planes that satisfy every filter given by the values of a column, and count each
    group; with `column`, also the minimum, maximum, mean and sum of that column in each, mean
    and sum rounded to 4 digits.

    Groups come with the largest first; `order` reverses that, ties are in ascending order of
    the value.
    """
    conditions: Conditions = [
        ('"tailnum" = ?', tailnum),
        ('"year" = ?', year),
        ('"manufacturer" = ?', manufacturer),
        _one_of('"manufacturer"', manufacturer_in),
        ('"model" = ?', model),
        ('"seats" >= ?', seats_min),
        ('"seats" <= ?', seats_max),
        ('"engine" = ?', engine),
    ]
    return _groups(
        world,
        PLANES,
        by,
        column,
        conditions,
        sort_by=sort_by,
        order=order,
        limit=limit,
        offset=offset,
    )


def compare_planes(
    world: sqlite3.Connection,
    *,
    first_tailnum: str,
    second_tailnum: str,
) -> dict[str, object]:
    """Compare two planes by what can be measured: both values, the second minus the first, and
    which is larger: first, second or neither.

    Fails when there is no such plane.
    """
    first = _existing(world, PLANES, first_tailnum)
    second = _existing(world, PLANES, second_tailnum)
    return {"comparison": _compared(first, second, ["seats"])}
