"""Whether an answer can be reached by execution with some of the tools.

The search starts from what the gold knows and from the gold's own calls, as far as their tools are
there, and tries, level by level, calls with values that replies gave. It is bounded, and its bound
is part of the proof: an answer that it does not reach is out of reach as far as so many calls tell.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

from astra_arena.core.canonical import JsonObject, canonical_bytes
from astra_arena.core.environment import ToolSpec
from astra_arena.sandbox.contract import Program, Sandbox, Session, Succeeded
from astra_arena.synthesizer.variants.candidate_calls import CallMaker
from astra_arena.synthesizer.variants.sought import Sought
from astra_arena.synthesizer.variants.task_knowledge import TaskKnowledge
from astra_arena.synthesizer.variants.value_pool import ValuePool

MOST_CALLS = 2000
"""The most calls of one search."""


@dataclass(frozen=True, slots=True)
class Reach:
    """What a search found."""

    tool: str | None
    """The tool whose reply held an answer; `None` when none did."""
    arguments: JsonObject | None
    depth: int
    """Levels that were searched."""
    calls: int
    """Calls that were tried."""
    exhausted: bool
    """Whether there was nothing left to try before the bound."""

    def to_json(self) -> JsonObject:
        """Return the bound of the search for the task's provenance."""
        return {"depth": self.depth, "calls": self.calls, "exhausted": self.exhausted}


@dataclass
class Executor:
    """Executes calls on the world as it was at the start; equal calls once.

    Tools that write run in a session of their own, which is thrown away.
    """

    sandbox: Sandbox
    program: Program
    tools: dict[str, ToolSpec]
    _session: Session | None = None
    _known: dict[tuple[str, bytes], JsonObject | None] = field(
        default_factory=dict[tuple[str, bytes], "JsonObject | None"]
    )

    async def run(self, tool: str, arguments: JsonObject) -> JsonObject | None:
        """Return the reply; `None` when there was none."""
        key = (tool, canonical_bytes(arguments))
        if key not in self._known:
            self._known[key] = await self._execute(tool, arguments)
        return self._known[key]

    async def _execute(self, tool: str, arguments: JsonObject) -> JsonObject | None:
        session = self._session or await self.sandbox.open_session(self.program, seed=0)
        self._session = None
        execution = await session.call(tool, arguments)
        if self.tools[tool].read_only and isinstance(execution, Succeeded):
            self._session = session
        else:
            await session.close()
        return execution.result if isinstance(execution, Succeeded) else None

    async def close(self) -> None:
        """End the session."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()


async def search_reach(
    executor: Executor,
    knowledge: TaskKnowledge,
    tools: Collection[str],
    *,
    depth: int,
    most_calls: int = MOST_CALLS,
    longest_reply: int | None = None,
) -> Reach:
    """Search for a call whose reply gives a sub-question's answer, or a final one that needs it.

    Args:
        executor: Runs the calls.
        knowledge: The task and the sub-question, with what may be taken as known.
        tools: The tools that may be used.
        depth: The longest chain of calls, each with a value of the one before.
        most_calls: The bound.
        longest_reply: In characters; a longer one is not read. Then no long ones are asked for.
    """
    hints = knowledge.hints
    makers = [
        CallMaker(executor.tools[name], hints, widest=longest_reply is None) for name in tools
    ]
    pool = knowledge.values()
    for question, arguments in knowledge.known_calls:
        if question.tool is not None and question.tool in tools:
            known = await executor.run(question.tool, arguments)
            pool.add_reply(known if _is_read(known, longest_reply) else None)
    targets = {q.id: q for q in (knowledge.question, *knowledge.finals)}
    sought = [Sought.of(knowledge.task, question) for question in targets.values()]
    tried: set[tuple[str, bytes]] = set()
    calls = 0
    exhausted = False
    for level in range(1, depth + 1):
        # Each level may use its share of what is left, so that a wide first one leaves room.
        allowance = calls + (most_calls - calls) // (depth - level + 1)
        found: list[JsonObject] = []
        cut = False
        for tool, arguments in _in_turn(makers, pool):
            key = (tool, canonical_bytes(arguments))
            if key in tried:
                continue
            if calls >= allowance:
                cut = True
                break
            tried.add(key)
            calls += 1
            reply = await executor.run(tool, arguments)
            if reply is None or not _is_read(reply, longest_reply):
                continue
            if any(one.is_in(reply, arguments) for one in sought):
                return Reach(tool, arguments, level, calls, exhausted=False)
            found.append(reply)
        exhausted = not cut
        new = sum(pool.add_reply(reply) for reply in found)
        if not new:
            return Reach(None, None, level, calls, exhausted)
    return Reach(None, None, depth, calls, exhausted)


def _is_read(reply: JsonObject | None, longest: int | None) -> bool:
    return longest is None or length_of(reply) <= longest


def length_of(reply: JsonObject | None) -> int:
    """Return how many characters a reply has, as JSON without spaces."""
    return len(canonical_bytes(reply).decode())


def _in_turn(makers: list[CallMaker], pool: ValuePool) -> Iterator[tuple[str, JsonObject]]:
    """Yield one candidate of each tool after the other, so that none crowds the others out."""
    streams = [(maker.spec.name, maker.calls(pool)) for maker in makers]
    while streams:
        left: list[tuple[str, Iterator[JsonObject]]] = []
        for name, stream in streams:
            arguments = next(stream, None)
            if arguments is not None:
                yield name, arguments
                left.append((name, stream))
        streams = left
