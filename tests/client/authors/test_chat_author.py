import json
from dataclasses import replace
from pathlib import Path

import anyio
import pytest
from pydantic import RootModel

from astra_arena.client.authors.author import AuthorRequest, Usage, ask_votes
from astra_arena.client.authors.cache import ReplyCache
from astra_arena.client.authors.chat import ChatCall, ChatReply, Meter
from astra_arena.client.authors.chat_author import ChatAuthor
from astra_arena.client.authors.ledger import Ledger
from astra_arena.client.authors.prompts import Message, RenderedPrompt
from astra_arena.client.authors.scripted_author import ScriptedAuthor
from astra_arena.core.canonical import JsonObject
from astra_arena.core.errors import ReplyError, SpecError, TranscriptError
from tests.client.authors.asking import PARIS, Capital, capital_of, said, scripted, write_transcript
from tests.support.requirement import requirement


class ListeningChat:
    """Replies from a list, and keeps what it was asked."""

    name = "listening"

    def __init__(self, *texts: str, finish_reason: str = "stop") -> None:
        self.identity: JsonObject = {"model": self.name}
        self.calls: list[ChatCall] = []
        self._texts = list(texts)
        self._finish_reason = finish_reason

    async def complete(self, call: ChatCall, meter: Meter) -> ChatReply:
        attempt = meter.sent()
        self.calls.append(call)
        await anyio.lowlevel.checkpoint()
        meter.ended(attempt, "reply", Usage(10, 1))
        text = self._texts[min(len(self.calls), len(self._texts)) - 1]
        return ChatReply(text, self._finish_reason, Usage(10, 1))


@requirement("authors:typed")
async def test_a_valid_reply_becomes_the_object_that_was_asked_for(tmp_path: Path) -> None:
    answer = await scripted(tmp_path, said(f"Sure: {PARIS}")).ask(capital_of())
    assert answer.value == Capital(city="Paris", people=2_100_000)
    assert (answer.text, answer.turns, answer.cached) == (PARIS, 1, False)


@requirement("authors:typed", "authors:repair")
async def test_a_bad_reply_is_sent_back_with_what_is_wrong_with_it() -> None:
    chat = ListeningChat('{"city":"Paris","people":"many"}', PARIS)
    answer = await ChatAuthor(chat).ask(capital_of())
    assert (answer.turns, answer.usage) == (2, Usage(20, 2))
    request, bad, findings = chat.calls[1].messages
    assert request == chat.calls[0].messages[0]
    assert bad == Message("assistant", '{"city":"Paris","people":"many"}')
    assert "/people: Input should be a valid integer" in findings.content
    assert '"properties"' in findings.content


@requirement("authors:repair")
async def test_repair_turns_speak_the_language_of_the_prompt() -> None:
    chat = ListeningChat("不知道", PARIS)
    await ChatAuthor(chat).ask(capital_of("法国", language="zh"))
    assert "你的上一条回复无法使用" in chat.calls[1].messages[-1].content


@requirement("authors:repair")
async def test_a_reply_that_was_cut_off_gets_more_room() -> None:
    chat = ListeningChat(PARIS, finish_reason="length")
    with pytest.raises(ReplyError, match="cut off"):
        await ChatAuthor(chat).ask(replace(capital_of(), max_tokens=100))
    assert [call.max_tokens for call in chat.calls] == [100, 200, 400]


@requirement("authors:typed", "authors:repair")
async def test_a_model_that_never_gets_it_right_is_a_typed_error(tmp_path: Path) -> None:
    author = scripted(tmp_path, said("Paris, of course.", repeats=True))
    with pytest.raises(ReplyError) as caught:
        await author.ask(capital_of())
    assert caught.value.findings == ("expected one JSON object, got none",)
    assert str(caught.value).startswith("facts/France: expected a valid Capital, got none in 3 rep")
    stage = author.ledger.summary().stages["facts"]
    assert (stage.rejected, stage.rejected_replies, stage.attempts) == (1, 3, 3)


async def test_what_the_check_finds_is_told_to_the_model() -> None:
    chat = ListeningChat('{"city":"Atlantis","people":1}', PARIS)

    def check(capital: Capital) -> list[str]:
        return [] if capital.city == "Paris" else [f"there is no {capital.city}"]

    answer = await ChatAuthor(chat).ask(replace(capital_of(), check=check))
    assert answer.value.city == "Paris"
    assert "- there is no Atlantis" in chat.calls[1].messages[-1].content


@requirement("authors:cache")
async def test_a_cached_result_has_the_same_bytes_and_costs_nothing(tmp_path: Path) -> None:
    lines = (said("no"), said(turn=1))
    first = ScriptedAuthor(
        write_transcript(tmp_path / "t.jsonl", *lines), cache=ReplyCache(tmp_path / "cache")
    )
    answer = await first.ask(capital_of())
    again = ScriptedAuthor(
        write_transcript(tmp_path / "t.jsonl", *lines), cache=ReplyCache(tmp_path / "cache")
    )
    cached = await again.ask(capital_of())
    assert cached == replace(answer, cached=True, usage=Usage())
    assert cached.text.encode() == answer.text.encode()
    assert json.dumps(cached.provenance) == json.dumps(answer.provenance)
    total = again.ledger.summary().total
    assert (total.requests, total.cached, total.attempts, total.prompt_tokens) == (1, 1, 0, 0)


@requirement("authors:cache")
async def test_whatever_decides_the_reply_decides_the_key(tmp_path: Path) -> None:
    class City(Capital):
        river: str = ""

    base = capital_of()
    variants = [
        base,
        capital_of("Spain"),
        capital_of(language="zh"),
        replace(base, sample=1),
        replace(base, temperature=0.5),
        replace(base, seed=3),
        replace(base, max_tokens=50),
    ]
    chat = ListeningChat(PARIS)
    author = ChatAuthor(chat, cache=ReplyCache(tmp_path))
    digests = {(await author.ask(one)).request_digest for one in variants}
    other_form = AuthorRequest(base.stage, base.item, City, base.prompt)
    digests.add((await author.ask(other_form)).request_digest)
    chat.identity = {"model": "another"}
    digests.add((await author.ask(base)).request_digest)
    assert len(digests) == len(variants) + 2 == len(chat.calls)
    same = await author.ask(replace(base, stage="other", item="other"))
    assert same.cached


@requirement("authors:cache")
async def test_failures_are_never_cached(tmp_path: Path) -> None:
    cache = ReplyCache(tmp_path)
    with pytest.raises(ReplyError):
        await ChatAuthor(ListeningChat("no"), cache=cache).ask(capital_of())
    answer = await ChatAuthor(ListeningChat(PARIS), cache=cache).ask(capital_of())
    assert not answer.cached


@requirement("authors:cache")
async def test_a_cached_reply_that_a_stricter_check_refuses_is_asked_anew(tmp_path: Path) -> None:
    cache = ReplyCache(tmp_path)
    await ChatAuthor(ListeningChat(PARIS), cache=cache).ask(capital_of())

    def check(capital: Capital) -> list[str]:
        return [] if capital.city == "Lyon" else ["it is Lyon"]

    lyon = '{"city":"Lyon","people":1}'
    request = replace(capital_of(), check=check)
    answer = await ChatAuthor(ListeningChat(lyon), cache=cache).ask(request)
    assert (answer.text, answer.cached) == (lyon, False)
    assert (await ChatAuthor(ListeningChat(PARIS), cache=cache).ask(request)).text == lyon


@requirement("authors:cache")
async def test_equal_requests_at_once_are_paid_for_once(tmp_path: Path) -> None:
    chat = ListeningChat(PARIS)
    author = ChatAuthor(chat, cache=ReplyCache(tmp_path))
    async with anyio.create_task_group() as group:
        for _ in range(5):
            group.start_soon(author.ask, capital_of())
    assert len(chat.calls) == 1
    total = author.ledger.summary().total
    assert (total.requests, total.cached, total.attempts) == (5, 4, 1)


async def test_a_missing_transcript_entry_is_no_rejected_item(tmp_path: Path) -> None:
    author = scripted(tmp_path, said())
    with pytest.raises(TranscriptError):
        await author.ask(capital_of("Spain"))
    total = author.ledger.summary().total
    assert (total.failed, total.rejected, total.attempts) == (1, 0, 0)


@requirement("authors:votes")
async def test_votes_are_independent_and_one_that_came_to_nothing_stays_one(tmp_path: Path) -> None:
    author = scripted(tmp_path, said(), said("?", sample=1, repeats=True), said(sample=2))
    votes = await ask_votes(author, capital_of(), 3)
    assert [type(vote) is ReplyError for vote in votes] == [False, True, False]
    with pytest.raises(TranscriptError):
        await ask_votes(author, capital_of(), 4)


async def test_samples_differ_in_their_seed() -> None:
    chat = ListeningChat(PARIS)
    await ask_votes(ChatAuthor(chat), replace(capital_of(), seed=7), 3)
    assert sorted(call.seed or 0 for call in chat.calls) == [7, 8, 9]


async def test_what_cannot_be_asked_is_refused_before_anything_is_sent() -> None:
    class Cities(RootModel[list[str]]):
        pass

    author = ChatAuthor(ListeningChat(PARIS))
    request = capital_of()
    broken = RenderedPrompt((Message("user", "\ud800"),))
    with pytest.raises(SpecError, match="lone surrogate"):
        await author.ask(replace(request, prompt=broken))
    with pytest.raises(SpecError, match="wrap it"):
        await author.ask(AuthorRequest(stage="s", item="i", result=Cities, prompt=request.prompt))
    assert author.ledger.summary().total.attempts == 0


async def test_a_ledger_given_to_an_author_is_the_one_it_writes(tmp_path: Path) -> None:
    with Ledger(tmp_path / "ledger.jsonl") as ledger:
        await ChatAuthor(ListeningChat(PARIS), ledger=ledger).ask(capital_of())
        assert ledger.summary().total.prompt_tokens == 10
