from pathlib import Path

import pytest

from astra_arena.client.authors.author import RequestId, Usage
from astra_arena.client.authors.prompts import Message
from astra_arena.client.authors.scripted_author import ScriptedAuthor
from astra_arena.client.authors.transcript import Transcript, TranscriptWriter, counted
from astra_arena.core.errors import ReplyError, TranscriptError
from tests.client.authors.asking import PARIS, capital_of, said, write_transcript
from tests.support.requirement import requirement

FRANCE = RequestId("facts", "France")


@requirement("authors:transcripts")
def test_lines_are_found_whatever_their_order_and_file(tmp_path: Path) -> None:
    write_transcript(tmp_path / "a.jsonl", said(turn=1), said("no"))
    write_transcript(tmp_path / "b.jsonl", said("三", item="中国", part="x", sample=2))
    transcript = Transcript(tmp_path / "a.jsonl", tmp_path / "b.jsonl")
    assert len(transcript) == 3
    assert transcript.take(FRANCE, 1).text == PARIS
    assert transcript.take(RequestId("facts", "中国", "x", 2), 0).text == "三"
    assert transcript.unused() == ("facts/France turn 0",)


@requirement("authors:transcripts")
def test_a_reply_that_is_not_there_is_named_beside_what_is(tmp_path: Path) -> None:
    transcript = write_transcript(tmp_path / "t.jsonl", said("no"))
    with pytest.raises(TranscriptError, match=r"facts/France turn 1 .* there is facts/France tu"):
        transcript.take(FRANCE, 1)


@requirement("authors:transcripts")
async def test_what_was_wrong_with_a_reply_is_told_when_its_repair_is_not_there(
    tmp_path: Path,
) -> None:
    author = ScriptedAuthor(write_transcript(tmp_path / "t.jsonl", said("no")))
    with pytest.raises(
        TranscriptError, match=r"turn 1 .* The reply before was refused: .*got none"
    ):
        await author.ask(capital_of())


@requirement("authors:transcripts")
def test_replies_that_nobody_asked_for_are_an_error(tmp_path: Path) -> None:
    transcript = write_transcript(tmp_path / "t.jsonl", said(), said(item="Spain"))
    transcript.take(FRANCE, 0)
    with pytest.raises(TranscriptError, match=r"1 replies .* facts/Spain turn 0"):
        transcript.require_spent()
    transcript.take(RequestId("facts", "Spain"), 0)
    transcript.require_spent()


@requirement("authors:transcripts")
def test_a_line_that_repeats_answers_all_later_turns(tmp_path: Path) -> None:
    transcript = write_transcript(tmp_path / "t.jsonl", said("no", repeats=True))
    assert [transcript.take(FRANCE, turn).text for turn in (0, 1, 5)] == ["no"] * 3
    transcript.require_spent()


@requirement("authors:transcripts")
@pytest.mark.parametrize(
    ("line", "said_of_it"),
    [
        ("{", "line 2: expected a JSON object"),
        ("[]", "line 2: /"),
        ('{"stage":"facts","item":"x"}', "line 2: /text: Field required"),
        ('{"stage":"facts","item":"x","text":"","turns":1}', "there is no such field"),
        ('{"stage":"facts","item":"France","text":"again"}', "has a reply already"),
    ],
)
def test_a_damaged_line_and_a_second_reply_are_refused(
    tmp_path: Path, line: str, said_of_it: str
) -> None:
    path = tmp_path / "t.jsonl"
    write_transcript(path, said())
    path.write_text(path.read_text(encoding="utf-8") + line + "\n", encoding="utf-8")
    with pytest.raises(TranscriptError, match=said_of_it):
        Transcript(path)
    with pytest.raises(TranscriptError, match="cannot read"):
        Transcript(tmp_path / "none.jsonl")


def test_tokens_follow_from_the_texts_unless_they_are_given(tmp_path: Path) -> None:
    messages = (Message("system", "12345"), Message("user", "中"))
    assert counted(messages, "") == Usage(3, 0)
    transcript = write_transcript(
        tmp_path / "t.jsonl", said("12345678"), said("x", turn=1, prompt_tokens=9)
    )
    assert transcript.take(FRANCE, 0).reply(messages).usage == Usage(3, 2)
    assert transcript.take(FRANCE, 1).reply(messages).usage == Usage(9, 1)


@requirement("authors:transcripts")
async def test_what_was_recorded_replays_to_the_same_results_and_ledger(tmp_path: Path) -> None:
    lines = (said("no \ud800"), said(turn=1), said("bad", item="Spain", repeats=True))
    transcript = write_transcript(tmp_path / "t.jsonl", *lines)
    with TranscriptWriter(tmp_path / "recorded.jsonl") as writer:
        first = ScriptedAuthor(transcript, on_exchange=writer.add)
        asked = await first.ask(capital_of())
        await first.ask(capital_of())
        with pytest.raises(ReplyError):
            await first.ask(capital_of("Spain"))
    recorded = Transcript(tmp_path / "recorded.jsonl")
    assert len(recorded) == 5
    again = ScriptedAuthor(recorded)
    for _ in range(2):
        replayed = await again.ask(capital_of())
        assert (replayed.text, replayed.turns, replayed.usage) == (PARIS, 2, asked.usage)
    with pytest.raises(ReplyError):
        await again.ask(capital_of("Spain"))
    recorded.require_spent()
    assert again.ledger.summary() == first.ledger.summary()


@requirement("authors:transcripts")
async def test_recording_never_touches_a_file_that_is_there(tmp_path: Path) -> None:
    (tmp_path / "kept.jsonl").write_text("kept", encoding="utf-8")
    with pytest.raises(TranscriptError, match="is there already"):
        TranscriptWriter(tmp_path / "kept.jsonl")
    assert (tmp_path / "kept.jsonl").read_text(encoding="utf-8") == "kept"


async def test_two_requests_that_are_called_the_same_cannot_be_recorded(tmp_path: Path) -> None:
    transcript = write_transcript(tmp_path / "t.jsonl", said(prompt_tokens=None))
    with TranscriptWriter(tmp_path / "recorded.jsonl") as writer:
        author = ScriptedAuthor(transcript, on_exchange=writer.add)
        await author.ask(capital_of())
        with pytest.raises(TranscriptError, match="different parts"):
            await author.ask(capital_of("the French Republic", item="France"))
