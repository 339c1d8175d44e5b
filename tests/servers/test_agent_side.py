"""Bundles for agents that read the files of their own server: playable, and without gold."""

import json
import os
import sys
from pathlib import Path

import pytest
from mcp import Client, StdioServerParameters

from astra_arena.client.rescore import score_record
from astra_arena.core.canonical import Json, JsonObject, canonical_bytes
from astra_arena.core.errors import BundleError, RecordError
from astra_arena.core.faults import FaultPlan
from astra_arena.core.public_tasks import PublicTask, PublicTurn, public_task
from astra_arena.core.tasks import FinalAnswer, FinalState, StateAssertion, Task, Turn
from astra_arena.core.tool_mixing import ToolMixing
from astra_arena.servers import Bundle, load_source, read_journal, write_bundle, write_suite
from astra_arena.servers.bundles.agent_side import tasks_left_out, write_agent_side
from tests.servers.joint_suite import GUIDE, JOINT_TASK, STATE_TASK, joint_tasks, write_guide
from tests.servers.phased_bundle import ASKING, PHASED, write_phased_bundle
from tests.servers.playing import serving
from tests.servers.small_bundle import (
    GOLD_CITY,
    GOLD_PHONE,
    NAME,
    ONE_STEP_TASK,
    TASK,
    TOOLS_PY,
    UNSUPPORTED_TASK,
    small_environment,
    small_tasks,
    write_small_bundle,
)
from tests.support.requirement import requirement

GOLD_NAMES = ("sub_questions", "answer", "final_answer", "final_state", "expect", "slots", "value")
WRITING = "return-emma"
TALKING = "say-the-phone"
FAULTY = "phone-through-faults"
RENAMED = "phone-by-other-names"
THINNED = "phone-with-fewer-tools"

Script = list[tuple[str, dict[str, object]]]
SOLVING: Script = [("find_loan", {"title": "Emma"}), ("get_reader", {"reader_id": 2})]
SAYING: Script = [("reply", {"message": f"It is {GOLD_PHONE}.", "kind": "answer"})]


def every_kind() -> tuple[Task, ...]:
    """The small library's tasks, and ones with a state, with words, with faults and few tools."""
    solved = small_tasks()[0]
    wanted = StateAssertion(
        environment=NAME, path='/tables/loans/{"loan_id":2}/after/returned', equals=1
    )
    writing = solved.model_copy(
        update={"id": WRITING, "final_state": FinalState(assertions=(wanted,))}
    )
    said = FinalAnswer(kind="text", value=GOLD_PHONE)
    turn = Turn.from_json({"say": "Whose?", "expect": {"kind": "answer"}}, what="turn")
    talking = solved.model_copy(update={"id": TALKING, "turns": (turn,), "final_answer": said})
    plan = FaultPlan(rate=1.0, streak=1)
    few = ("find_loan", "get_reader")
    faulty = solved.model_copy(update={"id": FAULTY, "faults": plan, "tools": few})
    other = ToolMixing(renamed={"find_loan": "search_loans"}, reordered=True)
    renamed = solved.model_copy(update={"id": RENAMED, "mixing": other})
    thinned = solved.model_copy(update={"id": THINNED, "mixing": ToolMixing(withheld_share=1.0)})
    return (*small_tasks(), writing, talking, faulty, renamed, thinned)


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    folder = tmp_path_factory.mktemp("full")
    world = write_small_bundle(folder).path / "world.sqlite"
    report: JsonObject = {
        "name": NAME,
        "verdict": "passed",
        "tasks": {"examined": 6, "rejected": [TASK]},
        "gates": [
            {
                "gate": "leak",
                "status": "passed",
                "figures": {"tasks": 6, "quoted": [GOLD_PHONE]},
                "findings": [{"task": TASK, "problem": GOLD_PHONE}],
            }
        ],
    }
    return write_bundle(
        folder / NAME,
        small_environment(),
        tools_py=TOOLS_PY,
        world=world,
        tasks=every_kind(),
        report=report,
    )


@pytest.fixture(scope="module")
def public(full: Bundle, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("public") / NAME
    write_agent_side(full, path)
    return path


def keys_of(value: Json) -> set[str]:
    if isinstance(value, dict):
        return set(value) | {key for item in value.values() for key in keys_of(item)}
    return {key for item in value for key in keys_of(item)} if isinstance(value, list) else set()


@requirement("agent-side:no-gold")
def test_no_file_beside_world_and_tools_tells_gold(full: Bundle, public: Path) -> None:
    files = sorted(path.name for path in public.iterdir())
    beside = ["environment.json", "report.json", "tasks.public.jsonl"]
    assert files == [*beside, "tools.py", "world.sqlite"]
    gold = [
        canonical_bytes(question.answer.value).decode().strip('"')
        for task in full.tasks
        for question in task.sub_questions
        if isinstance(question.answer.value, str)
    ]
    assert {GOLD_PHONE, GOLD_CITY} <= set(gold)
    for name in beside:
        text = (public / name).read_text(encoding="utf-8")
        assert not [value for value in gold if value in text]
        assert not [task.id for task in full.tasks if task.id in text and "report" in name]
    for line in (public / "tasks.public.jsonl").read_text(encoding="utf-8").splitlines():
        assert not keys_of(json.loads(line)) & set(GOLD_NAMES)


@requirement("agent-side:no-gold")
def test_every_field_of_a_task_is_told_or_is_known_to_be_hidden() -> None:
    hidden = {
        "difficulty",
        "provenance",
        "slots",
        "sub_questions",
        "final_answer",
        "final_state",
        "forbidden",
    }
    told = set(PublicTask.model_fields) - {"needs_reply"}
    assert set(Task.model_fields) == told | hidden
    assert set(Turn.model_fields) == set(PublicTurn.model_fields) | {"expect"}


@requirement("agent-side:left-out")
def test_what_would_tell_gold_is_left_out_and_listed(tmp_path: Path) -> None:
    bundle = write_phased_bundle(tmp_path)
    left = {one.task: one.reason for one in tasks_left_out(bundle)}
    assert set(left) == {PHASED, ASKING, UNSUPPORTED_TASK}
    assert "withheld" in left[PHASED]
    assert "only when asked" in left[ASKING]
    agent_side = write_agent_side(bundle, tmp_path / "public")
    assert [task.id for task in agent_side.tasks] == [TASK, ONE_STEP_TASK]


def test_mixings_that_need_gold_are_left_out_and_others_told(full: Bundle, public: Path) -> None:
    left = {one.task: one.reason for one in tasks_left_out(full)}
    assert set(left) == {UNSUPPORTED_TASK, THINNED}
    assert "gold" in left[THINNED]
    assert load_source(public).task(RENAMED).mixing == full.task(RENAMED).mixing


def test_what_is_read_back_can_be_played_and_not_graded(full: Bundle, public: Path) -> None:
    source = load_source(public)
    assert not source.holds_gold
    assert source.digests.environment == full.digests.environment
    assert source.digests.tasks is None
    talking = source.task(TALKING)
    assert talking.needs_reply
    assert not any(task.sub_questions or task.final_state for task in source.tasks)
    assert public_task(talking) == public_task(full.task(TALKING))
    with pytest.raises(BundleError, match="holds no gold"):
        write_agent_side(source, public.parent / "again")


def test_equal_bundles_give_equal_bytes(full: Bundle, public: Path, tmp_path: Path) -> None:
    write_agent_side(full, tmp_path / "again")
    for file in public.iterdir():
        assert (tmp_path / "again" / file.name).read_bytes() == file.read_bytes()


def test_a_provenance_that_holds_gold_refuses(full: Bundle, tmp_path: Path) -> None:
    environment = small_environment().model_copy(
        update={"provenance": {"rows": [{"phone": GOLD_PHONE}]}}
    )
    world = full.path / "world.sqlite"
    told = write_bundle(
        tmp_path / NAME, environment, tools_py=TOOLS_PY, world=world, tasks=small_tasks()
    )
    with pytest.raises(BundleError, match="provenance"):
        write_agent_side(told, tmp_path / "public")
    assert not (tmp_path / "public").exists()


def test_damaged_public_tasks_are_named(public: Path, tmp_path: Path) -> None:
    copy = write_agent_side_copy(public, tmp_path)
    (copy / "tasks.public.jsonl").write_text('{"id": "x"}\n', encoding="utf-8")
    with pytest.raises(BundleError, match=r"tasks\.public\.jsonl line 1"):
        load_source(copy)


def write_agent_side_copy(public: Path, folder: Path) -> Path:
    copy = folder / "copy"
    copy.mkdir()
    for file in public.iterdir():
        (copy / file.name).write_bytes(file.read_bytes())
    return copy


async def play_stdio(path: Path, task: str, script: Script, journals: Path) -> Path:
    """Play a script over stdio with the SDK's client; return the journal."""
    serve = ["-m", "astra_arena.servers", "serve", str(path), "--stdio"]
    bound = ["--task", task, "--seed", "7", "--journal", str(journals)]
    server = StdioServerParameters(
        command=sys.executable, args=[*serve, *bound], env=dict(os.environ)
    )
    async with Client(server) as client:
        for tool, arguments in script:
            await client.call_tool(tool, arguments)
    (journal,) = journals.iterdir()
    return journal


KINDS: dict[str, tuple[str, Script]] = {
    "solved": (TASK, SOLVING),
    "half": (TASK, SOLVING[:1]),
    "row": (ONE_STEP_TASK, [("list_branches", {}), ("find_loan", {"title": "none"})]),
    "state": (WRITING, [*SOLVING, ("return_book", {"loan_id": 2})]),
    "collateral": (WRITING, [*SOLVING, ("return_book", {"loan_id": 1})]),
    "renamed": (RENAMED, [("search_loans", {"title": "Emma"}), SOLVING[1]]),
    "words": (TALKING, [*SOLVING, *SAYING]),
    "faults": (FAULTY, [SOLVING[0], SOLVING[0], SOLVING[1], SOLVING[1]]),
}

FULLY_SOLVED = ("faults", "renamed", "solved", "words")


@requirement("agent-side:verdict")
@pytest.mark.parametrize("kind", sorted(KINDS))
async def test_the_journal_earns_what_the_full_bundle_earns_live(
    full: Bundle, public: Path, tmp_path: Path, kind: str
) -> None:
    task, script = KINDS[kind]
    journal = await play_stdio(public, task, script, tmp_path / "journals")
    verdict = score_record(read_journal(journal), full)
    async with serving(full) as (_, control):
        opened = await control.post(
            "/episodes", json={"environment": NAME, "task": task, "seed": 7}
        )
        async with Client(opened.json()["mcp"]) as client:
            for tool, arguments in script:
                await client.call_tool(tool, arguments)
        live = await control.get(f"/episodes/{opened.json()['id']}/verdict")
    assert verdict is not None
    assert live.status_code == 200
    assert canonical_bytes(verdict.to_json()) == canonical_bytes(
        type(verdict).from_json(live.json(), what="verdict").to_json()
    )
    assert (verdict.reward == 1.0) == (kind in FULLY_SOLVED)


@requirement("agent-side:verdict")
async def test_a_joint_episode_is_scored_from_its_journal(tmp_path: Path) -> None:
    library, guide = write_small_bundle(tmp_path), write_guide(tmp_path)
    tasks = joint_tasks(library, guide)
    members = (library, guide)
    suite = write_suite(tmp_path / "town", name="town", title="Town", members=members, tasks=tasks)
    public = write_agent_side(suite, tmp_path / "public")
    assert [task.id for task in public.tasks] == [task.id for task in suite.tasks]
    script: Script = [
        (f"{NAME}__list_branches", {}),
        (f"{GUIDE}__get_city", {"name": GOLD_CITY}),
    ]
    journal = await play_stdio(public.path, JOINT_TASK, script, tmp_path / "journals")
    verdict = score_record(read_journal(journal), suite)
    assert verdict is not None
    assert verdict.reward == 1.0
    assert STATE_TASK in {task.id for task in public.tasks}


@requirement("agent-side:verdict")
async def test_tasks_that_differ_from_what_was_told_are_not_scored(
    full: Bundle, public: Path, tmp_path: Path
) -> None:
    journal = await play_stdio(public, TASK, SOLVING[:1], tmp_path / "journals")
    changed = full.tasks[0].model_copy(update={"split": "other"})
    other = write_bundle(
        tmp_path / NAME,
        small_environment(),
        tools_py=TOOLS_PY,
        world=full.path / "world.sqlite",
        tasks=(changed, *full.tasks[1:]),
    )
    with pytest.raises(RecordError, match="was played on tasks"):
        score_record(read_journal(journal), other)


@requirement("agent-side:unscored")
async def test_a_host_without_gold_plays_and_says_that_it_cannot_score(public: Path) -> None:
    bundle = load_source(public)
    assert isinstance(bundle, Bundle)
    async with serving(bundle) as (_, control):
        opened = await control.post("/episodes", json={"environment": NAME, "task": TASK})
        assert opened.status_code == 201, opened.text
        episode = opened.json()
        async with Client(episode["mcp"]) as client:
            reply = await client.call_tool("find_loan", {"title": "Emma"})
            assert reply.structured_content is not None
        refused = await control.get(f"/episodes/{episode['id']}/verdict")
        assert refused.status_code == 409
        assert "full bundle" in refused.text
        closed = await control.delete(f"/episodes/{episode['id']}")
        assert closed.status_code == 200
        assert closed.json().get("verdict") is None
        assert len(closed.json()["record"]["calls"]) == 1
