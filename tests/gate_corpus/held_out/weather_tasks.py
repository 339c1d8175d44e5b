"""Good tasks of the weather stations: dates, sums with a tolerance, faults, corrections."""

from astra_arena.core.canonical import Json
from astra_arena.core.faults import FaultPlan
from astra_arena.core.tasks import Budget, FinalState, StateAssertion, SubQuestion, Task
from tests.gate_corpus.held_out.weather_world import DAYS, NAME, STATIONS, WORLD, WRITER, Row
from tests.gate_corpus.writing import ref

step, task = WRITER.step, WRITER.task


def station_called(identifier: str, station_id: str, station: Row) -> SubQuestion:
    call = ("find_station", {"name": station["name"]})
    question = f"Which station is called {station['name']}?"
    return step(identifier, question, call, "/station_id", station_id)


def operator_of(identifier: str, station: Row, parent: str) -> SubQuestion:
    call = ("get_station", {"station_id": ref(parent)})
    return step(identifier, "Who runs that station?", call, "/operator", station["operator"])


def contact_of(identifier: str, station: Row, parent: str) -> SubQuestion:
    call = ("get_operator", {"operator": ref(parent)})
    value = WORLD["operators"][station["operator"]]["contact"]
    return step(identifier, "How can that operator be reached?", call, "/contact", value)


def reading(identifier: str, station_id: Json, station: Row, day: str) -> SubQuestion:
    call = ("get_reading", {"station_id": station_id, "day": day})
    question = f"What was the air pressure there on {day}, in pascal?"
    return step(identifier, question, call, "/pressure_pa", station["days"][day][0])


def wettest(station: Row) -> str:
    """Return the day with most rain."""
    return min(station["days"], key=lambda day: (-station["days"][day][1], day))


def rain(station: Row, first: str, last: str) -> float:
    """Return the rain between two days, both included."""
    return round(sum(v[1] for day, v in station["days"].items() if first <= day <= last), 2)


def readings() -> tuple[Task, ...]:
    found: list[Task] = []
    for n, day in ((22, 9), (41, 33), (63, 17), (78, 50), (95, 26)):
        station_id, station = STATIONS[n]
        found.append(
            task(
                f"pressure-{n}",
                f"How many pascal did {station['name']} measure on {DAYS[day]}?",
                station_called("station", station_id, station),
                reading("pressure", ref("station"), station, DAYS[day]),
            )
        )
    return tuple(found)


def contacts() -> tuple[Task, ...]:
    found: list[Task] = []
    for n in (15, 36, 57, 74, 92):
        station_id, station = STATIONS[n]
        found.append(
            task(
                f"contact-{n}",
                f"The mast at {station['name']} is leaning. Whom do I write to?",
                station_called("station", station_id, station),
                operator_of("operator", station, "station"),
                contact_of("contact", station, "operator"),
            )
        )
    return tuple(found)


def sums() -> tuple[Task, ...]:
    """A sum of rain, and the log number of the day that was wettest."""
    found: list[Task] = []
    for n, first, last in ((18, 3, 16), (29, 31, 44), (52, 10, 24), (69, 1, 30), (88, 35, 56)):
        station_id, station = STATIONS[n]
        total = step(
            "rain",
            f"How much rain fell there from {DAYS[first]} to {DAYS[last]}, in millimetres?",
            (
                "rain_total",
                {"station_id": ref("station"), "first": DAYS[first], "last": DAYS[last]},
            ),
            "/rain_mm",
            rain(station, DAYS[first], DAYS[last]),
            tolerance=0.005,
        )
        day = step(
            "day",
            "On which day did most rain fall there?",
            ("wettest_day", {"station_id": ref("station")}),
            "/day",
            wettest(station),
            kind="date",
        )
        log = step(
            "log",
            "Which log number does the reading of that day have?",
            ("get_reading", {"station_id": ref("station"), "day": ref("day")}),
            "/log_no",
            station["days"][wettest(station)][2],
        )
        found.append(
            task(
                f"rain-{n}",
                f"How many millimetres of rain fell at {station['name']} from {DAYS[first]} to "
                f"{DAYS[last]}, and what is the log number of its wettest day?",
                station_called("station", station_id, station),
                total,
                day,
                log,
            )
        )
    return tuple(found)


def faulty() -> tuple[Task, ...]:
    """Tasks in which a fifth of the calls fails at first."""
    found: list[Task] = []
    for n, m, day in ((20, 61, 12), (33, 80, 40), (46, 97, 21), (71, 14, 55), (83, 50, 6)):
        (left_id, left), (right_id, right) = STATIONS[n], STATIONS[m]
        found.append(
            task(
                f"faulty-{n}-{m}",
                f"On {DAYS[day]}, what was the pressure at {left['name']}, and what was it at "
                f"{right['name']}? Both in pascal, please.",
                station_called("left", left_id, left),
                reading("left-pressure", ref("left"), left, DAYS[day]),
                station_called("right", right_id, right),
                reading("right-pressure", ref("right"), right, DAYS[day]),
                variant="faults",
                faults=FaultPlan(),
                budget=Budget(calls=16),
            )
        )
    return tuple(found)


def corrections() -> tuple[Task, ...]:
    found: list[Task] = []
    for n, day, pressure in (
        (27, 5, 100_310),
        (44, 19, 99_870),
        (59, 36, 101_450),
        (76, 47, 98_220),
        (99, 28, 102_040),
    ):
        station_id, station = STATIONS[n]
        before, _, log_no = station["days"][DAYS[day]]
        place = f"~1stations~1{station_id}~1days~1{DAYS[day]}~10"
        found.append(
            task(
                f"correct-{n}",
                f"The barometer of station {station_id} stuck on {DAYS[day]}: set the pressure of "
                f"that day to {pressure} Pa, then give me the log number of the entry.",
                step(
                    "correct",
                    f"Set the pressure of {DAYS[day]} to {pressure} Pa.",
                    (
                        "correct_pressure",
                        {"station_id": station_id, "day": DAYS[day], "pressure_pa": pressure},
                    ),
                    "/before_pa",
                    before,
                ),
                step(
                    "log",
                    "What is the log number of that entry?",
                    ("get_reading", {"station_id": station_id, "day": DAYS[day]}),
                    "/log_no",
                    log_no,
                ),
                final_state=FinalState(
                    assertions=(
                        StateAssertion(
                            environment=NAME,
                            path=f"/values/{place}",
                            equals={"before": before, "after": pressure},
                        ),
                    )
                ),
            )
        )
    return tuple(found)
