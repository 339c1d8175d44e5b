"""Every variant through the whole path: harness, both transports, host, sandbox, verdict."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from astra_arena.client.agent import EpisodeView
from astra_arena.client.control_client import open_control_client
from astra_arena.client.harness import play_episode
from astra_arena.client.http_venue import HttpVenue
from astra_arena.client.rescore import score_record
from astra_arena.client.scripted_agents import NoopAgent, OracleAgent
from astra_arena.client.stdio_venue import StdioVenue
from astra_arena.core.calls import REPLY_TOOL
from astra_arena.core.errors import EpisodeError, SpecError
from astra_arena.core.faults import FaultPlan
from astra_arena.core.rollouts import Rollout
from astra_arena.core.tasks import (
    Expectation,
    Filling,
    FinalAnswer,
    Slot,
    SubQuestion,
    Task,
    Turn,
)
from astra_arena.servers.bundles.bundle import Bundle
from astra_arena.servers.bundles.suite import Source, Suite, write_suite
from astra_arena.servers.serve import open_server
from tests.servers.joint_suite import GUIDE, JOINT_TASK, STATE_TASK, joint_tasks, write_guide
from tests.servers.small_bundle import GOLD_PHONE, NAME, TASK, write_small_bundle
from tests.support.requirement import requirement

ASK, DECLINE, FAULTS, SPOKEN = "ask", "decline", "faults", "spoken"
PLAYED = (ASK, DECLINE, FAULTS, SPOKEN, JOINT_TASK)


def variants(library: Bundle) -> tuple[Task, ...]:
    base = library.task(TASK)
    answer = FinalAnswer(kind="text", value=GOLD_PHONE)
    slot = Slot(name="title", value="Emma", fills=(Filling(tool="find_loan", argument="title"),))
    asking = Turn(say="Whose phone?", expect=Expectation(kind="ask", slot="title"))
    declining = Turn(
        say="What is the phone of the reader of Emma?",
        tools_removed=("get_reader",),
        expect=Expectation(kind="decline", tool="get_reader"),
    )
    then = Turn(say="Try now.", tools_added=("get_reader",), expect=Expectation(kind="answer"))
    later: tuple[SubQuestion, ...] = tuple(
        question.model_copy(update={"turn": 1}) for question in base.sub_questions
    )
    plan = FaultPlan(rate=1.0, streak=2)
    changes: tuple[dict[str, object], ...] = (
        {"id": ASK, "variant": "missing_parameter", "turns": (asking,), "slots": (slot,)},
        {"id": DECLINE, "turns": (declining, then), "sub_questions": later},
        {"id": FAULTS, "variant": "faults", "faults": plan},
        {"id": SPOKEN, "final_answer": answer},
    )
    return tuple(base.model_copy(update=change) for change in changes)


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Suite:
    folder = tmp_path_factory.mktemp("town")
    library = write_small_bundle(folder)
    guide = write_guide(folder)
    return write_suite(
        folder / "town",
        name="town",
        title="Town",
        members=(library, guide),
        tasks=(*variants(library), *joint_tasks(library, guide)),
    )


@asynccontextmanager
async def venue_on(source: Source) -> AsyncGenerator[HttpVenue]:
    async with (
        open_server([source]) as server,
        HttpVenue(server.addresses.control, server.token) as venue,
    ):
        yield venue


async def over_http(town: Suite, task_id: str, agent: OracleAgent | NoopAgent) -> Rollout:
    async with venue_on(town) as venue:
        variant = town.task(task_id).variant
        return await play_episode(venue, task_id, agent, variant=variant)


@requirement("episodes:gold")
@pytest.mark.parametrize("task_id", PLAYED)
async def test_the_oracle_earns_everything_over_http_and_stdio_by_the_same_log(
    town: Suite, task_id: str
) -> None:
    agent = OracleAgent(town.tasks)
    http = await over_http(town, task_id, agent)
    assert http.failure is None
    assert http.reward == 1.0, http.verdict
    async with StdioVenue(town) as venue:
        variant = town.task(task_id).variant
        stdio = await play_episode(venue, task_id, agent, variant=variant)
    assert stdio.episode.calls == http.episode.calls
    assert stdio.messages == http.messages
    assert stdio.verdict == http.verdict == score_record(http.episode, town)
    assert (http.episode.environment, http.episode.environment_digest) == (
        "town",
        town.digests.environment,
    )


@requirement("episodes:silence")
async def test_silence_earns_nothing_on_any_task_over_http(town: Suite) -> None:
    async with venue_on(town) as venue:
        for task in town.tasks:
            rollout = await play_episode(venue, task.id, NoopAgent(), variant=task.variant)
            assert rollout.reward == 0.0, task.id


async def test_the_conversation_holds_both_sides(town: Suite) -> None:
    rollout = await over_http(town, DECLINE, OracleAgent(town.tasks))
    said = [
        (message["role"], message["content"])
        for message in rollout.messages
        if message["role"] == "user" or "tool_calls" not in message
        if message["role"] != "tool"
    ]
    assert said == [
        ("user", "What is the phone of the reader of Emma?"),
        ("assistant", "I cannot do that: none of the tools that I have does it."),
        ("user", "Try now."),
        ("assistant", "Done."),
    ]


class Sayer:
    """Says its last word by returning it, and notes what it was offered."""

    name = "sayer"

    def __init__(self, *, replies: tuple[str, ...] = ()) -> None:
        self.replies = replies
        self.offered: list[list[str]] = []
        self.heard: list[object] = []

    async def play(self, episode: EpisodeView) -> str | None:
        assert episode.needs_reply
        self.offered.append([tool.name for tool in episode.tools])
        for message in self.replies:
            self.heard.append(await episode.reply(message, "cannot"))
            self.offered.append([tool.name for tool in await episode.list_tools()])
        return f"It is {GOLD_PHONE}."


@requirement("episodes:reply")
async def test_what_an_agent_returns_is_its_last_reply(town: Suite) -> None:
    async with venue_on(town) as venue:
        rollout = await play_episode(venue, SPOKEN, Sayer())
    (call,) = rollout.episode.calls
    assert (call.tool, call.arguments) == (
        REPLY_TOOL,
        {"message": f"It is {GOLD_PHONE}.", "kind": "answer"},
    )
    assert rollout.verdict is not None
    assert rollout.reward == 0.0
    assert [message["role"] for message in rollout.messages] == ["user", "assistant"]


@requirement("episodes:phases")
async def test_the_listed_tools_follow_the_turn(town: Suite) -> None:
    agent = Sayer(replies=("I cannot.",))
    async with venue_on(town) as venue:
        await play_episode(venue, DECLINE, agent)
        again = Sayer(replies=("I cannot.",))
        await play_episode(venue, DECLINE, again)
    before, after = agent.offered
    assert "get_reader" not in before
    assert set(after) == {*before, "get_reader"}
    assert REPLY_TOOL not in after
    assert again.offered == agent.offered


async def test_the_control_plane_takes_replies_and_says_what_is_wrong_with_them(
    town: Suite,
) -> None:
    async with (
        open_server([town]) as server,
        open_control_client(server.addresses.control, server.token) as control,
    ):
        opened = await control.open_episode("town", ASK, variant="missing_parameter")
        assert opened.needs_reply
        told = await control.reply(opened.id, "Which title?", "question", key="k")
        again = await control.reply(opened.id, "Which title?", "question", key="k")
        assert (told.user, told.done) == ("The title is Emma.", False)
        assert again == told
        with pytest.raises(SpecError, match='"verdict" is not one of'):
            await control.reply(opened.id, "x", "verdict")  # pyright: ignore[reportArgumentType]
        assert (await control.reply(opened.id, "Bye.")).done
        with pytest.raises(EpisodeError, match="conversation is over"):
            await control.reply(opened.id, "Hello?")
        closed = await control.close_episode(opened.id)
        assert [call.own for call in closed.record.calls] == [True, True, True]
        silent = await control.open_episode("town", STATE_TASK)
        assert not silent.needs_reply
        with pytest.raises(SpecError, match="no turns that end in words"):
            await control.reply(silent.id, "Hello?")


async def test_faulty_calls_do_not_use_the_budget_up(town: Suite, tmp_path: Path) -> None:
    task = town.task(FAULTS)
    tight = task.model_copy(update={"budget": task.budget.model_copy(update={"calls": 2})})
    suite = write_suite(
        tmp_path / "tight", name="tight", title="Tight", members=town.members, tasks=(tight,)
    )
    rollout = await over_http(suite, FAULTS, OracleAgent(suite.tasks))
    assert (rollout.reward, rollout.ended) == (1.0, "agent")
    assert sum(call.fault is not None for call in rollout.episode.calls) >= 2


def test_the_suite_s_environments_are_those_of_the_tests(town: Suite) -> None:
    assert [member.name for member in town.members] == [NAME, GUIDE]
