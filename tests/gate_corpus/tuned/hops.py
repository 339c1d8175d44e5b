"""Chains of look-ups, written down as what is asked at each step."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from astra_arena.core.canonical import Json
from astra_arena.core.tasks import SubQuestion
from tests.gate_corpus.writing import Writer, ref

Row = dict[str, Any]
Records = Mapping[str, Mapping[Any, Row]]
"""Rows by table and key."""


@dataclass(frozen=True, slots=True)
class Hop:
    """One look-up: of what came before, or of what the user named."""

    name: str
    question: str
    """`{}` stands for what is looked up where the user named it."""
    tool: str
    argument: str
    table: str
    field: str


def chain(
    writer: Writer, records: Records, start: Json, *hops: Hop, prefix: str = "", turn: int = 0
) -> tuple[SubQuestion, ...]:
    """Return the sub-questions of look-ups of which each takes the answer of the one before."""
    steps: list[SubQuestion] = []
    key: Any = start
    for hop in hops:
        value = records[hop.table][key][hop.field]
        argument: Json = ref(steps[-1].id) if steps else start
        steps.append(
            writer.step(
                prefix + hop.name,
                hop.question.format(start),
                (hop.tool, {hop.argument: argument}),
                f"/{hop.field}",
                value,
                turn=turn,
            )
        )
        key = value
    return tuple(steps)
