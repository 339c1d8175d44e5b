"""Daily readings of weather stations, in objects of the tool code's own (Python)."""

from typing import Any

from astra_arena.core.canonical import JsonObject
from astra_arena.core.randomness import random_stream
from tests.gate_corpus.case import Draft
from tests.gate_corpus.writing import DATE, INTEGER, NUMBER, TEXT, Writer, environment, tool

NAME = "weather"
WRITER = Writer(NAME)
Row = dict[str, Any]

_PEAKS = [
    "Eagle",
    "Otter",
    "Heron",
    "Marten",
    "Badger",
    "Falcon",
    "Stoat",
    "Raven",
    "Lynx",
    "Beaver",
]
_SPOTS = ["Ridge", "Ford", "Hollow", "Point", "Moor", "Fell", "Bay", "Crag", "Weir", "Common"]

TOOLS_PY = '''\
"""Tools over the daily readings of weather stations."""

from dataclasses import dataclass, field


@dataclass
class Station:
    name: str
    operator: str
    elevation_m: int
    days: dict = field(default_factory=dict)


class Network:
    def __init__(self, stations, operators):
        self.stations = stations
        self.operators = operators
        self.by_name = {station.name: key for key, station in stations.items()}

    def station(self, station_id):
        if station_id not in self.stations:
            raise LookupError(f"there is no station {station_id!r}")
        return self.stations[station_id]


def open_world(initial):
    stations = {key: Station(**value) for key, value in sorted(initial["stations"].items())}
    return Network(stations, initial["operators"])


def dump_world(world):
    return {
        "stations": {
            key: {
                "name": station.name,
                "operator": station.operator,
                "elevation_m": station.elevation_m,
                "days": station.days,
            }
            for key, station in world.stations.items()
        },
        "operators": world.operators,
    }


def find_station(world, *, name):
    """Return the station that is called exactly so."""
    if name not in world.by_name:
        raise LookupError(f"no station is called {name!r}")
    return {"name": name, "station_id": world.by_name[name]}


def get_station(world, *, station_id):
    """Return one station."""
    station = world.station(station_id)
    return {
        "station_id": station_id,
        "name": station.name,
        "operator": station.operator,
        "elevation_m": station.elevation_m,
    }


def get_operator(world, *, operator):
    """Return who runs stations."""
    if operator not in world.operators:
        raise LookupError(f"there is no operator {operator!r}")
    return {"operator": operator, **world.operators[operator]}


def get_reading(world, *, station_id, day):
    """Return what a station measured on a day."""
    station = world.station(station_id)
    if day not in station.days:
        raise LookupError(f"station {station_id} has no reading of {day!r}")
    pressure, rain, log_no = station.days[day]
    return {"station_id": station_id, "day": day, "pressure_pa": pressure, "rain_mm": rain,
            "log_no": log_no}


def rain_total(world, *, station_id, first, last):
    """Return how much rain fell from one day to another, both included."""
    station = world.station(station_id)
    if last < first:
        raise ValueError(f"expected the last day not before the first, got {first} and {last}")
    fallen = [values[1] for day, values in sorted(station.days.items()) if first <= day <= last]
    return {"station_id": station_id, "days": len(fallen), "rain_mm": round(sum(fallen), 2)}


def wettest_day(world, *, station_id):
    """Return the day with most rain, the earliest of several."""
    station = world.station(station_id)
    day = min(station.days, key=lambda one: (-station.days[one][1], one))
    return {"station_id": station_id, "day": day, "rain_mm": station.days[day][1]}


def correct_pressure(world, *, station_id, day, pressure_pa):
    """Replace a pressure that was read wrongly."""
    station = world.station(station_id)
    if day not in station.days:
        raise LookupError(f"station {station_id} has no reading of {day!r}")
    before = station.days[day][0]
    station.days[day][0] = pressure_pa
    return {"station_id": station_id, "day": day, "before_pa": before, "pressure_pa": pressure_pa}
'''

_ID = {"station_id": TEXT}
_PRESSURE: JsonObject = {"type": "integer", "minimum": 87_000, "maximum": 108_500}

TOOLS = (
    tool(
        "find_station",
        "Find a station by its exact name.",
        {"name": TEXT},
        {"name": TEXT, **_ID},
    ),
    tool(
        "get_station",
        "Look up a station.",
        {**_ID},
        {**_ID, "name": TEXT, "operator": TEXT, "elevation_m": INTEGER},
    ),
    tool(
        "get_operator",
        "Look up who runs stations.",
        {"operator": TEXT},
        {"operator": TEXT, "contact": TEXT, "contract_no": TEXT},
    ),
    tool(
        "get_reading",
        "Look up what a station measured on a day.",
        {**_ID, "day": DATE},
        {**_ID, "day": DATE, "pressure_pa": INTEGER, "rain_mm": NUMBER, "log_no": TEXT},
    ),
    tool(
        "rain_total",
        "Add up the rain from one day to another, both included.",
        {**_ID, "first": DATE, "last": DATE},
        {**_ID, "days": INTEGER, "rain_mm": NUMBER},
    ),
    tool(
        "wettest_day",
        "Find the day with most rain, the earliest of several.",
        {**_ID},
        {**_ID, "day": DATE, "rain_mm": NUMBER},
    ),
    tool(
        "correct_pressure",
        "Replace a pressure that was read wrongly, in pascal.",
        {**_ID, "day": DATE, "pressure_pa": _PRESSURE},
        {**_ID, "day": DATE, "before_pa": INTEGER, "pressure_pa": INTEGER},
        read_only=False,
    ),
)

DAYS = [f"2025-01-{day:02}" for day in range(1, 32)] + [f"2025-02-{day:02}" for day in range(1, 29)]


def _made() -> Row:
    stream = random_stream(0, "corpus", NAME)
    operators = {
        f"OP-{number}": {
            "contact": f"duty{stream.randint(10_000, 99_999)}@met.example",
            "contract_no": f"C{stream.randint(1_000_000, 9_999_999)}",
        }
        for number in stream.sample(range(1000, 9999), 400)
    }
    stations = {
        f"WS{number}": {
            "name": f"{_PEAKS[i // 10]} {_SPOTS[i % 10]}",
            "operator": stream.choice(sorted(operators)),
            "elevation_m": stream.randint(2, 2900),
            "days": {
                day: [
                    stream.randint(96_000, 104_900),
                    round(stream.uniform(0.1, 60), 2),
                    f"L{stream.randint(1_000_000, 9_999_999)}",
                ]
                for day in DAYS
            },
        }
        for i, number in enumerate(stream.sample(range(10_000, 99_999), 100))
    }
    return {"stations": stations, "operators": operators}


WORLD: Any = _made()
STATIONS: list[tuple[str, Row]] = list(WORLD["stations"].items())


def weather() -> Draft:
    """Return the environment without tasks."""
    return Draft(
        environment=environment(
            NAME,
            "Weather stations",
            "Daily pressure and rain of a hundred weather stations, January and February 2025.",
            TOOLS,
            kind="python",
        ),
        tools_py=TOOLS_PY,
        world=WORLD,
        tasks=(),
    )
