import pytest

from astra_arena.core.canonical import Json
from astra_arena.core.errors import SpecError
from astra_arena.core.pointers import escape_token, resolve_pointer

DOCUMENT: Json = {"a/b": {"~": [10, {"c": None}]}, "": 5}


@pytest.mark.parametrize(
    ("pointer", "value"),
    [("", DOCUMENT), ("/a~1b/~0/0", 10), ("/a~1b/~0/1/c", None), ("/", 5)],
)
def test_pointers_find_values(pointer: str, value: Json) -> None:
    assert resolve_pointer(DOCUMENT, pointer) == value


@pytest.mark.parametrize("pointer", ["a", "/x", "/a~1b/~0/2", "/a~1b/~0/01", "/a~1b/~0/-1", "//0"])
def test_pointers_to_nothing_are_refused(pointer: str) -> None:
    with pytest.raises(SpecError):
        resolve_pointer(DOCUMENT, pointer)


def test_tokens_are_escaped_for_pointers() -> None:
    assert resolve_pointer({"x/~y": 1}, "/" + escape_token("x/~y")) == 1
