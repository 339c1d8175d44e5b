"""Figures by agent from rollouts: what they earned, what they did, what broke."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from rich.table import Table

from astra_arena.core.canonical import JsonObject
from astra_arena.core.rollouts import Rollout

VOID_LIMIT = 0.005
"""The share of void attempts above which a run is not to be trusted."""


@dataclass(frozen=True, slots=True)
class AgentFigures:
    """One agent's figures; means are over the rollouts that are not void."""

    rollouts: int
    mean_reward: float
    f1: float
    """Mean of the component `f1`; rollouts of tasks without it count as zero."""
    solved: float
    """Share of rollouts that solved their task."""
    calls: float
    """Mean number of calls the reward charges for."""
    failures: float
    """Mean number of those that failed or were refused."""
    void: int
    """Attempts that ended void."""
    seconds: float
    """Mean wall-clock time of a rollout."""

    @property
    def void_share(self) -> float:
        """The share of attempts that ended void."""
        attempts = self.rollouts + self.void
        return self.void / attempts if attempts else 0.0

    def to_json(self) -> JsonObject:
        """Return the figures as JSON."""
        return {
            "mean_reward": round(self.mean_reward, 6),
            "f1": round(self.f1, 6),
            "solved": round(self.solved, 6),
            "calls": round(self.calls, 6),
            "failures": round(self.failures, 6),
            "void": self.void,
            "seconds": round(self.seconds, 6),
        }


@dataclass(frozen=True, slots=True)
class Report:
    """The figures of a set of rollouts."""

    tasks: int
    """Different tasks that were played."""
    agents: dict[str, AgentFigures]

    @property
    def findings(self) -> tuple[str, ...]:
        """What makes the figures unfit for conclusions."""
        return tuple(
            f"agent {name!r}: {figures.void} of {figures.rollouts + figures.void} attempts are "
            f"void, more than {VOID_LIMIT:.1%}; `failure` in the rollouts names what broke"
            for name, figures in self.agents.items()
            if figures.void_share > VOID_LIMIT
        )

    def to_json(self) -> JsonObject:
        """Return `{"tasks": n, "agents": {name: figures}}`."""
        return {
            "tasks": self.tasks,
            "agents": {name: figures.to_json() for name, figures in self.agents.items()},
        }

    def to_table(self) -> Table:
        """Return the figures as a table for people."""
        table = Table(
            title=f"{self.tasks} task{'' if self.tasks == 1 else 's'}",
            title_justify="left",
            title_style="bold",
            box=None,
        )
        table.add_column("agent")
        for head in ("rollouts", "reward", "f1", "solved", "calls", "failures", "void", "seconds"):
            table.add_column(head, justify="right")
        for name, one in self.agents.items():
            table.add_row(
                name,
                str(one.rollouts),
                f"{one.mean_reward:.3f}",
                f"{one.f1:.3f}",
                f"{one.solved:.1%}",
                f"{one.calls:.1f}",
                f"{one.failures:.1f}",
                str(one.void),
                f"{one.seconds:.2f}",
            )
        return table


@dataclass(slots=True)
class _Sums:
    rollouts: int = 0
    void: int = 0
    solved: int = 0
    calls: int = 0
    failures: int = 0
    # Summed in order of size: floats then add up to the same in whatever order rollouts come.
    rewards: list[float] = field(default_factory=list[float])
    f1: list[float] = field(default_factory=list[float])
    seconds: list[float] = field(default_factory=list[float])

    def add(self, rollout: Rollout) -> None:
        verdict = rollout.verdict
        if verdict is None:
            self.void += 1
            return
        component = verdict.component("f1")
        counted = [call for call in rollout.episode.calls if call.counts]
        self.rollouts += 1
        self.solved += verdict.solved
        self.calls += len(counted)
        self.failures += sum(call.outcome != "ok" for call in counted)
        self.rewards.append(verdict.reward)
        self.f1.append(component.value if component else 0.0)
        self.seconds.append(rollout.timing.seconds if rollout.timing else 0.0)

    def figures(self) -> AgentFigures:
        count = max(1, self.rollouts)
        return AgentFigures(
            rollouts=self.rollouts,
            mean_reward=sum(sorted(self.rewards)) / count,
            f1=sum(sorted(self.f1)) / count,
            solved=self.solved / count,
            calls=self.calls / count,
            failures=self.failures / count,
            void=self.void,
            seconds=sum(sorted(self.seconds)) / count,
        )


class Tallies:
    """Figures that grow with each rollout; whole rollouts are not kept."""

    def __init__(self) -> None:
        self._sums: dict[str, _Sums] = defaultdict(_Sums)
        self._tasks: set[tuple[str, str]] = set()

    def add(self, rollout: Rollout) -> None:
        """Count one rollout."""
        self._sums[rollout.agent].add(rollout)
        self._tasks.add((rollout.episode.environment_digest, rollout.episode.task_id))

    def report(self) -> Report:
        """Return the figures so far, best agent first; the same in whatever order rollouts came."""
        figures = {name: self._sums[name].figures() for name in sorted(self._sums)}
        best_first = sorted(figures, key=lambda name: -figures[name].mean_reward)
        return Report(len(self._tasks), {name: figures[name] for name in best_first})


def summarise(rollouts: Iterable[Rollout]) -> Report:
    """Return the figures of the rollouts, whatever order they come in."""
    tallies = Tallies()
    for rollout in rollouts:
        tallies.add(rollout)
    return tallies.report()
