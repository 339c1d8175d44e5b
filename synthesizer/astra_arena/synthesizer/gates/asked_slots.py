"""What a task expects to be asked for must be open: what is said must not settle it.

Another value has to lead somewhere else, and no tool may name the value alone when it is called
with what the user has said so far.
"""

import re
from collections.abc import Container, Iterator
from itertools import islice, product

from astra_arena.core.answers import plain_text
from astra_arena.core.canonical import Json, JsonObject, same_json
from astra_arena.core.randomness import random_stream
from astra_arena.core.tasks import Slot, Task
from astra_arena.sandbox.contract import Succeeded
from astra_arena.synthesizer.gates.gate import Finding
from astra_arena.synthesizer.gates.mutations import Parameter, mutations_of
from astra_arena.synthesizer.gates.seen_values import scalars_in
from astra_arena.synthesizer.gates.workbench import GoldStep, Workbench, found_at

MOST_VALUES = 24
"""Other values that are tried of a slot."""
MOST_OF_TOOL = 8
MOST_CALLS = 64
"""Calls with what is said, of one tool and of all."""
_CODE = re.compile(r"[^\W\d_][\w-]*\d[\w-]*")
"""A word with a letter and a digit."""
_KINDS = ("other_value", "other_member", "off_by_one", "other_day")


async def closed_slots(bench: Workbench, task: Task) -> list[Finding]:
    """Return findings of slots that are asked for though what is said settles them."""
    found: list[Finding] = []
    for turn in task.turns:
        slot = next((s for s in task.slots if s.name == turn.expect.slot), None)
        if turn.expect.kind != "ask" or slot is None:
            continue
        steps = _steps_with(bench, task, slot)
        if steps and not any([await _is_open(bench, *step) for step in steps]):
            problem = f"no other value than {slot.value!r} leads to another result"
            found.append(_finding(task, slot, problem))
            continue
        call = await _naming_call(bench, slot, turn.say)
        if call is not None:
            tool, arguments = call
            problem = f"{tool} names its value alone when it is called with what is said"
            found.append(_finding(task, slot, problem, {"tool": tool, "arguments": arguments}))
    return found


def _finding(task: Task, slot: Slot, problem: str, evidence: JsonObject | None = None) -> Finding:
    return Finding(
        problem=f"the slot {slot.name!r} is to be asked for, but {problem}",
        kind="a slot that is not open",
        task=task.id,
        evidence={"slot": slot.name, **(evidence or {})},
    )


async def _naming_call(bench: Workbench, slot: Slot, said: str) -> tuple[str, JsonObject] | None:
    """Return a call with what is said whose reply has the slot's value and no other like it."""
    names = {fill.argument for fill in slot.fills}
    calls = list(_calls_with(bench, said))
    for tool, arguments in calls[:MOST_CALLS]:
        came = await bench.run(tool, arguments)
        if not isinstance(came, Succeeded) or _goes_on(came.result, bench.parameters[tool]):
            continue
        values = [value for name, value in scalars_in(came.result) if name in names]
        if values and all(same_json(value, slot.value) for value in values):
            return tool, arguments
    return None


def _calls_with(bench: Workbench, said: str) -> Iterator[tuple[str, JsonObject]]:
    """Give the calls of reading tools in which each argument is something that is said."""
    for tool, parameters in bench.parameters.items():
        if bench.writes(tool):
            continue
        said_of = {name: _said_values(bench, one, said) for name, one in parameters.items()}
        needed = [name for name, one in parameters.items() if one.required]
        given = [name for name in said_of if name in needed or said_of[name]]
        for chosen in islice(product(*(said_of[name] for name in given)), MOST_OF_TOOL):
            if chosen:
                yield tool, dict(zip(given, chosen, strict=True))


def _said_values(bench: Workbench, parameter: Parameter, said: str) -> list[Json]:
    """Return what is said that an argument may be: values that are known, and codes if it must."""
    named = [value for value in parameter.members if value is not None]
    known = [v for v in named or bench.seen.others(parameter.name, None) if _is_in(v, said)]
    codes: list[Json] = _CODE.findall(said) if parameter.required and not named else []
    return [value for value in dict.fromkeys([*known, *codes]) if parameter.takes(value)]


def _is_in(value: Json, said: str) -> bool:
    if not isinstance(value, str | int | float) or isinstance(value, bool):
        return False
    return (
        re.search(rf"(?<!\w){re.escape(plain_text(str(value)))}(?!\w)", plain_text(said))
        is not None
    )


def _goes_on(reply: JsonObject, repeated: Container[str]) -> bool:
    """Tell whether a reply is a page of more; what it repeats of the arguments says nothing."""
    own = [value for name, value in reply.items() if name not in repeated]
    lists = [len(value) for value in own if isinstance(value, list)]
    # A flag says that there is more, or a count does.
    return bool(lists) and any(
        value is True or (isinstance(value, int) and value > max(lists)) for value in own
    )


def _steps_with(bench: Workbench, task: Task, slot: Slot) -> list[tuple[GoldStep, str]]:
    """Return the gold calls that take the slot's value, with the argument that does."""
    fills = {(fill.tool.rpartition("__")[2], fill.argument) for fill in slot.fills}
    return [
        (step, name)
        for step in bench.steps
        if step.task.id == task.id
        for name, value in step.arguments.items()
        if (step.tool, name) in fills and same_json(value, slot.value)
    ]


async def _is_open(bench: Workbench, step: GoldStep, name: str) -> bool:
    parameter = bench.parameter(step.tool, name)
    if parameter is None:
        return True
    path = "" if bench.writes(step.tool) else step.question.answer.path
    gold = found_at(await bench.run_step(step), path)
    stream = random_stream(0, "asked_slots", step.task.id, step.question.id, name)
    others = mutations_of(parameter, step.arguments, bench.seen, stream, most=MOST_VALUES)
    for other in others:
        if other.kind not in _KINDS:
            continue
        came = await bench.run(step.tool, other.arguments, after=step.before)
        if isinstance(came, Succeeded) and not same_json(found_at(came, path), gold):
            return True
    return False
