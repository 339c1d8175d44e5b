"""Good tasks of the hospital."""

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
from tests.gate_corpus.tuned.hops import Hop, chain
from tests.gate_corpus.tuned.hospital_world import APPOINTMENTS, NAME, PATIENTS, WORLD, WRITER

task, step = WRITER.task, WRITER.step

PATIENT = Hop(
    "patient", "Whose appointment is {}?", "get_appointment", "code", "appointments", "patient_no"
)
EXAMINER = Hop(
    "examiner", "Who examines at {}?", "get_appointment", "code", "appointments", "doctor_id"
)
INSURANCE = Hop(
    "insurance",
    "What is the patient's insurance number?",
    "get_patient",
    "patient_no",
    "patients",
    "insurance_no",
)
DOCTOR = Hop(
    "doctor", "Who is the patient's doctor?", "get_patient", "patient_no", "patients", "doctor_id"
)
PAGER = Hop("pager", "What is the doctor's pager?", "get_doctor", "doctor_id", "doctors", "pager")
WARD = Hop("ward", "Which ward is the doctor on?", "get_doctor", "doctor_id", "doctors", "ward_id")
DESK = Hop(
    "desk", "What is the number of the ward's desk?", "get_ward", "ward_id", "wards", "desk_phone"
)


def asked(start: str, *hops: Hop, prefix: str = "") -> tuple[SubQuestion, ...]:
    return chain(WRITER, WORLD, start, *hops, prefix=prefix)


def insurance() -> tuple[Task, ...]:
    return tuple(
        task(
            f"insurance-{n}",
            f"What is the insurance number of patient {PATIENTS[n][0]}?",
            *asked(PATIENTS[n][0], INSURANCE),
        )
        for n in (18, 92, 166, 240, 311)
    )


def desks() -> tuple[Task, ...]:
    return tuple(
        task(
            f"desk-{n}",
            f"The patient of appointment {APPOINTMENTS[n][0]} is early. Whom do I ring on the ward "
            "of the patient's own doctor? The number of the desk, please.",
            *asked(APPOINTMENTS[n][0], PATIENT, DOCTOR, WARD, DESK),
        )
        for n in (21, 80, 133, 190, 244)
    )


def pagers() -> tuple[Task, ...]:
    return tuple(
        task(
            f"pagers-{n}-{m}",
            f"I need the pagers of the doctors who see {APPOINTMENTS[n][0]} and "
            f"{APPOINTMENTS[m][0]}.",
            *asked(APPOINTMENTS[n][0], EXAMINER, PAGER, prefix="left-"),
            *asked(APPOINTMENTS[m][0], EXAMINER, PAGER, prefix="right-"),
        )
        for n, m in ((34, 150), (65, 201), (99, 230), (112, 47))
    )


def moves() -> tuple[Task, ...]:
    found: list[Task] = []
    for n, starts in (
        (29, "2025-05-06T09:35"),
        (104, "2025-05-12T14:10"),
        (177, "2025-05-20T08:05"),
    ):
        code, appointment = APPOINTMENTS[n]
        before = appointment["starts"]
        found.append(
            task(
                f"move-{n}",
                f"Move appointment {code} to {starts}. When was it before, and what is the pager "
                "of the doctor, who has to know?",
                step(
                    "move",
                    f"Move {code}.",
                    ("move_appointment", {"code": code, "starts": starts}),
                    "/before",
                    before,
                    kind="date",
                ),
                *asked(code, EXAMINER, PAGER),
                final_state=FinalState(
                    assertions=(
                        StateAssertion(
                            environment=NAME,
                            path=f"/values/~1appointments~1{code}~1starts",
                            equals={"before": before, "after": starts},
                        ),
                    )
                ),
            )
        )
    return tuple(found)


def missing_parameter() -> tuple[Task, ...]:
    found: list[Task] = []
    for n in (43, 120, 158, 215):
        code, other = APPOINTMENTS[n][0], APPOINTMENTS[n + 1][0]
        slot = Slot(
            name="appointment_code",
            value=code,
            aliases=("appointment number", "code of the appointment"),
            tell=f"It says {code} on my slip.",
            fills=(Filling(tool="get_appointment", argument="code"),),
        )
        say = "I am late for my appointment. Which pager has the doctor who is to see me?"
        found.append(
            task(
                f"late-{n}",
                [Turn(say=say, expect=Expectation(kind="ask", slot="appointment_code"))],
                *asked(code, EXAMINER, PAGER),
                slots=(slot,),
                variant="missing_parameter",
                budget=Budget(calls=6, turns=4),
                provenance={"consistent_values": [code, other]},
            )
        )
    return tuple(found)
