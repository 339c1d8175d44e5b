"""The replay gate: a bundle as it lies on disk must bear out its own gold, every time.

The gold program of each task is played through an episode in processes that are started for the
purpose, several times over. What the agent gets must be byte-identical, hold each answer at its
typed path, and earn the full reward. Once more it is played with another seed: replies may differ
then, but gold that changes with the seed is no gold.
"""

from collections.abc import Callable, Iterator

from astra_arena.core.canonical import Json, canonical_bytes
from astra_arena.core.errors import SpecError
from astra_arena.core.gold_program import CallAct, gold_acts
from astra_arena.core.pointers import resolve_pointer
from astra_arena.core.tasks import SubQuestion
from astra_arena.sandbox import ProcessSandbox
from astra_arena.servers.bundles.suite import Source
from astra_arena.synthesizer.gates.gate import Exam, Finding, GateResult, decided
from astra_arena.synthesizer.gates.play import Played, Player, Programme
from astra_arena.synthesizer.tasks.task_writer import is_gold_answer

RUNS = 3


class ReplayGate:
    """Gold is replayed in fresh processes.

    Args:
        runs: How often, each time in new processes.
    """

    name = "replay"

    def __init__(self, *, runs: int = RUNS) -> None:
        self._runs = runs

    async def check(self, exam: Exam) -> GateResult:
        """Replay all gold; see `Gate.check`."""
        return await self.replay(
            exam.bundle, seed=exam.seed, on_step=lambda d, t: exam.on_step(self.name, d, t)
        )

    async def replay(
        self, source: Source, *, seed: int, on_step: Callable[[int, int], None]
    ) -> GateResult:
        """Replay all gold of a bundle or a suite."""
        programmes = [Programme(task, gold_acts(task)) for task in source.tasks]
        seeds = [*[seed] * self._runs, seed + 1]
        total, done = len(seeds) * len(programmes), 0

        def count() -> None:
            nonlocal done
            done += 1
            on_step(done, total)

        runs: list[list[Played]] = []
        for one in seeds:
            # A sandbox of its own, so that nothing a first run left in a process helps a later one.
            async with ProcessSandbox() as sandbox:
                player = Player(source, sandbox, seed=one)
                runs.append(await player.play_all(programmes, on_played=count))
        findings = [
            Finding(problem=problem, kind=kind, task=programme.task.id)
            for number, programme in enumerate(programmes)
            for kind, problem in _problems(programme, [run[number] for run in runs])
        ]
        calls = sum(len(played.record.calls) for played in runs[0])
        return decided(
            self.name,
            findings,
            {"tasks": len(programmes), "gold_calls": calls, "runs": self._runs},
        )


def _problems(programme: Programme, runs: list[Played]) -> Iterator[tuple[str, str]]:
    """Give what does not hold of one task: the class of the defect, and the defect.

    Args:
        programme: The gold.
        runs: What came of it, the last time with another seed.
    """
    first, *same, reseeded = runs
    problems = list(_missed(programme, first))
    if any(_received(run) != _received(first) for run in same):
        problems.append(("not deterministic", "the replies differ from run to run"))
    if not problems and (first.reward != 1.0 or not first.verdict.solved):
        parts = ", ".join(f"{part.name} {part.value:g}" for part in first.verdict.components)
        problem = f"the gold program earns {first.reward:g}, not 1: {parts}"
        problems.append(("gold earns less than 1", problem))
    if not problems and reseeded.reward != first.reward:
        problem = f"with another seed the gold program earns {reseeded.reward:g}"
        problems.append(("gold depends on the seed", problem))
    yield from problems


def _missed(programme: Programme, played: Played) -> Iterator[tuple[str, str]]:
    """Give the gold calls that failed, and the answers that were not where they should be."""
    task = programme.task
    by_id = {question.id: question for question in task.sub_questions}
    calls = iter(call for call in played.record.calls if not call.own and call.fault is None)
    for act, reply in zip(programme.acts, played.replies, strict=False):
        if not isinstance(act, CallAct):
            continue
        call = next(calls, None)
        where = act.question or act.tool
        if reply.is_error:
            told = reply.text if call is None else call.defect or call.message or reply.text
            outcome = "refused" if call is None else call.outcome
            yield (
                "gold call fails",
                f"{where}: the gold call of {act.tool} ended as {outcome}: {told}",
            )
        elif act.question is not None:
            yield from _unfound(by_id[act.question], reply.structured)
    if played.unmade is not None:
        yield "gold is unreachable", f"a gold call cannot be made: {played.unmade}"


def _unfound(question: SubQuestion, reply: Json) -> Iterator[tuple[str, str]]:
    gold = question.answer
    try:
        came = resolve_pointer(reply, gold.path)
    except SpecError as error:
        yield "gold is unreachable", f"{question.id}: the reply has {error.message}"
        return
    if not is_gold_answer(gold, came):
        yield "wrong gold", f"{question.id}: {gold.path} is {came!r}, not {gold.value!r}"


def _received(played: Played) -> list[tuple[str, bytes]]:
    return [(reply.text, canonical_bytes(reply.structured)) for reply in played.replies]
