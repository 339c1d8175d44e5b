"""Sandbox workers as processes of their own, and the sockets that tests talk to them by."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from astra_arena.sandbox import RemoteSandbox

TOKEN = "a token that both sides know"


@dataclass(frozen=True, slots=True)
class RunningWorker:
    """A worker that accepts connections."""

    address: str
    tier: str
    pid: int

    def kill(self) -> None:
        """End it without a word."""
        os.kill(self.pid, signal.SIGKILL)

    def sandbox(self, *others: "RunningWorker", patience_s: float = 5.0) -> RemoteSandbox:
        """A sandbox at this worker and others."""
        addresses = [worker.address for worker in (self, *others)]
        return RemoteSandbox(addresses, token=TOKEN, patience_s=patience_s)


def start_worker(folder: Path, listen: str, *options: str) -> subprocess.Popen[bytes]:
    """Start a worker; its ready line is on stdout."""
    token_file = folder / "token"
    token_file.write_text(TOKEN + "\n", encoding="utf-8")
    command = [sys.executable, "-m", "astra_arena.core.cli", "sandbox-worker", "--json"]
    command += ["--listen", listen, "--token-file", str(token_file), *options]
    return subprocess.Popen(command, stdout=subprocess.PIPE)


def ready(process: subprocess.Popen[bytes]) -> RunningWorker:
    """Wait until the worker accepts connections."""
    assert process.stdout is not None
    said = json.loads(process.stdout.readline())
    return RunningWorker(said["sandbox"], said["tier"], process.pid)


@contextmanager
def running_worker(
    folder: Path, listen: str = "tcp:127.0.0.1:0", *options: str
) -> Generator[RunningWorker]:
    """Run a worker while the block runs."""
    process = start_worker(folder, listen, *options)
    try:
        yield ready(process)
    finally:
        process.terminate()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()
