"""The outer jail: namespaces around the base server, made by bubblewrap.

Covered: the file system but for the interpreter and its libraries, other processes, the network,
System V and POSIX queues, the host's name. Taken once for all sessions of a sandbox.
"""

import functools
import json
import os
import shutil
import subprocess
import sys
import sysconfig
from glob import glob
from pathlib import Path

GUEST = Path(__file__).with_name("guest")
ENVIRONMENT = {"LC_ALL": "C.UTF-8", "PYTHONHASHSEED": "0", "PYTHONUTF8": "1", "TZ": "UTC"}
"""All that a server is executed with."""

_LIBRARIES = ("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/etc/ld.so.cache")
_PROBE_S = 20.0
# As root: what the base server changes its children's user and ends them by.
_ROOT_KEEPS = ("CAP_SETUID", "CAP_SETGID", "CAP_SETPCAP", "CAP_KILL")
_ASK = """
import json, os, sys, sysconfig
places = sysconfig.get_paths()
print(json.dumps([os.path.realpath(sys.executable), places["stdlib"], places["platstdlib"]]))
"""


def jailed(command: list[str]) -> list[str]:
    """Return a command that runs `command`, a Python's, inside the jail.

    Raises:
        OSError: if bubblewrap or the interpreter cannot be found.
        ValueError: if the interpreter does not say where its library is.
    """
    bwrap = shutil.which("bwrap")
    if bwrap is None:
        raise FileNotFoundError("bubblewrap (`bwrap`) is not on the PATH")
    executable, *folders = _interpreter(command[0])
    # The jail's first process is the server itself: a process of bubblewrap's would keep the
    # caller's environment where its children can read it.
    options = [bwrap, "--as-pid-1", "--die-with-parent", "--new-session", "--chdir", "/"]
    options += ["--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts"]
    options += ["--unshare-cgroup-try", "--cap-drop", "ALL"]
    if os.geteuid() == 0:
        options += [word for name in _ROOT_KEEPS for word in ("--cap-add", name)]
    else:
        options += ["--unshare-user"]
    options += ["--proc", "/proc"]
    places = [*_LIBRARIES, *_zones(), executable, *folders, *_own_libraries(executable)]
    for place in dict.fromkeys(places):
        options += ["--ro-bind-try", place, place]
    for folder in dict.fromkeys(folders):
        for name in ("site-packages", "dist-packages"):
            if (Path(folder) / name).is_dir():
                options += ["--tmpfs", f"{folder}/{name}"]
    # Last: where this project is installed, its guest is among the packages that were just hidden.
    options += ["--ro-bind", str(GUEST), str(GUEST)]
    return [*options, "--", executable, *command[1:]]


def jail_failure(python: str) -> str:
    """Try the jail; return why it cannot be had, empty when it can."""
    if sys.platform != "linux":
        return f"{sys.platform} has no namespaces"
    try:
        done = subprocess.run(
            jailed([python, "-I", "-S", "-c", "import json, sqlite3"]),
            env=ENVIRONMENT,
            cwd="/",
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_PROBE_S,
            check=False,
        )
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        return str(error)
    said = done.stderr.decode("utf-8", "replace").strip().splitlines()
    if done.returncode == 0:
        return ""
    return said[-1] if said else f"bubblewrap ended with exit status {done.returncode}"


@functools.cache
def _interpreter(python: str) -> tuple[str, ...]:
    """Return the executable and its library's folders."""
    executable = os.path.realpath(python)
    if executable == os.path.realpath(sys.executable):
        return (executable, sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib"))
    done = subprocess.run(
        [python, "-I", "-S", "-c", _ASK],
        env=ENVIRONMENT,
        capture_output=True,
        timeout=_PROBE_S,
        check=True,
    )
    return tuple(json.loads(done.stdout))


def _own_libraries(executable: str) -> list[str]:
    return glob(str(Path(executable).parent.parent / "lib" / "libpython*"))


def _zones() -> list[str]:
    return [place for place in ("/usr/share/zoneinfo", "/usr/lib/zoneinfo") if os.path.isdir(place)]
