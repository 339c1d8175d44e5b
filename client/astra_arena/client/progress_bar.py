"""How far a run is, on stderr; plain logs and pipes get nothing."""

from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar

from astra_arena.client.collect import Progress
from astra_arena.client.report import Tallies


class ProgressBar:
    """Shows the progress of `collect` while its block runs.

    Args:
        total: How many rollouts are asked for.
        console: Where to show it; stderr when absent.
    """

    def __init__(self, total: int, *, console: Console | None = None) -> None:
        self._tallies = Tallies()
        self._bar = Bar(
            TextColumn("rollouts"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.description}"),
            console=console or Console(stderr=True),
            transient=True,
        )
        self._bar.disable = not self._bar.console.is_terminal
        self._row = self._bar.add_task("", total=total)

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bar.stop()

    def show(self, progress: Progress) -> None:
        """Show one more rollout, with the mean reward of each agent so far."""
        self._tallies.add(progress.rollout)
        agents = self._tallies.report().agents
        rewards = "  ".join(f"{name} {one.mean_reward:.3f}" for name, one in agents.items())
        self._bar.update(
            self._row, completed=progress.done, total=progress.total, description=rewards
        )
