"""Means over tasks that a gate bounds, kept within their bounds in whatever is released.

A gate judges a mean over the tasks that it sees. Later gates reject some of these, and not all that
pass are wanted; over what is left the mean is another. So it is taken again over that, and where it
is too high the tasks that raise it most are rejected until it is not: an environment that was
released passes when it is examined again.
"""

from collections.abc import Callable, Sequence
from statistics import fmean

from astra_arena.synthesizer.gates.gate import Finding, GateResult, TaskMean
from astra_arena.synthesizer.gates.report_card import ReportCard

ROUNDING = 1e-9
KIND = "a mean that is too high over the tasks that are released"


def settled(
    card: ReportCard, chosen: Callable[[ReportCard], Sequence[str]] | None = None
) -> ReportCard:
    """Return the card with tasks rejected until each mean over what is released is low enough.

    Args:
        card: What the gates found.
        chosen: Gives the ids of the tasks that are wanted, of those that pass; all for `None`.
    """
    while True:
        kept = card.passed_tasks if chosen is None else chosen(card)
        broken = _broken(card, kept)
        if broken is None:
            return card
        card = _without_worst(card, *broken)


def _broken(
    card: ReportCard, kept: Sequence[str]
) -> tuple[GateResult, TaskMean, Sequence[str]] | None:
    """Return a gate with a mean that is too high over these tasks, and those of them that count."""
    for gate in card.gates:
        # What is rejected as a whole is not released.
        for mean in () if gate.rejects_environment else gate.means:
            tasks = [task for task in kept if task in mean.of]
            if tasks and mean_over(mean, tasks) > mean.most + ROUNDING:
                return gate, mean, tasks
    return None


def mean_over(mean: TaskMean, tasks: Sequence[str]) -> float:
    """Return the mean over some of the tasks."""
    return fmean(mean.of[task] for task in tasks)


def _without_worst(
    card: ReportCard, gate: GateResult, mean: TaskMean, tasks: Sequence[str]
) -> ReportCard:
    worst = max(tasks, key=lambda task: (mean.of[task], task))
    finding = Finding(
        problem=f"{mean.what}: {mean_over(mean, tasks):.3g} on average over the {len(tasks)} tasks "
        f"that would be released, expected {mean.most:g} at most",
        kind=KIND,
        task=worst,
    )
    failed = gate.model_copy(
        update={"status": "failed", "findings": (*gate.findings, finding)},
    )
    gates = tuple(failed if one is gate else one for one in card.gates)
    return card.model_copy(update={"gates": gates})
