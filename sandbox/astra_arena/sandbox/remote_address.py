"""Where sandbox workers listen, `unix:PATH` or `tcp:HOST:PORT`, and the token that opens them."""

import contextlib
import os
import socket
import stat
from dataclasses import dataclass
from pathlib import Path

from astra_arena.core.errors import SettingsError

SHORTEST_TOKEN = 16


@dataclass(frozen=True, slots=True)
class Address:
    """A unix socket's path, or a host and a port."""

    path: str | None = None
    host: str = ""
    port: int = 0

    def __str__(self) -> str:
        if self.path is not None:
            return f"unix:{self.path}"
        return (
            f"tcp:[{self.host}]:{self.port}" if ":" in self.host else f"tcp:{self.host}:{self.port}"
        )

    @property
    def is_local(self) -> bool:
        """Whether only this machine can reach it."""
        return self.path is not None or self.host in ("127.0.0.1", "::1", "localhost")


def parse_address(text: str) -> Address:
    """Return the address that `text` spells.

    >>> parse_address("tcp:127.0.0.1:8650")
    Address(path=None, host='127.0.0.1', port=8650)

    Raises:
        SettingsError: if it spells none.
    """
    kind, _, rest = text.partition(":")
    if kind == "unix" and rest:
        return Address(path=rest)
    host, colon, port = rest.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if kind == "tcp" and colon and host and port.isdecimal() and int(port) < 65536:
        return Address(host=host, port=int(port))
    raise SettingsError(f"expected an address like unix:PATH or tcp:HOST:PORT, got {text!r}")


def read_token(path: Path) -> str:
    """Return the token in a file, without the white space around it.

    Raises:
        SettingsError: if the file cannot be read or holds too little.
    """
    try:
        token = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"could not read the token file {path}: {error}") from None
    if len(token) < SHORTEST_TOKEN:
        raise SettingsError(
            f"expected at least {SHORTEST_TOKEN} characters in the token file {path}, got "
            f"{len(token)}; make one with: python3 -c 'import secrets; print(secrets.token_hex())'"
        )
    return token


def open_listener(address: Address) -> socket.socket:
    """Return a socket that listens; a unix socket is its owner's alone.

    Raises:
        SettingsError: if the address is taken or cannot be had.
    """
    try:
        if address.path is not None:
            return _listen_at(address.path)
        family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
        sock = socket.create_server((address.host, address.port), family=family)
    except OSError as error:
        raise SettingsError(f"could not listen on {address}: {error.strerror or error}") from None
    return sock


def _listen_at(path: str) -> socket.socket:
    _remove_stale(path)
    sock = socket.socket(socket.AF_UNIX)
    # The mode of the file is all that keeps other users from trying.
    before = os.umask(0o177)
    try:
        sock.bind(path)
        sock.listen(100)
    except OSError:
        sock.close()
        raise
    finally:
        os.umask(before)
    return sock


def _remove_stale(path: str) -> None:
    """Remove what a worker that was killed left behind; one that lives keeps its socket."""
    try:
        if not stat.S_ISSOCK(os.stat(path).st_mode):
            return
    except OSError:
        return
    with socket.socket(socket.AF_UNIX) as trial:
        try:
            trial.connect(path)
        except ConnectionRefusedError:
            with contextlib.suppress(OSError):
                os.unlink(path)
        except OSError:
            return
