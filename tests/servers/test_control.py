"""The control plane over real HTTP."""

from typing import Any

import anyio
import httpx
import pytest
from mcp import Client

from astra_arena.core.canonical import digest_of
from astra_arena.core.rollouts import EpisodeRecord
from astra_arena.core.verdicts import Verdict
from astra_arena.sandbox.scripted import ScriptedSandbox
from astra_arena.servers import Bundle
from tests.servers.playing import control_client, open_one, serving, solve
from tests.servers.small_bundle import (
    GOLD_CITY,
    GOLD_PHONE,
    NAME,
    ONE_STEP_TASK,
    TASK,
    UNSUPPORTED_TASK,
)
from tests.support.requirement import requirement


def scripted() -> ScriptedSandbox:
    return ScriptedSandbox({})


def error_of(answer: httpx.Response) -> dict[str, str]:
    body: dict[str, Any] = answer.json()
    assert set(body) == {"error"}
    assert set(body["error"]) == {"boundary", "message"}
    return body["error"]


async def test_health_needs_no_token_and_everything_else_does(bundle: Bundle) -> None:
    async with serving(bundle, sandbox=scripted(), token="right") as (running, _):
        async with httpx.AsyncClient(base_url=running.addresses.control) as stranger:
            health = await stranger.get("/healthz")
            none = await stranger.get("/environments")
        async with control_client(running.addresses.control, "wrong") as impostor:
            answers = [
                await impostor.get("/environments"),
                await impostor.get(f"/environments/{NAME}/tasks"),
                await impostor.post("/episodes", json={"environment": NAME, "task": TASK}),
                await impostor.get("/episodes/x"),
                await impostor.get("/episodes/x/record"),
                await impostor.get("/episodes/x/verdict"),
                await impostor.delete("/episodes/x"),
            ]
        async with control_client(running.addresses.control, "right") as owner:
            right = await owner.get("/environments")
    assert health.json() == {"status": "ok"}
    assert none.status_code == 401
    assert none.headers["www-authenticate"] == "Bearer"
    assert "a token is needed" in error_of(none)["message"]
    assert [answer.status_code for answer in answers] == [401] * 7
    assert "this token is wrong" in error_of(answers[0])["message"]
    assert right.status_code == 200


@requirement("servers:control")
async def test_environments_and_tasks_are_listed(bundle: Bundle) -> None:
    async with serving(bundle, sandbox=scripted()) as (_, control):
        (environment,) = (await control.get("/environments")).json()
        page = (await control.get(f"/environments/{NAME}/tasks")).json()
        second = (await control.get(f"/environments/{NAME}/tasks?offset=1&limit=1")).json()
        beyond = (await control.get(f"/environments/{NAME}/tasks?offset=9")).json()
    assert environment == {
        "name": NAME,
        "title": "Small library",
        "description": bundle.environment.description,
        "domain": "library",
        "environment_digest": bundle.digests.environment,
        "tasks_digest": bundle.digests.tasks,
        "tasks": 3,
        "tools": [tool.name for tool in bundle.environment.tools],
        "tier": "scripted",
    }
    assert page["total"] == 3
    assert page["tasks"][0] == {
        "id": TASK,
        "prompt": bundle.task(TASK).prompt,
        "split": "train",
        "variant": "base",
        "budget": {"calls": 8, "turns": 8, "seconds": 60.0},
        "difficulty": {"hops": 2},
        "needs_reply": False,
    }
    assert second == {"total": 3, "tasks": page["tasks"][1:2]}
    assert beyond == {"total": 3, "tasks": []}


async def test_an_opened_episode_says_all_that_a_harness_needs(bundle: Bundle) -> None:
    async with serving(bundle, sandbox=scripted()) as (running, control):
        opened = await open_one(control, TASK, seed=5)
        other = await open_one(control)
    identifier = opened["id"]
    assert len(identifier) >= 32
    assert identifier != other["id"]
    assert opened == {
        "id": identifier,
        "environment": NAME,
        "environment_digest": bundle.digests.environment,
        "tasks_digest": bundle.digests.tasks,
        "task": TASK,
        "seed": 5,
        "variant": "base",
        "prompt": bundle.task(TASK).prompt,
        "budget": {"calls": 8, "turns": 8, "seconds": 60.0},
        "needs_reply": False,
        "tools_digest": digest_of([tool.name for tool in bundle.environment.tools]),
        "mcp": f"{running.addresses.mcp}/envs/{NAME}/r/{identifier}/mcp",
        "phase": None,
        "members": {},
        "control": f"{running.addresses.control}/episodes/{identifier}",
        "tier": "scripted",
        "tool_names": {},
    }


@requirement("servers:control")
async def test_an_episode_is_watched_scored_and_closed(bundle: Bundle) -> None:
    async with serving(bundle) as (_, control):
        opened = await open_one(control)
        address = f"/episodes/{opened['id']}"
        before = (await control.get(address)).json()
        async with Client(opened["mcp"]) as client:
            await solve(client)
        after = (await control.get(address)).json()
        record = (await control.get(f"{address}/record")).json()
        strict = (await control.get(f"{address}/verdict")).json()
        astra = (await control.get(f"{address}/verdict?mode=astra")).json()
        closed = (await control.delete(address)).json()
        again = (await control.delete(address)).json()
        ended = (await control.get(address)).json()
        kept = (await control.get(f"{address}/record")).json()
        rescored = (await control.get(f"{address}/verdict?mode=astra")).json()
    common = {"id": opened["id"], "environment": NAME, "task": TASK, "void": None}
    assert before == {**common, "open": True, "calls": 0}
    assert after == {**common, "open": True, "calls": 2}
    assert ended == {**common, "open": False, "calls": 2}
    assert EpisodeRecord.from_json(record, what="record").calls[1].tool == "get_reader"
    assert Verdict.from_json(strict, what="verdict").reward == 1.0
    assert (strict["mode"], astra["mode"]) == ("strict", "astra")
    assert closed == again == {"record": record, "verdict": strict}
    assert kept == record
    assert rescored == astra


async def test_a_void_episode_has_a_record_and_no_verdict(bundle: Bundle) -> None:
    sandbox = scripted()
    async with serving(bundle, sandbox=sandbox) as (_, control):
        opened = await open_one(control)
        sandbox.fail_next(2)
        async with Client(opened["mcp"]) as client:
            assert (await client.call_tool("find_loan", {"title": "Emma"})).is_error
        address = f"/episodes/{opened['id']}"
        status = (await control.get(address)).json()
        verdict = await control.get(f"{address}/verdict")
        closed = (await control.delete(address)).json()
        later = await control.get(f"{address}/verdict")
    failure = {"boundary": "sandbox", "message": "a scripted failure"}
    assert status["void"] == failure
    assert verdict.status_code == later.status_code == 409
    assert "open a new episode" in error_of(verdict)["message"]
    assert closed["verdict"] is None
    assert closed["record"]["void"] == failure


@requirement("servers:unknown-task")
@pytest.mark.parametrize(
    ("asked", "status", "boundary", "part"),
    [
        ({"environment": "nothing", "task": TASK}, 404, "task", NAME),
        ({"environment": NAME, "task": "nothing"}, 404, "task", TASK),
        ({"environment": NAME, "task": TASK, "variant": "odd"}, 404, "task", "'base'"),
        ({"environment": NAME, "task": UNSUPPORTED_TASK}, 422, "spec", "cannot be played"),
        ({"environment": NAME}, 422, "control", "body/task: Field required"),
        ({"environment": NAME, "task": 7}, 422, "control", "body/task"),
        ({"environment": NAME, "task": TASK, "sede": 1}, 422, "control", "body/sede"),
        ({"environment": NAME, "task": TASK, "seed": 2**70}, 422, "control", "body/seed"),
        ([], 422, "control", "body"),
    ],
)
async def test_an_episode_that_cannot_be_opened_is_refused_with_one_reason(
    bundle: Bundle, asked: object, status: int, boundary: str, part: str
) -> None:
    async with serving(bundle, sandbox=scripted()) as (running, control):
        answer = await control.post("/episodes", json=asked)
        assert running.host.open_count == 0
    assert answer.status_code == status
    assert error_of(answer)["boundary"] == boundary
    assert part in error_of(answer)["message"]


async def test_a_sandbox_that_does_not_start_is_a_retryable_answer(bundle: Bundle) -> None:
    sandbox = scripted()
    async with serving(bundle, sandbox=sandbox) as (_, control):
        sandbox.fail_next(2)
        answer = await control.post("/episodes", json={"environment": NAME, "task": TASK})
        retried = await open_one(control)
    assert answer.status_code == 503
    assert error_of(answer)["boundary"] == "sandbox"
    assert retried["id"]


async def test_more_episodes_than_the_limit_are_refused_until_one_is_closed(
    bundle: Bundle,
) -> None:
    async with serving(bundle, sandbox=scripted(), max_episodes=2) as (_, control):
        first = await open_one(control)
        await open_one(control)
        refused = await control.post("/episodes", json={"environment": NAME, "task": TASK})
        await control.delete(f"/episodes/{first['id']}")
        await open_one(control)
    assert refused.status_code == 429
    assert "--max-episodes" in error_of(refused)["message"]


async def test_unknown_episodes_and_paths_are_not_found(bundle: Bundle) -> None:
    async with serving(bundle, sandbox=scripted()) as (_, control):
        answers = [
            await control.get("/episodes/nothing"),
            await control.get("/episodes/nothing/record"),
            await control.get("/episodes/nothing/verdict"),
            await control.delete("/episodes/nothing"),
            await control.get("/environments/nothing/tasks"),
            await control.get("/nothing"),
        ]
        wrong_mode = await control.get("/episodes/nothing/verdict?mode=odd")
        wrong_method = await control.put("/environments")
    assert [answer.status_code for answer in answers] == [404] * 6
    assert all(error_of(answer)["message"] for answer in answers)
    assert wrong_mode.status_code == 422
    assert wrong_method.status_code == 405
    assert error_of(wrong_method)["boundary"] == "control"


async def test_concurrent_closing_gives_one_and_the_same_answer(bundle: Bundle) -> None:
    answers: list[str] = []

    async def close(control: httpx.AsyncClient, identifier: str) -> None:
        answers.append((await control.delete(f"/episodes/{identifier}")).text)

    async with serving(bundle) as (_, control):
        opened = await open_one(control)
        async with Client(opened["mcp"]) as client:
            await solve(client)
        async with anyio.create_task_group() as group:
            for _ in range(4):
                group.start_soon(close, control, opened["id"])
    assert len(answers) == 4
    assert len(set(answers)) == 1


@requirement("servers:no-leak")
async def test_gold_is_in_no_answer_but_what_the_tools_themselves_returned(
    bundle: Bundle,
) -> None:
    async with serving(bundle) as (running, control):
        opened = await open_one(control)
        answers = [
            await control.get("/environments"),
            await control.get(f"/environments/{NAME}/tasks"),
            await control.get("/openapi.json"),
            await control.post("/episodes", json={"environment": NAME, "task": ONE_STEP_TASK}),
            await control.post("/episodes", json={"environment": NAME, "task": "nothing"}),
            await control.get(f"/episodes/{opened['id']}"),
            await control.get(f"/episodes/{opened['id']}/record"),
        ]
        texts = [answer.text for answer in answers]
        async with Client(opened["mcp"]) as client:
            texts.append((await client.list_tools()).model_dump_json())
            texts.append(str(client.instructions))
            for tool, arguments in (
                ("find_loan", {"title": "Emma"}),
                ("find_loan", {"title": "nothing"}),
                ("get_reader", {}),
                ("misbehave", {"how": "raise"}),
            ):
                texts.append((await client.call_tool(tool, arguments)).model_dump_json())
        texts.append(repr(running))
    for text in texts:
        assert GOLD_PHONE not in text
        assert GOLD_CITY not in text
        assert "sub_question" not in text


async def test_the_description_names_every_answer(bundle: Bundle) -> None:
    async with serving(bundle, sandbox=scripted()) as (_, control):
        described = (await control.get("/openapi.json")).json()
    opened = described["paths"]["/episodes"]["post"]["responses"]["201"]
    assert opened["content"]["application/json"]["schema"]["$ref"].endswith("/OpenedEpisode")
    assert "HTTPBearer" in described["components"]["securitySchemes"]
    assert "ErrorAnswer" in described["components"]["schemas"]
