"""The model seam: a structured request becomes a validated object, or a typed error."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Generic, Protocol, TypeAlias, TypeVar

import anyio
from pydantic import BaseModel

from astra_arena.client.authors.prompts import RenderedPrompt
from astra_arena.core.canonical import JsonObject
from astra_arena.core.errors import ReplyError

ResultT = TypeVar("ResultT", bound=BaseModel)

Check: TypeAlias = Callable[[ResultT], Sequence[str]]
"""Returns what is wrong with a result that its model cannot know, in words for the model."""


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens that were read and written for a request, as the endpoint counted them."""

    prompt_tokens: int = 0
    completion_tokens: int = 0

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(
            self.prompt_tokens + other.prompt_tokens,
            self.completion_tokens + other.completion_tokens,
        )


@dataclass(frozen=True, slots=True)
class RequestId:
    """Which request of a run: the same in every run, whatever the model."""

    stage: str
    item: str
    part: str = ""
    sample: int = 0

    def __str__(self) -> str:
        parts = [self.stage, self.item, *([self.part] if self.part else [])]
        return "/".join(parts) + (f" sample {self.sample}" if self.sample else "")


@dataclass(frozen=True, slots=True)
class AuthorRequest(Generic[ResultT]):
    """What a model is asked for.

    >>> class Capital(BaseModel):
    ...     city: str
    >>> request = AuthorRequest(
    ...     stage="facts",
    ...     item="q1",
    ...     result=Capital,
    ...     prompt=RenderedPrompt((Message("user", "What is the capital of France?"),)),
    ... )
    >>> str(request.id)
    'facts/q1'
    """

    stage: str
    """The step of the pipeline, for the ledger and transcripts."""
    item: str
    """What is being made: the unit that is accepted or rejected in the end."""
    result: type[ResultT]
    """The reply must be one JSON object of this model; types are not coerced."""
    prompt: RenderedPrompt
    part: str = ""
    """Which request of this stage and item, where there are several: a sub-question's id."""
    sample: int = 0
    """Which of several independent replies to the same messages."""
    check: Check[ResultT] | None = None
    """Findings that the model is told in a repair turn; none: the result stands."""
    temperature: float | None = None
    """`None` leaves it to the endpoint; some models refuse any other."""
    seed: int | None = None
    """Sent with `sample` added, so that samples differ; endpoints may ignore it."""
    max_tokens: int | None = None
    """Of one reply; `None` leaves it to the endpoint."""

    @property
    def id(self) -> RequestId:
        """Which request this is, apart from what it says."""
        return RequestId(self.stage, self.item, self.part, self.sample)


@dataclass(frozen=True, slots=True)
class Authored(Generic[ResultT]):
    """A result that satisfies its model and its check."""

    value: ResultT
    text: str
    """The JSON that was accepted, canonical: the same bytes whenever the reply is the same."""
    model: str
    request_digest: str
    """Covers everything that decides the reply."""
    prompt: RenderedPrompt
    usage: Usage = Usage()
    """What this request cost now, repair turns and retries included; nothing when cached."""
    turns: int = 1
    """How many replies it took when it was asked."""
    cached: bool = False

    @property
    def provenance(self) -> JsonObject:
        """What an artefact says of how this was made; a run from the cache says the same."""
        return {
            "model": self.model,
            "request": self.request_digest,
            "prompt": self.prompt.provenance,
        }


class Author(Protocol):
    """Answers structured requests: `OpenAIAuthor` and `ScriptedAuthor` do."""

    @property
    def model(self) -> str:
        """The model's name, for provenance."""
        ...

    async def ask(self, request: AuthorRequest[ResultT]) -> Authored[ResultT]:
        """Return a validated result; there is no default.

        Raises:
            ReplyError: if no reply was usable; the item is rejected and others go on.
            ModelUnavailableError: if the model cannot be asked.
            BudgetError: if nothing more may be spent.
            TranscriptError: if a scripted author has no such reply.
        """
        ...


async def ask_votes(
    author: Author, request: AuthorRequest[ResultT], count: int
) -> tuple[Authored[ResultT] | ReplyError, ...]:
    """Ask for `count` independent samples at once; a vote that came to nothing stays one.

    Whoever counts the votes counts a `ReplyError` as a vote against: a judgement that could not be
    had is "not passed".

    Raises:
        AuthorError: as `Author.ask`, but for `ReplyError`.
    """
    votes: list[Authored[ResultT] | ReplyError | None] = [None] * count

    async def ask(index: int) -> None:
        try:
            votes[index] = await author.ask(replace(request, sample=request.sample + index))
        except ReplyError as error:
            votes[index] = error

    try:
        async with anyio.create_task_group() as group:
            for index in range(count):
                group.start_soon(ask, index)
    except BaseExceptionGroup as errors:
        # The first error cancels the other samples; the rest of the group says nothing more.
        raise errors.exceptions[0] from None
    return tuple(vote for vote in votes if vote is not None)
