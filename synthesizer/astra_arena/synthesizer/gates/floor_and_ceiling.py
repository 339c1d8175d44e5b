"""The gate of floor and ceiling: the gold earns everything, and knowing nothing next to nothing.

The gold must earn 1 and silence 0 on every task. Three players that know nothing are allowed a
little on average, for a lucky call is no defect, and never the whole of a task: one states the
value that is commonest where the answer stands, one calls every tool once, one enumerates values
until the budget is used up.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import fmean

from astra_arena.client.agent import Agent
from astra_arena.client.scripted_agents import NoopAgent
from astra_arena.client.solvers.floors import EachToolOnceAgent, EnumeratingAgent, GuessingAgent
from astra_arena.core.canonical import JsonObject
from astra_arena.core.gold_program import gold_acts
from astra_arena.core.tasks import Task
from astra_arena.synthesizer.gates.agent_play import play_agent
from astra_arena.synthesizer.gates.gate import (
    Exam,
    Finding,
    GateResult,
    TaskMean,
    decided,
)
from astra_arena.synthesizer.gates.workbench import Workbench, workbench
from astra_arena.synthesizer.side_by_side import side_by_side

GATE = "floor_and_ceiling"
MOST_EARNED = {"guess": 0.15, "each-tool-once": 0.2, "enumerate": 0.3}
"""The mean over tasks that players which know nothing may earn."""
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class _Scores:
    """What was earned in one task, by player."""

    task: Task
    oracle: float
    silence: float
    blind: Mapping[str, float]


class FloorAndCeilingGate:
    """Plays the gold, silence and players that know nothing."""

    name = GATE

    async def check(self, exam: Exam) -> GateResult:
        """Examine an environment; see `Gate.check`."""
        async with workbench(exam) as bench:
            guesses = {task.id: common_answer(task, bench) for task in exam.tasks}
            agents = (GuessingAgent(guesses), EachToolOnceAgent(), EnumeratingAgent())
            scores = await side_by_side(
                exam.tasks,
                lambda task: _scores(bench, task, agents, exam.seed),
                on_done=exam.counter(GATE, len(exam.tasks)),
            )
            findings = [one for score in scores for one in _task_findings(score)]
            findings += _mean_findings(scores)
            figures = {**_figures(scores), **bench.figures}
            return decided(GATE, findings, figures, _task_means(scores))


async def _scores(bench: Workbench, task: Task, agents: tuple[Agent, ...], seed: int) -> _Scores:
    gold = await bench.player.play(task, gold_acts(task))
    silence = await play_agent(bench.player, task, NoopAgent(), seed=seed)
    blind = {
        agent.name: (await play_agent(bench.player, task, agent, seed=seed)).reward
        for agent in agents
    }
    return _Scores(task, gold.reward if gold.verdict.solved else 0.0, silence.reward, blind)


def common_answer(task: Task, bench: Workbench) -> str:
    """Return a message with the value that replies hold most often where the answer stands."""
    final = task.final_answer
    asked = [one for one in task.sub_questions if final is None or one.answer.value == final.value]
    if not asked:
        return "yes" if final is not None and isinstance(final.value, bool) else "none"
    field = asked[-1].answer.path.rpartition("/")[2]
    return f"The answer is {bench.seen.commonest(field)}."


def _task_findings(score: _Scores) -> list[Finding]:
    found: list[Finding] = []
    if score.oracle < 1.0 - _ROUNDING:
        problem = f"the gold earns {score.oracle:.3g}, not 1"
        found.append(Finding(problem=problem, kind="a gold below 1", task=score.task.id))
    if score.silence > _ROUNDING:
        problem = f"silence earns {score.silence:.3g}, not 0"
        found.append(Finding(problem=problem, kind="silence is rewarded", task=score.task.id))
    found += [
        Finding(
            problem=f"{name!r}, which knows nothing, earns everything",
            kind="solved without knowing anything",
            task=score.task.id,
            evidence={"player": name},
        )
        for name, reward in score.blind.items()
        if reward >= 1.0 - _ROUNDING
    ]
    return found


def _mean_findings(scores: list[_Scores]) -> list[Finding]:
    return [
        Finding(
            problem=f"{name!r}, which knows nothing, earns {mean:.3g} on average over "
            f"{len(scores)} tasks, expected {MOST_EARNED[name]:g} at most",
            kind="a floor that is too high",
            evidence={"player": name, "mean": round(mean, 4)},
        )
        for name, mean in _means(scores).items()
        if mean > MOST_EARNED[name] + _ROUNDING
    ]


def _means(scores: list[_Scores]) -> dict[str, float]:
    if not scores:
        return {}
    return {name: fmean(score.blind[name] for score in scores) for name in scores[0].blind}


def _task_means(scores: list[_Scores]) -> tuple[TaskMean, ...]:
    return tuple(
        TaskMean(
            f"{name!r}, which knows nothing, earns",
            most,
            {score.task.id: score.blind[name] for score in scores},
        )
        for name, most in MOST_EARNED.items()
    )


def _figures(scores: list[_Scores]) -> JsonObject:
    means: JsonObject = {
        name: {
            "mean": round(mean, 4),
            "most": round(max(score.blind[name] for score in scores), 4),
        }
        for name, mean in _means(scores).items()
    }
    variants: JsonObject = {
        variant: {
            "tasks": len(its),
            "oracle": round(min(score.oracle for score in its), 4),
            "silence": round(max(score.silence for score in its), 4),
        }
        for variant, its in sorted(_by_variant(scores).items())
    }
    return {"tasks": len(scores), "variants": variants, "players": means}


def _by_variant(scores: list[_Scores]) -> dict[str, list[_Scores]]:
    found: dict[str, list[_Scores]] = {}
    for score in scores:
        found.setdefault(score.task.variant, []).append(score)
    return found
