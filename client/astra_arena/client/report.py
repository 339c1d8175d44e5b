"""Figures by agent from rollouts: what they earned, what they did, what broke.

An id with a scored attempt is done, however often it was void before; one without is void. Figures
of different environments are never merged.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from rich.table import Table

from astra_arena.core.canonical import JsonObject
from astra_arena.core.rollouts import Rollout

VOID_LIMIT = 0.005
"""The share of rollouts that stayed void above which a run is not to be trusted."""


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
    """Rollouts that stayed void: no attempt of theirs was scored."""
    void_attempts: int
    """All attempts that ended void, repeated ones included."""
    repeated: int
    """The void attempts among them of rollouts that were scored in another attempt."""
    seconds: float
    """Mean wall-clock time of a rollout."""
    void_reason: str = ""
    """What most often broke the rollouts that stayed void."""

    @property
    def void_share(self) -> float:
        """The share of rollouts that stayed void."""
        asked_for = self.rollouts + self.void
        return self.void / asked_for if asked_for else 0.0

    def to_json(self) -> JsonObject:
        """Return the figures as JSON."""
        return {
            "mean_reward": round(self.mean_reward, 6),
            "f1": round(self.f1, 6),
            "solved": round(self.solved, 6),
            "calls": round(self.calls, 6),
            "failures": round(self.failures, 6),
            "void": self.void,
            "void_attempts": self.void_attempts,
            "seconds": round(self.seconds, 6),
        }


@dataclass(frozen=True, slots=True)
class EnvironmentFigures:
    """The figures of one environment."""

    tasks: int
    """Different tasks that were played."""
    agents: dict[str, AgentFigures]

    def to_json(self) -> JsonObject:
        """Return `{"tasks": n, "agents": {name: figures}}`."""
        agents: JsonObject = {name: one.to_json() for name, one in self.agents.items()}
        return {"tasks": self.tasks, "agents": agents}


@dataclass(frozen=True, slots=True)
class Report:
    """The figures of a set of rollouts."""

    environments: dict[str, EnvironmentFigures]
    """By name; versions of one environment are told apart by the start of their digests."""

    @property
    def tasks(self) -> int:
        """Different tasks that were played."""
        return sum(figures.tasks for figures in self.environments.values())

    @property
    def agents(self) -> dict[str, AgentFigures]:
        """The figures by agent, when all rollouts are of one environment.

        Raises:
            ValueError: if there are several environments.
        """
        if len(self.environments) > 1:
            names = ", ".join(self.environments)
            raise ValueError(f"there are several environments ({names}); see `environments`")
        return {
            name: figures
            for environment in self.environments.values()
            for name, figures in environment.agents.items()
        }

    @property
    def findings(self) -> tuple[str, ...]:
        """What makes the figures unfit for conclusions."""
        several = len(self.environments) > 1
        return tuple(
            f"{f'environment {place!r}, ' if several else ''}agent {name!r}: {figures.void} of "
            f"{figures.rollouts + figures.void} rollouts stayed void, more than {VOID_LIMIT:.1%}; "
            f"what broke: {figures.void_reason}"
            for place, environment in self.environments.items()
            for name, figures in environment.agents.items()
            if figures.void_share > VOID_LIMIT
        )

    def to_json(self) -> JsonObject:
        """Return tasks and figures by agent; those by environment, when there are several."""
        if len(self.environments) > 1:
            places: JsonObject = {name: one.to_json() for name, one in self.environments.items()}
            return {"tasks": self.tasks, "environments": places}
        return EnvironmentFigures(self.tasks, self.agents).to_json()

    def to_table(self) -> Table:
        """Return the figures as a table for people.

        Environments are named when there are several, repeated attempts when there were any.
        """
        rows = [
            (place, name, figures)
            for place, environment in self.environments.items()
            for name, figures in environment.agents.items()
        ]
        several = len(self.environments) > 1
        repeated = sum(figures.repeated for _, _, figures in rows)
        table = Table(
            title=f"{self.tasks} task{'' if self.tasks == 1 else 's'}",
            title_justify="left",
            title_style="bold",
            caption=f"void attempts that were repeated and scored: {repeated}"
            if repeated
            else None,
            caption_justify="left",
            box=None,
            collapse_padding=several,
        )
        for head in ("environment", "agent") if several else ("agent",):
            table.add_column(head, overflow="fold")
        for head in ("rollouts", "reward", "f1", "solved", "calls", "failures", "void", "seconds"):
            table.add_column(head, justify="right", no_wrap=True)
        for place, name, figures in rows:
            table.add_row(*((place, name) if several else (name,)), *_cells(figures))
        return table


def _cells(one: AgentFigures) -> tuple[str, ...]:
    return (
        str(one.rollouts),
        f"{one.mean_reward:.3f}",
        f"{one.f1:.3f}",
        f"{one.solved:.1%}",
        f"{one.calls:.1f}",
        f"{one.failures:.1f}",
        str(one.void),
        f"{one.seconds:.2f}",
    )


@dataclass(slots=True)
class _Sums:
    rollouts: int = 0
    solved: int = 0
    calls: int = 0
    failures: int = 0
    # Summed in order of size: floats then add up to the same in whatever order rollouts come.
    rewards: list[float] = field(default_factory=list[float])
    f1: list[float] = field(default_factory=list[float])
    seconds: list[float] = field(default_factory=list[float])
    scored: set[str] = field(default_factory=set[str])
    void: dict[str, list[str]] = field(default_factory=lambda: defaultdict[str, list[str]](list))
    """What broke the void attempts, by the id of the rollout."""

    def add(self, rollout: Rollout) -> None:
        verdict = rollout.verdict
        if verdict is None:
            self.void[rollout.id].append(rollout.failure.message if rollout.failure else "")
            return
        self.scored.add(rollout.id)
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
        stayed = [reasons for name, reasons in self.void.items() if name not in self.scored]
        attempts = sum(len(reasons) for reasons in self.void.values())
        said = Counter(reason for reasons in stayed for reason in reasons)
        return AgentFigures(
            rollouts=self.rollouts,
            mean_reward=sum(sorted(self.rewards)) / count,
            f1=sum(sorted(self.f1)) / count,
            solved=self.solved / count,
            calls=self.calls / count,
            failures=self.failures / count,
            void=len(stayed),
            void_attempts=attempts,
            repeated=attempts - sum(len(reasons) for reasons in stayed),
            seconds=sum(sorted(self.seconds)) / count,
            void_reason=min(said, key=lambda reason: (-said[reason], reason), default=""),
        )


@dataclass(slots=True)
class _Place:
    """What was played on one environment."""

    sums: dict[str, _Sums] = field(default_factory=lambda: defaultdict[str, _Sums](_Sums))
    tasks: set[str] = field(default_factory=set[str])

    def figures(self) -> EnvironmentFigures:
        figures = {name: self.sums[name].figures() for name in sorted(self.sums)}
        best_first = sorted(figures, key=lambda name: -figures[name].mean_reward)
        return EnvironmentFigures(len(self.tasks), {name: figures[name] for name in best_first})


class Tallies:
    """Figures that grow with each rollout; whole rollouts are not kept."""

    def __init__(self) -> None:
        self._places: dict[tuple[str, str], _Place] = defaultdict(_Place)

    def add(self, rollout: Rollout) -> None:
        """Count one rollout."""
        episode = rollout.episode
        place = self._places[episode.environment, episode.environment_digest]
        place.sums[rollout.agent].add(rollout)
        place.tasks.add(episode.task_id)

    def report(self) -> Report:
        """Return the figures so far, best agent first; the same in whatever order rollouts came."""
        versions = Counter(name for name, _ in self._places)
        return Report(
            {
                name if versions[name] == 1 else f"{name}@{_short(digest)}": place.figures()
                for (name, digest), place in sorted(self._places.items(), key=lambda one: one[0])
            }
        )


def _short(digest: str) -> str:
    return digest.rpartition(":")[2][:12]


def summarise(rollouts: Iterable[Rollout]) -> Report:
    """Return the figures of the rollouts, whatever order they come in."""
    tallies = Tallies()
    for rollout in rollouts:
        tallies.add(rollout)
    return tallies.report()
