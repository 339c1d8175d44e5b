"""What a model wants to put into a world is checked by code before any tool is written."""

import json

import pytest

from astra_arena.client.authors.chat import ChatReply
from astra_arena.client.authors.replies import read_reply
from astra_arena.synthesizer.qa.authored.asking import texts_of
from astra_arena.synthesizer.qa.worlds.data_findings import DataCheck
from astra_arena.synthesizer.qa.worlds.grown import FoundCall, Grown
from astra_arena.synthesizer.qa.worlds.replies import WorldData
from astra_arena.synthesizer.qa.worlds.shared_world import SharedWorld
from tests.support.requirement import requirement
from tests.synthesizer.qa.worlds.world_runs import (
    DATA,
    MACBETH,
    MORE_DATA,
    Reply,
    changed,
    instance,
    row,
)


def findings(reply: Reply, world: SharedWorld | None = None) -> list[str]:
    check = DataCheck(world or SharedWorld("letters-world"), MACBETH, texts_of(MACBETH))
    said = ChatReply(json.dumps(reply), "stop", None)
    return list(read_reply(said, WorldData, check).findings)


def table(**fields: object) -> Reply:
    return changed(DATA, tables=[{**DATA["tables"][0], **fields}])


def column(place: int, **fields: object) -> Reply:
    columns = [dict(one) for one in DATA["tables"][0]["columns"]]
    columns[place] |= fields
    return table(columns=columns)


def with_rows(*rows: Reply) -> Reply:
    return changed(DATA, rows=list(rows))


def query(sql: str, step: str = "q2") -> Reply:
    kept = [one for one in DATA["queries"] if one["id"] != step]
    return changed(DATA, queries=[*kept, {"id": step, "sql": sql}])


ALICE, PLAY = DATA["rows"]
BAD: dict[str, tuple[Reply, str]] = {
    "a table that is there twice": (
        changed(DATA, tables=[DATA["tables"][0]] * 2),
        "every new table once",
    ),
    "a table with a name of SQL": (table(name="order"), "expected names like"),
    "a column with spaces": (column(1, name="the kind"), "expected names like"),
    "a column twice": (column(1, name="title"), "each once"),
    "a key that is no column": (table(key=["isbn"]), "the key has 'isbn'"),
    "a row for no table": (
        with_rows(ALICE, {**PLAY, "table": "plays"}),
        "for 'plays', and there is no such table",
    ),
    "a row that is too short": (
        with_rows(ALICE, {**PLAY, "values": ["Macbeth", 1606]}),
        "has 3 columns",
    ),
    "a text for a number": (with_rows(ALICE, row("Macbeth", "play", "1606", fact=2)), "is integer"),
    "yes for a number": (
        with_rows(ALICE, row("Macbeth", "play", True, fact=2)),
        "/rows/1/values/2",
    ),
    "no value for a key": (with_rows(ALICE, row(None, "play", 1606, fact=2)), "part of the key"),
    "two rows with one key": (
        changed(DATA, distractors=[*DATA["distractors"], row("Macbeth", "opera", 1847)]),
        "has the same key",
    ),
    "a fact as a distractor": (
        changed(DATA, distractors=[*DATA["distractors"], row("Macbeth", "play", 1606)]),
        "both a fact and a distractor",
    ),
    "a row that no fact states": (
        with_rows(ALICE, {**PLAY, "fact": None, "quote": None}),
        "name the fact or quote",
    ),
    "a fact that is not there": (with_rows(ALICE, {**PLAY, "fact": 7}), "there is no fact 7"),
    "another fact": (
        with_rows(ALICE, row("Hamnet", "novel", 2020, fact=2)),
        "states none of it",
    ),
    "a quote that is not there": (
        with_rows(ALICE, {**PLAY, "fact": None, "quote": "in 1606"}),
        "exact words",
    ),
    "fact and quote": (with_rows(ALICE, {**PLAY, "quote": "1606"}), "got both"),
    "an answer that stands nowhere": (
        with_rows(ALICE, row("Macbeth", "play", 1605, fact=2)),
        "q2: expected 1606",
    ),
    "a query too few": (changed(DATA, queries=DATA["queries"][:1]), "each of q1, q2 once"),
    "a query of something else": (
        query("SELECT first_year FROM works WHERE title = 'Hamlet'"),
        "gives 1603, not 1606|facts alone",
    ),
    "a query that knows the answer": (
        query("SELECT first_year FROM works WHERE first_year = 1606"),
        "states the answer",
    ),
    "a query that reads nothing": (query("SELECT 1600 + 6"), "reads no table"),
    "a query that only seems to read": (
        query("SELECT 1600 + 6 FROM (SELECT count(*) FROM works)"),
        "without any row",
    ),
    "a query that distractors mislead": (
        query("SELECT min(first_year) FROM works"),
        "on all rows the query gives 1603",
    ),
    "a query of two columns": (
        query("SELECT title, first_year FROM works WHERE title = 'Macbeth'"),
        "one column",
    ),
    "a query of many rows": (query("SELECT first_year FROM works"), "one row, got 8"),
    "a query that writes": (query("DELETE FROM works"), "only reads rows"),
    "a query that attaches": (query("ATTACH 'x.db' AS x"), "only reads rows|fails"),
    "two statements": (query("SELECT 1; DROP TABLE works"), "fails"),
    "a query of chance": (
        query("SELECT first_year FROM works WHERE title = 'Macbeth' AND random() IS NOT NULL"),
        "may not use the function random",
    ),
    "a query of the time": (
        query("SELECT first_year FROM works WHERE title = 'Macbeth' AND date('now') > ''"),
        "depend on the time",
    ),
    "a query without end": (
        query(
            "WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t) SELECT max(n) FROM t"
        ),
        "takes too long",
    ),
    "a query that fills memory": (
        query("SELECT replace(hex(zeroblob(100000000)), '0', 'x')"),
        "may not use the function|fails",
    ),
    "a query that is none": (query("When was it?"), "fails"),
    "a query that takes what is not asked before": (
        query("SELECT first_year FROM works WHERE title = 'Macbeth' AND first_year < :q1"),
        "takes :q1, which q2 does not depend on",
    ),
    "too few distractors": (
        changed(DATA, distractors=DATA["distractors"][:3]),
        "works: expected 6 distractor rows at least",
    ),
}


def test_good_data_has_no_findings() -> None:
    assert findings(DATA) == []


@requirement("worlds:bad-data")
@pytest.mark.parametrize("name", BAD)
def test_bad_data_is_told(name: str) -> None:
    reply, expected = BAD[name]
    told = findings(reply)
    assert told
    assert any(part in one for one in told for part in expected.split("|")), (
        f"expected {expected!r} in {told}"
    )


@requirement("worlds:shared")
def test_what_held_in_a_world_must_hold_with_new_rows() -> None:
    world = SharedWorld("letters-world")
    world.add_data(WorldData.model_validate(DATA))
    again = changed(DATA, tables=[], distractors=[])
    assert findings(again, world) == []
    other = changed(again, rows=[*DATA["rows"], row("Hamlet", "play", 1604, fact=2)])
    assert "works holds ['Hamlet', 'play', 1603]" in findings(other, world)[0]
    assert "there already" in findings(DATA, world)[0]


@requirement("worlds:shared")
def test_rows_that_change_the_answer_of_another_question_are_refused() -> None:
    world = SharedWorld("letters-world")
    newest = instance(
        "newest", [("q1", "When did the newest work come out?", 1901)], "When?", answer=True
    )
    by_all: Reply = {"id": "q1", "sql": "SELECT max(first_year) FROM works"}
    data = WorldData.model_validate(changed(DATA, queries=[by_all]))
    found = FoundCall(
        id="q1", tool="newest", arguments={}, path="/year", kind="number", answer=1901
    )
    world.grow(Grown(id="newest", world=world.name, instance=newest, data=data, calls=(found,)))
    again = changed(DATA, tables=[], distractors=[])
    assert findings(again, world) == []
    newer = changed(again, distractors=[row("Ulysses", "novel", 1922)])
    (told,) = findings(newer, world)
    assert "change what 'When did the newest work come out?' of another question comes to" in told


def test_a_copy_of_a_world_is_a_world_of_its_own() -> None:
    world = SharedWorld("letters-world")
    world.add_data(WorldData.model_validate(DATA))
    copied = world.copy()
    copied.add_data(WorldData.model_validate(MORE_DATA))
    assert (len(copied.tables["works"].rows), len(copied.tables["works"].facts)) == (10, 4)
    assert (len(world.tables["works"].rows), len(world.tables["works"].facts)) == (8, 2)
