"""Elicitation over MCP: what a call lacks is asked of the client's user, in both generations."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any, Literal

import anyio
import mcp.types as wire
import pytest
from mcp import Client
from mcp.shared.exceptions import MCPError

from astra_arena.core.calls import CALL_KEY_META, ELICIT_TOOL
from astra_arena.core.canonical import JsonObject
from astra_arena.servers import Bundle
from tests.servers.phased_bundle import ASKING, SECRET_TITLE
from tests.servers.playing import ERAS, Era, open_one, outcomes, record_of, serving, text_of
from tests.servers.raw_http import Answer, modern, modern_headers, request
from tests.support.requirement import requirement

both_eras = pytest.mark.parametrize("era", ERAS)
FORMS: JsonObject = {"elicitation": {"form": {}}}


class User:
    """A client's user, who is asked by forms."""

    def __init__(self, action: Literal["accept", "decline", "cancel"], **content: str) -> None:
        self.asked: list[wire.ElicitRequestFormParams] = []
        self._answer = wire.ElicitResult(action=action, content={**content} or None)

    async def __call__(
        self, context: object, params: wire.ElicitRequestParams
    ) -> wire.ElicitResult:
        assert isinstance(params, wire.ElicitRequestFormParams)
        self.asked.append(params)
        return self._answer


@asynccontextmanager
async def asking(phased: Bundle, era: Era, user: User | None) -> AsyncGenerator[tuple[Client, Any]]:
    async with serving(phased) as (_, control):
        episode = await open_one(control, ASKING, variant="elicitation")

        async def calls() -> list[dict[str, Any]]:
            return (await record_of(control, episode))["calls"]

        async with Client(episode["mcp"], mode=era, elicitation_callback=user) as client:
            yield client, calls


@requirement("agent:elicitation")
@both_eras
@pytest.mark.parametrize("content", [{}, {"title": ""}], ids=["nothing", "empty"])
async def test_who_agrees_and_types_nothing_has_the_tasks_user_tell(
    phased: Bundle, era: Era, content: dict[str, str]
) -> None:
    user = User("accept", **content)
    async with asking(phased, era, user) as (client, calls):
        found = await client.call_tool("find_loan", {})
        logged = await calls()
    (form,) = user.asked
    assert form.requested_schema["properties"]["title"]["type"] == "string"
    assert form.requested_schema.get("required", []) == []
    assert SECRET_TITLE not in form.model_dump_json()
    assert found.structured_content is not None
    assert found.structured_content["title"] == SECRET_TITLE
    assert [(call["tool"], call["outcome"]) for call in logged] == [
        (ELICIT_TOOL, "ok"),
        ("find_loan", "ok"),
    ]
    assert logged[0]["result"] == {"told": {"title": f"The book is {SECRET_TITLE}."}}


@requirement("agent:elicitation")
@both_eras
async def test_what_the_user_types_is_used(phased: Bundle, era: Era) -> None:
    async with asking(phased, era, User("accept", title="Persuasion")) as (client, calls):
        found = await client.call_tool("find_loan", {})
        logged = await calls()
    assert found.structured_content is not None
    assert found.structured_content["title"] == "Persuasion"
    assert logged[0]["result"] == {"told": {}, "given": {"title": "Persuasion"}}
    assert logged[1]["arguments"] == {"title": "Persuasion"}


@requirement("agent:elicitation")
@both_eras
@pytest.mark.parametrize("action", ["decline", "cancel"])
async def test_who_does_not_tell_has_the_call_refused(
    phased: Bundle, era: Era, action: Literal["decline", "cancel"]
) -> None:
    async with asking(phased, era, User(action)) as (client, calls):
        refused = await client.call_tool("find_loan", {})
        logged = await calls()
    assert '"title" is required but missing' in text_of(refused)
    assert [call["outcome"] for call in logged] == ["ok", "invalid_arguments"]


@requirement("agent:elicitation")
@both_eras
async def test_a_client_that_shows_no_forms_has_the_tasks_user_asked(
    phased: Bundle, era: Era
) -> None:
    async with asking(phased, era, None) as (client, calls):
        found = await client.call_tool("find_loan", {})
        logged = await calls()
    assert not found.is_error
    assert [call["tool"] for call in logged] == [ELICIT_TOOL, "find_loan"]


@requirement("agent:elicitation")
@both_eras
async def test_a_call_that_lacks_nothing_or_something_else_asks_nobody(
    phased: Bundle, era: Era
) -> None:
    user = User("accept")
    async with asking(phased, era, user) as (client, calls):
        await client.call_tool("find_loan", {"title": "Emma"})
        await client.call_tool("find_loan", {"titel": "Emma"})
        await client.call_tool("get_reader", {})
        logged = await calls()
    assert user.asked == []
    assert [call["outcome"] for call in logged] == ["ok", "invalid_arguments", "invalid_arguments"]


@requirement("agent:elicitation")
@both_eras
async def test_a_repeated_key_asks_nobody_again(phased: Bundle, era: Era) -> None:
    user = User("accept")
    async with asking(phased, era, user) as (client, calls):
        for _ in range(2):
            found = await client.call_tool("find_loan", {}, meta={CALL_KEY_META: "k"})
            assert not found.is_error
        logged = await calls()
    assert len(user.asked) == 1
    assert len(logged) == 2


async def ask(
    address: str, state: object = None, *, tool: str = "find_loan", arguments: object = None
) -> Answer:
    """Call as a client of the newer generation that shows forms; with a state, give the answer."""
    params: dict[str, Any] = {"name": tool, "arguments": arguments or {}}
    if state is not None:
        answer: JsonObject = {"action": "accept", "content": {}}
        params |= {"requestState": state, "inputResponses": {"slots": answer}}
    message = modern("tools/call", params)
    assert isinstance(message["params"], dict)
    meta = message["params"]["_meta"]
    assert isinstance(meta, dict)
    meta["io.modelcontextprotocol/clientCapabilities"] = FORMS
    return await request(address, message, modern_headers("tools/call", tool))


@requirement("agent:elicitation")
async def test_nothing_happens_before_the_answer_and_each_state_is_good_for_one_answer(
    phased: Bundle,
) -> None:
    async with serving(phased) as (_, control):
        episode, other = (
            await open_one(control, ASKING, variant="elicitation"),
            await open_one(control, ASKING, variant="elicitation"),
        )
        asked = (await ask(episode["mcp"])).json()["result"]
        foreign = (await ask(other["mcp"])).json()["result"]["requestState"]
        state = asked["requestState"]
        before = await record_of(control, episode)
        bad = [
            await ask(episode["mcp"], state[:-2] + ("AA" if state[-2:] != "AA" else "BB")),
            await ask(episode["mcp"], foreign),
            await ask(episode["mcp"], "v1.nonsense"),
            await ask(episode["mcp"], 7),
            # The state is of a call with other arguments, and of another tool.
            await ask(episode["mcp"], state, arguments={"x": 1}),
            await ask(episode["mcp"], state, tool="get_reader"),
        ]
        untouched = await record_of(control, episode)
        answered = (await ask(episode["mcp"], state)).json()["result"]
        bad.append(await ask(episode["mcp"], state))
        record = await record_of(control, episode)
    assert asked["resultType"] == "input_required"
    assert SECRET_TITLE not in str(asked)
    assert before["calls"] == untouched["calls"] == []
    assert answered["structuredContent"]["title"] == SECRET_TITLE
    assert outcomes(record) == ["ok", "ok"]
    assert {answer.json()["error"]["code"] for answer in bad} == {wire.INVALID_PARAMS}
    assert record["void"] is None


@requirement("agent:elicitation")
async def test_an_older_client_that_breaks_off_has_not_told(phased: Bundle) -> None:
    async def refuse(context: object, params: object) -> wire.ErrorData:
        return wire.ErrorData(code=wire.INTERNAL_ERROR, message="no form today")

    async with serving(phased) as (_, control):
        episode = await open_one(control, ASKING, variant="elicitation")
        async with Client(episode["mcp"], mode="legacy", elicitation_callback=refuse) as client:
            refused = await client.call_tool("find_loan", {})
        record = await record_of(control, episode)
    assert refused.is_error
    assert outcomes(record) == ["ok", "invalid_arguments"]


@requirement("agent:elicitation")
async def test_giving_up_while_the_user_is_asked_leaves_nothing(phased: Bundle) -> None:
    async with serving(phased) as (running, control):
        episode = await open_one(control, ASKING, variant="elicitation")
        live = running.host.get(episode["id"])

        async def never(context: object, params: object) -> wire.ElicitResult:
            await anyio.sleep_forever()
            raise AssertionError

        async with Client(episode["mcp"], mode="legacy", elicitation_callback=never) as client:
            with pytest.raises(MCPError):
                await client.call_tool("find_loan", {}, read_timeout_seconds=0.3)
            found = await client.call_tool("find_loan", {"title": "Emma"})
        record = await record_of(control, episode)
    assert not found.is_error
    assert live.waiting == 0
    assert outcomes(record) == ["ok"]
