import random
import re

import pytest

from astra_arena.synthesizer.tasks.questions import (
    Storyteller,
    gives_away,
    within_sentence,
    wording_finding,
)
from astra_arena.synthesizer.tasks.task_graphs import Condition, Plan, Shape, Step
from astra_arena.synthesizer.tasks.task_sampler import sample_tasks
from tests.support.requirement import requirement
from tests.synthesizer.analysed import Analysed


def told(source: Analysed, shape: Shape, *steps: Step, seed: int = 0) -> str:
    plan = Plan(shape, steps)
    return Storyteller(source.catalogue, plan, random.Random(seed)).tell().question


def ways_to_tell(source: Analysed, shape: Shape, *steps: Step) -> set[str]:
    return {told(source, shape, *steps, seed=seed) for seed in range(40)}


DELTA = Step(
    "q1", "pick", "airlines", (Condition("name", "is", "Delta Air Lines Inc."),), "carrier"
)
KNOWN_FLIGHT = tuple(
    Condition(column, "is", value)
    for column, value in (
        ("carrier", "UA"),
        ("flight", 1545),
        ("time_hour", "2013-01-04T10:00:00Z"),
    )
)


def test_a_short_chain_is_one_sentence(flights: Analysed) -> None:
    count = Step("q2", "count", "flights", (Condition("carrier", "is", "DL", "q1"),))
    assert told(flights, "chain", DELTA, count) == (
        'How many flights operated by the airline named "Delta Air Lines Inc." are there?'
    )


def test_a_lookup_names_the_thing_by_its_role(flights: Analysed) -> None:
    flight = Step("q1", "get", "flights", KNOWN_FLIGHT, "dest")
    airport = Step("q2", "get", "airports", (Condition("faa", "is", "IAH", "q1"),), "alt")
    assert told(flights, "chain", flight, airport) == (
        "What is the altitude of the destination airport of flight UA 1545 scheduled for "
        "4 January 2013 at 10:00 UTC, in feet?"
    )


def test_values_are_spoken_as_the_hints_say(flights: Analysed) -> None:
    march = (Condition("month", "is", 3), Condition("origin", "is", "JFK"))
    top = Step("q1", "top", "flights", march, "tailnum", sort_by="arr_delay", descending=True)
    plane = Step("q2", "get", "planes", (Condition("tailnum", "is", "N1", "q1"),), "year")
    assert told(flights, "chain", top, plane) == (
        "In which year was the plane that flew the flight in March from JFK with the greatest "
        "arrival delay built?"
    )


def test_a_month_and_a_day_are_a_date(flights: Analysed) -> None:
    day = (Condition("month", "is", 6), Condition("day", "is", 25), Condition("dest", "is", "ORD"))
    count = Step("q1", "count", "flights", day)
    assert told(flights, "single", count) == "How many flights on 25 June to ORD are there?"


def test_a_pattern_is_worded_in_several_ways(shop: Analysed) -> None:
    top = Step("q1", "top", "orders", (), "customer_id", sort_by="placed_on", descending=True)
    name = Step("q2", "get", "customers", (Condition("id", "is", 5, "q1"),), "name")
    ways = ways_to_tell(shop, "chain", top, name)
    assert "What is the name of the customer of the order placed last?" in ways
    assert "What is the name of the customer of the most recently placed order?" in ways


def test_a_fork_introduces_its_parent_once(flights: Analysed) -> None:
    flight = Step("q1", "get", "flights", KNOWN_FLIGHT, "tailnum")
    tail = (Condition("tailnum", "is", "N1", "q1"),)
    seats = Step("q2", "get", "planes", tail, "seats")
    count = Step("q3", "count", "flights", tail)
    question = told(flights, "fork", flight, seats, count)
    assert question.count("UA 1545") == 1
    assert question.endswith(
        "How many seats does the plane that flew that flight have, and how many flights flown by "
        "the plane that flew that flight are there?"
    )


def test_two_rows_of_one_kind_get_names(flights: Analysed) -> None:
    first = Step("q1", "top", "flights", (), "origin", sort_by="arr_delay", descending=True)
    second = Step("q2", "top", "flights", (), "time_hour", sort_by="dep_delay", descending=True)
    report = Step(
        "q3",
        "get",
        "weather",
        (
            Condition("origin", "is", "JFK", "q1"),
            Condition("time_hour", "is", "2013-01-04T10:00:00Z", "q2"),
        ),
        "temp",
    )
    question = told(flights, "join", first, second, report)
    assert "call it the first flight" in question
    assert "at the departure airport of the first flight" in question
    assert "for the date and hour (UTC) of the second flight" in question


def test_parallel_branches_are_told_apart(flights: Analysed) -> None:
    count = Step("q2", "count", "flights", (Condition("carrier", "is", "DL", "q1"),))
    airport = Step("q3", "get", "airports", (Condition("faa", "is", "BOS"),), "alt")
    higher = Step("q4", "count", "airports", (Condition("alt", "at_least", 19, "q3"),))
    question = told(flights, "branches", DELTA, count, airport, higher)
    assert question.count("?") == 2
    assert len(question.split("? ")) == 2


def test_undescribed_tables_read_as_plain_english(shop: Analysed) -> None:
    known = Step("q1", "get", "orders", (Condition("id", "is", 1001),), "customer_id")
    count = Step("q2", "count", "orders", (Condition("customer_id", "is", 5, "q1"),))
    assert told(shop, "chain", known, count) == (
        "How many orders of the same customer as order 1001 are there?"
    )


@requirement("synth:natural-words")
def test_names_of_programs_are_not_seen_in_questions(webshop: Analysed) -> None:
    sample = sample_tasks(webshop.connection, webshop.catalogue, webshop.designs, count=80, seed=4)
    for task in sample.tasks:
        question = re.sub(r'"[^"]*"', "X", task.wording.question)
        assert not re.search(r"[a-z][A-Z]|_|\b(?:Id|Qty|At|Pct)\b|\d{4}-\d\d-\d\d", question)
        assert not re.search(r"\ba [aeio]|\ban [^aeiouhAEFHILMNORSX]|\(s\)|  ", question), question


def test_spans_and_bounds_are_said_as_people_say_them(webshop: Analysed) -> None:
    may = (
        Condition("OrderDate", "at_least", "2021-05-01 00:00:00"),
        Condition("OrderDate", "at_most", "2021-05-31 23:59:59"),
    )
    dear = (*may, Condition("TotalAmount", "at_least", 1200.0))
    ways = ways_to_tell(webshop, "single", Step("q1", "count", "Orders", dear))
    assert (
        "How many orders with a total amount of at least 1,200 placed in May 2021 are there?"
        in (ways)
    )


def test_flags_are_adjectives_and_clauses(webshop: Analysed) -> None:
    def asked(value: int) -> str:
        flag = Condition("IsActive", "is", value)
        oldest = Step("q1", "top", "Customer", (flag,), "Email", sort_by="BirthDate")
        return told(webshop, "single", oldest)

    assert asked(1) == "What is the email address of the oldest active customer?"
    assert asked(0) == "What is the email address of the oldest customer that is not active?"


@pytest.mark.parametrize(
    ("question", "answer", "expected"),
    [
        ("flights from JFK in March", "JFK", True),
        ("flights from jfk in March", "JFK", True),
        ("flight 1234", 123, False),
        ("flight 12.5", 12, False),
        ("at least 12.", 12, True),
        ("the airport of that flight", "BOS", False),
        ("on 4 March 2013", "2013-03-04", True),
        ("placed 14 March 2013", "2013-03-04", False),
        ("with 12,345 votes", 12345, True),
        ("anything", "", True),
    ],
)
def test_answers_are_found_as_words_of_their_own(
    question: str, answer: str | int, expected: bool
) -> None:
    assert gives_away(question, answer) is expected


@requirement("synth:no-leak")
def test_a_question_with_an_answer_in_it_is_refused(flights: Analysed) -> None:
    count = Step("q2", "count", "flights", (Condition("carrier", "is", "DL", "q1"),), answer=11950)
    step = Step("q1", "pick", "airlines", DELTA.conditions, "carrier", answer="delta")
    plan = Plan("chain", (step, count))
    wording = Storyteller(flights.catalogue, plan, random.Random(0)).tell()
    assert wording_finding(plan, wording) == "the question holds the answer of q1"


def test_a_row_that_is_counted_with_those_like_it_is_said_to_be_included(shop: Analysed) -> None:
    known = Step("q1", "get", "orders", (Condition("id", "is", 1001),), "customer_id")
    solved = shop.queries.solve(known)
    assert solved is not None
    shared = (Condition("customer_id", "is", solved.answer, "q1"),)
    count = Step("q2", "count", "orders", shared)
    assert told(shop, "chain", solved, count) == (
        "How many orders of the same customer as order 1001 are there, that one included?"
    )
    mean = Step("q2", "summary", "orders", shared, "total", metric="mean")
    assert told(shop, "chain", solved, mean).endswith("as order 1001, that one included?")
    highest = Step("q2", "summary", "orders", shared, "total", metric="maximum")
    assert told(shop, "chain", solved, highest).endswith("as order 1001?")
    elsewhere = (*shared, Condition("placed_on", "is", "1999-01-01"))
    other = Step("q2", "count", "orders", elsewhere)
    assert not told(shop, "chain", solved, other).endswith("that one included?")


def test_a_row_by_a_key_of_references_says_what_each_is_to_it(shop: Analysed) -> None:
    item = Step(
        "q2",
        "get",
        "order_items",
        (Condition("order_id", "is", 1001, "q1"), Condition("line", "is", 1)),
        "quantity",
    )
    order = Step("q1", "top", "orders", (), "id", sort_by="total", descending=True)
    assert (
        "What is the quantity of the order item with line 1 of the order with the highest total?"
        in (ways_to_tell(shop, "chain", order, item))
    )


def test_a_row_is_called_by_its_name(shop: Analysed) -> None:
    named = Step("q1", "pick", "customers", (Condition("name", "is", "Person 007"),), "id")
    count = Step("q2", "count", "orders", (Condition("customer_id", "is", 7, "q1"),))
    assert 'How many orders does the customer named "Person 007" have?' in (
        ways_to_tell(shop, "chain", named, count)
    )


@pytest.mark.parametrize(
    ("sentence", "within"),
    [
        ("Which airline is it?", "which airline is it?"),
        ("I need order 7.", "I need order 7."),
        ("In which year?", "in which year?"),
    ],
)
def test_a_sentence_behind_other_words_begins_small_but_for_i(sentence: str, within: str) -> None:
    assert within_sentence(sentence) == within
