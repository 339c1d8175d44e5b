from collections.abc import AsyncGenerator
from dataclasses import replace

import pytest

from astra_arena.core.errors import GateError
from astra_arena.core.gold_program import Act, CallAct, gold_acts
from astra_arena.core.tasks import Task, gold_answers, references_of, resolve_arguments
from astra_arena.sandbox import ProcessSandbox
from astra_arena.synthesizer.gates.examination import examine
from astra_arena.synthesizer.gates.play import Player, Programme
from astra_arena.synthesizer.gates.registry import chosen_gates
from astra_arena.synthesizer.suites.joint_proof import play_joint, require_most
from tests.support.requirement import requirement
from tests.synthesizer.suites.conftest import Made


@pytest.fixture
async def player(made: Made) -> AsyncGenerator[Player]:
    async with ProcessSandbox() as sandbox:
        yield Player(made.suite, sandbox)


def changing(made: Made) -> list[Task]:
    return [task for task in made.suite.tasks if task.final_state is not None]


def write_of(task: Task) -> CallAct:
    """The call of a task that writes, as it stands when everything before was found."""
    question = task.in_order()[-1]
    arguments = resolve_arguments(question.arguments, gold_answers(task))
    return CallAct(question.environment, question.tool or "", arguments, None, "")


@requirement("suites:joint-verdict")
async def test_gold_earns_everything_and_silence_nothing_on_every_task(
    made: Made, player: Player
) -> None:
    gold = await player.play_all([Programme(task, gold_acts(task)) for task in made.suite.tasks])
    assert [played.reward for played in gold] == [1.0] * len(made.suite.tasks)
    assert all(played.verdict.solved for played in gold)
    silent = await player.play_all([Programme(task, ()) for task in made.suite.tasks])
    assert [played.reward for played in silent] == [0.0] * len(made.suite.tasks)


@requirement("suites:joint-verdict")
async def test_one_verdict_counts_the_calls_to_all_environments(made: Made, player: Player) -> None:
    task = made.suite.tasks[0]
    played = await player.play_gold(task)
    assert {call.environment for call in played.record.calls} == {"sales", "returns"}
    assert len(played.record.calls) == len(task.needed)
    part = await player.play(task, gold_acts(task)[:1])
    assert 0.0 <= part.reward < 1.0


@requirement("suites:joint-verdict")
async def test_a_change_that_nobody_asked_for_costs_in_any_environment(
    made: Made, player: Player
) -> None:
    reading = next(task for task in made.suite.tasks if task.final_state is None)
    stranger = write_of(changing(made)[0])
    acts: list[Act] = [*gold_acts(reading), stranger]
    harmed = await player.play(reading, acts)
    assert harmed.ran_clean
    assert harmed.reward == 0.0
    collateral = harmed.verdict.component("collateral")
    assert collateral is not None
    changes = collateral.evidence["changes"]
    assert isinstance(changes, dict)
    assert list(changes) == [stranger.environment]


@requirement("suites:joint-verdict")
async def test_the_right_change_without_the_reading_earns_less(made: Made, player: Player) -> None:
    for task in changing(made):
        played = await player.play(task, [write_of(task)])
        assert played.reward < 0.9


@requirement("suites:joint-verdict")
async def test_a_task_with_wrong_gold_does_not_hold(made: Made) -> None:
    task = next(task for task in made.suite.tasks if task.final_state is None)
    handed = {name for question in task.sub_questions for name in references_of(question.arguments)}
    questions = tuple(
        question.model_copy(update={"answer": question.answer.model_copy(update={"value": "X-1"})})
        if question.id in handed
        else question
        for question in task.sub_questions
    )
    spoilt = task.model_copy(update={"sub_questions": questions})
    rest = made.suite.tasks[-1]
    suite = replace(made.suite, tasks=(spoilt, rest))
    proof = await play_joint(suite, watch=lambda done, total: None, runs=1)
    assert [name for name, _ in proof.rejected] == [spoilt.id]
    assert proof.held(suite.tasks) == (rest,)
    with pytest.raises(GateError, match="1 of 2 joint tasks do not hold"):
        require_most(suite, proof)


@requirement("suites:joint-verdict")
def test_the_release_gates_run_on_a_suite(made: Made) -> None:
    gates = chosen_gates(("replay", "leak", "near_duplicates", "static"))
    steps: set[str] = set()
    card = examine(made.suite.path, gates=gates, watcher=lambda gate, done, total: steps.add(gate))
    status = {gate.gate: gate.status for gate in card.gates}
    assert status == {
        "static": "not_applicable",
        "replay": "passed",
        "leak": "passed",
        "near_duplicates": "passed",
        "joint_verdict": "passed",
    }
    assert all(gate.reason for gate in card.gates if gate.status == "not_applicable")
    assert card.passed_tasks == tuple(task.id for task in made.suite.tasks)
    assert [one.environment_digest for one in card.members] == [
        member.digests.environment for member in made.suite.members
    ]
    assert "joint_verdict" in steps


@requirement("suites:joint-verdict")
def test_harm_was_played_on_nearly_all_tasks(made: Made) -> None:
    gates = made.synthesis.report["gates"]
    assert isinstance(gates, list)
    (gate,) = gates
    assert isinstance(gate, dict)
    assert gate["silence"] == 0.0
    assert gate["most_after_harm"] == 0.0
    harmed, tasks = gate["harmed"], gate["tasks"]
    assert isinstance(harmed, int)
    assert isinstance(tasks, int)
    assert harmed >= 0.8 * tasks
