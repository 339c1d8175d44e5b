"""The time of an episode: what its budget is measured by, and how replies are kept waiting."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class EpisodeClock:
    """Tells the time and waits; the time of the machine unless others are given."""

    now: Callable[[], float] = time.monotonic
    """Seconds since whenever."""
    pause: Callable[[float], Awaitable[None]] = asyncio.sleep
    """Waits for so many seconds."""


class ScriptedClock:
    """A clock for tests, whose time passes when somebody waits.

    >>> clock = ScriptedClock()
    >>> asyncio.run(clock.clock.pause(2.5))
    >>> clock.clock.now()
    2.5
    """

    def __init__(self) -> None:
        self.pauses: list[float] = []
        """How long each wait was."""
        self.clock = EpisodeClock(now=lambda: sum(self.pauses), pause=self._pause)

    async def _pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
