"""Verdicts: what an episode earned, from the host's log and the task's gold alone.

Pure functions over the stored record; no model decides anything here. The trajectory reward is the
base; half of it hangs on what else is graded, and factors take off for harm: see `reward_of`.
"""

from math import prod
from statistics import fmean

from astra_arena.core.calls import CallRecord
from astra_arena.core.canonical import Json, JsonObject
from astra_arena.core.components import Component
from astra_arena.core.errors import SpecError
from astra_arena.core.model import Model
from astra_arena.core.offers import SEPARATOR
from astra_arena.core.state_verdicts import state_components
from astra_arena.core.tasks import Task
from astra_arena.core.trajectory_reward import Mode, tally_calls, trajectory_component
from astra_arena.core.turn_verdicts import turn_components

__all__ = ["Component", "Mode", "Verdict", "score", "unsupported_parts"]


class Verdict(Model):
    """What an episode earned and why."""

    task_id: str
    mode: Mode
    reward: float
    """In [0, 1]."""
    solved: bool
    """Whether every sub-question that needs a tool was solved and every other component is 1."""
    components: tuple[Component, ...]

    def component(self, name: str) -> Component | None:
        """Return the component called `name`, or `None` when the task has none such."""
        return next((part for part in self.components if part.name == name), None)


def unsupported_parts(task: Task) -> tuple[str, ...]:
    """Name what keeps a task from being scored at all.

    A task that has any is refused as a whole: silence would earn the same as work.
    """
    asked = any(turn.expect.kind in ("ask", "decline") for turn in task.turns)
    state = task.final_state is not None and task.final_state.is_graded
    graded = bool(task.needed) or task.final_answer is not None or state
    return () if graded or asked else ("nothing that could be graded",)


def score(task: Task, calls: tuple[CallRecord, ...], *, mode: Mode = "strict") -> Verdict:
    """Decide what the calls of an episode earned.

    Args:
        task: The task with its gold.
        calls: The host's log, in order.
        mode: How calls solve sub-questions.

    Raises:
        SpecError: if the task has nothing that could be graded.
    """
    unsupported = unsupported_parts(task)
    if unsupported:
        raise SpecError(f"task {task.id!r} cannot be scored: it has {', '.join(unsupported)}")
    components: list[Component] = []
    solved = True
    if task.needed:
        tally = tally_calls(task, calls, mode=mode)
        components.append(trajectory_component(tally, mode=mode))
        solved = len(tally.solutions) == tally.needed
    components += turn_components(task, calls)
    components += state_components(task, calls)
    if task.forbidden:
        components.append(_forbidden(task, calls))
    others = (part for part in components if part.name != "f1")
    return Verdict(
        task_id=task.id,
        mode=mode,
        reward=reward_of(components),
        solved=solved and all(part.value == 1.0 for part in others),
        components=tuple(components),
    )


def reward_of(components: list[Component]) -> float:
    """Return the reward of components; 0 without a graded one.

    The trajectory reward is the base. Half of it hangs on the mean of the other graded components,
    so a wrong call costs the same whatever else a task asks for, and words without work earn
    nothing. Where no tool is needed, that mean is the reward.
    """
    base = [part.value for part in components if part.kind == "graded" and part.name == "f1"]
    others = [part.value for part in components if part.kind == "graded" and part.name != "f1"]
    factors = prod(part.value for part in components if part.kind == "factor")
    if not base:
        return fmean(others) * factors if others else 0.0
    return base[0] * (0.5 + 0.5 * fmean(others) if others else 1.0) * factors


def _forbidden(task: Task, calls: tuple[CallRecord, ...]) -> Component:
    broken = [call.index for call in calls if _is_forbidden(task, call)]
    evidence: JsonObject = {"calls": list[Json](broken)}
    return Component(name="forbidden", value=float(not broken), evidence=evidence, kind="factor")


def _is_forbidden(task: Task, call: CallRecord) -> bool:
    names = (call.tool, f"{call.environment}{SEPARATOR}{call.tool}")
    return not (call.own or call.foreign) and any(name in task.forbidden for name in names)
