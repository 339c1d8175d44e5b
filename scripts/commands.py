"""Commands of `arena`, run by scripts as a user would run them."""

import subprocess
import sys
from pathlib import Path


def arena(*arguments: str | Path | int | float, findings: bool = False) -> str:
    """Run a command; return what it prints.

    Args:
        arguments: The verb and what follows it.
        findings: Whether it may say, by exit code 1, that there are findings.
    """
    said = list(map(str, arguments))
    done = subprocess.run(
        [sys.executable, "-m", "astra_arena.core.cli", *said],
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode not in ((0, 1) if findings else (0,)):
        raise SystemExit(f"{' '.join(said)}\n{done.stdout}")
    return done.stdout
