"""A sandbox worker in a process of its own."""

import json
import secrets
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def running_worker(folder: Path) -> Generator[tuple[str, str]]:
    """Run a worker while the block runs; yields its address and its token."""
    token = secrets.token_urlsafe(24)
    token_file = folder / "token"
    token_file.write_text(token, encoding="utf-8")
    command = [sys.executable, "-m", "astra_arena.core.cli", "sandbox-worker", "--json"]
    command += ["--listen", f"unix:{folder}/socket", "--token-file", str(token_file)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        try:
            yield json.loads(process.stdout.readline())["sandbox"], token
        finally:
            process.terminate()
