"""The verbs `arena sandbox-worker` and `arena sandbox-probe`: thin functions over the library."""

import asyncio
import json
import logging
import secrets
import signal
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from astra_arena.core.canonical import JsonObject
from astra_arena.sandbox.contract import Sandbox
from astra_arena.sandbox.process_sandbox import ProcessSandbox
from astra_arena.sandbox.remote_address import (
    Address,
    open_listener,
    parse_address,
    read_token,
)
from astra_arena.sandbox.tiers import base_interpreter, chosen_tier, probe_tiers
from astra_arena.sandbox.worker import MAX_SESSIONS, SandboxWorker
from astra_arena.sandbox.worker_store import BlobStore

DEFAULT_LISTEN = "tcp:127.0.0.1:8650"


def sandbox_worker(
    listen: Annotated[
        str, typer.Option(help="unix:PATH or tcp:HOST:PORT; port 0 takes a free one.")
    ] = DEFAULT_LISTEN,
    token_file: Annotated[
        Path | None, typer.Option(help="File with the token that clients must know.")
    ] = None,
    max_sessions: Annotated[int, typer.Option(min=1, help="Sessions open at once.")] = MAX_SESSIONS,
    min_tier: Annotated[
        str | None, typer.Option(help="Refuse to start below this tier; see sandbox-probe.")
    ] = None,
    store: Annotated[
        Path | None, typer.Option(help="Folder for received worlds; a temporary one if absent.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Say the address as JSON.")] = False,
) -> None:
    """Run tool code for servers on this machine or on others.

    Example: arena sandbox-worker --listen unix:/run/arena/worker.sock --token-file token

    Example: arena serve flights/ --sandbox unix:/run/arena/worker.sock --sandbox-token-file token
    """
    sandbox = ProcessSandbox(min_tier=min_tier)
    # Asked now: a worker that cannot confine tool code must not start.
    tier = sandbox.tier
    address = parse_address(listen)
    token = secrets.token_urlsafe(24) if token_file is None else read_token(token_file)
    logging.basicConfig(level=logging.WARNING, format="arena: %(message)s")
    if not address.is_local:
        print(
            f"arena: {address} can be reached from other machines, and what is said there is "
            "proved but not secret: keep it to a network of your own",
            file=sys.stderr,
        )

    def announce(listener: socket.socket) -> None:
        said: JsonObject = {"sandbox": str(_bound(address, listener)), "tier": tier}
        if token_file is None:
            said["token"] = token
        if as_json:
            print(json.dumps(said), flush=True)
        else:
            print("ready  " + "  ".join(f"{k} {v}" for k, v in said.items()), flush=True)

    worker = SandboxWorker(sandbox, token=token, max_sessions=max_sessions, store=BlobStore(store))
    asyncio.run(_work(sandbox, worker, address, announce))


def sandbox_probe(
    min_tier: Annotated[
        str | None, typer.Option(help="Exit with 1 when this tier cannot be had.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Say which layers confine tool code on this machine, and why others are missing.

    Example: arena sandbox-probe --min-tier seccomp+landlock
    """
    report = probe_tiers()
    if as_json:
        print(json.dumps({"tier": report.tier, "missing": report.missing}))
    else:
        print(f"tier           {report.tier or 'none: tool code cannot be confined here'}")
        for layer, reason in report.missing.items():
            print(f"no {layer:<12}{reason}")
    # Raises what `arena serve` would raise.
    chosen_tier(base_interpreter(), minimum=min_tier)


async def _work(
    sandbox: Sandbox,
    worker: SandboxWorker,
    address: Address,
    announce: Callable[[socket.socket], None],
) -> None:
    """Work until SIGTERM or SIGINT arrives."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    try:
        listener = open_listener(address)
        await worker.start(listener)
        announce(listener)
        await stop.wait()
    finally:
        await worker.close()
        await sandbox.close()
        if address.path is not None:
            Path(address.path).unlink(missing_ok=True)


def _bound(address: Address, listener: socket.socket) -> Address:
    if address.path is not None:
        return address
    return Address(host=address.host, port=listener.getsockname()[1])
