"""A lending desk: tasks that write, that run calls in parallel, and that are a conversation.

Its tools are those of the small library. The gold is a list of steps; the calls of one step do not
depend on each other and may be made at the same time.
"""

import sqlite3
from contextlib import closing
from pathlib import Path

from astra_arena.core.canonical import Json, JsonObject
from astra_arena.core.gold_program import CallAct, ReplyAct, gold_acts
from astra_arena.core.tasks import (
    Answer,
    Budget,
    Expectation,
    Filling,
    FinalAnswer,
    FinalState,
    Slot,
    StateAssertion,
    SubQuestion,
    Task,
    Turn,
    gold_answers,
    resolve_arguments,
)
from astra_arena.servers import Bundle, write_bundle
from tests.servers.small_bundle import GOLD_PHONE, TOOLS_PY, small_environment, write_small_bundle

NAME = "lending-desk"
RETURNS = "return-two-books"
CONVERSATION = "ask-which-book"
FORM = "ask-by-a-form"

Step = list[JsonObject]
"""Calls that may be made at the same time: `{"tool": …, "arguments": …}`."""


def write_desk_bundle(folder: Path) -> Bundle:
    """Write the bundle into `folder`/lending-desk and return it."""
    small = write_small_bundle(folder / "small")
    environment = small.environment.model_copy(update={"name": NAME, "title": "Lending desk"})
    world = folder / "desk.sqlite"
    world.write_bytes((small.path / small.environment.world.file).read_bytes())
    with closing(sqlite3.connect(world)) as db:
        assert db.execute("SELECT count(*) FROM loans WHERE returned = 0").fetchone() == (2,)
    assert environment.tools == small_environment().tools
    return write_bundle(
        folder / NAME,
        environment,
        tools_py=TOOLS_PY,
        world=world,
        tasks=(_returns(), _asking(), _form()),
    )


def gold_steps(task: Task) -> list[Step]:
    """Return the gold as calls of the MCP tools, in steps."""
    answers = gold_answers(task)
    depends = {question.id: set(question.depends_on) for question in task.sub_questions}
    steps: list[Step] = []
    under_way: set[str] = set()
    for act in gold_acts(task):
        match act:
            case CallAct(tool=tool, question=question):
                if len(task.environments) > 1:
                    tool = f"{act.environment}__{tool}"
                call: JsonObject = {
                    "tool": tool,
                    "arguments": resolve_arguments(act.arguments, answers),
                }
                if under_way and question is not None and not depends[question] & under_way:
                    steps[-1].append(call)
                else:
                    steps.append([call])
                    under_way = set()
                under_way.add(question or "")
            case ReplyAct(message=message, kind=kind):
                said: dict[str, Json] = {"message": message, "kind": kind}
                steps.append([{"tool": "reply", "arguments": said}])
                under_way = set()
    return steps


def _returns() -> Task:
    loans = (_loan("emma", "Emma", 2), _loan("persuasion", "Persuasion", 1))
    return Task(
        id=RETURNS,
        environments=("sha256:unbound",),
        budget=Budget(calls=8, seconds=120.0),
        turns=(
            Turn(
                say="Take back Emma, then Persuasion. How many books are out then?",
                expect=Expectation(kind="act"),
            ),
        ),
        # What the second return answers depends on the first: a state that was lost would show.
        sub_questions=(*loans, _return("emma", 1), _return("persuasion", 0, "return-emma")),
        final_state=FinalState(
            assertions=tuple(
                StateAssertion(
                    environment=NAME,
                    path=f'/tables/loans/{{"loan_id":{loan}}}/after/returned',
                    equals=1,
                )
                for loan in (1, 2)
            )
        ),
    )


def _loan(name: str, title: str, loan: int, turn: int = 0) -> SubQuestion:
    return SubQuestion(
        id=f"loan-{name}",
        question=f"Which loan is {title}?",
        environment=NAME,
        tool="find_loan",
        arguments={"title": title},
        answer=Answer(path="/loan_id", kind="number", value=loan),
        turn=turn,
    )


def _return(name: str, out: int, *after: str) -> SubQuestion:
    return SubQuestion(
        id=f"return-{name}",
        question="How many books are out after the return?",
        environment=NAME,
        tool="return_book",
        arguments={"loan_id": {"$from": f"loan-{name}", "path": ""}},
        depends_on=(f"loan-{name}", *after),
        answer=Answer(path="/out", kind="number", value=out),
    )


def _form() -> Task:
    """Return a task in which the host asks for what a call lacks."""
    asking = _asking()
    return asking.model_copy(
        update={
            "id": FORM,
            "variant": "elicitation",
            "turns": (Turn(say="What is the phone number?", expect=Expectation(kind="answer")),),
            "sub_questions": tuple(
                question.model_copy(update={"turn": 0}) for question in asking.sub_questions
            ),
        }
    )


def _asking() -> Task:
    """Return a task whose first turn needs a question, and whose second brings a tool."""
    return Task(
        id=CONVERSATION,
        environments=("sha256:unbound",),
        budget=Budget(calls=8, turns=6, seconds=120.0),
        turns=(
            Turn(
                say="Who has borrowed my book?",
                tools_removed=("get_reader",),
                expect=Expectation(kind="ask", slot="title"),
            ),
            Turn(
                say="You may look readers up now. What is the phone number?",
                tools_added=("get_reader",),
                expect=Expectation(kind="answer"),
            ),
        ),
        slots=(
            Slot(
                name="title",
                value="Emma",
                aliases=("book",),
                tell="The book is Emma.",
                fills=(Filling(tool="find_loan", argument="title"),),
            ),
        ),
        sub_questions=(
            SubQuestion(
                id="loan",
                question="Which reader has borrowed Emma?",
                environment=NAME,
                tool="find_loan",
                arguments={"title": "Emma"},
                answer=Answer(path="/reader_id", kind="number", value=2),
            ),
            SubQuestion(
                id="phone",
                question="What is that reader's phone number?",
                environment=NAME,
                tool="get_reader",
                arguments={"reader_id": {"$from": "loan", "path": ""}},
                depends_on=("loan",),
                answer=Answer(path="/phone", kind="text", value=GOLD_PHONE),
                turn=1,
            ),
        ),
        final_answer=FinalAnswer(kind="text", value=GOLD_PHONE),
    )
