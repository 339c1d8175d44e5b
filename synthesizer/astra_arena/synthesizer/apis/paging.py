"""Which arguments cut a list into pages."""

from collections.abc import Sequence

from astra_arena.core.canonical import Json
from astra_arena.synthesizer.apis.action import Paging
from astra_arena.synthesizer.apis.operation import Argument
from astra_arena.synthesizer.apis.reply_shapes import types_in
from astra_arena.synthesizer.tables.naming import words_of

_SIZES = frozenset({"limit", "per page", "page size", "size", "max results", "count", "top"})
_PAGES = frozenset({"page", "page number", "page index"})
_OFFSETS = frozenset({"offset", "skip", "start", "start at"})
DEFAULT_SIZE = 30
MOST = 100


def paging_of(arguments: Sequence[Argument]) -> Paging | None:
    """Return how a list is cut into pages; `None` where it comes whole."""
    named = {
        " ".join(words_of(one.name)): one
        for one in arguments
        if types_in(one.schema) <= frozenset({"integer", "number"}) and types_in(one.schema)
    }
    size = next((one for name, one in named.items() if name in _SIZES), None)
    page = next((one for name, one in named.items() if name in _PAGES), None)
    offset = next((one for name, one in named.items() if name in _OFFSETS), None)
    if size is None and page is None and offset is None:
        return None
    first = 1
    if page is not None:
        told = _number(page.schema.get("default"), _number(page.schema.get("minimum"), -1))
        # The first page is 1 unless the document says otherwise.
        zero = told == 0 or "zero" in str(page.schema.get("description", "")).casefold()
        first = 0 if zero else 1
    usual = DEFAULT_SIZE if size is None else _number(size.schema.get("default"), DEFAULT_SIZE)
    most = MOST if size is None else _number(size.schema.get("maximum"), MOST)
    return Paging(size, page, offset, first, min(usual, most), most)


def _number(value: Json, otherwise: int) -> int:
    return int(value) if isinstance(value, int | float) else otherwise
