"""Where gates try single calls: the gold calls of all tasks, what replies hold, and trials of more.

Trials run in states that the gold calls before them have made, so that tools that write can be
tried like those that read. Equal trials run once.
"""

from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TypeAlias

from astra_arena.core.calls import CallRecord
from astra_arena.core.canonical import Json, JsonObject, canonical_bytes
from astra_arena.core.errors import SpecError
from astra_arena.core.pointers import resolve_pointer
from astra_arena.core.tasks import SubQuestion, Task, gold_answers, resolve_arguments
from astra_arena.core.trajectory_reward import Rule, tally_calls
from astra_arena.sandbox.contract import Broke, Execution, Failed, Succeeded
from astra_arena.servers.episodes.toolset import Accepted, Toolset
from astra_arena.synthesizer.gates.gate import Exam
from astra_arena.synthesizer.gates.mutations import Parameter, parameters_of
from astra_arena.synthesizer.gates.play import Player
from astra_arena.synthesizer.gates.remembering import RememberingSandbox
from astra_arena.synthesizer.gates.seen_values import SeenValues
from astra_arena.synthesizer.gates.stored_values import stored_values

Trial: TypeAlias = tuple[str, JsonObject]
"""A tool and its arguments."""


@dataclass(frozen=True, slots=True)
class GoldStep:
    """A gold call of a task."""

    task: Task
    question: SubQuestion
    tool: str
    arguments: JsonObject
    """Complete: references resolved by the gold answers, defaults filled in."""
    before: tuple[Trial, ...]
    """The calls of tools that write which come before it."""


class Workbench:
    """Tries calls in one environment.

    Args:
        exam: The environment.
        sandbox: Runs the calls.
    """

    def __init__(self, exam: Exam, sandbox: RememberingSandbox) -> None:
        bundle = exam.bundle
        self.environment = bundle.name
        self.player = Player(bundle, sandbox, seed=exam.seed)
        self._sandbox = sandbox
        self._program = bundle.program()
        self._seed = exam.seed
        self._toolset = Toolset(bundle.environment)
        self.writing = {tool.name for tool in bundle.environment.tools if not tool.read_only}
        self.parameters = {
            tool.name: parameters_of(tool.input_schema) for tool in bundle.environment.tools
        }
        self.steps = tuple(step for task in exam.tasks for step in self._steps(task, bundle.name))
        self.seen = SeenValues()
        """What replies to gold calls and to bare ones hold, and the world's first rows."""
        for name, value in stored_values(bundle):
            self.seen.note_stored(name, value)
        self.on_view = SeenValues()
        """What replies to calls without any argument hold: all that can be had for the asking."""
        self._start = exam.memory.executed

    @property
    def figures(self) -> JsonObject:
        """How many calls were tried, and how many of them had to be run."""
        return {
            "calls": self._sandbox.asked,
            "executed": self._sandbox.memory.executed - self._start,
        }

    def _steps(self, task: Task, environment: str) -> Iterable[GoldStep]:
        answers, before = gold_answers(task), list[Trial]()
        for question in task.in_order():
            if question.tool is None or question.environment != environment:
                continue
            arguments = self.accepted(question.tool, resolve_arguments(question.arguments, answers))
            if arguments is None:
                # The gates of schemas and replay say so.
                continue
            yield GoldStep(task, question, question.tool, arguments, tuple(before))
            if question.tool in self.writing:
                before.append((question.tool, arguments))

    def writes(self, tool: str) -> bool:
        """Tell whether a tool may change the world."""
        return tool in self.writing

    def parameter(self, tool: str, name: str, environment: str | None = None) -> Parameter | None:
        """Return what a tool's schema says of an argument; `None` for other environments' tools."""
        if environment not in (None, self.environment):
            return None
        return self.parameters.get(tool, {}).get(name)

    def accepted(self, tool: str, arguments: JsonObject) -> JsonObject | None:
        """Return the arguments as they reach the tool; `None` when they are refused."""
        known = self._toolset.get(tool)
        checked = None if known is None else known.accept(arguments)
        return checked.arguments if isinstance(checked, Accepted) else None

    async def run(
        self, tool: str, arguments: JsonObject, *, after: Iterable[Trial] = ()
    ) -> Execution | None:
        """Try a call after others; `None` when its arguments are refused.

        Raises:
            PolicyError: if the tool code was refused.
            SandboxUnavailableError: if the machinery broke.
        """
        accepted = self.accepted(tool, arguments)
        return None if accepted is None else await self._run(tool, accepted, after)

    async def _run(self, tool: str, arguments: JsonObject, after: Iterable[Trial]) -> Execution:
        session = await self._sandbox.open_session(self._program, seed=self._seed)
        for earlier, its in after:
            await session.call(earlier, its)
        return await session.call(tool, arguments)

    async def state_after(self, call: Trial, *, after: Iterable[Trial] = ()) -> str | Broke:
        """Return the digest of the state that a call leaves after others."""
        session = await self._sandbox.open_session(self._program, seed=self._seed)
        for tool, arguments in (*after, call):
            await session.call(tool, arguments)
        return await session.state_digest()

    async def run_step(self, step: GoldStep) -> Execution:
        """Try a gold call where it stands."""
        return await self._run(step.tool, step.arguments, step.before)

    async def look_around(self) -> None:
        """Learn what replies hold: of the gold calls, and of tools called with what they need."""
        for step in self.steps:
            self._note(await self.run_step(step))
            self.seen.note(step.arguments)
        for tool, parameters in self.parameters.items():
            bare = {name: self.any_value(one) for name, one in parameters.items() if one.required}
            came = await self.run(tool, bare)
            self._note(came)
            if isinstance(came, Succeeded) and not bare:
                self.on_view.note(came.result)

    def any_value(self, parameter: Parameter) -> Json:
        """Return a value that an argument may have, one that replies hold if there is any."""
        seen = (one for one in self.seen.others(parameter.name, None) if parameter.takes(one))
        return next(seen, next(iter(parameter.members), parameter.default))

    def _note(self, execution: Execution | None) -> None:
        if isinstance(execution, Succeeded):
            self.seen.note(execution.result)


@asynccontextmanager
async def workbench(exam: Exam) -> AsyncGenerator[Workbench]:
    """Set up a workbench; what it opened is closed with the block."""
    async with RememberingSandbox(exam.sandbox, exam.memory) as sandbox:
        bench = Workbench(exam, sandbox)
        await bench.look_around()
        yield bench


def fingerprint(execution: Execution | None) -> bytes:
    """Return bytes that are equal for calls that returned and wrote the same."""
    match execution:
        case Succeeded(result, trace):
            # Reading calls leave an empty trace, those that write name what they wrote.
            return canonical_bytes([result, trace or ""])
        case Failed(message):
            return canonical_bytes(["failed", message])
        case Broke(kind, detail):
            return canonical_bytes(["broke", kind, detail])
        case None:
            return b"refused"


def found_at(execution: Execution | None, path: str) -> Json:
    """Return what a reply holds at a pointer; `None` when there is no reply or nothing there."""
    if not isinstance(execution, Succeeded):
        return None
    try:
        return resolve_pointer(execution.result, path)
    except SpecError:
        return None


def alone_in(task: Task, question: SubQuestion) -> Task:
    """Return the task with one sub-question left to solve, the answers of all others known."""
    known = tuple(
        other
        if other.id == question.id
        else other.model_copy(
            update={"tool": None, "arguments": {}, "depends_on": (), "alternatives": ()}
        )
        for other in task.sub_questions
    )
    return task.model_copy(update={"sub_questions": known})


def rule_that_accepts(
    alone: Task, tool: str, arguments: JsonObject | None, execution: Execution | None
) -> Rule | None:
    """Tell by which rule a call solves the only sub-question of a task; `None` if it does not.

    Args:
        alone: What `alone_in` returns.
        tool: The tool that was called.
        arguments: Complete, as the log keeps them.
        execution: What came of the call.
    """
    (question,) = alone.needed
    if arguments is None or not isinstance(execution, Succeeded):
        return None
    call = CallRecord(
        index=0,
        environment=question.environment,
        tool=tool,
        arguments=arguments,
        outcome="ok",
        result=execution.result,
    )
    solution = tally_calls(alone, (call,)).solutions.get(question.id)
    return None if solution is None else solution.rule
