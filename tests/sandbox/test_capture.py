"""What is observed of a database: equal states have equal digests, and different ones differ."""

import sqlite3
from collections.abc import Sequence

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from astra_arena.sandbox.guest.sqlite_world import SqliteWorld
from astra_arena.sandbox.guest.world import WorldError
from astra_arena.sandbox.guest.worlds import opened_world
from tests.support.requirement import requirement

WIDE = ", ".join(f"c{number}" for number in range(130))
SCHEMA = f"""
CREATE TABLE node(
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    x UNIQUE,
    up REFERENCES node(id) ON DELETE CASCADE ON UPDATE CASCADE DEFERRABLE INITIALLY DEFERRED
);
CREATE TABLE pair(k TEXT COLLATE NOCASE, n, v, PRIMARY KEY (k, n)) WITHOUT ROWID;
CREATE TABLE heap(x, y, z AS (x || y) STORED);
CREATE TABLE "odd ""name"("rowid" TEXT, "select" REAL UNIQUE);
CREATE TABLE wide({WIDE});
CREATE TABLE log(at INTEGER PRIMARY KEY, what);
CREATE VIEW seen AS SELECT x, y FROM heap;
CREATE TRIGGER put INSTEAD OF INSERT ON seen BEGIN
    INSERT INTO heap(x, y) VALUES (new.x, new.y);
END;
CREATE TRIGGER grow AFTER INSERT ON node WHEN new.x = 3 BEGIN
    UPDATE node SET x = 30 WHERE id = new.id;
    INSERT INTO log(what) VALUES (new.id);
END;
CREATE TRIGGER early BEFORE UPDATE ON node WHEN new.x = 4 AND old.x IS NOT 4 BEGIN
    UPDATE node SET up = NULL WHERE id = old.id;
    DELETE FROM log WHERE what = old.id;
END;
CREATE TRIGGER gone AFTER DELETE ON node BEGIN INSERT INTO log(what) VALUES (-old.id); END;
INSERT INTO node(x, up) VALUES (1, 1), (2, 1), (NULL, 2);
INSERT INTO pair VALUES ('A', 1, 'one'), ('b', 1.5, x'00ff');
INSERT INTO heap(x, y) VALUES (1, 'a'), (1, 'a'), (1.0, 'a'), ('1', 'a'), (NULL, NULL);
INSERT INTO "odd ""name" VALUES ('r', 1), ('s', 2);
INSERT INTO wide(c0, c129) VALUES (1, 'last');
"""
TABLES = ("node", "pair", "heap", '"odd ""name"', "wide", "log", "sqlite_sequence")

STATEMENTS = (
    "INSERT INTO node(x, up) VALUES ({a}, {b})",
    "INSERT OR REPLACE INTO node(id, x) VALUES ({a}, {b})",
    "INSERT OR IGNORE INTO node(x) VALUES ({a})",
    "REPLACE INTO node(x, up) VALUES ({a}, NULL)",
    "UPDATE node SET id = {a} WHERE id = {b}",
    "UPDATE OR REPLACE node SET id = {a}, x = {b} WHERE x = {c}",
    "UPDATE OR FAIL node SET x = {a}",
    "UPDATE node SET x = x + {a}",
    "DELETE FROM node WHERE id = {a}",
    "DELETE FROM node",
    "INSERT INTO node(id, x) VALUES ({a}, {b}) ON CONFLICT DO UPDATE SET x = x + {c}, id = id + 9",
    "DELETE FROM sqlite_sequence",
    "INSERT OR REPLACE INTO pair VALUES ('a', {a}, {b})",
    "INSERT OR REPLACE INTO pair VALUES ('A', {a}.0, {b})",
    "INSERT INTO pair VALUES ('B', 1.5, {a}) ON CONFLICT DO UPDATE SET k = 'B', v = {a}",
    "UPDATE pair SET k = lower(k)",
    "UPDATE pair SET k = upper(k), v = {a}",
    "UPDATE OR REPLACE pair SET n = {a}",
    "DELETE FROM pair WHERE n = {a}",
    "INSERT INTO heap(x, y) VALUES ({a}, {b})",
    "INSERT INTO seen VALUES ({a}, 'v')",
    "INSERT INTO heap(rowid, x) VALUES ({a}, {b})",
    "UPDATE heap SET rowid = rowid + 10",
    "UPDATE OR REPLACE heap SET rowid = {a} WHERE rowid = {b}",
    "UPDATE heap SET x = {a} WHERE x = {b}",
    "DELETE FROM heap WHERE x = {a}",
    'UPDATE OR REPLACE "odd ""name" SET "select" = {a} WHERE "rowid" = \'r\'',
    'INSERT INTO "odd ""name" VALUES ({a}, {b})',
    "UPDATE wide SET c129 = {a}, c64 = {b}",
    "INSERT INTO wide(c64, c65) VALUES ({a}, {b})",
    "DELETE FROM wide WHERE c64 = {a}",
)

Call = tuple[Sequence[str], bool]
NUMBERS = st.integers(1, 5)


def filled(text: str, a: int, b: int, c: int) -> str:
    return text.format(a=a, b=b, c=c)


TEXTS = st.builds(filled, st.sampled_from(STATEMENTS), NUMBERS, NUMBERS, NUMBERS)
CALLS = st.tuples(st.lists(TEXTS, max_size=5), st.booleans())


def image_of(schema: str) -> bytes:
    connection = sqlite3.connect(":memory:")
    connection.executescript(schema)
    return connection.serialize()


IMAGE = image_of(SCHEMA)


def made(world: SqliteWorld, statements: Sequence[str], *, keep: bool = True) -> bytes | None:
    """Make one call; returns its trace, or `None` when it was undone."""
    db = world.begin(10**9)
    assert isinstance(db, sqlite3.Connection)
    for statement in statements:
        try:
            db.execute(statement)
        except sqlite3.IntegrityError:
            assert db.in_transaction
    if keep:
        try:
            return world.commit()
        except WorldError:
            # A deferred constraint.
            assert not world.lost
    world.undo()
    assert not world.lost
    return None


def content(world: SqliteWorld) -> str:
    """Everything that the database holds, without hidden keys."""
    db = world.begin(10**9)
    assert isinstance(db, sqlite3.Connection)
    rows = [sorted(map(repr, db.execute(f"SELECT * FROM {table}").fetchall())) for table in TABLES]
    assert world.commit() == b""
    return repr(rows)


STATES: dict[str, str] = {}
DIGESTS: dict[str, str] = {}


@requirement("sandbox:state:digest")
@given(st.lists(CALLS, max_size=6))
@example(
    [(["DELETE FROM node", "UPDATE pair SET k = lower(k)"], True), (["DELETE FROM heap"], True)]
)
@example([(["UPDATE pair SET k = lower(k)"], True), (["UPDATE pair SET k = upper(k)"], True)])
@example([(["INSERT OR IGNORE INTO node(x) VALUES (1)"], True)])
@example([(["INSERT INTO node(x, up) VALUES (3, 5)"], True)])
def test_a_digest_stands_for_one_state_and_a_state_has_one_digest(calls: list[Call]) -> None:
    world = SqliteWorld(IMAGE)
    for statements, keep in calls:
        before = world.digest()
        trace = made(world, statements, keep=keep)
        state, digest = content(world), world.digest()
        assert STATES.setdefault(state, digest) == digest
        assert DIGESTS.setdefault(digest, state) == state
        if not trace:
            assert digest == before


@given(st.lists(CALLS, max_size=6))
@example(
    [
        (["UPDATE node SET id = 1 WHERE id = 2"], False),
        (["INSERT OR IGNORE INTO node(x) VALUES (1)"], True),
    ]
)
def test_equal_calls_leave_equal_traces_whatever_was_undone_between(calls: list[Call]) -> None:
    one, other = SqliteWorld(IMAGE), SqliteWorld(IMAGE)
    for statements, keep in calls:
        trace = made(one, statements, keep=keep)
        if trace:
            assert made(other, statements) == trace
    assert one.digest() == other.digest()


def test_rows_that_come_back_leave_no_difference() -> None:
    world = SqliteWorld(IMAGE)
    start = world.digest()
    made(world, ["UPDATE heap SET x = 7", "DELETE FROM pair"])
    assert world.digest() != start
    made(world, ["DELETE FROM heap"])
    values = "(NULL, NULL), ('1', 'a'), (1.0, 'a'), (1, 'a'), (1, 'a')"
    made(world, [f"INSERT INTO heap(x, y) VALUES {values}"])
    made(world, ["INSERT INTO pair VALUES ('b', 1.5, x'00ff'), ('A', 1, 'one')"])
    assert world.digest() == start


def test_digests_of_different_worlds_differ() -> None:
    other = image_of(SCHEMA.replace("'last'", "'first'"))
    assert SqliteWorld(IMAGE).digest() != SqliteWorld(other).digest()
    assert SqliteWorld(b"").digest() == SqliteWorld(b"").digest()


def test_calls_that_write_nothing_leave_no_trace() -> None:
    world = SqliteWorld(IMAGE)
    assert made(world, ["SELECT * FROM node", "UPDATE heap SET x = 1 WHERE x = 77"]) == b""
    assert made(world, ["DELETE FROM heap WHERE 0"]) == b""
    assert made(world, ["UPDATE heap SET x = x"])


def test_counts_of_changes_are_those_of_the_tool() -> None:
    world = SqliteWorld(IMAGE)
    db = world.begin(10**9)
    assert isinstance(db, sqlite3.Connection)
    before = db.total_changes
    assert db.execute("UPDATE heap SET y = 'b'").rowcount == 5
    assert db.total_changes - before == 5
    assert db.execute("SELECT changes(), last_insert_rowid()").fetchone() == (5, 0)
    assert db.execute("INSERT INTO heap(x) VALUES (1)").lastrowid == 6
    world.commit()
    db = world.begin(10**9)
    assert isinstance(db, sqlite3.Connection)
    # What a call inserted is no business of the next one: it may be gone after a replay.
    assert db.execute("SELECT last_insert_rowid()").fetchone() == (0,)
    world.undo()


REFUSED = (
    "CREATE TABLE t(x)",
    "CREATE TEMP TABLE t(x)",
    "CREATE INDEX i ON heap(x)",
    "CREATE VIEW v AS SELECT 1",
    "CREATE TRIGGER t AFTER INSERT ON heap BEGIN SELECT 1; END",
    "CREATE VIRTUAL TABLE t USING fts5(x)",
    "ALTER TABLE heap ADD COLUMN w",
    "DROP TABLE heap",
    "DROP TRIGGER temp._arena_insert_0",
    "DROP TRIGGER _arena_delete_1",
    "DROP TABLE temp._arena_last",
    "REINDEX",
    "ANALYZE",
    "VACUUM",
    "VACUUM INTO '/tmp/copy'",
    "PRAGMA recursive_triggers=OFF",
    "PRAGMA table_info(heap)",
    "SELECT * FROM pragma_table_info('heap')",
    "ATTACH ':memory:' AS other",
    "DETACH main",
    "BEGIN",
    "COMMIT",
    "ROLLBACK",
    "SAVEPOINT s",
    "RELEASE call",
    "ROLLBACK TO call",
    "SELECT * FROM sqlite_temp_schema",
    "SELECT * FROM temp.sqlite_master",
    "SELECT id FROM temp._arena_last",
    "INSERT INTO temp._arena_last VALUES (5)",
    "SELECT _arena_was(0, 0, 1, 2)",
    "SELECT _arena_new(0, 1)",
)


@requirement("sandbox:state:rows-only")
@pytest.mark.parametrize("statement", REFUSED)
def test_tool_code_may_only_read_and_write_rows(statement: str) -> None:
    world = SqliteWorld(IMAGE)
    start = world.digest()
    db = world.begin(10**9)
    assert isinstance(db, sqlite3.Connection)
    with pytest.raises(sqlite3.Error):
        db.execute(statement).fetchall()
    world.undo()
    assert not world.lost
    assert world.digest() == start


def test_tables_that_cannot_be_observed_can_only_be_read() -> None:
    image = image_of(
        "CREATE VIRTUAL TABLE text USING fts5(x); INSERT INTO text VALUES ('emma');"
        "CREATE TABLE hidden(rowid, _rowid_, oid); INSERT INTO hidden VALUES (1, 2, 3);"
        "CREATE TABLE plain(x); ANALYZE plain;"
    )
    world = SqliteWorld(image)
    db = world.begin(10**9)
    assert isinstance(db, sqlite3.Connection)
    assert db.execute("SELECT x FROM text WHERE text MATCH 'emma'").fetchall() == [("emma",)]
    assert db.execute("SELECT * FROM hidden").fetchall() == [(1, 2, 3)]
    for statement in (
        "INSERT INTO text VALUES ('x')",
        "DELETE FROM hidden",
        "DELETE FROM sqlite_stat1",
    ):
        with pytest.raises(sqlite3.DatabaseError, match=r"not authorized|may not be modified"):
            db.execute(statement)
    world.undo()


def test_worlds_that_use_reserved_names_are_refused() -> None:
    with pytest.raises(ValueError, match="reserved"):
        opened_world("sqlite", image_of("CREATE TABLE _arena_x(y)"))
