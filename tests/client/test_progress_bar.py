"""Progress is shown to people only."""

from io import StringIO

import pytest
from rich.console import Console

from astra_arena.client.collect import Progress
from astra_arena.client.harness import play_episode
from astra_arena.client.progress_bar import ProgressBar
from astra_arena.client.scripted_agents import OracleAgent
from tests.client.scripted_library import TASKS, library


@pytest.mark.parametrize("terminal", [True, False])
@pytest.mark.anyio
async def test_a_terminal_sees_the_rewards_so_far_and_a_pipe_nothing(*, terminal: bool) -> None:
    rollout = await play_episode(library(), "dune", OracleAgent(TASKS))
    console = Console(file=StringIO(), force_terminal=terminal, width=100)
    with ProgressBar(4, console=console) as bar:
        bar.show(Progress(1, 4, rollout))
    shown = console.file
    assert isinstance(shown, StringIO)
    assert ("oracle 1.000" in shown.getvalue()) is terminal
    assert terminal or shown.getvalue() == ""
