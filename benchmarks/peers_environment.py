"""The peers' virtual environment: made once, in `build/`, from the package index."""

import subprocess
import sys
from pathlib import Path

PACKAGES = ("openenv==0.10.0", "fastmcp==3.4.11")
"""FastMCP as OpenEnv takes it: below 4."""

_FOLDER = Path("build/peers")


def peers_python() -> Path:
    """Return the interpreter of the peers' environment, which is made if it is not there.

    Raises:
        subprocess.CalledProcessError: if the package index cannot be reached.
    """
    python = _FOLDER / "bin" / "python"
    ready = _FOLDER / "ready"
    if not ready.exists() or ready.read_text(encoding="utf-8") != " ".join(PACKAGES):
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(_FOLDER)], check=True)
        install = [str(python), "-m", "pip", "install", "--quiet", *PACKAGES]
        subprocess.run(install, check=True)
        ready.write_text(" ".join(PACKAGES), encoding="utf-8")
    return python.absolute()
