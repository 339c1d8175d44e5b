"""Whether the gates said of a case what they ought to say."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from astra_arena.core.model import Model
from astra_arena.sandbox.contract import Sandbox
from astra_arena.synthesizer.gates.examination import LOADING, examine_bundle
from astra_arena.synthesizer.gates.gate import GateResult
from tests.gate_corpus.case import Case

GATES = (
    "schema",
    "static",
    "replay",
    "sensitivity",
    "data_flow",
    "leak",
    "floor",
    "wrong_solutions",
    "alternatives",
    "exploit",
    "isolation",
    "duplicates",
)
"""The gates that cases are meant for, in the order in which they are described."""

_ALIASES = {
    LOADING: "schema",
    "argument_sensitivity": "sensitivity",
    "floor_and_ceiling": "floor",
    "alternative_solutions": "alternatives",
    "exploit_probes": "exploit",
    "near_duplicates": "duplicates",
}
"""What gates call themselves in full; a bundle that cannot be loaded breaks its schema."""

Truth = Literal["TP", "FP", "FN", "TN"]
"""Rejected rightly, rejected wrongly, passed wrongly, passed rightly."""


class Judgement(Model):
    """What the gates said of a case, beside what they ought to say."""

    case: str
    defect: str
    """Empty for a good case."""
    meant: str | None
    """The gate that the defect is meant for."""
    truth: Truth
    statuses: dict[str, str]
    """What each gate said, by name, in the order in which they ran."""
    rejected_by: tuple[str, ...]
    """The gates that rejected what the case is about, the first one first."""
    innocent: tuple[str, ...] = ()
    """Tasks that were rejected beside those with the defect."""
    reasons: tuple[str, ...] = ()
    """Kind of the first finding of each gate that rejected anything."""

    @property
    def as_meant(self) -> bool:
        """Whether the gate meant for the defect is among those that rejected it."""
        return self.meant in self.rejected_by


async def examined(path: Path, sandbox: Sandbox) -> tuple[GateResult, ...]:
    """Return what the gates say of the bundle in the folder `path`; this is their one caller."""
    card = await examine_bundle(path, sandbox=sandbox)
    return card.gates


def judged(case: Case, results: Sequence[GateResult]) -> Judgement:
    """Hold what the gates said of a case against what it is.

    A case of single tasks is rejected when one of them is, or the environment as a whole; any other
    case by any finding: it has no defect but its own.
    """
    about = frozenset(case.tasks)
    failed = [one for one in results if one.status == "failed"]
    hits = [
        one for one in failed if not about or one.rejects_environment or about & one.rejected_tasks
    ]
    rejected = frozenset(task for one in failed for task in one.rejected_tasks)
    truths: dict[tuple[bool, bool], Truth] = {
        (True, True): "FP",
        (True, False): "TN",
        (False, True): "TP",
        (False, False): "FN",
    }
    return Judgement(
        case=case.name,
        defect=case.defect,
        meant=case.gate,
        truth=truths[case.good, bool(hits)],
        statuses={_name(one): one.status for one in results},
        rejected_by=tuple(_name(one) for one in hits),
        innocent=tuple(sorted(rejected - about)) if about else (),
        reasons=tuple(
            f"{_name(one)}: {one.findings[0].problem}"[:300] for one in failed if one.findings
        ),
    )


def _name(result: GateResult) -> str:
    return _ALIASES.get(result.gate, result.gate)
