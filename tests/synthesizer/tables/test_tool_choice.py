"""Which tools a source gets: by evidence, up to a number, in whole families."""

import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest

from astra_arena.synthesizer.tables.descriptions import Descriptions
from astra_arena.synthesizer.tables.schema_parts import MEAN_DIGITS
from astra_arena.synthesizer.tables.shared_reading import (
    _DIGITS,  # pyright: ignore[reportPrivateUsage]
    _MOST_ROWS,  # pyright: ignore[reportPrivateUsage]
)
from astra_arena.synthesizer.tables.tool_choice import ToolOptions, design_tools
from astra_arena.synthesizer.tables.tool_design import MOST_ROWS, EntityTools, RelatedTool
from tests.support.requirement import requirement
from tests.synthesizer.analysed import Analysed, analysed


def names_of(designs: tuple[EntityTools, ...]) -> list[str]:
    return [name for design in designs for name in design.names]


def kinds_of(designs: tuple[EntityTools, ...]) -> Counter[str]:
    return Counter(kind for design in designs for kind in design.kinds.values())


@requirement("synth:tools-evidence")
def test_registers_and_measurements_are_read_only(flights: Analysed) -> None:
    assert not any(design.writes for design in flights.designs)


@requirement("synth:tools-evidence")
def test_what_an_organisation_keeps_is_written(store: Analysed) -> None:
    written = {
        design.entity.name: [tool.kind for tool in design.writes] for design in store.designs
    }
    assert written == {
        "employees": ["create", "update"],
        "stores": [],
        "customers": ["create", "update", "reassign", "move_amount"],
        "products": ["create", "update"],
        "orders": ["create", "update", "set_status", "cancel", "reassign", "reassign"],
        "order_lines": ["create", "update", "remove"],
    }


def test_descriptions_have_the_last_word_on_writing(store: Analysed, tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    with closing(sqlite3.connect(path)) as copy:
        store.connection.backup(copy)
    words = Descriptions.model_validate(
        {
            "tables": {
                "products": {"writes": False},
                "stores": {"writes": True},
                "orders": {
                    "columns": {
                        "status": {
                            "transitions": {"paid": ["shipped"], "shipped": ["delivered"]},
                            "initial": "paid",
                        }
                    }
                },
            }
        }
    )
    with analysed(path, words, ToolOptions(most_tools=None)) as source:
        assert source.design("products").writes == ()
        assert [tool.kind for tool in source.design("stores").writes] == ["create", "update"]
        kinds = source.design("orders").kinds
        assert "cancel_order" not in kinds, "no step leads to it"
        assert kinds["set_order_status"] == "set_status"


@requirement("synth:tools-number")
@pytest.mark.parametrize("most", [4, 10, 23, 30, 45])
def test_a_number_of_tools_is_never_passed_and_families_stay_whole(
    store: Analysed, most: int
) -> None:
    everything = design_tools(store.catalogue, ToolOptions(most_tools=None))
    families = {design.entity.name: design for design in everything}
    chosen = design_tools(store.catalogue, ToolOptions(most_tools=most))
    assert len(names_of(chosen)) <= most
    for design in chosen:
        whole = families[design.entity.name]
        assert design.writes in ((), whole.writes)
        lists = [tool.name for tool in design.reads if isinstance(tool, RelatedTool)]
        # Parents that have no tools are no parents.
        there = {other.entity.name for other in chosen}
        related = [tool for tool in whole.reads if isinstance(tool, RelatedTool)]
        assert lists in ([], [t.name for t in related if t.reference.target in there])


def test_no_writes_means_none(store: Analysed) -> None:
    designs = design_tools(store.catalogue, ToolOptions(most_tools=None, writes=False))
    assert not any(design.writes for design in designs)


def test_a_shop_gets_every_kind_of_tool(store: Analysed, flights: Analysed) -> None:
    kinds = kinds_of((*store.designs, *flights.designs))
    assert set(kinds) == {
        *("get", "find", "count", "summarise", "related", "group", "compare", "period"),
        *("around_date", "distance", "nearest", "create", "update", "set_status", "cancel"),
        *("remove", "reassign", "move_amount"),
    }


def test_names_are_unique_and_fit_the_format(store: Analysed, odd: Analysed) -> None:
    for source in (store, odd):
        names = names_of(source.designs)
        assert len(set(names)) == len(names)
        assert max(map(len, names)) <= 63


def test_generated_code_and_schemas_share_their_bounds() -> None:
    assert (_MOST_ROWS, _DIGITS) == (MOST_ROWS, MEAN_DIGITS)
