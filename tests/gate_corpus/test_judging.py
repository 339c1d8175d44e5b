"""What the gates said is held against what a case is."""

from astra_arena.synthesizer.gates.gate import Finding, GateResult
from tests.gate_corpus import held_out
from tests.gate_corpus.case import Case
from tests.gate_corpus.judging import judged
from tests.gate_corpus.tables import written

GOOD = next(case for case in held_out.CASES if case.good)
OF_TASK = next(case for case in held_out.CASES if case.name == "wrong-value")
OF_ENVIRONMENT = next(case for case in held_out.CASES if case.name == "dump-tool")


def said(gate: str, *tasks: str | None) -> GateResult:
    findings = tuple(Finding(problem="made up", task=task) for task in tasks)
    return GateResult(gate=gate, status="failed" if tasks else "passed", findings=findings)


def truth_of(case: Case, *results: GateResult) -> str:
    return judged(case, results).truth


def test_a_good_case_is_right_when_nothing_is_found() -> None:
    assert truth_of(GOOD, said("replay"), said("leak")) == "TN"
    assert truth_of(GOOD, said("replay", "any-task")) == "FP"


def test_a_task_is_rejected_by_a_finding_about_it_or_about_the_whole() -> None:
    assert truth_of(OF_TASK, said("replay", "owner-99")) == "TP"
    assert truth_of(OF_TASK, said("static", None)) == "TP"
    assert truth_of(OF_TASK, said("replay")) == "FN"


def test_rejecting_another_task_does_not_count_and_is_told() -> None:
    one = judged(OF_TASK, [said("replay", "owner-11")])
    assert (one.truth, one.innocent) == ("FN", ("owner-11",))


def test_the_gate_that_rejects_first_need_not_be_the_one_meant() -> None:
    one = judged(OF_ENVIRONMENT, [said("static", None), said("leak", None)])
    assert one.rejected_by == ("static", "leak")
    assert one.as_meant


def test_the_page_counts_both_halves() -> None:
    halves = {
        "held_out": [judged(GOOD, [said("leak")]), judged(OF_ENVIRONMENT, [said("leak", None)])],
        "tuned": [judged(OF_TASK, [said("replay")])],
    }
    page = written(halves)
    assert "| held out | 1 | 1 | 0 | 1 | 1 | 0 | 1 | 1 | 0 |" in page
    assert "| tuned | 1 | 0 | 1 | 0 | 0 | 0 | 0 | 0 | 0 |" in page
    assert "no gate rejected it; it is: gold with a wrong value" in page
