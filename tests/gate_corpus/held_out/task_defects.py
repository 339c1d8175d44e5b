"""Defects of tasks and their gold."""

from dataclasses import replace

from astra_arena.core.tasks import Expectation, FinalState, Task, Turn
from tests.gate_corpus.case import Case, Draft, Tables
from tests.gate_corpus.held_out import (
    hotel_tasks,
    library_tasks,
    shop_tasks,
    weather_tasks,
)
from tests.gate_corpus.held_out.good_cases import with_tasks
from tests.gate_corpus.held_out.hotel_world import BOOKINGS, CONFIRMED, WORLD, hotels
from tests.gate_corpus.held_out.library_world import ROWS as LIBRARY
from tests.gate_corpus.held_out.library_world import library
from tests.gate_corpus.held_out.library_world import row as library_row
from tests.gate_corpus.held_out.shop_world import ROWS as SHOP
from tests.gate_corpus.held_out.shop_world import SCHEMA, shop
from tests.gate_corpus.held_out.shop_world import row as shop_row
from tests.gate_corpus.held_out.weather_world import DAYS, STATIONS, WRITER, weather
from tests.gate_corpus.held_out.weather_world import WORLD as SKY
from tests.gate_corpus.writing import (
    ACT,
    INTEGER,
    TEXT,
    bad,
    checked,
    ref,
    tool,
)

_owners = with_tasks(hotels, hotel_tasks.owners)
_contacts = with_tasks(weather, weather_tasks.contacts)
_totals = with_tasks(shop, shop_tasks.totals_and_customers)


def answer_in_prompt() -> Draft:
    """The user tells the number that they ask for."""
    loan = LIBRARY["loans"][57]
    copy = library_row("copies", "barcode", loan["barcode"])
    phone = library_row("branches", "code", copy["branch_code"])["phone"]
    say = (
        f"Loan {loan['loan_id']} is about to run out. Which number do I have to ring at the branch "
        f"that the copy belongs to? Last year it was {phone.replace(' ', '-')}."
    )
    return with_tasks(library, library_tasks.multi_hop)().retask(
        "branch-of-loan-57", lambda task: checked(task, turns=(Turn(say=say, expect=ACT),))
    )


def deleted_row() -> Draft:
    """The customer of a task is not in the world any more."""
    gone = SHOP["orders"][58]["customer_id"]
    kept = [one for one in SHOP["customers"] if one["customer_id"] != gone]
    return replace(_totals(), world=Tables(SCHEMA, {**SHOP, "customers": kept}))


def wrong_value() -> Draft:
    """The gold is the tax number of another owner."""
    other = WORLD["owners"][WORLD["hotels"][BOOKINGS[100][1]["hotel_id"]]["owner_no"]]["tax_no"]

    def change(task: Task) -> Task:
        *first, last = task.sub_questions
        answer = last.answer.model_copy(update={"value": other})
        return checked(task, sub_questions=(*first, last.model_copy(update={"answer": answer})))

    return _owners().retask("owner-99", change)


def dependency_in_text() -> Draft:
    """The last step is said to follow from the one before, and takes nothing from it."""
    operator = STATIONS[57][1]["operator"]

    def change(task: Task) -> Task:
        *first, last = task.sub_questions
        loose = last.model_copy(update={"arguments": {"operator": operator}})
        return checked(task, sub_questions=(*first, loose))

    return _contacts().retask("contact-57", change)


def enumerable_child() -> Draft:
    """There are four operators, and every one of them can be tried within the budget."""
    names = sorted(SKY["operators"])[:4]
    few = {
        station_id: {**station, "operator": names[n % 4]}
        for n, (station_id, station) in enumerate(STATIONS)
    }
    operators = {name: SKY["operators"][name] for name in names}
    tasks: list[Task] = []
    for n in (12, 35, 58, 77, 94):
        station_id, station = STATIONS[n]
        operator = few[station_id]["operator"]
        tasks.append(
            WRITER.task(
                f"few-{n}",
                f"Whom do I write to about the mast of {station['name']}?",
                weather_tasks.station_called("station", station_id, station),
                WRITER.step(
                    "operator",
                    "Who runs that station?",
                    ("get_station", {"station_id": ref("station")}),
                    "/operator",
                    operator,
                ),
                WRITER.step(
                    "contact",
                    "How can that operator be reached?",
                    ("get_operator", {"operator": ref("operator")}),
                    "/contact",
                    operators[operator]["contact"],
                ),
            )
        )
    return replace(weather(), world={"stations": few, "operators": operators}, tasks=tuple(tasks))


def each_tool_once() -> Draft:
    """Three tools without arguments answer the three questions of every task."""
    fields = ("first_station", "last_station", "highest_station")
    tools = [
        tool(name, f"Tell the {name.replace('_', ' ')} of the network.", {}, {"station_id": TEXT})
        for name in fields
    ]
    keys = {
        "first_station": "lambda key: key",
        "last_station": "lambda key: [-ord(c) for c in key]",
        "highest_station": "lambda key: (-world.stations[key].elevation_m, key)",
    }
    code = "\n\n".join(
        f'def {name}(world):\n    """Return a station."""\n'
        f'    return {{"station_id": min(world.stations, key={key})}}\n'
        for name, key in keys.items()
    )
    ids = dict(STATIONS)
    answers = {
        "first_station": min(ids),
        "last_station": max(ids),
        "highest_station": min(ids, key=lambda key: (-ids[key]["elevation_m"], key)),
    }
    steps = {
        name: WRITER.step(
            name, f"Which is the {name.replace('_', ' ')}?", (name, {}), "/station_id", value
        )
        for name, value in answers.items()
    }
    first, last, highest = (steps[name] for name in fields)
    return (
        weather()
        .specs(tuple(tools))
        .more_code(code)
        .with_tasks(
            WRITER.task(
                "all",
                "Which stations come first and last, and which is highest?",
                first,
                last,
                highest,
            ),
            WRITER.task("ends", "Which stations come first and last by number?", first, last),
            WRITER.task("top", "Which are the first and the highest station?", first, highest),
        )
    )


def other_path() -> Draft:
    """A second tool answers half of every task in one call, and no task knows of it."""
    spec = tool(
        "get_invoice",
        "Look up the invoice of an order.",
        {"order_id": INTEGER},
        {"order_id": INTEGER, "email": TEXT, "total_cents": INTEGER},
    )
    return _totals().more_tools(
        spec,
        code='''
def get_invoice(world, *, order_id):
    """Return the invoice of an order."""
    order = _one(world, "SELECT * FROM orders WHERE order_id = ?", [order_id], "order")
    customer = get_customer(world, customer_id=order["customer_id"])
    total = order_total(world, order_id=order_id)["total_cents"]
    return {"order_id": order_id, "email": customer["email"], "total_cents": total}
''',
    )


def nothing_to_change() -> Draft:
    """The quantity that is asked for is the one that the line has already."""
    order = [one for one in SHOP["orders"] if one["status"] == "placed"][29]
    line = shop_row("order_lines", order_id=order["order_id"], line_no=1)
    place = f'/tables/order_lines/{{"line_no":1,"order_id":{order["order_id"]}}}/after/quantity'

    def change(task: Task) -> Task:
        (only,) = task.sub_questions
        arguments = {**only.arguments, "quantity": line["quantity"]}
        answer = only.answer.model_copy(update={"value": shop_tasks.cents_of(order)})
        say = f"See to it that line 1 of order {order['order_id']} is {line['quantity']} pieces."
        return checked(
            task,
            turns=(Turn(say=f"{say} What does the order cost, in cents?", expect=ACT),),
            sub_questions=(only.model_copy(update={"arguments": arguments, "answer": answer}),),
            final_state=FinalState(assertions=(shop_tasks.asserted(place, line["quantity"]),)),
        )

    return with_tasks(shop, shop_tasks.quantities)().retask("quantity-29", change)


def unnoticed_collateral() -> Draft:
    """Changes to any loan are ignored, so that renewing others costs next to nothing."""

    def change(task: Task) -> Task:
        loan = LIBRARY["loans"][144]
        more = (
            library_tasks.lent_copy("copy", loan),
            library_tasks.branch_of_copy(
                "branch", library_row("copies", "barcode", loan["barcode"]), "copy"
            ),
            library_tasks.publisher_of("publisher", LIBRARY["titles"][50]),
            library_tasks.email_of_publisher("rights", LIBRARY["titles"][50], "publisher"),
        )
        state = task.final_state
        assert state is not None
        say = (
            f"{task.prompt} I also need to know which branch the copy belongs to, and the e-mail "
            f"address of the publisher of “{LIBRARY['titles'][50]['title']}”."
        )
        return checked(
            task,
            turns=(Turn(say=say, expect=ACT),),
            sub_questions=(*task.sub_questions, *more),
            final_state=state.model_copy(update={"ignored_paths": ("/tables/loans",)}),
            budget={"calls": 20},
        )

    return with_tasks(library, library_tasks.renewals)().retask("renew-144", change)


def reworded() -> Draft:
    """One task comes twice in other words."""
    draft = with_tasks(weather, weather_tasks.readings)()
    again = (
        f"I would like to know the air pressure at {STATIONS[63][1]['name']} on {DAYS[17]}, in Pa."
    )
    copy = checked(
        draft.task("pressure-63"), id="pressure-again", turns=(Turn(say=again, expect=ACT),)
    )
    return draft.with_tasks(*draft.tasks, copy)


def known_slot() -> Draft:
    """The user says who they are, and they have one booking only: there is nothing to ask."""
    guests = [one["guest_no"] for _, one in BOOKINGS]
    draft = with_tasks(hotels, hotel_tasks.missing_parameter)()
    reference, booking = next(
        one for one in CONFIRMED[20:] if guests.count(one[1]["guest_no"]) == 1
    )
    first = draft.tasks[0]
    (slot,) = first.slots
    say = f"I am guest {booking['guest_no']}. Which phone number does the hotel that I booked have?"
    task = checked(
        first,
        id="ask-known",
        turns=(Turn(say=say, expect=Expectation(kind="ask", slot=slot.name)),),
        slots=(slot.model_copy(update={"value": reference, "tell": f"It is {reference}."}),),
        sub_questions=(
            hotel_tasks.part_of_booking("hotel", reference, "hotel_id"),
            hotel_tasks.hotel_field("phone", booking["hotel_id"], "phone", "hotel"),
        ),
        provenance={"consistent_values": [reference]},
    )
    return draft.with_tasks(*draft.tasks, task)


def offered_after_all() -> Draft:
    """The agent is to say that it cannot, and has the tool."""

    def change(task: Task) -> Task:
        first, second = task.turns
        return checked(task, turns=(first.model_copy(update={"tools_removed": ()}), second))

    return with_tasks(shop, shop_tasks.missing_function)().retask("withheld-126", change)


def forbidden_gold() -> Draft:
    """What the gold needs is what no call may name."""
    return _totals().retask(
        "invoice-90-13", lambda task: checked(task, forbidden=("get_customer",))
    )


_FEW = tuple(f"few-{n}" for n in (12, 35, 58, 77, 94))
_INVOICES = tuple(f"invoice-{n}" for n in ("23-140", "58-171", "90-13", "117-226", "152-61"))

CASES: tuple[Case, ...] = (
    bad("answer-in-prompt", "leak", "answer in the prompt", answer_in_prompt, "branch-of-loan-57"),
    bad("deleted-row", "replay", "unreachable gold", deleted_row, "invoice-58-171"),
    bad("wrong-value", "replay", "gold with a wrong value", wrong_value, "owner-99"),
    bad(
        "dependency-in-text",
        "data_flow",
        "dependency in text only",
        dependency_in_text,
        "contact-57",
    ),
    bad("enumerable-child", "data_flow", "child solvable by enumeration", enumerable_child, *_FEW),
    bad("each-tool-once", "floor", "every tool once wins", each_tool_once),
    bad("other-path", "alternatives", "alternative path not accepted", other_path, *_INVOICES),
    bad(
        "nothing-to-change",
        "floor",
        "final state satisfied by doing nothing",
        nothing_to_change,
        "quantity-29",
    ),
    bad(
        "unnoticed-collateral",
        "wrong_solutions",
        "collateral not noticed",
        unnoticed_collateral,
        "renew-144",
    ),
    bad("reworded", "duplicates", "reworded duplicates", reworded, "pressure-63", "pressure-again"),
    bad("known-slot", "alternatives", "slot identifiable from the prompt", known_slot, "ask-known"),
    bad(
        "offered-after-all",
        "alternatives",
        "decline expected although the tool is offered",
        offered_after_all,
        "withheld-126",
    ),
    bad(
        "forbidden-gold", "floor", "forbidden tool needed by gold", forbidden_gold, "invoice-90-13"
    ),
)
