"""Which row of a reply holds an answer, told by the row's other values."""

from math import isfinite

from astra_arena.core.canonical import JsonObject
from astra_arena.core.pointers import resolve_pointer
from astra_arena.core.tasks import RowSelector, Scalar


def row_of(path: str, reply: JsonObject) -> RowSelector | None:
    """Return what singles out the row that holds the answer, where a reply lists rows.

    Rows are told apart by their other values; where these do not, none is named, and the gold's
    place in the reply stands.
    """
    parts = path.split("/")
    if len(parts) != 4 or not parts[2].isdecimal():
        return None
    _, rows, place, field = parts
    listed = resolve_pointer(reply, f"/{rows}")
    if not isinstance(listed, list):
        return None
    row = listed[int(place)]
    if not isinstance(row, dict):
        return None
    equals: dict[str, Scalar] = {
        name: value
        for name, value in row.items()
        if name != field and isinstance(value, str | int | float | bool) and _is_plain(value)
    }
    chosen = [
        one
        for one in listed
        if isinstance(one, dict) and all(one.get(name) == value for name, value in equals.items())
    ]
    if not equals or len(chosen) != 1:
        return None
    return RowSelector(rows=f"/{rows}", equals=equals, field=f"/{field}", gold_rows=len(listed))


def _is_plain(value: str | float) -> bool:
    return not isinstance(value, float) or isfinite(value)
