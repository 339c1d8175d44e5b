"""Structure is decided by code: what a released synthesis let through cannot be made here."""

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from astra_arena.core.canonical import Json, JsonObject
from astra_arena.core.errors import SpecError
from astra_arena.synthesizer.qa.decomposition import Decomposition, QuestionNode
from astra_arena.synthesizer.qa.instance import QAInstance
from astra_arena.synthesizer.qa.structure import require_sound, structure_of
from astra_arena.synthesizer.qa.traces import decomposition_from_steps
from tests.support.requirement import requirement


def step(identifier: Json, dependency: Json = None, **more: Json) -> JsonObject:
    """A step with the names that the released code of ASTRA gives its fields."""
    return {
        "_uuid": identifier,
        "sub_question": f"What is {identifier}?",
        "sub_answer": f"answer {identifier}",
        "dependency": dependency,
        **more,
    }


def refused(*steps: Json, finals: tuple[Json, ...] = ()) -> str:
    with pytest.raises(SpecError) as caught:
        decomposition_from_steps(list(steps), finals=finals)
    return caught.value.message


@requirement("qa:structure")
def test_a_dependency_that_is_no_list_is_refused_and_not_ignored() -> None:
    assert "expected a list of ids as dependencies, or null, got 1" in refused(step(1), step(2, 1))


@requirement("qa:structure")
def test_a_flag_in_words_is_refused_and_not_taken_for_true() -> None:
    told = refused(step(1, None, is_parallel="false"))
    assert "expected true or false as 'parallel', got 'false'" in told
    told = refused(step(1, None, tool_necessity="false"))
    assert "expected true or false as 'needs_tool', got 'false'" in told


@requirement("qa:structure")
def test_the_id_0_and_ids_in_any_order_name_the_steps_that_have_them() -> None:
    made = decomposition_from_steps([step(7, [0, "b"]), step(0), step("b", [0])])
    assert [node.id for node in made.nodes] == ["q7", "q0", "qb"]
    assert made.node("q7").depends_on == ("q0", "qb")
    assert structure_of(made.parents).levels == {"q0": 1, "qb": 2, "q7": 3}


@requirement("qa:structure")
def test_ids_that_occur_twice_or_are_no_ids_are_refused() -> None:
    assert "expected every id once, got '1' more than once" in refused(step(1), step(1))
    assert "expected every id once, got '1' more than once" in refused(step(1), step("1"))
    assert "expected a number or a text as id, got True" in refused(step(True))
    assert "expected a number or a text as id, got nothing" in refused({"sub_question": "What?"})


@requirement("qa:structure")
def test_a_dependency_on_nothing_that_is_there_is_refused() -> None:
    assert "expected an id out of 1, 2, got 3" in refused(step(1), step(2, [3]))
    assert "expected an id out of 1, got True" in refused(step(1, [True]))


@requirement("qa:structure")
def test_circles_are_refused_however_long() -> None:
    assert "expected no circle among dependencies" in refused(step(1, [1]))
    long = [step(n, [n % 9 + 1]) for n in range(1, 10)]
    assert "expected no circle among dependencies" in refused(*long)


@requirement("qa:structure")
def test_a_step_that_does_not_lead_to_the_answer_is_refused() -> None:
    told = refused(step(1), step(2), step(3, [1]))
    assert "expected one sub-question that nothing depends on, got q2, q3" in told
    told = refused(step(1), step(2), step(3, [1]), finals=(3,))
    assert "q2 does not lead to the final answer, q3" in told
    made = decomposition_from_steps([step(1), step(2), step(3, [1])], finals=(2, 3))
    assert made.final_ids == ("q2", "q3")


@requirement("qa:structure")
def test_stated_levels_and_parallel_steps_must_be_those_that_follow() -> None:
    chain: list[Json] = [step(1, None, hop_level=1), step(2, [1], hop_level=2)]
    assert decomposition_from_steps(chain).is_answered
    told = refused(step(1), step(2, [1]), step(3, [1, 2], hop_level=2))
    assert "expected level 3, the longest path to it, got 2" in told
    told = refused(step(1, None, is_parallel=True), step(2, [1]))
    assert "expected parallel to be false, since no other has level 1, got true" in told


@requirement("qa:structure")
def test_nothing_at_all_is_no_decomposition() -> None:
    assert "expected a list of steps, got []" in refused()
    with pytest.raises(SpecError, match="expected a list of steps, got nothing"):
        decomposition_from_steps(None)
    with pytest.raises(SpecError, match=r"expected a list of steps, got \{\}"):
        decomposition_from_steps({})
    assert "expected an object, got 'q1'" in refused("q1")


@requirement("qa:structure")
def test_an_empty_answer_is_none_and_an_unknown_field_is_named() -> None:
    assert "expected an answer with a content, got ''" in refused({**step(1), "sub_answer": ""})
    assert "there is no field 'depends'" in refused({**step(1), "depends": [1]})
    assert "say the same" in refused({**step(1), "id": 1})


@requirement("qa:structure")
def test_a_question_refers_to_what_it_depends_on_alone() -> None:
    made = decomposition_from_steps(
        [{"id": 1, "question": "Who?"}, {"id": 2, "question": "Where is #1?", "depends_on": [1]}]
    )
    assert made.node("q2").question == "Where is {q1}?"
    with pytest.raises(ValueError, match=r"the question refers to \['q1'\]"):
        QuestionNode(id="q2", question="Where is {q1}?")


@requirement("qa:structure")
def test_the_four_topologies_are_told_apart() -> None:
    def topology(*parents: tuple[str, tuple[str, ...]]) -> str:
        return structure_of(parents).topology

    assert topology(("a", ())) == "single_hop"
    assert topology(("a", ()), ("b", ())) == "parallel_single_hop"
    assert topology(("a", ()), ("b", ("a",)), ("c", ("b",))) == "multi_hop"
    assert topology(("a", ()), ("b", ()), ("c", ("a", "b"))) == "parallel_multi_hop"
    assert topology(("a", ()), ("b", ("a",)), ("c", ("a",))) == "parallel_multi_hop"


@requirement("qa:structure")
def test_hops_out_of_range_are_refused() -> None:
    nodes = decomposition_from_steps([step(1), step(2, [1])]).to_json()
    record: dict[str, Json] = {
        "id": "x",
        "question": "What?",
        "answer": {"kind": "text", "value": "it"},
        "domain": "general",
        "decomposition": nodes,
        "source": {
            "format": "plain",
            "file": "a",
            "digest": "sha256:0",
            "index": 0,
            "licence": {"name": "MIT"},
        },
    }
    assert QAInstance.from_json({**record, "hops": {"most": 2}}, what="x").hops is not None
    with pytest.raises(SpecError, match="expected 3 to 5 hops, got 2"):
        QAInstance.from_json({**record, "hops": {"least": 3, "most": 5}}, what="x")


@st.composite
def graphs(draw: st.DrawFn) -> list[tuple[str, tuple[str, ...]]]:
    size = draw(st.integers(1, 7))
    names = [f"q{n}" for n in range(size)]
    return [
        (name, tuple(sorted(draw(st.sets(st.sampled_from(names[:n]), max_size=3)))))
        if n
        else (name, ())
        for n, name in enumerate(names)
    ]


@requirement("qa:structure")
@given(graphs())
def test_a_level_is_the_longest_path_whatever_the_order_of_the_steps(
    parents: list[tuple[str, tuple[str, ...]]],
) -> None:
    by_name = dict(parents)

    def longest(name: str) -> int:
        return 1 + max((longest(above) for above in by_name[name]), default=0)

    for order in list(permutations(parents))[:6]:
        structure = structure_of(order)
        assert structure.levels == {name: longest(name) for name in by_name}
        alike = list(structure.levels.values())
        assert structure.parallel == {
            name: alike.count(level) > 1 for name, level in structure.levels.items()
        }


def test_a_decomposition_checks_itself() -> None:
    loose = QuestionNode(id="q1", question="What?", depends_on=("q9",))
    with pytest.raises(ValueError, match="q1 depends on q9"):
        Decomposition(nodes=(loose,))
    with pytest.raises(ValueError, match="names a dependency twice"):
        require_sound([("q1", ()), ("q2", ("q1", "q1"))])
