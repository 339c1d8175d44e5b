"""Gates 4, 5, 7, 8 and 9 on a sound environment and on environments with one defect each."""

from pathlib import Path

import anyio
import pytest

from astra_arena.core.tasks import Alternative, Answer, Budget, Expectation, SubQuestion, Task, Turn
from astra_arena.sandbox import ProcessSandbox
from astra_arena.servers.bundles.bundle import Bundle
from astra_arena.synthesizer.gates.alternative_solutions import (
    AlternativeSolutionsGate,
    missing_alternatives,
)
from astra_arena.synthesizer.gates.argument_sensitivity import ArgumentSensitivityGate
from astra_arena.synthesizer.gates.data_flow import DataFlowGate
from astra_arena.synthesizer.gates.floor_and_ceiling import FloorAndCeilingGate
from astra_arena.synthesizer.gates.gate import Gate
from astra_arena.synthesizer.gates.wrong_solutions import FEWEST, WrongSolutionsGate
from tests.support.requirement import requirement
from tests.synthesizer.gates.examining import examined, kinds_of
from tests.synthesizer.gates.reading_room import (
    NAME,
    TOOLS_PY,
    loan_of,
    pages_of,
    reading_room_tasks,
    with_question,
    write_reading_room,
)

GATES = (
    ArgumentSensitivityGate(),
    DataFlowGate(),
    WrongSolutionsGate(),
    AlternativeSolutionsGate(),
)


@pytest.mark.parametrize("gate", GATES, ids=lambda gate: gate.name)
def test_a_sound_environment_passes_with_the_same_figures_each_time(
    tmp_path: Path, gate: Gate
) -> None:
    bundle = write_reading_room(tmp_path)
    first = anyio.run(examined, gate, bundle)
    assert first.status == "passed", first.findings
    assert anyio.run(examined, gate, bundle) == first


@requirement("gates:floor-and-ceiling")
def test_knowing_nothing_earns_little_where_there_are_many_tools(shop_bundle: Bundle) -> None:
    result = anyio.run(examined, FloorAndCeilingGate(), shop_bundle)
    assert result.status == "passed", result.findings


@requirement("gates:floor-and-ceiling")
def test_a_room_of_four_tools_gives_little_to_who_tries_each(tmp_path: Path) -> None:
    result = anyio.run(examined, FloorAndCeilingGate(), write_reading_room(tmp_path))
    assert result.status == "passed", result.findings


@requirement("gates:argument-sensitivity")
def test_a_tool_that_returns_the_same_whatever_it_is_asked_rejects_the_environment(
    tmp_path: Path,
) -> None:
    constant = TOOLS_PY.replace(
        'raise LookupError(f"no book {book_id}")', 'return {"book_id": 500, "pages": 90}'
    ).replace('if book["book_id"] == book_id:', "if False:")
    bundle = write_reading_room(tmp_path, tools_py=constant)
    result = anyio.run(examined, ArgumentSensitivityGate(), bundle)
    assert [finding.tool for finding in result.findings] == ["get_book"]
    assert result.rejects_environment


@requirement("gates:argument-sensitivity")
def test_an_argument_that_a_tool_does_not_use_rejects_the_environment(tmp_path: Path) -> None:
    deaf = TOOLS_PY.replace('book["pages"] >= pages_min', "pages_min")
    bundle = write_reading_room(tmp_path, tools_py=deaf.replace("or pages_min)", "or True)"))
    result = anyio.run(examined, ArgumentSensitivityGate(), bundle)
    assert kinds_of(result) == {"an argument without effect"}
    assert "'pages_min'" in result.findings[0].problem


@requirement("gates:data-flow")
def test_a_dependency_in_the_text_only_rejects_the_task(tmp_path: Path) -> None:
    sound, *others = reading_room_tasks()
    literal = with_question(sound, "pages", arguments={"book_id": loan_of(3)}, alternatives=())
    bundle = write_reading_room(tmp_path, tasks=(literal, *others))
    result = anyio.run(examined, DataFlowGate(), bundle)
    assert result.rejected_tasks == {sound.id}
    assert kinds_of(result) == {"a dependency in the text only"}


@requirement("gates:data-flow")
def test_tasks_that_enumeration_solves_without_the_parents_are_rejected(tmp_path: Path) -> None:
    # All books are on view now, and there are calls enough to try each.
    listing = TOOLS_PY.replace("limit=5", "limit=50")
    tasks = [task.model_copy(update={"budget": Budget(calls=64)}) for task in reading_room_tasks()]
    bundle = write_reading_room(tmp_path, tools_py=listing.replace("[:limit]", ""), tasks=tasks)
    result = anyio.run(examined, DataFlowGate(), bundle)
    assert kinds_of(result) == {"solved without its parents"}


@requirement("gates:floor-and-ceiling")
def test_a_task_that_any_call_solves_is_too_high_a_floor(tmp_path: Path) -> None:
    listed = Task(
        id="listed",
        environments=("sha256:unbound",),
        turns=(Turn(say="What is listed?", expect=Expectation(kind="act")),),
        sub_questions=(
            SubQuestion(
                id="first",
                question="Which book comes first?",
                environment=NAME,
                tool="find_books",
                arguments={"limit": 5, "book_id": None, "pages_min": None},
                answer=Answer(path="/books/0/pages", kind="number", value=pages_of(500)),
            ),
        ),
    )
    bundle = write_reading_room(tmp_path, tasks=(listed,))
    result = anyio.run(examined, FloorAndCeilingGate(), bundle)
    assert "a floor that is too high" in kinds_of(result)


@requirement("gates:floor-and-ceiling")
def test_a_gold_that_does_not_earn_everything_rejects_the_task(tmp_path: Path) -> None:
    sound, *others = reading_room_tasks()
    broken = with_question(sound, "book", arguments={"reader_id": 999, "limit": 1})
    bundle = write_reading_room(tmp_path, tasks=(broken, *others))
    result = anyio.run(examined, FloorAndCeilingGate(), bundle)
    assert result.rejected_tasks == {sound.id}


@requirement("gates:wrong-solutions")
def test_each_task_has_ten_wrong_solutions_of_five_kinds_that_earn_less(tmp_path: Path) -> None:
    result = anyio.run(examined, WrongSolutionsGate(), write_reading_room(tmp_path))
    assert isinstance(fewest := result.figures["fewest_per_task"], int)
    assert fewest >= FEWEST
    assert isinstance(by_type := result.figures["kinds_by_type"], dict)
    assert all(isinstance(kinds, dict) and len(kinds) >= 5 for kinds in by_type.values())
    assert isinstance(highest := result.figures["highest_reward"], float)
    assert highest <= 0.9


@requirement("gates:wrong-solutions")
def test_an_alternative_that_accepts_the_wrong_entity_rejects_the_task(tmp_path: Path) -> None:
    sound, *others = reading_room_tasks()
    any_book = Alternative(
        tool="get_book", arguments={"book_id": {"$any": list(range(500, 540))}}, path="/pages"
    )
    loose = with_question(sound, "pages", alternatives=(any_book,))
    bundle = write_reading_room(tmp_path, tasks=(loose, *others))
    result = anyio.run(examined, WrongSolutionsGate(), bundle)
    assert result.rejected_tasks == {sound.id}
    assert "a rewarded wrong solution" in kinds_of(result)


@requirement("gates:alternative-solutions")
def test_a_natural_call_that_is_not_accepted_is_found_and_can_be_added(tmp_path: Path) -> None:
    sound, *others = reading_room_tasks()
    strict = with_question(sound, "pages", alternatives=())
    bundle = write_reading_room(tmp_path, tasks=(strict, *others))
    result = anyio.run(examined, AlternativeSolutionsGate(), bundle)
    assert result.rejected_tasks == {sound.id}
    assert kinds_of(result) == {"a missing alternative"}

    async def completed() -> tuple[Task, ...]:
        async with ProcessSandbox() as sandbox:
            return await missing_alternatives(bundle, sandbox, bundle.tasks)

    whole = write_reading_room(tmp_path, tasks=anyio.run(completed))
    assert anyio.run(examined, AlternativeSolutionsGate(), whole).status == "passed"
