"""Plays the gold program of a task through the sandbox, as the calls alone."""

from astra_arena.core.canonical import JsonObject
from astra_arena.core.gold_program import CallAct, gold_acts
from astra_arena.core.pointers import resolve_pointer
from astra_arena.core.tasks import Expectation, Task, Turn, resolve_arguments
from astra_arena.core.trajectory_reward import tally_calls
from astra_arena.sandbox.contract import Sandbox
from astra_arena.servers.bundles.bundle import Bundle
from astra_arena.servers.episodes.episode import Episode
from astra_arena.servers.episodes.opening import open_episode


def of_calls_alone(task: Task) -> Task:
    """Return a task without its words, states and faults: what its calls earn."""
    turns = (Turn(say=task.prompt, expect=Expectation(kind="act")),)
    plain = {**dict(task), "turns": turns, "slots": (), "final_answer": None, "faults": None}
    questions = tuple(one.model_copy(update={"turn": 0}) for one in task.sub_questions)
    return Task.model_validate({**plain, "final_state": None, "sub_questions": questions})


async def play_calls(bundle: Bundle, task: Task, sandbox: Sandbox) -> Episode:
    """Make the gold calls of a task and return the episode, closed.

    Arguments are taken from the replies as an agent would take them, not from the gold answers.
    """
    plain = of_calls_alone(task)
    episode = await open_episode(bundle, plain, sandbox)
    answers: JsonObject = {}
    for act in gold_acts(plain):
        assert isinstance(act, CallAct)
        reply = await episode.call(act.tool, resolve_arguments(act.arguments, answers))
        assert not reply.is_error, f"{task.id}: {act.tool} failed: {reply.text}"
        if act.question is not None:
            answers[act.question] = resolve_pointer(reply.structured, act.path)
    await episode.close()
    return episode


def solved(episode: Episode) -> bool:
    """Tell whether the calls solved every sub-question, each at once."""
    tally = tally_calls(episode.task, episode.calls)
    return len(tally.solutions) == tally.needed == tally.calls
