"""Runs of the stages over small inputs, with replies that tests write."""

import json
from collections.abc import Sequence
from pathlib import Path

from astra_arena.client.authors.model_options import ModelOptions
from astra_arena.client.authors.transcript import TranscriptLine
from astra_arena.core.canonical import Json, JsonObject, canonical_bytes
from astra_arena.synthesizer.qa.authored.authoring import Authoring, author_questions
from astra_arena.synthesizer.qa.authored.authoring_options import (
    STAGES,
    AuthoringOptions,
    StageName,
)
from astra_arena.synthesizer.qa.authored.stage_log import StageLine, read_stage
from astra_arena.synthesizer.shipped_data import shipped_questions
from tests.synthesizer.qa.worlds.world_runs import replies as world_replies

SHIPPED = shipped_questions("strategyqa").parent / "authored"
QUESTIONS = SHIPPED / "questions.jsonl"
SEEDS = SHIPPED / "seeds.jsonl"
TRANSCRIPT = SHIPPED / "transcript.jsonl"

VERIFIED: tuple[StageName, ...] = STAGES[: STAGES.index("verify") + 1]
MERGED: tuple[StageName, ...] = STAGES[: STAGES.index("merge") + 1]
"""All that need a model. The last stage runs the release gates, which takes seconds."""

PAIR: JsonObject = {
    "id": "macbeth",
    "question": "Did Alice's Adventures in Wonderland inspire Macbeth?",
    "answer": False,
    "knowledge": [
        "Alice's Adventures in Wonderland was published in 1865",
        "Macbeth was first performed in 1606",
    ],
}
"""A question that a model has to take apart."""
ITEM = "plain-macbeth"
IDS = ("q1", "q2", "q3")


def steps() -> list[JsonObject]:
    """How a careful model takes the pair apart."""
    return [
        {
            "id": "q1",
            "question": "When was Alice's Adventures in Wonderland first published?",
            "depends_on": [],
            "answer": 1865,
            "fact": 1,
            "quote": None,
        },
        {
            "id": "q2",
            "question": "When was Macbeth first performed?",
            "depends_on": [],
            "answer": 1606,
            "fact": 2,
            "quote": None,
        },
        {
            "id": "q3",
            "question": "Is {q1} before {q2}?",
            "depends_on": ["q1", "q2"],
            "answer": False,
            "fact": None,
            "quote": None,
        },
    ]


def taken_apart() -> JsonObject:
    return {"steps": list[Json](steps()), "finals": ["q3"]}


def needs(*toolless: str) -> JsonObject:
    verdicts: list[Json] = [
        {"id": name, "reason": "so it is", "needs_tool": name not in toolless} for name in IDS
    ]
    return {"steps": verdicts}


VOTES: dict[str, JsonObject] = {
    "dependency": {
        "steps": [{"id": name, "reason": "so it is", "verdict": "matched"} for name in IDS]
    },
    "atomicity": {"steps": [{"id": name, "reason": "so it is", "is_atomic": True} for name in IDS]},
    "sequence": {"steps": [{"id": name, "reason": "so it is", "is_forced": False} for name in IDS]},
    "completeness": {"requirements": [{"requirement": "both years", "met_by": ["q1", "q2"]}]},
}


def said(
    stage: StageName, reply: JsonObject | str, part: str = "", sample: int = 0, **others: object
) -> TranscriptLine:
    text = reply if isinstance(reply, str) else canonical_bytes(reply).decode()
    line = {"stage": stage, "item": ITEM, "part": part, "sample": sample, "text": text, **others}
    return TranscriptLine.model_validate(line)


def good_replies() -> list[TranscriptLine]:
    """Everything that a careful model says about the pair."""
    votes = [
        said("judge", vote, part, sample) for part, vote in VOTES.items() for sample in range(3)
    ]
    return [
        said("decompose", taken_apart(), "steps"),
        said("necessity", needs("q3")),
        *votes,
        *world_replies(ITEM),
    ]


def replaced(*lines: TranscriptLine) -> list[TranscriptLine]:
    """The good replies, with these in the place of what was said there."""
    taken = {line.key[0] for line in lines}
    return [*(line for line in good_replies() if line.key[0] not in taken), *lines]


def write_lines(path: Path, records: Sequence[JsonObject]) -> Path:
    lines = [json.dumps(one, ensure_ascii=False) for one in records]
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


def run_stages(
    source: Path,
    out: Path,
    model: ModelOptions,
    options: AuthoringOptions | None = None,
    stages: Sequence[StageName] = VERIFIED,
) -> Authoring:
    """Run some stages, one after the other."""
    told = [
        author_questions(source, out, model, options or AuthoringOptions(), only=stage)
        for stage in stages
    ]
    return told[-1]


def run_pair(
    folder: Path,
    lines: Sequence[TranscriptLine],
    options: AuthoringOptions | None = None,
    pair: JsonObject = PAIR,
    stages: Sequence[StageName] = VERIFIED,
) -> Authoring:
    """Run stages over the pair."""
    source = write_lines(folder / "pairs.jsonl", [pair])
    transcript = write_lines(folder / "replies.jsonl", [line.to_json() for line in lines])
    model = ModelOptions(transcripts=(transcript,), ledger=folder / "ledger.jsonl")
    return run_stages(source, folder / "out", model, options, stages)


def stage_lines(out: Path, stage: StageName) -> list[StageLine]:
    return list(read_stage(out / "stages" / f"{stage}.jsonl"))


def counts(made: Authoring) -> dict[str, tuple[int, int]]:
    """How many passed and were rejected, by stage."""
    stages = made.report["stages"]
    assert isinstance(stages, dict)
    told: dict[str, tuple[int, int]] = {}
    for name, one in stages.items():
        assert isinstance(one, dict)
        passed, rejected = one["passed"], one["rejected"]
        assert isinstance(passed, int)
        assert isinstance(rejected, int)
        told[name] = (passed, rejected)
    return told
