"""One attempt at one task: log, budget, keys, defects, void and verdict."""

import anyio
import pytest

from astra_arena.core.canonical import Json, JsonObject
from astra_arena.core.errors import (
    RecordError,
    SandboxUnavailableError,
    SpecError,
    UnknownTaskError,
)
from astra_arena.core.rollouts import EpisodeRecord
from astra_arena.core.tasks import Budget
from astra_arena.sandbox.contract import Broke, Failed
from astra_arena.sandbox.process_sandbox import ProcessSandbox
from astra_arena.sandbox.scripted import ScriptedReply, ScriptedSandbox
from astra_arena.servers import Bundle, Episode, VoidEpisodeError, open_episode
from astra_arena.servers.episodes.episode import EPISODE_CLOSED_TEXT, EPISODE_VOID_TEXT
from tests.servers.playing import BRIEF
from tests.servers.small_bundle import GOLD_PHONE, ONE_STEP_TASK, SECRET, TASK, UNSUPPORTED_TASK
from tests.support.requirement import requirement

LOAN: JsonObject = {
    "loan_id": 2,
    "title": "Emma",
    "reader_id": 2,
    "branch_id": 2,
    "returned": 0,
}


def asked(**arguments: Json) -> JsonObject:
    return arguments


async def scripted(bundle: Bundle, replies: dict[str, ScriptedReply]) -> Episode:
    return await open_episode(bundle, bundle.task(TASK), ScriptedSandbox(replies))


async def test_the_gold_calls_earn_the_full_reward(bundle: Bundle) -> None:
    async with ProcessSandbox() as sandbox:
        episode = await open_episode(bundle, bundle.task(TASK), sandbox, seed=3)
        loan = await episode.call("find_loan", {"title": "Emma"})
        assert loan.structured is not None
        await episode.call("get_reader", {"reader_id": loan.structured["reader_id"]})
        await episode.close()
    assert episode.verdict().reward == 1.0
    assert episode.verdict("astra").reward == 1.0
    record = episode.record()
    assert [call.outcome for call in record.calls] == ["ok", "ok"]
    assert (record.seed, record.tier, record.variant) == (3, sandbox.tier, "base")
    assert EpisodeRecord.from_json(record.to_json(), what="record") == record


async def test_equal_calls_under_one_seed_make_equal_records(bundle: Bundle) -> None:
    async with ProcessSandbox() as sandbox:
        records: list[EpisodeRecord] = []
        for seed in (7, 7, 8):
            episode = await open_episode(bundle, bundle.task(TASK), sandbox, seed=seed)
            for _ in range(2):
                await episode.call("draw_reader", {})
            await episode.close()
            records.append(episode.record())
    first, again, other = records
    assert first == again
    assert first.calls != other.calls
    assert first.calls[0].result != first.calls[1].result


@requirement("servers:arguments")
async def test_refused_calls_are_logged_with_what_came(bundle: Bundle) -> None:
    sandbox = ScriptedSandbox({})
    episode = await open_episode(bundle, bundle.task(TASK), sandbox)
    unknown = await episode.call("find_lone", {"title": "Emma"})
    invalid = await episode.call("find_loan", {"name": "Emma"})
    assert unknown.is_error
    assert "'find_lone'; the tools are: find_loan, get_reader" in unknown.text
    assert invalid.is_error
    assert '"title" is required' in invalid.text or '"name" is not' in invalid.text
    assert [call.outcome for call in episode.calls] == ["unknown_tool", "invalid_arguments"]
    assert episode.calls[1].arguments == {"name": "Emma"}
    assert [call.message for call in episode.calls] == [unknown.text, invalid.text]
    assert sandbox.calls == []


async def test_defaults_are_filled_in_before_the_call_is_logged(bundle: Bundle) -> None:
    sandbox = ScriptedSandbox({"list_branches": {"rows": []}})
    episode = await open_episode(bundle, bundle.task(TASK), sandbox)
    await episode.call("list_branches", {})
    assert episode.calls[0].arguments == {"limit": 10}
    assert sandbox.calls == [("list_branches", {"limit": 10}, 0)]


async def test_a_tool_that_refuses_is_quoted_and_one_that_breaks_is_not(bundle: Bundle) -> None:
    async with ProcessSandbox() as sandbox:
        episode = await open_episode(bundle, bundle.task(TASK), sandbox)
        refused = await episode.call("find_loan", {"title": "Dracula"})
        broken = await episode.call("misbehave", {"how": "raise"})
        await episode.close()
    assert (refused.is_error, refused.text) == (True, "no loan of 'Dracula'")
    assert (broken.is_error, broken.text) == (True, "the tool failed")
    failure, defect = episode.calls
    assert (failure.outcome, failure.defect) == ("tool_failure", None)
    assert (defect.outcome, defect.message) == ("environment_error", "the tool failed")
    assert defect.defect is not None
    assert SECRET in defect.defect
    assert episode.record().defects == 1


@requirement("servers:tool-breaks")
@pytest.mark.parametrize("how", ["raise", "hang", "list", "large", "break-schema", "exit"])
async def test_a_broken_call_leaves_no_trace_and_the_episode_goes_on(
    bundle: Bundle, how: str
) -> None:
    async with ProcessSandbox() as sandbox:
        program = bundle.program(BRIEF)
        episode = await open_episode(bundle, bundle.task(TASK), sandbox, program=program)
        written = await episode.call("return_book", {"loan_id": 1})
        assert written.structured == {"loan_id": 1, "out": 1}
        broken = await episode.call("misbehave", {"how": how})
        after = await episode.call("return_book", {"loan_id": 2})
        await episode.close()
    assert (broken.is_error, broken.text, broken.structured) == (True, "the tool failed", None)
    assert after.structured == {"loan_id": 2, "out": 0}
    assert episode.void is None
    assert [call.outcome for call in episode.calls] == ["ok", "environment_error", "ok"]


async def test_parallel_calls_are_serialised_in_the_order_of_arrival(bundle: Bundle) -> None:
    async with ProcessSandbox() as sandbox:
        episode = await open_episode(bundle, bundle.task(TASK), sandbox)
        async with anyio.create_task_group() as group:
            for title in ("Emma", "Persuasion", "Middlemarch", "Emma"):
                group.start_soon(episode.call, "find_loan", asked(title=title))
        await episode.close()
    titles = [call.arguments for call in episode.calls]
    expected = ("Emma", "Persuasion", "Middlemarch", "Emma")
    assert titles == [{"title": title} for title in expected]
    assert [call.index for call in episode.calls] == [0, 1, 2, 3]


async def test_calls_beyond_the_budget_are_refused_charged_and_not_run(bundle: Bundle) -> None:
    sandbox = ScriptedSandbox({"find_loan": LOAN})
    task = bundle.task(TASK).model_copy(update={"budget": Budget(calls=2)})
    episode = await open_episode(bundle, task, sandbox)
    replies = [await episode.call("find_loan", {"title": "Emma"}) for _ in range(3)]
    assert [reply.is_error for reply in replies] == [False, False, True]
    assert replies[2].text == "the budget of 2 calls is used up"
    assert [call.outcome for call in episode.calls] == ["ok", "ok", "over_budget"]
    assert len(sandbox.calls) == 2


async def test_a_flood_of_calls_does_not_grow_the_log_without_end(bundle: Bundle) -> None:
    task = bundle.task(TASK).model_copy(update={"budget": Budget(calls=2)})
    episode = await open_episode(bundle, task, ScriptedSandbox({}))
    for _ in range(1000):
        await episode.call("nothing", {})
    assert episode.call_count == 2 + 256


async def test_time_beyond_the_budget_is_refused(bundle: Bundle) -> None:
    task = bundle.task(TASK).model_copy(update={"budget": Budget(seconds=1e-9)})
    episode = await open_episode(bundle, task, ScriptedSandbox({"find_loan": LOAN}))
    reply = await episode.call("find_loan", {"title": "Emma"})
    assert reply.text == "the budget of 1e-09 seconds is used up"
    assert [call.outcome for call in episode.calls] == ["over_budget"]


async def test_a_repeated_key_is_answered_from_the_log(bundle: Bundle) -> None:
    async with ProcessSandbox() as sandbox:
        episode = await open_episode(bundle, bundle.task(TASK), sandbox)
        first = await episode.call("return_book", {"loan_id": 1}, key="k1")
        again = await episode.call("return_book", {"loan_id": 1}, key="k1")
        anew = await episode.call("return_book", {"loan_id": 1}, key="k2")
        await episode.close()
    assert again is first
    assert anew.text == "loan 1 is not out"
    assert [(call.key, call.outcome) for call in episode.calls] == [
        ("k1", "ok"),
        ("k2", "tool_failure"),
    ]


async def test_a_key_used_for_another_call_is_refused(bundle: Bundle) -> None:
    episode = await scripted(bundle, {"find_loan": LOAN})
    await episode.call("find_loan", {"title": "Emma"}, key="k")
    other = await episode.call("find_loan", {"title": "Persuasion"}, key="k")
    assert other.is_error
    assert [call.outcome for call in episode.calls] == ["ok", "invalid_arguments"]


async def test_long_keys_with_one_beginning_are_different_keys(bundle: Bundle) -> None:
    episode = await scripted(bundle, {"find_loan": LOAN})
    for end in "ab":
        reply = await episode.call("find_loan", {"title": f"Emma {end}"}, key="k" * 300 + end)
        assert not reply.is_error
    again = await episode.call("find_loan", {"title": "Emma a"}, key="k" * 300 + "a")
    assert not again.is_error
    assert [call.outcome for call in episode.calls] == ["ok", "ok"]
    assert all(len(call.key or "") < 100 for call in episode.calls)


async def test_a_flood_of_keyed_calls_takes_bounded_memory(bundle: Bundle) -> None:
    task = bundle.task(TASK).model_copy(update={"budget": Budget(calls=2)})
    episode = await open_episode(bundle, task, ScriptedSandbox({}))
    for index in range(300):
        await episode.call("find_loan", {"zz": "y" * 100_000}, key=f"k{index}")
    after = episode.log_bytes
    for index in range(300):
        await episode.call("find_loan", {"zz": "y" * 100_000}, key=f"more{index}")
    assert episode.log_bytes == after < 1 << 20
    assert episode.call_count == 2 + 256


async def test_large_arguments_of_refused_calls_are_logged_as_a_note(bundle: Bundle) -> None:
    episode = await scripted(bundle, {})
    await episode.call("find_loan", {"zz": "y" * 3000})
    await episode.call("find_loan", {"zz": "y" * 5000})
    small, large = (call.arguments for call in episode.calls)
    assert small == {"zz": "y" * 3000}
    assert isinstance(large, str)
    assert large.startswith("(5009 bytes, sha256:")


async def test_the_arguments_of_an_episode_are_bounded_in_all(bundle: Bundle) -> None:
    task = bundle.task(TASK).model_copy(update={"budget": Budget(calls=100)})
    episode = await open_episode(bundle, task, ScriptedSandbox({"find_loan": LOAN}))
    for _ in range(60):
        await episode.call("find_loan", {"title": "y" * 200_000})
    reply = await episode.call("find_loan", {"title": "y" * 200_000})
    assert reply.text == "the arguments of this episode's calls are beyond 8388608 bytes in all"
    assert {call.outcome for call in episode.calls} == {"ok", "invalid_arguments"}
    assert episode.log_bytes < 9 << 20


async def test_a_call_that_could_not_be_read_is_logged_and_charged(bundle: Bundle) -> None:
    task = bundle.task(TASK).model_copy(update={"budget": Budget(calls=1)})
    episode = await open_episode(bundle, task, ScriptedSandbox({}))
    texts = [await episode.refuse("(unknown)", "(9 bytes)", "expected less") for _ in range(2)]
    await episode.close()
    texts.append(await episode.refuse("(unknown)", "(9 bytes)", "expected less"))
    assert texts == ["expected less", "the budget of 1 calls is used up", EPISODE_CLOSED_TEXT]
    assert [call.outcome for call in episode.calls] == ["invalid_arguments", "over_budget"]
    assert episode.calls[0].arguments == "(9 bytes)"


async def test_what_broke_is_in_the_log_and_not_on_stderr(
    bundle: Bundle, caplog: pytest.LogCaptureFixture
) -> None:
    def script(tool: str, arguments: JsonObject) -> ScriptedReply:
        if tool == "find_loan":
            raise KeyError(SECRET)
        return Broke("raised", SECRET, False)

    caplog.set_level("INFO")
    episode = await open_episode(bundle, bundle.task(TASK), ScriptedSandbox(script))
    await episode.call("find_loan", {"title": "Emma"})
    await episode.call("misbehave", {"how": "raise"})
    assert all(SECRET in (call.defect or "") for call in episode.calls)
    assert SECRET not in caplog.text


async def test_broken_machinery_makes_an_episode_void(bundle: Bundle) -> None:
    sandbox = ScriptedSandbox({"find_loan": LOAN})
    episode = await open_episode(bundle, bundle.task(TASK), sandbox)
    await episode.call("find_loan", {"title": "Emma"})
    sandbox.fail_next(2)
    lost = await episode.call("find_loan", {"title": "Emma"})
    refused = await episode.call("find_loan", {"title": "Emma"})
    assert (lost.is_error, lost.text) == (True, EPISODE_VOID_TEXT)
    assert refused == lost
    assert episode.void is not None
    assert episode.void.boundary == "sandbox"
    assert episode.call_count == 1
    assert episode.record().void == episode.void
    with pytest.raises(VoidEpisodeError):
        episode.verdict()


async def test_machinery_that_breaks_once_is_not_noticed(bundle: Bundle) -> None:
    sandbox = ScriptedSandbox({"find_loan": LOAN})
    sandbox.fail_next(1)
    episode = await open_episode(bundle, bundle.task(TASK), sandbox)
    sandbox.fail_next(1)
    reply = await episode.call("find_loan", {"title": "Emma"})
    assert not reply.is_error
    assert episode.void is None


async def test_opening_without_a_sandbox_fails(bundle: Bundle) -> None:
    sandbox = ScriptedSandbox({})
    sandbox.fail_next(2)
    with pytest.raises(SandboxUnavailableError):
        await open_episode(bundle, bundle.task(TASK), sandbox)


def _nested(levels: int) -> Json:
    value: Json = 1
    for _ in range(levels):
        value = {"x": value}
    return value


HOSTILE: tuple[Json, ...] = (
    None,
    7,
    "text",
    [],
    {"how": "echo", "note": "\ud800"},
    {"how": "echo", "note": "\x00\uffff"},
    {"how": "echo", "note": "x" * 200_000},
    {"how": "echo", "note": 10**5000},
    {"how": "echo", "note": float("nan")},
    {"how": "echo", "note": _nested(900)},
    {"how": "echo", "note": _nested(20_000)},
    {"how": "hang"},
    {"how": "exit"},
    {"how": "large"},
    {"how": ["raise"]},
    {"": {}},
)


async def test_no_sequence_of_calls_makes_an_episode_void(bundle: Bundle) -> None:
    task = bundle.task(TASK).model_copy(update={"budget": Budget(calls=1000)})
    async with ProcessSandbox() as sandbox:
        program = bundle.program(BRIEF)
        episode = await open_episode(bundle, task, sandbox, program=program)
        for arguments in HOSTILE:
            for tool in ("misbehave", "find_loan", "no\ud800such" * 100):
                await episode.call(tool, arguments, key=None)
                await episode.call(tool, arguments, key=f"\ud800{tool}"[:300])
        assert episode.void is None
        alive = await episode.call("find_loan", {"title": "Emma"})
        assert alive.structured == LOAN
        await episode.close()
    assert episode.verdict().reward > 0
    record = episode.record()
    assert EpisodeRecord.model_validate_json(record.model_dump_json()) == record


async def test_an_unforeseen_exception_is_a_defect_and_not_void(bundle: Bundle) -> None:
    def script(tool: str, arguments: JsonObject) -> ScriptedReply:
        raise KeyError(SECRET)

    episode = await open_episode(bundle, bundle.task(TASK), ScriptedSandbox(script))
    reply = await episode.call("find_loan", {"title": "Emma"})
    assert reply.text == "the tool failed"
    assert episode.void is None
    assert [call.outcome for call in episode.calls] == ["environment_error"]


async def test_a_reply_is_withheld_when_its_call_cannot_be_written_down(bundle: Bundle) -> None:
    episode = await scripted(bundle, {"find_loan": LOAN})

    def full_disk(_: object) -> None:
        raise RecordError("the disk is full")

    episode.on_record = full_disk
    reply = await episode.call("find_loan", {"title": "Emma"})
    assert (reply.text, reply.structured) == (EPISODE_VOID_TEXT, None)
    assert episode.void is not None
    assert episode.void.boundary == "record"


async def test_a_closed_episode_refuses_calls_and_keeps_its_verdict(bundle: Bundle) -> None:
    episode = await scripted(bundle, {"find_loan": LOAN})
    await episode.call("find_loan", {"title": "Emma"})
    await episode.close()
    await episode.close()
    reply = await episode.call("find_loan", {"title": "Emma"})
    assert (reply.is_error, reply.text) == (True, EPISODE_CLOSED_TEXT)
    assert episode.call_count == 1
    assert episode.verdict().reward > 0


async def test_a_task_without_anything_to_grade_is_refused(bundle: Bundle) -> None:
    with pytest.raises(SpecError, match="nothing that could be graded"):
        await open_episode(bundle, bundle.task(UNSUPPORTED_TASK), ScriptedSandbox({}))


async def test_a_variant_that_the_task_lacks_is_refused(bundle: Bundle) -> None:
    task = bundle.task(ONE_STEP_TASK)
    with pytest.raises(UnknownTaskError, match="'base'"):
        await open_episode(bundle, task, ScriptedSandbox({}), variant="missing")


async def test_texts_for_the_agent_hold_no_gold(bundle: Bundle) -> None:
    episode = await scripted(
        bundle,
        {"find_loan": Failed("no such loan"), "misbehave": Broke("raised", GOLD_PHONE, False)},
    )
    given: tuple[Json, ...] = ({"title": "Emma"}, {"how": "raise"}, {}, [])
    texts = [
        (await episode.call(tool, arguments)).text
        for tool in ("find_loan", "misbehave", "nothing", "get_reader")
        for arguments in given
    ]
    assert not any(GOLD_PHONE in text for text in texts)
