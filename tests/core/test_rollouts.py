import pytest
from pydantic import ValidationError

from astra_arena.core.rollouts import EpisodeRecord, Failure, Rollout, Timing, rollout_id
from astra_arena.core.verdicts import score
from tests.support.records import call_of, sub_question, task_of
from tests.support.requirement import requirement

EPISODE = EpisodeRecord(
    environment="library",
    environment_digest="sha256:0",
    tasks_digest="sha256:1",
    task_id="t1",
    seed=0,
    tier="process",
    calls=(call_of(0, {"id": "a"}),),
)
VERDICT = score(task_of(sub_question("a")), EPISODE.calls)


def rollout(seconds: float = 1.0) -> Rollout:
    return Rollout(
        format_version=1,
        id="x",
        agent="oracle",
        transport="http",
        episode=EPISODE,
        ended="agent",
        verdict=VERDICT,
        timing=Timing(started_at="2025-01-01T00:00:00Z", seconds=seconds),
    )


def test_times_are_no_part_of_the_digest() -> None:
    assert rollout(1.0).digest == rollout(2.0).digest
    assert rollout().digest != rollout().model_copy(update={"agent": "noop"}).digest


def test_a_rollout_survives_being_written_and_read() -> None:
    assert Rollout.from_json(rollout().to_json(), what="line 1") == rollout()


@requirement("client:void-never-scored")
def test_a_void_rollout_cannot_hold_a_verdict() -> None:
    failure = Failure(boundary="sandbox", message="gone")
    data = {**rollout().model_dump(), "ended": "void", "failure": failure}
    with pytest.raises(ValidationError, match="verdict"):
        Rollout.model_validate(data)
    assert Rollout.model_validate({**data, "verdict": None}).reward is None
    assert rollout().reward == 1.0
    with pytest.raises(ValidationError, match="failure"):
        Rollout.model_validate({**data, "verdict": None, "failure": None})
    with pytest.raises(ValidationError, match="verdict"):
        Rollout.model_validate({**data, "ended": "agent_error", "verdict": None})


def test_the_id_names_what_was_asked_for() -> None:
    def named(seed: int) -> str:
        return rollout_id(
            environment_digest="e",
            tasks_digest="t",
            task_id="t1",
            seed=seed,
            variant="base",
            agent="oracle",
        )

    assert named(1) == named(1)
    assert named(1) != named(2)
