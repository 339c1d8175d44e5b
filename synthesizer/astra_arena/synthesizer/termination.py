"""SIGTERM ends a long command as Ctrl-C does: with its temporary files and servers gone."""

import signal
import threading
from collections.abc import Generator
from contextlib import contextmanager
from types import FrameType

ENDED = 128 + signal.SIGTERM
"""The exit code of a command that SIGTERM ended."""


@contextmanager
def unwinding_on_sigterm() -> Generator[None]:
    """Let SIGTERM unwind the block, so that every `finally` is run, and then end the command.

    Raises:
        SystemExit: when SIGTERM came.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    ended = False

    def unwind(_: int, frame: FrameType | None) -> None:
        nonlocal ended
        ended = True
        # A second one must not break off the cleaning up.
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        # An event loop has a handler of its own there, which cancels what runs in it.
        interrupt = signal.getsignal(signal.SIGINT)
        if not callable(interrupt):
            raise KeyboardInterrupt
        interrupt(signal.SIGINT, frame)

    before = signal.signal(signal.SIGTERM, unwind)
    try:
        yield
    except KeyboardInterrupt:
        if ended:
            raise SystemExit(ENDED) from None
        raise
    finally:
        signal.signal(signal.SIGTERM, before)
