"""Tools that calculate, as agents are told of them; their code stands in `arithmetic_code`."""

from dataclasses import dataclass

from astra_arena.core.canonical import Json, JsonObject
from astra_arena.core.environment import ToolSpec

LARGEST = 10**15
"""No figure of a question is larger; floats are exact to the unit up to here."""
DECIMALS = 10
"""Digits behind the point that a result is rounded to."""


@dataclass(frozen=True, slots=True)
class ArithmeticTool:
    """A tool over numbers."""

    name: str
    parameters: tuple[str, ...]
    description: str
    returns: str
    optional: tuple[str, ...] = ()
    """Parameters at the end that may be left out."""
    commutes: bool = False
    """Whether its arguments may change places."""

    @property
    def spec(self) -> ToolSpec:
        """What agents are told."""
        properties: JsonObject = {
            name: {"type": "number", "minimum": -LARGEST, "maximum": LARGEST}
            for name in self.parameters
        }
        for name in self.optional:
            properties[name] = {
                "type": ["number", "null"],
                "minimum": -LARGEST,
                "maximum": LARGEST,
                "default": None,
            }
        required: list[Json] = list(self.parameters)
        return ToolSpec(
            name=self.name,
            description=self.description,
            input_schema={
                "type": "object",
                "properties": properties,
                "required": required,
                "additionalProperties": False,
            },
            output_schema={
                "type": "object",
                "properties": {"result": {"type": "number", "description": self.returns}},
                "required": ["result"],
                "additionalProperties": False,
            },
            read_only=True,
        )


ADD = ArithmeticTool(
    name="add",
    parameters=("first", "second"),
    description="Add two numbers.",
    returns="The sum.",
    commutes=True,
)
SUBTRACT = ArithmeticTool(
    name="subtract",
    parameters=("minuend", "subtrahend"),
    description="Subtract the second number from the first.",
    returns="The difference, minuend - subtrahend.",
)
MULTIPLY = ArithmeticTool(
    name="multiply",
    parameters=("first", "second"),
    description="Multiply two numbers.",
    returns="The product.",
    commutes=True,
)
DIVIDE = ArithmeticTool(
    name="divide",
    parameters=("dividend", "divisor"),
    description="Divide the first number by the second.",
    returns="The quotient, dividend / divisor.",
)
PERCENT_OF = ArithmeticTool(
    name="percent_of",
    parameters=("part", "whole"),
    description="Say how many percent of the whole a part is.",
    returns="100 * part / whole.",
)
PERCENT_CHANGE = ArithmeticTool(
    name="percent_change",
    parameters=("before", "after"),
    description="Say by how many percent a number changed.",
    returns="100 * (after - before) / before; negative for a decrease.",
)
AVERAGE = ArithmeticTool(
    name="average",
    parameters=("first", "second"),
    optional=("third", "fourth"),
    description="Take the average of two to four numbers.",
    returns="Their sum divided by how many they are.",
    commutes=True,
)

ELEMENTARY = (ADD, SUBTRACT, MULTIPLY, DIVIDE)
ALL = (*ELEMENTARY, PERCENT_OF, PERCENT_CHANGE, AVERAGE)
BY_NAME = {tool.name: tool for tool in ALL}
