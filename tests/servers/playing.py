"""Short ways to do what every test of the servers does."""

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Any, Literal, Unpack

import anyio
import httpx
from mcp import Client
from mcp.types import CallToolResult, TextContent

from astra_arena.sandbox.contract import Limits
from astra_arena.servers import Bundle, RunningServer, open_server
from astra_arena.servers.server_options import ServerOptions
from tests.servers.small_bundle import NAME, TASK

Era = Literal["auto", "legacy"]
ERAS: tuple[Era, ...] = ("auto", "legacy")

BRIEF = Limits(call_seconds=0.5, cpu_seconds=2)


@asynccontextmanager
async def control_client(address: str, token: str) -> AsyncGenerator[httpx.AsyncClient]:
    headers = {"authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(base_url=address, headers=headers, timeout=30) as client:
        yield client


@asynccontextmanager
async def serving(
    bundle: Bundle, **options: Unpack[ServerOptions]
) -> AsyncGenerator[tuple[RunningServer, httpx.AsyncClient]]:
    async with open_server([bundle], **options) as running:
        # Whatever name is advertised, the tests reach it here.
        port = running.addresses.control.rpartition(":")[2]
        async with control_client(f"http://127.0.0.1:{port}", running.token) as control:
            yield running, control


async def open_one(
    control: httpx.AsyncClient, task: str = TASK, seed: int = 0, variant: str = "base"
) -> dict[str, Any]:
    asked = {"environment": NAME, "task": task, "seed": seed, "variant": variant}
    answer = await control.post("/episodes", json=asked)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def record_of(control: httpx.AsyncClient, episode: dict[str, Any]) -> dict[str, Any]:
    answer = await control.get(f"/episodes/{episode['id']}/record")
    assert answer.status_code == 200, answer.text
    return answer.json()


async def solve(client: Client) -> None:
    """Play the gold of the task with two steps."""
    loan = await client.call_tool("find_loan", {"title": "Emma"})
    assert loan.structured_content is not None
    await client.call_tool("get_reader", {"reader_id": loan.structured_content["reader_id"]})


def text_of(result: CallToolResult) -> str:
    (content,) = result.content
    assert isinstance(content, TextContent)
    return content.text


def outcomes(record: dict[str, Any]) -> list[str]:
    calls: list[dict[str, str]] = record["calls"]
    return [call["outcome"] for call in calls]


async def until(holds: Callable[[], bool]) -> None:
    """Wait for something that other tasks bring about."""
    with anyio.fail_after(30):
        while not holds():
            await anyio.sleep(0)
