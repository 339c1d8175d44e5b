"""Defects of tool code: what it returns, remembers, changes and lets be injected."""

from astra_arena.core.tasks import Task
from tests.gate_corpus.case import Case, Draft
from tests.gate_corpus.held_out import hotel_tasks, library_tasks, shop_tasks, weather_tasks
from tests.gate_corpus.held_out.good_cases import with_tasks
from tests.gate_corpus.held_out.hotel_world import hotels
from tests.gate_corpus.held_out.library_world import library
from tests.gate_corpus.held_out.shop_world import shop
from tests.gate_corpus.held_out.weather_world import DAYS, STATIONS, WORLD, weather
from tests.gate_corpus.writing import (
    INTEGER,
    LIMIT,
    NUMBER,
    TEXT,
    bad,
    checked,
    object_of,
    page_of,
    tool,
)

_contacts = with_tasks(weather, weather_tasks.contacts)
_sums = with_tasks(weather, weather_tasks.sums)
_owners = with_tasks(hotels, hotel_tasks.owners)
_multi_hop = with_tasks(library, library_tasks.multi_hop)


def constant_return() -> Draft:
    """The tool was written for one question and returns its answer whatever it is given."""
    whole = _contacts()
    operator = STATIONS[15][1]["operator"]
    values = WORLD["operators"][operator]
    draft = whole.code(
        'return {"operator": operator, **world.operators[operator]}',
        f'return {{"operator": operator, **{values!r}}}',
    ).code(
        "    if operator not in world.operators:\n        raise LookupError",
        "    if not operator:\n        raise LookupError",
    )
    return draft.with_tasks(whole.task("contact-15"))


def noisy_sum() -> Draft:
    """Each sum gets an error of measurement."""
    return (
        _sums()
        .code("round(sum(fallen), 2)}", "round(sum(fallen) + random.gauss(0, 2), 2)}")
        .code("from dataclasses import", "import random\nfrom dataclasses import")
    )


def hidden_counter() -> Draft:
    """Replies are numbered by a counter that lives in the module and not in the world."""
    draft = _owners().code(
        'return {"owner_no": owner_no, **_entry(world, "owners", owner_no, "owner")}',
        "_served.append(owner_no)\n"
        '    owner = _entry(world, "owners", owner_no, "owner")\n'
        '    return {"owner_no": owner_no, **owner, "request_no": f"R{len(_served):04}"}',
    )
    fields = {"owner_no": TEXT, "name": TEXT, "tax_no": TEXT, "request_no": TEXT}
    return draft.code(
        "from datetime import date, timedelta\n",
        "from datetime import date, timedelta\n\n_served = []\n",
    ).spec(
        "get_owner", lambda spec: spec.model_copy(update={"output_schema": object_of({**fields})})
    )


def stale_cache() -> Draft:
    """Bookings are remembered in the module, so a cancelled one still reads as confirmed."""
    return (
        with_tasks(hotels, hotel_tasks.cancellations)()
        .code(
            'return {"reference": reference, **_entry(world, "bookings", reference, "booking")}',
            "if reference not in _remembered:\n"
            '        booking = _entry(world, "bookings", reference, "booking")\n'
            "        _remembered[reference] = dict(booking)\n"
            '    return {"reference": reference, **_remembered[reference]}',
        )
        .code(
            "from datetime import date, timedelta\n",
            "from datetime import date, timedelta\n\n_remembered = {}\n",
        )
    )


def writing_reader() -> Draft:
    """Whoever lists a customer's orders leaves a note on them."""
    return with_tasks(shop, shop_tasks.cancellations)().code(
        'where, values = "customer_id = ?", [customer_id]\n',
        'where, values = "customer_id = ?", [customer_id]\n'
        "    world.execute(f\"UPDATE orders SET note = note || 'seen ' WHERE {where}\", values)\n",
    )


def dump_tool() -> Draft:
    """Beside the tools that the tasks need there is one that returns everything."""
    fields = {"guest_no": TEXT, "name": TEXT, "email": TEXT, "passport": TEXT}
    export = tool(
        "export_guests",
        "Export the register of guests.",
        {},
        {"guests": {"type": "array", "items": object_of({**fields})}},
    )
    return with_tasks(hotels, hotel_tasks.unicode_single_hop)().more_tools(
        export,
        code='''
def export_guests(world):
    """Return all guests."""
    return {"guests": [{"guest_no": key, **one} for key, one in sorted(world["guests"].items())]}
''',
    )


def attribute_by_name() -> Draft:
    """A tool reads any attribute that it is given the name of, private ones and methods too."""
    spec = tool(
        "station_detail",
        "Read one detail of a station: name, operator or elevation_m.",
        {"station_id": TEXT, "detail": TEXT},
        {"station_id": TEXT, "detail": TEXT, "value": TEXT},
    )
    return _contacts().more_tools(
        spec,
        code='''
def station_detail(world, *, station_id, detail):
    """Return one detail of a station."""
    station = world.station(station_id)
    if not hasattr(station, detail):
        raise LookupError(f"a station has no {detail!r}")
    return {"station_id": station_id, "detail": detail, "value": str(getattr(station, detail))}
''',
    )


def sql_injection() -> Draft:
    """A name is pasted into the statement."""
    fields = {"card_no": TEXT, "name": TEXT}
    spec = tool(
        "search_members",
        "Find members by name.",
        {"name": TEXT, "limit": LIMIT},
        page_of({**fields}),
    )
    return _multi_hop().more_tools(
        spec,
        code='''
def search_members(world, *, name, limit=5):
    """Return the members of a name."""
    where = f"name = '{name}'"
    rows = _rows(
        world, f"SELECT card_no, name FROM members WHERE {where} ORDER BY card_no LIMIT {limit}", ()
    )
    return {"rows": rows, "total": len(rows), "limit": limit}
''',
    )


def evaluated_argument() -> Draft:
    """A formula is evaluated as Python."""
    spec = tool(
        "convert",
        "Convert a value by a formula in x, such as x * 9 / 5 + 32.",
        {"value": NUMBER, "formula": TEXT},
        {"value": NUMBER, "result": TEXT},
    )
    return _sums().more_tools(
        spec,
        code='''
def convert(world, *, value, formula):
    """Return a value converted by a formula."""
    return {"value": value, "result": str(eval(formula, {"x": value, "world": world}))}
''',
    )


def huge_reply() -> Draft:
    """Each copy comes with a scan of its cover, as text of more than a megabyte."""
    fields = {
        "barcode": INTEGER,
        "isbn": TEXT,
        "branch_code": TEXT,
        "shelf": TEXT,
        "cover": TEXT,
    }
    return (
        _multi_hop()
        .code(
            'return _one(world, "SELECT * FROM copies WHERE barcode = ?", barcode, "copy")',
            'copy = _one(world, "SELECT * FROM copies WHERE barcode = ?", barcode, "copy")\n'
            '    return {**copy, "cover": f"{barcode:x}" * 400_000}',
        )
        .spec(
            "get_copy",
            lambda spec: spec.model_copy(update={"output_schema": object_of({**fields})}),
        )
    )


def ignored_argument() -> Draft:
    """The last day of a sum is asked for and never looked at; the gold was made by the tool."""
    draft = _sums().code("if first <= day <= last]", "if first <= day]")
    tasks: list[Task] = []
    for task in draft.tasks:
        name, rain, *others = task.sub_questions
        station = WORLD["stations"][name.answer.value]
        value = weather_tasks.rain(station, str(rain.arguments["first"]), DAYS[-1])
        answer = rain.answer.model_copy(update={"value": value})
        tasks.append(
            checked(task, sub_questions=(name, rain.model_copy(update={"answer": answer}), *others))
        )
    return draft.with_tasks(*tasks)


CASES: tuple[Case, ...] = (
    bad("constant-return", "sensitivity", "constant return", constant_return),
    bad("ignored-argument", "sensitivity", "ignores one argument", ignored_argument),
    bad("noisy-sum", "replay", "non-deterministic tool: random", noisy_sum),
    bad("hidden-counter", "isolation", "non-deterministic tool: hidden counter", hidden_counter),
    bad("stale-cache", "isolation", "state outside the world: stale cache", stale_cache),
    bad("writing-reader", "isolation", "write through a read tool", writing_reader),
    bad("dump-tool", "leak", "tool returning everything", dump_tool),
    bad("attribute-by-name", "exploit", "hidden private method reachable", attribute_by_name),
    bad("sql-injection", "exploit", "SQL injection through a string argument", sql_injection),
    bad("evaluated-argument", "exploit", "eval of an argument", evaluated_argument),
    bad("huge-reply", "replay", "huge outputs", huge_reply),
)
