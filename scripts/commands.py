"""Commands of `arena`, run by scripts as a user would run them."""

import subprocess
import sys
from pathlib import Path


def arena(*arguments: str | Path | int | float) -> str:
    """Run a command; return what it prints."""
    said = list(map(str, arguments))
    done = subprocess.run(
        [sys.executable, "-m", "astra_arena.core.cli", *said],
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"{' '.join(said)}\n{done.stdout}")
    return done.stdout
