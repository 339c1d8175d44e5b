"""One call between its arrival and its reply: how it came, whether it runs, how to stop it."""

import asyncio
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from astra_arena.core.canonical import Json
from astra_arena.servers.episodes.elicitation import FormAnswer

CANCELLED_TEXT = "the call was cancelled by its client"


@dataclass(slots=True, eq=False)
class IncomingCall:
    """A call that an episode is asked to make.

    ```python
    call = IncomingCall("find_loan", {"title": "Emma"})
    reply = await episode.make(call)
    ```
    """

    tool: str
    """As it came."""
    arguments: Json
    """As they came."""
    key: str | None = None
    """The client's idempotency key: a repeated one is answered from the log."""
    names: Mapping[str, str] | None = None
    """Where only some tools can be seen, under other names: the episode's own name for each."""
    member: str | None = None
    """The environment whose tools alone can be seen there."""
    form: FormAnswer | None = None
    """What the client's user said of what the arguments lack; `None` asks the host's user."""
    cancelled: bool = field(default=False, init=False)
    """Whether its client has given it up."""
    started: float | None = field(default=None, init=False)
    """When the tool was started, on the monotonic clock."""
    seconds: float = field(default=0.0, init=False)
    """How long the tool may take."""
    _task: asyncio.Task[object] | None = field(default=None, init=False)

    def cancel(self) -> None:
        """Give the call up; one that waits is not run, and one that runs is stopped.

        A call with a key runs to its end: its client may ask for its reply again.
        """
        if self.key is not None or self.cancelled:
            return
        self.cancelled = True
        if self._task is not None:
            self._task.cancel()

    @contextmanager
    def running(self, seconds: float) -> Generator[None]:
        """Let `cancel` stop the block; what it stops raises `CancelledError`.

        Args:
            seconds: How long the tool may take.
        """
        self.seconds = seconds
        self.started = time.monotonic()
        self._task = asyncio.current_task()
        try:
            yield
        except asyncio.CancelledError:
            if self.cancelled and self._task is not None:
                self._task.uncancel()
            raise
        finally:
            self._task = None
