import pytest
from hypothesis import given
from hypothesis import strategies as st

from astra_arena.core.errors import SpecError
from astra_arena.core.offers import (
    ToolRef,
    offered_name,
    offered_tools,
    slots_of_arguments,
    tool_ref,
)
from astra_arena.core.tasks import Turn
from tests.core.conversations import ACT, ask, slot_of, talk_of

ONE = {"library": ("find", "lend")}
TWO = {"library": ("find", "lend"), "city-guide": ("find",)}


def turn(added: tuple[str, ...] = (), removed: tuple[str, ...] = ()) -> Turn:
    return Turn(say="Go on.", expect=ACT, tools_added=added, tools_removed=removed)


def test_tools_are_called_by_their_own_names_in_one_environment_and_by_full_names_in_several() -> (
    None
):
    task = talk_of(ACT)
    assert list(offered_tools(task, ONE)) == ["find", "lend"]
    assert offered_tools(task, TWO) == {
        "library__find": ToolRef("library", "find"),
        "library__lend": ToolRef("library", "lend"),
        "city-guide__find": ToolRef("city-guide", "find"),
    }


def test_what_a_turn_changes_holds_from_there_on_and_the_order_is_the_members() -> None:
    turns = (turn(removed=("find",)), turn(added=("find",), removed=("lend",)), turn())
    task = talk_of(ACT, turns=turns)
    offers = [list(offered_tools(task, ONE, turn=number)) for number in range(3)]
    assert offers == [["lend"], ["find"], ["find"]]


def test_a_task_that_names_its_tools_starts_with_those() -> None:
    task = talk_of(ACT, tools=("city-guide__find", "library__lend"))
    assert list(offered_tools(task, TWO)) == ["library__lend", "city-guide__find"]


@pytest.mark.parametrize("name", ["burn", "library__burn", "nowhere__find", "__find", ""])
def test_a_tool_that_no_member_has_is_named(name: str) -> None:
    for members in (ONE, TWO):
        with pytest.raises(SpecError, match=f"do not have: {name}"):
            offered_tools(talk_of(ACT, tools=(name,)), members)
    with pytest.raises(SpecError, match="do not have"):
        offered_tools(talk_of(ACT, turns=(turn(removed=(name,)),)), ONE)


def test_a_bare_name_is_ambiguous_among_several() -> None:
    assert tool_ref("find", ("library", "city-guide")) is None
    assert tool_ref("find", ("library",)) == ToolRef("library", "find")


@given(
    st.from_regex(r"[a-z][a-z0-9-]{0,10}", fullmatch=True),
    st.from_regex(r"[a-z][a-z0-9_]{0,10}", fullmatch=True),
)
def test_a_name_that_was_given_is_read_back(environment: str, tool: str) -> None:
    ref = ToolRef(environment, tool)
    assert tool_ref(offered_name(ref, joint=True), (environment, "other")) == ref


def test_arguments_are_bound_to_slots_by_either_name_of_the_tool() -> None:
    seat = slot_of("seat")
    task = talk_of(ask("seat"), slots=(seat,))
    assert slots_of_arguments(task, ToolRef("library", "get_book")) == {"seat": seat}
    assert slots_of_arguments(task, ToolRef("library", "find")) == {}
