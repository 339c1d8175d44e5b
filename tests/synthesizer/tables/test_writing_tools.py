"""Tools that write: what they change, what they refuse, and that a refusal leaves no trace."""

from pathlib import Path

from astra_arena.core.canonical import Json
from tests.support.requirement import requirement
from tests.synthesizer.analysed import Analysed
from tests.synthesizer.live_tools import LiveTools, live_tools

NEW_ORDER: dict[str, Json] = {
    "customer_id": 7,
    "store_id": 2,
    "employee_id": 3,
    "ordered_on": "2024-12-01",
}


@requirement("synth:tools-create")
async def test_a_new_row_gets_the_next_key_and_the_first_status(
    store: Analysed, tmp_path: Path
) -> None:
    async with live_tools(store, tmp_path) as tools:
        row = await tools.row("create_order", **NEW_ORDER)
        assert row == {"id": 301, **NEW_ORDER, "status": "pending", "shipped_on": None}
        assert await tools.row("get_order", id=301) == row
        assert (await tools.row("create_order", **NEW_ORDER))["id"] == 302


async def test_lines_are_counted_within_their_order_and_codes_go_on(
    store: Analysed, tmp_path: Path
) -> None:
    query = "SELECT max(line) FROM order_lines WHERE order_id = 4"
    lines = store.connection.execute(query).fetchone()[0]
    async with live_tools(store, tmp_path) as tools:
        line = await tools.row("create_order_line", order_id=4, product_sku="SKU-0001", quantity=2)
        assert line["line"] == lines + 1
        product = await tools.row(
            "create_product", title="blue kite", category="toys", price=9.5, stock=3
        )
        assert product["sku"] == "SKU-0081"


@requirement("synth:tools-create")
async def test_new_rows_are_refused_for_what_is_missing_or_wrong(
    store: Analysed, tmp_path: Path
) -> None:
    product: dict[str, Json] = {"title": "kite", "category": "toys", "price": 1.5, "stock": 1}
    async with live_tools(store, tmp_path) as tools:
        told = await tools.refusal("create_order", **{**NEW_ORDER, "customer_id": 999})
        assert told == "there is no customer with id 999; find_customers searches"
        told = await tools.refusal("create_order", **{**NEW_ORDER, "ordered_on": "2024-02-30"})
        assert told == "ordered_on is a day as YYYY-MM-DD, not '2024-02-30'"
        assert await tools.refusal("create_product", **{**product, "title": " "}) == (
            "title is empty"
        )
        told = await tools.refusal("create_product", **{**product, "stock": 100_001})
        assert told.startswith("this cannot be written: CHECK constraint failed")
        told = await tools.refusal(
            "create_customer", name="Double", email="c1@example.com", city="Oslo", credit=0
        )
        assert told == "this cannot be written: UNIQUE constraint failed: customers.email"
        # What the schema refuses, the code refuses, too.
        told = await tools.unchecked_refusal("create_product", **{**product, "price": -1})
        assert told == "price is 0 or more, not -1"
        told = await tools.unchecked_refusal("create_product", **{**product, "category": "cars"})
        assert told == "category is one of books, food, tools, toys, not 'cars'"


@requirement("synth:tools-update")
async def test_an_update_changes_what_is_given_and_nothing_else(
    store: Analysed, tmp_path: Path
) -> None:
    async with live_tools(store, tmp_path) as tools:
        before = await tools.row("get_product", sku="SKU-0005")
        after = await tools.row("update_product", sku="SKU-0005", price=0.75)
        assert after == {**before, "price": 0.75}
        assert await tools.row("get_product", sku="SKU-0005") == after
        for arguments in ({}, {"price": 0.75}):
            told = await tools.refusal("update_product", sku="SKU-0005", **arguments)
            assert told == "nothing would change: the product is like that already"
        assert "no product" in await tools.refusal("update_product", sku="SKU-9", price=1)


async def order_with(tools: LiveTools, status: str) -> Json:
    return (await tools.rows("find_orders", status=status, limit=1))[0]["id"]


@requirement("synth:tools-status")
async def test_a_status_goes_its_steps_and_no_others(store: Analysed, tmp_path: Path) -> None:
    async with live_tools(store, tmp_path) as tools:
        key = await order_with(tools, "pending")
        told = await tools.refusal("set_order_status", id=key, status="delivered")
        assert told == "this order is pending and can become paid or cancelled, not delivered"
        for status in ("paid", "shipped", "delivered"):
            assert (await tools.row("set_order_status", id=key, status=status))["status"] == status
        told = await tools.refusal("set_order_status", id=key, status="paid")
        assert told == "this order is delivered and stays so, not paid"
        assert "pending to paid, paid to shipped" in tools.specs["set_order_status"].description


@requirement("synth:tools-cancel")
async def test_only_what_has_not_been_sent_is_cancelled(store: Analysed, tmp_path: Path) -> None:
    async with live_tools(store, tmp_path) as tools:
        key = await order_with(tools, "paid")
        assert (await tools.row("cancel_order", id=key))["status"] == "cancelled"
        assert "stays so" in await tools.refusal("cancel_order", id=key)
        sent = await order_with(tools, "shipped")
        told = await tools.refusal("cancel_order", id=sent)
        assert told == "this order is shipped and can become delivered, not cancelled"


async def test_a_part_is_removed_once(store: Analysed, tmp_path: Path) -> None:
    async with live_tools(store, tmp_path) as tools:
        before = await tools.row("get_order_line", order_id=4, line=1)
        assert await tools.row("remove_order_line", order_id=4, line=1) == before
        told = await tools.refusal("remove_order_line", order_id=4, line=1)
        assert told == ("there is no order line with order_id 4, line 1; find_order_lines searches")


@requirement("synth:tools-transfer")
async def test_a_row_is_given_another_parent(store: Analysed, tmp_path: Path) -> None:
    async with live_tools(store, tmp_path) as tools:
        key = await order_with(tools, "pending")
        row = await tools.row("get_order", id=key)
        other = 1 if row["employee_id"] != 1 else 2
        moved = await tools.row("assign_order_to_employee", id=key, new_employee_id=other)
        assert moved == {**row, "employee_id": other}
        told = await tools.refusal("assign_order_to_employee", id=key, new_employee_id=other)
        assert told == "nothing would change: the order is like that already"
        told = await tools.refusal("assign_order_to_employee", id=key, new_employee_id=77)
        assert told == "there is no employee with id 77; find_employees searches"
        ended = await order_with(tools, "cancelled")
        told = await tools.refusal("assign_order_to_employee", id=ended, new_employee_id=other)
        assert told == "this order is cancelled and stays as it is"


@requirement("synth:tools-transfer")
async def test_an_amount_that_moves_is_neither_lost_nor_made(
    store: Analysed, tmp_path: Path
) -> None:
    async with live_tools(store, tmp_path) as tools:
        sums = await tools.reply("summarise_customers", column="credit")
        (rich,) = await tools.rows("find_customers", sort_by="credit", order="descending", limit=1)
        (poor,) = await tools.rows("find_customers", sort_by="credit", limit=1)
        pair: dict[str, Json] = {"from_id": rich["id"], "to_id": poor["id"]}
        reply = await tools.reply("transfer_customer_credit", **pair, amount=12.34)
        giver, taker = reply["from"], reply["to"]
        assert isinstance(giver, dict)
        assert isinstance(taker, dict)
        assert isinstance(rich["credit"], float)
        assert isinstance(poor["credit"], float)
        assert giver["credit"] == round(rich["credit"] - 12.34, 2)
        assert taker["credit"] == round(poor["credit"] + 12.34, 2)
        assert (await tools.reply("summarise_customers", column="credit"))["sum"] == sums["sum"]
        told = await tools.refusal("transfer_customer_credit", **pair, amount=100_000)
        assert told == f"there is only {giver['credit']}, less than 100000"
        told = await tools.refusal("transfer_customer_credit", **pair, amount=0.001)
        assert told == "amount is above 0, with 2 digits after the point at most"
        same: dict[str, Json] = {"from_id": 5, "to_id": 5}
        told = await tools.refusal("transfer_customer_credit", **same, amount=1)
        assert told == "a customer cannot give to itself"


async def test_equal_calls_leave_equal_states(store: Analysed, tmp_path: Path) -> None:
    digests: list[str] = []
    for _ in range(2):
        async with live_tools(store, tmp_path) as tools:
            await tools.row("create_order", **NEW_ORDER)
            await tools.row("cancel_order", id=301)
            digests.append(await tools.digest())
    assert digests[0] == digests[1]
