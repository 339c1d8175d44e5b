"""Good tasks of the garden shop: reads, composite keys, cancellations, a withheld tool."""

from astra_arena.core.canonical import Json
from astra_arena.core.tasks import (
    Budget,
    Expectation,
    FinalState,
    StateAssertion,
    SubQuestion,
    Task,
    Turn,
)
from tests.gate_corpus.held_out.shop_world import NAME, ROWS, WRITER, Row, row
from tests.gate_corpus.writing import ACT, ref

step, task = WRITER.step, WRITER.task


def sku_of_line(identifier: str, line: Row) -> SubQuestion:
    call = ("get_order_line", {"order_id": line["order_id"], "line_no": line["line_no"]})
    question = f"Which article is on line {line['line_no']} of order {line['order_id']}?"
    return step(identifier, question, call, "/sku", line["sku"])


def supplier_of(identifier: str, sku: str, parent: str) -> SubQuestion:
    call = ("get_product", {"sku": ref(parent)})
    value = row("products", sku=sku)["supplier_id"]
    return step(identifier, "Who supplies that article?", call, "/supplier_id", value)


def phone_of_supplier(identifier: str, sku: str, parent: str) -> SubQuestion:
    supplier = row("suppliers", supplier_id=row("products", sku=sku)["supplier_id"])
    call = ("get_supplier", {"supplier_id": ref(parent)})
    return step(
        identifier, "What is that supplier's phone number?", call, "/phone", supplier["phone"]
    )


def customer_of(identifier: str, order: Row) -> SubQuestion:
    call = ("get_order", {"order_id": order["order_id"]})
    question = f"Who placed order {order['order_id']}?"
    return step(identifier, question, call, "/customer_id", order["customer_id"])


def email_of_customer(identifier: str, order: Row, parent: str) -> SubQuestion:
    customer = row("customers", customer_id=order["customer_id"])
    call = ("get_customer", {"customer_id": ref(parent)})
    return step(
        identifier, "What is that customer's e-mail address?", call, "/email", customer["email"]
    )


def cents_of(order: Row, changed: dict[int, int] | None = None) -> int:
    """Return what an order costs, after quantities of lines were changed."""
    lines = [one for one in ROWS["order_lines"] if one["order_id"] == order["order_id"]]
    changes = changed or {}
    return sum(
        changes.get(one["line_no"], one["quantity"]) * one["unit_price_cents"] for one in lines
    )


def total_of(identifier: str, order: Row) -> SubQuestion:
    call = ("order_total", {"order_id": order["order_id"]})
    question = f"What does order {order['order_id']} cost, in cents?"
    return step(identifier, question, call, "/total_cents", cents_of(order))


def cancellation(identifier: str, order: Row, reason: str) -> SubQuestion:
    call = ("cancel_order", {"order_id": order["order_id"], "reason": reason})
    question = f"Cancel order {order['order_id']}."
    return step(identifier, question, call, "/tracking_code", order["tracking_code"])


def order_place(order: Row) -> str:
    """Return where the difference tells of an order."""
    return f'/tables/orders/{{"order_id":{order["order_id"]}}}/after'


def asserted(path: str, value: Json) -> StateAssertion:
    return StateAssertion(environment=NAME, path=path, equals=value)


def cancelled_state(order: Row, reason: str) -> FinalState:
    place = order_place(order)
    return FinalState(
        assertions=(
            asserted(f"{place}/status", "cancelled"),
            asserted(f"{place}/note", reason),
        )
    )


def composite_keys() -> tuple[Task, ...]:
    found: list[Task] = []
    for n in (41, 160, 277, 402, 555):
        line = ROWS["order_lines"][n]
        found.append(
            task(
                f"line-{n}",
                f"Line {line['line_no']} of order {line['order_id']} arrived broken. Whom do I "
                "ring at the supplier? The phone number, please.",
                sku_of_line("sku", line),
                supplier_of("supplier", line["sku"], "sku"),
                phone_of_supplier("phone", line["sku"], "supplier"),
            )
        )
    return tuple(found)


def totals_and_customers() -> tuple[Task, ...]:
    orders = ROWS["orders"]
    found: list[Task] = []
    for n, m in ((23, 140), (58, 171), (90, 13), (117, 226), (152, 61)):
        found.append(
            task(
                f"invoice-{n}-{m}",
                f"What is the e-mail address of the customer of order {orders[n]['order_id']}, "
                f"and how many cents does order {orders[m]['order_id']} come to?",
                customer_of("customer", orders[n]),
                email_of_customer("email", orders[n], "customer"),
                total_of("total", orders[m]),
            )
        )
    return tuple(found)


_REASONS = ("ordered twice", "moved abroad", "found it cheaper", "no longer needed", "wrong size")


def cancellations() -> tuple[Task, ...]:
    orders = [one for one in ROWS["orders"] if one["status"] in ("placed", "packed")]
    found: list[Task] = []
    for n, reason in zip((8, 33, 52, 77, 101), _REASONS, strict=True):
        order = orders[n]
        found.append(
            task(
                f"cancel-{n}",
                f"Please cancel order {order['order_id']} (reason: “{reason}”) and give me the "
                "e-mail address of the customer so that I can confirm it.",
                cancellation("cancel", order, reason),
                customer_of("customer", order),
                email_of_customer("email", order, "customer"),
                final_state=cancelled_state(order, reason),
            )
        )
    return tuple(found)


def quantities() -> tuple[Task, ...]:
    orders = [one for one in ROWS["orders"] if one["status"] == "placed"]
    found: list[Task] = []
    for n, quantity in ((5, 12), (17, 15), (29, 20), (44, 11), (60, 25)):
        order = orders[n]
        line = f'/tables/order_lines/{{"line_no":1,"order_id":{order["order_id"]}}}/after'
        call = (
            "change_quantity",
            {"order_id": order["order_id"], "line_no": 1, "quantity": quantity},
        )
        found.append(
            task(
                f"quantity-{n}",
                f"Make it {quantity} pieces on the first line of order {order['order_id']}. What "
                "will the whole order cost then, in cents?",
                step(
                    "change",
                    f"Change line 1 of order {order['order_id']} to {quantity}.",
                    call,
                    "/total_cents",
                    cents_of(order, {1: quantity}),
                ),
                final_state=FinalState(assertions=(asserted(f"{line}/quantity", quantity),)),
            )
        )
    return tuple(found)


def missing_function() -> tuple[Task, ...]:
    """Tasks whose last tool is offered in the second turn only."""
    orders = ROWS["orders"]
    found: list[Task] = []
    for n in (27, 70, 126, 188, 240):
        order = orders[n]
        customer = row("customers", customer_id=order["customer_id"])
        turns = (
            Turn(
                say=f"Find out the e-mail address of whoever placed order {order['order_id']}.",
                tools_removed=("get_customer",),
                expect=Expectation(kind="decline", tool="get_customer"),
            ),
            Turn(
                say="The customer file is open again. Please try once more.",
                tools_added=("get_customer",),
                expect=ACT,
            ),
        )
        found.append(
            task(
                f"withheld-{n}",
                turns,
                customer_of("customer", order).model_copy(update={"turn": 1}),
                step(
                    "email",
                    "What is that customer's e-mail address?",
                    ("get_customer", {"customer_id": ref("customer")}),
                    "/email",
                    customer["email"],
                    turn=1,
                ),
                variant="missing_function",
                budget=Budget(calls=10, turns=4),
                provenance={"searched": {"depth": 3, "calls": 2000}},
            )
        )
    return tuple(found)
