"""Below the seam: a conversation goes to a model, one raw reply comes back, and it is counted."""

from dataclasses import dataclass
from typing import Protocol

from astra_arena.client.authors.author import RequestId, Usage
from astra_arena.client.authors.prompts import Message
from astra_arena.core.canonical import JsonObject


@dataclass(frozen=True, slots=True)
class ChatCall:
    """One turn: everything that is sent."""

    id: RequestId
    turn: int
    """0 is the request itself; repair turns follow."""
    messages: tuple[Message, ...]
    schema_name: str
    schema: JsonObject
    """What the reply has to satisfy, as JSON Schema."""
    instruction: str
    """The schema in words, for a model that cannot be held to it."""
    temperature: float | None = None
    seed: int | None = None
    max_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class ChatReply:
    """What the model said, unread."""

    text: str
    finish_reason: str | None = "stop"
    usage: Usage | None = None
    """`None`: the endpoint did not count."""


class Meter(Protocol):
    """Counts what one call costs, attempt by attempt, also those that come to nothing."""

    def sent(self) -> str:
        """Note that an attempt goes out now, and return its id.

        Raises:
            BudgetError: if nothing more may be spent; the attempt must not be made.
        """
        ...

    def ended(self, attempt: str, outcome: str, usage: Usage | None) -> None:
        """Note how an attempt ended: "reply", "status 429", "timeout", "connection", "malformed".

        `usage` is `None` where it is not known what the attempt cost.
        """
        ...


class ChatModel(Protocol):
    """Gives raw replies: an endpoint or a transcript."""

    @property
    def name(self) -> str:
        """The model's name."""
        ...

    @property
    def identity(self) -> JsonObject:
        """Everything besides the call that decides a reply: endpoint, model, base options."""
        ...

    async def complete(self, call: ChatCall, meter: Meter) -> ChatReply:
        """Return the reply to one turn.

        Raises:
            ReplyError: if the endpoint refuses this very request.
            ModelUnavailableError: if the model cannot be asked.
            BudgetError: if nothing more may be spent.
            TranscriptError: if a transcript has no such reply.
        """
        ...
