"""What the writes of an episode earned: the worlds as they ought to be, and nothing else changed.

Each call that wrote carries the state that it left (`CallRecord.state`), so the last one of an
environment tells how its world ended. Without such a call the world is as it was.
"""

from collections.abc import Iterator

from astra_arena.core.calls import CallRecord, StateRecord
from astra_arena.core.canonical import Json, JsonObject, same_json
from astra_arena.core.components import Component
from astra_arena.core.errors import SpecError
from astra_arena.core.pointers import escape_token, resolve_pointer
from astra_arena.core.tasks import FinalState, StateAssertion, Task

_NOTHING = FinalState()
_COUNTERS = "sqlite_sequence"
"""Where SQLite counts the rows ever inserted; a row that was is told of by itself."""


def last_states(calls: tuple[CallRecord, ...]) -> dict[str, StateRecord]:
    """Return the last state of every environment that was written to, by name."""
    return {call.environment: call.state for call in calls if call.state is not None}


def state_components(task: Task, calls: tuple[CallRecord, ...]) -> Iterator[Component]:
    """Yield `final_state` where the task wants one, and `collateral` where anything was written."""
    states = last_states(calls)
    wanted = task.final_state or _NOTHING
    if task.final_state is not None and wanted.is_graded:
        names = _named(wanted)
        right = [name for name in names if _is_right(wanted, name, states.get(name))]
        evidence: JsonObject = {"environments": list[Json](names), "right": list[Json](right)}
        value = float(len(right) == len(names))
        yield Component(name="final_state", value=value, evidence=evidence)
    if states:
        harm: JsonObject = {
            name: list[Json](collateral_changes(wanted, name, state))
            for name, state in sorted(states.items())
        }
        clean = not any(harm.values())
        evidence = {"changes": {name: places for name, places in harm.items() if places}}
        yield Component(name="collateral", value=float(clean), evidence=evidence, kind="factor")


def _named(wanted: FinalState) -> list[str]:
    return sorted({*wanted.digests, *(one.environment for one in wanted.assertions)})


def _is_right(wanted: FinalState, name: str, state: StateRecord | None) -> bool:
    if state is None:
        return False
    if state.digest == wanted.digests.get(name):
        return True
    assertions = _of(wanted, name)
    return bool(assertions) and all(_holds(one, state) for one in assertions)


def _of(wanted: FinalState, name: str) -> list[StateAssertion]:
    return [one for one in wanted.assertions if one.environment == name]


def _holds(assertion: StateAssertion, state: StateRecord) -> bool:
    try:
        return same_json(resolve_pointer(state.difference, assertion.path), assertion.equals)
    except SpecError:
        return False


def collateral_changes(wanted: FinalState, name: str, state: StateRecord) -> list[str]:
    """Return the places of a world that changed and should not have, as pointers, sorted.

    Where the task gives a digest alone, a wrong state is counted as such and not as collateral: the
    digest does not say which of the changes were wanted.
    """
    if state.digest == wanted.digests.get(name):
        return []
    assertions = _of(wanted, name)
    if not assertions and name in wanted.digests:
        return []
    if state.difference.get("truncated") is True:
        return [""]
    expected = [one.path.split("/") for one in assertions]
    ignored = [path.split("/") for path in wanted.ignored_paths]
    return [
        place
        for place in changed_places(state.difference)
        if not any(_covers(path, place.split("/")) for path in (*expected, *ignored))
    ]


def _covers(path: list[str], place: list[str]) -> bool:
    """Tell whether a pointer names a place or something around it; `*` stands for any token."""
    return len(path) <= len(place) and all(
        token in ("*", there) for token, there in zip(path, place, strict=False)
    )


def changed_places(difference: JsonObject) -> list[str]:
    """Return a pointer to everything that differs, as fine as the difference tells it.

    A changed row gives one for each column that changed, a new one each column that is not null, a
    deleted one its `after`.
    """
    places: list[str] = []
    tables = difference.get("tables")
    for table, rows in sorted(tables.items()) if isinstance(tables, dict) else ():
        if table == _COUNTERS:
            continue
        for key, change in sorted(rows.items()) if isinstance(rows, dict) else ():
            base = f"/tables/{escape_token(table)}/{escape_token(key)}/after"
            places += _changed_columns(base, change)
    values = difference.get("values")
    if isinstance(values, dict):
        places += [f"/values/{escape_token(pointer)}/after" for pointer in sorted(values)]
    return places


def _changed_columns(base: str, change: Json) -> list[str]:
    before = change.get("before") if isinstance(change, dict) else None
    after = change.get("after") if isinstance(change, dict) else None
    if not isinstance(after, dict):
        return [base]
    old = before if isinstance(before, dict) else {}
    return [
        f"{base}/{escape_token(column)}"
        for column, value in sorted(after.items())
        if not same_json(value, old.get(column))
    ]
