"""Tools whose every reply holds the answers to what other calls ask: merged without any care."""

from collections.abc import Iterator
from statistics import fmean

from astra_arena.core.canonical import Json, canonical_bytes
from astra_arena.sandbox.contract import Succeeded
from astra_arena.synthesizer.gates.categories import Categories
from astra_arena.synthesizer.gates.gate import Finding
from astra_arena.synthesizer.gates.value_forms import Text, carries_enough, scalars_text
from astra_arena.synthesizer.gates.workbench import Workbench

FEWEST_CALLS = 3
"""Gold calls of a tool, with different arguments and answers, among which sharing shows."""
MOST_COMPARED = 24
MOST_SHARED = 0.5
"""The share of the other calls' answers that a reply may hold on average. A list of rows holds
some by chance, of a page of ten among hundreds next to none."""


async def told_together(bench: Workbench, categories: Categories) -> list[Finding]:
    """Return a finding for each tool whose replies hold what its other calls are made for."""
    calls: dict[str, dict[bytes, tuple[Text, Json]]] = {}
    for step in bench.steps:
        value = step.question.answer.value
        if bench.writes(step.tool) or not carries_enough(value) or categories.hold(value):
            continue
        came = await bench.run_step(step)
        if isinstance(came, Succeeded):
            asked = canonical_bytes(step.arguments)
            text = Text(scalars_text(came.result))
            calls.setdefault(step.tool, {}).setdefault(asked, (text, value))
    return [*_findings(calls)]


def _findings(calls: dict[str, dict[bytes, tuple[Text, Json]]]) -> Iterator[Finding]:
    for tool, told in sorted(calls.items()):
        different = {canonical_bytes(value): (text, value) for text, value in told.values()}
        replies = list(different.values())[:MOST_COMPARED]
        if len(replies) < FEWEST_CALLS:
            continue
        shared = fmean(
            text.holds(value)
            for place, (text, _) in enumerate(replies)
            for other, (_, value) in enumerate(replies)
            if other != place
        )
        if shared > MOST_SHARED:
            yield Finding(
                problem=f"{tool}: a reply holds {shared:.0%} of the answers that its other "
                f"{len(replies) - 1} gold calls are made for, expected {MOST_SHARED:.0%} at most",
                kind="answers to other questions in a reply",
                tool=tool,
                evidence={"calls": len(replies), "share": round(shared, 4)},
            )
