"""Long listings of one source, drawn and proved once for all tests of the file."""

import json
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import pytest

from astra_arena.core.canonical import Json, JsonObject
from astra_arena.core.randomness import random_stream
from astra_arena.core.tasks import SubQuestion, Task
from astra_arena.sandbox import ProcessSandbox, Program
from astra_arena.synthesizer.sources.table_source import write_world
from astra_arena.synthesizer.tables.tool_code import write_tools
from astra_arena.synthesizer.tables.tool_schemas import tool_specs
from astra_arena.synthesizer.tasks.gold_runs import play_gold
from astra_arena.synthesizer.tasks.questions import Storyteller
from astra_arena.synthesizer.tasks.task_graphs import Condition, Plan, Step
from astra_arena.synthesizer.tasks.task_sampler import SampledTask
from astra_arena.synthesizer.tasks.task_splits import SplitKeeper
from astra_arena.synthesizer.tasks.task_writer import TaskWriter
from astra_arena.synthesizer.variants.long_context import LARGE_REPLY, LongListings, long_context
from astra_arena.synthesizer.variants.missing_function import NoVariant
from astra_arena.synthesizer.variants.reach_search import Executor
from tests.support.requirement import requirement
from tests.synthesizer.analysed import Analysed, analysed
from tests.synthesizer.second_oracle import Oracle, Shape
from tests.synthesizer.variants.long_lists import make_freight

SHAPES = {
    "ships": Shape("ship", "ships", ("id",)),
    "depots": Shape("depot", "depots", ("id",)),
    "freights": Shape("freight", "freights", ("id",)),
}
ATTEMPTS = 10
CALLS = 40
"""The bound of one search: the tests have to be quick."""


class Freight:
    """The source with a base task, and what is drawn from it."""

    def __init__(self, source: Analysed, folder: Path) -> None:
        self.specs = {spec.name: spec for design in source.designs for spec in tool_specs(design)}
        world = folder / "world.sqlite"
        write_world(source.connection, world)
        self.program = Program(
            digest="sha256:test",
            tools_py=write_tools(source.designs, self.specs).encode(),
            tool_names=tuple(self.specs),
            world_kind="sqlite",
            world_path=world,
            clock="2025-01-01T00:00:00Z",
        )
        queries = source.queries
        root = queries.solve(
            Step("q1", "get", "freights", (Condition("id", "is", 20005),), "ship_id")
        )
        assert root is not None
        named = (Condition("id", "is", root.answer, "q1"),)
        child = queries.solve(Step("q2", "get", "ships", named, "tonnage"))
        assert child is not None
        self.plan = Plan("chain", (root, child))
        writer = TaskWriter(
            "freight", source.catalogue, source.designs, self.specs, version="1", seed=3
        )
        wording = Storyteller(source.catalogue, self.plan, random_stream(3)).tell()
        self.base = writer.write(1, SampledTask(self.plan, wording))
        splits = SplitKeeper({}, source.catalogue, queries, 3)
        self.parts = (source.catalogue, source.designs, queries, writer, splits, 3)
        self.listings = LongListings(*self.parts)
        drawn = (self.draw(attempt) for attempt in range(ATTEMPTS))
        self.drawn = [task for task in drawn if isinstance(task, Task)]

    def draw(self, attempt: int) -> Task | NoVariant:
        return self.listings.variant_of(self.base, self.plan, attempt)

    @asynccontextmanager
    async def executor(self) -> AsyncGenerator[Executor]:
        async with ProcessSandbox() as sandbox:
            executor = Executor(sandbox, self.program, self.specs)
            try:
                yield executor
            finally:
                await executor.close()


@pytest.fixture(scope="module")
def freight(tmp_path_factory: pytest.TempPathFactory) -> Generator[Freight]:
    folder = tmp_path_factory.mktemp("freight")
    with analysed(make_freight(folder / "freight.sqlite")) as source:
        yield Freight(source, folder)


def scan_of(task: Task) -> SubQuestion:
    return next(one for one in task.sub_questions if one.id == "q1")


async def proved(freight: Freight) -> Task:
    async with freight.executor() as executor:
        for one in freight.drawn:
            tried = await long_context(one, executor, most_calls=CALLS)
            if isinstance(tried, Task):
                return tried
    raise AssertionError("no listing is proved")


@requirement("variants:long-context")
async def test_the_reply_with_the_answer_is_as_large_as_the_proof_says(freight: Freight) -> None:
    task = await proved(freight)
    async with ProcessSandbox() as sandbox:
        played = await play_gold(sandbox, freight.program, [task])
    proof = cast(dict[str, Any], task.provenance["proof"])
    call = played[task.id][0]
    assert call.result is not None
    assert all(one.finding is None for one in played[task.id])
    # As agents see it, it is no shorter: a float keeps its ".0" there.
    length = len(json.dumps(call.result, separators=(",", ":"), ensure_ascii=False))
    assert length >= proof["characters"] >= LARGE_REPLY
    assert len(cast(list[Json], call.result["rows"])) == proof["rows"]
    assert call.result["truncated"] is False
    assert 0 < proof["search"]["calls"] <= CALLS


@requirement("variants:long-context")
def test_the_row_stands_out_by_what_is_asked_for(freight: Freight, tmp_path: Path) -> None:
    oracle = Oracle(make_freight(tmp_path / "again.sqlite"), SHAPES)
    compared: set[str] = set()
    for task in freight.drawn:
        assert oracle.disagreements(task.to_json()) == []
        column, said = compared_by(task), task.prompt.partition(". ")[0]
        compared.add(column)
        match column:
            case "handling_note":
                assert "handling note" in said
                assert "longest" in said
            case "delivered_on":
                assert "time" in said
                assert said.index("packed") < said.rindex("delivered")
            case _:
                higher, lower = f"{column[:-7]} weight", "weight over its"
                assert higher in said
                assert "by the most" in said or "furthest above" in said or lower in said
    assert len(compared) > 1


def compared_by(task: Task) -> str:
    proof = cast(dict[str, Any], task.provenance["proof"])
    return str(proof["compared"]["column"])


@requirement("variants:long-context")
def test_the_oracle_disagrees_where_another_row_is_gold(freight: Freight, tmp_path: Path) -> None:
    oracle = Oracle(make_freight(tmp_path / "again.sqlite"), SHAPES)
    wrong = cast(dict[str, Any], freight.drawn[0].to_json())
    place = int(wrong["sub_questions"][0]["answer"]["path"].split("/")[2])
    other = place - 1 if place else place + 1
    wrong["sub_questions"][0]["answer"]["path"] = f"/rows/{other}/ship_id"
    wrong["sub_questions"] = wrong["sub_questions"][:1]
    (finding,) = oracle.disagreements(wrong)
    assert "the source None" in finding


@requirement("variants:long-context")
async def test_what_a_small_reply_holds_makes_no_variant(freight: Freight) -> None:
    task = freight.drawn[0]
    scan = scan_of(task)
    assert scan.answer.where is not None
    async with freight.executor() as executor:
        page = await executor.run(scan.tool or "", scan.arguments)
        assert page is not None
        first = cast(list[JsonObject], page["rows"])[0]
        # Were the first row meant, the first page would do.
        answer = scan.answer.model_copy(
            update={"path": "/rows/0/ship_id", "value": first["ship_id"], "where": None}
        )
        easy = scan.model_copy(update={"answer": answer})
        easier = task.model_copy(update={"sub_questions": (easy,)})
        refused = await long_context(easier, executor, most_calls=CALLS)
    assert isinstance(refused, NoVariant)
    assert refused.reason.startswith("a small reply of ")


async def test_a_short_listing_makes_no_variant(freight: Freight) -> None:
    task = freight.drawn[0]
    short = scan_of(task).model_copy(update={"arguments": {"limit": 3}})
    async with freight.executor() as executor:
        shorter = task.model_copy(update={"sub_questions": (short, *task.sub_questions[1:])})
        refused = await long_context(shorter, executor)
    assert refused == NoVariant("no listing is that large")


def test_drawing_is_deterministic(freight: Freight) -> None:
    again = [one for one in map(freight.draw, range(ATTEMPTS)) if isinstance(one, Task)]
    assert [one.to_json() for one in again] == [one.to_json() for one in freight.drawn]


def test_no_row_is_looked_for_twice(freight: Freight) -> None:
    first = freight.drawn[0]
    taken = LongListings(*freight.parts)
    taken.take(first)
    again = [taken.variant_of(freight.base, freight.plan, attempt) for attempt in range(2)]
    rows = [scan_of(one).answer.where for one in again if isinstance(one, Task)]
    assert rows
    assert scan_of(first).answer.where not in rows


def test_the_question_names_the_listing_and_what_to_look_for(freight: Freight) -> None:
    for task in freight.drawn:
        sentence, _, question = task.prompt.partition(". ")
        assert sentence.startswith(("Among freights", "Of all freights")), task.prompt
        assert " the one " in sentence
        assert "that freight" in question
        assert task.variant == "long_context"
        assert task.provenance["base"] == freight.base.id
