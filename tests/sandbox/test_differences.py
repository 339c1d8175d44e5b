"""What a session changed, as data: complete, by key, and the same for equal states."""

import hashlib
import json
import sqlite3
from collections import Counter
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from astra_arena.core.canonical import Json, JsonObject, canonical_bytes, normalised, same_json
from astra_arena.core.pointers import resolve_pointer
from astra_arena.sandbox import Broke, ProcessSandbox
from astra_arena.sandbox.guest.differences import value_difference
from astra_arena.sandbox.guest.sqlite_world import SqliteWorld
from astra_arena.sandbox.replies import difference_of
from tests.sandbox.programs import program_of
from tests.sandbox.test_capture import CALLS, IMAGE, TABLES, Call, content, image_of, made
from tests.support.requirement import requirement

BY_NAME = {"node": ("id",), "pair": ("k", "n"), "log": ("at",), "sqlite_sequence": ("name",)}


def told(value: object) -> Json:
    if isinstance(value, bytes):
        return {"$bytes": hashlib.sha256(value).hexdigest()}
    return normalised(value)


def rows_of(world: SqliteWorld) -> dict[str, Counter[str]]:
    """All rows that are stored, as canonical JSON, by table."""
    db = world.begin(10**9)
    assert isinstance(db, sqlite3.Connection)
    found: dict[str, Counter[str]] = {}
    for table in TABLES:
        cursor = db.execute(f"SELECT * FROM {table}")
        names = [column[0] for column in cursor.description]
        rows = (dict(zip(names, map(told, row), strict=True)) for row in cursor)
        stored = (
            {name: row[name] for name in row if (table, name) != ("heap", "z")} for row in rows
        )
        name = table.strip('"').replace('""', '"')
        found[name] = Counter(canonical_bytes(cast("Json", row)).decode() for row in stored)
    world.undo()
    return found


START = rows_of(SqliteWorld(IMAGE))
SEEN: dict[str, JsonObject] = {}


@requirement("sandbox:state:difference")
@given(st.lists(CALLS, max_size=6))
def test_a_difference_leads_from_the_first_state_to_the_last(calls: list[Call]) -> None:
    world = SqliteWorld(IMAGE)
    for statements, keep in calls:
        made(world, statements, keep=keep)
    difference: JsonObject = normalised(world.difference())  # type: ignore[assignment]
    assert SEEN.setdefault(content(world), difference) == difference
    assert difference_of(json.dumps(difference).encode()) == difference
    now = rows_of(world)
    tables = cast("dict[str, dict[str, dict[str, Any]]]", difference["tables"])
    for table, rows in START.items():
        left = rows.copy()
        for key, entry in tables.get(table, {}).items():
            assert entry["before"] is not None or entry["after"] is not None
            for row in (entry["before"], entry["after"]):
                if row is not None and table in BY_NAME:
                    assert key == canonical_bytes({n: row[n] for n in BY_NAME[table]}).decode()
            if entry["before"] is not None:
                left[canonical_bytes(entry["before"]).decode()] -= 1
            if entry["after"] is not None:
                left[canonical_bytes(entry["after"]).decode()] += 1
        assert min(left.values(), default=0) >= 0
        assert +left == now[table]
    assert set(tables) <= set(START)


def test_rows_are_named_by_their_key_or_by_their_content() -> None:
    image = image_of(
        "CREATE TABLE keyed(id INTEGER PRIMARY KEY, x, b);"
        "CREATE TABLE loose(k TEXT PRIMARY KEY, x); CREATE TABLE bare(x, y);"
        "INSERT INTO keyed VALUES (1, 1.5, x'00ff'), (2, 'two', NULL);"
        "INSERT INTO bare VALUES (1, 'a'), (1, 'a');"
    )
    world = SqliteWorld(image)
    assert world.difference() == {"tables": {}}
    made(
        world,
        [
            "UPDATE keyed SET x = 9e999 WHERE id = 1",
            "UPDATE keyed SET id = 17 WHERE id = 2",
            "INSERT INTO loose VALUES (NULL, 1), (NULL, 2), ('k', 2.0)",
            "DELETE FROM bare",
            "INSERT INTO bare VALUES (1, 'a'), (2.0, 'b')",
        ],
    )
    blob = {"$bytes": hashlib.sha256(b"\x00\xff").hexdigest()}
    one = hashlib.sha256(b'{"x":1,"y":"a"}').hexdigest()
    two = hashlib.sha256(b'{"x":2,"y":"b"}').hexdigest()
    assert world.difference() == {
        "tables": {
            "keyed": {
                '{"id":1}': {
                    "before": {"id": 1, "x": 1.5, "b": blob},
                    "after": {"id": 1, "x": {"$real": "inf"}, "b": blob},
                },
                '{"id":17}': {"before": None, "after": {"id": 17, "x": "two", "b": None}},
                '{"id":2}': {"before": {"id": 2, "x": "two", "b": None}, "after": None},
            },
            "loose": {
                '{"k":"k"}': {"before": None, "after": {"k": "k", "x": 2}},
                '{"k":null}': {"before": None, "after": {"k": None, "x": 1}},
                '{"$n":2,"k":null}': {"before": None, "after": {"k": None, "x": 2}},
            },
            "bare": {
                f'{{"$row":"{one}"}}': {"before": {"x": 1, "y": "a"}, "after": None},
                f'{{"$row":"{two}"}}': {"before": None, "after": {"x": 2, "y": "b"}},
            },
        }
    }


@requirement("sandbox:state:difference")
def test_large_differences_are_cut_alike_for_equal_states() -> None:
    image = image_of("CREATE TABLE a(id INTEGER PRIMARY KEY, x); CREATE TABLE b(x);")
    numbers = "WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000) SELECT"
    for rows, longest in (
        (f"{numbers} i, 'x' FROM n", 2000),
        (f"{numbers} i, hex(zeroblob(200)) FROM n", 600),
    ):
        one, other = SqliteWorld(image), SqliteWorld(image)
        made(one, [f"INSERT INTO a {rows}", "INSERT INTO b VALUES (1)"])
        made(
            other,
            [
                "INSERT INTO b VALUES (1)",
                f"INSERT INTO a {rows} ORDER BY i DESC",
                "UPDATE a SET x = x",
            ],
        )
        difference = one.difference()
        assert difference == other.difference()
        assert difference["truncated"] is True
        assert list(difference["tables"]) == ["a"]
        assert 500 < len(difference["tables"]["a"]) <= longest
        assert len(json.dumps(difference, separators=(",", ":"))) < (257 << 10)


VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(0, 2) | st.sampled_from(["", "a", "~/", 1.5]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "~/", ""]), inner)
    ),
    max_leaves=12,
)
OBJECTS = st.dictionaries(st.sampled_from(["a", "b/c", "~", ""]), VALUES)


@requirement("sandbox:state:difference")
@given(OBJECTS, OBJECTS)
def test_values_that_differ_are_named_at_the_deepest_place(
    before: JsonObject, after: JsonObject
) -> None:
    difference = value_difference(before, after)
    assert "truncated" not in difference
    rebuilt = json.loads(json.dumps(before))
    for pointer, entry in difference["values"].items():
        assert ("before" in entry and "after" in entry) != ("absent" in entry)
        for side, document in (("before", before), ("after", after)):
            assert side not in entry or same_json(resolve_pointer(document, pointer), entry[side])
        place(rebuilt, pointer, entry)
    assert canonical_bytes(rebuilt) == canonical_bytes(after)
    assert bool(difference["values"]) == (canonical_bytes(before) != canonical_bytes(after))


def place(document: Json, pointer: str, entry: dict[str, Json]) -> None:
    parent, _, token = pointer.rpartition("/")
    holder, last = resolve_pointer(document, parent), token.replace("~1", "/").replace("~0", "~")
    if isinstance(holder, list):
        holder[int(last)] = entry["after"]
    elif isinstance(holder, dict) and "after" in entry:
        holder[last] = entry["after"]
    elif isinstance(holder, dict):
        del holder[last]


def test_lists_are_compared_as_wholes_when_their_lengths_differ() -> None:
    before = {"x": [1, {"y": 2}], "z": [1], "t": 1, "same": 1}
    after = {"x": [1, {"y": 3}], "z": [1, 2], "t": True, "same": 1}
    assert value_difference(before, after) == {
        "values": {
            "/t": {"before": 1, "after": True},
            "/x/1/y": {"before": 2, "after": 3},
            "/z": {"before": [1], "after": [1, 2]},
        }
    }


DEEP = """
def nest(world, *, depth):
    value = world["deep"] = {}
    for _ in range(depth):
        value["x"] = value = {}
    return {}
def odd(world):
    world["text"] = "\\ud800"
    world["long"] = 10 ** 40
    return {}
def many(world):
    world["many"] = {("k" * 1000) + str(n): n for n in range(900)}
    return {}
def show(world): return {"keys": sorted(world)}
"""


async def test_what_a_json_world_may_hold_can_be_told(tmp_path: Path) -> None:
    async with ProcessSandbox() as sandbox:
        session = await sandbox.open_session(program_of(tmp_path, DEEP, kind="json"), seed=1)
        await session.call("odd", {})
        assert await session.state_difference() == {
            "values": {
                "/long": {"after": 10**40, "absent": True},
                "/text": {"after": "\ud800", "absent": True},
            }
        }
        await session.call("many", {})
        difference = await session.state_difference()
        assert isinstance(difference, dict)
        assert difference["truncated"] is True
        await session.call("nest", {"depth": 400})
        deep = await session.state_difference()
        assert isinstance(deep, Broke)
        assert (deep.kind, deep.session_lost) == ("bad_result", False)
        await session.call("show", {})


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"[]",
        b"{}",
        b'{"rows":{}}',
        b'{"values":{"/x":{"after":NaN}}}',
        b'{"values":{"/x":{"after":1e999}}}',
        b'{"values":' + b"[" * 200 + b"]" * 200 + b"}",
        b'{"values":' + b"[" * 100_000,
        b'{"values":' + b"1" * 5000 + b"}",
    ],
)
def test_what_is_no_difference_is_refused(text: bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        difference_of(text)
