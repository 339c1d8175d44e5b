import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from astra_arena.core.errors import SynthesisError
from astra_arena.synthesizer.checkpoints import WORK_FOLDER, Log, checkpoints
from tests.support.requirement import requirement
from tests.synthesizer.inputs import make_shop

SYNTHESIZE = """
import os, signal, sys
from pathlib import Path
from astra_arena.synthesizer import TableOptions, synthesize_tables, checkpoints

lines = 0
add = checkpoints.Log.add

def add_and_die(log, line):
    global lines
    add(log, line)
    lines += 1
    if lines == int(sys.argv[3]):
        os.kill(os.getpid(), signal.SIGKILL)

checkpoints.Log.add = add_and_die
options = TableOptions(gates=("schema", "replay"), tasks=10, seed=5)
synthesize_tables(Path(sys.argv[1]), Path(sys.argv[2]), options)
print(lines)
"""


def synthesize(source: Path, out: Path, *, killed_after: int) -> subprocess.CompletedProcess[str]:
    arguments = [sys.executable, "-c", SYNTHESIZE, str(source), str(out), str(killed_after)]
    return subprocess.run(arguments, capture_output=True, text=True, check=False)


def files_of(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@requirement("synth:resume")
@pytest.mark.timeout(300)
def test_a_killed_synthesis_goes_on_and_ends_with_the_same_bytes(tmp_path: Path) -> None:
    source = make_shop(tmp_path / "shop.sqlite")
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    finished = synthesize(source, whole, killed_after=0)
    assert finished.returncode == 0, finished.stderr
    steps = int(finished.stdout)
    assert steps >= 20
    done = 0
    # While tasks are drawn, when all are drawn, and while other ways to ask are executed.
    for further in (4, 6, 3):
        killed = synthesize(source, cut, killed_after=further)
        assert killed.returncode == -signal.SIGKILL, killed.stderr
        assert not cut.exists()
        done += further
        (folder,) = (tmp_path / WORK_FOLDER).iterdir()
        kept = sum(len(log.read_bytes().splitlines()) for log in folder.glob("*.jsonl"))
        assert kept == done
    resumed = synthesize(source, cut, killed_after=0)
    assert resumed.returncode == 0, resumed.stderr
    assert int(resumed.stdout) == steps - done
    assert files_of(cut) == files_of(whole)
    assert not (tmp_path / WORK_FOLDER).exists()


def test_a_line_that_was_cut_off_is_as_if_never_written(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    path.write_bytes(b'{"a":1}\n{"b":2}\n{"c"')
    log = Log(path)
    assert log.lines == [{"a": 1}, {"b": 2}]
    log.add({"d": 4})
    assert [json.loads(line) for line in path.read_bytes().splitlines()] == log.lines


def test_another_run_of_the_same_synthesis_keeps_nothing(tmp_path: Path) -> None:
    with checkpoints(tmp_path / "out", "same") as first:
        first.log("stage").add(1)
        with checkpoints(tmp_path / "out", "same") as second:
            assert second.log("stage").lines == []
            second.log("stage").add(2)
        assert first.log("stage").lines == [1]
        with checkpoints(tmp_path / "out", "other") as third:
            assert third.log("stage").lines == []
    assert os.listdir(tmp_path) == []


def test_nothing_is_kept_of_what_the_data_does_not_allow(tmp_path: Path) -> None:
    def fail() -> None:
        with checkpoints(tmp_path / "out", "same") as work:
            work.log("stage").add(1)
            raise SynthesisError("no task")

    with pytest.raises(SynthesisError):
        fail()
    assert os.listdir(tmp_path) == []
