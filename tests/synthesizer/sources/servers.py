"""Real database servers for tests: started in a folder of their own, by an ordinary user."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

ORDINARY_USER = "nobody"
START_SECONDS = 30


def server_program(name: str, *folders: str) -> str | None:
    """Find a program of a server; Debian keeps PostgreSQL's outside of PATH."""
    found = [path for pattern in folders for path in sorted(Path("/").glob(pattern), reverse=True)]
    return next((str(p / name) for p in found if (p / name).exists()), shutil.which(name))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def server_folder() -> Generator[Path]:
    """A folder that the server's user may enter; pytest's own are closed to it."""
    folder = Path(tempfile.mkdtemp(prefix="arena-db-"))
    try:
        if os.geteuid() == 0:
            shutil.chown(folder, ORDINARY_USER)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def as_ordinary(command: list[str], folder: Path) -> None:
    """Run a program as the server's user, to its end; what it prints is told where it fails."""
    user = ORDINARY_USER if os.geteuid() == 0 else None
    ended = subprocess.run(
        command,
        check=False,
        user=user,
        group=_group(user),
        extra_groups=_none(user),
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=_environment(folder),
    )
    assert ended.returncode == 0, ended.stdout.decode(errors="replace")


@contextmanager
def running(command: list[str], folder: Path, port: int, stop: signal.Signals) -> Generator[None]:
    """Run a server until the block ends; it answers on its port when the block begins."""
    user = ORDINARY_USER if os.geteuid() == 0 else None
    log = folder / "log"
    with (
        log.open("wb") as output,
        subprocess.Popen(
            command,
            user=user,
            group=_group(user),
            extra_groups=_none(user),
            cwd=folder,
            stdout=output,
            stderr=output,
            env=_environment(folder),
        ) as process,
    ):
        try:
            _wait_for(process, port, log)
            yield
        finally:
            process.send_signal(stop)
            process.wait(START_SECONDS)


def _wait_for(process: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    end = time.monotonic() + START_SECONDS
    while True:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        if process.poll() is not None or time.monotonic() > end:
            told = log.read_bytes().decode(errors="replace")
            raise AssertionError(f"the server does not answer: {told}")
        time.sleep(0.02)


def _group(user: str | None) -> int | None:
    return None if user is None else pwd.getpwnam(user).pw_gid


def _none(user: str | None) -> list[str | int] | None:
    return None if user is None else []


def _environment(folder: Path) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "HOME": str(folder), "LC_ALL": "C.UTF-8", "TZ": "UTC"}
