from pathlib import Path

import pytest

from astra_arena.core.errors import GateError
from astra_arena.core.tasks import Task
from astra_arena.servers.bundle import Bundle, write_bundle
from astra_arena.synthesizer.replay_check import (
    ReplayReport,
    check_replay,
    keep_sound,
    require_replay,
)
from tests.support.requirement import requirement


def rewritten(
    bundle: Bundle,
    path: Path,
    *,
    tools_py: str | None = None,
    tasks: tuple[Task, ...] | None = None,
) -> Path:
    write_bundle(
        path,
        bundle.environment.model_copy(update={"digests": None}),
        tools_py=tools_py or bundle.tools_py.decode("utf-8"),
        world=bundle.path / bundle.environment.world.file,
        tasks=bundle.tasks[:4] if tasks is None else tasks,
    )
    return path


@requirement("synth:replay")
def test_a_sound_bundle_passes(shop_bundle: Bundle) -> None:
    seen: list[int] = []
    report = check_replay(shop_bundle.path, progress=seen.append)
    assert report.findings == ()
    assert report.runs == 3
    assert report.gold_calls == sum(len(task.sub_questions) for task in shop_bundle.tasks)
    assert seen == list(range(1, 3 * len(shop_bundle.tasks) + 1))


@requirement("synth:replay")
def test_a_wrong_answer_is_found(shop_bundle: Bundle, tmp_path: Path) -> None:
    task = shop_bundle.tasks[0]
    *first, last = task.sub_questions
    wrong = last.model_copy(
        update={"answer": last.answer.model_copy(update={"value": "nonsense", "kind": "exact"})}
    )
    broken = task.model_copy(update={"sub_questions": (*first, wrong)})
    path = rewritten(shop_bundle, tmp_path / "wrong", tasks=(broken, shop_bundle.tasks[1]))
    with pytest.raises(GateError, match="1 of 2 tasks do not bear out their gold") as caught:
        require_replay(path, runs=1)
    assert caught.value.findings[0].startswith("t0001 ")
    assert "not 'nonsense'" in caught.value.findings[0]


@requirement("synth:replay")
def test_replies_that_change_from_run_to_run_are_found(shop_bundle: Bundle, tmp_path: Path) -> None:
    code = shop_bundle.tools_py.decode("utf-8").replace(
        '    return {"total": total, "rows": rows, "truncated": offset + len(rows) < total}',
        # An object's address is another one in each fresh process.
        '    total += id(world)\n    return {"total": total, "rows": rows, "truncated": True}',
    )
    searched = [t for t in shop_bundle.tasks if "top " in str(t.provenance["template"])][:3]
    path = rewritten(shop_bundle, tmp_path / "drifting", tools_py=code, tasks=tuple(searched))
    report = check_replay(path)
    assert any("the replies differ from run to run" in finding for finding in report.findings)


def test_a_tool_that_breaks_is_found(shop_bundle: Bundle, tmp_path: Path) -> None:
    code = shop_bundle.tools_py.decode("utf-8").replace(
        "    where, values = _where(conditions)\n", "    raise KeyError(table)\n", 1
    )
    path = rewritten(shop_bundle, tmp_path / "broken", tools_py=code, tasks=shop_bundle.tasks)
    report = check_replay(path, runs=1)
    assert any("the tool broke" in finding for finding in report.findings)
    assert not any("the replies differ" in finding for finding in report.findings)


def test_a_reply_that_breaks_its_schema_is_found(shop_bundle: Bundle, tmp_path: Path) -> None:
    code = shop_bundle.tools_py.decode("utf-8").replace(
        'return {"row": row}', 'return {"row": row, "more": 1}'
    )
    path = rewritten(shop_bundle, tmp_path / "loose", tools_py=code, tasks=shop_bundle.tasks)
    report = check_replay(path, runs=1)
    assert any("the reply breaks the output schema" in finding for finding in report.findings)


@requirement("synth:replay")
def test_a_task_that_fails_is_left_out_with_its_reason(shop_bundle: Bundle) -> None:
    tasks = shop_bundle.tasks[:10]
    report = ReplayReport(10, 30, 3, ("t0002 q1: the tool broke", "t0002 q3: no answer"))
    sound, replay, rejected = keep_sound(tasks, report)
    assert [task.id for task in sound] == [task.id for task in tasks if task.id != "t0002"]
    assert rejected == [{"task": "t0002", "reasons": ["q1: the tool broke", "q3: no answer"]}]
    assert replay.to_json()["passed"] is True
    assert replay.tasks == 9
    assert replay.gold_calls == sum(len(task.sub_questions) for task in sound)


@requirement("synth:replay")
@pytest.mark.parametrize("tasks", [1, 10])
def test_many_tasks_that_fail_refuse_the_bundle(shop_bundle: Bundle, tasks: int) -> None:
    failed = tuple(f"t{number:04d} q1: the tool broke" for number in range(1, 4))[:tasks]
    with pytest.raises(GateError, match="do not bear out their gold"):
        keep_sound(shop_bundle.tasks[:tasks], ReplayReport(tasks, 30, 3, failed))
