"""Third-party clients play whole episodes, each from an environment of its own."""

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from astra_arena.core.calls import ELICIT_TOOL
from astra_arena.core.canonical import JsonObject
from astra_arena.core.rollouts import EpisodeRecord
from astra_arena.core.tasks import Task
from astra_arena.servers import Bundle, emit_server, load_bundle, read_journal, verdict_of
from tests.interop.desk_bundle import CONVERSATION, RETURNS, Step, gold_steps
from tests.interop.eavesdropping import open_forwarder
from tests.interop.environments import LABELS, Arena
from tests.interop.tooling import Tooling
from tests.servers.small_bundle import GOLD_PHONE
from tests.support.requirement import requirement

CLIENTS = Path(__file__).parent / "clients"
TIMEOUT_S = 120

OLDER, NEWER = "2025-11-25", "2026-07-28"


@dataclass(frozen=True, slots=True)
class ThirdParty:
    """A client that others wrote."""

    name: str
    script: str
    speaks: str
    """The version of the protocol that it speaks to a server of both generations."""
    shows_forms: bool = False
    """Whether its script has it ask its user when the server does."""
    installed: str | None = None
    """Where its Python packages are; `None` for what runs in Node."""
    options: tuple[str, ...] = ()

    def command(self, tooling: Tooling) -> list[str]:
        script = str(CLIENTS / self.script)
        if self.installed is not None:
            return [str(tooling.python(self.installed)), script]
        return [str(tooling.node), script, str(tooling.node_modules), *self.options]


THIRD_PARTIES = (
    ThirdParty("openai-agents", "openai_agents_client.py", NEWER, False, "openai-agents"),
    ThirdParty("pydantic-ai", "pydantic_ai_client.py", NEWER, False, "pydantic-ai-slim"),
    ThirdParty("fastmcp", "fastmcp_client.py", NEWER, True, "fastmcp"),
    ThirdParty("langchain", "langchain_client.py", OLDER, False, "langchain-mcp-adapters"),
    ThirdParty("mcp-use", "mcp_use_client.py", OLDER, True, "mcp-use"),
    ThirdParty("typescript v2", "typescript_client.mjs", OLDER, True, options=("legacy",)),
    ThirdParty("typescript v2, auto", "typescript_client.mjs", NEWER, True, options=("auto",)),
    ThirdParty("typescript v1", "typescript_client.mjs", OLDER, True, options=("v1",)),
)
each_client = pytest.mark.parametrize("client", THIRD_PARTIES, ids=lambda one: one.name)
each_task = pytest.mark.parametrize(
    ("label", "task"), [("desk: returns", RETURNS), ("desk: conversation", CONVERSATION)]
)

WRONG: list[Step] = [
    [{"tool": "find_loan", "arguments": {"title": "Ulysses"}}],
    [{"tool": "find_loan", "arguments": {"title": 7}}],
    [{"tool": "misbehave", "arguments": {"how": "raise"}}],
    [{"tool": "find_loan", "arguments": {"title": "Emma"}}],
]


def play(
    client: ThirdParty, tooling: Tooling, steps: Sequence[Step], **target: object
) -> dict[str, Any]:
    """Run a client's script and return the tools that it saw, its replies and its forms."""
    done = subprocess.run(
        client.command(tooling),
        input=json.dumps({**target, "steps": steps}),
        env={**tooling.environment(), "MCP_USE_ANONYMIZED_TELEMETRY": "false"},
        capture_output=True,
        text=True,
        check=False,
        timeout=TIMEOUT_S,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    # Some libraries log to stdout.
    return json.loads(done.stdout.splitlines()[-1])


def results(replies: Sequence[dict[str, Any]]) -> list[JsonObject]:
    """Return successful replies as the JSON that the agent reads in them."""
    assert not any(reply["error"] for reply in replies), replies
    return [json.loads(reply["text"]) for reply in replies]


def check_replies(task: Task, replies: Sequence[dict[str, Any]]) -> None:
    """Check what only a state that lasted from call to call can have answered."""
    got = results(replies)
    if task.id == RETURNS:
        assert [one["loan_id"] for one in got] == [2, 1, 2, 1]
        assert [one["out"] for one in got[2:]] == [1, 0]
    else:
        assert got[0] == {"user": "The book is Emma.", "done": False}
        assert got[-1] == {"user": None, "done": True}


@pytest.fixture(scope="module")
def desk(arena: Arena) -> Bundle:
    """The lending desk with a launcher."""
    path = arena.places["desk: returns"].path
    emit_server(path)
    return load_bundle(path)


@requirement("interop:third-party")
@each_client
@each_task
def test_the_gold_is_played_over_http_to_the_full_reward(
    tooling: Tooling, arena: Arena, desk: Bundle, client: ThirdParty, label: str, task: str
) -> None:
    steps = gold_steps(desk.task(task))
    episode = arena.open(label)
    with open_forwarder(episode["mcp"]) as forwarder:
        address = forwarder.address_of(episode["mcp"])
        played = play(client, tooling, steps, url=address)
    closed = arena.close(episode)
    tools, replies = played["tools"], played["replies"]
    check_replies(desk.task(task), replies)
    assert ("reply" in tools) == (task == CONVERSATION)
    assert forwarder.versions == {client.speaks}
    assert closed["verdict"]["reward"] == 1.0
    assert len(closed["record"]["calls"]) == len(replies)


@requirement("interop:third-party")
@each_client
@each_task
def test_the_gold_is_played_over_stdio_to_the_full_reward(
    tooling: Tooling, desk: Bundle, tmp_path: Path, client: ThirdParty, label: str, task: str
) -> None:
    del label
    steps = gold_steps(desk.task(task))
    launcher = [str(desk.path / "server.py"), "--task", task, "--journal", str(tmp_path)]
    played = play(client, tooling, steps, command=sys.executable, args=launcher)
    replies = played["replies"]
    check_replies(desk.task(task), replies)
    record = _journaled(tmp_path)
    assert verdict_of(desk.task(task), record).reward == 1.0
    assert len(record.calls) == len(replies)


@requirement("interop:third-party")
@each_client
def test_what_goes_wrong_is_a_tools_error_and_the_episode_goes_on(
    tooling: Tooling, arena: Arena, client: ThirdParty
) -> None:
    episode = arena.open("desk: returns")
    replies = play(client, tooling, WRONG, url=episode["mcp"])["replies"]
    record = arena.close(episode)["record"]
    assert [reply["error"] for reply in replies] == [True, True, True, False]
    failed, refused, broken = (reply["text"] for reply in replies[:3])
    assert "no loan of 'Ulysses'" in failed
    assert "7 is not of type" in refused
    assert "the tool failed" in broken
    outcomes = [call["outcome"] for call in record["calls"]]
    assert outcomes == ["tool_failure", "invalid_arguments", "environment_error", "ok"]


@requirement("interop:third-party")
@pytest.mark.parametrize("label", [label for label in LABELS if label.startswith("suite/")])
def test_the_starter_suite_is_played_to_the_full_reward(
    tooling: Tooling, arena: Arena, label: str
) -> None:
    client = next(one for one in THIRD_PARTIES if one.name == "typescript v2, auto")
    episode = arena.open(label)
    played = play(client, tooling, gold_steps(arena.places[label].task), url=episode["mcp"])
    closed = arena.close(episode)
    results(played["replies"])
    assert closed["verdict"]["reward"] == 1.0, closed["verdict"]


@requirement("interop:third-party")
@pytest.mark.parametrize(
    "client", [one for one in THIRD_PARTIES if one.shows_forms], ids=lambda one: one.name
)
def test_a_form_is_shown_to_the_clients_user_and_the_call_goes_on(
    tooling: Tooling, arena: Arena, client: ThirdParty
) -> None:
    episode = arena.open("desk: form")
    steps: list[Step] = [
        [{"tool": "find_loan", "arguments": {}}],
        [{"tool": "get_reader", "arguments": {"reader_id": 2}}],
        [{"tool": "reply", "arguments": {"message": f"It is {GOLD_PHONE}."}}],
    ]
    played = play(client, tooling, steps, url=episode["mcp"], forms=True)
    closed = arena.close(episode)
    assert len(played["asked"]) == 1
    assert "Emma" not in played["asked"][0]
    assert results(played["replies"])[0]["title"] == "Emma"
    tools = [(call["tool"], call["outcome"]) for call in closed["record"]["calls"]]
    assert tools == [(name, "ok") for name in (ELICIT_TOOL, "find_loan", "get_reader", "reply")]
    assert closed["verdict"]["reward"] == 1.0


def _journaled(folder: Path) -> EpisodeRecord:
    """Return the one record with calls.

    TypeScript's client asks a process of its own which versions the server has, when it negotiates.
    """
    records = [read_journal(path) for path in folder.glob("*.jsonl")]
    assert len(records) <= 2
    (played,) = [record for record in records if record.calls]
    return played
