"""Tools over franchises, managing records and team records.

They read and never write.
Each takes the world, a connection to an SQLite database, and the keyword arguments that its input
schema describes. What an agent may see of a refusal is the message of a `LookupError` or
`ValueError` raised here.
"""

import sqlite3
from collections.abc import Sequence
from datetime import date
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

FRANCHISES = Table(
    sql='"franchises"',
    columns={
        "franch_id": '"franchID"',
        "franch_name": '"franchName"',
        "active": '"active"',
        "n_aassoc": '"NAassoc"',
    },
    key=("franch_id",),
    noun="franchise",
    search="find_franchises",
)

FranchisesGroupBy: TypeAlias = Literal["n_aassoc"]

MANAGING_RECORDS = Table(
    sql='"managers"',
    columns={
        "player_id": '"playerID"',
        "year_id": '"yearID"',
        "team_id": '"teamID"',
        "lg_id": '"lgID"',
        "inseason": '"inseason"',
        "g": '"G"',
        "w": '"W"',
        "l": '"L"',
        "rank": '"rank"',
        "plyr_mgr": '"plyrMgr"',
    },
    key=("player_id", "year_id"),
    noun="managing record",
    search="find_managing_records",
)

ManagingRecordsSortBy: TypeAlias = Literal["g", "w", "l"]

ManagingRecordsMeasure: TypeAlias = Literal["g", "w", "l"]

ManagingRecordsGroupBy: TypeAlias = Literal["year_id", "team_id", "lg_id", "inseason", "rank"]

TEAM_RECORDS = Table(
    sql='"teams"',
    columns={
        "year_id": '"yearID"',
        "lg_id": '"lgID"',
        "team_id": '"teamID"',
        "franch_id": '"franchID"',
        "div_id": '"divID"',
        "rank": '"Rank"',
        "g": '"G"',
        "ghome": '"Ghome"',
        "w": '"W"',
        "l": '"L"',
        "div_win": '"DivWin"',
        "wc_win": '"WCWin"',
        "lg_win": '"LgWin"',
        "ws_win": '"WSWin"',
        "r": '"R"',
        "ab": '"AB"',
        "h": '"H"',
        "n_2_b": '"2B"',
        "n_3_b": '"3B"',
        "hr": '"HR"',
        "bb": '"BB"',
        "so": '"SO"',
        "sb": '"SB"',
        "cs": '"CS"',
        "hbp": '"HBP"',
        "sf": '"SF"',
        "ra": '"RA"',
        "er": '"ER"',
        "era": '"ERA"',
        "cg": '"CG"',
        "sho": '"SHO"',
        "sv": '"SV"',
        "i_pouts": '"IPouts"',
        "ha": '"HA"',
        "hra": '"HRA"',
        "bba": '"BBA"',
        "soa": '"SOA"',
        "e": '"E"',
        "dp": '"DP"',
        "fp": '"FP"',
        "name": '"name"',
        "park": '"park"',
        "attendance": '"attendance"',
        "bpf": '"BPF"',
        "ppf": '"PPF"',
        "team_idbr": '"teamIDBR"',
        "team_i_dlahman45": '"teamIDlahman45"',
        "team_i_dretro": '"teamIDretro"',
    },
    key=("year_id", "team_id"),
    noun="team record",
    search="find_team_records",
)

TeamRecordsSortBy: TypeAlias = Literal["g", "ghome", "w", "l"]

TeamRecordsMeasure: TypeAlias = Literal[
    "g",
    "ghome",
    "w",
    "l",
    "r",
    "ab",
    "h",
    "n_2_b",
    "n_3_b",
    "hr",
    "bb",
    "so",
    "sb",
    "cs",
    "hbp",
    "sf",
    "ra",
    "er",
    "era",
    "sho",
    "sv",
    "i_pouts",
    "ha",
    "hra",
    "bba",
    "soa",
    "e",
    "dp",
    "fp",
    "attendance",
    "bpf",
    "ppf",
]

TeamRecordsGroupBy: TypeAlias = Literal[
    "lg_id",
    "franch_id",
    "div_id",
    "rank",
    "div_win",
    "wc_win",
    "lg_win",
    "ws_win",
    "cg",
    "name",
    "park",
    "team_idbr",
]


def _where(conditions: Conditions) -> tuple[str, list[Value]]:
    """Return the WHERE clause of the conditions in use, and its values in order."""
    used = [(sql, value) for sql, value in conditions if value is not None]
    clause = " AND ".join(sql for sql, _ in used)
    values: list[Value] = []
    for _, value in used:
        values += [value] if isinstance(value, str | int | float) else value
    return f" WHERE {clause}" if clause else "", values


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


def get_franchise(
    world: sqlite3.Connection,
    *,
    franch_id: str,
) -> dict[str, object]:
    """Return the one franchise with this franchise ID, all columns.

    Fails when there is none; find_franchises searches. Franchises that teams belong to.
    """
    row = _existing(world, FRANCHISES, franch_id)
    return {"row": row}


def find_franchises(
    world: sqlite3.Connection,
    *,
    franch_id: str | None = None,
    franch_name: str | None = None,
    n_aassoc: str | None = None,
    limit: int = 5,
    offset: int = 0,
) -> dict[str, object]:
    """Search franchises: those that satisfy every filter given, sorted, one page at a time.

    `total` counts all of them; `truncated` says whether more follow after this page.
    """
    conditions: Conditions = [
        ('"franchID" = ?', franch_id),
        ('"franchName" = ?', franch_name),
        ('"NAassoc" = ?', n_aassoc),
    ]
    return _page(world, FRANCHISES, conditions, limit=limit, offset=offset)


def count_franchises(
    world: sqlite3.Connection,
    *,
    franch_id: str | None = None,
    franch_name: str | None = None,
    n_aassoc: str | None = None,
) -> dict[str, object]:
    """Count the franchises that satisfy every filter given."""
    conditions: Conditions = [
        ('"franchID" = ?', franch_id),
        ('"franchName" = ?', franch_name),
        ('"NAassoc" = ?', n_aassoc),
    ]
    return {"total": _count(world, FRANCHISES, conditions)}


def group_franchises(
    world: sqlite3.Connection,
    *,
    by: FranchisesGroupBy,
    franch_id: str | None = None,
    franch_name: str | None = None,
    n_aassoc: str | None = None,
    sort_by: Literal["count"] = "count",
    order: Literal["ascending", "descending"] = "descending",
    limit: int = 5,
    offset: int = 0,
) -> dict[str, object]:
    """Group the franchises that satisfy every filter given by the values of a column, and count
    each group.

    Groups come with the largest first; `order` reverses that, ties are in ascending order of
    the value.
    """
    conditions: Conditions = [
        ('"franchID" = ?', franch_id),
        ('"franchName" = ?', franch_name),
        ('"NAassoc" = ?', n_aassoc),
    ]
    return _counts(world, FRANCHISES, by, conditions, order=order, limit=limit, offset=offset)


def get_managing_record(
    world: sqlite3.Connection,
    *,
    player_id: str,
    year_id: int,
) -> dict[str, object]:
    """Return the one managing record with this manager's ID and season, all columns.

    Fails when there is none; find_managing_records searches. Managers of teams by season.
    """
    row = _existing(world, MANAGING_RECORDS, player_id, year_id)
    return {"row": row}


def find_managing_records(
    world: sqlite3.Connection,
    *,
    player_id: str | None = None,
    year_id: int | None = None,
    team_id: str | None = None,
    lg_id: str | None = None,
    inseason: int | None = None,
    g_min: int | None = None,
    g_max: int | None = None,
    w_min: int | None = None,
    w_max: int | None = None,
    l_min: int | None = None,
    l_max: int | None = None,
    rank: int | None = None,
    sort_by: ManagingRecordsSortBy | None = None,
    order: Literal["ascending", "descending"] = "ascending",
    limit: int = 5,
    offset: int = 0,
) -> dict[str, object]:
    """Search managing records: those that satisfy every filter given, sorted, one page at a time.

    `total` counts all of them; `truncated` says whether more follow after this page.
    """
    conditions: Conditions = [
        ('"playerID" = ?', player_id),
        ('"yearID" = ?', year_id),
        ('"teamID" = ?', team_id),
        ('"lgID" = ?', lg_id),
        ('"inseason" = ?', inseason),
        ('"G" >= ?', g_min),
        ('"G" <= ?', g_max),
        ('"W" >= ?', w_min),
        ('"W" <= ?', w_max),
        ('"L" >= ?', l_min),
        ('"L" <= ?', l_max),
        ('"rank" = ?', rank),
    ]
    return _page(
        world,
        MANAGING_RECORDS,
        conditions,
        sort_by=sort_by,
        order=order,
        limit=limit,
        offset=offset,
    )


def count_managing_records(
    world: sqlite3.Connection,
    *,
    player_id: str | None = None,
    year_id: int | None = None,
    team_id: str | None = None,
    lg_id: str | None = None,
    inseason: int | None = None,
    g_min: int | None = None,
    g_max: int | None = None,
    w_min: int | None = None,
    w_max: int | None = None,
    l_min: int | None = None,
    l_max: int | None = None,
    rank: int | None = None,
) -> dict[str, object]:
    """Count the managing records that satisfy every filter given."""
    conditions: Conditions = [
        ('"playerID" = ?', player_id),
        ('"yearID" = ?', year_id),
        ('"teamID" = ?', team_id),
        ('"lgID" = ?', lg_id),
        ('"inseason" = ?', inseason),
        ('"G" >= ?', g_min),
        ('"G" <= ?', g_max),
        ('"W" >= ?', w_min),
        ('"W" <= ?', w_max),
        ('"L" >= ?', l_min),
        ('"L" <= ?', l_max),
        ('"rank" = ?', rank),
    ]
    return {"total": _count(world, MANAGING_RECORDS, conditions)}


def summarise_managing_records(
    world: sqlite3.Connection,
    *,
    column: ManagingRecordsMeasure,
    player_id: str | None = None,
    year_id: int | None = None,
    team_id: str | None = None,
    lg_id: str | None = None,
    inseason: int | None = None,
    g_min: int | None = None,
    g_max: int | None = None,
    w_min: int | None = None,
    w_max: int | None = None,
    l_min: int | None = None,
    l_max: int | None = None,
    rank: int | None = None,
) -> dict[str, object]:
    """Minimum, maximum, mean and sum of one column over the managing records that satisfy every
    filter given.

    Rows without a value are passed over; mean and sum are rounded to 4 digits.
    """
    conditions: Conditions = [
        ('"playerID" = ?', player_id),
        ('"yearID" = ?', year_id),
        ('"teamID" = ?', team_id),
        ('"lgID" = ?', lg_id),
        ('"inseason" = ?', inseason),
        ('"G" >= ?', g_min),
        ('"G" <= ?', g_max),
        ('"W" >= ?', w_min),
        ('"W" <= ?', w_max),
        ('"L" >= ?', l_min),
        ('"L" <= ?', l_max),
        ('"rank" = ?', rank),
    ]
    return _summary(world, MANAGING_RECORDS, column, conditions)


def list_managing_records_of_team_record(
    world: sqlite3.Connection,
    *,
    year_id: int,
    team_id: str,
    sort_by: ManagingRecordsSortBy | None = None,
    order: Literal["ascending", "descending"] = "ascending",
    limit: int = 5,
    offset: int = 0,
) -> dict[str, object]:
    """List the managing records of one team record, named by its season and team ID, sorted, one
    page at a time.

    Fails when there is no such team record.
    """
    _existing(world, TEAM_RECORDS, year_id, team_id)
    conditions: Conditions = [('"yearID" = ?', year_id), ('"teamID" = ?', team_id)]
    return _page(
        world,
        MANAGING_RECORDS,
        conditions,
        sort_by=sort_by,
        order=order,
        limit=limit,
        offset=offset,
    )


def group_managing_records(
    world: sqlite3.Connection,
    *,
    by: ManagingRecordsGroupBy,
    column: ManagingRecordsMeasure | None = None,
    player_id: str | None = None,
    year_id: int | None = None,
    team_id: str | None = None,
    lg_id: str | None = None,
    inseason: int | None = None,
    g_min: int | None = None,
    g_max: int | None = None,
    w_min: int | None = None,
    w_max: int | None = None,
    l_min: int | None = None,
    l_max: int | None = None,
    rank: int | None = None,
    sort_by: Figure = "count",
    order: Literal["ascending", "descending"] = "descending",
    limit: int = 5,
    offset: int = 0,
) -> dict[str, object]:
    """Group the managing records that satisfy every filter given by the values of a column, and
    count each group; with `column`, also the minimum, maximum, mean and sum of that column in
    each, mean and sum rounded to 4 digits.

    Groups come with the largest first; `order` reverses that, ties are in ascending order of
    the value.
    """
    conditions: Conditions = [
        ('"playerID" = ?', player_id),
        ('"yearID" = ?', year_id),
        ('"teamID" = ?', team_id),
        ('"lgID" = ?', lg_id),
        ('"inseason" = ?', inseason),
        ('"G" >= ?', g_min),
        ('"G" <= ?', g_max),
        ('"W" >= ?', w_min),
        ('"W" <= ?', w_max),
        ('"L" >= ?', l_min),
        ('"L" <= ?', l_max),
        ('"rank" = ?', rank),
    ]
    return _groups(
        world,
        MANAGING_RECORDS,
        by,
        column,
        conditions,
        sort_by=sort_by,
        order=order,
        limit=limit,
        offset=offset,
    )


def compare_managing_records(
    world: sqlite3.Connection,
    *,
    first_player_id: str,
    first_year_id: int,
    second_player_id: str,
    second_year_id: int,
) -> dict[str, object]:
    """Compare two managing records by what can be measured: both values, the second minus the
    first, and which is larger: first, second or neither.

    Fails when there is no such managing record.
    """
    first = _existing(world, MANAGING_RECORDS, first_player_id, first_year_id)
    second = _existing(world, MANAGING_RECORDS, second_player_id, second_year_id)
    return {"comparison": _compared(first, second, ["g", "w", "l"])}


def get_team_record(
    world: sqlite3.Connection,
    *,
    year_id: int,
    team_id: str,
) -> dict[str, object]:
    """Return the one team record with this season and team ID, all columns.

    Fails when there is none; find_team_records searches. Teams, one record per season.
    """
    row = _existing(world, TEAM_RECORDS, year_id, team_id)
    return {"row": row}


def find_team_records(
    world: sqlite3.Connection,
    *,
    year_id: int | None = None,
    lg_id: str | None = None,
    team_id: str | None = None,
    franch_id: str | None = None,
    div_id: str | None = None,
    rank: int | None = None,
    g_min: int | None = None,
    g_max: int | None = None,
    ghome_min: int | None = None,
    ghome_max: int | None = None,
    w_min: int | None = None,
    w_max: int | None = None,
    l_min: int | None = None,
    l_max: int | None = None,
    div_win: str | None = None,
    wc_win: str | None = None,
    lg_win: str | None = None,
    ws_win: str | None = None,
    cg: int | None = None,
    name: str | None = None,
    park: str | None = None,
    team_idbr: str | None = None,
    team_i_dlahman45: str | None = None,
    team_i_dretro: str | None = None,
    sort_by: TeamRecordsSortBy | None = None,
    order: Literal["ascending", "descending"] = "ascending",
    limit: int = 5,
    offset: int = 0,
) -> dict[str, object]:
    """Search team records: those that satisfy every filter given, sorted, one page at a time.

    `total` counts all of them; `truncated` says whether more follow after this page.
    """
    conditions: Conditions = [
        ('"yearID" = ?', year_id),
        ('"lgID" = ?', lg_id),
        ('"teamID" = ?', team_id),
        ('"franchID" = ?', franch_id),
        ('"divID" = ?', div_id),
        ('"Rank" = ?', rank),
        ('"G" >= ?', g_min),
        ('"G" <= ?', g_max),
        ('"Ghome" >= ?', ghome_min),
        ('"Ghome" <= ?', ghome_max),
        ('"W" >= ?', w_min),
        ('"W" <= ?', w_max),
        ('"L" >= ?', l_min),
        ('"L" <= ?', l_max),
        ('"DivWin" = ?', div_win),
        ('"WCWin" = ?', wc_win),
        ('"LgWin" = ?', lg_win),
        ('"WSWin" = ?', ws_win),
        ('"CG" = ?', cg),
        ('"name" = ?', name),
        ('"park" = ?', park),
        ('"teamIDBR" = ?', team_idbr),
        ('"teamIDlahman45" = ?', team_i_dlahman45),
        ('"teamIDretro" = ?', team_i_dretro),
    ]
    return _page(
        world,
        TEAM_RECORDS,
        conditions,
        sort_by=sort_by,
        order=order,
        limit=limit,
        offset=offset,
    )


def count_team_records(
    world: sqlite3.Connection,
    *,
    year_id: int | None = None,
    lg_id: str | None = None,
    team_id: str | None = None,
    franch_id: str | None = None,
    div_id: str | None = None,
    rank: int | None = None,
    g_min: int | None = None,
    g_max: int | None = None,
    ghome_min: int | None = None,
    ghome_max: int | None = None,
    w_min: int | None = None,
    w_max: int | None = None,
    l_min: int | None = None,
    l_max: int | None = None,
    div_win: str | None = None,
    wc_win: str | None = None,
    lg_win: str | None = None,
    ws_win: str | None = None,
    cg: int | None = None,
    name: str | None = None,
    park: str | None = None,
    team_idbr: str | None = None,
    team_i_dlahman45: str | None = None,
    team_i_dretro: str | None = None,
) -> dict[str, object]:
    """Count the team records that satisfy every filter given."""
    conditions: Conditions = [
        ('"yearID" = ?', year_id),
        ('"lgID" = ?', lg_id),
        ('"teamID" = ?', team_id),
        ('"franchID" = ?', franch_id),
        ('"divID" = ?', div_id),
        ('"Rank" = ?', rank),
        ('"G" >= ?', g_min),
        ('"G" <= ?', g_max),
        ('"Ghome" >= ?', ghome_min),
        ('"Ghome" <= ?', ghome_max),
        ('"W" >= ?', w_min),
        ('"W" <= ?', w_max),
        ('"L" >= ?', l_min),
        ('"L" <= ?', l_max),
        ('"DivWin" = ?', div_win),
        ('"WCWin" = ?', wc_win),
        ('"LgWin" = ?', lg_win),
        ('"WSWin" = ?', ws_win),
        ('"CG" = ?', cg),
        ('"name" = ?', name),
        ('"park" = ?', park),
        ('"teamIDBR" = ?', team_idbr),
        ('"teamIDlahman45" = ?', team_i_dlahman45),
        ('"teamIDretro" = ?', team_i_dretro),
    ]
    return {"total": _count(world, TEAM_RECORDS, conditions)}


def summarise_team_records(
    world: sqlite3.Connection,
    *,
    column: TeamRecordsMeasure,
    year_id: int | None = None,
    lg_id: str | None = None,
    team_id: str | None = None,
    franch_id: str | None = None,
    div_id: str | None = None,
    rank: int | None = None,
    g_min: int | None = None,
    g_max: int | None = None,
    ghome_min: int | None = None,
    ghome_max: int | None = None,
    w_min: int | None = None,
    w_max: int | None = None,
    l_min: int | None = None,
    l_max: int | None = None,
    div_win: str | None = None,
    wc_win: str | None = None,
    lg_win: str | None = None,
    ws_win: str | None = None,
    cg: int | None = None,
    name: str | None = None,
    park: str | None = None,
    team_idbr: str | None = None,
    team_i_dlahman45: str | None = None,
    team_i_dretro: str | None = None,
) -> dict[str, object]:
    """Minimum, maximum, mean and sum of one column over the team records that satisfy every filter
    given.

    Rows without a value are passed over; mean and sum are rounded to 4 digits.
    """
    conditions: Conditions = [
        ('"yearID" = ?', year_id),
        ('"lgID" = ?', lg_id),
        ('"teamID" = ?', team_id),
        ('"franchID" = ?', franch_id),
        ('"divID" = ?', div_id),
        ('"Rank" = ?', rank),
        ('"G" >= ?', g_min),
        ('"G" <= ?', g_max),
        ('"Ghome" >= ?', ghome_min),
        ('"Ghome" <= ?', ghome_max),
        ('"W" >= ?', w_min),
        ('"W" <= ?', w_max),
        ('"L" >= ?', l_min),
        ('"L" <= ?', l_max),
        ('"DivWin" = ?', div_win),
        ('"WCWin" = ?', wc_win),
        ('"LgWin" = ?', lg_win),
        ('"WSWin" = ?', ws_win),
        ('"CG" = ?', cg),
        ('"name" = ?', name),
        ('"park" = ?', park),
        ('"teamIDBR" = ?', team_idbr),
        ('"teamIDlahman45" = ?', team_i_dlahman45),
        ('"teamIDretro" = ?', team_i_dretro),
    ]
    return _summary(world, TEAM_RECORDS, column, conditions)


def list_team_records_of_franchise(
    world: sqlite3.Connection,
    *,
    franch_id: str,
    sort_by: TeamRecordsSortBy | None = None,
    order: Literal["ascending", "descending"] = "ascending",
    limit: int = 5,
    offset: int = 0,
) -> dict[str, object]:
    """List the team records of one franchise, named by its franchise ID, sorted, one page at a
    time.

    Fails when there is no such franchise.
    """
    _existing(world, FRANCHISES, franch_id)
    conditions: Conditions = [('"franchID" = ?', franch_id)]
    return _page(
        world,
        TEAM_RECORDS,
        conditions,
        sort_by=sort_by,
        order=order,
        limit=limit,
        offset=offset,
    )


def list_team_records_of_team_idbr_franchise(
    world: sqlite3.Connection,
    *,
    franch_id: str,
    sort_by: TeamRecordsSortBy | None = None,
    order: Literal["ascending", "descending"] = "ascending",
    limit: int = 5,
    offset: int = 0,
) -> dict[str, object]:
    """List the team records of one team idbr franchise, named by its franchise ID, sorted, one
    page at a time.

    Fails when there is no such franchise.
    """
    _existing(world, FRANCHISES, franch_id)
    conditions: Conditions = [('"teamIDBR" = ?', franch_id)]
    return _page(
        world,
        TEAM_RECORDS,
        conditions,
        sort_by=sort_by,
        order=order,
        limit=limit,
        offset=offset,
    )


def group_team_records(
    world: sqlite3.Connection,
    *,
    by: TeamRecordsGroupBy,
    column: TeamRecordsMeasure | None = None,
    year_id: int | None = None,
    lg_id: str | None = None,
    team_id: str | None = None,
    franch_id: str | None = None,
    div_id: str | None = None,
    rank: int | None = None,
    g_min: int | None = None,
    g_max: int | None = None,
    ghome_min: int | None = None,
    ghome_max: int | None = None,
    w_min: int | None = None,
    w_max: int | None = None,
    l_min: int | None = None,
    l_max: int | None = None,
    div_win: str | None = None,
    wc_win: str | None = None,
    lg_win: str | None = None,
    ws_win: str | None = None,
    cg: int | None = None,
    name: str | None = None,
    park: str | None = None,
    team_idbr: str | None = None,
    team_i_dlahman45: str | None = None,
    team_i_dretro: str | None = None,
    sort_by: Figure = "count",
    order: Literal["ascending", "descending"] = "descending",
    limit: int = 5,
    offset: int = 0,
) -> dict[str, object]:
    """Group the team records that satisfy every filter given by the values of a column, and count
    each group; with `column`, also the minimum, maximum, mean and sum of that column in each,
    mean and sum rounded to 4 digits.

    Groups come with the largest first; `order` reverses that, ties are in ascending order of
    the value.
    """
    conditions: Conditions = [
        ('"yearID" = ?', year_id),
        ('"lgID" = ?', lg_id),
        ('"teamID" = ?', team_id),
        ('"franchID" = ?', franch_id),
        ('"divID" = ?', div_id),
        ('"Rank" = ?', rank),
        ('"G" >= ?', g_min),
        ('"G" <= ?', g_max),
        ('"Ghome" >= ?', ghome_min),
        ('"Ghome" <= ?', ghome_max),
        ('"W" >= ?', w_min),
        ('"W" <= ?', w_max),
        ('"L" >= ?', l_min),
        ('"L" <= ?', l_max),
        ('"DivWin" = ?', div_win),
        ('"WCWin" = ?', wc_win),
        ('"LgWin" = ?', lg_win),
        ('"WSWin" = ?', ws_win),
        ('"CG" = ?', cg),
        ('"name" = ?', name),
        ('"park" = ?', park),
        ('"teamIDBR" = ?', team_idbr),
        ('"teamIDlahman45" = ?', team_i_dlahman45),
        ('"teamIDretro" = ?', team_i_dretro),
    ]
    return _groups(
        world,
        TEAM_RECORDS,
        by,
        column,
        conditions,
        sort_by=sort_by,
        order=order,
        limit=limit,
        offset=offset,
    )


def compare_team_records(
    world: sqlite3.Connection,
    *,
    first_year_id: int,
    first_team_id: str,
    second_year_id: int,
    second_team_id: str,
) -> dict[str, object]:
    """Compare two team records by what can be measured: both values, the second minus the first,
    and which is larger: first, second or neither.

    Fails when there is no such team record.
    """
    first = _existing(world, TEAM_RECORDS, first_year_id, first_team_id)
    second = _existing(world, TEAM_RECORDS, second_year_id, second_team_id)
    comparison = _compared(
        first,
        second,
        ["g", "ghome", "w", "l", "r", "ab", "h", "n_2_b", "n_3_b", "hr", "bb", "so", "sb", "cs", "hbp", "sf", "ra", "er", "era", "sho", "sv", "i_pouts", "ha", "hra", "bba", "soa", "e", "dp", "fp", "attendance", "bpf", "ppf"],
    )
    return {"comparison": comparison}
