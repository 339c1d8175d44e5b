"""Which durable sessions keep a process: the recently used ones, and no more than so many."""

import asyncio
import logging
from collections import OrderedDict

from astra_arena.core.errors import ArenaError
from astra_arena.sandbox.recovery import DurableSession

logger = logging.getLogger(__name__)


class IdleSessions:
    """Hibernates sessions that were not used for long; they come back with their next call.

    ```python
    idle = IdleSessions(idle_s=300, most_live=1000)
    session = DurableSession(sandbox, program, seed=1, idle=idle)
    ```
    """

    def __init__(self, *, idle_s: float, most_live: int) -> None:
        """Build the policy.

        Args:
            idle_s: How long a session may be unused.
            most_live: How many sessions may be live; the least recently used goes first.
        """
        self._idle_s = idle_s
        self._most_live = most_live
        self._last_used: OrderedDict[DurableSession, float] = OrderedDict()
        self._timer: asyncio.TimerHandle | None = None
        self._running: set[asyncio.Task[None]] = set()

    @property
    def live_count(self) -> int:
        """How many sessions are thought to be live."""
        return len(self._last_used)

    def used(self, session: DurableSession) -> None:
        """Take notice that `session` is live and was used just now."""
        loop = asyncio.get_running_loop()
        self._last_used[session] = loop.time()
        self._last_used.move_to_end(session)
        while len(self._last_used) > self._most_live:
            self._hibernate(next(iter(self._last_used)))
        if self._timer is None:
            self._timer = loop.call_later(self._idle_s, self._expire)

    def forget(self, session: DurableSession) -> None:
        """Take notice that `session` was closed."""
        self._last_used.pop(session, None)

    async def close(self) -> None:
        """Stop; no session is hibernated from here on."""
        if self._timer is not None:
            self._timer.cancel()
        self._last_used.clear()
        await asyncio.gather(*self._running)

    def _expire(self) -> None:
        loop = asyncio.get_running_loop()
        self._timer = None
        while self._last_used:
            session, last_used = next(iter(self._last_used.items()))
            wait = last_used + self._idle_s - loop.time()
            if wait > 0:
                self._timer = loop.call_later(wait, self._expire)
                return
            self._hibernate(session)

    def _hibernate(self, session: DurableSession) -> None:
        del self._last_used[session]
        if session.busy:
            # It tells of itself when it is done.
            return
        task = asyncio.get_running_loop().create_task(_hibernate(session))
        self._running.add(task)
        task.add_done_callback(self._running.discard)


async def _hibernate(session: DurableSession) -> None:
    try:
        await session.hibernate()
    except ArenaError as error:
        logger.warning("a session could not be hibernated: %s", error.message)
