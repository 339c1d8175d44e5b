"""Small tasks and call records, built by hand."""

from astra_arena.core.calls import CallRecord, Outcome
from astra_arena.core.canonical import Json, JsonObject
from astra_arena.core.tasks import Answer, Expectation, RowSelector, SubQuestion, Task, Turn

ENVIRONMENT = "library"


def sub_question(
    identifier: str,
    *,
    tool: str | None = "get_book",
    arguments: JsonObject | None = None,
    parents: tuple[str, ...] = (),
    value: Json = "Dune",
    where: RowSelector | None = None,
) -> SubQuestion:
    return SubQuestion(
        id=identifier,
        question=f"question {identifier}?",
        environment=ENVIRONMENT,
        tool=tool,
        arguments=arguments if arguments is not None else {"id": identifier},
        depends_on=parents,
        answer=Answer(path="/answer", kind="exact", value=value, where=where),
    )


def task_of(*questions: SubQuestion, forbidden: tuple[str, ...] = ()) -> Task:
    return Task(
        id="t1",
        environments=("sha256:0",),
        turns=(Turn(say="Please find out.", expect=Expectation(kind="act")),),
        sub_questions=questions,
        forbidden=forbidden,
    )


def call_of(
    index: int,
    arguments: Json,
    *,
    tool: str = "get_book",
    result: JsonObject | None = None,
    outcome: Outcome = "ok",
    fault: str | None = None,
    own: bool = False,
) -> CallRecord:
    ok = outcome == "ok"
    return CallRecord(
        index=index,
        environment=ENVIRONMENT,
        tool=tool,
        arguments=arguments,
        outcome=outcome,
        result=(result if result is not None else {"answer": "Dune"}) if ok else None,
        message=None if ok else "no",
        fault=fault,
        own=own,
    )
