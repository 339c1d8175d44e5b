"""The author over any OpenAI-compatible endpoint, through the `openai` client and its retries."""

import logging
import os
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self, cast

import anyio
import openai
from openai.types.chat import ChatCompletion

from astra_arena.client.authors.author import Usage
from astra_arena.client.authors.cache import ReplyCache
from astra_arena.client.authors.chat import ChatCall, ChatReply, Meter
from astra_arena.client.authors.chat_author import DEFAULT_REPAIRS, ChatAuthor, OnExchange
from astra_arena.client.authors.endpoint import Endpoint
from astra_arena.client.authors.instructions import with_instruction
from astra_arena.client.authors.ledger import Ledger
from astra_arena.client.authors.metered_client import MeteredClient, current_meter
from astra_arena.client.authors.request_tags import TAG_HEADER, tag
from astra_arena.core.canonical import Json, JsonObject, digest_of
from astra_arena.core.errors import ModelUnavailableError, ReplyError, SettingsError

logger = logging.getLogger(__name__)

_NO_KEY = "none"
"""What local servers, which ask for no key, are sent."""

_THIS_REQUEST = frozenset({400, 413, 422})
"""Statuses that refuse what was sent; others refuse whoever sent it, or come from a sick server."""
_MAY_PASS = frozenset({408, 409, 425, 429})


class OpenAIChat:
    """A chat model at an endpoint.

    A model that can be held to a JSON Schema is; where the endpoint refuses that, the schema is
    put in words, for this and all later requests of the schema.

    Args:
        endpoint: Where the model is and how it is asked.

    Raises:
        SettingsError: if the key's environment variable is named and not set.
    """

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._slots = anyio.CapacityLimiter(endpoint.concurrency)
        self._plain: set[str] = set()
        """Digests of the schemas that the endpoint refused."""
        http = MeteredClient(attempt_seconds=endpoint.timeout_s, connections=endpoint.concurrency)
        self._client = openai.AsyncOpenAI(
            api_key=_key(endpoint),
            base_url=endpoint.base_url,
            max_retries=endpoint.retries,
            timeout=http.timeout,
            http_client=http,
        )

    @property
    def name(self) -> str:
        """The model's name."""
        return self._endpoint.model

    @property
    def identity(self) -> JsonObject:
        """Everything besides the call that decides a reply."""
        return {
            "model": self._endpoint.model,
            "base_url": str(self._client.base_url),
            "structured": self._endpoint.structured,
            "body": dict(self._endpoint.body),
        }

    async def close(self) -> None:
        """Close all connections."""
        await self._client.close()

    async def complete(self, call: ChatCall, meter: Meter) -> ChatReply:
        """Return the reply to one turn; at most `concurrency` are under way.

        Raises:
            ReplyError: if the endpoint refuses this very request.
            ModelUnavailableError: if the model cannot be asked.
            BudgetError: if nothing more may be spent.
        """
        async with self._slots:
            schema = digest_of(call.schema)
            if self._endpoint.structured and schema not in self._plain:
                try:
                    return await self._sent(call, meter, structured=True)
                except ReplyError as error:
                    logger.info("%s takes no schema %s: %s", self.name, call.schema_name, error)
                reply = await self._sent(call, meter, structured=False)
                self._plain.add(schema)
                return reply
            return await self._sent(call, meter, structured=False)

    async def _sent(self, call: ChatCall, meter: Meter, *, structured: bool) -> ChatReply:
        token = current_meter.set(meter)
        try:
            # The parameters are the client's own; its overloads cannot be met by a mapping.
            create = cast("Any", self._client.chat.completions.create)
            completion: ChatCompletion = await create(**self._parameters(call, structured))
        except openai.APIStatusError as error:
            raise self._refused(call, error) from None
        except openai.APITimeoutError:
            raise ModelUnavailableError(
                f"{call.id}: expected a reply of {self.name} within "
                f"{self._endpoint.timeout_s:g} s, got none in {self._attempts}; see "
                "whether the endpoint is up, or raise --model-timeout",
                retryable=True,
            ) from None
        except openai.APIConnectionError as error:
            raise ModelUnavailableError(
                f"{call.id}: expected a reply of {self.name} at {self._client.base_url}, got none "
                f"in {self._attempts}: {error.__cause__ or error}; see whether --base-url is right "
                "and the endpoint is up",
                retryable=True,
            ) from None
        except openai.OpenAIError as error:
            raise ModelUnavailableError(
                f"{call.id}: {self.name} cannot be asked: {error}"
            ) from None
        finally:
            current_meter.reset(token)
        return _reply(completion)

    @property
    def _attempts(self) -> str:
        count = self._endpoint.retries + 1
        return f"{count} attempt{'s' * (count > 1)}"

    def _parameters(self, call: ChatCall, structured: bool) -> dict[str, Any]:
        messages = call.messages
        if not structured and call.turn == 0:
            messages = with_instruction(messages, call.instruction)
        parameters: dict[str, Any] = {
            "model": self.name,
            "messages": [message.to_json() for message in messages],
            "temperature": call.temperature,
            "seed": call.seed,
            "max_tokens": call.max_tokens,
            "extra_body": dict(self._endpoint.body) or None,
            "extra_headers": {TAG_HEADER: tag(call.id, call.turn)} if self._endpoint.tags else None,
        }
        if structured:
            parameters["response_format"] = response_format(call)
        return {name: value for name, value in parameters.items() if value is not None}

    def _refused(self, call: ChatCall, error: openai.APIStatusError) -> Exception:
        status = error.status_code
        said = f"status {status}: {_said(error)}"
        if status in _THIS_REQUEST:
            return ReplyError(
                f"{call.id}: the endpoint refused this request: {said}", findings=(said,)
            )
        may_pass = status in _MAY_PASS or status >= 500
        remedy = _REMEDIES.get(status, "see what the endpoint says")
        return ModelUnavailableError(
            f"{call.id}: expected a reply of {self.name} at {self._client.base_url}, got {said}"
            f"{f' in {self._attempts}' if may_pass else ''}; {remedy}",
            status=status,
            retryable=may_pass,
        )


class OpenAIAuthor(ChatAuthor):
    """Asks a model at an endpoint; close it when done, or use it as a context manager.

    Args:
        endpoint: Where the model is and how it is asked.
        ledger: As for `ChatAuthor`.
        cache: As for `ChatAuthor`.
        repairs: As for `ChatAuthor`.
        on_exchange: As for `ChatAuthor`.

    Raises:
        SettingsError: if the key's environment variable is named and not set.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        ledger: Ledger | None = None,
        cache: ReplyCache | None = None,
        repairs: int = DEFAULT_REPAIRS,
        on_exchange: OnExchange | None = None,
    ) -> None:
        chat = OpenAIChat(endpoint)
        super().__init__(chat, ledger=ledger, cache=cache, repairs=repairs, on_exchange=on_exchange)
        self._openai = chat

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close all connections."""
        await self._openai.close()


def response_format(call: ChatCall) -> JsonObject:
    """Return what holds a reply to its schema.

    Strict where the schema allows it: hosted models take strict schemas only when objects are
    closed and have no optional field.
    """
    return {
        "type": "json_schema",
        "json_schema": {
            "name": call.schema_name,
            "schema": call.schema,
            "strict": _may_be_strict(call.schema),
        },
    }


def _may_be_strict(schema: Json) -> bool:
    match schema:
        case {"properties": dict() as properties}:
            required = schema.get("required", [])
            closed = schema.get("additionalProperties") is False
            whole = isinstance(required, list) and set(properties) == {str(r) for r in required}
            inner = [value for key, value in schema.items() if key != "properties"]
            return closed and whole and all(map(_may_be_strict, [*properties.values(), *inner]))
        case dict():
            open_map = schema.get("type") == "object"
            return not open_map and all(map(_may_be_strict, schema.values()))
        case list():
            return all(map(_may_be_strict, schema))
        case _:
            return True


def _key(endpoint: Endpoint) -> str:
    name = endpoint.api_key_env
    if name is None:
        return _NO_KEY
    key = os.environ.get(name, "")
    if not key:
        raise SettingsError(
            f"expected the API key in the environment variable {name}, got nothing; set it, or "
            "name another with --api-key-env (a local server needs none)"
        )
    return key


def _reply(completion: ChatCompletion) -> ChatReply:
    choice, counts = completion.choices[0], completion.usage
    usage = None if counts is None else Usage(counts.prompt_tokens, counts.completion_tokens)
    return ChatReply(choice.message.content or "", choice.finish_reason, usage)


def _said(error: openai.APIStatusError) -> str:
    body = error.body
    if isinstance(body, Mapping):
        message = cast("Mapping[str, object]", body).get("message")
        if isinstance(message, str):
            return message[:500]
    return (error.response.text or "nothing")[:500]


_REMEDIES = {
    401: "the key in --api-key-env's variable is not accepted",
    403: "the key may not use this model",
    404: "see whether --base-url and --model are right",
    429: "lower --concurrency or see to the quota, then run again: what was accepted is kept",
}
