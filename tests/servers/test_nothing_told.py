"""No method of the agent plane tells gold, rewards, other episodes, paths or tracebacks."""

from collections.abc import Sequence
from typing import Any

import httpx
import pytest

from astra_arena.core.canonical import JsonObject
from astra_arena.servers import Bundle
from tests.servers.phased_bundle import ASKING, PHASED, SECRET_TITLE
from tests.servers.playing import BRIEF, open_one, serving
from tests.servers.raw_http import BOTH, modern, modern_headers, request
from tests.servers.small_bundle import GOLD_CITY, GOLD_PHONE, ONE_STEP_TASK, SECRET, TASK
from tests.support.requirement import requirement

REQUESTS: Sequence[tuple[str, JsonObject]] = (
    ("server/discover", {}),
    ("ping", {}),
    ("tools/list", {}),
    ("tools/list", {"cursor": "x"}),
    ("prompts/list", {}),
    ("prompts/get", {"name": "task"}),
    ("prompts/get", {"name": "gold"}),
    ("resources/list", {}),
    ("resources/templates/list", {}),
    ("resources/read", {"uri": "task://current"}),
    ("resources/read", {"uri": "task://gold"}),
    ("resources/read", {"uri": "file:///etc/passwd"}),
    ("resources/subscribe", {"uri": "task://current"}),
    ("completion/complete", {"ref": {"type": "ref/prompt", "name": "task"}, "argument": {}}),
    ("logging/setLevel", {"level": "debug"}),
    ("tasks/list", {}),
    ("roots/list", {}),
    ("sampling/createMessage", {}),
    ("elicitation/create", {}),
    ("tools/call", {"name": "verdict", "arguments": {}}),
    ("tools/call", {"name": "find_loan", "arguments": {}}),
    ("tools/call", {"name": "find_loan", "arguments": {"title": "Persuasion"}}),
    ("tools/call", {"name": "get_reader", "arguments": {"reader_id": "2"}}),
    ("tools/call", {"name": "misbehave", "arguments": {"how": "raise"}}),
    ("tools/call", {"name": "misbehave", "arguments": {"how": "hang"}}),
    ("tools/call", {"name": "misbehave", "arguments": {"how": "exit"}}),
    ("tools/call", {"name": "reply", "arguments": {"message": "x", "kind": "question"}}),
    ("tools/call", {"name": "reply", "arguments": {"message": "x", "kind": "cannot"}}),
    ("tools/call", {"name": "reply", "arguments": {"message": "x", "kind": "verdict"}}),
    ("tools/call", {"name": "find_loan", "arguments": {"title": "Persuasion"}}),
)

TASKS = ((TASK, "base"), (ONE_STEP_TASK, "base"), (PHASED, "base"), (ASKING, "elicitation"))


async def everything(address: str) -> list[bytes]:
    """Return whatever the server says to each request, asked in both generations."""
    said: list[bytes] = []
    for method, params in REQUESTS:
        name = params.get("name", params.get("uri"))
        headers = modern_headers(method, str(name) if name else None)
        answer = await request(address, modern(method, params), headers)
        said += [answer.body, str(answer.headers).encode()]
    async with httpx.AsyncClient(timeout=30) as client:
        older = {"accept": BOTH}
        start: dict[str, Any] = {
            "protocolVersion": "2025-11-25",
            "capabilities": {},
            "clientInfo": {"name": "test", "version": "1"},
        }
        opened = await client.post(address, json=_older("initialize", start), headers=older)
        older["mcp-session-id"] = opened.headers["mcp-session-id"]
        ready = {"jsonrpc": "2.0", "method": "notifications/initialized"}
        said += [opened.content, (await client.post(address, json=ready, headers=older)).content]
        for method, params in REQUESTS:
            answered = await client.post(address, json=_older(method, params), headers=older)
            said += [answered.content, str(answered.headers).encode()]
    return said


def _older(method: str, params: JsonObject) -> JsonObject:
    return {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}


@requirement("agent:nothing-told", "servers:no-leak")
@pytest.mark.parametrize(("task", "variant"), TASKS)
async def test_no_request_brings_out_what_was_not_earned(
    phased: Bundle, task: str, variant: str
) -> None:
    async with serving(phased, limits=BRIEF) as (running, control):
        episode = await open_one(control, task, variant=variant)
        other = await open_one(control, task, variant=variant)
        said = await everything(episode["mcp"])
        said += await everything(episode["mcp"].replace(f"/r/{episode['id']}", ""))
        verdict = (await control.get(f"/episodes/{episode['id']}/verdict")).json()
        assert len(running.host.get(episode["id"]).calls) > 5
    told = b"\n".join(said)
    forbidden = [GOLD_PHONE, GOLD_CITY, SECRET, "Traceback", other["id"], running.token]
    forbidden += [phased.path.as_posix(), phased.path.parent.name, "reward", "verdict_of", "sha256"]
    # Shorter names are found in any random id.
    names = [component["name"] for component in verdict["components"]]
    forbidden += [name for name in names if len(name) > 3]
    # The user tells it when asked, which the variant `elicitation` does for the agent.
    forbidden += [] if variant == "elicitation" or task == TASK else [SECRET_TITLE]
    assert [word for word in forbidden if word.encode() in told] == []
    assert b"Persuasion" in told
