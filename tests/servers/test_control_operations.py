"""What operators do over real HTTP: environments at run time, roles, draining, figures."""

import re
from pathlib import Path
from typing import Any

import httpx
import pytest
from mcp import Client

from astra_arena.core.canonical import JsonObject
from astra_arena.core.errors import SettingsError
from astra_arena.sandbox.scripted import ScriptedSandbox
from astra_arena.servers import (
    AccessTokens,
    Addresses,
    Bundle,
    EpisodeHost,
    build_control_app,
    open_server,
)
from tests.servers.playing import ERAS, Era, control_client, open_one, serving, solve
from tests.servers.small_bundle import NAME, TASK, small_environment, write_small_bundle
from tests.support.requirement import requirement


def other_version(folder: Path) -> Bundle:
    """The small library with another title, so with another digest."""
    environment = small_environment().model_copy(update={"title": "Larger library"})
    return write_small_bundle(folder, environment)


def figures(exposition: str) -> dict[str, float]:
    lines = re.findall(r"^(arena_\S+) (\S+)$", exposition, flags=re.MULTILINE)
    return {name: float(value) for name, value in lines}


@requirement("servers:roles")
async def test_collectors_play_and_score_but_change_nothing(bundle: Bundle) -> None:
    async with serving(
        bundle, sandbox=ScriptedSandbox({}), token="operator", collector_token="collector"
    ) as (running, _):
        async with control_client(running.addresses.control, "collector") as collector:
            opened = await open_one(collector)
            allowed = [
                await collector.get("/environments"),
                await collector.get(f"/environments/{NAME}/tasks"),
                await collector.get(opened["control"] + "/verdict"),
                await collector.get("/metrics"),
                await collector.delete(opened["control"]),
            ]
            place = {"path": str(bundle.path)}
            refused = [
                await collector.post("/environments", json=place),
                await collector.put(f"/environments/{NAME}", json=place),
                await collector.delete(f"/environments/{NAME}"),
                await collector.get("/episodes"),
                await collector.post("/drain"),
                await collector.delete("/drain"),
            ]
        async with control_client(running.addresses.control, "operator") as operator:
            listed = (await operator.get("/episodes")).json()
    assert [answer.status_code for answer in allowed] == [200] * 5
    assert [answer.status_code for answer in refused] == [403] * 6
    assert "operator" in refused[0].json()["error"]["message"]
    assert listed == {"total": 0, "episodes": []}


def test_tokens_must_be_there_and_differ() -> None:
    for operator, collector in (("", None), ("a", ""), ("a", "a")):
        with pytest.raises(SettingsError):
            AccessTokens(operator, collector)
    assert AccessTokens("a").role_of("") is None


@requirement("servers:environments")
@pytest.mark.parametrize("era", ERAS)
async def test_environments_change_without_touching_running_episodes(
    bundle: Bundle, tmp_path: Path, era: Era
) -> None:
    other = other_version(tmp_path)
    async with serving(bundle) as (_, control):
        first = await open_one(control)
        async with Client(first["mcp"], mode=era) as client:
            await client.call_tool("find_loan", {"title": "Emma"})
            replaced = await control.put(f"/environments/{NAME}", json={"path": str(other.path)})
            second = await open_one(control)
            async with Client(second["mcp"], mode=era) as newcomer:
                await solve(newcomer)
            removed = await control.delete(f"/environments/{NAME}")
            gone = await control.post("/episodes", json={"environment": NAME, "task": TASK})
            await solve(client)
        verdicts = [
            (await control.get(f"{one['control']}/verdict")).json() for one in (first, second)
        ]
        late = await open_late_client(first["mcp"], era)
        ends = [(await control.delete(one["control"])).json() for one in (first, second)]
        again = await control.post("/environments", json={"path": str(bundle.path)})
        third = await open_one(control)
    assert replaced.json()["environment_digest"] == other.digests.environment
    assert (removed.status_code, gone.status_code, again.status_code) == (200, 404, 201)
    assert "none" in gone.json()["error"]["message"]
    assert [verdict["solved"] for verdict in verdicts] == [True, True]
    digests = [end["record"]["environment_digest"] for end in ends]
    assert digests == [bundle.digests.environment, other.digests.environment]
    assert late > 0
    assert third["environment_digest"] == bundle.digests.environment


async def open_late_client(address: str, era: Era) -> int:
    """Connect to an episode of an environment that is no longer served."""
    async with Client(address, mode=era) as client:
        return len((await client.list_tools()).tools)


@requirement("servers:environments")
async def test_what_cannot_be_served_is_refused_with_its_reason(
    bundle: Bundle, tmp_path: Path
) -> None:
    async with serving(bundle, sandbox=ScriptedSandbox({})) as (_, control):
        missing = await control.post("/environments", json={"path": str(tmp_path / "nothing")})
        twice = await control.post("/environments", json={"path": str(bundle.path)})
        misnamed = await control.put("/environments/other", json={"path": str(bundle.path)})
        unknown = await control.delete("/environments/other")
        still = (await control.get("/environments")).json()
    answers = (missing, twice, misnamed, unknown)
    assert [answer.status_code for answer in answers] == [422, 422, 422, 404]
    texts = [answer.json()["error"]["message"] for answer in answers]
    assert "nothing" in texts[0]
    assert "came twice" in texts[1]
    assert "expected an environment called 'other'" in texts[2]
    assert [environment["name"] for environment in still] == [NAME]


@requirement("servers:branch")
async def test_an_episode_is_branched_over_the_control_plane(bundle: Bundle) -> None:
    async with serving(bundle) as (_, control):
        first = await open_one(control)
        fresh = (await control.get(first["control"] + "/state")).json()
        async with Client(first["mcp"]) as client:
            await client.call_tool("return_book", {"loan_id": 1})
        snapshot = (await control.post(first["control"] + "/snapshots")).json()
        async with Client(first["mcp"]) as client:
            await client.call_tool("return_book", {"loan_id": 2})
        asked = {"snapshot": snapshot["id"]}
        early = (await control.post(first["control"] + "/branch", json=asked)).json()
        late = (await control.post(first["control"] + "/branch")).json()
        states = [
            (await control.get(one["control"] + "/state")).json() for one in (first, early, late)
        ]
        foreign = await control.post(late["control"] + "/branch", json=asked)
        log = (await control.get(early["control"] + "/log?limit=5")).json()
        known = (await control.get(f"/snapshots/{snapshot['id']}")).json()
        dropped = await control.delete(f"/snapshots/{snapshot['id']}")
        lost = await control.post(first["control"] + "/branch", json=asked)
        await control.delete(first["control"])
        closed = await control.post(first["control"] + "/branch")
        ended = await control.get(first["control"] + "/state")
        record = (await control.get(late["control"] + "/record")).json()
    assert fresh == {"calls": 0, "worlds": {NAME: None}}
    assert (snapshot["episode"], snapshot["calls"]) == (first["id"], 1)
    digests = [state["worlds"][NAME]["digest"] for state in states]
    assert digests[0] == digests[2] != digests[1] == snapshot["state_digests"][NAME]
    assert "loans" in states[1]["worlds"][NAME]["difference"]["tables"]
    assert (log["total"], log["calls"][0]["tool"]) == (1, "return_book")
    assert known == snapshot
    assert dropped.status_code == 204
    statuses = [foreign, lost, closed, ended]
    assert [answer.status_code for answer in statuses] == [404, 404, 409, 409]
    assert record["branched_at"] == 2


@requirement("servers:drain")
async def test_a_draining_server_opens_nothing_and_says_so(bundle: Bundle) -> None:
    async with serving(bundle) as (running, control):
        async with httpx.AsyncClient(base_url=running.addresses.control) as anyone:
            ready = await anyone.get("/readyz")
            opened = await open_one(control)
            drained = (await control.post("/drain")).json()
            unready = await anyone.get("/readyz")
            healthy = await anyone.get("/healthz")
        refused = await control.post("/episodes", json={"environment": NAME, "task": TASK})
        async with Client(opened["mcp"]) as client:
            await solve(client)
        verdict = (await control.get(opened["control"] + "/verdict")).json()
        resumed = (await control.delete("/drain")).json()
        again = await open_one(control)
    assert (ready.status_code, ready.json()) == (200, {"status": "ready"})
    assert (unready.status_code, unready.json()) == (503, {"status": "draining"})
    assert healthy.status_code == 200
    assert drained == {"draining": True, "open": 1}
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "2")
    assert verdict["solved"]
    assert resumed["draining"] is False
    assert again["id"] != opened["id"]


@requirement("servers:full")
async def test_a_full_server_says_when_to_come_back(bundle: Bundle) -> None:
    async with serving(bundle, sandbox=ScriptedSandbox({}), max_episodes=1) as (_, control):
        opened = await open_one(control)
        full = await control.post("/episodes", json={"environment": NAME, "task": TASK})
        branch = await control.post(opened["control"] + "/branch")
    for answer in (full, branch):
        assert (answer.status_code, answer.headers["retry-after"]) == (429, "1")
    async with (
        open_server([bundle], sandbox=ScriptedSandbox({}), max_requests=0) as running,
        httpx.AsyncClient() as anyone,
    ):
        control_plane = await anyone.get(running.addresses.control + "/healthz")
        agent_plane = await anyone.post(running.addresses.mcp + "/envs/x/r/y/mcp")
    for answer in (control_plane, agent_plane):
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
        assert "try again" in answer.json()["error"]["message"]


@requirement("servers:metrics")
async def test_metrics_tell_what_happened_and_nothing_secret(bundle: Bundle) -> None:
    async with serving(bundle) as (_, control):
        opened = await open_one(control)
        async with Client(opened["mcp"]) as client:
            await solve(client)
            await client.call_tool("find_loan", {"title": "Nothing"})
        during = (await control.get("/metrics")).text
        await control.delete(opened["control"])
        answer = await control.get("/metrics")
    told, after = figures(during), figures(answer.text)
    name = f'environment="{NAME}"'
    assert answer.headers["content-type"].startswith("text/plain")
    assert told[f"arena_episodes_opened_total{{{name}}}"] == 1
    assert told[f'arena_calls_total{{{name},outcome="ok"}}'] == 2
    assert told[f'arena_calls_total{{{name},outcome="tool_failure"}}'] == 1
    assert told[f"arena_call_seconds_count{{{name}}}"] == 3
    assert (told["arena_episodes_open"], after["arena_episodes_open"]) == (1, 0)
    assert after[f"arena_episodes_closed_total{{{name}}}"] == 1
    assert opened["id"] not in during + answer.text
    assert gold_of(bundle).isdisjoint(re.findall(r'"([^"]*)"', during))


def gold_of(bundle: Bundle) -> set[str]:
    answers: list[Any] = [question.answer.value for question in bundle.task(TASK).sub_questions]
    return {str(answer) for answer in answers}


def test_the_description_of_the_control_plane_names_every_route(bundle: Bundle) -> None:
    app = build_control_app(
        EpisodeHost([bundle], ScriptedSandbox({})),
        tokens=AccessTokens("a"),
        addresses=Addresses("http://a", "http://b"),
    )
    described: JsonObject = app.openapi()
    paths = described["paths"]
    assert isinstance(paths, dict)
    for path, operations in paths.items():
        assert isinstance(operations, dict)
        for method, operation in operations.items():
            assert isinstance(operation, dict)
            assert operation.get("description"), (path, method)
