"""Where the two planes listen and what the addresses given out start with."""

import errno
import socket
from dataclasses import dataclass
from urllib.parse import urlsplit

from astra_arena.core.errors import SettingsError
from astra_arena.servers.agent_plane.paths import mcp_path, phase_path
from astra_arena.servers.episodes.episode import Episode


@dataclass(frozen=True, slots=True)
class Addresses:
    """What the addresses given out start with, without a slash at the end."""

    mcp: str
    control: str

    def episode_mcp(self, environment: str, episode_id: str) -> str:
        """Return where an agent plays the episode."""
        return self.mcp + mcp_path(environment, episode_id)

    def episode_phase(self, episode: Episode) -> str:
        """Return where an agent plays the phase that an episode is in."""
        return self.mcp + phase_path(episode.source.name, episode.id, episode.phase)

    def episode_members(self, episode: Episode) -> dict[str, str]:
        """Return where each environment in use is played by itself; none if there is but one."""
        members = episode.members if len(episode.members) > 1 else ()
        return {name: self.episode_mcp(name, episode.id) for name in members}

    def episode_control(self, episode_id: str) -> str:
        """Return where a harness asks about the episode."""
        return f"{self.control}/episodes/{episode_id}"

    @property
    def host_name(self) -> str:
        """The name that requests of the agent plane are addressed to."""
        return _bracketed(urlsplit(self.mcp).hostname or "")


def addresses_for(
    *, host: str, port: int, control_port: int, advertise_url: str | None
) -> Addresses:
    """Return the addresses to give out.

    Args:
        host: What the sockets are bound to.
        port: Of the agent plane, as bound.
        control_port: Of the control plane, as bound.
        advertise_url: How others reach this host. A port in it is the agent plane's, for when
            something in between maps it; without one, and for the control plane, the bound ones
            are used.

    Raises:
        SettingsError: if `advertise_url` is not an address of a host.
    """
    if advertise_url is None:
        everywhere = host in ("", "0.0.0.0", "::")
        name = "127.0.0.1" if everywhere else _bracketed(host)
        return Addresses(f"http://{name}:{port}", f"http://{name}:{control_port}")
    try:
        parts = urlsplit(advertise_url)
        given, name = parts.port, parts.hostname
    except ValueError:
        given, name, parts = None, None, urlsplit("")
    if parts.scheme not in ("http", "https") or not name or parts.query or parts.username:
        raise SettingsError(
            f"expected --advertise-url like http://arena.example:8640, got {advertise_url!r}"
        )
    base = f"{parts.scheme}://{_bracketed(name)}"
    path = parts.path.rstrip("/")
    return Addresses(f"{base}:{given or port}{path}", f"{base}:{control_port}")


def bind(host: str, port: int, *, option: str) -> socket.socket:
    """Bind a listening socket; port 0 takes a free one.

    Args:
        option: The command-line option that chooses the port, for the message.

    Raises:
        SettingsError: if the port is taken or the host is not this machine's.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(2048)
        listener.setblocking(False)
    except OSError as error:
        listener.close()
        remedy = (
            f"stop what uses the port or choose another with {option} (0 takes a free one)"
            if error.errno == errno.EADDRINUSE
            else "--host takes an address of this machine, a port below 1024 needs privileges"
        )
        raise SettingsError(
            f"cannot listen on {host}:{port}: {error.strerror or error}; {remedy}"
        ) from None
    return listener


def _bracketed(name: str) -> str:
    return f"[{name}]" if ":" in name and not name.startswith("[") else name
