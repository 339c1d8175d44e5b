"""Tasks with turns, slots and states, and logs of playing them, built by hand and at random."""

from collections.abc import Iterable
from datetime import date, datetime

from hypothesis import strategies as st

from astra_arena.core.calls import REPLY_TOOL, CallRecord, StateRecord
from astra_arena.core.canonical import Json, JsonObject
from astra_arena.core.gold_program import CallAct, ReplyAct, gold_acts
from astra_arena.core.tasks import (
    AnswerKind,
    Expectation,
    Filling,
    FinalAnswer,
    FinalState,
    Slot,
    StateAssertion,
    Task,
    Turn,
)
from astra_arena.core.user import UserState, hear
from tests.support.records import ENVIRONMENT, call_of, sub_question

ACT = Expectation(kind="act")
ANSWER = Expectation(kind="answer")
DECLINE = Expectation(kind="decline", tool="get_book")
WANTED_PATH = '/tables/books/{"id":1}/after/state'
GUESSABLE = "slot-value"


def ask(slot: str) -> Expectation:
    return Expectation(kind="ask", slot=slot)


def slot_of(name: str, *, value: Json = GUESSABLE, aliases: tuple[str, ...] = ()) -> Slot:
    fills = (Filling(tool="get_book", argument=name),)
    return Slot(name=name, value=value, aliases=aliases, fills=fills)


def talk_of(*expects: Expectation, slots: Iterable[Slot] = (), **changes: object) -> Task:
    task = Task(
        id="t1",
        environments=("sha256:0",),
        turns=tuple(
            Turn(say=f"Please do part {number}.", expect=expect)
            for number, expect in enumerate(expects)
        ),
        slots=tuple(slots),
        sub_questions=(sub_question("q0").model_copy(update={"turn": len(expects) - 1}),),
    )
    return task.model_copy(update=changes)


def said(index: int, message: str, kind: str = "answer") -> CallRecord:
    return CallRecord(
        index=index,
        environment=ENVIRONMENT,
        tool=REPLY_TOOL,
        arguments={"message": message, "kind": kind},
        outcome="ok",
        result={"user": None, "done": False},
        own=True,
    )


def state_of(*changed: tuple[str, Json], digest: str = "sha256:else") -> StateRecord:
    """Return the state in which columns of the book 1 were changed."""
    before: JsonObject = {name: "old" for name, _ in changed}
    after: JsonObject = dict(changed)
    rows: JsonObject = {'{"id":1}': {"before": before, "after": after}} if changed else {}
    return StateRecord(digest=digest, difference={"tables": {"books": rows} if rows else {}})


def gold_log(task: Task) -> tuple[CallRecord, ...]:
    """Return the log of whoever plays the gold program, and writes what the task wants."""
    calls: list[CallRecord] = []
    for act in gold_acts(task):
        index = len(calls)
        match act:
            case CallAct():
                calls.append(call_of(index, act.arguments, tool=act.tool))
            case ReplyAct(message, kind):
                calls.append(said(index, message, kind))
    if task.final_state is not None:
        wrote = call_of(len(calls), {"id": "write"}, tool="set_state", own=True)
        state = state_of(("state", "new"), digest="sha256:wanted")
        calls.append(wrote.model_copy(update={"state": state}))
    return tuple(calls)


names = st.sampled_from(["date", "departure date", "seat", "order id", "größe", "PIN 2"])


def _answer(kind: AnswerKind, value: Json, rivals: Iterable[Json] = ()) -> FinalAnswer:
    return FinalAnswer(kind=kind, value=value, rivals=tuple(rivals))


_words = st.from_regex(r"[A-Za-z0-9]{1,8}( [A-Za-z0-9]{1,8}){0,3}", fullmatch=True)
_rivals = st.lists(st.sampled_from(["New York", "York", "New", "City", "A", "answer", "the"]))
_items = st.lists(st.integers(0, 10**6) | st.sampled_from(["Ada", "Ben", "Cleo"]), max_size=4)
answers = st.one_of(
    st.builds(_answer, st.just("number"), st.integers()),
    st.builds(_answer, st.just("number"), st.floats(-1e12, 1e12, allow_nan=False)),
    st.builds(_answer, st.just("exact"), st.booleans() | st.none()),
    st.builds(_answer, st.just("date"), st.dates().map(date.isoformat)),
    st.builds(_answer, st.just("date"), st.datetimes().map(datetime.isoformat)),
    st.builds(_answer, st.just("text"), _words, _rivals),
    st.builds(_answer, st.just("set"), _items),
)
states = st.sampled_from(
    [
        FinalState(digests={ENVIRONMENT: "sha256:wanted"}),
        FinalState(
            assertions=(StateAssertion(environment=ENVIRONMENT, path=WANTED_PATH, equals="new"),)
        ),
    ]
)


@st.composite
def talks(draw: st.DrawFn) -> Task:
    """Tasks of 1-3 turns of every expectation, with slots, answers, states and forbidden tools."""
    chosen = draw(st.lists(names, max_size=3, unique=True))
    slots = [slot_of(name) for name in chosen]
    kinds = [st.just(ACT), st.just(ANSWER), st.just(DECLINE)]
    if slots:
        kinds.append(st.sampled_from([ask(slot.name) for slot in slots]))
    expects = draw(st.lists(st.one_of(*kinds), min_size=1, max_size=3))
    asked = [expect.slot for expect in expects if expect.slot]
    if len(set(asked)) < len(asked):
        expects = expects[:1]
    spoken = any(expect.kind != "decline" for expect in expects)
    return talk_of(
        *expects,
        slots=slots,
        final_answer=draw(st.none() | answers) if spoken else None,
        final_state=draw(st.none() | states),
        forbidden=draw(st.sampled_from([(), ("burn_book",)])),
        variant=draw(st.sampled_from(["base", "elicitation"])),
    )


@st.composite
def playings(draw: st.DrawFn) -> tuple[CallRecord, ...]:
    """Logs of calls, messages, writes and faults in any order."""
    calls: list[CallRecord] = []
    for index in range(draw(st.integers(0, 10))):
        match draw(st.integers(0, 5)):
            case 0:
                kind = draw(st.sampled_from(["answer", "question", "cannot", "verdict"]))
                calls.append(said(index, draw(st.text(max_size=12) | names), kind))
            case 1:
                calls.append(call_of(index, {"id": "q0"}))
            case 2:
                calls.append(call_of(index, {"date": draw(st.integers(0, 3))}))
            case 3:
                changed = draw(st.sampled_from([("state", "new"), ("title", "x")]))
                wrote = call_of(index, {"id": "w"}, tool="set_state")
                calls.append(wrote.model_copy(update={"state": state_of(changed)}))
            case 4:
                calls.append(call_of(index, {"id": "q0"}, fault="timeout"))
            case _:
                calls.append(call_of(index, {"id": "q0"}, tool="burn_book"))
    return tuple(calls)


def replayed(task: Task, messages: Iterable[tuple[str, str]]) -> list[str | None]:
    """Return what the user says to each message, until the end."""
    state, texts = UserState(), list[str | None]()
    for message, kind in messages:
        if state.done:
            break
        reaction = hear(task, state, message, kind)  # pyright: ignore[reportArgumentType]
        state = reaction.state
        texts.append(reaction.text)
    return texts
