"""The public double at the seam: replies from a transcript take the same way as real ones."""

from astra_arena.client.authors.cache import ReplyCache
from astra_arena.client.authors.chat import ChatCall, ChatReply, Meter
from astra_arena.client.authors.chat_author import DEFAULT_REPAIRS, ChatAuthor, OnExchange
from astra_arena.client.authors.ledger import Ledger
from astra_arena.client.authors.spending import REPLY
from astra_arena.client.authors.transcript import Transcript
from astra_arena.core.canonical import JsonObject

SCRIPTED_MODEL = "scripted"


class ScriptedChat:
    """A chat model that says what its transcript says."""

    def __init__(self, transcript: Transcript) -> None:
        self.transcript = transcript

    @property
    def name(self) -> str:
        """The model's name."""
        return SCRIPTED_MODEL

    @property
    def identity(self) -> JsonObject:
        """Replies follow from the transcript's bytes."""
        return {"model": SCRIPTED_MODEL, "transcript": self.transcript.digest}

    async def complete(self, call: ChatCall, meter: Meter) -> ChatReply:
        """Return what the transcript has for this turn.

        Raises:
            TranscriptError: if it has nothing.
        """
        line = self.transcript.take(call.id, call.turn)
        attempt = meter.sent()
        reply = line.reply(call.messages)
        meter.ended(attempt, REPLY, reply.usage)
        return reply


class ScriptedAuthor(ChatAuthor):
    """Replays a transcript; parsing, validation, repair turns and the ledger are the real ones.

    Args:
        transcript: What the model says.
        ledger: As for `ChatAuthor`.
        cache: As for `ChatAuthor`; equal requests of different items would share a reply.
        repairs: As for `ChatAuthor`.
        on_exchange: As for `ChatAuthor`.
    """

    def __init__(
        self,
        transcript: Transcript,
        *,
        ledger: Ledger | None = None,
        cache: ReplyCache | None = None,
        repairs: int = DEFAULT_REPAIRS,
        on_exchange: OnExchange | None = None,
    ) -> None:
        super().__init__(
            ScriptedChat(transcript),
            ledger=ledger,
            cache=cache,
            repairs=repairs,
            on_exchange=on_exchange,
        )
        self.transcript = transcript
