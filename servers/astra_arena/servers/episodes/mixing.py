"""Tool mixings in episodes: whose tools are at hand, what comes of a mixing, worlds of others."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from astra_arena.core.errors import SpecError
from astra_arena.core.mixed_tools import MixedTools, mix_tools
from astra_arena.core.rollouts import EpisodeRecord
from astra_arena.core.tasks import Budget, BudgetChange, Task
from astra_arena.core.tool_mixing import MixedNames, ToolMixing
from astra_arena.servers.bundles.bundle import Bundle
from astra_arena.servers.bundles.suite import Source, members_of
from astra_arena.servers.episodes.members import LiveMember, Member, compiled_members

MOST_BUDGET = Budget(calls=1000, turns=200, seconds=7200.0)
"""The most that whoever opens an episode may ask for, unless the task has more of its own."""


class DistractorPool:
    """The environments whose tools may be mixed in.

    ```python
    pool = DistractorPool.of(load_source(path) for path in paths)
    episode = await open_episode(bundle, task, sandbox, mixing=mixing, pool=pool)
    ```

    Args:
        bundles: The environments, by name.
        compile_member: Makes the member of one of them when it is needed.
    """

    def __init__(
        self, bundles: Mapping[str, Bundle], compile_member: Callable[[str], Member]
    ) -> None:
        self.bundles = bundles
        self.member = compile_member

    @classmethod
    def of(cls, sources: Iterable[Source]) -> "DistractorPool":
        """Return the pool of some bundles and suites; of equal names the first one counts."""
        bundles: dict[str, Bundle] = {}
        for source in sources:
            for bundle in members_of(source):
                bundles.setdefault(bundle.name, bundle)
        return cls(bundles, lambda name: compiled_members(bundles[name])[0])


@dataclass(frozen=True, slots=True)
class MixedEpisode:
    """What came of a mixing in one episode."""

    tools: MixedTools
    names: MixedNames
    """What the record says of it."""
    worlds: Mapping[str, LiveMember] = field(default_factory=dict[str, LiveMember])
    """Of the environments that distractors are of; their sessions open when one is called."""


def played_task(
    task: Task,
    *,
    budget: BudgetChange | None = None,
    mixing: ToolMixing | None = None,
    most: Budget = MOST_BUDGET,
) -> Task:
    """Return a task with what an episode is opened with in place of its own.

    Args:
        task: The task.
        budget: What to change of its budget.
        mixing: In place of its own.
        most: The most that may be asked for, unless the task has more of its own.

    Raises:
        SpecError: if the budget is beyond that, or below what it takes to come to the end.
    """
    changed = task.budget if budget is None else budget.applied(task.budget)
    for name in ("calls", "turns", "seconds"):
        own, asked = getattr(task.budget, name), getattr(changed, name)
        if asked > max(getattr(most, name), own):
            raise SpecError(
                f"a budget of {asked:g} {name} was asked for, but at most "
                f"{max(getattr(most, name), own):g} are given; ask for less"
            )
    if changed.turns < task.messages_needed:
        raise SpecError(
            f"task {task.id!r} takes {task.messages_needed} messages, so it cannot be played with "
            f"a budget of {changed.turns} turns; ask for more"
        )
    played = task.model_copy(update={"budget": changed, "mixing": mixing or task.mixing})
    _require_time(played)
    return played


def _require_time(task: Task) -> None:
    """Check that the gold can be played in time, however late its replies are."""
    if task.mixing is None or task.mixing.latency is None:
        return
    faults = task.mixing.faults or task.faults
    tries = 1 if faults is None else 1 + faults.streak
    longest = len(task.needed) * tries * task.mixing.latency.high
    if longest > task.budget.seconds / 2:
        raise SpecError(
            f"replies that are up to {task.mixing.latency.high:g} seconds late may take "
            f"{longest:g} seconds of the {task.budget.seconds:g} that task {task.id!r} has, and at "
            "most half is meant for that; ask for less latency, or for a budget of more seconds"
        )


def draws_on_others(task: Task, mixing: ToolMixing | None) -> bool:
    """Tell whether an episode offers tools of other environments."""
    asked = mixing or task.mixing
    return asked is not None and asked.distractors is not None


def mixed_tools(
    task: Task, members: Sequence[Bundle], pool: Mapping[str, Bundle], *, seed: int
) -> tuple[MixedTools, MixedNames] | None:
    """Return what comes of a task's mixing; `None` where its tools stay what they are.

    Raises:
        SpecError: if it asks for what is not there, or would withhold what the task needs.
    """
    if task.mixing is None or not task.mixing.changes_tools:
        return None
    if task.mixing.distractors is None:
        pool = {}
    mixed = mix_tools(
        task.mixing,
        task,
        seed=seed,
        members={bundle.name: bundle.environment.tools for bundle in members},
        others={name: bundle.environment.tools for name, bundle in pool.items()},
    )
    digests = {name: bundle.digests.environment for name, bundle in pool.items()}
    return mixed, mixed.record(digests)


def with_terms(
    record: EpisodeRecord, task: Task, played: Task, names: MixedNames | None
) -> EpisodeRecord:
    """Return a record that says how an episode differs from what its task says.

    Args:
        record: Of the episode.
        task: As it is in its bundle.
        played: As it is played.
        names: What came of a mixing of the tools.
    """
    return record.model_copy(
        update={
            "budget": played.budget if played.budget != task.budget else None,
            "mixing": played.mixing if played.mixing != task.mixing else None,
            "mixed": names,
        }
    )
