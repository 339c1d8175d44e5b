"""Patients, doctors, wards and appointments of a hospital (JSON)."""

from typing import Any

from astra_arena.core.randomness import random_stream
from tests.gate_corpus.case import Draft
from tests.gate_corpus.tuned.hops import Row
from tests.gate_corpus.writing import TEXT, Writer, environment, tool

NAME = "hospital"
WRITER = Writer(NAME)

TOOLS_PY = '''\
"""Tools of a hospital."""


def _entry(world, section, key):
    found = world[section].get(key)
    if found is None:
        raise LookupError(f"there is no entry {key!r} among the {section}")
    return found


def get_patient(world, *, patient_no):
    """Return one patient."""
    return {"patient_no": patient_no, **_entry(world, "patients", patient_no)}


def get_doctor(world, *, doctor_id):
    """Return one doctor."""
    return {"doctor_id": doctor_id, **_entry(world, "doctors", doctor_id)}


def get_ward(world, *, ward_id):
    """Return one ward."""
    return {"ward_id": ward_id, **_entry(world, "wards", ward_id)}


def get_appointment(world, *, code):
    """Return one appointment."""
    return {"code": code, **_entry(world, "appointments", code)}


def move_appointment(world, *, code, starts):
    """Move an appointment to another time."""
    appointment = _entry(world, "appointments", code)
    if len(starts) != 16 or starts[10] != "T":
        raise ValueError(f"expected a time like 2025-05-06T09:30, got {starts!r}")
    before = appointment["starts"]
    appointment["starts"] = starts
    return {"code": code, "before": before, "starts": starts}
'''

TOOLS = (
    tool(
        "get_patient",
        "Look up a patient.",
        {"patient_no": TEXT},
        {"patient_no": TEXT, "name": TEXT, "insurance_no": TEXT, "doctor_id": TEXT},
    ),
    tool(
        "get_doctor",
        "Look up a doctor.",
        {"doctor_id": TEXT},
        {"doctor_id": TEXT, "name": TEXT, "pager": TEXT, "ward_id": TEXT},
    ),
    tool(
        "get_ward",
        "Look up a ward.",
        {"ward_id": TEXT},
        {"ward_id": TEXT, "desk_phone": TEXT},
    ),
    tool(
        "get_appointment",
        "Look up an appointment.",
        {"code": TEXT},
        {"code": TEXT, "patient_no": TEXT, "doctor_id": TEXT, "starts": TEXT},
    ),
    tool(
        "move_appointment",
        "Move an appointment to another time, written like 2025-05-06T09:30.",
        {"code": TEXT, "starts": TEXT},
        {"code": TEXT, "before": TEXT, "starts": TEXT},
        read_only=False,
    ),
)


def _made() -> dict[str, dict[str, Row]]:
    stream = random_stream(0, "corpus", NAME)
    names = ["Årud", "Bîrsan", "Çoban", "Đorđić", "Ezquerra", "Fröhlich", "Guðmund", "Hájek"]
    wards: dict[str, Row] = {
        f"W{number}": {"desk_phone": f"{stream.randint(100_000, 999_999)}"}
        for number in stream.sample(range(1000, 9999), 300)
    }
    doctors: dict[str, Row] = {
        f"DR{number}": {
            "name": f"Dr {names[i % 8]}",
            "pager": f"{stream.randint(10_000_000, 99_999_999)}",
            "ward_id": stream.choice(sorted(wards)),
        }
        for i, number in enumerate(stream.sample(range(1000, 9999), 360))
    }
    patients: dict[str, Row] = {
        f"P-{number}": {
            "name": f"{names[i % 8]} {names[i // 8 % 8]}",
            "insurance_no": f"N{stream.randint(10_000_000, 99_999_999)}",
            "doctor_id": stream.choice(sorted(doctors)),
        }
        for i, number in enumerate(stream.sample(range(10_000, 99_999), 400))
    }
    appointments: dict[str, Row] = {
        f"AP{number}": {
            "patient_no": stream.choice(sorted(patients)),
            "doctor_id": stream.choice(sorted(doctors)),
            "starts": f"2025-04-{stream.randint(1, 30):02}T{stream.randint(8, 17):02}:"
            f"{stream.randint(0, 59):02}",
        }
        for number in stream.sample(range(100_000, 999_999), 260)
    }
    return {"wards": wards, "doctors": doctors, "patients": patients, "appointments": appointments}


WORLD = _made()
APPOINTMENTS = list(WORLD["appointments"].items())
PATIENTS = list(WORLD["patients"].items())


def hospital() -> Draft:
    """Return the environment without tasks."""
    text = "Patients, doctors, wards and appointments of a hospital."
    made = environment(NAME, "Hospital", text, TOOLS, kind="json")
    world: Any = WORLD
    return Draft(made, TOOLS_PY, world, ())
