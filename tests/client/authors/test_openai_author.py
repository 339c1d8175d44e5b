"""Against the real client and a real HTTP server."""

import logging
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import httpx2
import pytest

from astra_arena.client.authors.author import AuthorRequest, Usage
from astra_arena.client.authors.cache import ReplyCache
from astra_arena.client.authors.endpoint import Endpoint
from astra_arena.client.authors.ledger import Ledger
from astra_arena.client.authors.openai_author import OpenAIAuthor
from astra_arena.client.authors.request_tags import tag
from astra_arena.client.authors.scripted_author import ScriptedAuthor
from astra_arena.client.authors.scripted_server import ScriptedModelServer
from astra_arena.client.authors.server_faults import (
    FAULT_KINDS,
    FaultKind,
    ServerFault,
    listed_faults,
    seeded_faults,
)
from astra_arena.client.authors.spending import Spending
from astra_arena.client.authors.transcript import Transcript, TranscriptLine, TranscriptWriter
from astra_arena.core.errors import ArenaError, ModelUnavailableError, ReplyError, SettingsError
from tests.client.authors.asking import (
    PARIS,
    Capital,
    capital_of,
    countries,
    said,
    write_transcript,
)
from tests.client.served import nowhere
from tests.support.requirement import requirement

KEY = "sk-not-to-be-written-anywhere"


@asynccontextmanager
async def author_at(
    server: ScriptedModelServer,
    *,
    ledger: Ledger | None = None,
    cache: ReplyCache | None = None,
    api_key_env: str | None = None,
    **settings: object,
) -> AsyncGenerator[OpenAIAuthor]:
    endpoint = Endpoint.of("scripted", server.base_url, api_key_env=api_key_env, **settings)
    async with OpenAIAuthor(endpoint, ledger=ledger, cache=cache) as author:
        yield author


async def ask_all(
    author: OpenAIAuthor | ScriptedAuthor, requests: Sequence[AuthorRequest[Capital]]
) -> list[str]:
    """Ask everything at once, and return the texts or the kinds of errors."""
    results = [""] * len(requests)

    async def ask(index: int, request: AuthorRequest[Capital]) -> None:
        try:
            results[index] = (await author.ask(request)).text
        except ArenaError as error:
            results[index] = type(error).__name__

    async with anyio.create_task_group() as group:
        for index, request in enumerate(requests):
            group.start_soon(ask, index, request)
    return results


def assert_agree(figures: Spending, server: ScriptedModelServer) -> None:
    """Hold the ledger to what the server counted, to the token."""
    served = server.served
    assert figures.attempts == served.requests
    assert figures.failed_attempts == served.refused + served.lost
    assert figures.unmetered == served.lost
    assert figures.prompt_tokens == served.prompt_tokens
    assert figures.completion_tokens == served.completion_tokens


@pytest.fixture
def replies(tmp_path: Path) -> Transcript:
    """Good replies for France and bad ones for Spain."""
    return write_transcript(
        tmp_path / "replies.jsonl",
        said(),
        said("no", item="Spain"),
        said(item="Spain", turn=1),
        said("never", item="Atlantis", repeats=True),
    )


@requirement("authors:endpoint")
@pytest.mark.parametrize("offers_schema", [True, False])
async def test_a_model_over_http_gives_validated_objects(
    replies: Transcript, offers_schema: bool
) -> None:
    with ScriptedModelServer(replies, offers_schema=offers_schema) as server:
        async with author_at(server) as author:
            answer = await author.ask(capital_of())
            again = await author.ask(capital_of("Spain"))
            with pytest.raises(ReplyError):
                await author.ask(capital_of("Atlantis"))
            figures = author.ledger.summary().total
    assert answer.value == Capital(city="Paris", people=2_100_000)
    assert (again.turns, answer.model) == (2, "scripted")
    assert_agree(figures, server)
    # Only the first request finds out that there is no schema.
    assert server.served.refused == (0 if offers_schema else 1)


@requirement("authors:endpoint")
async def test_a_model_that_takes_no_schema_is_told_it_in_words(tmp_path: Path) -> None:
    transcript = write_transcript(tmp_path / "t.jsonl", said(), said(item="Spain"))
    with ScriptedModelServer(transcript, offers_schema=False) as server:
        async with author_at(server) as author:
            asked = [await author.ask(capital_of(name)) for name in ("France", "Spain")]
    bare = len(capital_of("Spain").prompt.messages[0].content)
    assert [answer.usage.prompt_tokens > bare for answer in asked] == [True, True]


@requirement("authors:faults", "authors:ledger")
@pytest.mark.parametrize("kind", FAULT_KINDS)
async def test_every_fault_is_got_over_and_counted(replies: Transcript, kind: FaultKind) -> None:
    if kind == "cut_reply":
        faults = listed_faults({tag(capital_of("Spain").id): [ServerFault(kind)]})
        request = capital_of("Spain")
    else:
        faults = listed_faults({"*": [ServerFault(kind)]})
        request = capital_of()
    with anyio.fail_after(30), ScriptedModelServer(replies, faults=faults) as server:
        async with author_at(server, timeout_s=0.5, retries=2) as author:
            answer = await author.ask(request)
            figures = author.ledger.summary().total
    assert answer.text == PARIS
    assert_agree(figures, server)
    assert server.served.requests == (1 if kind == "latency" else 2)


@requirement("authors:faults", "authors:ledger")
@pytest.mark.parametrize("kind", FAULT_KINDS)
async def test_every_fault_that_lasts_is_a_typed_error(
    replies: Transcript, kind: FaultKind
) -> None:
    faults = listed_faults({"*": [ServerFault(kind)] * 20})
    asked = "Atlantis" if kind == "cut_reply" else "France"
    with anyio.fail_after(30), ScriptedModelServer(replies, faults=faults) as server:
        async with author_at(server, timeout_s=0.3, retries=1) as author:
            result = await ask_all(author, [capital_of(asked)])
            figures = author.ledger.summary().total
    expected = {"latency": PARIS, "cut_reply": "ReplyError"}
    assert result == [expected.get(kind, "ModelUnavailableError")]
    assert_agree(figures, server)


@requirement("authors:faults", "authors:ledger")
async def test_a_stormy_run_ends_as_the_transcript_says_and_the_ledger_agrees(
    tmp_path: Path,
) -> None:
    lines: list[TranscriptLine] = []
    for number, name in enumerate(countries(40)):
        good = f'{{"city":"City","people":{number}}}'
        bad = {0: (), 1: ("{broken",), 2: ("<think>?", f"[{good}]")}[number % 3]
        lines += [said(text, item=name, turn=turn) for turn, text in enumerate(bad)]
        lines.append(said(good, item=name, turn=len(bad)))
    transcript = write_transcript(tmp_path / "t.jsonl", *lines)
    requests = [capital_of(name) for name in countries(40)]
    calm = await ask_all(ScriptedAuthor(Transcript(tmp_path / "t.jsonl")), requests)
    faults = seeded_faults(5, 0.5)
    with anyio.fail_after(60), ScriptedModelServer(transcript, faults=faults) as server:
        async with author_at(server, retries=4, concurrency=16) as author:
            stormy = await ask_all(author, requests)
            figures = author.ledger.summary().total
    assert stormy == calm
    assert all(text.startswith('{"city"') for text in calm)
    assert server.served.refused > 5 < server.served.lost
    assert_agree(figures, server)
    assert figures.rejected_replies == 13 + 2 * 13
    transcript.require_spent()


@requirement("authors:concurrency")
@pytest.mark.parametrize("limit", [1, 3])
async def test_no_more_requests_are_under_way_than_allowed(tmp_path: Path, limit: int) -> None:
    names = countries(12)
    transcript = write_transcript(tmp_path / "t.jsonl", *(said(item=name) for name in names))
    faults = listed_faults({"*": [ServerFault("latency", 0.05)]})
    with ScriptedModelServer(transcript, faults=faults) as server:
        async with author_at(server, concurrency=limit) as author:
            await ask_all(author, [capital_of(name) for name in names])
    assert server.served.most_at_once == limit


@requirement("authors:faults")
async def test_retry_after_is_kept(replies: Transcript, caplog: pytest.LogCaptureFixture) -> None:
    faults = listed_faults({"*": [ServerFault("rate_limit", 0.123)]})
    with (
        ScriptedModelServer(replies, faults=faults) as server,
        caplog.at_level(logging.INFO, "openai"),
    ):
        async with author_at(server) as author:
            await author.ask(capital_of())
    assert "0.123" in caplog.text


@requirement("authors:faults")
async def test_a_server_that_asks_for_too_long_a_wait_is_unavailable(replies: Transcript) -> None:
    faults = listed_faults({"*": [ServerFault("rate_limit", 3600)]})
    with ScriptedModelServer(replies, faults=faults) as server:
        async with author_at(server) as author:
            with pytest.raises(ModelUnavailableError) as caught:
                await author.ask(capital_of())
    assert (caught.value.status, caught.value.retryable) == (429, True)
    assert server.served.requests == 1


@requirement("authors:endpoint")
async def test_an_endpoint_that_is_not_there_is_a_typed_error() -> None:
    endpoint = Endpoint.of("m", f"{nowhere()}/v1", retries=1)
    async with OpenAIAuthor(endpoint) as author:
        with pytest.raises(
            ModelUnavailableError, match="see whether --base-url is right"
        ) as caught:
            await author.ask(capital_of())
        figures = author.ledger.summary()
    assert caught.value.retryable
    assert (figures.total.attempts, figures.total.failed, figures.total.unmetered) == (2, 1, 2)


@requirement("authors:endpoint")
async def test_a_wrong_address_on_a_right_server_names_what_to_look_at(replies: Transcript) -> None:
    with ScriptedModelServer(replies) as server:
        url = server.base_url.removesuffix("/v1")
        async with OpenAIAuthor(Endpoint.of("m", url)) as author:
            with pytest.raises(ModelUnavailableError, match="--base-url and --model") as caught:
                await author.ask(capital_of())
    assert (caught.value.status, caught.value.retryable) == (404, False)


@requirement("authors:key")
async def test_the_key_is_sent_and_written_nowhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    transcript = write_transcript(tmp_path / "t.jsonl", said(), said("no", item="S", repeats=True))
    monkeypatch.setenv("SOME_KEY", KEY)
    errors: list[BaseException] = []
    with (
        caplog.at_level(logging.DEBUG),
        ScriptedModelServer(transcript, api_key=KEY) as server,
        Ledger(tmp_path / "ledger.jsonl") as ledger,
        TranscriptWriter(tmp_path / "record.jsonl") as record,
    ):
        endpoint = Endpoint.of("m", server.base_url, api_key_env="SOME_KEY")
        cache = ReplyCache(tmp_path / "cache")
        async with OpenAIAuthor(
            endpoint, ledger=ledger, cache=cache, on_exchange=record.add
        ) as author:
            assert (await author.ask(capital_of())).text == PARIS
            for request in (capital_of("S"), capital_of("nobody")):
                with pytest.raises(ArenaError) as caught:
                    await author.ask(request)
                errors.append(caught.value)
    written = [path.read_text(encoding="utf-8") for path in tmp_path.rglob("*.json*")]
    assert len(written) == 4
    said_of_it = [caplog.text, repr(endpoint), *map(repr, errors), *written]
    assert [text for text in said_of_it if KEY in text] == []


@requirement("authors:key")
async def test_a_key_that_is_missing_or_wrong_is_told(
    replies: Transcript, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SOME_KEY", raising=False)
    with pytest.raises(SettingsError, match="environment variable SOME_KEY"):
        OpenAIAuthor(Endpoint.of("m", "http://127.0.0.1:1/v1", api_key_env="SOME_KEY"))
    with ScriptedModelServer(replies, api_key=KEY) as server:
        async with author_at(server) as author:
            with pytest.raises(ModelUnavailableError, match="--api-key-env") as caught:
                await author.ask(capital_of())
    assert (caught.value.status, caught.value.retryable) == (401, False)
    assert server.served.requests == 1


@requirement("authors:server")
async def test_a_transcript_costs_the_same_in_process_and_over_http(
    replies: Transcript, tmp_path: Path
) -> None:
    requests = [capital_of(), capital_of("Spain"), capital_of("Atlantis")]
    near = ScriptedAuthor(Transcript(tmp_path / "replies.jsonl"))
    results = await ask_all(near, requests)
    with ScriptedModelServer(replies) as server:
        async with author_at(server) as far:
            assert await ask_all(far, requests) == results
            assert far.ledger.summary() == near.ledger.summary()
    assert results == [PARIS, PARIS, "ReplyError"]


@requirement("authors:server")
async def test_the_server_tells_its_models_and_its_figures(replies: Transcript) -> None:
    with ScriptedModelServer(replies) as server:
        async with author_at(server) as author, httpx2.AsyncClient() as client:
            await author.ask(capital_of())
            models = (await client.get(f"{server.base_url}/models")).json()
            figures = (await client.get(server.base_url.replace("/v1", "/served"))).json()
    assert [model["id"] for model in models["data"]] == ["scripted"]
    assert (figures["requests"], figures["replies"]) == (1, 1)
    assert server.base_url.startswith("http://127.0.0.1:")


@requirement("authors:server")
async def test_a_request_that_no_transcript_answers_stops_the_run(replies: Transcript) -> None:
    with ScriptedModelServer(replies) as server:
        async with author_at(server) as author:
            with pytest.raises(
                ModelUnavailableError, match="expected a reply to facts/Peru turn 0"
            ):
                await author.ask(capital_of("Peru"))


async def test_what_an_endpoint_offers_of_its_own_is_sent(replies: Transcript) -> None:
    with ScriptedModelServer(replies) as server:
        async with author_at(server, body={"chat_template_kwargs": {"thinking": False}}) as author:
            answer = await author.ask(capital_of())
        async with author_at(server) as author:
            assert (await author.ask(capital_of())).request_digest != answer.request_digest


async def test_usage_of_a_result_covers_its_repair_turns(replies: Transcript) -> None:
    with ScriptedModelServer(replies) as server:
        async with author_at(server) as author:
            answer = await author.ask(capital_of("Spain"))
    served = server.served
    assert answer.usage == Usage(served.prompt_tokens, served.completion_tokens)
