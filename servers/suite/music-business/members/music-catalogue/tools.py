"""Tools over albums, artists, genres, media types and tracks.

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

MEDIA_TYPES = Table(
    sql='"media_types"',
    columns={
        "media_type_id": '"media_type_id"',
        "name": '"name"',
    },
    key=("media_type_id",),
    noun="media type",
    search="find_media_types",
)

TRACKS = Table(
    sql='"tracks"',
    columns={
        "track_id": '"track_id"',
        "name": '"name"',
        "album_id": '"album_id"',
        "media_type_id": '"media_type_id"',
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

TracksGroupBy: TypeAlias = Literal["album_id", "media_type_id", "genre_id", "composer"]


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


def get_media_type(
    world: sqlite3.Connection,
    *,
    media_type_id: int,
) -> dict[str, object]:
    """Return the one media type with this media type ID, all columns.

    Fails when there is none; find_media_types searches. Formats in which tracks are sold.
    """
    row = _existing(world, MEDIA_TYPES, media_type_id)
    return {"row": row}


def find_media_types(
    world: sqlite3.Connection,
    *,
    media_type_id: int | None = None,
    name: str | None = None,
    limit: int = 5,
    offset: int = 0,
) -> dict[str, object]:
    """Search media types: those that satisfy every filter given, sorted, one page at a time.

    `total` counts all of them; `truncated` says whether more follow after this page.
    """
    conditions: Conditions = [
        ('"media_type_id" = ?', media_type_id),
        ('"name" = ?', name),
    ]
    return _page(world, MEDIA_TYPES, conditions, limit=limit, offset=offset)


def count_media_types(
    world: sqlite3.Connection,
    *,
    media_type_id: int | None = None,
    name: str | None = None,
) -> dict[str, object]:
    """Count the media types that satisfy every filter given."""
    conditions: Conditions = [
        ('"media_type_id" = ?', media_type_id),
        ('"name" = ?', name),
    ]
    return {"total": _count(world, MEDIA_TYPES, conditions)}


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
    media_type_id: int | None = None,
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
        ('"media_type_id" = ?', media_type_id),
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
    media_type_id: int | None = None,
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
        ('"media_type_id" = ?', media_type_id),
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
    media_type_id: int | None = None,
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
        ('"media_type_id" = ?', media_type_id),
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


def list_tracks_of_media_type(
    world: sqlite3.Connection,
    *,
    media_type_id: int,
    sort_by: TracksSortBy | None = None,
    order: Literal["ascending", "descending"] = "ascending",
    limit: int = 5,
    offset: int = 0,
) -> dict[str, object]:
    """List the tracks of one media type, named by its media type ID, sorted, one page at a time.

    Fails when there is no such media type.
    """
    _existing(world, MEDIA_TYPES, media_type_id)
    conditions: Conditions = [('"media_type_id" = ?', media_type_id)]
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
    media_type_id: int | None = None,
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
        ('"media_type_id" = ?', media_type_id),
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
