"""`docker-compose.yml` of an emitted folder; valid for docker-compose 1.29 and Compose v2."""

from collections.abc import Sequence
from dataclasses import dataclass

from astra_arena.core.canonical import Json, JsonObject
from astra_arena.servers.emission.container_files import (
    TOKEN_FILE,
    WORKER_PORT,
    serve_command,
    worker_command,
)
from astra_arena.servers.emission.yaml_text import yaml_text

WORKER = "sandbox"
"""The worker's service."""
_SECRET = "sandbox_token"
_FIRST_PORT = 8640
_LEFT_OUT_LABEL = "io.github.astra-arena.left-out"
_HEAD = """\
# Servers and the sandbox worker that runs their tool code, in a network that leads nowhere.
#
#   python3 -c 'import secrets; print(secrets.token_hex())' > sandbox_token
#   chmod 644 sandbox_token
#   ARENA_TOKEN=... docker compose up --build
#
# sandbox_token is read by user 10001 inside the containers. Ports are open to this machine alone.
"""


@dataclass(frozen=True, slots=True)
class Service:
    """A server container: its name, what it is built from and what it serves."""

    name: str
    context: str
    serves: tuple[str, ...]


def compose_text(
    services: Sequence[Service], *, runtime: str | None = None, left_out: int = 0
) -> str:
    """Return the text of `docker-compose.yml`.

    Args:
        services: One for all environments, or one for each.
        runtime: What runs the worker's container, like `runsc`.
        left_out: How many tasks no service can play, because they span several.
    """
    first = services[0]
    servers: JsonObject = {
        service.name: _server(service, _FIRST_PORT + 2 * number, left_out)
        for number, service in enumerate(services)
    }
    document: JsonObject = {
        "services": {WORKER: _worker(first, runtime), **servers},
        "networks": {"agents": {}, "sandbox": {"internal": True}},
        "secrets": {_SECRET: {"file": f"./{_SECRET}"}},
    }
    note = "" if not left_out else _left_out_note(left_out)
    return _HEAD + note + yaml_text([document])


def _left_out_note(count: int) -> str:
    return (
        f"#\n# LEFT OUT: {count} tasks of suites. Each environment has a service of its own here;\n"
        "# emit without --per-environment to play them.\n"
    )


def _hardened(memory: str, pids: int, tmp: str) -> JsonObject:
    return {
        "read_only": True,
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges:true"],
        "mem_limit": memory,
        "pids_limit": pids,
        "tmpfs": [f"/tmp:rw,noexec,nosuid,nodev,size={tmp}"],
        "secrets": [_SECRET],
        "restart": "unless-stopped",
    }


def _healthcheck(script: str) -> JsonObject:
    return {
        "test": ["CMD", "python3", "-c", script],
        "interval": "5s",
        "timeout": "5s",
        "retries": 12,
        "start_period": "5s",
    }


def _worker(first: Service, runtime: str | None) -> JsonObject:
    probe = (
        f"import socket; socket.create_connection(('127.0.0.1', {WORKER_PORT}), timeout=3).close()"
    )
    return {
        "build": {"context": first.context, "target": "sandbox"},
        "command": [*worker_command(), "--max-sessions", "1024"],
        "networks": ["sandbox"],
        **({} if runtime is None else {"runtime": runtime}),
        **_hardened("4g", 2048, "1g"),
        "healthcheck": _healthcheck(probe),
        "stop_grace_period": "10s",
    }


def _server(service: Service, port: int, left_out: int) -> JsonObject:
    ready = f"http://127.0.0.1:{port + 1}/readyz"
    remote = ["--sandbox", f"tcp:sandbox:{WORKER_PORT}", "--sandbox-token-file", TOKEN_FILE]
    ports = ["--port", str(port), "--control-port", str(port + 1)]
    published: list[Json] = [f"127.0.0.1:{one}:{one}" for one in (port, port + 1)]
    labels: JsonObject = {_LEFT_OUT_LABEL: f"{left_out} tasks of suites"}
    return {
        "build": {"context": service.context, "target": "server"},
        "command": [*serve_command(service.serves), *ports, *remote],
        "depends_on": {"sandbox": {"condition": "service_healthy"}},
        "environment": ["ARENA_TOKEN=${ARENA_TOKEN:?the token of the control plane}"],
        "ports": published,
        "networks": ["agents", "sandbox"],
        **_hardened("2g", 512, "256m"),
        **({"labels": labels} if left_out else {}),
        "healthcheck": _healthcheck(
            f"import urllib.request as r; r.urlopen('{ready}', timeout=3).close()"
        ),
    }
