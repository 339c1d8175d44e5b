"""Programs become calls: the shortest that the tools allow, with values held to fractions."""

from fractions import Fraction

import pytest

from astra_arena.core.errors import SpecError
from astra_arena.core.tasks import Answer, SubQuestion
from astra_arena.synthesizer.qa.decomposition import CellSource, Operand
from astra_arena.synthesizer.qa.environments.arithmetic_tools import ALL, ELEMENTARY
from astra_arena.synthesizer.qa.environments.call_program import CallProgram, applied, rounded
from astra_arena.synthesizer.qa.expression import parse_expression
from astra_arena.synthesizer.qa.programs import ProgramBuilder, given
from tests.support.requirement import requirement

EVERY = frozenset(tool.name for tool in ALL)
PLAIN = frozenset(tool.name for tool in ELEMENTARY)


def program(text: str, tools: frozenset[str] = EVERY, *, given_up_to: int = 9) -> CallProgram:
    """The program of an expression; numbers beyond a bound are facts, each place its own."""
    builder = ProgramBuilder()
    column = 0

    def leaf(number: object) -> Operand:
        nonlocal column
        value = Fraction(str(getattr(number, "value", 0)))
        if abs(value) <= given_up_to or value == 100:
            return given(value)
        column += 1
        return builder.fact(
            f"What is {column}?", value, CellSource(kind="cell", row=int(value), column=0)
        )

    last = builder.expression(parse_expression(text), leaf)
    return CallProgram(builder.decomposition(last), tools)


def questions(made: CallProgram) -> tuple[SubQuestion, ...]:
    facts = {
        node.id: SubQuestion(
            id=node.id,
            question=node.question,
            environment="test",
            tool="find",
            arguments={"name": node.id},
            answer=Answer(
                path="/value",
                kind="number",
                value=None if node.answer is None else node.answer.value,
            ),
        )
        for node in made.facts
    }
    return made.questions("test", facts)


def tools_of(text: str, tools: frozenset[str] = EVERY) -> list[str]:
    return [step.tool for step in program(text, tools).steps.values()]


@requirement("qa:shortest")
@pytest.mark.parametrize(
    ("text", "tools", "value"),
    [
        ("(40-32)/32*100", ["percent_change"], 25),
        ("(40/32-1)*100", ["percent_change"], 25),
        ("100*(24/32)", ["percent_of"], 75),
        ("(20+40)/2", ["average"], 30),
        ("(20+40+30)/3", ["average"], 30),
        ("(20+40+30+70)/4", ["average"], 40),
        ("(20+40)/3", ["add", "divide"], 20),
        ("(10+20+30+40+50)/5", ["add", "add", "add", "add", "divide"], 30),
        ("20-10-5", ["subtract", "subtract"], 5),
    ],
)
def test_what_one_tool_does_at_once_is_one_call(text: str, tools: list[str], value: int) -> None:
    made = program(text)
    assert [step.tool for step in made.steps.values()] == tools
    assert questions(made)[-1].answer.value == value


@requirement("qa:shortest")
def test_without_such_tools_every_step_is_a_call() -> None:
    assert tools_of("(40-32)/32*100", PLAIN) == ["subtract", "divide", "multiply"]
    assert tools_of("(20+40)/2", PLAIN) == ["add", "divide"]


@requirement("qa:shortest")
def test_a_step_that_others_need_too_stays() -> None:
    # The difference is used twice, so it has to be computed; the quotient is not.
    assert tools_of("(40-32)/32*100 + (40-32)") == ["subtract", "percent_of", "add"]


@requirement("qa:shortest")
@pytest.mark.parametrize("text", ["20*30+20*40", "20*30-40*20", "20/50+30/50"])
def test_a_factor_in_common_means_that_a_shorter_program_exists(text: str) -> None:
    with pytest.raises(SpecError, match="a shorter program exists"):
        program(text)


def test_arguments_that_may_change_places_are_stored_as_alternatives() -> None:
    last = questions(program("(20+40+30)/3"))[-1]
    assert last.arguments == {
        "first": {"$from": "q1", "path": ""},
        "second": {"$from": "q2", "path": ""},
        "third": {"$from": "q4", "path": ""},
        "fourth": None,
    }
    assert len(last.alternatives) == 5
    assert all(other.arguments.keys() == last.arguments.keys() for other in last.alternatives)
    assert questions(program("20-40"))[-1].alternatives == ()
    assert len(questions(program("20*40"))[-1].alternatives) == 1


def test_two_steps_that_one_call_answers_are_refused() -> None:
    builder = ProgramBuilder()
    facts = [
        builder.fact("What?", Fraction(20 - n % 2), CellSource(kind="cell", row=n, column=0))
        for n in range(4)
    ]
    differences = [builder.step("subtract", pair) for pair in (facts[:2], facts[2:])]
    made = CallProgram(builder.decomposition(builder.step("multiply", differences)), EVERY)
    with pytest.raises(SpecError, match="q5 and q6 are answered by one call"):
        questions(made)


def test_too_many_calls_and_unknown_operators_are_refused() -> None:
    with pytest.raises(SpecError, match="expected up to 10 calls, got 11"):
        program("10-20-30-40-50-60")
    builder = ProgramBuilder()
    fact = builder.fact("What?", Fraction(20), CellSource(kind="cell", row=1, column=1))
    counted = builder.step("count", (fact, given(Fraction(3))))
    with pytest.raises(SpecError, match="no tool does 'count'"):
        CallProgram(builder.decomposition(counted), EVERY)


@requirement("qa:reference")
def test_values_are_rounded_as_the_tools_round_them() -> None:
    assert rounded(Fraction(1, 3)) == Fraction("0.3333333333")
    assert rounded(Fraction(10**20)) == 10**20
    assert applied("percent_change", [Fraction(32), Fraction(40)]) == 25
    assert applied("percent_of", [Fraction(1), Fraction(8)]) == Fraction("12.5")
    with pytest.raises(SpecError, match="divides by 0"):
        applied("divide", [Fraction(1), Fraction(0)])
