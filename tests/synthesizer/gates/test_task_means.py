"""Means over tasks hold over what is released, not only over what was examined."""

from collections.abc import Sequence

from astra_arena.synthesizer.gates.gate import Finding, TaskMean, decided
from astra_arena.synthesizer.gates.report_card import ReportCard
from astra_arena.synthesizer.gates.task_means import KIND, settled
from tests.support.requirement import requirement

TASKS = tuple(f"t{n}" for n in range(1, 21))


def card_of(
    *solved: str, counted: Sequence[str] = TASKS, rejected: Sequence[str] = ()
) -> ReportCard:
    """A card of twenty tasks: a share of those counted is bounded, a later gate rejects some."""
    mean = TaskMean("solved blindly", 0.1, {task: float(task in solved) for task in counted})
    later = [Finding(problem="wrong", task=task) for task in rejected]
    gates = (decided("flow", [], {}, (mean,)), decided("later", later, {}))
    return ReportCard(name="shop", tasks=TASKS, gates=gates)


@requirement("gates:release")
def test_a_share_that_later_gates_raise_rejects_tasks_until_it_holds() -> None:
    assert settled(card_of("t3", "t4")).rejected_tasks == ()
    card = settled(card_of("t3", "t4", rejected=("t7",)))
    assert card.rejected_tasks == ("t4", "t7")
    assert [one.kind for one in card.gates[0].findings] == [KIND]
    assert "0.105 on average over the 19 tasks" in card.gates[0].findings[0].problem
    assert settled(card) == card


@requirement("gates:release")
def test_a_share_is_taken_over_the_tasks_that_are_wanted() -> None:
    card = settled(card_of("t3", "t4"), lambda so_far: so_far.passed_tasks[:15])
    assert card.passed_tasks[:15] == tuple(task for task in TASKS if task != "t4")[:15]


@requirement("gates:release")
def test_tasks_that_do_not_count_neither_raise_nor_lower_a_mean() -> None:
    assert settled(card_of("t3", counted=TASKS[:10])).rejected_tasks == ()
    assert settled(card_of("t3", counted=TASKS[:9])).rejected_tasks == ("t3",)


@requirement("gates:release")
def test_an_environment_that_is_rejected_anyway_loses_no_further_tasks() -> None:
    card = card_of("t3", "t4", "t5")
    flow = card.gates[0]
    whole = flow.model_copy(update={"status": "failed", "findings": (Finding(problem="all"),)})
    rejected = card.model_copy(update={"gates": (whole, card.gates[1])})
    assert settled(rejected) == rejected
