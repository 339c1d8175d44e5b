"""Solvers see the prompt and the tools alone, go no further than their grade, and are bounded."""

import anyio
import pytest

from astra_arena.client.agent import Agent, EpisodeView, ToolReply, ToolView
from astra_arena.client.scripted_agents import build_agent
from astra_arena.client.solvers.graded import MOST_CALLS
from astra_arena.client.solvers.reading import read_prompt
from astra_arena.core.canonical import Json, JsonObject
from astra_arena.core.errors import SettingsError
from astra_arena.core.tasks import Budget
from tests.support.requirement import requirement

SOLVERS = ("literals", "chaining-2", "chaining-4", "searching", "each-tool-once", "enumerate")


def _tool(name: str, argument: str, kind: str) -> ToolView:
    schema: JsonObject = {
        "type": "object",
        "properties": {argument: {"type": kind}},
        "required": [argument],
    }
    return ToolView(name, f"{name}.", schema)


TOOLS = (
    _tool("find_reader", "name", "string"),
    _tool("get_loan", "reader_id", "integer"),
    _tool("get_book", "book_id", "integer"),
)
REPLIES: dict[str, JsonObject] = {
    "find_reader": {"reader_id": 17},
    "get_loan": {"book_id": 23},
    "get_book": {"pages": 311},
}


def _played(agent: Agent, *, calls: int = 20) -> list[tuple[str, JsonObject]]:
    made: list[tuple[str, JsonObject]] = []

    async def host(tool: str, arguments: JsonObject) -> ToolReply:
        made.append((tool, arguments))
        return ToolReply(is_error=False, text="", structured=REPLIES[tool])

    prompt = 'How many pages has the book borrowed by the reader named "Ada"?'
    view = EpisodeView("t1", prompt, TOOLS, Budget(calls=calls), 7, host)
    anyio.run(agent.play, view)
    return made


@requirement("solvers:graded")
def test_literals_go_one_step_and_chains_as_many_as_they_are_deep() -> None:
    found = ("find_reader", {"name": "Ada"})
    loan, book = ("get_loan", {"reader_id": 17}), ("get_book", {"book_id": 23})
    assert _played(build_agent("literals")) == [found]
    assert _played(build_agent("chaining-2")) == [found, loan]
    assert _played(build_agent("chaining-3")) == [found, loan, book]


@requirement("solvers:graded")
@pytest.mark.parametrize("name", SOLVERS)
def test_a_solver_makes_the_same_bounded_calls_each_time(name: str) -> None:
    first = _played(build_agent(name), calls=5)
    assert first == _played(build_agent(name), calls=5)
    assert 0 < len(first) <= min(5, MOST_CALLS)


def test_a_prompt_is_read_for_quoted_names_numbers_dates_and_codes() -> None:
    reading = read_prompt('Flights of "La Guardia" on 2013-03-09 by carrier UA above 12.5 in May?')
    values = [one.value for one in reading.values]
    expected: list[Json] = ["La Guardia", "2013-03-09", "UA", "12.5", 12.5, "May", 5]
    assert [one for one in expected if one not in values] == []


def test_a_lapsing_oracle_needs_the_gold() -> None:
    with pytest.raises(SettingsError, match="gold"):
        build_agent("lapsing-oracle-75")
