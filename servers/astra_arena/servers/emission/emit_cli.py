"""The verb `arena emit`: a thin function over the library."""

import json
from pathlib import Path
from typing import Annotated

import typer

from astra_arena.core.output import output_console, print_notice
from astra_arena.servers.bundles.collection import load_sources
from astra_arena.servers.emission.registry_entry import DEFAULT_NAMESPACE
from astra_arena.servers.emission.server_folder import EmissionOptions, Emitted
from astra_arena.servers.emission.server_folder import emit as emit_folders


def emit(
    sources: Annotated[
        list[Path], typer.Argument(help="Folders of bundles and suites, or that hold such.")
    ],
    out: Annotated[Path, typer.Option(help="Folder to write; an emitted one is replaced.")],
    namespace: Annotated[
        str, typer.Option(help="Of the names in the MCP registry.")
    ] = DEFAULT_NAMESPACE,
    agent_side: Annotated[
        bool, typer.Option("--agent-side", help="Without gold, for agents that read these files.")
    ] = False,
    per_environment: Annotated[
        bool,
        typer.Option(
            "--per-environment", help="A service for each environment; no tasks over several."
        ),
    ] = False,
    kubernetes: Annotated[
        bool, typer.Option("--kubernetes", help="Write Kubernetes manifests, too.")
    ] = False,
    runtime: Annotated[
        str | None, typer.Option(help="Container runtime of the sandbox worker, like runsc.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="What was written, as JSON.")] = False,
) -> None:
    """Write self-contained server folders, with what starts them in containers.

    Example: arena emit flights/ --out flights-server

    Example: arena emit trade-suite/ --out trade --kubernetes --runtime runsc

    Example: arena emit flights/ --out flights-for-agents --agent-side
    """
    options = EmissionOptions(
        namespace=namespace,
        agent_side=agent_side,
        per_environment=per_environment,
        kubernetes=kubernetes,
        runtime=runtime,
    )
    emitted = emit_folders(load_sources(sources), out, options)
    if as_json:
        print(json.dumps(_as_json(emitted), indent=2, ensure_ascii=False))
        return
    console = output_console()
    for folder in emitted.folders:
        console.print(f"server     {folder}", markup=False, soft_wrap=True)
    console.print(f"together   {out}/docker-compose.yml", markup=False, soft_wrap=True)
    for one in emitted.left_out:
        print_notice(f"left out: task {one.task}: {one.reason}")


def _as_json(emitted: Emitted) -> dict[str, object]:
    return {
        "out": str(emitted.path),
        "servers": [str(folder) for folder in emitted.folders],
        "left_out": [{"task": one.task, "reason": one.reason} for one in emitted.left_out],
    }
