"""Stage 3, first half: four dimensions, each by several independent votes, and none by default.

A sub-question is upheld in a dimension when more than half of *all* votes uphold it: a vote that
could not be had is a vote against. What code can decide is decided before anybody is asked.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from pydantic import Field

from astra_arena.client.authors.author import Author, ask_votes
from astra_arena.core.canonical import Json, JsonObject
from astra_arena.core.model import Model
from astra_arena.synthesizer.qa.authored.asking import prompts_digest
from astra_arena.synthesizer.qa.authored.stages import Passed, Rejected, Stage, Worked
from astra_arena.synthesizer.qa.authored.step_checks import (
    DIMENSIONS,
    Dimension,
)
from astra_arena.synthesizer.qa.instance import QAInstance

JUDGE = "judge"
DEFAULT_VOTES = 3
_TEMPERATURE = 0.7
"""Votes at temperature 0 would be one vote."""


class DependencyVerdict(Model):
    """Whether a sub-question refers to the right answers."""

    id: str
    reason: str
    verdict: Literal["matched", "missing", "redundant", "wrong"]

    @property
    def is_upheld(self) -> bool:
        """Whether nothing is wrong."""
        return self.verdict == "matched"


class AtomicityVerdict(Model):
    """Whether a sub-question asks one thing."""

    id: str
    reason: str
    is_atomic: bool

    @property
    def is_upheld(self) -> bool:
        """Whether nothing is wrong."""
        return self.is_atomic


class SequenceVerdict(Model):
    """Whether a sub-question waits for an answer without need."""

    id: str
    reason: str
    is_forced: bool

    @property
    def is_upheld(self) -> bool:
        """Whether nothing is wrong."""
        return not self.is_forced


class DependencyVote(Model):
    """One vote on all sub-questions."""

    steps: list[DependencyVerdict]


class AtomicityVote(Model):
    """One vote on all sub-questions."""

    steps: list[AtomicityVerdict]


class SequenceVote(Model):
    """One vote on all sub-questions."""

    steps: list[SequenceVerdict]


class Requirement(Model):
    """One thing that a question asks for."""

    requirement: str = Field(min_length=1)
    met_by: list[str]


class CompletenessVote(Model):
    """One vote on the whole."""

    requirements: list[Requirement] = Field(min_length=1)


StepVote: TypeAlias = DependencyVote | AtomicityVote | SequenceVote
_StepDimension = Literal["dependency", "atomicity", "sequence"]
_STEP_VOTES: Mapping[_StepDimension, type[StepVote]] = {
    "dependency": DependencyVote,
    "atomicity": AtomicityVote,
    "sequence": SequenceVote,
}
WHOLE = "*"
"""Names the whole decomposition where a vote is not on single sub-questions."""


class Judgement(Model):
    """What votes said of a decomposition in one dimension."""

    shares: dict[str, float]
    """By sub-question: the share of all votes that uphold it."""
    votes: int
    lost: int = 0
    """Votes that could not be had."""
    reasons: tuple[str, ...] = ()
    """What votes against it said."""

    @property
    def score(self) -> float:
        """The mean over the sub-questions, from 0 to 1."""
        return sum(self.shares.values()) / len(self.shares)

    @property
    def is_upheld(self) -> bool:
        """Whether more than half of all votes uphold every sub-question."""
        return all(share > 0.5 for share in self.shares.values())


class Judged(Model):
    """An instance with what was judged of it."""

    id: str
    instance: QAInstance
    judgements: dict[Dimension, Judgement]

    @property
    def score(self) -> float:
        """The mean over the dimensions."""
        return sum(one.score for one in self.judgements.values()) / len(self.judgements)

    @property
    def failed(self) -> tuple[Dimension, ...]:
        """The dimensions in which it is not upheld."""
        return tuple(name for name in DIMENSIONS if not self.judgements[name].is_upheld)


@dataclass(frozen=True, slots=True)
class Judging:
    """The stage.

    Args:
        author: Votes.
        votes: How often each dimension is asked for.
        name: Of the stage.
    """

    author: Author
    votes: int = DEFAULT_VOTES
    name: str = JUDGE

    @property
    def stage(self) -> Stage[QAInstance, Judged]:
        """What the pipeline runs."""
        return Stage(self.name, self.work, decides=self.decides)

    def decides(self, item: QAInstance) -> Json:
        """Return what decides the outcome beside the item."""
        del item
        return [self.author.model, self.votes, *prompts_digest(*DIMENSIONS)]

    async def work(self, item: QAInstance) -> Worked[Judged]:
        """Return the judgements of an instance; what code finds wrong is rejected before.

        Raises:
            AuthorError: as `Author.ask`, but for `ReplyError`.
        """
        decomposition = item.decomposition
        assert decomposition is not None, "a stage before sees to it"
        found = code_findings(item, decomposition)
        if found:
            return Rejected("code finds it wrong", list[Json](found))
        provenance: list[JsonObject] = []
        judgements: dict[Dimension, Judgement] = {}
        for dimension, model in _STEP_VOTES.items():
            request = self._request(item, decomposition, dimension, model)
            replies = await ask_votes(self.author, request, self.votes)
            judgements[dimension] = _of_steps(decomposition, dimension, replies)
            provenance += _provenance(replies)
        request = self._request(item, decomposition, "completeness", CompletenessVote)
        votes = await ask_votes(self.author, request, self.votes)
        judgements["completeness"] = _of_whole(votes)
        provenance += _provenance(votes)
        judged = Judged(id=item.id, instance=item, judgements=judgements)
        return Passed(judged, tuple(provenance))
