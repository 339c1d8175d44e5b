"""Whether a record holds what the gold of a task needs: it is played on the record alone."""

import json
from typing import cast

from astra_arena.core.calls import CallRecord
from astra_arena.core.canonical import JsonObject, normalised
from astra_arena.core.environment import Environment
from astra_arena.core.errors import SpecError
from astra_arena.core.gold_program import CallAct, gold_acts
from astra_arena.core.pointers import resolve_pointer
from astra_arena.core.tasks import Task, resolve_arguments
from astra_arena.core.trajectory_reward import tally_calls
from astra_arena.servers.gateway.recording import NO_HISTORY, Recording, asked_text, history_after


def why_not_recorded(task: Task, environment: Environment, recording: Recording) -> str | None:
    """Return why a task cannot be played on a record; `None` if its gold earns all there.

    No reason quotes arguments or answers: they are gold.
    """
    if task.final_state is not None and task.final_state.is_graded:
        return "its final state is the server's, of which a record tells nothing"
    answers: JsonObject = {
        question.id: question.answer.value
        for question in task.sub_questions
        if question.tool is None
    }
    history, calls = NO_HISTORY, list[CallRecord]()
    for act in gold_acts(task):
        if not isinstance(act, CallAct):
            continue
        what = f"the gold call of {act.question!r}"
        try:
            arguments = cast("JsonObject", normalised(resolve_arguments(act.arguments, answers)))
        except SpecError:
            return f"{what} needs an answer that was not recorded"
        found = recording.find(act.tool, arguments, history)
        if found is None:
            return f"{what} was not recorded"
        if found.failed:
            return f"{what} failed when it was recorded"
        result = cast("JsonObject", json.loads(found.reply))
        calls.append(
            CallRecord(
                index=len(calls),
                environment=act.environment,
                tool=act.tool,
                arguments=arguments,
                outcome="ok",
                result=result,
            )
        )
        try:
            answer = resolve_pointer(result, act.path)
        except SpecError:
            return f"the recorded reply to {what} lacks its answer"
        if act.question is not None:
            answers[act.question] = answer
        spec = environment.tool(act.tool)
        if spec is not None and not spec.read_only:
            history = history_after(history, act.tool, asked_text(arguments))
    tally = tally_calls(task, tuple(calls))
    return None if len(tally.solutions) == tally.needed else "its gold answers were not recorded"
