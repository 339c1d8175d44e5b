"""Journals: what was written is read, a torn end is tolerated, damage is named."""

import json
import os
from pathlib import Path

import pytest

from astra_arena.core.calls import CallRecord
from astra_arena.core.errors import RecordError, SettingsError
from astra_arena.core.rollouts import EpisodeRecord, Failure
from astra_arena.servers import Journal, read_journal

HEADER = EpisodeRecord(
    environment="e",
    environment_digest="sha256:1",
    tasks_digest="sha256:2",
    task_id="t",
    seed=7,
    tier="process",
)


def call(index: int, text: str = "ü") -> CallRecord:
    return CallRecord(
        index=index, environment="e", tool="x", arguments={}, outcome="ok", result={"v": text}
    )


def written(folder: Path, *calls: CallRecord) -> Journal:
    journal = Journal(folder, "episode", HEADER)
    for one in calls:
        journal.add_call(one)
    return journal


def test_a_journal_reads_back_as_the_record_at_any_moment(tmp_path: Path) -> None:
    journal = written(tmp_path / "new" / "folder")
    assert read_journal(journal.path) == HEADER
    journal.add_call(call(0))
    expected = HEADER.model_copy(update={"calls": (call(0),)})
    assert read_journal(journal.path) == expected
    journal.close("done")
    journal.close("done twice")
    assert read_journal(journal.path) == expected
    lines = journal.path.read_text(encoding="utf-8").splitlines()
    assert json.loads(lines[-1]) == {"closed": {"reason": "done"}}
    assert len(lines) == 3


def test_a_void_episode_and_its_defects_are_read_back(tmp_path: Path) -> None:
    journal = written(tmp_path)
    broken = CallRecord(
        index=0,
        environment="e",
        tool="x",
        arguments={},
        outcome="environment_error",
        message="the tool failed",
        defect="raised: KeyError",
    )
    journal.add_call(broken)
    journal.add_void(Failure(boundary="sandbox", message="gone"))
    journal.close("done")
    record = read_journal(journal.path)
    assert record.void == Failure(boundary="sandbox", message="gone")
    assert record.defects == 1


def test_a_torn_end_is_tolerated_wherever_it_was_torn(tmp_path: Path) -> None:
    journal = written(tmp_path, call(0), call(1))
    data = journal.path.read_bytes()
    torn = tmp_path / "torn.jsonl"
    second_call = data.rindex(b"\n", 0, len(data) - 1) + 1
    for length in range(second_call, len(data)):
        torn.write_bytes(data[:length])
        assert [one.index for one in read_journal(torn).calls] == [0]
    torn.write_bytes(data)
    assert [one.index for one in read_journal(torn).calls] == [0, 1]
    journal.close("done")


@pytest.mark.parametrize(
    ("line", "replacement", "reason"),
    [
        (1, "{}", "line 1"),
        (1, "nonsense", "line 1"),
        (2, "nonsense", "line 2: expected a JSON object"),
        (2, "[]", "line 2: expected a JSON object"),
        (2, '{"index": 0}', "line 2"),
        (2, '{"void": 3}', "line 2"),
        (2, None, "line 2: expected call 0, got call 1: a line is missing"),
        (3, '{"closed": {}}', "line 4: expected nothing after"),
    ],
)
def test_other_damage_is_refused_with_its_line(
    tmp_path: Path, line: int, replacement: str | None, reason: str
) -> None:
    journal = written(tmp_path, call(0), call(1))
    journal.close("done")
    lines = journal.path.read_text(encoding="utf-8").splitlines()
    lines[line - 1 : line] = [] if replacement is None else [replacement]
    journal.path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    with pytest.raises(RecordError, match=reason):
        read_journal(journal.path)


def test_what_is_no_journal_is_refused(tmp_path: Path) -> None:
    empty = tmp_path / "empty.jsonl"
    empty.touch()
    with pytest.raises(RecordError, match="header"):
        read_journal(empty)
    with pytest.raises(RecordError, match="cannot read"):
        read_journal(tmp_path / "missing.jsonl")


def test_a_folder_that_cannot_be_written_is_a_bad_setting(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(SettingsError, match="--journal"):
        Journal(file / "below", "episode", HEADER)


def test_an_episode_has_one_journal(tmp_path: Path) -> None:
    journal = written(tmp_path)
    with pytest.raises(SettingsError):
        written(tmp_path)
    journal.close("done")


def test_a_line_that_was_not_written_whole_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = written(tmp_path)
    write = os.write

    def torn(file: int, data: bytes) -> int:
        return write(file, data[:10])

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", torn)
        with pytest.raises(RecordError, match="the disk is full"):
            journal.add_call(call(0))
    assert read_journal(journal.path) == HEADER
