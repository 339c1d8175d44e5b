"""The short way in: a bundle served while a block runs."""

from pathlib import Path

import pytest

from astra_arena.client import NoopAgent, OracleAgent, RolloutStore, open_arena, read_rollouts
from astra_arena.core.errors import BundleError
from tests.servers.small_bundle import ONE_STEP_TASK, TASK, write_small_bundle


@pytest.mark.anyio
async def test_a_bundle_is_played_in_a_few_lines(tmp_path: Path) -> None:
    path = write_small_bundle(tmp_path).path
    async with open_arena(path) as arena:
        rollout = await arena.play(arena.tasks[0].id, OracleAgent(arena.bundle.tasks))
        assert rollout.verdict is not None
        assert rollout.verdict.reward == 1.0
        out = tmp_path / "rollouts.jsonl"
        tasks = [task for task in arena.tasks if task.id in (TASK, ONE_STEP_TASK)]
        with RolloutStore(out) as store:
            done = await arena.collect([NoopAgent()], tasks=tasks, seeds=(1, 2), store=store)
        assert done.played == len(list(read_rollouts(out))) == 4


@pytest.mark.anyio
async def test_a_folder_without_a_bundle_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(BundleError):
        async with open_arena(str(tmp_path)):
            raise NotImplementedError
