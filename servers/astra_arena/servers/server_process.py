"""A server in a process of its own, for as long as a block runs."""

import json
import os
import subprocess
import sys
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from astra_arena.core.errors import SettingsError
from astra_arena.servers.addresses import Addresses

_STOP_SECONDS = 10


@dataclass(frozen=True, slots=True)
class ServerProcess:
    """A server that accepts connections, in another process."""

    addresses: Addresses
    token: str = field(repr=False)
    pid: int


@contextmanager
def start_server_process(
    bundle_paths: Sequence[Path],
    *,
    host: str = "127.0.0.1",
    advertise_url: str | None = None,
    max_episodes: int | None = None,
    extensions: Sequence[str] = (),
    allow_external: Sequence[str] = (),
) -> Generator[ServerProcess]:
    """Serve bundles in a new process on free ports while the block runs.

    The process also ends when this one does, however that happens: it watches its stdin.

    Args:
        extensions: What to add to the MCP servers, like `my_module:MyExtension`.
        allow_external: Environments whose external servers may be started or reached.

    Raises:
        SettingsError: if the server does not start; its own message is in it.
    """
    command = [sys.executable, "-m", "astra_arena.servers", "serve"]
    command += [str(path) for path in bundle_paths]
    command += ["--host", host, "--port", "0", "--control-port", "0", "--json", "--until-eof"]
    if advertise_url is not None:
        command += ["--advertise-url", advertise_url]
    if max_episodes is not None:
        command += ["--max-episodes", str(max_episodes)]
    for extension in extensions:
        command += ["--extension", extension]
    for name in allow_external:
        command += ["--allow-external", name]
    # A token of this process's own environment is not for a server with free ports.
    environment = {
        k: v
        for k, v in os.environ.items()
        if not k.endswith("_TOKEN") or not k.startswith("ARENA_")
    }
    # A session of its own: a terminal's Ctrl-C is for the caller, which then stops the server.
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment,
        start_new_session=True,
    )
    try:
        yield _announced(process)
    finally:
        _stop(process)


def _announced(process: subprocess.Popen[bytes]) -> ServerProcess:
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        code = process.wait()
        raise SettingsError(f"the server ended with code {code}; what it printed says why")
    said = json.loads(line)
    return ServerProcess(Addresses(said["mcp"], said["control"]), said["token"], process.pid)


def _stop(process: subprocess.Popen[bytes]) -> None:
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            stream.close()
    process.terminate()
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
