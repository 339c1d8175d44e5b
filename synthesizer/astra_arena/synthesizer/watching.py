"""Shows on stderr how far long work is."""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import TypeAlias

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn

Watcher: TypeAlias = Callable[[str, int, int], None]
"""Told what is being done, how far it is and how far it goes; 0 of 0 where that is not known."""


@contextmanager
def watched() -> Generator[Watcher]:
    """Show on stderr what is being done: a bar on a terminal, a line for each step in a log."""
    console = Console(stderr=True, highlight=False)
    bar = Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
    row = bar.add_task("", total=None)
    doing_now = ""

    def watch(doing: str, done: int, total: int) -> None:
        nonlocal row, doing_now
        if doing != doing_now:
            doing_now = doing
            if not console.is_terminal:
                console.print(doing, markup=False)
            # A row of its own for each step: an old one keeps its total.
            bar.remove_task(row)
            row = bar.add_task(doing, total=total or None)
        bar.update(row, completed=done)

    with bar:
        yield watch


def unwatched(doing: str, done: int, total: int) -> None:
    """Watch nothing: for callers that nobody watches."""
    del doing, done, total
