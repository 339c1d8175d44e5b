"""Scoring again from the record alone gives the same verdict, and never mixes bundles up."""

import dataclasses
from pathlib import Path

import pytest
from rich.console import Console

from astra_arena.client.harness import play_episode
from astra_arena.client.rescore import rescore, rescore_files, score_record, scores_table
from astra_arena.client.scripted_agents import NoopAgent, OracleAgent
from astra_arena.client.stdio_venue import StdioVenue
from astra_arena.client.store import RolloutStore
from astra_arena.core.errors import RecordError, UnknownTaskError
from astra_arena.core.rollouts import Failure, Rollout
from astra_arena.servers.bundles.bundle import Bundle
from tests.client.served import served
from tests.servers.small_bundle import TASK
from tests.support.requirement import requirement


async def played(folder: Path) -> tuple[Bundle, list[Rollout]]:
    async with served(folder) as (bundle, _, venue):
        return bundle, [
            await play_episode(venue, TASK, agent)
            for agent in (OracleAgent(bundle.tasks), NoopAgent())
        ]


@requirement("client:rescore")
@pytest.mark.anyio
async def test_stored_rollouts_score_as_they_did(tmp_path: Path) -> None:
    bundle, rollouts = await played(tmp_path)
    again = list(rescore(rollouts, bundle))
    assert [one.verdict for one in again] == [rollout.verdict for rollout in rollouts]
    assert [one.stored for one in again] == [1.0, 0.0]
    by_paper = [one.verdict for one in rescore(rollouts, bundle, mode="astra")]
    assert [verdict.mode for verdict in by_paper if verdict] == ["astra", "astra"]


@requirement("client:rescore", "servers:journal")
@pytest.mark.anyio
async def test_journals_and_rollout_files_are_told_apart(tmp_path: Path) -> None:
    bundle, rollouts = await played(tmp_path / "http")
    path = tmp_path / "rollouts.jsonl"
    with RolloutStore(path) as store:
        for rollout in rollouts:
            store.append(rollout)
    venue = StdioVenue(bundle, journals=tmp_path / "journals")
    await play_episode(venue, TASK, OracleAgent(bundle.tasks))
    (journal,) = (tmp_path / "journals").glob("*/*.jsonl")
    results = list(rescore_files([path, journal], bundle))
    assert [one.agent for one in results] == ["oracle", "noop", None]
    assert results[0].verdict == results[2].verdict
    console = Console(width=200, record=True, quiet=False, file=(tmp_path / "out").open("w"))
    console.print(scores_table(results))
    assert "1.000" in console.export_text()
    console.file.close()


@pytest.mark.anyio
async def test_another_bundle_is_refused(tmp_path: Path) -> None:
    bundle, rollouts = await played(tmp_path)
    for field in ("environment", "tasks"):
        digests = bundle.digests.model_copy(update={field: "sha256:other"})
        other = dataclasses.replace(bundle, digests=digests)
        with pytest.raises(RecordError, match=f"played on {field} sha256:.*that it was played on"):
            list(rescore(rollouts, other))
    bare = bundle.digests.model_copy(update={"tasks": None})
    with pytest.raises(RecordError, match="holds no gold"):
        list(rescore(rollouts, dataclasses.replace(bundle, digests=bare)))


@pytest.mark.anyio
async def test_void_is_never_scored(tmp_path: Path) -> None:
    bundle, (oracle, _) = await played(tmp_path)
    failure = Failure(boundary="sandbox", message="gone")
    lost = oracle.episode.model_copy(update={"void": failure})
    assert score_record(lost, bundle) is None
    change = {"ended": "void", "failure": failure, "verdict": None, "episode": lost}
    (result,) = rescore([oracle.model_copy(update=change)], bundle)
    assert (result.stored, result.verdict) == (None, None)
    assert result.to_json()["reward"] is None


@pytest.mark.anyio
async def test_a_record_of_an_unknown_task_is_named(tmp_path: Path) -> None:
    bundle, (oracle, _) = await played(tmp_path)
    with pytest.raises(UnknownTaskError, match="'gone'"):
        score_record(oracle.episode.model_copy(update={"task_id": "gone"}), bundle)


@pytest.mark.parametrize("content", [b"", b"{", b"[]\n", b"not json\n", b"not json"])
@pytest.mark.anyio
async def test_a_file_that_is_neither_is_an_error_or_empty(tmp_path: Path, content: bytes) -> None:
    bundle, _ = await played(tmp_path / "http")
    path = tmp_path / "file.jsonl"
    path.write_bytes(content)
    if content not in (b"", b"{"):
        with pytest.raises(RecordError, match=r"file\.jsonl holds no rollouts"):
            list(rescore_files([path], bundle))
    else:
        assert list(rescore_files([path], bundle)) == []
    with pytest.raises(RecordError, match="No such file"):
        list(rescore_files([tmp_path / "none"], bundle))
