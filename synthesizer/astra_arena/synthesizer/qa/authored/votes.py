"""What one vote says of a decomposition, in each of the four dimensions."""

from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from astra_arena.core.model import Model
from astra_arena.synthesizer.qa.authored.step_replies import cover_findings

WHOLE = "*"
"""Names the whole decomposition where a vote is not on single sub-questions."""


class Vote(Model):
    """One vote; the dimensions differ in what is asked for."""

    def findings(self, ids: Sequence[str]) -> list[str]:
        """Say why this is no vote on the sub-questions with these ids, in words for the model."""
        raise NotImplementedError

    def objections(self) -> dict[str, str]:
        """Return what is wrong, by sub-question."""
        raise NotImplementedError


class DependencyVerdict(Model):
    """Whether a sub-question refers to the right answers."""

    id: str
    reason: str
    verdict: Literal["matched", "missing", "redundant", "wrong"]


class DependencyVote(Vote):
    """Which sub-questions refer to the right answers."""

    steps: list[DependencyVerdict]

    def findings(self, ids: Sequence[str]) -> list[str]:
        """Expect each sub-question once."""
        return cover_findings(ids, [one.id for one in self.steps])

    def objections(self) -> dict[str, str]:
        """Return those that do not."""
        wrong = [one for one in self.steps if one.verdict != "matched"]
        return {one.id: f"{one.verdict}: {one.reason}" for one in wrong}


class AtomicityVerdict(Model):
    """Whether a sub-question asks one thing."""

    id: str
    reason: str
    is_atomic: bool


class AtomicityVote(Vote):
    """Which sub-questions ask one thing."""

    steps: list[AtomicityVerdict]

    def findings(self, ids: Sequence[str]) -> list[str]:
        """Expect each sub-question once."""
        return cover_findings(ids, [one.id for one in self.steps])

    def objections(self) -> dict[str, str]:
        """Return those that do not."""
        return {one.id: one.reason for one in self.steps if not one.is_atomic}


class SequenceVerdict(Model):
    """Whether a sub-question waits for an answer without need."""

    id: str
    reason: str
    is_forced: bool


class SequenceVote(Vote):
    """Which sub-questions wait without need."""

    steps: list[SequenceVerdict]

    def findings(self, ids: Sequence[str]) -> list[str]:
        """Expect each sub-question once."""
        return cover_findings(ids, [one.id for one in self.steps])

    def objections(self) -> dict[str, str]:
        """Return those that do."""
        return {one.id: one.reason for one in self.steps if one.is_forced}


class Requirement(Model):
    """One thing that a question asks for."""

    requirement: str = Field(min_length=1)
    met_by: list[str]


class CompletenessVote(Vote):
    """What a question asks for, and which sub-questions meet that."""

    requirements: list[Requirement] = Field(min_length=1)

    def findings(self, ids: Sequence[str]) -> list[str]:
        """Expect ids that are there."""
        unknown = sorted({name for one in self.requirements for name in one.met_by} - set(ids))
        if not unknown:
            return []
        return [f"there is no {', '.join(unknown)}; the sub-questions are {', '.join(ids)}"]

    def objections(self) -> dict[str, str]:
        """Return what nothing meets: code draws the conclusion, not the model."""
        unmet = [one.requirement for one in self.requirements if not one.met_by]
        return {WHOLE: f"nothing meets: {'; '.join(unmet)}"} if unmet else {}
