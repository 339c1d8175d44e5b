"""The parts of a verdict."""

from typing import Literal

from astra_arena.core.canonical import JsonObject
from astra_arena.core.model import Model

ComponentKind = Literal["graded", "factor"]
"""`graded`: part of the mean that is the reward. `factor`: multiplies the reward."""


class Component(Model):
    """One named, rule-decided part of a verdict, with its evidence."""

    name: str
    value: float
    """In [0, 1]."""
    evidence: JsonObject
    kind: ComponentKind = "graded"
