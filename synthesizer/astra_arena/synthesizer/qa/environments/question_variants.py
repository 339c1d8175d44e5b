"""Variants of tasks that come of questions: something is missing, in the way, or fails.

`distractors` need tools of other environments: `arena synth suite` adds them to any bundles.
"""

import math
import re
import sqlite3
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass

from astra_arena.core.answers import plain_text
from astra_arena.core.canonical import Json, JsonObject
from astra_arena.core.faults import FaultPlan
from astra_arena.core.randomness import random_stream
from astra_arena.core.tasks import Filling, SubQuestion, Task, Turn, gold_answers
from astra_arena.sandbox.contract import Sandbox
from astra_arena.servers.bundles.bundle import Bundle
from astra_arena.synthesizer.qa.authored.grounding import is_supported
from astra_arena.synthesizer.qa.languages import Language, language_of_task
from astra_arena.synthesizer.sources.table_info import quote_identifier
from astra_arena.synthesizer.variants.fault_variant import with_faults
from astra_arena.synthesizer.variants.missing_function import NoVariant, missing_function
from astra_arena.synthesizer.variants.missing_parameter import (
    MOST_TRIED,
    Unsaid,
    missing_parameter,
    requires,
)
from astra_arena.synthesizer.variants.reach_search import Executor
from astra_arena.synthesizer.variants.variant_maker import VariantName, VariantSample

LONG = 8_000
"""Characters of other texts that stand before the question in the variant `long_context`."""
_SHORTEST = 3
"""A shorter value stands in a question by chance."""
_PARTS: dict[Language, dict[str, str]] = {
    "en": {
        "unsaid": "the {label} I have in mind",
        "tell": "The {label} is {value}.",
        "notes": "Here are notes of mine; they may or may not help.",
        "question": "My question: {question}",
    },
    "zh": {
        "unsaid": "我想的那个{label}",
        "tell": "{label}是{value}。",
        "notes": "以下是我的一些笔记，可能有用，也可能没用。",
        "question": "我的问题：{question}",
    },
}


@dataclass(frozen=True)
class QuestionVariants:
    """Makes the variants of one environment.

    Args:
        bundle: The environment.
        sandbox: Runs what proves them.
        texts: What stands in notes, by instance: what others of the environment are about.
        seed: Decides every draw.
    """

    bundle: Bundle
    sandbox: Sandbox
    texts: Mapping[str, str]
    seed: int

    async def make(
        self, tasks: Sequence[Task], shares: Mapping[VariantName, float]
    ) -> VariantSample:
        """Make variants; fewer than asked for where the tasks do not allow more.

        Args:
            tasks: The base tasks.
            shares: How many of each kind, to one base task.
        """
        specs = {spec.name: spec for spec in self.bundle.environment.tools}
        executor = Executor(self.sandbox, self.bundle.program(), specs)
        made: list[Task] = []
        refused: Counter[str] = Counter()
        try:
            for name, share in sorted(shares.items()):
                wanted = math.ceil(share * len(tasks))
                order = random_stream(self.seed, "variants", name).sample(tasks, k=len(tasks))
                for task in order:
                    if wanted <= 0:
                        break
                    variant = await self._variant(name, task, executor)
                    if isinstance(variant, NoVariant):
                        refused[f"{name}: {variant.reason}"] += 1
                    else:
                        made.append(variant)
                        wanted -= 1
        finally:
            await executor.close()
        return VariantSample(tuple(made), dict(sorted(refused.items())))

    async def _variant(self, name: VariantName, task: Task, executor: Executor) -> Task | NoVariant:
        match name:
            case "missing_function":
                return await missing_function(task, executor, seed=self.seed)
            case "faults":
                return with_faults(task, FaultPlan(), seed=self.seed)
            case "long_context":
                return self._long_context(task)
            case "missing_parameter" | "elicitation":
                unsaid = self._unsaid(task, only_required=name == "elicitation")
                if unsaid is None:
                    return NoVariant("the question names nothing that can be left out")
                return await missing_parameter(
                    task, unsaid, self.sandbox, self.bundle.program(), variant=name
                )

    def _long_context(self, task: Task) -> Task | NoVariant:
        """Put what other questions are about before the question; no answer stands there."""
        own = str(task.provenance["instance"])
        stream = random_stream(self.seed, "long_context", task.id)
        answers = list(gold_answers(task).values())
        if task.final_answer is not None:
            answers.append(task.final_answer.value)
        hidden = [value for value in answers if not isinstance(value, bool)]
        others = [text for name, text in sorted(self.texts.items()) if name != own and text]
        notes: list[str] = []
        for text in stream.sample(others, k=len(others)):
            if sum(map(len, notes)) >= LONG:
                break
            if not any(is_supported(value, text) for value in hidden):
                notes.append(text)
        if sum(map(len, notes)) < LONG:
            return NoVariant("the other questions are not about enough")
        words = _PARTS[language_of_task(task)]
        say = "\n\n".join([words["notes"], *notes, words["question"].format(question=task.prompt)])
        proof: JsonObject = {"characters": len(say) - len(task.prompt), "notes": len(notes)}
        first = task.turns[0]
        return task.model_copy(
            update={
                "id": f"{task.id}-long_context",
                "variant": "long_context",
                "turns": (Turn(say=say, expect=first.expect), *task.turns[1:]),
                "provenance": {**task.provenance, "base": task.id, "proof": proof},
            }
        )

    def _unsaid(self, task: Task, *, only_required: bool) -> Unsaid | None:
        """Return the task's question without a value that a call needs.

        Args:
            task: The task.
            only_required: Whether the call cannot be made without it: the host asks only then.
        """
        stream = random_stream(self.seed, "missing_parameter", task.id)
        tool_of = self.bundle.environment.tool
        choices = [
            (question, name, value)
            for question in task.needed
            for name, value in question.arguments.items()
            if isinstance(value, str)
            and _stands_once(value, task.prompt)
            and (not only_required or requires(tool_of(question.tool or ""), name))
        ]
        for question, name, value in stream.sample(choices, k=len(choices)):
            candidates = self._others(value)
            if candidates:
                picked = stream.sample(candidates, k=min(len(candidates), MOST_TRIED))
                return self._without(task, question, name, value, picked)
        return None

    def _without(
        self, task: Task, question: SubQuestion, name: str, value: str, candidates: list[Json]
    ) -> Unsaid:
        words = _PARTS[language_of_task(task)]
        label = (
            name.replace("_", " ")
            if language_of_task(task) == "en"
            else self._label(question, name)
        )
        prompt = _left_out(task.prompt, value, label, words["unsaid"])
        return Unsaid(
            question=question.id,
            argument=name,
            slot=label,
            aliases=tuple(dict.fromkeys((f"which {label}", f"what {label}", name, label))),
            tell=words["tell"].format(label=label, value=value),
            prompt=prompt,
            fills=tuple(
                Filling(tool=spec.name, argument=name)
                for spec in self.bundle.environment.tools
                if name in _properties(spec.input_schema)
            ),
            candidates=candidates,
        )

    def _label(self, question: SubQuestion, name: str) -> str:
        """Return what a parameter is called in the language of its document."""
        spec = self.bundle.environment.tool(question.tool or "")
        schema = {} if spec is None else _properties(spec.input_schema).get(name)
        told = schema.get("description") if isinstance(schema, dict) else None
        first = re.split(r"[，。；：,.;:（(]", told, maxsplit=1)[0] if isinstance(told, str) else ""
        return first.strip() or name

    def _others(self, value: str) -> list[Json]:
        """Return the other texts of the columns in which a value stands."""
        path = self.bundle.path / self.bundle.environment.world.file
        found: dict[str, None] = {}
        with closing(sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True)) as world:
            for table, column in _text_columns(world):
                names = quote_identifier(column), quote_identifier(table)
                # Names come from the database itself and are quoted.
                query = f"SELECT DISTINCT {names[0]} FROM {names[1]} ORDER BY 1"
                texts = [one for (one,) in world.execute(query) if isinstance(one, str)]
                if any(plain_text(one) == plain_text(value) for one in texts):
                    found |= dict.fromkeys(texts)
        return [one for one in found if plain_text(one) != plain_text(value)]


def _left_out(prompt: str, value: str, label: str, unsaid: str) -> str:
    """Return a question with words in the place of a value.

    >>> _left_out("Who wrote Emma?", "Emma", "title", "the {label} I have in mind")
    'Who wrote the title I have in mind?'
    >>> _left_out("Sum up the story S1.", "S1", "story id", "the {label} I have in mind")
    'Sum up the story I have in mind.'
    """
    at = prompt.casefold().index(value.casefold())
    before, after = prompt[:at], prompt[at + len(value) :]
    word = re.search(r"(?:\bthe )?(\w+) $", before)
    if word is not None and word[1].casefold() == label.split()[0].casefold():
        before, label = before[: word.start()], word[1]
    told = f"{before}{unsaid.format(label=label)}{after}"
    return told[:1].upper() + told[1:]


def _text_columns(world: sqlite3.Connection) -> list[tuple[str, str]]:
    tables = world.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
    return [
        (str(table), str(row[1]))
        for (table,) in tables.fetchall()
        for row in world.execute(f"PRAGMA table_info({quote_identifier(str(table))})")
        if "TEXT" in str(row[2]).upper()
    ]


def _stands_once(value: str, prompt: str) -> bool:
    folded = prompt.casefold()
    if len(value) < _SHORTEST and value.isascii():
        return False
    return folded.count(value.casefold()) == 1


def _properties(schema: JsonObject) -> JsonObject:
    properties = schema.get("properties")
    return properties if isinstance(properties, dict) else {}
