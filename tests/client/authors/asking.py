"""Small requests, transcripts and servers for tests of authors."""

from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from astra_arena.client.authors.author import AuthorRequest
from astra_arena.client.authors.prompts import Language, Message, RenderedPrompt
from astra_arena.client.authors.scripted_author import ScriptedAuthor
from astra_arena.client.authors.transcript import Transcript, TranscriptLine
from astra_arena.core.canonical import canonical_bytes

PARIS = '{"city":"Paris","people":2100000}'


class Capital(BaseModel):
    """What the tests ask for."""

    model_config = ConfigDict(extra="forbid")

    city: str
    people: int


def capital_of(
    country: str = "France",
    *,
    stage: str = "facts",
    item: str | None = None,
    part: str = "",
    language: Language = "en",
) -> AuthorRequest[Capital]:
    question = f"What is the capital of {country}?"
    return AuthorRequest(
        stage=stage,
        item=item or country,
        part=part,
        result=Capital,
        prompt=RenderedPrompt((Message("user", question),), language=language),
    )


def said(
    text: str = PARIS, *, item: str = "France", turn: int = 0, **others: object
) -> TranscriptLine:
    given = {"stage": "facts", "item": item, "turn": turn, "text": text, **others}
    return TranscriptLine.model_validate(given)


def write_transcript(path: Path, *lines: TranscriptLine) -> Transcript:
    path.write_bytes(b"".join(canonical_bytes(line.to_json()) + b"\n" for line in lines))
    return Transcript(path)


def scripted(folder: Path, *lines: TranscriptLine) -> ScriptedAuthor:
    return ScriptedAuthor(write_transcript(folder / "transcript.jsonl", *lines))


def countries(count: int) -> Sequence[str]:
    return [f"Land {number}" for number in range(count)]
