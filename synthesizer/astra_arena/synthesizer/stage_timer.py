"""Where the time of a synthesis goes."""

import time
from collections.abc import Generator
from contextlib import contextmanager


class StageTimer:
    """Adds up the seconds of named stages."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        """By stage, in the order in which they began."""

    @contextmanager
    def stage(self, name: str) -> Generator[None]:
        """Time a block."""
        start = time.monotonic()
        try:
            yield
        finally:
            self.seconds[name] = self.seconds.get(name, 0.0) + time.monotonic() - start
