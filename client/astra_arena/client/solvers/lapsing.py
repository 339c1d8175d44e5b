"""Oracles that err: they know the gold, and at each call they may forget how it goes.

They say nothing about how hard a task is to find out; they tell how its reward falls with errors.
"""

import random
from collections.abc import Iterable

from astra_arena.client.agent import EpisodeView
from astra_arena.client.argument_sampler import sample_arguments
from astra_arena.core.calls import REPLY_TOOL
from astra_arena.core.canonical import Json, JsonObject
from astra_arena.core.errors import SettingsError, SpecError, UnknownTaskError
from astra_arena.core.gold_program import CallAct, gold_acts
from astra_arena.core.offers import SEPARATOR
from astra_arena.core.pointers import resolve_pointer
from astra_arena.core.randomness import random_stream
from astra_arena.core.tasks import Task, resolve_arguments

SURENESSES = (25, 50, 75, 90)


class LapsingOracle:
    """Plays the gold, and makes a random call in place of a gold one now and then.

    Args:
        tasks: The tasks with their gold.
        sureness: How likely each call is the gold's, in percent: 25, 50, 75 or 90.
    """

    def __init__(self, tasks: Iterable[Task], sureness: int) -> None:
        if sureness not in SURENESSES:
            raise SettingsError(f"expected a sureness of {SURENESSES}, got {sureness}")
        self.knows_gold = True
        self.name = f"lapsing-oracle-{sureness}"
        self._tasks = {task.id: task for task in tasks}
        self._sureness = sureness / 100

    async def play(self, episode: EpisodeView) -> str | None:
        """Play the gold program as far as memory serves."""
        task = self._tasks.get(episode.task_id)
        if task is None:
            raise UnknownTaskError(f"the oracle has no gold for task {episode.task_id!r}")
        stream = random_stream(episode.seed, self.name, episode.task_id)
        answers: JsonObject = {
            one.id: one.answer.value for one in task.sub_questions if one.tool is None
        }
        said: str | None = None
        for act in gold_acts(task):
            if isinstance(act, CallAct):
                await self._call(episode, act, answers, stream)
            else:
                said = act.message
                await episode.call(REPLY_TOOL, {"message": act.message, "kind": act.kind})
        return said

    async def _call(
        self, episode: EpisodeView, act: CallAct, answers: JsonObject, stream: random.Random
    ) -> None:
        joint = f"{act.environment}{SEPARATOR}{act.tool}"
        tool = joint if episode.tool(joint) is not None else act.tool
        tool = episode.tool_names.get(joint, tool)
        view = episode.tool(tool)
        arguments = _resolved(act, answers)
        if arguments is None or stream.random() >= self._sureness:
            drawn = None if view is None else sample_arguments(view.input_schema, stream)
            arguments = drawn or {}
        reply = await episode.call(tool, arguments)
        if act.question is not None and reply.structured is not None:
            found = _found(reply.structured, act.path)
            if found is not None:
                answers[act.question] = found


def _resolved(act: CallAct, answers: JsonObject) -> JsonObject | None:
    try:
        return resolve_arguments(act.arguments, answers)
    except SpecError:
        return None


def _found(result: JsonObject, path: str) -> Json:
    try:
        return resolve_pointer(result, path)
    except SpecError:
        return None
