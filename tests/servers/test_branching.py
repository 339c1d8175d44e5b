"""Episodes that go on from a snapshot of another, independently."""

from pathlib import Path

import pytest

from astra_arena.core.canonical import JsonObject
from astra_arena.core.tasks import gold_answers, resolve_arguments
from astra_arena.sandbox.process_sandbox import ProcessSandbox
from astra_arena.servers import (
    Bundle,
    ClosedEpisodeError,
    Episode,
    EpisodeHost,
    UnknownEpisodeError,
    open_branch,
    open_episode,
    take_snapshot,
)
from tests.servers.joint_suite import write_town
from tests.servers.small_bundle import NAME, TASK
from tests.support.requirement import requirement

GOLD: tuple[tuple[str, JsonObject], ...] = (
    ("find_loan", {"title": "Emma"}),
    ("get_reader", {"reader_id": 2}),
)


async def digest_of(episode: Episode, member: str) -> str | None:
    state = (await episode.state())[member]
    return None if state is None else state.digest


@requirement("servers:branch")
async def test_a_branch_goes_on_from_where_its_origin_was_and_neither_sees_the_other(
    bundle: Bundle,
) -> None:
    async with ProcessSandbox() as sandbox:
        origin = await open_episode(bundle, bundle.task(TASK), sandbox, seed=3)
        await origin.call("return_book", {"loan_id": 1})
        snapshot = await take_snapshot(origin)
        branch = await open_branch(snapshot, sandbox)
        at_branch = await digest_of(branch, NAME)
        assert at_branch == await digest_of(origin, NAME) == snapshot.state_digests[NAME]
        refused = await branch.call("return_book", {"loan_id": 1})
        await branch.call("return_book", {"loan_id": 2})
        assert await digest_of(origin, NAME) == at_branch
        assert await digest_of(branch, NAME) != at_branch
        await origin.close()
        late = await open_branch(snapshot, sandbox)
        assert await digest_of(late, NAME) == at_branch
        records = [one.record() for one in (origin, branch, late)]
        await branch.close()
        await late.close()
    assert refused.is_error
    assert [record.branched_at for record in records] == [None, 1, 1]
    assert [len(record.calls) for record in records] == [1, 3, 1]
    assert records[1].calls[:1] == records[0].calls


@requirement("servers:branch")
async def test_a_branch_draws_and_scores_as_its_origin_does(bundle: Bundle) -> None:
    """The same calls after the branch get the same replies: random streams and budget go on."""
    async with ProcessSandbox() as sandbox:
        origin = await open_episode(bundle, bundle.task(TASK), sandbox, seed=3)
        await origin.call("draw_reader", {})
        branch = await open_branch(await take_snapshot(origin), sandbox)
        for episode in (origin, branch):
            await episode.call("draw_reader", {})
            for tool, arguments in GOLD:
                await episode.call(tool, arguments)
        first, second = origin.record(), branch.record()
        verdicts = [origin.verdict(), branch.verdict()]
        await origin.close()
        await branch.close()
    assert first.calls == second.calls
    assert verdicts[0] == verdicts[1]


async def test_a_key_that_was_answered_before_the_branch_is_answered_from_its_log(
    bundle: Bundle,
) -> None:
    async with ProcessSandbox() as sandbox:
        origin = await open_episode(bundle, bundle.task(TASK), sandbox)
        first = await origin.call("return_book", {"loan_id": 1}, key="once")
        branch = await open_branch(await take_snapshot(origin), sandbox)
        again = await branch.call("return_book", {"loan_id": 1}, key="once")
        assert (again, branch.call_count) == (first, 1)
        await origin.close()
        await branch.close()


@requirement("servers:branch")
async def test_a_joint_episode_is_branched_with_all_its_worlds(
    tmp_path: Path, bundle: Bundle
) -> None:
    suite = write_town(tmp_path, bundle)
    task = suite.tasks[0]
    async with ProcessSandbox() as sandbox:
        origin = await open_episode(suite, task, sandbox)
        names = tuple(origin.members)
        snapshot = await take_snapshot(origin)
        assert snapshot.state_digests == dict.fromkeys(names)
        for question in task.in_order():
            arguments = resolve_arguments(question.arguments, gold_answers(task))
            await origin.call(f"{question.environment}__{question.tool}", arguments)
        snapshot = await take_snapshot(origin)
        branch = await open_branch(snapshot, sandbox)
        assert await branch.state() == await origin.state()
        assert branch.record().calls == origin.record().calls
        await origin.close()
        await branch.close()


async def test_a_host_keeps_snapshots_and_forgets_the_least_recently_used(bundle: Bundle) -> None:
    async with ProcessSandbox() as sandbox:
        host = EpisodeHost([bundle], sandbox, snapshots_kept=2)
        async with host.run():
            episode = await host.open(NAME, TASK)
            first, _ = await host.snapshot(episode.id)
            second, _ = await host.snapshot(episode.id)
            branch = await host.branch(host.kept_snapshot(first))
            assert host.get(branch.id) is branch
            third, _ = await host.snapshot(branch.id)
            with pytest.raises(UnknownEpisodeError):
                host.kept_snapshot(second)
            host.drop_snapshot(third)
            with pytest.raises(UnknownEpisodeError):
                host.kept_snapshot(third)
            await host.close(episode.id)
            with pytest.raises(ClosedEpisodeError):
                await host.snapshot(episode.id)
