"""Provokes the errors that an agent will meet, and keeps what it is told.

Nothing that is not there, a wrong type, a missing argument, a number out of range; and the gold
calls with one argument changed, where a tool that says too much would say it.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from astra_arena.core.canonical import Json, JsonObject, same_json
from astra_arena.core.environment import ToolSpec
from astra_arena.sandbox.contract import Broke, Failed, Sandbox
from astra_arena.servers.bundles.bundle import Bundle
from astra_arena.servers.episodes.toolset import Refused, Toolset
from astra_arena.synthesizer.gates.survey import distinct

NOWHERE = "zzqx-nowhere"
"""A text that no data holds."""
FAR = 987_654_321
"""A number that no data holds."""


@dataclass(frozen=True, slots=True)
class Complaint:
    """A call and the error that the agent reads."""

    tool: str
    arguments: JsonObject
    text: str


async def provoke(
    bundle: Bundle,
    sandbox: Sandbox,
    gold: list[tuple[str, JsonObject]],
    *,
    seed: int = 0,
) -> tuple[Complaint, ...]:
    """Collect complaints of every tool.

    Args:
        bundle: The environment.
        sandbox: Runs its tools.
        gold: Gold calls, their references resolved.
        seed: Keys the session's random streams.

    Raises:
        PolicyError: if the tool code was refused.
        SandboxUnavailableError: if the machinery broke.
    """
    toolset, program = Toolset(bundle.environment), bundle.program()
    session = await sandbox.open_session(program, seed=seed)
    complaints: list[Complaint] = []
    try:
        for name, arguments in _provocations(bundle, gold):
            tool = toolset.get(name)
            accepted = None if tool is None else tool.accept(arguments)
            if accepted is None:
                continue
            if isinstance(accepted, Refused):
                complaints.append(Complaint(name, arguments, accepted.reason))
                continue
            execution = await session.call(name, accepted.arguments)
            if isinstance(execution, Failed):
                complaints.append(Complaint(name, accepted.arguments, execution.message))
            elif isinstance(execution, Broke) and execution.session_lost:
                await session.close()
                session = await sandbox.open_session(program, seed=seed)
    finally:
        await session.close()
    return tuple(complaints)


def _provocations(
    bundle: Bundle, gold: list[tuple[str, JsonObject]]
) -> Iterator[tuple[str, JsonObject]]:
    for tool in bundle.environment.tools:
        yield tool.name, {}
        yield tool.name, {"no_such_argument": 1}
        plausible = missing_values(tool)
        yield tool.name, plausible
        for name, value in plausible.items():
            wrong: Json = FAR if isinstance(value, str) else NOWHERE
            yield tool.name, {**plausible, name: wrong}
            if isinstance(value, int):
                yield tool.name, {**plausible, name: -1}
    tools = {tool.name: tool for tool in bundle.environment.tools}
    for name, arguments in distinct(gold):
        for argument, value in arguments.items():
            if name in tools and not _is_default(tools[name], argument, value):
                for other in _neighbours(value):
                    yield name, {**arguments, argument: other}


def _is_default(tool: ToolSpec, argument: str, value: Json) -> bool:
    properties = tool.input_schema.get("properties")
    rule = properties.get(argument) if isinstance(properties, dict) else None
    return isinstance(rule, dict) and "default" in rule and same_json(rule["default"], value)


def missing_values(tool: ToolSpec) -> JsonObject:
    """Return values for the required arguments that look right and name nothing."""
    properties = tool.input_schema.get("properties")
    required = tool.input_schema.get("required")
    if not isinstance(properties, dict) or not isinstance(required, list):
        return {}
    return {str(name): _missing_value(properties.get(str(name))) for name in required}


def _missing_value(rule: Json) -> Json:
    if not isinstance(rule, dict):
        return NOWHERE
    listed = rule.get("enum")
    if isinstance(listed, list) and listed:
        return listed[0]
    match rule.get("type"):
        case "integer" | "number":
            most = rule.get("maximum")
            return most if isinstance(most, int | float) else FAR
        case "boolean":
            return False
        case "array":
            return [_missing_value(rule.get("items"))]
        case "object":
            return {}
        case _:
            return NOWHERE


def _neighbours(value: Json) -> tuple[Json, ...]:
    """Return values that an agent who errs a little might give."""
    match value:
        case bool() | None:
            return ()
        case int() | float():
            return (value + 1, FAR)
        case str():
            return (f"{value}x", value[:-1] or NOWHERE, value.swapcase())
        case _:
            return ()
