"""Sessions of several environments for one task; each task gets fresh ones."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TypeVar

from astra_arena.core.tasks import Task
from astra_arena.sandbox.contract import Program, Sandbox, Session
from astra_arena.synthesizer.side_by_side import side_by_side

TASKS_AT_ONCE = 3
_T = TypeVar("_T")


@asynccontextmanager
async def joint_sessions(
    sandbox: Sandbox, programs: Mapping[str, Program], task: Task
) -> AsyncGenerator[dict[str, Session]]:
    """Open a session of each environment that a task is about, by name."""
    async with AsyncExitStack() as stack:
        sessions: dict[str, Session] = {}
        for name in sorted({question.environment for question in task.sub_questions}):
            session = await sandbox.open_session(programs[name], seed=0)
            stack.push_async_callback(session.close)
            sessions[name] = session
        yield sessions


async def with_sessions(
    sandbox: Sandbox,
    programs: Mapping[str, Program],
    tasks: Iterable[Task],
    do: Callable[[Mapping[str, Session], Task], Awaitable[_T]],
    *,
    on_done: Callable[[_T], None] | None = None,
) -> list[_T]:
    """Do something with each task in sessions of its own, several at once, in the tasks' order.

    Args:
        sandbox: Opens the sessions.
        programs: The environments' programs, by name.
        tasks: The tasks.
        do: What is done.
        on_done: Told each result as it comes.
    """

    async def one(task: Task) -> _T:
        async with joint_sessions(sandbox, programs, task) as sessions:
            return await do(sessions, task)

    return await side_by_side(tasks, one, at_once=TASKS_AT_ONCE, on_done=on_done)
