"""SIGTERM leaves nothing of a user's data behind."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from astra_arena.synthesizer.termination import unwinding_on_sigterm
from tests.synthesizer.inputs import make_shop


def test_sigterm_unwinds_the_block_and_a_second_one_does_not_break_the_cleaning() -> None:
    before = signal.getsignal(signal.SIGTERM)
    cleaned = False

    def work() -> None:
        nonlocal cleaned
        with unwinding_on_sigterm():
            try:
                os.kill(os.getpid(), signal.SIGTERM)
                time.sleep(5)
            finally:
                os.kill(os.getpid(), signal.SIGTERM)
                cleaned = True

    with pytest.raises(SystemExit) as ended:
        work()
    assert (ended.value.code, cleaned) == (143, True)
    assert signal.getsignal(signal.SIGTERM) is before


def test_other_threads_leave_signals_alone() -> None:
    done: list[bool] = []

    def work() -> None:
        with unwinding_on_sigterm():
            done.append(True)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert done == [True]


@pytest.mark.parametrize("step", ["sample tasks", "replay"])
def test_a_terminated_synthesis_leaves_no_temporary_files(tmp_path: Path, step: str) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    source = make_shop(tmp_path / "shop.sqlite")
    words = [
        "synth",
        "table",
        str(source),
        "--out",
        str(tmp_path / "b"),
        "--tasks",
        "40",
        "--gates",
        "quick",
    ]
    with subprocess.Popen(
        [sys.executable, "-m", "astra_arena.core.cli", *words],
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "TMPDIR": str(scratch)},
    ) as process:
        assert process.stderr is not None
        assert any(line.strip() == step for line in process.stderr)
        assert list(scratch.iterdir())
        process.terminate()
        assert "Traceback" not in process.stderr.read()
    assert process.returncode == 143
    assert list(scratch.iterdir()) == []
    assert not (tmp_path / "b").exists()
