"""Stage 3, first half: four dimensions, each by several independent votes, and none by default.

A sub-question is upheld in a dimension when more than half of *all* votes uphold it: a vote that
could not be had is a vote against. What code can decide is decided before anybody is asked.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from pydantic import Field

from astra_arena.client.authors.author import Author, AuthorRequest, ask_votes
from astra_arena.core.canonical import Json, JsonObject
from astra_arena.core.errors import ReplyError
from astra_arena.core.model import Model
from astra_arena.synthesizer.qa.authored.asking import prompt, prompts_digest, steps_text
from astra_arena.synthesizer.qa.authored.stages import Passed, Rejected, Stage, Worked
from astra_arena.synthesizer.qa.authored.step_checks import (
    DIMENSIONS,
    Dimension,
    answer_findings,
    step_findings,
)
from astra_arena.synthesizer.qa.authored.votes import (
    WHOLE,
    AtomicityVote,
    CompletenessVote,
    DependencyVote,
    SequenceVote,
    Vote,
)
from astra_arena.synthesizer.qa.decomposition import Decomposition
from astra_arena.synthesizer.qa.instance import QAInstance

JUDGE = "judge"
DEFAULT_VOTES = 3
TEMPERATURE = 0.7
"""Votes at temperature 0 would be one vote."""

VoteT = TypeVar("VoteT", bound=Vote)


class Judgement(Model):
    """What votes said of a decomposition in one dimension."""

    shares: dict[str, float] = Field(min_length=1)
    """By sub-question: the share of all votes that uphold it."""
    lost: int = 0
    """Votes that could not be had: each counts against every sub-question."""
    objections: tuple[str, ...] = ()

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
        found = code_findings(item)
        if found:
            return Rejected("code finds it wrong", list[Json](found))
        judged, provenance = await self.judged(item)
        return Passed(judged, provenance)

    async def judged(self, item: QAInstance) -> tuple[Judged, tuple[JsonObject, ...]]:
        """Return what the votes say, and the provenance of each.

        Raises:
            AuthorError: as `Author.ask`, but for `ReplyError`.
        """
        provenance: list[JsonObject] = []
        judgements: dict[Dimension, Judgement] = {
            "dependency": await self._judged(item, "dependency", DependencyVote, provenance),
            "atomicity": await self._judged(item, "atomicity", AtomicityVote, provenance),
            "sequence": await self._judged(item, "sequence", SequenceVote, provenance),
            "completeness": await self._judged(item, "completeness", CompletenessVote, provenance),
        }
        return Judged(id=item.id, instance=item, judgements=judgements), tuple(provenance)

    async def _judged(
        self,
        item: QAInstance,
        dimension: Dimension,
        model: type[VoteT],
        provenance: list[JsonObject],
    ) -> Judgement:
        decomposition = decomposed(item)
        ids = [node.id for node in decomposition.nodes]
        request = AuthorRequest(
            stage=self.name,
            item=item.id,
            part=dimension,
            result=model,
            prompt=prompt(
                dimension,
                item.language,
                question=item.question,
                steps=steps_text(decomposition),
            ),
            check=lambda vote: vote.findings(ids),
            temperature=TEMPERATURE,
        )
        replies = await ask_votes(self.author, request, self.votes)
        votes = [one.value for one in replies if not isinstance(one, ReplyError)]
        provenance += [one.provenance for one in replies if not isinstance(one, ReplyError)]
        return counted_votes([WHOLE] if model is CompletenessVote else ids, votes, len(replies))


def counted_votes(names: Sequence[str], votes: Sequence[Vote], asked: int) -> Judgement:
    """Count votes on the named sub-questions.

    Args:
        names: What is voted on.
        votes: Those that could be had.
        asked: How many were asked for; those missing count against.
    """
    objections = [vote.objections() for vote in votes]
    shares = {name: sum(name not in one for one in objections) / asked for name in names}
    told = {f"{name}: {reason}": None for one in objections for name, reason in one.items()}
    return Judgement(shares=shares, lost=asked - len(votes), objections=tuple(told))


def decomposed(item: QAInstance) -> Decomposition:
    """Return the decomposition that earlier stages see to."""
    assert item.decomposition is not None, item.id
    return item.decomposition


def code_findings(item: QAInstance) -> list[str]:
    """Say what code finds wrong with a decomposition, whoever has written it."""
    decomposition = decomposed(item)
    return [
        *(finding.text for finding in step_findings(item.question, decomposition, hops=item.hops)),
        *answer_findings(item.answer, decomposition),
    ]
