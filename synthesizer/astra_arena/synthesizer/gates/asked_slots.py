"""What a task expects to be asked for must be open: another value has to lead somewhere else."""

from astra_arena.core.canonical import same_json
from astra_arena.core.randomness import random_stream
from astra_arena.core.tasks import Slot, Task
from astra_arena.sandbox.contract import Succeeded
from astra_arena.synthesizer.gates.gate import Finding
from astra_arena.synthesizer.gates.mutations import mutations_of
from astra_arena.synthesizer.gates.workbench import GoldStep, Workbench, found_at

MOST_VALUES = 24
"""Other values that are tried of a slot."""
_KINDS = ("other_value", "other_member", "off_by_one", "other_day")


async def closed_slots(bench: Workbench, task: Task) -> list[Finding]:
    """Return findings of slots that are asked for though no other value is possible."""
    asked = {turn.expect.slot for turn in task.turns if turn.expect.kind == "ask"}
    found: list[Finding] = []
    for slot in task.slots:
        if slot.name not in asked:
            continue
        steps = _steps_with(bench, task, slot)
        if steps and not any([await _is_open(bench, *step) for step in steps]):
            found.append(
                Finding(
                    problem=f"the slot {slot.name!r} is to be asked for, but no other value than "
                    f"{slot.value!r} leads to another result",
                    kind="a slot that is not open",
                    task=task.id,
                    evidence={"slot": slot.name},
                )
            )
    return found


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
