"""Calibration: defects that are noticed by whom, and what is said of the judges."""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from astra_arena.client.authors.scripted_author import ScriptedAuthor
from astra_arena.client.authors.transcript import Transcript
from astra_arena.core.canonical import Json, JsonObject
from astra_arena.core.errors import SpecError
from astra_arena.synthesizer.qa.authored.authoring import author_questions
from astra_arena.synthesizer.qa.authored.authoring_options import AuthoringOptions
from astra_arena.synthesizer.qa.authored.calibration import (
    CALIBRATE,
    GOOD,
    Calibrating,
    Calibration,
    Case,
    Noticed,
    calibration_cases,
)
from astra_arena.synthesizer.qa.authored.seeded_defects import TARGETS
from astra_arena.synthesizer.qa.authored.stage_log import StageLog, read_stage
from astra_arena.synthesizer.qa.authored.stages import run_stage
from astra_arena.synthesizer.qa.authored.step_checks import step_findings
from astra_arena.synthesizer.qa.instance import QAInstance
from astra_arena.synthesizer.qa.traces import decomposition_from_steps
from tests.support.requirement import requirement
from tests.synthesizer.qa.authored.stage_runs import QUESTIONS, VERIFIED, run_stages, write_lines
from tests.synthesizer.qa.authored.test_pipeline import SCRIPTED, verified

VOTES = 3
AGAINST: dict[str, JsonObject] = {
    "dependency": {"verdict": "wrong"},
    "atomicity": {"is_atomic": False},
    "sequence": {"is_forced": True},
}
FOR: dict[str, JsonObject] = {
    "dependency": {"verdict": "matched"},
    "atomicity": {"is_atomic": True},
    "sequence": {"is_forced": False},
}


@pytest.fixture(scope="module")
def instances(tmp_path_factory: pytest.TempPathFactory) -> list[QAInstance]:
    """The shipped questions, verified."""
    out = tmp_path_factory.mktemp("verified")
    run_stages(QUESTIONS, out, SCRIPTED)
    return verified(out)


def cases_of(instances: list[QAInstance]) -> list[Case]:
    return list(calibration_cases(instances, seed=5, most=100))


def needs_votes(case: Case) -> bool:
    """Whether code lets a case pass."""
    try:
        made = decomposition_from_steps(list[Json](case.steps), finals=list(case.finals))
    except SpecError:
        return False
    return not list(step_findings(case.instance.question, made))


def votes_on(case: Case, objects_to: "str | None") -> Iterator[JsonObject]:
    """All votes on a case: against in one dimension, or nowhere."""
    ids = [str(step["id"]) for step in case.steps]
    for sample in range(VOTES):
        for part in (*FOR, "completeness"):
            if part == "completeness":
                met: list[Json] = [] if objects_to == part else list[Json](ids)
                reply: JsonObject = {"requirements": [{"requirement": "all", "met_by": met}]}
            else:
                verdict = AGAINST[part] if objects_to == part else FOR[part]
                steps: list[Json] = [{"id": name, "reason": "so it is", **verdict} for name in ids]
                reply = {"steps": steps}
            yield {
                "stage": CALIBRATE,
                "item": case.id,
                "part": part,
                "sample": sample,
                "text": json.dumps(reply),
            }


async def calibrated(
    folder: Path, cases: list[Case], objections: "dict[str, str | None]"
) -> tuple[Calibration, list[Noticed]]:
    """Run the stage with a judge who objects to the named cases in one dimension each."""
    lines = [
        line
        for case in cases
        if needs_votes(case)
        for line in votes_on(case, objections.get(case.id))
    ]
    transcript = Transcript(write_lines(folder / "votes.jsonl", lines))
    path = folder / "calibrate.jsonl"
    with StageLog(path) as log:
        await run_stage(Calibrating(ScriptedAuthor(transcript)).stage, cases, log, at_once=4)
    # Nobody was asked about what code has decided.
    transcript.require_spent()
    calibration = Calibration()
    noticed = [Noticed.from_json(one.result or {}, what=one.item) for one in read_stage(path)]
    for one in noticed:
        calibration.note(one)
    return calibration, noticed


def target(case: Case) -> "str | None":
    return next((str(name) for kind, name in TARGETS.items() if kind == case.kind), None)


@requirement("stages:calibration")
async def test_a_judge_who_sees_every_defect_has_full_precision_and_recall(
    instances: list[QAInstance], tmp_path: Path
) -> None:
    cases = cases_of(instances)
    assert {case.kind for case in cases} == {GOOD, *TARGETS}
    made, _ = await calibrated(tmp_path, cases, {case.id: target(case) for case in cases})
    told = made.to_json()
    assert (told["good"], told["false_alarms"], told["missed"]) == (len(instances), 0, 0)
    dimensions = told["dimensions"]
    assert isinstance(dimensions, dict)
    for name in ("structure", "dependency", "atomicity", "sequence", "completeness"):
        figures = dimensions[name]
        assert isinstance(figures, dict)
        assert isinstance(figures["seeded"], int)
        assert figures["seeded"] > 0
        assert (figures["recall"], figures["precision"]) == (1, 1)


@requirement("stages:calibration")
async def test_code_alone_catches_what_is_decidable_and_no_good_one(
    instances: list[QAInstance], tmp_path: Path
) -> None:
    cases = cases_of(instances)
    made, noticed = await calibrated(tmp_path, cases, {})
    told = made.to_json()
    assert told["false_alarms"] == 0
    by_code = Counter(one.kind for one in noticed if "code" in one.by.values())
    decidable = ("circle", "unknown_id", "doubled_id", "stranded", "unused_dependency")
    for kind in (*decidable, "answer_given_away"):
        assert by_code[kind] == made.seeded[kind] > 0
    # What only a judge can see is missed by one who objects to nothing, and told as such.
    dimensions = told["dimensions"]
    assert isinstance(dimensions, dict)
    for name in ("atomicity", "sequence", "completeness"):
        figures = dimensions[name]
        assert isinstance(figures, dict)
        assert figures["recall"] == 0


@requirement("stages:calibration")
async def test_misses_and_false_alarms_are_counted_in_their_dimension(
    instances: list[QAInstance], tmp_path: Path
) -> None:
    cases = cases_of(instances)
    compound = [case.id for case in cases if case.kind == "compound_step"]
    good = [case.id for case in cases if case.kind == GOOD]
    seen, missed = compound[::2], compound[1::2]
    assert seen
    assert missed
    alarms = good[:3]
    objections: dict[str, str | None] = dict.fromkeys([*seen, *alarms], "atomicity")
    made, _ = await calibrated(tmp_path, cases, objections)
    told = made.to_json()
    assert told["false_alarms"] == 3
    dimensions = told["dimensions"]
    assert isinstance(dimensions, dict)
    atomicity = dimensions["atomicity"]
    assert isinstance(atomicity, dict)
    assert atomicity["recall"] == round(len(seen) / len(compound), 4)
    assert atomicity["precision"] == round(len(seen) / (len(seen) + 3), 4)


def test_equal_seeds_give_equal_defects_and_others_give_others(
    instances: list[QAInstance],
) -> None:
    first = [case.to_json() for case in calibration_cases(instances, 1, 100)]
    again = [case.to_json() for case in calibration_cases(instances, 1, 100)]
    other = [case.to_json() for case in calibration_cases(instances, 2, 100)]
    assert first == again
    assert first != other


@requirement("stages:calibration", "stages:only")
def test_the_report_says_what_calibration_came_to(tmp_path: Path) -> None:
    run_stages(QUESTIONS, tmp_path, SCRIPTED)
    items = [
        QAInstance.from_json(line.result or {}, what=line.item)
        for line in read_stage(tmp_path / "stages" / "necessity.jsonl")
    ]
    cases = list(calibration_cases(items))
    lines = [line for case in cases if needs_votes(case) for line in votes_on(case, target(case))]
    votes = write_lines(tmp_path / "votes.jsonl", lines)
    model = SCRIPTED.model_copy(update={"transcripts": (votes,)})
    told = author_questions(QUESTIONS, tmp_path, model, AuthoringOptions(), only="calibrate")
    report = json.loads((tmp_path / "stages.json").read_bytes())
    assert report == told.report
    # What earlier runs made is told, too.
    assert set(report["stages"]) == set(VERIFIED)
    assert report["calibration"]["good"] == 20
    assert report["calibration"]["missed"] == 0
    seeded = report["calibration"]["seeded"]
    assert any(
        line == f"calibration: 0 of {seeded} seeded defects missed, 0 of 20 good ones objected to"
        for line in told.lines()
    )
