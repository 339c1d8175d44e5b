"""JSON Pointers (RFC 6901): the typed paths at which answers are found."""

import re

from astra_arena.core.canonical import Json
from astra_arena.core.errors import SpecError

_INDEX = re.compile("0|[1-9][0-9]{0,17}")


def resolve_pointer(document: Json, pointer: str) -> Json:
    """Return the value at `pointer` in `document`; the empty pointer is the whole document.

    Raises:
        SpecError: if the pointer is malformed or names nothing.
    """
    if pointer == "":
        return document
    if not pointer.startswith("/"):
        raise SpecError(f"expected a JSON Pointer starting with '/', got {pointer!r}")
    here = document
    for raw in pointer[1:].split("/"):
        token = raw.replace("~1", "/").replace("~0", "~")
        here = _step(here, token, pointer)
    return here


def _step(here: Json, token: str, pointer: str) -> Json:
    if isinstance(here, dict):
        if token in here:
            return here[token]
    elif isinstance(here, list) and _INDEX.fullmatch(token):
        index = int(token)
        if index < len(here):
            return here[index]
    raise SpecError(
        f"nothing at {pointer!r}: no {token!r} in a {type(here).__name__}", path=pointer
    )


def escape_token(token: str) -> str:
    """Return one reference token as it is spelled inside a pointer."""
    return token.replace("~", "~0").replace("/", "~1")
