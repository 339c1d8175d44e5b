"""Tools that list, group, compare and measure: against SQL and arithmetic of another make."""

import math
import random
from datetime import date
from pathlib import Path

import pytest

from astra_arena.client.argument_sampler import sample_arguments
from astra_arena.core.canonical import Json
from astra_arena.sandbox import Broke, Succeeded
from tests.support.requirement import requirement
from tests.synthesizer.analysed import Analysed
from tests.synthesizer.live_tools import live_tools


@requirement("synth:tools-related")
async def test_children_are_listed_by_their_parent(store: Analysed, tmp_path: Path) -> None:
    query = "SELECT id FROM orders WHERE customer_id = 7 ORDER BY ordered_on DESC, id"
    expected = [row[0] for row in store.connection.execute(query)]
    async with live_tools(store, tmp_path) as tools:
        reply = await tools.reply(
            "list_orders_of_customer", id=7, sort_by="ordered_on", order="descending", limit=1
        )
        rest = await tools.rows(
            "list_orders_of_customer",
            id=7,
            sort_by="ordered_on",
            order="descending",
            limit=50,
            offset=1,
        )
        first = reply["rows"]
        assert isinstance(first, list)
        ids = [row["id"] for row in [*first, *rest] if isinstance(row, dict)]
        assert ids == expected
        assert reply["total"] == len(expected)
        assert reply["truncated"] is True
        told = await tools.refusal("list_orders_of_customer", id=999)
        assert told == "there is no customer with id 999; find_customers searches"


async def test_searches_find_parts_and_beginnings_of_texts_in_any_case(
    store: Analysed, tmp_path: Path
) -> None:
    async with live_tools(store, tmp_path) as tools:
        parts = await tools.reply("count_customers", name_contains="OMER 01")
        assert parts["total"] == 10
        beginnings = await tools.reply("count_products", title_prefix="RED art")
        query = "SELECT count(*) FROM products WHERE title LIKE 'red art%'"
        assert beginnings["total"] == store.connection.execute(query).fetchone()[0] > 0
        assert await tools.reply("count_products", title_contains="%") == {"total": 0}


async def test_searches_take_lists_of_values(store: Analysed, tmp_path: Path) -> None:
    query = "SELECT count(*) FROM orders WHERE status IN ('paid', 'shipped')"
    async with live_tools(store, tmp_path) as tools:
        reply = await tools.reply("count_orders", status_in=["paid", "shipped", "it's"])
        assert reply["total"] == store.connection.execute(query).fetchone()[0]


@requirement("synth:tools-group")
async def test_groups_have_their_figures_in_a_total_order(store: Analysed, tmp_path: Path) -> None:
    query = """
        SELECT category, count(*), min(price), max(price), avg(price), sum(price)
        FROM products WHERE stock >= 50 GROUP BY category
    """
    expected = [
        {
            "value": value,
            "count": count,
            "minimum": least,
            "maximum": most,
            "mean": round(mean, 4),
            "sum": round(total, 4),
        }
        for value, count, least, most, mean, total in store.connection.execute(query)
    ]
    expected.sort(key=lambda group: (-group["mean"], group["value"]))
    async with live_tools(store, tmp_path) as tools:
        reply = await tools.reply(
            "group_products", by="category", column="price", sort_by="mean", stock_min=50, limit=3
        )
        assert reply == {"total": 4, "groups": expected[:3], "truncated": True}
        counts = await tools.reply("group_products", by="category", order="ascending", limit=50)
        groups = counts["groups"]
        assert isinstance(groups, list)
        held: list[Json] = [group["count"] for group in groups if isinstance(group, dict)]
        assert held == sorted(held, key=str)
        told = await tools.refusal("group_products", by="category", sort_by="sum")
        assert told == "sort_by 'sum' needs a column to summarise"


async def test_groups_of_missing_values_are_groups(store: Analysed, tmp_path: Path) -> None:
    query = "SELECT count(*) FROM customers WHERE support_rep_id IS NULL"
    async with live_tools(store, tmp_path) as tools:
        reply = await tools.reply("group_customers", by="support_rep_id", limit=50)
        groups = reply["groups"]
        assert isinstance(groups, list)
        (missing,) = (g for g in groups if isinstance(g, dict) and g["value"] is None)
        assert missing["count"] == store.connection.execute(query).fetchone()[0]


@requirement("synth:tools-compare")
async def test_two_rows_are_compared_by_numbers_and_dates(store: Analysed, tmp_path: Path) -> None:
    query = "SELECT price, stock FROM products WHERE sku IN ('SKU-0003', 'SKU-0009') ORDER BY sku"
    (price, stock), (other_price, other_stock) = store.connection.execute(query)
    async with live_tools(store, tmp_path) as tools:
        reply = await tools.reply("compare_products", first_sku="SKU-0003", second_sku="SKU-0009")
        assert reply["comparison"] == {
            "price": {
                "first": price,
                "second": other_price,
                "difference": round(other_price - price, 4),
                "larger": "second" if other_price > price else "first",
            },
            "stock": {
                "first": stock,
                "second": other_stock,
                "difference": other_stock - stock,
                "larger": "second" if other_stock > stock else "first",
            },
        }
        same = await tools.reply("compare_employees", first_id=2, second_id=2)
        assert same["comparison"] == {
            "hired_on": {
                "first": "2007-03-02",
                "second": "2007-03-02",
                "difference": 0,
                "larger": "neither",
            }
        }
        told = await tools.refusal("compare_employees", first_id=2, second_id=99)
        assert told == "there is no employee with id 99; find_employees searches"


@requirement("synth:tools-dates")
async def test_days_are_counted_by_the_calendar(store: Analysed, tmp_path: Path) -> None:
    query = "SELECT id, ordered_on, shipped_on FROM orders WHERE shipped_on > ordered_on LIMIT 1"
    key, start, end = store.connection.execute(query).fetchone()
    days = (date.fromisoformat(end) - date.fromisoformat(start)).days
    async with live_tools(store, tmp_path) as tools:
        arguments = {"id": key, "start": "ordered_on", "end": "shipped_on"}
        reply = await tools.reply("count_days_of_order", **arguments)
        assert reply == {"start": start, "end": end, "days": days}
        pending = "SELECT min(id) FROM orders WHERE shipped_on IS NULL"
        key = store.connection.execute(pending).fetchone()[0]
        reply = await tools.reply("count_days_of_order", **{**arguments, "id": key})
        assert (reply["end"], reply["days"]) == (None, None)


@requirement("synth:tools-dates")
async def test_rows_around_a_day_are_listed_by_date(store: Analysed, tmp_path: Path) -> None:
    query = """
        SELECT id FROM orders WHERE ordered_on BETWEEN '2024-02-27' AND '2024-03-04'
        ORDER BY ordered_on, id
    """
    expected = [row[0] for row in store.connection.execute(query)]
    async with live_tools(store, tmp_path) as tools:
        rows = await tools.rows(
            "find_orders_around_date", column="ordered_on", day="2024-03-01", days=3, limit=50
        )
        assert [row["id"] for row in rows] == expected
        for day in ("2024-02-30", "20240301", "yesterday", "2024-W09-5"):
            told = await tools.refusal(
                "find_orders_around_date", column="ordered_on", day=day, days=3
            )
            assert told == f"day is a day as YYYY-MM-DD, not {day!r}"
        told = await tools.refusal(
            "find_orders_around_date", column="ordered_on", day="0001-01-02", days=3
        )
        assert told == "3 days from 0001-01-02 are beyond the calendar"


async def test_moments_count_as_their_day(flights: Analysed, tmp_path: Path) -> None:
    query = "SELECT count(*) FROM flights WHERE time_hour LIKE '2013-03-02%'"
    expected = flights.connection.execute(query).fetchone()[0]
    async with live_tools(flights, tmp_path) as tools:
        reply = await tools.reply("find_flights_around_date", day="2013-03-02", days=0)
        assert reply["total"] == expected > 0


def law_of_cosines(first: tuple[float, float], second: tuple[float, float]) -> float:
    (north, east), (south, west) = (tuple(map(math.radians, place)) for place in (first, second))
    angle = math.sin(north) * math.sin(south) + math.cos(north) * math.cos(south) * math.cos(
        east - west
    )
    return 6371.0088 * math.acos(angle)


@requirement("synth:tools-distance")
async def test_distances_are_those_of_the_globe(flights: Analysed, tmp_path: Path) -> None:
    places = {
        faa: (lat, lon)
        for faa, lat, lon in flights.connection.execute("SELECT faa, lat, lon FROM airports")
    }
    away = {
        faa: law_of_cosines(places["JFK"], place) for faa, place in places.items() if faa != "JFK"
    }
    async with live_tools(flights, tmp_path) as tools:
        reply = await tools.reply("distance_between_airports", first_faa="JFK", second_faa="LAX")
        assert reply["kilometres"] == pytest.approx(away["LAX"], abs=0.06)
        assert reply["kilometres"] == pytest.approx(3974, abs=10), "what an atlas says"
        nearest = await tools.reply("find_nearest_airports", faa="JFK", limit=3)
        found = nearest["places"]
        assert isinstance(found, list)
        rows = [place["row"] for place in found if isinstance(place, dict)]
        assert [row["faa"] for row in rows if isinstance(row, dict)] == sorted(
            away, key=lambda faa: (round(away[faa], 1), faa)
        )[:3]
        within = await tools.reply("find_nearest_airports", faa="JFK", within_km=100, limit=50)
        assert within["total"] == sum(distance <= 100 for distance in away.values())
        assert within["truncated"] is False


@requirement("synth:tools-valid-never-breaks")
@pytest.mark.parametrize("source", ["store", "shop", "odd", "large", "flights"])
async def test_what_a_schema_allows_never_breaks_a_tool(
    source: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """Random arguments, half of them values that replies have shown."""
    made: Analysed = request.getfixturevalue(source)
    stream = random.Random(5)
    done: dict[str, set[type]] = {}
    async with live_tools(made, tmp_path) as tools:
        seen: dict[str, list[Json]] = {}
        for round_number in range(12):
            for name, spec in tools.specs.items():
                arguments = sample_arguments(spec.input_schema, stream, seen=seen)
                assert arguments is not None, name
                outcome = await tools.execute(name, arguments)
                assert not isinstance(outcome, Broke), (name, arguments, outcome)
                done.setdefault(name, set()).add(type(outcome))
                if isinstance(outcome, Succeeded) and round_number < 6:
                    remember(outcome.result, seen)
    # Keys of several columns are seldom met by chance.
    assert sum(Succeeded in kinds for kinds in done.values()) >= 0.8 * len(done)


def remember(value: Json, seen: dict[str, list[Json]], name: str = "") -> None:
    """Keep the values of a reply, also under the names that parameters for them have."""
    if isinstance(value, dict):
        for key, inner in value.items():
            remember(inner, seen, key)
    elif isinstance(value, list):
        for inner in value:
            remember(inner, seen, name)
    elif value is not None:
        for prefix in ("", "first_", "second_", "from_", "to_", "new_"):
            seen.setdefault(prefix + name, []).append(value)
