"""The scripted agents bound the reward: gold earns all of it, silence nothing."""

import pytest

from astra_arena.client.agent import EpisodeView, ToolReply, ToolView
from astra_arena.client.harness import play_episode
from astra_arena.client.scripted_agents import NoopAgent, OracleAgent, RandomAgent, build_agent
from astra_arena.core.canonical import JsonObject
from astra_arena.core.errors import SettingsError
from astra_arena.core.schema import Checker
from astra_arena.core.tasks import Budget, Task
from tests.client.scripted_library import NAME, SCHEMAS, TASKS, birthplace_task, library
from tests.support.requirement import requirement


def answered(value: str) -> Task:
    """A task whose gold answer of the first sub-question is not what the tool says."""
    task = birthplace_task("Dune")
    first, second = task.sub_questions
    wrong = first.model_copy(update={"answer": first.answer.model_copy(update={"value": value})})
    return task.model_copy(update={"sub_questions": (wrong, second)})


@pytest.mark.anyio
async def test_the_oracle_earns_everything_and_says_the_answer() -> None:
    for task in TASKS:
        rollout = await play_episode(library(), task.id, OracleAgent(TASKS))
        assert rollout.verdict is not None
        assert (rollout.verdict.reward, rollout.verdict.solved) == (1.0, True)
        assert rollout.messages[-1] == {
            "role": "assistant",
            "content": f"The answer is {task.sub_questions[-1].answer.value}.",
        }


@pytest.mark.anyio
async def test_the_oracle_passes_on_what_replies_said_and_not_the_gold() -> None:
    task = answered("Asimov")
    rollout = await play_episode(library((task,)), "dune", OracleAgent((task,)))
    assert [call.arguments for call in rollout.episode.calls] == [
        {"title": "Dune"},
        {"author": "Herbert"},
    ]


@pytest.mark.anyio
async def test_the_oracle_stops_where_gold_does_not_come_true() -> None:
    task = TASKS[0]
    first, second = task.sub_questions
    lost = first.model_copy(update={"arguments": {"title": "Solaris"}})
    broken = task.model_copy(update={"sub_questions": (lost, second)})
    rollout = await play_episode(library((broken,)), task.id, OracleAgent((broken,)))
    assert rollout.ended == "agent_error"
    assert rollout.failure is not None
    assert "no book 'Solaris'" in rollout.failure.message
    elsewhere = first.model_copy(
        update={"answer": first.answer.model_copy(update={"path": "/writer"})}
    )
    moved = task.model_copy(update={"sub_questions": (elsewhere, second)})
    rollout = await play_episode(library((moved,)), task.id, OracleAgent((moved,)))
    assert rollout.failure is not None
    assert "lacks its answer" in rollout.failure.message


@pytest.mark.anyio
async def test_the_oracle_takes_what_follows_by_thought_alone_from_the_gold() -> None:
    task = TASKS[0]
    first, second = task.sub_questions
    thought = first.model_copy(update={"id": "thought", "tool": None, "arguments": {}})
    last = second.model_copy(
        update={
            "arguments": {"author": {"$from": "thought", "path": ""}},
            "depends_on": ("thought",),
        }
    )
    thoughtful = task.model_copy(update={"sub_questions": (thought, last)})
    rollout = await play_episode(library((thoughtful,)), task.id, OracleAgent((thoughtful,)))
    assert rollout.verdict is not None
    assert rollout.verdict.reward == 1.0


@pytest.mark.anyio
async def test_an_oracle_without_gold_for_the_task_does_not_play_it() -> None:
    rollout = await play_episode(library(), TASKS[0].id, OracleAgent(TASKS[1:]))
    assert rollout.ended == "agent_error"
    assert rollout.verdict is not None
    assert rollout.verdict.reward == 0.0


@pytest.mark.anyio
async def test_noop_earns_exactly_nothing() -> None:
    rollout = await play_episode(library(), TASKS[0].id, NoopAgent())
    assert rollout.verdict is not None
    assert rollout.verdict.reward == 0.0
    assert rollout.messages == ({"role": "user", "content": TASKS[0].prompt},)


@requirement("client:agents")
@pytest.mark.anyio
async def test_every_call_of_the_random_agent_satisfies_its_schema() -> None:
    counts: set[int] = set()
    for seed in range(50):
        rollout = await play_episode(library(), TASKS[0].id, RandomAgent(), seed=seed)
        calls = rollout.episode.calls
        counts.add(len(calls))
        assert {call.outcome for call in calls} <= {"ok", "tool_failure"}
        for call in calls:
            assert Checker(SCHEMAS[call.tool]).finding(call.arguments) is None
    # Half of a budget of eight calls.
    assert counts == {1, 2, 3, 4}


@pytest.mark.anyio
async def test_the_random_agent_depends_on_seed_and_task_alone() -> None:
    async def digest(task: Task, seed: int) -> str:
        return (await play_episode(library(), task.id, RandomAgent(), seed=seed)).digest

    assert await digest(TASKS[0], 3) == await digest(TASKS[0], 3)
    others = {await digest(TASKS[0], seed) for seed in range(5)} | {await digest(TASKS[1], 3)}
    assert len(others) == 6


@pytest.mark.anyio
async def test_the_random_agent_reuses_what_replies_said() -> None:
    asked: list[JsonObject] = []

    async def host(tool: str, arguments: JsonObject) -> ToolReply:
        asked.append(arguments)
        return ToolReply(False, "", {"rows": [{"author": "Joyce"}, {"author": "Joyce"}]})

    tools = (ToolView("find_author", "", SCHEMAS["find_author"]),)
    for seed in range(20):
        view = EpisodeView("t", "", tools, Budget(calls=20), seed, host)
        await RandomAgent().play(view)
    assert asked.count({"author": "Joyce"}) > len(asked) / 4


@pytest.mark.anyio
async def test_the_random_agent_passes_over_tools_it_cannot_call() -> None:
    unmet: JsonObject = {"type": "object", "required": ["x"], "properties": {"x": {"not": {}}}}
    tools = (ToolView("closed", "", unmet),)

    async def host(tool: str, arguments: JsonObject) -> ToolReply:
        raise NotImplementedError

    await RandomAgent().play(EpisodeView("t", "", tools, Budget(), 0, host))


def test_agents_are_built_by_name() -> None:
    names = [build_agent(name, tasks=TASKS).name for name in ("oracle", "random", "noop")]
    assert names == ["oracle", "random", "noop"]


def test_an_unknown_agent_names_the_choices() -> None:
    with pytest.raises(SettingsError, match=r"'gpt'; choose one of 'oracle', .*'noop'"):
        build_agent("gpt")


def test_an_oracle_without_any_gold_is_refused() -> None:
    with pytest.raises(SettingsError, match="gold"):
        build_agent("oracle")


def test_the_library_is_called_what_its_tasks_say() -> None:
    assert {question.environment for task in TASKS for question in task.sub_questions} == {NAME}
