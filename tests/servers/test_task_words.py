"""The current task as a prompt and a resource, for hosts that know nothing of tasks."""

import pytest
from mcp import Client
from mcp.shared.exceptions import MCPError
from mcp.types import TextContent, TextResourceContents

from astra_arena.sandbox.process_sandbox import ProcessSandbox
from astra_arena.servers import Bundle, build_mcp_server, open_episode
from tests.servers.phased_bundle import PHASED, WORDS
from tests.servers.playing import ERAS, Era, open_one, record_of, serving
from tests.servers.small_bundle import TASK
from tests.support.requirement import requirement

both_eras = pytest.mark.parametrize("era", ERAS)


async def words(client: Client) -> tuple[str, str]:
    """Return what the prompt and the resource say."""
    (message,) = (await client.get_prompt("task")).messages
    assert message.role == "user"
    assert isinstance(message.content, TextContent)
    (content,) = (await client.read_resource("task://current")).contents
    assert isinstance(content, TextResourceContents)
    return message.content.text, content.text


@requirement("agent:task")
@both_eras
async def test_prompt_and_resource_say_what_the_user_says_now(phased: Bundle, era: Era) -> None:
    async with serving(phased) as (_, control):
        episode = await open_one(control, PHASED)
        async with Client(episode["mcp"], mode=era) as client:
            prompts = (await client.list_prompts()).prompts
            resources = (await client.list_resources()).resources
            templates = (await client.list_resource_templates()).resource_templates
            said = [await words(client)]
            for _ in range(2):
                # The SDK's client keeps what it has read for as long as it is told to be fresh.
                await client.call_tool("reply", {"message": "No.", "kind": "cannot"})
                said.append(await words(client))
        record = await record_of(control, episode)
    assert [prompt.name for prompt in prompts] == ["task"]
    assert [str(resource.uri) for resource in resources] == ["task://current"]
    assert templates == []
    assert said == [(word, word) for word in WORDS]
    assert len(record["calls"]) == 2


@requirement("agent:task")
@both_eras
async def test_what_does_not_change_may_be_kept(bundle: Bundle, era: Era) -> None:
    async with ProcessSandbox() as sandbox:
        episode = await open_episode(bundle, bundle.task(TASK), sandbox)
        async with Client(build_mcp_server(bundle, lambda _: episode), mode=era) as client:
            listed = await client.list_prompts()
            read = await client.read_resource("task://current")
            with pytest.raises(MCPError, match="there is no prompt 'tsk', only 'task'"):
                await client.get_prompt("tsk")
            with pytest.raises(MCPError, match="only 'task://current'"):
                await client.read_resource("file:///etc/passwd")
            with pytest.raises(MCPError, match="expected no cursor"):
                await client.list_resources(cursor="x")
        await episode.close()
    expected = 3_600_000 if era == "auto" else None
    assert (listed.ttl_ms or None, read.ttl_ms or None) == (expected, expected)
    assert episode.call_count == 0
