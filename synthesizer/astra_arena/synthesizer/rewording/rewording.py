"""A bundle's questions in other words, as different people would ask them.

Each rewrite is held to the original by rules; one that does not ask the same is told to the model
once or twice, and then the original stays. The environment is not touched.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from pydantic import Field

from astra_arena.client.authors.author import Author, AuthorRequest
from astra_arena.client.authors.prompts import PromptFolder
from astra_arena.core.canonical import Json, JsonObject
from astra_arena.core.errors import ReplyError
from astra_arena.core.model import Model
from astra_arena.core.randomness import random_stream
from astra_arena.core.tasks import Task, Turn, gold_answers
from astra_arena.servers.bundles.bundle import Bundle
from astra_arena.synthesizer.qa.authored.grounding import states
from astra_arena.synthesizer.qa.languages import language_of_task
from astra_arena.synthesizer.rewording.masked_prompt import (
    MaskedPrompt,
    gold_texts,
    masked,
    plain_words,
    stored_in,
    stored_texts,
)
from astra_arena.synthesizer.rewording.same_question import differences
from astra_arena.synthesizer.side_by_side import side_by_side

REWORD = "reword"
PROMPTS = PromptFolder("astra_arena.synthesizer.rewording")
DEFAULT_PERSONAS = (
    "a colleague in a hurry",
    "a careful analyst who writes full sentences",
    "somebody new to the field who explains why they ask",
    "a manager on the phone",
)
_SHORTEST_TERM = 4
_EVERYDAY = frozenset(
    {"find", "list", "count", "with", "from", "name", "names", "value", "values", "result"}
    | {"results", "items", "limit", "offset", "page", "sort", "order", "more", "text", "have"}
    | {"show", "tell", "look", "many", "much", "that", "this", "what", "which", "number"}
)
"""Words of tools that say little in a question."""


class Reworded(Model):
    """A question in other words."""

    question: str = Field(min_length=1)


@dataclass(frozen=True, slots=True)
class Rewording:
    """What came of a bundle's questions."""

    tasks: tuple[Task, ...]
    """All of them, in their order."""
    reworded: int
    kept: dict[str, int]
    """Why others stayed as they were."""


@dataclass
class Rewriter:
    """Has questions said in other words.

    Args:
        author: Says them.
        bundle: Whose tasks they are.
        personas: As whom; one is drawn for each task.
        seed: Decides which.
        show_values: Whether the model may see the values in questions: they are of the rows.
        at_once: Requests under way.
    """

    author: Author
    bundle: Bundle
    personas: Sequence[str]
    seed: int = 0
    show_values: bool = False
    at_once: int = 8
    _vocabulary: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        self._vocabulary = vocabulary(self.bundle)

    async def rewrite(self) -> Rewording:
        """Return the tasks, with other words where these ask the same.

        Raises:
            AuthorError: as `Author.ask`, but for `ReplyError`.
        """
        stored = stored_texts(self.bundle)

        async def one(task: Task) -> Task | str:
            return await self._reworded(task, stored)

        came = await side_by_side(self.bundle.tasks, one, at_once=self.at_once)
        kept = Counter(one for one in came if isinstance(one, str))
        pairs = zip(came, self.bundle.tasks, strict=True)
        tasks = tuple(before if isinstance(now, str) else now for now, before in pairs)
        return Rewording(tasks, len(came) - kept.total(), dict(sorted(kept.items())))

    async def _reworded(self, task: Task, stored: set[str]) -> Task | str:
        """Return a task in other words, or why it stays as it is."""
        if len(task.turns) > 1:
            return "it is a conversation"
        language = language_of_task(task)
        persona = random_stream(self.seed, REWORD, task.id).choice(list(self.personas))
        original = masked(task.prompt, [*gold_texts(task), *stored_in(task.prompt, stored)])
        terms = [*self._vocabulary, *plain_words(task)]
        answers = _answers(task)

        def check(reply: Reworded) -> list[str]:
            text = " ".join(reply.question.split())
            wrong = list(differences(original, text, terms, language))
            if not wrong and any(
                states(original.filled(text), value) and not states(task.prompt, value)
                for value in answers
            ):
                # Which one is not for the model to know.
                wrong.append("it states something that the question asks for")
            return wrong

        request = AuthorRequest(
            stage=REWORD,
            item=f"{self.bundle.name}/{task.id}",
            result=Reworded,
            prompt=PROMPTS.load(REWORD, language).render(
                persona=persona, question=self._said(original)
            ),
            check=check,
        )
        try:
            authored = await self.author.ask(request)
        except ReplyError:
            return "no reply asked the same"
        text = original.filled(" ".join(authored.value.question.split()))
        if text == task.prompt:
            return "the reply was the question as it is"
        note: JsonObject = {**authored.provenance, "persona": persona, "original": task.prompt}
        return task.model_copy(
            update={
                "turns": tuple(Turn(say=text, expect=turn.expect) for turn in task.turns),
                "provenance": {**task.provenance, "reworded": note},
            }
        )

    def _said(self, original: MaskedPrompt) -> str:
        return original.shown() if self.show_values else original.text


def vocabulary(bundle: Bundle) -> frozenset[str]:
    """Return the words that name things and their properties, out of the tools' documents."""
    names: set[str] = set()
    for tool in bundle.environment.tools:
        names.add(tool.name)
        for schema in (tool.input_schema, tool.output_schema):
            names |= set(_property_names(schema))
    words = {word for name in names for word in name.casefold().split("_")}
    return frozenset(word for word in words if len(word) >= _SHORTEST_TERM) - _EVERYDAY


def _property_names(schema: Json) -> Iterator[str]:
    match schema:
        case dict():
            properties = schema.get("properties")
            if isinstance(properties, dict):
                yield from properties
            for value in schema.values():
                yield from _property_names(value)
        case list():
            for value in schema:
                yield from _property_names(value)
        case _:
            pass


def _answers(task: Task) -> list[Json]:
    answers = list(gold_answers(task).values())
    if task.final_answer is not None:
        answers.append(task.final_answer.value)
    return [value for value in answers if not isinstance(value, bool)]
