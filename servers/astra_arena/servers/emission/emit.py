"""Files that make a bundle usable by itself; none of them is part of a digest."""

from pathlib import Path

from astra_arena.core.errors import BundleError
from astra_arena.servers.bundles.suite import load_source

LAUNCHER = "server.py"

_LAUNCHER_TEXT = '''\
#!/usr/bin/env python3
"""Serve this environment to one MCP client over stdin and stdout."""

import argparse
import sys
from pathlib import Path


def main() -> int:
    parser = argparse.ArgumentParser(
        description="MCP server (stdio) of this folder's environment: one episode of one task.",
        epilog="example: python server.py --task TASK --seed 7 --journal journals/",
    )
    parser.add_argument("--task", required=True, help="id of a task (see arena inspect --tasks)")
    parser.add_argument("--seed", type=int, default=0, help="keys the episode's random streams")
    parser.add_argument("--journal", type=Path, help="folder for the episode's journal")
    options = parser.parse_args()
    try:
        from astra_arena.servers.launch import run_stdio
    except ModuleNotFoundError as error:
        pinned = Path(__file__).resolve().parent / "requirements.txt"
        install = "pip install 'astra-arena[servers]'"
        if pinned.is_file():
            install = f"cd {pinned.parent} && pip install -r requirements.txt"
        print(
            f"server.py: {error.name!r} is missing from {sys.executable}; "
            f"install it with: {install}",
            file=sys.stderr,
        )
        return 2
    bundle = Path(__file__).resolve().parent
    return run_stdio(bundle, options.task, seed=options.seed, journal_dir=options.journal)


if __name__ == "__main__":
    sys.exit(main())
'''


def emit_server(bundle_path: Path) -> Path:
    """Write a launcher into a bundle or suite and return its path.

    Raises:
        BundleError: if the folder holds no sound bundle or suite, or cannot be written.
    """
    load_source(bundle_path)
    launcher = bundle_path / LAUNCHER
    try:
        launcher.write_text(_LAUNCHER_TEXT, encoding="utf-8", newline="\n")
        launcher.chmod(0o755)
    except OSError as error:
        raise BundleError(f"cannot write {launcher}: {error.strerror}") from None
    return launcher
