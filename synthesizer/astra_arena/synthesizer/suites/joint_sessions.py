"""Sessions of several environments for one task; each task gets fresh ones."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TypeVar

from astra_arena.core.tasks import Task
from astra_arena.sandbox.contract import Program, Sandbox, Session

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
    gate = asyncio.Semaphore(TASKS_AT_ONCE)

    async def one(task: Task) -> _T:
        async with gate, joint_sessions(sandbox, programs, task) as sessions:
            result = await do(sessions, task)
        if on_done is not None:
            on_done(result)
        return result

    async with asyncio.TaskGroup() as group:
        running = [group.create_task(one(task)) for task in tasks]
    return [task.result() for task in running]
