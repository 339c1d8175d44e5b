"""How a request says over HTTP what it is for: for logs, proxies and the scripted server."""

from urllib.parse import quote, unquote

from astra_arena.client.authors.author import RequestId
from astra_arena.core.errors import SpecError

TAG_HEADER = "X-Arena-Request"
"""Holds stage, item, part, sample and turn, each quoted, with slashes between."""

_PARTS = 5


def tag(request: RequestId, turn: int = 0) -> str:
    """Return the header's value.

    >>> tag(RequestId("facts", "q 1"), 2)
    'facts/q%201//0/2'
    """
    parts = (request.stage, request.item, request.part, str(request.sample), str(turn))
    return "/".join(quote(part, safe="") for part in parts)


def parse_tag(value: str) -> tuple[RequestId, int]:
    """Return the request and turn that a header's value names.

    Raises:
        SpecError: if it is none that `tag` has made.
    """
    parts = [unquote(part) for part in value.split("/")]
    if len(parts) != _PARTS or not (parts[3].isdecimal() and parts[4].isdecimal()):
        raise SpecError(f"expected a header {TAG_HEADER} like 'stage/item/part/0/0', got {value!r}")
    stage, item, part, sample, turn = parts
    return RequestId(stage, item, part, int(sample)), int(turn)
