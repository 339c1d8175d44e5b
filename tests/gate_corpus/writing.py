"""Short ways to write down tools and tasks of the corpus."""

from collections.abc import Callable, Mapping, Sequence
from typing import Literal

from astra_arena.core.canonical import Json, JsonObject
from astra_arena.core.environment import Environment, Licence, ToolSpec, World
from astra_arena.core.tasks import (
    Alternative,
    Answer,
    AnswerKind,
    Budget,
    Expectation,
    RowSelector,
    SubQuestion,
    Task,
    Turn,
)
from tests.gate_corpus.case import Case, Draft, Gate

TEXT: JsonObject = {"type": "string"}
INTEGER: JsonObject = {"type": "integer"}
NUMBER: JsonObject = {"type": "number"}
DATE: JsonObject = {"type": "string", "description": "As YYYY-MM-DD."}
LIMIT: JsonObject = {
    "type": "integer",
    "minimum": 1,
    "maximum": 20,
    "default": 5,
    "description": "Most rows to return.",
}


def maybe(kind: str) -> JsonObject:
    """Return the schema of a filter that may be left out."""
    return {"type": list[Json]([kind, "null"]), "default": None}


def object_of(properties: Mapping[str, Json], *, all_required: bool = True) -> JsonObject:
    """Return the schema of an object; properties with a default may be left out."""
    required: list[Json] = [
        name
        for name, rule in properties.items()
        if all_required or not (isinstance(rule, dict) and "default" in rule)
    ]
    return {
        "type": "object",
        "properties": dict(properties),
        "required": required,
        "additionalProperties": False,
    }


def page_of(fields: Mapping[str, Json]) -> JsonObject:
    """Return the properties of a page of rows."""
    return {
        "rows": {"type": "array", "items": object_of(fields)},
        "total": INTEGER,
        "limit": INTEGER,
    }


def tool(
    name: str,
    description: str,
    takes: Mapping[str, Json],
    gives: Mapping[str, Json],
    *,
    read_only: bool = True,
) -> ToolSpec:
    """Return what an agent is told of a tool."""
    return ToolSpec(
        name=name,
        description=description,
        input_schema=object_of(takes, all_required=False),
        output_schema=object_of(gives),
        read_only=read_only,
    )


def environment(
    name: str,
    title: str,
    description: str,
    tools: Sequence[ToolSpec],
    *,
    kind: Literal["sqlite", "json", "python"] = "sqlite",
    clock: str = "2025-03-01T08:00:00Z",
) -> Environment:
    """Return the manifest of an environment whose data is made up."""
    file = "world.sqlite" if kind == "sqlite" else "world.json"
    return Environment(
        name=name,
        title=title,
        description=description,
        domain=name.partition("-")[0],
        format_version=1,
        tools=tuple(tools),
        world=World(kind=kind, file=file, clock=clock),
        licence=Licence(name="CC0-1.0", source="made up"),
        provenance={"source": "made up for tests"},
    )


def ref(step: str) -> JsonObject:
    """Return a reference to the whole answer of a step."""
    return {"$from": step, "path": ""}


ACT = Expectation(kind="act")
ANSWER = Expectation(kind="answer")


class Writer:
    """Writes the tasks of one environment."""

    def __init__(self, name: str) -> None:
        self.name = name

    def step(
        self,
        identifier: str,
        question: str,
        call: tuple[str | None, Mapping[str, Json]],
        path: str,
        value: Json,
        *,
        kind: AnswerKind | None = None,
        tolerance: float = 0.0,
        after: Sequence[str] = (),
        where: RowSelector | None = None,
        alternatives: Sequence[Alternative] = (),
        turn: int = 0,
    ) -> SubQuestion:
        """Return a sub-question; its parents are those that its arguments refer to, and `after`."""
        name, arguments = call
        parents = [str(one["$from"]) for one in arguments.values() if isinstance(one, dict) and one]
        plain: AnswerKind = "text" if isinstance(value, str) else "number"
        return SubQuestion(
            id=identifier,
            question=question,
            environment=self.name,
            tool=name,
            arguments=dict(arguments),
            depends_on=tuple(dict.fromkeys((*parents, *after))),
            answer=Answer(
                path=path, where=where, kind=kind or plain, value=value, tolerance=tolerance
            ),
            alternatives=tuple(alternatives),
            turn=turn,
        )

    def task(
        self, identifier: str, say: str | Sequence[Turn], *steps: SubQuestion, **more: object
    ) -> Task:
        """Return a task; twice as many calls as the gold needs, and two more, may be made."""
        turns = (Turn(say=say, expect=ACT),) if isinstance(say, str) else tuple(say)
        needed = sum(step.tool is not None for step in steps)
        more.setdefault("budget", Budget(calls=2 * needed + 2))
        fields: dict[str, object] = {
            "id": identifier,
            "environments": ("sha256:unbound",),
            "turns": turns,
            "sub_questions": steps,
        }
        return Task.model_validate({**fields, **more})


def checked(task: Task, **changes: object) -> Task:
    """Return a task with fields changed, validated as if it had been read."""
    return Task.model_validate({**dict(task), **changes})


def good(name: str, draft: Callable[[], Draft]) -> Case:
    """Return a case that every gate ought to pass."""
    return Case(name=name, draft=draft)


def bad(name: str, gate: Gate, defect: str, draft: Callable[[], Draft], *tasks: str) -> Case:
    """Return a case with one defect: of the tasks named, else of the whole environment."""
    return Case(
        name=name,
        draft=draft,
        defect=defect,
        gate=gate,
        rejects="task" if tasks else "environment",
        tasks=tasks,
    )
