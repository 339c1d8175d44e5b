"""Hypothesis strategies for JSON values and episodes."""

from hypothesis import strategies as st

from astra_arena.core.calls import CallRecord
from astra_arena.core.tasks import Task
from tests.support.records import call_of, sub_question, task_of

scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=()), max_size=8)
)
json_values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=12,
)


@st.composite
def tasks(draw: st.DrawFn) -> Task:
    """Tasks of 1-6 sub-questions, each depending on some of the earlier ones."""
    count = draw(st.integers(1, 6))
    questions = [
        sub_question(
            f"q{index}",
            parents=tuple(f"q{p}" for p in range(index) if draw(st.booleans())),
            tool=None if index and draw(st.integers(0, 5)) == 0 else "get_book",
        )
        for index in range(count)
    ]
    return task_of(*questions)


@st.composite
def logs(draw: st.DrawFn) -> tuple[CallRecord, ...]:
    """Logs of right, wrong, failed, own and faulty calls in any order."""
    calls: list[CallRecord] = []
    for index in range(draw(st.integers(0, 10))):
        identifier = f"q{draw(st.integers(0, 7))}"
        kind = draw(st.sampled_from(["ok", "ok", "ok", "failed", "fault", "own"]))
        calls.append(
            call_of(
                index,
                {"id": identifier},
                outcome="tool_failure" if kind == "failed" else "ok",
                fault="timeout" if kind == "fault" else None,
                own=kind == "own",
            )
        )
    return tuple(calls)
