"""What a reader may type next, printed after a bundle was made."""

import shlex
import shutil
import sys
from pathlib import Path

from rich.console import Console


def print_next_steps(console: Console, bundle: Path, *more: str) -> None:
    """Print commands that work on `bundle`, and `more` of them without `arena`."""
    command, path = shlex.quote(_typed_command()), shlex.quote(str(bundle))
    console.print("\nWhat to try next:")
    for words in (
        f"inspect {path} --tasks",
        f"serve {path}",
        f"rollout {path} --agent random --out random.jsonl",
        *more,
    ):
        console.print(f"  {command} {words}", markup=False, soft_wrap=True)


def _typed_command() -> str:
    """Return `arena` as the reader can type it: its path when it is not on theirs."""
    typed = Path(sys.argv[0])
    found = shutil.which("arena")
    if typed.name != "arena" or (found and Path(found).samefile(typed)):
        return "arena"
    here = Path.cwd()
    return str(typed.relative_to(here) if typed.is_relative_to(here) else typed)
