"""Which versions of MCP a client speaks: a forwarder notes the headers that it passes on."""

import re
import socket
import threading
from collections.abc import Generator
from contextlib import contextmanager, suppress
from socketserver import BaseRequestHandler, ThreadingTCPServer

_HEADER = re.compile(rb"\r\nmcp-protocol-version:[ \t]*([0-9-]+)", re.IGNORECASE)


class Forwarder(ThreadingTCPServer):
    """Passes connections on and notes the versions that requests name."""

    daemon_threads = True

    def __init__(self, upstream: tuple[str, int]) -> None:
        super().__init__(("127.0.0.1", 0), _Connection)
        self.upstream = upstream
        self.versions: set[str] = set()

    def address_of(self, url: str) -> str:
        """Return where to reach an address of the server behind this one."""
        _, _, path = url.removeprefix("http://").partition("/")
        return f"http://127.0.0.1:{self.server_address[1]}/{path}"


class _Connection(BaseRequestHandler):
    server: Forwarder  # pyright: ignore[reportIncompatibleVariableOverride] - the only server of it

    def handle(self) -> None:
        with socket.create_connection(self.server.upstream) as behind:
            back = threading.Thread(target=_pump, args=(behind, self.request, None), daemon=True)
            back.start()
            _pump(self.request, behind, self.server.versions)
            back.join()


def _pump(source: socket.socket, sink: socket.socket, versions: set[str] | None) -> None:
    seen = b""
    with suppress(OSError):
        while data := source.recv(65536):
            if versions is not None:
                # A header may come in two pieces.
                seen = seen[-200:] + data
                versions |= {found.decode("ascii") for found in _HEADER.findall(seen)}
            sink.sendall(data)
    with suppress(OSError):
        sink.shutdown(socket.SHUT_WR)


@contextmanager
def open_forwarder(url: str) -> Generator[Forwarder]:
    """Forward to the server of an address while the block runs."""
    host, _, port = url.removeprefix("http://").partition("/")[0].partition(":")
    with Forwarder((host, int(port))) as forwarder:
        threading.Thread(target=forwarder.serve_forever, daemon=True).start()
        try:
            yield forwarder
        finally:
            forwarder.shutdown()
