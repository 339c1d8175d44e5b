"""The options of a model on the command line, the same for every verb that asks one."""

import inspect
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, Concatenate, ParamSpec, TypeAlias

import typer
from pydantic import TypeAdapter, ValidationError

from astra_arena.client.authors.endpoint import (
    DEFAULT_CONCURRENCY,
    DEFAULT_RETRIES,
    DEFAULT_TIMEOUT_S,
)
from astra_arena.client.authors.model_options import ModelOptions
from astra_arena.core.canonical import JsonObject

_OwnT = ParamSpec("_OwnT")

_BODY: TypeAdapter[JsonObject] = TypeAdapter(JsonObject)


def parse_usd(text: str) -> Decimal:
    """Read an amount of money.

    Raises:
        typer.BadParameter: if it is no amount, or negative.
    """
    try:
        amount = Decimal(text)
    except InvalidOperation:
        raise typer.BadParameter(f"expected dollars like 2.50, got {text!r}") from None
    if not amount.is_finite() or amount < 0:
        raise typer.BadParameter(f"expected dollars like 2.50, got {text!r}")
    return amount


def parse_body(text: str) -> JsonObject:
    """Read the fields that each request carries besides.

    Raises:
        typer.BadParameter: if it is no JSON object.
    """
    try:
        return _BODY.validate_json(text)
    except ValidationError:
        raise typer.BadParameter(f"expected a JSON object, got {text!r}") from None


_ModelName: TypeAlias = Annotated[
    str | None, typer.Option("--model", help="The language model that writes.")
]
_BaseUrl: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--base-url",
        envvar="ARENA_MODEL_URL",
        help="OpenAI-compatible endpoint, like http://127.0.0.1:8000/v1; else the hosted one.",
    ),
]
_ApiKeyEnv: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--api-key-env",
        metavar="NAME",
        help="Environment variable with the key; OPENAI_API_KEY for the hosted endpoint.",
    ),
]
_ModelConcurrency: TypeAlias = Annotated[
    int, typer.Option("--concurrency", min=1, help="Requests to the model at once.")
]
_ModelRetries: TypeAlias = Annotated[
    int, typer.Option("--model-retries", min=0, max=20, help="Repeats of a lost request.")
]
_ModelTimeout: TypeAlias = Annotated[
    float, typer.Option("--model-timeout", help="Seconds for one reply.")
]
_ModelBody: TypeAlias = Annotated[
    JsonObject | None,
    typer.Option(
        "--model-body",
        parser=parse_body,
        metavar="JSON",
        help="Fields that each request carries besides, for what a server offers of its own.",
    ),
]
_Structured: TypeAlias = Annotated[
    bool,
    typer.Option(help="Hold replies to their JSON Schema where the endpoint can do that."),
]
_CacheFolder: TypeAlias = Annotated[
    Path | None, typer.Option("--cache", help="Folder that keeps accepted replies.")
]
_LedgerFile: TypeAlias = Annotated[
    Path | None, typer.Option("--ledger", help="File (JSONL) that says what was spent on what.")
]
_BudgetUsd: TypeAlias = Annotated[
    Decimal | None,
    typer.Option(
        "--budget-usd", parser=parse_usd, metavar="USD", help="Stop asking once this is spent."
    ),
]
_PromptPrice: TypeAlias = Annotated[
    Decimal | None,
    typer.Option(
        "--prompt-price", parser=parse_usd, metavar="USD", help="Per million tokens read."
    ),
]
_CompletionPrice: TypeAlias = Annotated[
    Decimal | None,
    typer.Option(
        "--completion-price", parser=parse_usd, metavar="USD", help="Per million tokens written."
    ),
]
_TranscriptFiles: TypeAlias = Annotated[
    list[Path] | None,
    typer.Option("--transcript", help="Replay these replies instead of a model. Repeatable."),
]
_RecordFile: TypeAlias = Annotated[
    Path | None, typer.Option("--record", help="New file for all replies, as a transcript.")
]


def takes_model(
    command: Callable[Concatenate[ModelOptions, _OwnT], None],
) -> Callable[..., None]:
    """Give a command the options of a model; it gets them as its first argument.

    Example: ``@takes_model`` above ``def verb(model: ModelOptions, source: Path) -> None``.
    """
    first, *own = inspect.signature(command, eval_str=True).parameters.values()
    options = inspect.signature(_model_options, eval_str=True).parameters
    # What is one flag, like --json, stays last in the help.
    parameters = [*own, *options.values()]

    @wraps(command)
    def run(**given: Any) -> None:  # noqa: ANN401 - what the command line gave
        chosen = _model_options(**{name: given.pop(name) for name in options})
        command(**{first.name: chosen, **given})  # pyright: ignore[reportCallIssue] - by name

    vars(run)["__signature__"] = inspect.Signature(parameters)
    run.__annotations__ = {one.name: one.annotation for one in parameters}
    return run


def _model_options(
    *,
    model: _ModelName = None,
    base_url: _BaseUrl = None,
    api_key_env: _ApiKeyEnv = None,
    concurrency: _ModelConcurrency = DEFAULT_CONCURRENCY,
    model_retries: _ModelRetries = DEFAULT_RETRIES,
    model_timeout: _ModelTimeout = DEFAULT_TIMEOUT_S,
    model_body: _ModelBody = None,
    structured: _Structured = True,
    cache: _CacheFolder = None,
    ledger: _LedgerFile = None,
    budget_usd: _BudgetUsd = None,
    prompt_price: _PromptPrice = None,
    completion_price: _CompletionPrice = None,
    transcript: _TranscriptFiles = None,
    record: _RecordFile = None,
) -> ModelOptions:
    return ModelOptions(
        model=model,
        base_url=base_url,
        api_key_env=api_key_env,
        concurrency=concurrency,
        retries=model_retries,
        timeout_s=model_timeout,
        body=model_body or {},
        structured=structured,
        cache=cache,
        ledger=ledger,
        budget_usd=budget_usd,
        prompt_price=prompt_price,
        completion_price=completion_price,
        transcripts=tuple(transcript or ()),
        record=record,
    )
