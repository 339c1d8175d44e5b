"""Defects of what is told of tools: schemas, names, descriptions, defaults."""

from dataclasses import replace

from astra_arena.core.canonical import Json, JsonObject
from astra_arena.core.environment import ToolSpec
from tests.gate_corpus.case import Case, Draft
from tests.gate_corpus.held_out import hotel_tasks, library_tasks, shop_tasks
from tests.gate_corpus.held_out.good_cases import with_tasks
from tests.gate_corpus.held_out.hotel_world import BOOKINGS, WORLD, hotels
from tests.gate_corpus.held_out.library_world import library
from tests.gate_corpus.held_out.shop_world import ROWS as SHOP
from tests.gate_corpus.held_out.shop_world import shop
from tests.gate_corpus.writing import INTEGER, bad, object_of

_renewals = with_tasks(library, library_tasks.renewals)
_copies = with_tasks(library, library_tasks.row_among_copies)
_owners = with_tasks(hotels, hotel_tasks.owners)
_totals = with_tasks(shop, shop_tasks.totals_and_customers)


def untrue_output() -> Draft:
    """Orders that were delivered have no address any more, which the schema does not say."""
    return _totals().code(
        'return _one(world, "SELECT * FROM orders WHERE order_id = ?", [order_id], "order")\n\n\n'
        "def get_order_line",
        'order = _one(world, "SELECT * FROM orders WHERE order_id = ?", [order_id], "order")\n'
        '    return {**order, "ship_to": None} if order["status"] == "delivered" else order\n\n\n'
        "def get_order_line",
    )


def default_differs() -> Draft:
    """The schema says that five copies are listed when no limit is given; the code says ten."""
    return _copies().code("branch_code=None, limit=5", "branch_code=None, limit=10")


def open_root() -> Draft:
    """A branch that is not there is `null`, so that the root of the output is no object."""

    def patch(manifest: JsonObject) -> None:
        tools = manifest["tools"]
        assert isinstance(tools, list)
        for one in tools:
            assert isinstance(one, dict)
            output = one["output_schema"]
            if one["name"] == "get_branch" and isinstance(output, dict):
                output["type"] = list[Json](["object", "null"])

    return replace(_renewals(), manifest=patch)


def doubled_name() -> Draft:
    """Two tools were merged into one environment under one name."""

    def patch(manifest: JsonObject) -> None:
        tools = manifest["tools"]
        assert isinstance(tools, list)
        first = next(one for one in tools if isinstance(one, dict) and one["name"] == "get_order")
        tools.append({**first, "description": "Look up an order of the old shop."})

    return replace(_totals(), manifest=patch)


def told_in_description() -> Draft:
    """The example in a description is the answer of a task."""
    hotel = WORLD["hotels"][BOOKINGS[48][1]["hotel_id"]]
    tax = WORLD["owners"][hotel["owner_no"]]["tax_no"]

    def change(spec: ToolSpec) -> ToolSpec:
        text = f"Look up the owner of hotels. Returns name and tax number, such as {tax}."
        return spec.model_copy(update={"description": text})

    return _owners().spec("get_owner", change)


def told_by_default() -> Draft:
    """A customer number that a task asks for is what the tool takes when none is given."""
    number = SHOP["orders"][90]["customer_id"]

    def change(spec: ToolSpec) -> ToolSpec:
        takes = object_of({"customer_id": {**INTEGER, "default": number}}, all_required=False)
        return spec.model_copy(update={"input_schema": takes})

    return (
        _totals()
        .code(
            "def get_customer(world, *, customer_id)",
            f"def get_customer(world, *, customer_id={number})",
        )
        .spec("get_customer", change)
    )


def told_in_error() -> Draft:
    """A card number that is not there brings the entry of the nearest one, address and all."""
    return (
        with_tasks(library, library_tasks.parallel)()
        .code(
            'return _one(world, "SELECT * FROM members WHERE card_no = ?", card_no, '
            '"member with card")',
            'rows = _rows(world, "SELECT * FROM members WHERE card_no = ?", (card_no,))\n'
            "    if rows:\n"
            "        return rows[0]\n"
            '    rows = _rows(world, "SELECT * FROM members", ())\n'
            '    known = {row["card_no"]: row for row in rows}\n'
            "    near = get_close_matches(card_no, sorted(known), n=3, cutoff=0)\n"
            '    listed = "; ".join(f"{one}: {known[one][\'email\']}" for one in near)\n'
            '    raise LookupError(f"there is no member with card {card_no!r}; near it: {listed}")',
        )
        .code(
            "from datetime import date, timedelta",
            "from datetime import date, timedelta\nfrom difflib import get_close_matches",
        )
    )


CASES: tuple[Case, ...] = (
    bad("untrue-output-schema", "schema", "output schema untrue", untrue_output),
    bad("default-differs", "schema", "input schema and signature differ: default", default_differs),
    bad("output-root-open", "schema", "schema root is no object", open_root),
    bad("duplicate-tool-name", "schema", "duplicate tool names", doubled_name),
    bad("answer-in-description", "leak", "answer in a tool description", told_in_description),
    bad("answer-in-default", "leak", "default that leaks", told_by_default),
    bad("answer-in-error-text", "leak", "answer in an error text", told_in_error),
)
