"""What others add to an environment's MCP server, used by real clients of both generations."""

from collections.abc import Sequence
from typing import Any

import mcp.types as wire
import pytest
from mcp import Client
from mcp.server import Server
from mcp.shared.exceptions import MCPError

from astra_arena.core.errors import SettingsError
from astra_arena.servers import Bundle, open_server
from astra_arena.servers.agent_plane.extensions import (
    EVERYWHERE,
    ExtraTool,
    RequestContext,
    load_extensions,
)
from tests.servers.playing import ERAS, Era, control_client, open_one, outcomes, record_of, solve
from tests.servers.small_bundle import NAME, SECRET
from tests.support.requirement import requirement

both_eras = pytest.mark.parametrize("era", ERAS)
PIXEL = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M8AAQUBAScY42YAAAAASUVORK5CYII="
)


class Pictures:
    """Draws, asks the user, reports progress, breaks, and has a resource."""

    def tools(self) -> Sequence[ExtraTool]:
        schema = {"type": "object"}
        return [
            ExtraTool(wire.Tool(name=name, input_schema=schema), call)
            for name, call in (
                ("draw", self._draw),
                ("slow", self._slow),
                ("break", self._break),
                ("greet", self._greet),
            )
        ]

    def register(self, server: Server[Any]) -> None:
        server.add_request_handler("resources/list", wire.PaginatedRequestParams, self._list)
        server.add_request_handler("resources/read", wire.ReadResourceRequestParams, self._read)

    async def _draw(
        self, context: RequestContext, params: wire.CallToolRequestParams
    ) -> wire.CallToolResult:
        return wire.CallToolResult(content=[wire.ImageContent(data=PIXEL, mime_type="image/png")])

    async def _slow(
        self, context: RequestContext, params: wire.CallToolRequestParams
    ) -> wire.CallToolResult:
        for step in range(3):
            await context.session.report_progress(step, 3)
        return wire.CallToolResult(content=[])

    async def _break(
        self, context: RequestContext, params: wire.CallToolRequestParams
    ) -> wire.CallToolResult:
        raise RuntimeError(SECRET)

    async def _greet(
        self, context: RequestContext, params: wire.CallToolRequestParams
    ) -> wire.CallToolResult | wire.InputRequiredResult:
        form: dict[str, Any] = {"type": "object", "properties": {"name": {"type": "string"}}}
        if context.protocol_version < "2026":
            answer = await context.session.elicit_form("Who?", form, context.request_id)
            content = answer.content
        elif params.input_responses is None:
            asked = wire.ElicitRequest(
                params=wire.ElicitRequestFormParams(message="Who?", requested_schema=form)
            )
            return wire.InputRequiredResult(input_requests={"who": asked}, request_state="greet")
        else:
            assert params.request_state == "greet"
            answered = params.input_responses["who"]
            assert isinstance(answered, wire.ElicitResult)
            content = answered.content
        name = (content or {})["name"]
        return wire.CallToolResult(content=[wire.TextContent(text=f"Hello, {name}!")])

    async def _list(
        self, context: RequestContext, params: wire.PaginatedRequestParams
    ) -> wire.ListResourcesResult:
        return wire.ListResourcesResult(
            resources=[wire.Resource(name="pixel", uri="test://pixel", mime_type="image/png")]
        )

    async def _read(
        self, context: RequestContext, params: wire.ReadResourceRequestParams
    ) -> wire.ReadResourceResult:
        return wire.ReadResourceResult(
            contents=[wire.BlobResourceContents(uri=params.uri, blob=PIXEL, mime_type="image/png")]
        )


async def say_ada(context: object, params: object) -> wire.ElicitResult:
    return wire.ElicitResult(action="accept", content={"name": "Ada"})


@requirement("agent:extensions")
@both_eras
async def test_an_extension_adds_tools_and_resources_and_no_episode_notices(
    bundle: Bundle, era: Era
) -> None:
    steps: list[float] = []

    async def note(progress: float, total: float | None, message: str | None) -> None:
        steps.append(progress)

    async with (
        open_server([bundle], extensions={NAME: [Pictures()]}) as running,
        control_client(running.addresses.control, running.token) as control,
    ):
        episode = await open_one(control)
        async with Client(episode["mcp"], mode=era, elicitation_callback=say_ada) as client:
            listed = [tool.name for tool in (await client.list_tools()).tools]
            drawn = await client.call_tool("draw", {})
            await client.call_tool("slow", {}, progress_callback=note)
            greeted = await client.call_tool("greet", {})
            with pytest.raises(MCPError) as broken:
                await client.call_tool("break", {})
            (resource,) = (await client.list_resources()).resources
            read = await client.read_resource(resource.uri)
            await solve(client)
        record = await record_of(control, episode)
    own = [tool.name for tool in bundle.environment.tools]
    assert listed == [*own, "draw", "slow", "break", "greet"]
    assert isinstance(drawn.content[0], wire.ImageContent)
    assert steps == [0, 1, 2]
    assert greeted.content == [wire.TextContent(text="Hello, Ada!")]
    assert SECRET not in str(broken.value.error)
    assert isinstance(read.contents[0], wire.BlobResourceContents)
    assert outcomes(record) == ["ok", "ok"]


def test_extensions_are_found_by_name_for_one_environment_or_all() -> None:
    here = "tests.servers.test_extensions:Pictures"
    found = load_extensions([here, f"{NAME}={here}"])
    assert {name: [type(one) for one in found[name]] for name in found} == {
        EVERYWHERE: [Pictures],
        NAME: [Pictures],
    }


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("Pictures", "expected --extension like my_module:MyExtension"),
        ("tests.no_such_module:X", "cannot be imported"),
        ("tests.servers.test_extensions:Nothing", "cannot be imported"),
        ("tests.servers.test_extensions:PIXEL", "is a str without 'tools' and 'register'"),
    ],
)
def test_an_extension_that_cannot_be_had_is_refused_by_name(name: str, part: str) -> None:
    with pytest.raises(SettingsError, match=part.replace("(", r"\(")) as caught:
        load_extensions([name])
    assert name in caught.value.message
