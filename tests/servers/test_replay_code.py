"""Tools of servers are called what their authors like; the code of a replay copes with that."""

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from mcp import types

from astra_arena.core.calls import CallRecord, StateRecord
from astra_arena.core.canonical import JsonObject
from astra_arena.core.environment import Environment, Licence, ToolSpec, World
from astra_arena.core.errors import SpecError
from astra_arena.core.rollouts import EpisodeRecord
from astra_arena.core.tasks import Answer, Expectation, SubQuestion, Task, Turn
from astra_arena.sandbox.process_sandbox import ProcessSandbox
from astra_arena.servers import Bundle, Episode, open_episode
from astra_arena.servers.bundles.bundle import write_bundle
from astra_arena.servers.gateway.replay_code import replay_code
from astra_arena.servers.gateway.replaying import write_replay
from astra_arena.servers.gateway.tool_mapping import mapped_tools
from astra_arena.servers.gateway.wrapping import TOOLS_PY
from tests.support.requirement import requirement

NAME = "odd"
DEFAULTS: JsonObject = {
    "world": {"type": "string"},
    "others": {"type": "number", "default": 1.0},
    "list": {"type": "array", "default": ["a", None, True, "ü'\"\\"]},
}
PROPERTIES: dict[str, JsonObject] = {
    "list": DEFAULTS,
    "json": {"from": {"type": "string"}, "x-y": {"type": "integer"}},
    "str": {"_hidden": {"type": "string"}},
    "dict": {},
}


def _spec(name: str) -> ToolSpec:
    schema: JsonObject = {"type": "object", "properties": PROPERTIES[name]}
    if name == "list":
        schema |= {"required": ["world"], "additionalProperties": False}
    return ToolSpec(
        name=name,
        description="An odd tool.",
        input_schema=schema,
        output_schema={"type": "object"},
        read_only=name != "dict",
    )


CALLS: list[tuple[str, JsonObject]] = [
    ("list", {"world": "w"}),
    ("list", {"world": "w", "others": 2.5, "list": []}),
    ("json", {"from": "here", "x-y": 3}),
    ("str", {"_hidden": "h", "further": {"deep": [1, 2.0]}}),
    ("dict", {"anything": None}),
    ("list", {"world": "w"}),
]


def _filled(tool: str, arguments: JsonObject) -> JsonObject:
    defaults: JsonObject = {"others": 1, "list": ["a", None, True, "ü'\"\\"]}
    return {**(defaults if tool == "list" else {}), **arguments}


def _record(digest: str, tasks: str) -> EpisodeRecord:
    state = StateRecord(digest="sha256:d", difference={"values": {}, "unseen": True})
    calls = [
        CallRecord(
            index=index,
            environment=NAME,
            tool=tool,
            arguments=_filled(tool, arguments),
            outcome="ok",
            result={"call": index},
            state=state if tool == "dict" else None,
        )
        for index, (tool, arguments) in enumerate(CALLS)
    ]
    return EpisodeRecord(
        environment=NAME,
        environment_digest=digest,
        tasks_digest=tasks,
        task_id="t",
        seed=0,
        tier="external",
        calls=tuple(calls),
    )


def _live(folder: Path) -> Bundle:
    world = folder / "world.json"
    routes = {name: {"calls": name} for name in PROPERTIES}
    world.write_text(json.dumps({"stdio": {"command": ["x"]}, "state": "server", "tools": routes}))
    environment = Environment(
        name=NAME,
        title="Odd",
        description="Odd tools.",
        domain="external",
        format_version=1,
        tools=tuple(_spec(name) for name in PROPERTIES),
        world=World(kind="external", file="world.json"),
        licence=Licence(name="unknown"),
        provenance={},
    )
    question = SubQuestion(
        id="q",
        question="?",
        environment=NAME,
        tool="json",
        arguments={"from": "here", "x-y": 3},
        answer=Answer(path="/call", kind="number", value=2),
    )
    task = Task(
        id="t",
        environments=("sha256:unbound",),
        turns=(Turn(say="Go on.", expect=Expectation(kind="act")),),
        sub_questions=(question,),
    )
    return write_bundle(folder / "live", environment, tools_py=TOOLS_PY, world=world, tasks=(task,))


@asynccontextmanager
async def _playing(bundle: Bundle) -> AsyncGenerator[Episode]:
    async with ProcessSandbox() as sandbox:
        episode = await open_episode(bundle, bundle.task("t"), sandbox)
        yield episode
        await episode.close()


@requirement("gateway:replay")
async def test_names_and_defaults_of_any_kind_are_answered_as_recorded(tmp_path: Path) -> None:
    live = _live(tmp_path)
    record = _record(live.digests.environment, live.tasks_digest)
    replay = write_replay(tmp_path / "offline", live, [record])

    async with _playing(replay.bundle) as episode:
        replies = [await episode.call(tool, arguments) for tool, arguments in CALLS]
        missing = await episode.call("dict", {"anything": "else"})

    assert replay.left_out == {}
    assert [reply.structured for reply in replies] == [{"call": n} for n in range(len(CALLS))]
    assert missing.text == "this call was not recorded"
    assert not any(call.outcome == "environment_error" for call in episode.calls)


@requirement("gateway:replay")
def test_a_tool_that_no_function_can_be_called_like_is_refused() -> None:
    spec = _spec("dict").model_copy(update={"name": "import"})

    with pytest.raises(SpecError, match="'import'"):
        replay_code((spec,))


@requirement("gateway:wrap", "gateway:replay")
def test_a_wrapped_tool_gets_a_name_that_its_replay_can_have() -> None:
    schema = {"type": "object"}
    theirs = [types.Tool(name=name, input_schema=schema) for name in ("import", "reply", "fetch")]

    ours = mapped_tools(theirs)

    assert [spec.name for spec in ours.specs] == ["import_tool", "reply_tool", "fetch"]
    compile(replay_code(ours.specs), "tools.py", "exec")
