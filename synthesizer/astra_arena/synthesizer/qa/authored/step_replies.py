"""What a model replies when it takes a question apart, and what code finds wrong with that."""

from collections.abc import Iterator, Sequence
from typing import TypeAlias

from pydantic import Field

from astra_arena.core.answers import plain_text
from astra_arena.core.canonical import Json
from astra_arena.core.errors import SpecError
from astra_arena.core.model import Model
from astra_arena.synthesizer.qa.authored.grounding import is_supported
from astra_arena.synthesizer.qa.decomposition import (
    Decomposition,
    FactSource,
    KnowledgeSource,
    QuestionNode,
    SpanSource,
)
from astra_arena.synthesizer.qa.traces import decomposition_from_steps, stated_answer

AuthoredAnswer: TypeAlias = str | int | float | bool | list[str | int | float]


class AnsweredStep(Model):
    """The answer of one sub-question, and where it stands."""

    id: str
    answer: AuthoredAnswer
    fact: int | None
    """Number of the fact that states it, from 1."""
    quote: str | None
    """The words of the text that state it."""


class AuthoredStep(AnsweredStep):
    """One sub-question."""

    question: str
    depends_on: list[str]


class Answers(Model):
    """Answers of all sub-questions that are given."""

    answers: list[AnsweredStep] = Field(min_length=1)


class Steps(Model):
    """A question taken apart."""

    steps: list[AuthoredStep] = Field(min_length=1)
    finals: list[str] = Field(min_length=1)
    """Ids of those whose answers make up the main answer, in its order."""


class ProposedQuestion(Steps):
    """A question that was thought of, its answer, and how it is taken apart."""

    question: str = Field(min_length=1)
    answer: AuthoredAnswer


class Texts(Model):
    """What answers may be taken from."""

    facts: tuple[str, ...] = ()
    spans: dict[str, str] = Field(default_factory=dict)
    """By the name that a `SpanSource` has for it."""

    @property
    def are_given(self) -> bool:
        """Whether there is anything to take answers from."""
        return bool(self.facts or any(self.spans.values()))


def decomposition_of_steps(reply: Steps, texts: Texts) -> Decomposition:
    """Return the decomposition that a reply describes.

    Raises:
        SpecError: in words for the model, if it is not sound.
    """
    data: list[Json] = [
        {
            "id": step.id,
            "question": step.question,
            "depends_on": list(step.depends_on),
            "answer": _plain(step.answer),
        }
        for step in reply.steps
    ]
    read = decomposition_from_steps(data, finals=reply.finals)
    nodes = [
        with_source(node, step, texts) for node, step in zip(read.nodes, reply.steps, strict=True)
    ]
    return read.model_copy(update={"nodes": tuple(nodes)})


def answered(decomposition: Decomposition, answers: Answers, texts: Texts) -> Decomposition:
    """Return a decomposition with the answers of a reply; those that it has stay.

    Raises:
        SpecError: in words for the model, if an id is unknown, missing or doubled, or an answer is
            empty.
    """
    lacking = [node.id for node in decomposition.nodes if node.answer is None]
    for finding in cover_findings(lacking, [one.id for one in answers.answers]):
        raise SpecError(finding)
    by_id = {one.id: one for one in answers.answers}
    nodes: list[QuestionNode] = []
    for node in decomposition.nodes:
        step = by_id.get(node.id)
        if step is not None:
            try:
                stated = stated_answer(_plain(step.answer))
            except SpecError as error:
                raise SpecError(f"{node.id}: {error.message}") from None
            node = with_source(node.model_copy(update={"answer": stated}), step, texts)
        nodes.append(node)
    return decomposition.model_copy(update={"nodes": tuple(nodes)})


def with_source(node: QuestionNode, step: AnsweredStep, texts: Texts) -> QuestionNode:
    """Return a sub-question with the source that a reply names for its answer.

    Raises:
        SpecError: if there is no such fact or quotation.
    """
    if step.fact is None and step.quote is None:
        return node
    return node.model_copy(update={"source": _source(step, texts)})


def _source(step: AnsweredStep, texts: Texts) -> FactSource:
    if step.fact is not None and step.quote is not None:
        raise SpecError(f"{step.id}: expected a fact or a quote, got both")
    if step.fact is not None:
        if not 1 <= step.fact <= len(texts.facts):
            there = f"1 to {len(texts.facts)}" if texts.facts else "none"
            raise SpecError(f"{step.id}: there is no fact {step.fact}; there are {there}")
        return KnowledgeSource(kind="knowledge", index=step.fact - 1)
    quote = step.quote or ""
    for name, text in texts.spans.items():
        start = text.find(quote) if quote else -1
        if start >= 0:
            return SpanSource(kind="span", text=name, start=start, end=start + len(quote))
    raise SpecError(f"{step.id}: expected the exact words of the text as quote, got {quote[:80]!r}")


def grounding_findings(decomposition: Decomposition, texts: Texts) -> Iterator[str]:
    """Say which answers do not stand where they are said to stand."""
    for node in decomposition.nodes:
        if node.answer is None:
            continue
        source = node.source
        match source:
            case KnowledgeSource():
                text, name = texts.facts[source.index], f"fact {source.index + 1}"
            case SpanSource():
                text, name = texts.spans[source.text][source.start : source.end], "the quote"
            case _:
                if texts.are_given and source is None and not _follows(node, decomposition):
                    yield f"{node.id}: its answer must stand in what is given; name fact or quote"
                continue
        if not is_supported(node.answer.value, text):
            yield f"{node.id}: {name} does not state {node.answer.value!r}"


def _follows(node: QuestionNode, decomposition: Decomposition) -> bool:
    """Tell whether an answer can come of others: a figure, a yes or no, or a choice among them."""
    if not node.depends_on:
        return False
    parents = [decomposition.node(name).answer for name in node.depends_on]
    known = [plain_text(node.question)]
    known += [plain_text(str(one)) for answer in parents if answer for one in _listed(answer.value)]
    answers = _listed(None if node.answer is None else node.answer.value)
    return all(
        not isinstance(one, str) or any(plain_text(one) in text for text in known)
        for one in answers
    )


def _listed(answer: Json) -> list[Json]:
    return answer if isinstance(answer, list) else [answer]


def _plain(answer: AuthoredAnswer) -> Json:
    return list(answer) if isinstance(answer, list) else answer


def cover_findings(wanted: Sequence[str], came: Sequence[str]) -> list[str]:
    """Say whether a reply has each sub-question once, in words for the model."""
    if sorted(wanted) == sorted(came):
        return []
    return [f"expected each of {', '.join(wanted)} once, got {', '.join(came) or 'none'}"]
