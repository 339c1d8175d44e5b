"""The author over any chat model: cache, ledger, reading, a bounded number of repair turns."""

import re
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from weakref import WeakValueDictionary

import anyio
from pydantic import BaseModel, RootModel

from astra_arena.client.authors.author import Authored, AuthorRequest, ResultT, Usage
from astra_arena.client.authors.cache import ReplyCache
from astra_arena.client.authors.chat import ChatCall, ChatModel, ChatReply
from astra_arena.client.authors.instructions import (
    instructions_digest,
    repair_messages,
    schema_instruction,
)
from astra_arena.client.authors.ledger import Ledger
from astra_arena.client.authors.replies import Reading, read_reply
from astra_arena.core.canonical import Json, JsonObject, digest_of
from astra_arena.core.errors import AuthorError, ReplyError, SpecError, TranscriptError

DEFAULT_REPAIRS = 2

_FORM = 1
"""Of cache keys: with another number every entry is a stranger."""

OnExchange = Callable[[ChatCall, tuple[ChatReply, ...]], None]
"""Told the first call and all replies of each request that is over."""


class ChatAuthor:
    """Asks a chat model until a reply is valid, a few times at most.

    Args:
        chat: Gives the raw replies.
        ledger: Counts what they cost; one in memory when absent.
        cache: Keeps what was accepted; without it everything is asked anew.
        repairs: How often a bad reply is sent back with what is wrong with it.
        on_exchange: Told each request that is over, cached ones included: `TranscriptWriter.add`.
    """

    def __init__(
        self,
        chat: ChatModel,
        *,
        ledger: Ledger | None = None,
        cache: ReplyCache | None = None,
        repairs: int = DEFAULT_REPAIRS,
        on_exchange: OnExchange | None = None,
    ) -> None:
        self._chat = chat
        self.ledger = Ledger() if ledger is None else ledger
        self._cache = cache
        self._repairs = repairs
        self._on_exchange = on_exchange
        # Equal requests wait for the first one: it is paid for once, and all get one reply.
        self._locks: WeakValueDictionary[str, anyio.Lock] = WeakValueDictionary()

    @property
    def model(self) -> str:
        """The model's name, for provenance."""
        return self._chat.name

    async def ask(self, request: AuthorRequest[ResultT]) -> Authored[ResultT]:
        """Return a validated result; there is no default.

        Raises:
            ReplyError: if no reply was usable; the item is rejected and others go on.
            ModelUnavailableError: if the model cannot be asked.
            BudgetError: if nothing more may be spent.
            TranscriptError: if a scripted author has no such reply.
            SpecError: if the prompt is no text that can be sent, or the result no object.
        """
        call = _first_call(request)
        key = self._key(request, call)
        if self._cache is None:
            return await self._ask_anew(request, call, key)
        lock = self._locks.setdefault(key, anyio.Lock())
        async with lock:
            held = self._held(self._cache, request, call, key)
            return held or await self._ask_anew(request, call, key)

    def _held(
        self, cache: ReplyCache, request: AuthorRequest[ResultT], call: ChatCall, key: str
    ) -> Authored[ResultT] | None:
        replies = cache.get(key)
        if not replies:
            return None
        reading = read_reply(replies[-1], request.result, request.check)
        if reading.value is None:
            # The rules are stricter now than when it was accepted.
            cache.drop(key)
            return None
        self._over(call, replies)
        self.ledger.asked(request.id, "cached")
        return Authored(
            value=reading.value,
            text=reading.text,
            model=self.model,
            request_digest=key,
            prompt=request.prompt,
            turns=len(replies),
            cached=True,
        )

    async def _ask_anew(
        self, request: AuthorRequest[ResultT], call: ChatCall, key: str
    ) -> Authored[ResultT]:
        replies: list[ChatReply] = []
        try:
            reading, usage = await self._converse(request, call, replies)
        except ReplyError:
            self.ledger.asked(request.id, "rejected", rejected_replies=len(replies))
            self._over(call, tuple(replies))
            raise
        except AuthorError:
            self.ledger.asked(request.id, "failed", rejected_replies=len(replies))
            raise
        self.ledger.asked(request.id, "accepted", rejected_replies=len(replies) - 1)
        reading, kept = self._kept(request, key, reading, tuple(replies))
        self._over(call, kept)
        assert reading.value is not None
        return Authored(
            value=reading.value,
            text=reading.text,
            model=self.model,
            request_digest=key,
            prompt=request.prompt,
            usage=usage,
            turns=len(kept),
        )

    async def _converse(
        self, request: AuthorRequest[ResultT], call: ChatCall, replies: list[ChatReply]
    ) -> tuple[Reading[ResultT], Usage]:
        """Take turns until a reply is valid; each one is added to `replies`."""
        usage = Usage()
        refused: tuple[str, ...] = ()
        while True:
            meter = self.ledger.meter(request.id, turn=call.turn, model=self.model)
            try:
                reply = await self._chat.complete(call, meter)
            except TranscriptError as error:
                raise _unrepaired(error, refused) from None
            replies.append(reply)
            usage += meter.usage
            reading = read_reply(reply, request.result, request.check)
            if reading.value is not None:
                return reading, usage
            if call.turn == self._repairs:
                raise _rejected(request, len(replies), reading.findings)
            refused = reading.findings
            call = _repair_call(call, request, reply, reading)

    def _kept(
        self,
        request: AuthorRequest[ResultT],
        key: str,
        reading: Reading[ResultT],
        replies: tuple[ChatReply, ...],
    ) -> tuple[Reading[ResultT], tuple[ChatReply, ...]]:
        """Keep what was accepted; where another process was first, its reply is the one."""
        if self._cache is None:
            return reading, replies
        held = self._cache.put(key, replies)
        if held != replies:
            other = read_reply(held[-1], request.result, request.check)
            if other.value is not None:
                return other, held
            self._cache.drop(key)
            self._cache.put(key, replies)
        return reading, replies

    def _over(self, call: ChatCall, replies: tuple[ChatReply, ...]) -> None:
        if self._on_exchange is not None:
            self._on_exchange(call, replies)

    def _key(self, request: AuthorRequest[ResultT], call: ChatCall) -> str:
        """Return a digest over everything that decides the reply."""
        return digest_of(
            {
                "form": _FORM,
                "chat": self._chat.identity,
                "messages": _as_json(call),
                "schema": call.schema,
                "schema_name": call.schema_name,
                "instructions": instructions_digest(request.prompt.language),
                "temperature": call.temperature,
                "seed": call.seed,
                "max_tokens": call.max_tokens,
                "sample": request.sample,
            }
        )


@lru_cache(maxsize=256)
def result_schema(model: type[BaseModel]) -> JsonObject:
    """Return the JSON Schema of a result.

    Raises:
        SpecError: if the model is not an object: endpoints accept no other root.
    """
    if issubclass(model, RootModel):
        raise SpecError(
            f"expected a model with fields as result, got {model.__name__}; wrap it in one"
        )
    return model.model_json_schema()


def _first_call(request: AuthorRequest[ResultT]) -> ChatCall:
    _require_sendable(request)
    schema = result_schema(request.result)
    return ChatCall(
        id=request.id,
        turn=0,
        messages=request.prompt.messages,
        schema_name=re.sub(r"[^A-Za-z0-9_-]", "_", request.result.__name__)[:64],
        schema=schema,
        instruction=schema_instruction(schema, request.prompt.language),
        temperature=request.temperature,
        seed=None if request.seed is None else request.seed + request.sample,
        max_tokens=request.max_tokens,
    )


def _require_sendable(request: AuthorRequest[ResultT]) -> None:
    try:
        for message in request.prompt.messages:
            message.content.encode("utf-8")
    except UnicodeEncodeError as error:
        raise SpecError(
            f"{request.id}: expected text, got a lone surrogate at character {error.start} of the "
            "prompt; see what was put into it"
        ) from None


def _repair_call(
    call: ChatCall, request: AuthorRequest[ResultT], reply: ChatReply, reading: Reading[ResultT]
) -> ChatCall:
    language = request.prompt.language
    added = repair_messages(reading.text, reading.findings, call.schema, language)
    room = call.max_tokens
    if room is not None and reply.finish_reason == "length":
        room *= 2
    return replace(call, turn=call.turn + 1, messages=(*call.messages, *added), max_tokens=room)


def _rejected(request: AuthorRequest[ResultT], count: int, findings: tuple[str, ...]) -> ReplyError:
    wanted, made = request.result.__name__, f"{count} repl{'y' if count == 1 else 'ies'}"
    return ReplyError(
        f"{request.id}: expected a valid {wanted}, got none in {made}; the last one: "
        f"{'; '.join(findings)}. A stronger model or more repair turns may help",
        findings=findings,
    )


def _unrepaired(error: TranscriptError, refused: tuple[str, ...]) -> TranscriptError:
    """Say what was wrong with the reply that a transcript has no repair of."""
    if not refused:
        return error
    return TranscriptError(f"{error.message}. The reply before was refused: {'; '.join(refused)}")


def _as_json(call: ChatCall) -> list[Json]:
    return [message.to_json() for message in call.messages]
