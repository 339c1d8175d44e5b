"""Works on many items with several under way at once: one waits for a process, another computes."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")

AT_ONCE = 4
"""Items under way; on two cores more bring nothing and each may hold a process."""


async def side_by_side(
    items: Iterable[_Item],
    work: Callable[[_Item], Awaitable[_Result]],
    *,
    at_once: int = AT_ONCE,
    on_done: Callable[[_Result], None] | None = None,
) -> list[_Result]:
    """Return what the work makes of each item, in the order of the items.

    Args:
        items: What is worked on.
        work: Must not depend on which items were worked on before.
        at_once: So many are under way at most.
        on_done: Told each result as it comes, in whatever order.

    Raises:
        Exception: what the work raised first; the rest is given up.
    """
    gate = asyncio.Semaphore(at_once)

    async def one(item: _Item) -> _Result:
        async with gate:
            result = await work(item)
        if on_done is not None:
            on_done(result)
        return result

    try:
        async with asyncio.TaskGroup() as group:
            running = [group.create_task(one(item)) for item in items]
    except ExceptionGroup as group:
        raise group.exceptions[0] from None
    return [task.result() for task in running]
