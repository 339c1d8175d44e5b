"""Good tasks of the carrier."""

from astra_arena.core.faults import FaultPlan
from astra_arena.core.tasks import (
    Budget,
    Expectation,
    Filling,
    FinalState,
    Slot,
    StateAssertion,
    SubQuestion,
    Task,
    Turn,
)
from tests.gate_corpus.tuned.freight_world import NAME, ROWS, WRITER, row
from tests.gate_corpus.tuned.hops import Row
from tests.gate_corpus.writing import ref

task, step = WRITER.task, WRITER.step


def of_leg(identifier: str, leg: Row, field: str, turn: int = 0) -> SubQuestion:
    words = {"depot_code": "From which depot", "plate": "On which truck"}[field]
    number, shipment = leg["leg_no"], leg["shipment_id"]
    question = f"{words} does leg {number} of shipment {shipment} leave?"
    call = ("get_leg", {"shipment_id": shipment, "leg_no": number})
    return step(identifier, question, call, f"/{field}", leg[field], turn=turn)


def gate_phone(identifier: str, leg: Row, parent: str) -> SubQuestion:
    phone = row("depots", "depot_code", leg["depot_code"])["gate_phone"]
    question = "What is the phone number of that depot's gate?"
    call = ("get_depot", {"depot_code": ref(parent)})
    return step(identifier, question, call, "/gate_phone", phone)


def radio(identifier: str, leg: Row, parent: str, turn: int = 0) -> SubQuestion:
    value = row("trucks", "plate", leg["plate"])["radio_id"]
    call = ("get_truck", {"plate": ref(parent)})
    return step(identifier, "What is that truck's radio id?", call, "/radio_id", value, turn=turn)


def seals() -> tuple[Task, ...]:
    return tuple(
        task(
            f"seal-{n}",
            f"Which seal should be on shipment {ROWS['shipments'][n]['shipment_id']}?",
            step(
                "seal",
                "Which seal is on the shipment?",
                ("get_shipment", {"shipment_id": ROWS["shipments"][n]["shipment_id"]}),
                "/seal_no",
                ROWS["shipments"][n]["seal_no"],
            ),
        )
        for n in (13, 47, 88, 121, 176)
    )


def gates() -> tuple[Task, ...]:
    found: list[Task] = []
    for n in (31, 150, 288, 402, 511):
        leg = ROWS["legs"][n]
        found.append(
            task(
                f"gate-{n}",
                f"The driver for leg {leg['leg_no']} of shipment {leg['shipment_id']} stands at a "
                "closed gate of the depot. Which number opens it?",
                of_leg("depot", leg, "depot_code"),
                gate_phone("phone", leg, "depot"),
            )
        )
    return tuple(found)


def six_questions() -> tuple[Task, ...]:
    found: list[Task] = []
    for n, m, k in ((41, 222, 333), (77, 260, 410), (95, 301, 480), (118, 350, 505)):
        legs = [ROWS["legs"][place] for place in (n, m, k)]
        named = [f"leg {leg['leg_no']} of {leg['shipment_id']}" for leg in legs]
        found.append(
            task(
                f"radios-{n}-{m}-{k}",
                f"I need the radio ids of the trucks for {named[0]}, {named[1]} and {named[2]}.",
                *(
                    one
                    for place, leg in enumerate(legs)
                    for one in (
                        of_leg(f"truck-{place}", leg, "plate"),
                        radio(f"radio-{place}", leg, f"truck-{place}"),
                    )
                ),
            )
        )
    return tuple(found)


def faulty() -> tuple[Task, ...]:
    found: list[Task] = []
    for n, m in ((60, 199), (177, 25), (264, 140), (390, 80)):
        left, right = ROWS["legs"][n], ROWS["legs"][m]
        found.append(
            task(
                f"shaky-{n}-{m}",
                f"What is the radio id of the truck for leg {left['leg_no']} of shipment "
                f"{left['shipment_id']}, and which number has the gate of the depot where leg "
                f"{right['leg_no']} of shipment {right['shipment_id']} begins?",
                of_leg("truck", left, "plate"),
                radio("radio", left, "truck"),
                of_leg("depot", right, "depot_code"),
                gate_phone("phone", right, "depot"),
                variant="faults",
                faults=FaultPlan(rate=0.2, kinds=("timeout", "unavailable", "rate_limit")),
                budget=Budget(calls=14),
            )
        )
    return tuple(found)


def missing_parameter() -> tuple[Task, ...]:
    found: list[Task] = []
    for n in (54, 163, 275, 420):
        leg = ROWS["legs"][n]
        slot = Slot(
            name="leg_number",
            value=leg["leg_no"],
            aliases=("leg",),
            fills=(Filling(tool="get_leg", argument="leg_no"),),
        )
        say = (
            f"My shipment {leg['shipment_id']} is late on one of its legs. What is the radio id of "
            "the truck?"
        )
        found.append(
            task(
                f"which-{n}",
                [Turn(say=say, expect=Expectation(kind="ask", slot="leg_number"))],
                of_leg("truck", leg, "plate"),
                radio("radio", leg, "truck"),
                slots=(slot,),
                variant="missing_parameter",
                budget=Budget(calls=6, turns=4),
                provenance={"consistent_values": [1, 2, 3]},
            )
        )
    return tuple(found)


def moves() -> tuple[Task, ...]:
    found: list[Task] = []
    for n, m in ((36, 120), (145, 44), (299, 301), (433, 210)):
        leg, truck = ROWS["legs"][n], ROWS["trucks"][m]
        number, shipment = leg["leg_no"], leg["shipment_id"]
        path = f'/tables/legs/{{"leg_no":{number},"shipment_id":{shipment}}}/after/plate'
        call = (
            "move_leg",
            {"shipment_id": shipment, "leg_no": number, "plate": truck["plate"]},
        )
        found.append(
            task(
                f"move-{n}",
                f"Put leg {number} of shipment {shipment} on truck {truck['plate']} and tell me "
                "the truck that it was on.",
                step("move", "Which truck was it on?", call, "/before", leg["plate"]),
                final_state=FinalState(
                    assertions=(StateAssertion(environment=NAME, path=path, equals=truck["plate"]),)
                ),
            )
        )
    return tuple(found)
