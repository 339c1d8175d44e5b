"""What a server's process says on stderr besides its own messages: a line for each event."""

import logging
import sys

_LIBRARIES = ("mcp", "uvicorn", "asyncio")


class _OneLine(logging.Formatter):
    """Writes an exception as its type and text: a traceback through a library helps nobody."""

    def format(self, record: logging.LogRecord) -> str:
        text = record.getMessage()
        error = record.exc_info[1] if record.exc_info else None
        if error is not None:
            text = f"{text}: {type(error).__name__}: {error}"
        return f"arena: {record.levelname.lower()}: {' '.join(text.split())[:500]}"


def log_libraries_in_lines() -> None:
    """Make warnings of the libraries that carry the protocols one line each on stderr."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_OneLine())
    for name in _LIBRARIES:
        logger = logging.getLogger(name)
        logger.handlers = [handler]
        logger.setLevel(logging.WARNING)
        logger.propagate = False
