"""Proves joint verdicts by play: the gold earns everything, silence nothing, and harm costs.

Each task is played in real episodes over all of its environments. To the gold is then added a
change that another task asks for: the right one for that task, and collateral damage in this one.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from astra_arena.core.canonical import Json, JsonObject, canonical_bytes
from astra_arena.core.errors import GateError
from astra_arena.core.gold_program import Act, CallAct, gold_acts
from astra_arena.core.tasks import SubQuestion, Task, gold_answers, resolve_arguments
from astra_arena.sandbox import ProcessSandbox
from astra_arena.servers.bundles.suite import Suite
from astra_arena.synthesizer.gates.play import Played, Player, Programme
from astra_arena.synthesizer.gates.report_card import MOST_REJECTED_SHARE

GATE = "joint_verdict"
RUNS = 3
MARGIN = 0.1
"""What harm must cost at least."""
MOST_TOLD = 5
MOST_TRIED = 4
"""Changes that are tried as harm: some are refused when the gold has been played."""


@dataclass(frozen=True, slots=True)
class JointProof:
    """What came of playing the tasks of a suite."""

    figures: JsonObject
    rejected: tuple[tuple[str, str], ...]
    """Tasks that do not hold, and why."""

    def held(self, tasks: Sequence[Task]) -> tuple[Task, ...]:
        """Return those of the tasks that hold."""
        failed = {task for task, _ in self.rejected}
        return tuple(task for task in tasks if task.id not in failed)

    def to_json(self) -> JsonObject:
        """Return the figures for the report."""
        listed: list[Json] = [{"task": task, "reason": reason} for task, reason in self.rejected]
        return {"gate": GATE, "passed": True, **self.figures, "rejected": listed}


async def play_joint(
    suite: Suite, *, watch: Callable[[int, int], None], runs: int = RUNS
) -> JointProof:
    """Play the gold of all tasks in fresh processes, several times over, and silence and harm once.

    Args:
        suite: The suite; it may be in memory.
        watch: Told how many episodes were played, of how many.
        runs: How often the gold is played.
    """
    gold = [Programme(task, gold_acts(task)) for task in suite.tasks]
    total, done = (runs + 1) * len(gold), 0

    def count() -> None:
        nonlocal done
        done += 1
        watch(done, total)

    golden: list[list[Played]] = []
    for _ in range(runs):
        async with ProcessSandbox() as sandbox:
            golden.append(await Player(suite, sandbox).play_all(gold, on_played=count))
    async with ProcessSandbox() as sandbox:
        player = Player(suite, sandbox)
        silent = await player.play_all([Programme(task, ()) for task in suite.tasks])
        harmful = [await _harmed(player, suite, task, count) for task in suite.tasks]
    problems = [
        _problem([run[number] for run in golden], silent[number], harmful[number])
        for number in range(len(gold))
    ]
    figures: JsonObject = {
        "tasks": len(suite.tasks),
        "runs": runs,
        "calls": sum(len(played.record.calls) for played in golden[0]),
        "silence": max((played.reward for played in silent), default=0.0),
        "harmed": sum(played is not None for played in harmful),
        "most_after_harm": max((played.reward for played in harmful if played), default=0.0),
    }
    rejected = [
        (task.id, problem) for task, problem in zip(suite.tasks, problems, strict=True) if problem
    ]
    return JointProof(figures, tuple(rejected))


def require_most(suite: Suite, proof: JointProof) -> None:
    """Refuse a suite of whose tasks too many do not hold.

    Raises:
        GateError: if more than a fifth of the tasks do not hold, or all.
    """
    failed, tasks = len(proof.rejected), len(suite.tasks)
    if failed <= MOST_REJECTED_SHARE * tasks and failed < tasks:
        return
    told = "; ".join(f"{task}: {problem}" for task, problem in proof.rejected[:MOST_TOLD])
    raise GateError(
        f"{failed} of {tasks} joint tasks do not hold when played: {told}",
        findings=tuple(f"{task} {problem}" for task, problem in proof.rejected),
    )


def _problem(gold: list[Played], silence: Played, harmed: Played | None) -> str | None:
    first, *others = gold
    if first.unmade is not None:
        return f"the gold cannot be played: {first.unmade}"
    if first.reward != 1.0 or not first.verdict.solved:
        parts = ", ".join(f"{part.name} {part.value:g}" for part in first.verdict.components)
        return f"the gold earns {first.reward:g}, not 1: {parts}"
    if any(_received(other) != _received(first) for other in others):
        return "the replies differ from run to run"
    if silence.reward != 0.0:
        return f"silence earns {silence.reward:g}, not 0"
    if harmed is not None and harmed.reward > first.reward - MARGIN:
        return f"a wrong change beside the gold earns {harmed.reward:g}"
    return None


def _received(played: Played) -> list[tuple[str, bytes]]:
    return [(reply.text, canonical_bytes(reply.structured)) for reply in played.replies]


async def _harmed(
    player: Player, suite: Suite, task: Task, count: Callable[[], None]
) -> Played | None:
    """Play the gold and then a change that nobody asked for; `None` where none goes through."""
    count()
    acts = gold_acts(task)
    calls = [one for one in acts if isinstance(one, CallAct)]
    closing: list[Act] = [one for one in acts if not isinstance(one, CallAct)]
    for act in _strange_changes(suite, task):
        played = await player.play(task, [*calls, act, *closing])
        if played.ran_clean:
            return played
    return None


def _strange_changes(suite: Suite, task: Task) -> Iterator[CallAct]:
    """Give changes of other tasks in this one's environments, where it reads only first."""
    names = {m.name for m in suite.members if m.digests.environment in task.environments}
    written = set[str]() if task.final_state is None else set(task.final_state.digests)
    found = [
        (question.environment in written, other, question)
        for other in _changing(suite)
        if other.id != task.id
        for question in other.needed
        if question.environment in names and _writes(suite, question)
    ]
    found.sort(key=lambda one: one[0])
    own = {canonical_bytes([q.environment, q.tool, q.answer.value]) for q in task.needed}
    tried = 0
    for _, other, question in found:
        if canonical_bytes([question.environment, question.tool, question.answer.value]) in own:
            continue
        if tried == MOST_TRIED:
            return
        tried += 1
        arguments = resolve_arguments(question.arguments, gold_answers(other))
        yield CallAct(question.environment, question.tool or "", arguments, None, "")


def _changing(suite: Suite) -> Iterator[Task]:
    yield from (task for task in suite.tasks if task.final_state is not None)
    for member in suite.members:
        yield from (task for task in member.tasks if task.final_state is not None)


def _writes(suite: Suite, question: SubQuestion) -> bool:
    member = next(one for one in suite.members if one.name == question.environment)
    spec = member.environment.tool(question.tool or "")
    return spec is not None and not spec.read_only
