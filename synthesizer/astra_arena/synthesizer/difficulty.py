"""Measures how hard tasks are: solvers of graded strength play them, and what they earn tells.

A task's `difficulty` gets the mean reward and the share of attempts that solved it, solver by
solver, and one number: 1 less the mean of the solvers' mean rewards. A task that no solver gets
anywhere with has difficulty 1. The number compares tasks for these solvers and for no others.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import fmean

from astra_arena.client.scripted_agents import build_agent
from astra_arena.core.canonical import Json, JsonObject
from astra_arena.core.difficulty import MEASURED
from astra_arena.core.tasks import Task
from astra_arena.sandbox.contract import Sandbox
from astra_arena.servers.bundles.bundle import Bundle
from astra_arena.synthesizer.gates.agent_play import play_agent
from astra_arena.synthesizer.gates.play import Player
from astra_arena.synthesizer.gates.remembering import CallMemory, RememberingSandbox

SOLVERS = ("random", "literals", "chaining-2", "chaining-4", "searching")
"""Who plays, the weakest first; none of them sees the gold."""
SEEDS = (0, 1, 2)
DEFINITION = "1 - mean over solvers of the mean reward over seeds"
_DIGITS = 4


@dataclass(frozen=True, slots=True)
class SolverScore:
    """What one solver earned in one task."""

    reward: float
    """Mean over seeds."""
    solved: float
    """The share of seeds with which everything was solved."""


async def measure_difficulty(
    bundle: Bundle,
    sandbox: Sandbox,
    *,
    solvers: Sequence[str] = SOLVERS,
    seeds: Sequence[int] = SEEDS,
    memory: CallMemory | None = None,
    on_task: Callable[[int, int], None] | None = None,
) -> tuple[Task, ...]:
    """Return the bundle's tasks with their difficulties measured.

    Args:
        bundle: The environment.
        sandbox: Runs its tools.
        solvers: Names of scripted agents.
        seeds: Each solver plays each task once with each.
        memory: What calls are known to return, of the gates for instance.
        on_task: Told how many tasks are done, and of how many.

    Raises:
        SettingsError: if there is no solver of a name.
        SandboxUnavailableError: if the machinery broke.
    """
    players = [build_agent(name, tasks=bundle.tasks) for name in solvers]
    measured: list[Task] = []
    async with RememberingSandbox(sandbox, memory or CallMemory()) as remembering:
        player = Player(bundle, remembering)
        for task in bundle.tasks:
            scores: dict[str, SolverScore] = {}
            for agent in players:
                verdicts = [await play_agent(player, task, agent, seed=seed) for seed in seeds]
                scores[agent.name] = SolverScore(
                    fmean(verdict.reward for verdict in verdicts),
                    fmean(float(verdict.solved) for verdict in verdicts),
                )
            measured.append(_with_difficulty(task, scores, seeds))
            if on_task is not None:
                on_task(len(measured), len(bundle.tasks))
    return tuple(measured)


def _with_difficulty(task: Task, scores: dict[str, SolverScore], seeds: Sequence[int]) -> Task:
    told: JsonObject = {
        name: {"reward": round(one.reward, _DIGITS), "solved": round(one.solved, _DIGITS)}
        for name, one in scores.items()
    }
    number = 1.0 - fmean(one.reward for one in scores.values())
    difficulty: JsonObject = {
        **task.difficulty,
        "solvers": told,
        "seeds": list[Json](seeds),
        MEASURED: round(number, _DIGITS),
        "definition": DEFINITION,
    }
    return task.model_copy(update={"difficulty": difficulty})
