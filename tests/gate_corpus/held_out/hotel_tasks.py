"""Good tasks of the hotels: unicode, composite keys, asking, stating an answer, writing."""

from datetime import date, timedelta

from astra_arena.core.canonical import Json
from astra_arena.core.tasks import (
    Budget,
    Expectation,
    Filling,
    FinalAnswer,
    FinalState,
    Slot,
    StateAssertion,
    SubQuestion,
    Task,
    Turn,
)
from tests.gate_corpus.held_out.hotel_world import BOOKINGS, CONFIRMED, NAME, WORLD, WRITER, Row
from tests.gate_corpus.writing import ANSWER, ref

step, task = WRITER.step, WRITER.task


def part_of_booking(identifier: str, reference: str, field: str) -> SubQuestion:
    words = {"guest_no": "Which guest", "hotel_id": "Which hotel", "room_no": "Which room"}[field]
    call = ("get_booking", {"reference": reference})
    value = WORLD["bookings"][reference][field]
    return step(identifier, f"{words} is booking {reference} for?", call, f"/{field}", value)


def passport(identifier: str, guest_no: str, parent: str) -> SubQuestion:
    call = ("get_guest", {"guest_no": ref(parent)})
    value = WORLD["guests"][guest_no]["passport"]
    return step(identifier, "What is that guest's passport number?", call, "/passport", value)


def hotel_field(identifier: str, hotel_id: str, field: str, parent: str) -> SubQuestion:
    words = {"phone": "What is that hotel's phone number?", "owner_no": "Who owns that hotel?"}
    call = ("get_hotel", {"hotel_id": ref(parent)})
    value = WORLD["hotels"][hotel_id][field]
    return step(identifier, words[field], call, f"/{field}", value)


def tax_number(identifier: str, hotel_id: str, parent: str) -> SubQuestion:
    owner = WORLD["owners"][WORLD["hotels"][hotel_id]["owner_no"]]
    call = ("get_owner", {"owner_no": ref(parent)})
    return step(identifier, "What is that owner's tax number?", call, "/tax_no", owner["tax_no"])


def departure(reference: str) -> str:
    """Return the day on which the guests of a booking leave."""
    booking = WORLD["bookings"][reference]
    leaves = date.fromisoformat(booking["arrival"]) + timedelta(days=booking["nights"])
    return leaves.isoformat()


def unicode_single_hop() -> tuple[Task, ...]:
    found: list[Task] = []
    guests = list(WORLD["guests"].items())
    for n in (21, 64, 108):
        guest_no, guest = guests[n]
        found.append(
            task(
                f"guest-{n}",
                f"Under which e-mail address do we write to guest {guest_no}?",
                step(
                    "email",
                    f"What is the e-mail address of guest {guest_no}?",
                    ("get_guest", {"guest_no": guest_no}),
                    "/email",
                    guest["email"],
                ),
            )
        )
    places = list(WORLD["hotels"].items())
    for n in (19, 37, 72):
        hotel_id, hotel = places[n]
        room_no = int(sorted(hotel["rooms"])[5])
        found.append(
            task(
                f"door-{n}",
                f"A guest stands before room {room_no} of hotel {hotel_id} ({hotel['name']}) and "
                "has forgotten the door code. What is it?",
                step(
                    "code",
                    f"What is the door code of room {room_no} of hotel {hotel_id}?",
                    ("get_room", {"hotel_id": hotel_id, "room_no": room_no}),
                    "/door_code",
                    hotel["rooms"][str(room_no)]["door_code"],
                ),
            )
        )
    return tuple(found)


def owners() -> tuple[Task, ...]:
    found: list[Task] = []
    for n in (11, 48, 99, 143, 199):
        reference, booking = BOOKINGS[n]
        found.append(
            task(
                f"owner-{n}",
                f"For the invoice of booking {reference} I need the tax number of the owner of "
                "the hotel.",
                part_of_booking("hotel", reference, "hotel_id"),
                hotel_field("owner", booking["hotel_id"], "owner_no", "hotel"),
                tax_number("tax", booking["hotel_id"], "owner"),
            )
        )
    return tuple(found)


def door_codes() -> tuple[Task, ...]:
    """Two parents, of one reply, meet in one child with a composite key."""
    found: list[Task] = []
    for n in (16, 55, 87, 134, 210):
        reference, booking = BOOKINGS[n]
        rooms = WORLD["hotels"][booking["hotel_id"]]["rooms"]
        both = step(
            "place",
            f"Which room of which hotel is booking {reference} for?",
            ("get_booking", {"reference": reference}),
            "",
            {"reference": reference, **booking},
            kind="exact",
        )
        place: dict[str, Json] = {
            "hotel_id": {"$from": "place", "path": "/hotel_id"},
            "room_no": {"$from": "place", "path": "/room_no"},
        }
        call = ("get_room", place)
        code = rooms[str(booking["room_no"])]["door_code"]
        found.append(
            task(
                f"code-{n}",
                f"The guests of {reference} arrive late tonight. Which door code do I text them?",
                both,
                step("code", "What is the door code of that room?", call, "/door_code", code),
            )
        )
    return tuple(found)


def missing_parameter() -> tuple[Task, ...]:
    """Tasks that say nothing of which booking is meant until they are asked."""
    found: list[Task] = []
    for n in (13, 60, 95, 120, 151):
        reference, booking = CONFIRMED[n]
        other = CONFIRMED[n + 3][0]
        slot = Slot(
            name="booking_reference",
            value=reference,
            aliases=("reference", "booking number", "which booking"),
            tell=f"It is {reference}.",
            fills=(Filling(tool="get_booking", argument="reference"),),
        )
        turns = (
            Turn(
                say="I want to complain about my stay. Which phone number does the hotel have?",
                expect=Expectation(kind="ask", slot="booking_reference"),
            ),
        )
        found.append(
            task(
                f"ask-{n}",
                turns,
                part_of_booking("hotel", reference, "hotel_id"),
                hotel_field("phone", booking["hotel_id"], "phone", "hotel"),
                slots=(slot,),
                variant="missing_parameter",
                budget=Budget(calls=8, turns=4),
                provenance={"consistent_values": [reference, other]},
            )
        )
    return tuple(found)


def stated_answers() -> tuple[Task, ...]:
    """Tasks whose last step needs no tool: the later of two departures is to be said."""
    found: list[Task] = []
    for n, m in ((25, 80), (41, 118), (66, 175), (102, 9), (161, 36)):
        first, second = BOOKINGS[n][0], BOOKINGS[m][0]
        latest = max(departure(first), departure(second))
        turns = (
            Turn(
                say=f"On which day has the last of the guests of {first} and {second} left?",
                expect=ANSWER,
            ),
        )
        steps = [
            step(
                name,
                f"When do the guests of {reference} leave?",
                ("departure_date", {"reference": reference}),
                "/departure",
                departure(reference),
                kind="date",
            )
            for name, reference in (("first", first), ("second", second))
        ]
        found.append(
            task(
                f"last-{n}-{m}",
                turns,
                *steps,
                step(
                    "latest",
                    "Which of the two days is the later one?",
                    (None, {}),
                    "",
                    latest,
                    kind="date",
                    after=("first", "second"),
                ),
                final_answer=FinalAnswer(
                    kind="date",
                    value=latest,
                    rivals=tuple(sorted({departure(first), departure(second)} - {latest})),
                ),
            )
        )
    return tuple(found)


def changed(reference: str, field: str, before: Json, after: Json) -> StateAssertion:
    place = f"~1bookings~1{reference}~1{field}"
    return StateAssertion(
        environment=NAME,
        path=f"/values/{place}",
        equals={"before": before, "after": after},
    )


def cancel(identifier: str, reference: str, booking: Row) -> SubQuestion:
    return step(
        identifier,
        f"Cancel booking {reference}.",
        ("cancel_booking", {"reference": reference}),
        "/refund_code",
        booking["refund_code"],
    )


def cancellations() -> tuple[Task, ...]:
    found: list[Task] = []
    for n in (7, 52, 88, 113, 170):
        reference, booking = CONFIRMED[n]
        found.append(
            task(
                f"refund-{n}",
                f"Cancel {reference} for me, please. Then tell me the refund code and the phone "
                "number of the hotel.",
                cancel("cancel", reference, booking),
                part_of_booking("hotel", reference, "hotel_id"),
                hotel_field("phone", booking["hotel_id"], "phone", "hotel"),
                final_state=FinalState(
                    assertions=(changed(reference, "status", "confirmed", "cancelled"),)
                ),
            )
        )
    return tuple(found)
