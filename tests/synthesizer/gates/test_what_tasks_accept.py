"""What tasks say is accepted, declined or asked for is held against what the tools do."""

from pathlib import Path

import pytest

from astra_arena.core.canonical import Json, JsonObject
from astra_arena.core.tasks import Alternative, Answer, Expectation, Filling, Slot, Task, Turn
from astra_arena.synthesizer.gates.alternative_solutions import AlternativeSolutionsGate
from astra_arena.synthesizer.gates.argument_sensitivity import ArgumentSensitivityGate
from astra_arena.synthesizer.gates.data_flow import DataFlowGate
from astra_arena.synthesizer.gates.gate import GateResult
from astra_arena.synthesizer.gates.leaks import LeakGate
from astra_arena.synthesizer.gates.wrong_solutions import WrongSolutionsGate
from tests.support.requirement import requirement
from tests.synthesizer.gates.archive import (
    CODES,
    NUMBER,
    SHELVES,
    TABLES,
    TEXT,
    TOOLS,
    TOOLS_PY,
    Archive,
    kinds,
    task,
    tool,
)

FINDER = """

def where_is(world, *, letter: str) -> dict:
    return get_letter(world, letter=letter)
"""


def of_task(result: GateResult, number: int) -> set[str]:
    return {one.kind for one in result.findings if one.task == f"t{number}"}


def accepting(number: int, shelf: str) -> Task:
    """A task that accepts the code of some shelf as that of its own."""
    sound = task(number)
    other = Alternative(tool="get_shelf", arguments={"shelf": shelf}, path="/code")
    code = sound.sub_questions[1].model_copy(update={"alternatives": (other,)})
    return sound.model_copy(update={"sub_questions": (sound.sub_questions[0], code)})


@requirement("gates:wrong-solutions")
def test_a_stated_alternative_that_answers_something_else_is_found(tmp_path: Path) -> None:
    wrong = Archive().retask(3, accepting(3, SHELVES[0])).checked(tmp_path, WrongSolutionsGate())
    assert "an alternative that is wrong" in of_task(wrong, 3)
    right = Archive().retask(3, accepting(3, SHELVES[2])).checked(tmp_path, WrongSolutionsGate())
    assert "an alternative that is wrong" not in of_task(right, 3)


MARKS = """

def list_marks(world, *, letter: str) -> dict:
    row = _row(
        world,
        "SELECT l.shelf, s.room FROM letters l JOIN shelves s ON s.shelf = l.shelf "
        "WHERE l.letter = upper(?)",
        letter,
    )
    return {"marks": [row["shelf"], row["room"]]}
"""


@requirement("gates:wrong-solutions")
def test_a_set_that_comes_in_another_order_by_an_alternative_is_right(tmp_path: Path) -> None:
    texts: JsonObject = {"type": "array", "items": TEXT}
    marks = tool("list_marks", {"letter": TEXT}, {"marks": texts})
    sound = task(3)
    answer = Answer(path="/marks", kind="set", value=["Camellia", SHELVES[2]])
    other = Alternative(tool="list_marks", arguments={"letter": "l-1003"}, path="/marks")
    changes = {"tool": "list_marks", "answer": answer, "alternatives": (other,)}
    only = sound.sub_questions[0].model_copy(update=changes)
    archive = Archive(
        tools_py=TOOLS_PY + MARKS,
        tools=(*TOOLS, marks),
        tasks=(sound.model_copy(update={"sub_questions": (only,)}),),
    )
    result = archive.checked(tmp_path, WrongSolutionsGate())
    assert "a rewarded wrong solution" not in kinds(result)
    assert result.figures["right_by_accident"] == {"other_format": 1}


def declining(number: int, *withheld: str) -> Task:
    sound = task(number)
    declined = Expectation(kind="decline", tool="get_letter")
    turns = (
        Turn(say=sound.prompt, expect=declined, tools_removed=withheld),
        Turn(say="Now it is there.", expect=Expectation(kind="act"), tools_added=withheld),
    )
    questions = [one.model_copy(update={"turn": 1}) for one in sound.sub_questions]
    return sound.model_copy(update={"turns": turns, "sub_questions": tuple(questions)})


@requirement("gates:alternative-solutions")
def test_a_declined_task_that_the_tools_on_offer_can_do_is_found(tmp_path: Path) -> None:
    gate, kind = AlternativeSolutionsGate(), "a declined task that can be done"
    sound = Archive().retask(3, declining(3, "get_letter"))
    assert kind not in kinds(sound.checked(tmp_path, gate))
    offered = Archive().retask(3, declining(3))
    assert kind in of_task(offered.checked(tmp_path, gate), 3)
    spec = Archive().tools[0].model_copy(update={"name": "where_is"})
    more = Archive(
        tools_py=sound.tools_py + FINDER, tools=(*sound.tools, spec), tasks=sound.tasks
    ).checked(tmp_path, gate)
    [found] = [one for one in more.findings if one.kind == kind]
    assert (found.task, found.tool) == ("t3", "where_is")


def asking(number: int, *aliases: str, tool_name: str = "get_letter") -> Task:
    sound = task(number, say="What is the code of the shelf on which my letter lies?")
    slot = Slot(
        name="letter",
        value=f"L-{1000 + number}",
        aliases=aliases,
        fills=(Filling(tool=tool_name, argument="letter"),),
    )
    turns = (Turn(say=sound.prompt, expect=Expectation(kind="ask", slot="letter")),)
    return sound.model_copy(update={"turns": turns, "slots": (slot,)})


@requirement("gates:wrong-solutions")
@pytest.mark.parametrize(("alias", "rewarded"), [("you", True), ("number", False)])
def test_a_slot_that_any_question_names_is_found(
    tmp_path: Path, alias: str, rewarded: bool
) -> None:
    result = Archive().retask(3, asking(3, alias)).checked(tmp_path, WrongSolutionsGate())
    assert ("a rewarded wrong solution" in of_task(result, 3)) == rewarded


@requirement("gates:alternative-solutions")
def test_a_slot_of_which_no_other_value_is_possible_is_found(tmp_path: Path) -> None:
    gate, kind = AlternativeSolutionsGate(), "a slot that is not open"
    assert kind not in kinds(Archive().retask(3, asking(3)).checked(tmp_path, gate))
    closed = Archive().code(
        "def get_letter(world, *, letter: str) -> dict:\n",
        "def get_letter(world, *, letter: str) -> dict:\n"
        '    if letter != "L-1003":\n        raise LookupError("no such letter")\n',
    )
    only = Archive(tools_py=closed.tools_py, tasks=(asking(3),))
    assert kind in of_task(only.checked(tmp_path, gate), 3)


@requirement("gates:alternative-solutions")
def test_other_case_that_makes_no_difference_is_accepted_or_found(tmp_path: Path) -> None:
    folding = Archive().code('WHERE letter = ?", letter)', 'WHERE letter = upper(?)", letter)')
    result = folding.checked(tmp_path, AlternativeSolutionsGate())
    assert kinds(result) == {"a missing alternative"}
    assert {one.tool for one in result.findings} == {"get_letter"}
    assert Archive().checked(tmp_path, AlternativeSolutionsGate()).status == "passed"


@requirement("gates:leak")
def test_a_tool_whose_replies_hold_the_answers_to_all_its_calls_is_found(tmp_path: Path) -> None:
    row: Json = dict(zip(SHELVES, CODES, strict=True))
    merged = Archive().code(
        'shelf, room, code FROM shelves WHERE shelf = ?", shelf)',
        f'shelf, room, code FROM shelves WHERE shelf = ?", shelf) | {{"all": {row!r}}}',
    )
    result = merged.checked(tmp_path, LeakGate())
    assert kinds(result) == {"answers to other questions in a reply"}
    assert Archive().checked(tmp_path, LeakGate()).status == "passed"


YEAR = """

def letters_of(world, *, year: int) -> dict:
    rows = world.execute("SELECT letter FROM letters WHERE year = ?", (year,)).fetchall()
    return {"letters": [{"letter": letter} for (letter,) in rows]}
"""


@requirement("gates:alternative-solutions")
@pytest.mark.parametrize("says_year", [True, False])
def test_a_slot_that_a_tool_names_from_what_is_said_is_found(
    tmp_path: Path, says_year: bool
) -> None:
    letters: Json = {"type": "array", "items": {"type": "object", "additionalProperties": True}}
    finder = tool("letters_of", {"year": NUMBER}, {"letters": letters})
    asked = asking(3)
    said = asked.turns[0].model_copy(update={"say": "What is the code of my letter of 1803?"})
    if says_year:
        asked = asked.model_copy(update={"turns": (said,)})
    archive = Archive(tools_py=TOOLS_PY + YEAR, tools=(*TOOLS, finder)).retask(3, asked)
    found = of_task(archive.checked(tmp_path, AlternativeSolutionsGate()), 3)
    assert ("a slot that is not open" in found) == says_year


@requirement("gates:data-flow")
@pytest.mark.parametrize("letters", [1, 24])
def test_members_of_a_column_that_everybody_knows_can_be_enumerated(
    tmp_path: Path, letters: int
) -> None:
    more = [
        f"INSERT INTO letters VALUES ('L-{2000 + n}', '{SHELVES[n % 6]}', {1900 + n});"
        for n in range(letters)
    ]
    archive = Archive(tables=TABLES + "\n".join(more))
    found = kinds(archive.checked(tmp_path, DataFlowGate()))
    assert ("solved without its parents" in found) == (letters > 1)


@requirement("gates:argument-sensitivity")
def test_an_argument_that_is_only_checked_is_found(tmp_path: Path) -> None:
    closed = [f"INSERT INTO shelves VALUES ('x-{n}', 'Room {n}', {n});" for n in range(9)]
    checked = Archive(tables=TABLES + "\n".join(closed)).code(
        'WHERE shelf = ?", shelf)\n\n\ndef list_years',
        "WHERE ? < 'x' LIMIT 1\", shelf)\n\n\ndef list_years",
    )
    [found] = checked.checked(tmp_path, ArgumentSensitivityGate()).findings
    assert (found.kind, found.tool) == ("an argument without effect", "get_shelf")
    assert Archive().checked(tmp_path, ArgumentSensitivityGate()).status == "passed"
