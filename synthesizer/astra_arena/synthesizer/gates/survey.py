"""Calls every tool a few times with valid arguments, as a curious agent would.

Half of the arguments take values that the gold or earlier replies held under the same name, so that
look-ups find something. Equal bundles and seeds give equal surveys.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from astra_arena.client.argument_sampler import sample_arguments
from astra_arena.core.canonical import Json, JsonObject, canonical_bytes
from astra_arena.core.randomness import random_stream
from astra_arena.sandbox.contract import Broke, Execution, Sandbox, Succeeded
from astra_arena.servers.bundles.bundle import Bundle
from astra_arena.servers.episodes.toolset import Accepted, Toolset

ROUNDS = 6
"""How often each tool is called with drawn arguments."""
MOST_SEEN = 40
"""Values remembered under one name."""


@dataclass(frozen=True, slots=True)
class SurveyedCall:
    """A call and what came of it."""

    tool: str
    arguments: JsonObject
    """Complete: defaults filled in."""
    execution: Execution
    bare: bool = False
    """Whether nothing was given but defaults."""


@dataclass(slots=True)
class Memory:
    """Scalars met so far by the name that they stood under, in the order of meeting."""

    values: dict[str, list[Json]] = field(default_factory=dict[str, list[Json]])

    def note(self, value: Json, name: str = "") -> None:
        """Remember the scalars in a value."""
        if isinstance(value, dict):
            for key, inner in value.items():
                self.note(inner, key)
        elif isinstance(value, list):
            for item in value:
                self.note(item, name)
        elif name:
            known = self.values.setdefault(name, [])
            if value not in known and len(known) < MOST_SEEN:
                known.append(value)


async def survey(
    bundle: Bundle, sandbox: Sandbox, *, seed: int = 0, rounds: int = ROUNDS
) -> tuple[SurveyedCall, ...]:
    """Survey an environment in one session.

    Raises:
        PolicyError: if the tool code was refused.
        SandboxUnavailableError: if the machinery broke.
    """
    toolset, memory = Toolset(bundle.environment), gold_memory(bundle)
    program = bundle.program()
    session = await sandbox.open_session(program, seed=seed)
    calls: list[SurveyedCall] = []
    try:
        for tool, arguments, bare in _asked(bundle, memory, seed, rounds):
            known = toolset.get(tool)
            accepted = None if known is None else known.accept(arguments)
            if not isinstance(accepted, Accepted):
                continue
            execution = await session.call(tool, accepted.arguments)
            calls.append(SurveyedCall(tool, accepted.arguments, execution, bare))
            if isinstance(execution, Succeeded):
                memory.note(execution.result)
            elif isinstance(execution, Broke) and execution.session_lost:
                await session.close()
                session = await sandbox.open_session(program, seed=seed)
    finally:
        await session.close()
    return tuple(calls)


def gold_memory(bundle: Bundle) -> Memory:
    """Return a memory of the arguments of all gold calls."""
    memory = Memory()
    for task in bundle.tasks:
        for question in task.sub_questions:
            for name, value in question.arguments.items():
                if not isinstance(value, dict):
                    memory.note(value, name)
    return memory


def _asked(
    bundle: Bundle, memory: Memory, seed: int, rounds: int
) -> Iterator[tuple[str, JsonObject, bool]]:
    """Give the calls to make; what came of those before is in the memory by then."""
    tools = bundle.environment.tools
    for tool in tools:
        if not tool.input_schema.get("required"):
            yield tool.name, {}, True
    for number in range(rounds):
        for tool in tools:
            stream = random_stream(seed, "survey", tool.name, number)
            arguments = sample_arguments(tool.input_schema, stream, seen=memory.values)
            if arguments is not None:
                yield tool.name, arguments, False


def distinct(calls: Sequence[tuple[str, JsonObject]]) -> list[tuple[str, JsonObject]]:
    """Return the calls without repetitions, in their order."""
    seen: set[bytes] = set()
    kept: list[tuple[str, JsonObject]] = []
    for tool, arguments in calls:
        key = canonical_bytes([tool, arguments])
        if key not in seen:
            seen.add(key)
            kept.append((tool, arguments))
    return kept
