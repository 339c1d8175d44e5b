"""Tries calls in the sandbox, on all rows, on those of facts and on none, and finds the answers.

What a tool replied is told to the author of its code without values: those are gold, or lead to it.
"""

import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from astra_arena.core.answers import answers_match
from astra_arena.core.canonical import Json, JsonObject, digest_of
from astra_arena.core.environment import World
from astra_arena.core.errors import PolicyError
from astra_arena.core.tasks import AnswerKind, RowSelector, resolve_arguments
from astra_arena.sandbox.contract import (
    Broke,
    Execution,
    Failed,
    Limits,
    Program,
    Sandbox,
    Succeeded,
)
from astra_arena.synthesizer.qa.instance import QAInstance
from astra_arena.synthesizer.qa.worlds.answer_rows import row_of
from astra_arena.synthesizer.qa.worlds.data_findings import decomposition_of, parents_answers
from astra_arena.synthesizer.qa.worlds.grown import compared_as
from astra_arena.synthesizer.qa.worlds.replies import NewTool
from astra_arena.synthesizer.qa.worlds.shared_world import Share, SharedWorld
from astra_arena.synthesizer.qa.worlds.tool_documents import tools_text
from astra_arena.synthesizer.sources.table_source import write_world

_MOST_SHOWN = 300
_LIMITS = Limits(call_seconds=3.0, cpu_seconds=3.0, sql_steps=20_000_000)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A call, and the answer that it has to bring."""

    name: str
    """For messages: `q1`, or `call 2`."""
    tool: str
    arguments: JsonObject
    """As tasks write them."""
    answers: JsonObject
    """What references stand for."""
    kind: AnswerKind
    answer: Json
    tolerance: float = 0.0

    @classmethod
    def of(
        cls, instance: QAInstance, step: str, tool: str, arguments: JsonObject, *, name: str = ""
    ) -> "Wanted":
        """Return a call for a sub-question.

        Args:
            instance: Whose it is.
            step: The sub-question's id.
            tool: The tool that is to answer it.
            arguments: As tasks write them.
            name: For messages; the id where empty.
        """
        decomposition = decomposition_of(instance)
        node = decomposition.node(step)
        assert node.answer is not None, "the stages before see to it"
        return cls(
            name=name or step,
            tool=tool,
            arguments=arguments,
            answers=parents_answers(decomposition, node),
            kind=compared_as(node.answer),
            answer=node.answer.value,
            tolerance=node.answer.tolerance,
        )

    @property
    def resolved(self) -> JsonObject:
        """The arguments with values in the place of references."""
        return resolve_arguments(self.arguments, self.answers)

    @property
    def takes_answers(self) -> bool:
        """Whether an argument is the answer of another sub-question."""
        return any(isinstance(one, dict) and "$from" in one for one in self.arguments.values())


@dataclass(frozen=True, slots=True)
class Tried:
    """What came of a call."""

    wanted: Wanted
    reply: JsonObject | None
    path: str | None
    """Pointer to the answer; `None` where it is not there."""
    problem: str = ""
    """In words for the author of the code: no value is quoted."""

    @property
    def where(self) -> RowSelector | None:
        """The row that holds the answer, where the reply lists rows."""
        if self.path is None or self.reply is None:
            return None
        return row_of(self.path, self.reply)


class Trials:
    """Runs calls in a world with candidates for its tools.

    Args:
        sandbox: Runs them; stays the caller's.
        world: The rows.
        tools: All tools, by name.
    """

    def __init__(
        self, sandbox: Sandbox, world: SharedWorld, tools: Mapping[str, NewTool], folder: Path
    ) -> None:
        self._sandbox = sandbox
        self._world = world
        self._tools = dict(tools)
        self._folder = folder
        self._code = tools_text("the world", self._tools.values()).encode("utf-8")

    async def run(self, calls: Sequence[Wanted]) -> list[Tried]:
        """Try calls on all rows; then those that found something on fewer."""
        try:
            full = await self._executed("all", calls)
            found = [
                found_path(came, one) is not None for came, one in zip(full, calls, strict=True)
            ]
            some = [one for one, is_found in zip(calls, found, strict=True) if is_found]
            facts = iter(await self._executed("facts", some))
            empty = iter(await self._executed("none", some))
        except PolicyError as error:
            told = f"the code was refused: {'; '.join(error.findings) or error.message}"
            return [Tried(one, None, None, told) for one in calls]
        return [
            self._judged(one, came, next(facts), next(empty))
            if is_found
            else Tried(one, None, None, _without_answer(came, one))
            for one, came, is_found in zip(calls, full, found, strict=True)
        ]

    def _judged(self, wanted: Wanted, full: Execution, facts: Execution, empty: Execution) -> Tried:
        assert isinstance(full, Succeeded), "it holds the answer"
        path, reply = found_path(full, wanted), full.result
        if full.trace:
            told = "it changes the tables; tools of this world only read"
            return Tried(wanted, reply, None, told)
        if found_path(facts, wanted) is None:
            told = "where there are fewer other rows, the reply no longer holds what is asked for"
            return Tried(wanted, reply, None, told)
        if not wanted.takes_answers and found_path(empty, wanted) is not None:
            told = "it returns the same from tables without any row: it must read what it returns"
            return Tried(wanted, reply, None, told)
        return Tried(wanted, reply, path)

    async def _executed(self, share: Share, calls: Sequence[Wanted]) -> list[Execution]:
        if not calls:
            return []
        with tempfile.TemporaryDirectory(dir=self._folder) as folder:
            program = self._program(share, Path(folder))
            session = await self._sandbox.open_session(program, seed=0)
            try:
                results: list[Execution] = []
                lost: dict[str, Broke] = {}
                for one in calls:
                    # What ended a session once has shown enough, and costs a deadline each time.
                    came = lost.get(one.tool) or await session.call(one.tool, one.resolved)
                    results.append(came)
                    if isinstance(came, Broke) and came.session_lost and one.tool not in lost:
                        lost[one.tool] = came
                        await session.close()
                        session = await self._sandbox.open_session(program, seed=0)
                return results
            finally:
                await session.close()

    def _program(self, share: Share, folder: Path) -> Program:
        world = World(kind="sqlite", file="world.sqlite")
        path = folder / world.file
        with closing(self._world.database(share)) as database:
            write_world(database, path)
        return Program(
            digest=digest_of([self._world.digest, share, self._code.decode("utf-8"), str(path)]),
            tools_py=self._code,
            tool_names=tuple(self._tools),
            world_kind=world.kind,
            world_path=path,
            clock=world.clock,
            limits=_LIMITS,
        )


def found_path(came: Execution, wanted: Wanted) -> str | None:
    """Return where a reply holds the answer, the first place in its order."""
    if not isinstance(came, Succeeded):
        return None
    return next(places_of(came.result, wanted.kind, wanted.answer, wanted.tolerance), None)


def places_of(
    reply: Json, kind: AnswerKind, answer: Json, tolerance: float = 0.0, at: str = ""
) -> Iterator[str]:
    """Give pointers to all values of a reply that are the answer."""
    if at and answers_match(kind, answer, reply, tolerance=tolerance):
        yield at
        return
    match reply:
        case dict():
            for name, value in reply.items():
                step = name.replace("~", "~0").replace("/", "~1")
                yield from places_of(value, kind, answer, tolerance, f"{at}/{step}")
        case list():
            for place, value in enumerate(reply):
                yield from places_of(value, kind, answer, tolerance, f"{at}/{place}")
        case _:
            pass


def mixed_up(tried: Sequence[Tried]) -> Iterator[str]:
    """Say which replies hold, where their answer would stand, what another call asks for."""
    for one in tried:
        for other in tried:
            if (
                one is other
                or one.wanted.tool != other.wanted.tool
                or one.wanted.resolved == other.wanted.resolved
                or one.path is None
                or one.reply is None
                or other.path is None
                or answers_match(one.wanted.kind, one.wanted.answer, other.wanted.answer)
            ):
                continue
            wanted = other.wanted
            places = places_of(one.reply, wanted.kind, wanted.answer, wanted.tolerance)
            if any(_kind_of_place(place) == _kind_of_place(one.path) for place in places):
                yield (
                    f"{one.wanted.name}: the reply of {one.wanted.tool} also holds what "
                    f"{wanted.name} asks for; it must return what its arguments single out"
                )


def _kind_of_place(pointer: str) -> str:
    return "/".join("*" if part.isdecimal() else part for part in pointer.split("/"))


def _without_answer(came: Execution, wanted: Wanted) -> str:
    match came:
        case Succeeded(result):
            return (
                f"the reply {shape_of(result)} does not hold what is asked for, as one "
                f"{'list of plain values' if isinstance(wanted.answer, list) else 'value'}"
            )
        case Failed(message):
            return f"it refuses the call: {without_values(message, wanted)}"
        case Broke(kind, detail):
            return f"it breaks ({kind}): {without_values(detail, wanted)[-_MOST_SHOWN:]}"


def shape_of(value: Json) -> str:
    """Return a reply without its values.

    >>> shape_of({"works": [{"title": "Emma", "year": 1815}], "more": False})
    '{works: [{title: text, year: number}], more: yes or no}'
    """
    match value:
        case dict():
            return "{" + ", ".join(f"{key}: {shape_of(one)}" for key, one in value.items()) + "}"
        case list():
            shapes = list(dict.fromkeys(shape_of(one) for one in value))
            return "[" + ", ".join(shapes) + "]" if shapes else "[] (nothing)"
        case bool():
            return "yes or no"
        case int() | float():
            return "number"
        case str():
            return "text"
        case None:
            return "null"


def without_values(text: str, wanted: Wanted) -> str:
    """Return a message without the answers that a call is about."""
    hidden = [wanted.answer, *wanted.answers.values()]
    values = [item for one in hidden for item in (one if isinstance(one, list) else [one])]
    told = " ".join(text.split())
    for value in sorted({str(one) for one in values if one is not None}, key=len, reverse=True):
        if value:
            told = re.sub(re.escape(value), "…", told, flags=re.IGNORECASE)
    return told
