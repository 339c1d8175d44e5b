"""Work of which only so much goes on at once; the rest waits a while, and is then told so."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from astra_arena.servers.episodes.failures import BusyError


class Turns:
    """Lets a few in at a time, in the order in which they came.

    Args:
        at_once: How many.
        wait_seconds: The longest that anyone waits.
    """

    def __init__(self, at_once: int, *, wait_seconds: float) -> None:
        self._places = asyncio.Semaphore(at_once)
        self._wait_seconds = wait_seconds

    @asynccontextmanager
    async def taken(self) -> AsyncGenerator[None]:
        """Hold a place while the block runs.

        Raises:
            BusyError: if none came free in time.
        """
        if self._places.locked():
            try:
                await asyncio.wait_for(self._places.acquire(), self._wait_seconds)
            except TimeoutError:
                raise BusyError(
                    f"nothing came free within {self._wait_seconds:g} seconds; try again later, or "
                    "with fewer at once"
                ) from None
        else:
            await self._places.acquire()
        try:
            yield
        finally:
            self._places.release()
