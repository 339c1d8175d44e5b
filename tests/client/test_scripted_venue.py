"""The venue in memory logs, refuses and scores as a host does."""

import pytest

from astra_arena.client.agent import EpisodeView
from astra_arena.client.harness import play_episode
from astra_arena.core.errors import UnknownTaskError
from tests.client.scripted_library import TASKS, library


class Wrong:
    """Makes one call of each wrong kind."""

    name = "wrong"

    async def play(self, episode: EpisodeView) -> str | None:
        await episode.call("find_lone", {})
        await episode.call("find_book", {})
        await episode.call("find_book", {"title": "Solaris"})


@pytest.mark.anyio
async def test_wrong_calls_are_logged_by_kind_and_charged() -> None:
    rollout = await play_episode(library(), "dune", Wrong())
    outcomes = [call.outcome for call in rollout.episode.calls]
    assert outcomes == ["unknown_tool", "invalid_arguments", "tool_failure"]
    assert rollout.verdict is not None
    f1 = rollout.verdict.component("f1")
    assert f1 is not None
    assert f1.evidence["calls"] == 3


@pytest.mark.anyio
async def test_tasks_are_listed_without_gold_and_unknown_ones_are_refused() -> None:
    venue = library()
    listed = await venue.tasks()
    assert [task.id for task in listed] == [task.id for task in TASKS]
    assert "Tacoma" not in str(listed)
    with pytest.raises(UnknownTaskError):
        await play_episode(venue, "nope", Wrong())
