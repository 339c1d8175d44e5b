"""Bad replies about sub-questions: each is caught at its stage, then repaired or rejected."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from astra_arena.core.canonical import Json, JsonObject, canonical_bytes
from astra_arena.synthesizer.qa.authored.authoring_options import StageName
from tests.support.requirement import requirement
from tests.synthesizer.qa.authored.stage_runs import (
    IDS,
    PAIR,
    VERIFIED,
    VOTES,
    counts,
    good_replies,
    needs,
    replaced,
    run_pair,
    said,
    stage_lines,
    steps,
    taken_apart,
)

GOOD = canonical_bytes(taken_apart()).decode()
DECOMPOSED: tuple[StageName, str] = ("decompose", "steps")
NECESSITY: tuple[StageName, str] = ("necessity", "")


def changed(step: int, **fields: Json) -> str:
    """The good reply with other fields in one step."""
    all_steps: list[Json] = [
        {**one, **fields} if number == step else one for number, one in enumerate(steps(), start=1)
    ]
    return json.dumps({"steps": all_steps, "finals": ["q3"]})


def whole(change: Callable[[list[JsonObject]], list[JsonObject]], *finals: str) -> str:
    """The good reply with another list of steps."""
    return json.dumps({"steps": change(steps()), "finals": list(finals or ("q3",))})


def judged(**fields: Json) -> str:
    """The good necessities with other fields in the first."""
    verdicts: list[Json] = [
        {"id": name, "reason": "so it is", "needs_tool": True, **(fields if name == "q1" else {})}
        for name in IDS
    ]
    return json.dumps({"steps": verdicts})


def judged_alone() -> str:
    return json.dumps({"steps": [{"id": "q1", "reason": "so it is", "needs_tool": True}]})


FORMS: dict[str, tuple[str, str]] = {
    "broken JSON": (GOOD[:-2] + ",,}", "broken at line 1"),
    "JSON that ends early": (GOOD[:-20], "broken"),
    "nothing": ("", "empty"),
    "prose alone": ("First find out when each came out.", "got none"),
    "reasoning alone": ("<think>1865 is after 1606", "within its reasoning"),
    "a list": (f"[{GOOD}]", "got one in a list|got a list"),
    "two different objects": (f"{GOOD} or rather {changed(1, fact=2)}", "2 different ones"),
    "a key that stands twice": (GOOD[:-1] + ',"finals":["q3"]}', "stands twice"),
    "a key too many": (GOOD[:-1] + ',"confidence":0.9}', "confidence"),
    "no finals": (json.dumps({"steps": list[Json](steps())}), "finals"),
    "no steps": ('{"steps":[],"finals":["q3"]}', "/steps"),
    "a text for a list": (changed(3, depends_on="q1"), "depends_on"),
}
STRUCTURE: dict[str, tuple[str, str]] = {
    "a circle": (
        changed(1, question="When was {q3} published?", depends_on=["q3"]),
        "no circle among dependencies",
    ),
    "a step that needs itself": (
        changed(1, question="Is it {q1}?", depends_on=["q1"]),
        "no circle|depends on q1",
    ),
    "a dependency that is not there": (
        changed(3, question="Is {q9} before {q2}?", depends_on=["q9", "q2"]),
        "expected an id out of",
    ),
    "an id that stands twice": (changed(2, id="q1"), "q.?1.* more than once"),
    "a reference that is not declared": (changed(3, depends_on=["q1"]), "does not lead|refers to"),
    "a step that leads nowhere": (
        whole(lambda all_steps: [*all_steps, {**all_steps[0], "id": "q4", "question": "When?"}]),
        "does not lead to the final answer",
    ),
    "finals that are not there": (whole(lambda all_steps: all_steps, "q7"), "the final answer"),
}
CONTENT: dict[str, tuple[str, str]] = {
    "a dependency without use": (
        changed(2, depends_on=["q1"]),
        "q2 depends on q1, but its question does not use",
    ),
    "an answer given away": (
        changed(3, question="Is {q1} before {q2}, which is 1606?"),
        "q3 states the answer of q2",
    ),
    "a step that states its own answer": (
        changed(2, question="Was Macbeth first performed in 1606?"),
        "q2 states its own answer",
    ),
    "the same question twice": (
        whole(
            lambda all_steps: [
                all_steps[0],
                {**all_steps[0], "id": "q2"},
                {**all_steps[2]},
            ]
        ),
        "ask the same",
    ),
    "an answer that no fact states": (changed(1, answer=1866), "fact 1 does not state 1866"),
    "the wrong fact": (changed(1, fact=2), "fact 2 does not state 1865"),
    "a fact that is not there": (changed(1, fact=3), "there is no fact 3"),
    "fact number 0": (changed(1, fact=0), "there is no fact 0"),
    "an answer without a source": (changed(1, fact=None), "name fact or quote"),
    "a name from nowhere as what follows": (
        changed(
            3,
            question="Which of {q1} and {q2} is the year of the play?",
            answer="the sixteenth century",
        ),
        "q3: its answer must stand in what is given",
    ),
    "a quotation that is made up": (
        changed(1, fact=None, quote="published in 1865, as everybody knows"),
        "exact words of the text",
    ),
    "fact and quotation": (changed(1, quote="1865"), "got both"),
    "an empty answer": (changed(1, answer="  "), "with a content"),
    "another final answer": (changed(3, answer=True), "must be the main answer"),
    "a yes in words": (changed(3, answer="no"), "must be the main answer"),
    "nothing but yes and no": (
        whole(
            lambda all_steps: [
                {**all_steps[0], "question": "Was it published late?", "answer": True},
                {**all_steps[1], "question": "Was it performed late?", "answer": False},
                all_steps[2],
            ]
        ),
        "every answer is yes or no",
    ),
}
NEEDS: dict[str, tuple[str, str]] = {
    "a truth in quotation marks": (judged(needs_tool="false"), "needs_tool"),
    "a number for a truth": (judged(needs_tool=1), "needs_tool"),
    "a step left out": (
        json.dumps({"steps": [{"id": "q1", "reason": "", "needs_tool": True}]}),
        "",
    ),
    "a step that is not there": (judged(id="q8"), "expected each of q1, q2, q3 once, got"),
    "a step judged twice": (judged(id="q2"), "expected each of q1, q2, q3 once, got"),
}
TABLE = {
    **{name: (DECOMPOSED, *case) for name, case in {**FORMS, **STRUCTURE, **CONTENT}.items()},
    **{name: (NECESSITY, *case) for name, case in NEEDS.items()},
}


@requirement("stages:bad-replies")
@pytest.mark.parametrize("name", TABLE)
def test_a_bad_reply_that_stays_bad_rejects_its_item_at_its_stage(
    name: str, tmp_path: Path
) -> None:
    (stage, part), text, finding = TABLE[name]
    made = run_pair(tmp_path, replaced(said(stage, text, part, repeats=True)))
    (line,) = stage_lines(tmp_path / "out", stage)
    assert (line.outcome, line.reason) == ("rejected", "no usable reply")
    assert isinstance(line.evidence, list)
    # The first is for people; the others are what the model was told.
    assert re.search(finding, " | ".join(str(one) for one in line.evidence[1:]))
    assert counts(made)["verify"] == (0, 0)
    assert (made.spending.rejected.items, made.spending.accepted.items) == (1, 0)
    assert made.spending.stages[stage].rejected_replies == 3


@requirement("stages:bad-replies")
@pytest.mark.parametrize("name", TABLE)
def test_a_bad_reply_is_sent_back_and_its_repair_counts(name: str, tmp_path: Path) -> None:
    (stage, part), text, _ = TABLE[name]
    (good,) = (line for line in good_replies() if (line.stage, line.part) == (stage, part))
    repaired = [said(stage, text, part), good.model_copy(update={"turn": 1})]
    made = run_pair(tmp_path, replaced(*repaired))
    assert counts(made) == dict.fromkeys(VERIFIED, (1, 0))
    assert made.spending.stages[stage].rejected_replies == 1
    assert made.spending.rejected.items == 0


@requirement("stages:bad-replies")
def test_a_reply_that_was_cut_off_is_not_read(tmp_path: Path) -> None:
    cut = said("decompose", GOOD, "steps", finish_reason="length", repeats=True)
    run_pair(tmp_path, replaced(cut))
    (line,) = stage_lines(tmp_path / "out", "decompose")
    assert "cut off" in str(line.evidence)


@requirement("stages:bad-replies")
@pytest.mark.parametrize(
    ("toolless", "reason"),
    [
        (("q2", "q3"), "a sub-question that others build on needs no tool"),
        (IDS, "a sub-question that others build on needs no tool"),
    ],
)
def test_what_others_build_on_needs_a_tool_and_nobody_asks_again(
    toolless: tuple[str, ...], reason: str, tmp_path: Path
) -> None:
    made = run_pair(tmp_path, replaced(said("necessity", needs(*toolless))))
    (line,) = stage_lines(tmp_path / "out", "necessity")
    assert (line.outcome, line.reason) == ("rejected", reason)
    assert "q2 needs no tool" in str(line.evidence)
    assert made.spending.stages["necessity"].attempts == 1


@requirement("stages:bad-replies")
def test_too_few_hops_are_sent_back(tmp_path: Path) -> None:
    pair: JsonObject = {**PAIR, "hops": [3, 4]}
    run_pair(tmp_path, replaced(said("decompose", GOOD, "steps", repeats=True)), pair=pair)
    (line,) = stage_lines(tmp_path / "out", "decompose")
    assert "expected 3 to 4 hops, got 2" in str(line.evidence)


def vote_against(part: str) -> JsonObject:
    """A vote in one dimension that objects."""
    if part == "completeness":
        return {"requirements": [{"requirement": "a link between both", "met_by": []}]}
    verdicts: dict[str, JsonObject] = {
        "dependency": {"verdict": "missing"},
        "atomicity": {"is_atomic": False},
        "sequence": {"is_forced": True},
    }
    wrong: list[Json] = [{"id": name, "reason": "not so", **verdicts[part]} for name in IDS]
    return {"steps": wrong}


BAD_VOTES: dict[str, str] = {
    "a truth in quotation marks": json.dumps(
        {"steps": [{"id": name, "reason": "", "is_atomic": "true"} for name in IDS]}
    ),
    "no step": '{"steps":[]}',
    "steps of something else": json.dumps(
        {"steps": [{"id": name, "reason": "", "is_atomic": True} for name in ("q1", "q2", "q7")]}
    ),
    "a score": '{"score":1.0}',
    "nothing": "",
    "refused": "I cannot judge that.",
}


@requirement("stages:fail-closed")
@pytest.mark.parametrize("name", BAD_VOTES)
@pytest.mark.parametrize("lost", [1, 2, 3])
def test_a_vote_that_cannot_be_had_counts_against(name: str, lost: int, tmp_path: Path) -> None:
    bad = [said("judge", BAD_VOTES[name], "atomicity", n, repeats=True) for n in range(lost)]
    rest = [said("judge", VOTES["atomicity"], "atomicity", n) for n in range(lost, 3)]
    made = run_pair(tmp_path, replaced(*bad, *rest))
    (line,) = stage_lines(tmp_path / "out", "verify")
    if lost == 1:
        assert line.outcome == "passed"
        return
    assert (line.outcome, line.reason) == ("rejected", "not upheld: atomicity")
    assert isinstance(line.evidence, dict)
    assert line.evidence["lost_votes"] == {"atomicity": lost}
    assert counts(made)["verify"] == (0, 1)
    assert made.spending.rejected.items == 1


@requirement("stages:fail-closed")
def test_a_judge_that_is_never_usable_passes_nothing(tmp_path: Path) -> None:
    lines = [
        said("judge", "?", part, sample, repeats=True) for part in VOTES for sample in range(3)
    ]
    run_pair(tmp_path, replaced(*lines))
    (line,) = stage_lines(tmp_path / "out", "verify")
    assert isinstance(line.evidence, dict)
    assert (line.outcome, line.evidence["score"]) == ("rejected", 0)


@requirement("stages:fail-closed")
@pytest.mark.parametrize("part", VOTES)
@pytest.mark.parametrize("against", [1, 2])
def test_the_majority_of_votes_decides_each_dimension(
    part: str, against: int, tmp_path: Path
) -> None:
    lines = [
        said("judge", vote_against(part) if n < against else VOTES[part], part, n) for n in range(3)
    ]
    run_pair(tmp_path, replaced(*lines))
    (line,) = stage_lines(tmp_path / "out", "verify")
    if against == 1:
        assert line.outcome == "passed"
    else:
        assert (line.outcome, line.reason) == ("rejected", f"not upheld: {part}")
        assert isinstance(line.evidence, dict)
        assert part in str(line.evidence["objections"])
