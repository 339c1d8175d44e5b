"""Stage 3, second half: who passes, by an absolute threshold and by a percentile over the run."""

import math
from array import array
from collections.abc import Iterable
from dataclasses import dataclass

from astra_arena.core.canonical import Json, JsonObject
from astra_arena.synthesizer.qa.authored.judging import Judged
from astra_arena.synthesizer.qa.authored.stages import Passed, Rejected, Stage, Worked
from astra_arena.synthesizer.qa.instance import QAInstance

VERIFY = "verify"
DEFAULT_LEAST_SCORE = 0.75
DEFAULT_PERCENTILE = 0.0


@dataclass(frozen=True, slots=True)
class Thresholds:
    """What a judged instance has to reach, besides being upheld in every dimension."""

    least_score: float = DEFAULT_LEAST_SCORE
    """Absolute, from 0 to 1: a run of nothing but bad instances passes none."""
    percentile: float = DEFAULT_PERCENTILE
    """Of the scores of the run, from 0 to 100: 90 keeps the best tenth and what equals it."""


def score_at(percentile: float, scores: Iterable[float]) -> float:
    """Return the score below which so many of a hundred lie; 0 where there are none.

    >>> score_at(90, [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0])
    1.0
    >>> score_at(0, [0.5, 0.6])
    0.5
    """
    ordered = array("d", sorted(scores))
    if not ordered:
        return 0.0
    rank = math.floor(percentile / 100 * len(ordered))
    return ordered[min(rank, len(ordered) - 1)]


@dataclass(frozen=True, slots=True)
class Verifying:
    """The stage.

    Args:
        thresholds: As the user set them.
        run_score: What the percentile came to in this run.
    """

    thresholds: Thresholds
    run_score: float

    @property
    def stage(self) -> Stage[Judged, QAInstance]:
        """What the pipeline runs."""
        return Stage(VERIFY, self.work, decides=self.decides)

    def decides(self, item: Judged) -> Json:
        """Return what decides the outcome beside the item."""
        del item
        return [self.thresholds.least_score, self.run_score]

    async def work(self, item: Judged) -> Worked[QAInstance]:
        """Return the instance if it passes."""
        evidence: JsonObject = {
            "score": item.score,
            "scores": {name: one.score for name, one in item.judgements.items()},
            "lost_votes": {name: one.lost for name, one in item.judgements.items() if one.lost},
            "objections": {
                name: list[Json](one.objections)
                for name, one in item.judgements.items()
                if one.objections
            },
        }
        if item.failed:
            return Rejected(f"not upheld: {', '.join(item.failed)}", evidence)
        if item.score < self.thresholds.least_score:
            return Rejected(f"its score is below {self.thresholds.least_score:g}", evidence)
        if item.score < self.run_score:
            return Rejected("its score is below the percentile of the run", evidence)
        return Passed(item.instance)
