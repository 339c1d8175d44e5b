"""Episodes with words in them: turns, replies, slots, phases, elicitation."""

import pytest

from astra_arena.core.calls import ELICIT_TOOL, REPLY_TOOL
from astra_arena.core.canonical import Json, JsonObject
from astra_arena.core.errors import RecordError, SpecError
from astra_arena.core.tasks import (
    Budget,
    Expectation,
    Filling,
    FinalAnswer,
    Slot,
    SubQuestion,
    Task,
    Turn,
)
from astra_arena.sandbox.process_sandbox import ProcessSandbox
from astra_arena.sandbox.scripted import ScriptedSandbox
from astra_arena.servers import Bundle, Episode, open_episode
from astra_arena.servers.episodes.call_handling import EPISODE_DONE_TEXT
from astra_arena.servers.episodes.conversation import REPLY_SPEC, SPOKEN_CHARS
from astra_arena.servers.episodes.elicitation import FormAnswer
from astra_arena.servers.episodes.episode import EPISODE_CLOSED_TEXT
from astra_arena.servers.episodes.incoming import IncomingCall
from tests.servers.small_bundle import GOLD_PHONE, NAME, TASK
from tests.support.requirement import requirement

ACT = Expectation(kind="act")
ANSWER = Expectation(kind="answer")
TITLE = Slot(
    name="title",
    value="Emma",
    aliases=("book",),
    tell="The book is Emma.",
    fills=(Filling(tool="find_loan", argument="title"),),
)


def spoken_task(bundle: Bundle, *turns: Turn, **changes: object) -> Task:
    """Return the task with two steps as a conversation, its first step in the last turn."""
    task = bundle.task(TASK)
    last = len(turns) - 1
    questions: tuple[SubQuestion, ...] = tuple(
        question.model_copy(update={"turn": last}) for question in task.sub_questions
    )
    update = {
        "turns": turns,
        "sub_questions": questions,
        "final_answer": FinalAnswer(kind="text", value=GOLD_PHONE),
        **changes,
    }
    return Task.from_json(task.model_copy(update=update).to_json(), what="a test's task")


def asking(bundle: Bundle, **changes: object) -> Task:
    turn = Turn(say="Whose phone has my book?", expect=Expectation(kind="ask", slot="title"))
    return spoken_task(bundle, turn, slots=(TITLE,), **changes)


async def scripted(bundle: Bundle, task: Task) -> Episode:
    loan: JsonObject = {"loan_id": 2, "title": "Emma", "reader_id": 2, "branch_id": 2}
    script = {"find_loan": {**loan, "returned": 0}}
    return await open_episode(bundle, task, ScriptedSandbox(script))


@requirement("episodes:reply")
async def test_a_question_that_names_a_slot_is_answered_and_an_answer_ends_the_turn(
    bundle: Bundle,
) -> None:
    async with ProcessSandbox() as sandbox:
        episode = await open_episode(bundle, asking(bundle), sandbox)
        told = await episode.reply("Which book?", "question")
        loan = await episode.call("find_loan", {"title": "Emma"})
        assert loan.structured is not None
        await episode.call("get_reader", {"reader_id": loan.structured["reader_id"]})
        end = await episode.reply(f"It is {GOLD_PHONE}.")
        await episode.close()
    assert told.structured == {"user": "The book is Emma.", "done": False}
    assert end.structured == {"user": None, "done": True}
    assert episode.verdict().reward == 1.0
    replies = [call for call in episode.calls if call.tool == REPLY_TOOL]
    assert [(call.own, call.environment, call.arguments) for call in replies] == [
        (True, NAME, {"message": "Which book?", "kind": "question"}),
        (True, NAME, {"message": f"It is {GOLD_PHONE}.", "kind": "answer"}),
    ]
    assert replies[0].result == told.structured


@requirement("episodes:reply")
async def test_after_the_end_calls_and_replies_are_answered_and_change_nothing(
    bundle: Bundle,
) -> None:
    episode = await scripted(bundle, spoken_task(bundle, Turn(say="Hello?", expect=ANSWER)))
    last = await episode.reply("Bye.", key="k")
    texts = [
        (await episode.call("find_loan", {"title": "Emma"})).text,
        (await episode.reply("More.")).text,
        (await episode.call("find_loan", {"title": "Emma"}, key="k")).text,
        await episode.refuse("find_loan", "(9 bytes)", "unreadable"),
    ]
    assert texts == [EPISODE_DONE_TEXT] * 4
    assert await episode.reply("Bye.", key="k") is last
    assert episode.call_count == 1
    await episode.close()
    assert (await episode.reply("More.")).text == EPISODE_CLOSED_TEXT


@requirement("episodes:reply")
@pytest.mark.parametrize(
    ("message", "kind", "part"),
    [
        ("x", "verdict", '"verdict" is not one of'),
        ("x", None, "null is not one of"),
        ("", "answer", "is shorter than 1"),
        (7, "answer", "7 is not of type string"),
        ("\ud800", "answer", "lone surrogate"),
        ("y" * (SPOKEN_CHARS + 1), "answer", "is longer than 16384"),
        ("y" * 1_000_000, "answer", "expected at most 262144 bytes"),
    ],
)
async def test_a_reply_that_breaks_the_rules_is_refused_logged_and_harmless(
    bundle: Bundle, message: Json, kind: Json, part: str
) -> None:
    episode = await scripted(bundle, spoken_task(bundle, Turn(say="Hello?", expect=ANSWER)))
    refused = await episode.reply(message, kind)
    assert refused.is_error
    assert part in refused.text
    assert len(refused.text) < 500
    (call,) = episode.calls
    assert (call.own, call.outcome, call.counts) == (True, "invalid_arguments", False)
    assert not episode.done
    assert (await episode.reply("Hello.")).structured == {"user": None, "done": True}


async def test_a_flood_of_refused_replies_takes_bounded_memory(bundle: Bundle) -> None:
    episode = await scripted(bundle, spoken_task(bundle, Turn(say="Hello?", expect=ANSWER)))
    for _ in range(500):
        await episode.reply("x", "bad")
    assert episode.call_count == 64


async def test_replies_are_possible_when_the_calls_are_used_up(bundle: Bundle) -> None:
    turn = Turn(say="Hello?", expect=ANSWER)
    episode = await scripted(bundle, spoken_task(bundle, turn, budget=Budget(calls=1)))
    for _ in range(2):
        await episode.call("find_loan", {"title": "Emma"})
    assert (await episode.reply("Bye.")).structured == {"user": None, "done": True}
    assert episode.calls[1].outcome == "over_budget"


async def test_questions_end_when_the_budget_of_turns_is_used_up(bundle: Bundle) -> None:
    episode = await scripted(bundle, asking(bundle, budget=Budget(turns=3)))
    dones = [(await episode.reply("Well?", "question")).structured for _ in range(3)]
    assert dones[0] == {"user": "I have nothing to add to what I said.", "done": False}
    assert dones[-1] == {"user": None, "done": True}
    assert episode.done


async def test_a_task_without_words_has_no_reply(bundle: Bundle) -> None:
    episode = await scripted(bundle, bundle.task(TASK))
    refused = await episode.reply("Done.")
    assert "there is no tool 'reply'; the tools are: find_loan" in refused.text
    assert [(call.own, call.outcome) for call in episode.calls] == [(False, "unknown_tool")]


@requirement("episodes:phases")
async def test_what_is_on_offer_follows_the_turn_and_names_nothing_withheld(
    bundle: Bundle,
) -> None:
    task = spoken_task(
        bundle,
        Turn(
            say="Whose phone?",
            tools_removed=("get_reader", "misbehave"),
            expect=Expectation(kind="decline", tool="get_reader"),
        ),
        Turn(say="You can look now.", tools_added=("get_reader",), expect=ANSWER),
    )
    async with ProcessSandbox() as sandbox:
        episode = await open_episode(bundle, task, sandbox)
        before = [tool.name for tool in episode.tools()]
        withheld = await episode.call("get_reader", {"reader_id": 2})
        missing = await episode.call("got_reader", {"reader_id": 2})
        await episode.reply("I cannot.", "cannot")
        after = [tool.name for tool in episode.tools()]
        await episode.close()
    assert before == ["find_loan", "list_branches", "return_book", "draw_reader"]
    assert after == ["find_loan", "get_reader", *before[1:]]
    assert withheld.text.replace("get_reader", "got_reader") == missing.text
    assert missing.text.endswith("the tools are: " + ", ".join([*before, REPLY_SPEC.name]))
    assert [call.outcome for call in episode.calls[:2]] == ["unknown_tool"] * 2
    assert episode.tools_change


@requirement("episodes:mixing")
async def test_a_task_that_names_its_tools_offers_no_others(bundle: Bundle) -> None:
    task = bundle.task(TASK).model_copy(update={"tools": ("get_reader", "find_loan")})
    episode = await scripted(bundle, task)
    assert [tool.name for tool in episode.tools()] == ["find_loan", "get_reader"]
    refused = await episode.call("list_branches", {})
    assert refused.text == "there is no tool 'list_branches'; the tools are: find_loan, get_reader"


async def test_a_task_that_names_a_tool_that_is_not_there_is_refused_at_the_start(
    bundle: Bundle,
) -> None:
    late = Turn(say="And now?", tools_added=("get_writer",), expect=ACT)
    task = spoken_task(bundle, Turn(say="Hello?", expect=ACT), late)
    with pytest.raises(SpecError, match="get_writer"):
        await scripted(bundle, task)


@requirement("episodes:elicitation")
async def test_the_user_is_asked_for_what_a_call_lacks_where_the_task_allows_it(
    bundle: Bundle,
) -> None:
    turn = Turn(say="Whose phone has my book?", expect=ACT)
    task = spoken_task(bundle, turn, slots=(TITLE,), variant="elicitation")
    async with ProcessSandbox() as sandbox:
        episode = await open_episode(bundle, task, sandbox)
        wrong = await episode.call("find_loan", {"titel": "Emma"})
        loan = await episode.call("find_loan", {})
        assert loan.structured is not None
        await episode.call("get_reader", {"reader_id": loan.structured["reader_id"]})
        await episode.reply(f"It is {GOLD_PHONE}.")
        await episode.close()
    assert wrong.is_error
    assert loan.structured["title"] == "Emma"
    assert [(call.tool, call.own) for call in episode.calls] == [
        ("find_loan", False),
        (ELICIT_TOOL, True),
        ("find_loan", False),
        ("get_reader", False),
        (REPLY_TOOL, True),
    ]
    assert episode.calls[1].result == {"told": {"title": "The book is Emma."}}
    assert episode.calls[2].arguments == {"title": "Emma"}
    f1 = episode.verdict().component("f1")
    assert f1 is not None
    assert f1.evidence["solved"] == 2


async def test_a_user_who_does_not_tell_leaves_the_call_as_it_was(bundle: Bundle) -> None:
    turn = Turn(say="Whose phone has my book?", expect=ACT)
    task = spoken_task(bundle, turn, slots=(TITLE,), variant="elicitation")
    episode = await scripted(bundle, task)
    call = IncomingCall("find_loan", {}, form=FormAnswer(accepted=False))
    assert episode.calling.lacks(call) == (TITLE,)
    refused = await episode.make(call)
    assert '"title" is required but missing' in refused.text
    assert [call.outcome for call in episode.calls] == ["ok", "invalid_arguments"]
    assert episode.calls[0].result == {"told": {}}


async def test_what_the_clients_user_types_is_the_calls_own_argument(bundle: Bundle) -> None:
    turn = Turn(say="Whose phone has my book?", expect=ACT)
    task = spoken_task(bundle, turn, slots=(TITLE,), variant="elicitation")
    episode = await scripted(bundle, task)
    form = FormAnswer(accepted=True, given={"title": "Persuasion"})
    await episode.make(IncomingCall("find_loan", {}, form=form))
    assert episode.calls[0].result == {"told": {}, "given": {"title": "Persuasion"}}
    assert episode.calls[1].arguments == {"title": "Persuasion"}


async def test_outside_of_elicitation_nobody_is_asked(bundle: Bundle) -> None:
    episode = await scripted(bundle, asking(bundle))
    assert '"title" is required' in (await episode.call("find_loan", {})).text
    assert [call.tool for call in episode.calls] == ["find_loan"]


async def test_a_reply_is_withheld_when_it_cannot_be_written_down(bundle: Bundle) -> None:
    episode = await scripted(bundle, asking(bundle))

    def full_disk(_: object) -> None:
        raise RecordError("the disk is full")

    episode.on_record = full_disk
    reply = await episode.reply("Which book?", "question")
    assert reply.is_error
    assert episode.void is not None
