"""Which model is asked and how; without a model, a transcript takes its place.

`model_arguments` reads these options from the command line.
"""

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from decimal import Decimal
from pathlib import Path

from pydantic import Field

from astra_arena.client.authors.cache import ReplyCache
from astra_arena.client.authors.chat_author import DEFAULT_REPAIRS, ChatAuthor
from astra_arena.client.authors.endpoint import (
    DEFAULT_CONCURRENCY,
    DEFAULT_RETRIES,
    DEFAULT_TIMEOUT_S,
    Endpoint,
)
from astra_arena.client.authors.ledger import Ledger
from astra_arena.client.authors.scripted_author import ScriptedAuthor
from astra_arena.client.authors.spending import Prices
from astra_arena.client.authors.transcript import Transcript, TranscriptWriter
from astra_arena.core.canonical import JsonObject
from astra_arena.core.errors import SettingsError
from astra_arena.core.model import Model


class ModelOptions(Model):
    """What the command line says about the model."""

    model: str | None = None
    base_url: str | None = None
    api_key_env: str | None = None
    concurrency: int = DEFAULT_CONCURRENCY
    retries: int = DEFAULT_RETRIES
    timeout_s: float = DEFAULT_TIMEOUT_S
    structured: bool = True
    body: JsonObject = Field(default_factory=dict)
    repairs: int = Field(default=DEFAULT_REPAIRS, ge=0)
    cache: Path | None = None
    ledger: Path | None = None
    budget_usd: Decimal | None = None
    prompt_price: Decimal | None = None
    completion_price: Decimal | None = None
    transcripts: tuple[Path, ...] = ()
    record: Path | None = None

    @property
    def prices(self) -> Prices | None:
        """What tokens cost.

        Raises:
            SettingsError: if only one of the two prices is given.
        """
        if self.prompt_price is None and self.completion_price is None:
            return None
        if self.prompt_price is None or self.completion_price is None:
            raise SettingsError("expected --prompt-price and --completion-price, got only one")
        return Prices(prompt=self.prompt_price, completion=self.completion_price)

    @property
    def endpoint(self) -> Endpoint:
        """Where the model is.

        Raises:
            SettingsError: if no model is named.
            SpecError: if a setting cannot be used.
        """
        if self.model is None:
            raise SettingsError("no model: name one with --model, or give a --transcript")
        return Endpoint.of(
            self.model,
            self.base_url,
            api_key_env=self.api_key_env,
            concurrency=self.concurrency,
            retries=self.retries,
            timeout_s=self.timeout_s,
            structured=self.structured,
            body=self.body,
        )


@asynccontextmanager
async def open_author(options: ModelOptions) -> AsyncGenerator[ChatAuthor]:
    """Open the author that the options describe; its `ledger` has the figures afterwards.

    Raises:
        SettingsError: if the options cannot be used.
        TranscriptError: if a transcript cannot be read or recorded.
        RecordError: if the ledger cannot be used.
    """
    if options.transcripts and options.model is not None:
        raise SettingsError("expected --model or --transcript, got both")
    async with AsyncExitStack() as stack:
        ledger = stack.enter_context(
            Ledger(options.ledger, prices=options.prices, budget_usd=options.budget_usd)
        )
        cache = None if options.cache is None else ReplyCache(options.cache)
        record = None
        if options.record is not None:
            record = stack.enter_context(TranscriptWriter(options.record)).add
        if options.transcripts:
            yield ScriptedAuthor(
                Transcript(*options.transcripts),
                ledger=ledger,
                cache=cache,
                repairs=options.repairs,
                on_exchange=record,
            )
            return
        # The client takes a second to import, and only those who ask a model need it.
        from astra_arena.client.authors.openai_author import OpenAIAuthor

        yield await stack.enter_async_context(
            OpenAIAuthor(
                options.endpoint,
                ledger=ledger,
                cache=cache,
                repairs=options.repairs,
                on_exchange=record,
            )
        )
