"""Arithmetic is read without running it, and computed exactly."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from astra_arena.core.errors import SpecError
from astra_arena.synthesizer.qa.expression import evaluate, leaves, parse_expression
from astra_arena.synthesizer.qa.number_text import (
    cell_number,
    number_text,
    numbers_in_text,
    plain_number,
)
from tests.support.requirement import requirement


def value(text: str) -> Fraction:
    return evaluate(parse_expression(text))


@requirement("qa:programs")
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("16-3-4", "9"),
        ("[(166+178)/2] - [(57+44)/2]", "121.5"),
        ("9,765,155-6,916,105", "2849050"),
        ("$1,000 x 2", "2000"),
        ("20%*50", "10"),
        ("(2.7%+1.3%)/2", "0.02"),
        ("-2,235-(-6,986)", "4751"),
        ("0.1+0.2", "0.3"),
        ("2^3 \u00f7 4", "2"),
        ("560//10", "56"),
        ("007*2", "14"),
        (".5*20", "10"),
    ],
)
def test_arithmetic_as_people_write_it_has_its_exact_value(text: str, expected: str) -> None:
    assert value(text) == Fraction(expected)


@requirement("qa:programs")
@pytest.mark.parametrize(
    "text",
    [
        *(
            "__import__('os').system('id')",
            "open('x')",
            "(lambda: 1)()",
            "a+1",
            "[1,2]",
            "1 if 1 else 2",
        ),
        *("'5'*2", "True+1", "1;2", "", "5+", "1/0", "9**9**9", "2**0.5", "1j", "0b1", "1__0"),
        *("(" * 300 + "1" + ")" * 300, "1+" * 400 + "1", "_percent('5')", "_percent(a)"),
        *("60.3 million + 32,137 thousand", "x x x", "1 == 1", "not 1", "~1"),
    ],
)
def test_everything_else_is_refused(text: str) -> None:
    with pytest.raises(SpecError):
        value(text)


@requirement("qa:programs")
@given(
    st.lists(st.decimals(-1000, 1000, places=2), min_size=2, max_size=5),
    st.lists(st.sampled_from("+-*"), min_size=4, max_size=4),
)
def test_sums_of_decimals_lose_nothing(numbers: list[Fraction], operators: list[str]) -> None:
    text = f"({numbers[0]})"
    expected = Fraction(str(numbers[0]))
    for number, operator in zip(numbers[1:], operators, strict=False):
        text = f"({text}){operator}({number})"
        other = Fraction(str(number))
        if operator == "+":
            expected += other
        else:
            expected = expected - other if operator == "-" else expected * other
    assert value(text) == expected
    assert len(leaves(parse_expression(text))) == len(numbers)


@pytest.mark.parametrize(
    ("text", "expected", "unit"),
    [
        ("$ 2,515", "2515", "$"),
        ("(1.9)", "-1.9", ""),
        ("34%", "34", "%"),
        ("(6.5)%", "-6.5", "%"),
        ("\u20ac1,234", "1234", "\u20ac"),
        ("$(114)", "-114", "$"),
        ("-9.9", "-9.9", ""),
    ],
)
def test_cells_are_read_as_accountants_write_them(text: str, expected: str, unit: str) -> None:
    held = cell_number(text)
    assert held is not None
    assert (held.value, held.unit) == (Fraction(expected), unit)


@pytest.mark.parametrize("text", ["\u2014", "$\u2014", "N/A", "December 31, 2019", "", "5 items"])
def test_other_cells_hold_no_number(text: str) -> None:
    assert cell_number(text) is None


def test_numbers_of_a_story_are_found_where_they_stand() -> None:
    text = "On day 7th, twenty-five of 1,200 eggs (20%) cost $2.50 at A-12, route 3/4, two each."
    found = [(text[one.start : one.end], one.percent) for one in numbers_in_text(text)]
    assert found == [
        ("twenty-five", False),
        ("1,200", False),
        ("20", True),
        ("2.50", False),
        ("two", False),
    ]


@given(st.fractions(max_denominator=10**6))
def test_a_number_written_out_is_the_number(number: Fraction) -> None:
    assert Fraction(number_text(number)) == number
    assert isinstance(plain_number(number), int) == (number.denominator == 1)
