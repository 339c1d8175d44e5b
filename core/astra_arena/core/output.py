"""What verbs print for people: fitted to a terminal, and whole plain lines in a pipe or file."""

import io
import re
import sys
import textwrap
from typing import TextIO, cast

from rich.console import Console

_UNBOUNDED = 1_000_000
"""Columns of a console that breaks no line."""


def output_console() -> Console:
    """Return a console for stdout; without a terminal, lines are neither broken nor padded."""
    console = Console(highlight=False)
    if console.is_terminal:
        return console
    unpadded = cast("TextIO", _Unpadded(sys.stdout))
    return Console(highlight=False, width=_UNBOUNDED, file=unpadded)


def print_notice(text: str) -> None:
    """Print one line on stderr that says whose it is."""
    Console(stderr=True, soft_wrap=True, markup=False, highlight=False).print(f"arena: {text}")


def print_hanging(console: Console, label: str, text: str, *, after: str = "") -> None:
    """Print text beside a label; where it has to be broken, its lines stay under each other.

    Args:
        console: Where to print.
        label: What stands left of the text, with the space between.
        text: The text.
        after: What is never broken and gets a line of its own where it does not fit.
    """
    width = max(console.width - len(label), 20)
    lines = textwrap.wrap(text, width, break_long_words=False, break_on_hyphens=False)
    if after and len(lines[-1]) + 1 + len(after) <= width:
        lines[-1] += f" {after}"
    elif after:
        lines.append(after)
    for number, line in enumerate(lines):
        start = " " * len(label) if number else label
        console.print(f"{start}{line}", markup=False, soft_wrap=True)


class _Unpadded(io.TextIOBase):
    """Passes text on without the blanks that tables have at the ends of their lines."""

    def __init__(self, target: TextIO) -> None:
        self._target = target

    def write(self, text: str, /) -> int:
        self._target.write(re.sub(r" +(?=\n|$)", "", text))
        return len(text)

    def flush(self) -> None:
        self._target.flush()
