# ruff: noqa: ANN401 - what JSON and SQL hold is of any type
"""The second oracle's view of changes: what a request leaves, worked out from source and request.

Like the rest of the oracle it shares nothing with the package: it takes tools by their names.
"""

import json
from typing import Any

from tests.synthesizer.second_oracle import CHANGES, Oracle

Row = dict[str, Any]
Places = dict[tuple[str, str], Row | None]
"""What rows are afterwards, by table and key as JSON; `None` for one that is gone."""


class ChangeOracle:
    """Works out what is left when a task's changes have been made."""

    def __init__(self, oracle: Oracle) -> None:
        self._oracle = oracle

    def disagreements(self, task: dict[str, Any]) -> list[str]:
        """Return where a task's final state is not what its request leads to."""
        expected: Places = {}
        for question in _in_order(task):
            tool: str = question["tool"] or ""
            if tool.startswith(CHANGES):
                given = _given(question, task)
                for place, row in self._made(tool, given, expected).items():
                    before = expected.get(place)
                    expected[place] = row if row is None else {**(before or {}), **row}
        stated = _stated(task)
        return [
            f"{task['id']}: {place}: gold {stated.get(place)!r}, by the request {row!r}"
            for place, row in sorted(expected.items())
            if place not in stated or not self._agree(place[0], row, stated[place])
        ] + [f"{task['id']}: {place} changes unasked" for place in stated.keys() - expected.keys()]

    def _agree(self, table: str, expected: Row | None, stated: Row | None) -> bool:
        if expected is None or stated is None:
            return expected is None and stated is None
        # What a new row holds that nobody named is a value that rows of its kind have.
        silent = {column: stated[column] for column in stated.keys() - expected.keys()}
        usual = all(self._is_usual(table, column, value) for column, value in silent.items())
        given = {column: value for column, value in expected.items() if value is not None}
        return usual and given.items() <= stated.items()

    def _is_usual(self, table: str, column: str, value: Any) -> bool:
        query = f'SELECT 1 FROM "{table}" WHERE "{column}" IS ?'
        return self._oracle.db.execute(query, [value]).fetchone() is not None

    def _made(self, tool: str, given: dict[str, Any], so_far: Places) -> Places:
        """Return the rows that one call changes, with the columns that it changes."""
        verb, _, rest = tool.partition("_")
        table = self._table(rest)
        shape = self._oracle.shapes[table]
        if verb == "transfer":
            return self._transferred(table, rest.removeprefix(f"{shape.one}_"), given, so_far)
        if verb == "create":
            row = self._columns(table, given)
            return {(table, self._new_key(table, row)): row | self._key_of(table, row)}
        key = {name: given.pop(self._argument(table, name, given)) for name in shape.key}
        place = (table, _key_text(key))
        match verb:
            case "remove":
                return {place: None}
            case "cancel":
                return {place: self._cancelled(table)}
            case "assign" | "move":
                [(name, value)] = given.items()
                return {place: self._columns(table, {name.removeprefix("new_"): value})}
            case _:
                return {place: self._columns(table, given)}

    def _table(self, rest: str) -> str:
        """Return the table whose row is called what the tool's name goes on with."""
        shapes = self._oracle.shapes
        fitting = [table for table in shapes if f"{rest}_".startswith(f"{shapes[table].one}_")]
        return max(fitting, key=lambda table: len(shapes[table].one))

    def _argument(self, table: str, column: str, given: dict[str, Any]) -> str:
        fields = self._oracle.columns[table]
        return next(name for name in given if fields.get(name.removesuffix("_")) == column)

    def _columns(self, table: str, given: dict[str, Any]) -> dict[str, Any]:
        fields = self._oracle.columns[table]
        return {
            fields.get(name) or fields[name.removesuffix("_")]: value
            for name, value in given.items()
            if value is not None
        }

    def _cancelled(self, table: str) -> dict[str, Any]:
        for column in self._oracle.columns[table].values():
            query = f'SELECT DISTINCT "{column}" FROM "{table}" WHERE "{column}" LIKE \'cancel%\''
            found = self._oracle.db.execute(query).fetchall()
            if len(found) == 1:
                return {column: found[0][0]}
        raise AssertionError(f"no column of {table!r} says what is cancelled")

    def _new_key(self, table: str, row: dict[str, Any]) -> str:
        """Return the key of a new row: the next number, of what it belongs to if it is a part."""
        *above, last = self._oracle.shapes[table].key
        where = " AND ".join(f'"{name}" = ?' for name in above) or "1"
        query = f'SELECT max("{last}") FROM "{table}" WHERE {where}'
        highest = self._oracle.db.execute(query, [row[name] for name in above]).fetchone()[0]
        row.setdefault(last, (highest or 0) + 1)
        return _key_text(self._key_of(table, row))

    def _key_of(self, table: str, row: dict[str, Any]) -> dict[str, Any]:
        return {name: row[name] for name in self._oracle.shapes[table].key}

    def _transferred(self, table: str, field: str, given: dict[str, Any], so_far: Places) -> Places:
        column = self._oracle.columns[table][field]
        (key,) = self._oracle.shapes[table].key
        [amount] = [value for name, value in given.items() if name == "amount"]
        places: Places = {}
        for end, sign in (("from_", -1), ("to_", 1)):
            [whose] = [value for name, value in given.items() if name.startswith(end)]
            place = (table, _key_text({key: whose}))
            had = (so_far.get(place) or {}).get(column)
            if had is None:
                query = f'SELECT "{column}" FROM "{table}" WHERE "{key}" = ?'
                [[had]] = self._oracle.db.execute(query, [whose]).fetchall()
            places[place] = {column: round(had + sign * amount, 6)}
        return places


def _in_order(task: dict[str, Any]) -> list[dict[str, Any]]:
    pending: list[dict[str, Any]] = list(task["sub_questions"])
    ordered: list[dict[str, Any]] = []
    while pending:
        known = {one["id"] for one in ordered}
        question = next(q for q in pending if set(q.get("depends_on", ())) <= known)
        pending.remove(question)
        ordered.append(question)
    return ordered


def _given(question: dict[str, Any], task: dict[str, Any]) -> dict[str, Any]:
    """Return a call's arguments; what was read before has an oracle of its own."""
    asked: list[dict[str, Any]] = task["sub_questions"]
    answers: dict[str, Any] = {one["id"]: one["answer"]["value"] for one in asked}
    given: dict[str, Any] = dict(question["arguments"])
    for name, value in given.items():
        if isinstance(value, dict):
            given[name] = answers[value["$from"]]
    return given


def _key_text(key: dict[str, Any]) -> str:
    return json.dumps(key, sort_keys=True, separators=(",", ":"))


def _stated(task: dict[str, Any]) -> Places:
    """Return what a task's final state says of each row."""
    places: Places = {}
    state: dict[str, list[dict[str, Any]]] = task.get("final_state") or {}
    for one in state.get("assertions", ()):
        path: str = one["path"]
        _, tables, table, key, after, *column = path.split("/")
        assert (tables, after) == ("tables", "after"), one
        place = (table, key.replace("~1", "/").replace("~0", "~"))
        if not column:
            places[place] = None
            continue
        row = places.setdefault(place, {})
        assert row is not None
        row[column[0]] = one.get("equals")
    return places
