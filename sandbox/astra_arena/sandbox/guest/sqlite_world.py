"""A world that is a database: each call is a savepoint, and what it writes is observed.

Refused to tool code: everything but reading and writing rows. Schema changes, PRAGMA, ATTACH,
transactions, the TEMP schema and tables whose rows cannot be observed.
"""

import hashlib
import sqlite3
from typing import Any

from astra_arena.sandbox.guest import determinism
from astra_arena.sandbox.guest.capture import RESERVED, Capture
from astra_arena.sandbox.guest.differences import row_difference
from astra_arena.sandbox.guest.world import WorldError

_STEPS_PER_CHECK = 10_000
# Pages beyond these are read from the image again, which is memory, too, and shared by sessions.
# Measured on 300,000 rows: as fast as 500 pages, at half the memory of a session after a full scan.
_CACHED_PAGES = 16
_CALL = "call"
_LAST = f"{RESERVED}last"


class SqliteWorld:
    """A database in memory; every call is a savepoint."""

    def __init__(self, image: bytes) -> None:
        self.size = len(image)
        self.lost = False
        self._world_digest = hashlib.sha256(image).digest()
        self._checks_left = 0
        self._in_call = False
        self._written = 0
        self._db = db = sqlite3.connect(":memory:", isolation_level=None)
        determinism.install_sql(db)
        if image:
            db.deserialize(image)
        db.execute("PRAGMA temp_store=MEMORY")
        # REPLACE fires the triggers of the rows that it deletes only so.
        db.execute("PRAGMA recursive_triggers=ON")
        db.execute("PRAGMA foreign_keys=ON")
        db.execute(f"PRAGMA cache_size={_CACHED_PAGES}")
        self._capture = Capture(db)
        db.execute(f"CREATE TEMP TABLE {_LAST}(id INTEGER PRIMARY KEY)")
        self._forget_last_row()
        self._written = db.total_changes
        db.set_authorizer(self._authorize)

    def begin(self, steps: int) -> object:
        """Open a savepoint and start the step budget."""
        db = self._reset()
        # Outside the call: setting it commits.
        db.isolation_level = None
        db.execute(f"SAVEPOINT {_CALL}")
        self._checks_left = max(1, steps // _STEPS_PER_CHECK)
        db.set_progress_handler(self._count_steps, _STEPS_PER_CHECK)
        self._in_call = True
        return db

    def commit(self) -> bytes:
        """Release the savepoint."""
        self._in_call = False
        db = self._db
        db.set_progress_handler(None, 0)
        if not db.in_transaction:
            raise WorldError("the tool ended the transaction that its call runs in")
        try:
            self._reset()
            if db.total_changes == self._written and not self._capture.counted_keys():
                db.execute(f"RELEASE {_CALL}")
                # Statements that failed may have begun to write.
                self._capture.forget_call()
                return b""
            sha = hashlib.sha256()
            self._capture.take_trace(sha.update)
            db.execute(f"RELEASE {_CALL}")
            self._forget_last_row()
        except (sqlite3.Error, ValueError) as error:
            raise WorldError(f"{type(error).__name__}: {error}") from error
        return sha.digest()

    def undo(self) -> None:
        """Roll back to the savepoint."""
        self._in_call = False
        db = self._db
        try:
            db.set_progress_handler(None, 0)
            # Some conflicts and errors end the transaction; what ran after that is there to stay.
            self.lost = not db.in_transaction
            if not self.lost:
                db.execute(f"ROLLBACK TO {_CALL}")
                db.execute(f"RELEASE {_CALL}")
                self._capture.forget_call()
                if db.total_changes != self._written:
                    self._forget_last_row()
        except sqlite3.Error:
            self.lost = True

    def out_of_steps(self) -> bool:
        """Tell whether the progress handler stopped a statement."""
        return self._checks_left <= 0

    def digest(self) -> str:
        """Return the digest of the file and of the rows that differ from it."""
        self._reset()
        return self._capture.digest(self._world_digest)

    def difference(self) -> dict[str, Any]:
        """Return the rows that differ from the file's."""
        self._reset()
        return row_difference(self._capture.differences())

    def _reset(self) -> sqlite3.Connection:
        # Tool code may have set these on the connection.
        db = self._db
        db.row_factory = None
        db.text_factory = str
        return db

    def _forget_last_row(self) -> None:
        # SQL can ask for the last key that was inserted, by a call that was undone, too.
        self._db.execute(f"INSERT OR REPLACE INTO temp.{_LAST} VALUES (0)")
        self._written = self._db.total_changes

    def _count_steps(self) -> bool:
        self._checks_left -= 1
        return self._checks_left <= 0

    def _authorize(
        self, action: int, first: str | None, second: str | None, schema: str | None, by: str | None
    ) -> int:
        if not self._in_call or by in self._capture.triggers:
            return sqlite3.SQLITE_OK
        refused = (
            (action in _REFUSED and (action, first, second) not in _ASKED_BY_FULL_TEXT)
            or (action in _WRITES and first not in self._capture.writable)
            or (action == sqlite3.SQLITE_FUNCTION and str(second).startswith(RESERVED))
            or schema == "temp"
        )
        return sqlite3.SQLITE_DENY if refused else sqlite3.SQLITE_OK


_WRITES = frozenset({sqlite3.SQLITE_INSERT, sqlite3.SQLITE_UPDATE, sqlite3.SQLITE_DELETE})
_REFUSED = frozenset(
    {
        sqlite3.SQLITE_TRANSACTION,
        sqlite3.SQLITE_SAVEPOINT,
        sqlite3.SQLITE_ATTACH,
        sqlite3.SQLITE_DETACH,
        sqlite3.SQLITE_PRAGMA,
        sqlite3.SQLITE_ANALYZE,
        sqlite3.SQLITE_REINDEX,
        sqlite3.SQLITE_ALTER_TABLE,
        sqlite3.SQLITE_CREATE_INDEX,
        sqlite3.SQLITE_CREATE_TABLE,
        sqlite3.SQLITE_CREATE_TEMP_INDEX,
        sqlite3.SQLITE_CREATE_TEMP_TABLE,
        sqlite3.SQLITE_CREATE_TEMP_TRIGGER,
        sqlite3.SQLITE_CREATE_TEMP_VIEW,
        sqlite3.SQLITE_CREATE_TRIGGER,
        sqlite3.SQLITE_CREATE_VIEW,
        sqlite3.SQLITE_CREATE_VTABLE,
        sqlite3.SQLITE_DROP_INDEX,
        sqlite3.SQLITE_DROP_TABLE,
        sqlite3.SQLITE_DROP_TEMP_INDEX,
        sqlite3.SQLITE_DROP_TEMP_TABLE,
        sqlite3.SQLITE_DROP_TEMP_TRIGGER,
        sqlite3.SQLITE_DROP_TEMP_VIEW,
        sqlite3.SQLITE_DROP_TRIGGER,
        sqlite3.SQLITE_DROP_VIEW,
        sqlite3.SQLITE_DROP_VTABLE,
    }
)
# A full-text index asks this of itself when it is searched.
_ASKED_BY_FULL_TEXT = frozenset({(sqlite3.SQLITE_PRAGMA, "data_version", None)})
