"""A raw reply becomes a validated object, or findings that the model can be told.

Reasoning before the answer, code fences and prose around it are passed over. Nothing is guessed: a
reply that was cut off, JSON that does not parse, a key that stands twice, a value of another type
and a choice between several objects are findings.
"""

import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Generic, NoReturn, TypeVar, cast

from pydantic import BaseModel, ValidationError

from astra_arena.client.authors.author import Check
from astra_arena.client.authors.chat import ChatReply
from astra_arena.core.canonical import Json, JsonObject, canonical_bytes
from astra_arena.core.errors import SpecError

MOST_CHARACTERS = 1_000_000
MOST_FINDINGS = 8

_ResultT = TypeVar("_ResultT", bound=BaseModel)

_REASONING = re.compile(r"\s*<(think|thinking|reasoning)>(.*?)</\1>", re.DOTALL)
_OPEN_REASONING = re.compile(r"\s*<(think|thinking|reasoning)>")
_END_OF_REASONING = "</think>"
"""Chat templates that open the reasoning themselves leave only its end in the reply."""
_FENCE = re.compile(r"^[ \t]*```[^\n`]*\n(.*?)^[ \t]*```[ \t]*$", re.DOTALL | re.MULTILINE)
_OBJECT_START = re.compile(r"""\{\s*(?:["'}]|\w+\s*:)""")
"""A brace with which an object begins, unlike one in prose."""


@dataclass(frozen=True, slots=True)
class Reading(Generic[_ResultT]):
    """What a reply turned out to be: a value, or what is wrong with it."""

    value: _ResultT | None
    text: str
    """The canonical JSON of a value, else the reply without its reasoning."""
    findings: tuple[str, ...] = ()


def read_reply(
    reply: ChatReply, model: type[_ResultT], check: Check[_ResultT] | None = None
) -> Reading[_ResultT]:
    """Read a reply as an object of `model`.

    Args:
        reply: The raw reply.
        model: What it has to be; types are not coerced.
        check: What else has to hold.
    """
    text = strip_reasoning(reply.text)
    refused = _unfit(reply, text)
    if refused:
        return Reading(None, text or "", (refused,))
    try:
        data = find_object(text or "")
        written = canonical_bytes(data)
        value = model.model_validate_json(written, strict=True)
    except ValidationError as error:
        return Reading(None, text or "", _told(error))
    except SpecError as error:
        return Reading(None, text or "", (error.message,))
    findings = tuple(check(value)) if check is not None else ()
    if findings:
        return Reading(None, text or "", _few(findings))
    return Reading(value, written.decode("ascii"))


def strip_reasoning(text: str) -> str | None:
    """Return a reply without the reasoning before it; `None` when there is nothing else."""
    while match := _REASONING.match(text):
        text = text[match.end() :]
    if _OPEN_REASONING.match(text):
        return None
    start = text.lstrip()[:1]
    if start not in ("{", "`") and _END_OF_REASONING in text:
        text = text.partition(_END_OF_REASONING)[2]
    return text.strip()


def find_object(text: str) -> JsonObject:
    """Return the one JSON object of a text: the whole text, in a code fence, or amid prose.

    Raises:
        SpecError: in words for the model, if there is none, a broken one, or more than one.
    """
    found = [*_objects(text)]
    if not found:
        raise SpecError("expected one JSON object, got none")
    first, *others = found
    if any(canonical_bytes(other) != canonical_bytes(first) for other in others):
        raise SpecError(f"expected one JSON object, got {len(found)} different ones")
    return first


def _unfit(reply: ChatReply, text: str | None) -> str | None:
    """Say why a reply cannot be read at all."""
    if reply.finish_reason == "length":
        return "the reply was cut off before its end: be shorter"
    if reply.finish_reason == "content_filter":
        return "the reply was withheld by a content filter"
    if text is None:
        return "the reply ended within its reasoning: reason less"
    if not text:
        return "the reply was empty"
    if len(reply.text) > MOST_CHARACTERS:
        return f"the reply had {len(reply.text)} characters: {MOST_CHARACTERS} are the most"
    return None


def _objects(text: str) -> Iterator[JsonObject]:
    if text.startswith("{") and text.endswith("}"):
        found, end = _decoded(text, 0)
        if end == len(text):
            yield found
            return
    fenced = [block for block in _FENCE.findall(text) if block.lstrip().startswith("{")]
    for block in fenced:
        found, end = _decoded(block, block.index("{"))
        if block[end:].strip():
            raise SpecError("expected one JSON object in the code fence, got more after it")
        yield found
    if not fenced:
        yield from _amid_prose(text)


def _amid_prose(text: str) -> Iterator[JsonObject]:
    position = 0
    if _is_list(text):
        raise SpecError("expected one JSON object, got a list")
    while match := _OBJECT_START.search(text, position):
        # What begins like an object has to be one: to look on inside a broken object would take
        # a part of it for the whole.
        if text[: match.start()].rstrip().endswith("["):
            raise SpecError("expected one JSON object, got one in a list")
        found, position = _decoded(text, match.start())
        yield found


def _is_list(text: str) -> bool:
    try:
        return isinstance(json.loads(text), list)
    except (ValueError, RecursionError):
        return False


def _decoded(text: str, start: int) -> tuple[JsonObject, int]:
    try:
        value, end = _DECODER.raw_decode(text, start)
    except json.JSONDecodeError as error:
        raise SpecError(
            f"the JSON object is broken at line {error.lineno} column {error.colno}: {error.msg}"
        ) from None
    except (ValueError, RecursionError) as error:
        raise SpecError(f"the JSON object cannot be read: {error}") from None
    # The text begins with a brace here.
    return cast("JsonObject", value), end


def _without_doubles(pairs: list[tuple[str, Json]]) -> JsonObject:
    found = dict(pairs)
    if len(found) < len(pairs):
        counts = Counter(name for name, _ in pairs)
        raise ValueError(f"key {counts.most_common(1)[0][0]!r} stands twice in one object")
    return found


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")


# Line breaks within texts are a common slip that leaves no doubt about what was meant.
_DECODER = json.JSONDecoder(
    strict=False, object_pairs_hook=_without_doubles, parse_constant=_refuse_constant
)


def _told(error: ValidationError) -> tuple[str, ...]:
    findings: list[str] = []
    for one in error.errors(include_url=False):
        where = "".join(f"/{part}" for part in one["loc"]) or "/"
        came = repr(one["input"])
        came = came if len(came) <= 80 else came[:77] + "..."
        told = (
            one["msg"]
            if one["type"] in ("missing", "json_invalid")
            else f"{one['msg']}, got {came}"
        )
        findings.append(f"{where}: {told}")
    return _few(tuple(findings))


def _few(findings: tuple[str, ...]) -> tuple[str, ...]:
    more = len(findings) - MOST_FINDINGS
    return findings if more <= 0 else (*findings[:MOST_FINDINGS], f"and {more} more")
