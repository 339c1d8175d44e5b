"""Rollout files survive a crash at any byte, and nothing else that is damaged goes unnoticed."""

import errno
import os
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from astra_arena.client.store import RolloutStore
from astra_arena.core.canonical import canonical_bytes
from astra_arena.core.errors import RecordError, SettingsError
from astra_arena.core.rollout_files import read_rollouts
from astra_arena.core.rollouts import EpisodeRecord, Failure, Rollout
from astra_arena.core.verdicts import Verdict
from tests.support.requirement import requirement


def rollout(identifier: str, *, void: bool = False, said: str = "ünïcode") -> Rollout:
    record = EpisodeRecord(
        environment="library",
        environment_digest="sha256:e",
        tasks_digest="sha256:t",
        task_id="t1",
        seed=0,
        tier="process",
    )
    verdict = Verdict(task_id="t1", mode="strict", reward=1.0, solved=True, components=())
    return Rollout(
        format_version=1,
        id=identifier,
        agent="oracle",
        transport="memory",
        episode=record,
        messages=({"role": "user", "content": said},),
        ended="void" if void else "agent",
        failure=Failure(boundary="connection", message="gone") if void else None,
        verdict=None if void else verdict,
    )


def written(path: Path, *rollouts: Rollout) -> bytes:
    with RolloutStore(path) as store:
        for one in rollouts:
            store.append(one)
    return path.read_bytes()


def test_what_was_written_is_read_back(tmp_path: Path) -> None:
    rollouts = [rollout("a"), rollout("b", void=True), rollout("c", said="\ud800 lone")]
    path = tmp_path / "new" / "folder" / "rollouts.jsonl"
    written(path, *rollouts)
    assert list(read_rollouts(path)) == rollouts


@requirement("client:store")
@given(st.data())
def test_any_prefix_reads_back_as_whole_lines_and_a_torn_tail(data: st.DataObject) -> None:
    rollouts = [rollout(name, void=name == "b") for name in "abc"]
    with TemporaryDirectory() as folder:
        path = Path(folder) / "rollouts.jsonl"
        whole = written(path, *rollouts)
        cut = data.draw(st.integers(0, len(whole)))
        path.write_bytes(whole[:cut])
        count = whole[:cut].count(b"\n")
        tail = whole[:cut].rpartition(b"\n")[2]
        assert list(read_rollouts(path)) == rollouts[:count]
        with RolloutStore(path) as store:
            assert store.torn == (path.with_name("rollouts.jsonl.torn") if tail else None)
            assert store.torn is None or store.torn.read_bytes() == tail + b"\n"
            for one in rollouts[count:]:
                store.append(one)
        assert path.read_bytes() == whole


def test_a_store_knows_what_it_holds_and_void_rollouts_do_not_count(tmp_path: Path) -> None:
    path = tmp_path / "rollouts.jsonl"
    written(path, rollout("a"), rollout("b", void=True), rollout("b", void=True))
    with RolloutStore(path) as store:
        assert "a" in store
        assert "b" not in store
        assert [store.attempts(name) for name in "abc"] == [1, 2, 0]
        store.append(rollout("b"))
        assert "b" in store


@pytest.mark.parametrize("damage", [b"{\n", b"[]\n", b'{"id": "x"}\n', b"\n", b"\xff\n"])
def test_a_damaged_line_inside_the_file_is_an_error_that_names_it(
    tmp_path: Path, damage: bytes
) -> None:
    path = tmp_path / "rollouts.jsonl"
    lines = written(path, rollout("a"), rollout("b")).splitlines(keepends=True)
    path.write_bytes(lines[0] + damage + lines[1])
    with pytest.raises(RecordError, match=r"rollouts\.jsonl line 2: .*delete the line"):
        list(read_rollouts(path))
    with pytest.raises(RecordError, match="line 2"):
        RolloutStore(path)
    assert path.read_bytes() == lines[0] + damage + lines[1]


@pytest.mark.parametrize("content", [b"# Notes\n", b"{\n", b"{}\n", b"\xff\n", b"one line"])
def test_a_file_of_something_else_is_named_and_left_as_it_is(
    tmp_path: Path, content: bytes
) -> None:
    path = tmp_path / "notes.md"
    path.write_bytes(content)
    with pytest.raises(RecordError, match=r"notes\.md holds no rollouts: .* --out") as caught:
        list(read_rollouts(path))
    assert "delete" not in caught.value.message
    assert "b'" not in caught.value.message
    with pytest.raises(RecordError, match="holds no rollouts"):
        RolloutStore(path)
    assert path.read_bytes() == content
    assert [one.name for one in tmp_path.iterdir()] == ["notes.md"]


def test_a_journal_is_recognised_and_sent_to_score(tmp_path: Path) -> None:
    path = tmp_path / "episode.jsonl"
    path.write_bytes(canonical_bytes(rollout("a").episode.to_json()) + b"\n")
    with pytest.raises(RecordError, match=r"is a journal, .*`arena score .*` takes it"):
        list(read_rollouts(path))


def test_a_torn_line_is_moved_aside_and_told_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "rollouts.jsonl"
    path.write_bytes(written(path, rollout("a"), rollout("b"))[:-5])
    with caplog.at_level("WARNING"), RolloutStore(path) as store:
        assert store.torn is not None
    assert caplog.messages == []


def test_a_folder_that_cannot_be_written_is_an_error_with_a_next_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> int:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(RecordError, match="Read-only file system; choose another --out"):
        RolloutStore(tmp_path / "rollouts.jsonl")


def test_a_device_is_refused_before_it_is_read() -> None:
    with pytest.raises(RecordError, match="/dev/null is no plain file; choose another --out"):
        RolloutStore(Path("/dev/null"))


def test_reading_is_lazy(tmp_path: Path) -> None:
    path = tmp_path / "rollouts.jsonl"
    path.write_bytes(written(path, rollout("a")) + b"damaged\n")
    assert next(read_rollouts(path)) == rollout("a")


def test_two_processes_cannot_write_one_file(tmp_path: Path) -> None:
    path = tmp_path / "rollouts.jsonl"
    with RolloutStore(path), pytest.raises(SettingsError, match="another process is writing"):
        RolloutStore(path)
    with RolloutStore(path):
        pass


def test_a_missing_file_and_a_folder_are_errors(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match="No such file"):
        list(read_rollouts(tmp_path / "none.jsonl"))
    with pytest.raises(RecordError, match="cannot write rollouts"):
        RolloutStore(tmp_path)


def test_a_full_disk_leaves_the_file_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "rollouts.jsonl"
    write = os.write
    with RolloutStore(path) as store:
        store.append(rollout("a"))
        before = path.read_bytes()

        def tear(file: int, data: bytes) -> int:
            return write(file, data[:10])

        monkeypatch.setattr(os, "write", tear)
        with pytest.raises(RecordError, match=r"No space left.*free space and run again: what"):
            store.append(rollout("b"))
        assert path.read_bytes() == before

        def refuse(file: int, data: bytes) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(os, "write", refuse)
        with pytest.raises(RecordError, match=r"No space left.*free space and run again"):
            store.append(rollout("b"))
        monkeypatch.undo()
        assert "b" not in store
        store.append(rollout("b"))
    assert [one.id for one in read_rollouts(path)] == ["a", "b"]
