"""The verb `arena gateway`: wrap external MCP servers as environments."""

import asyncio
import base64
import json
import re
from pathlib import Path
from typing import Annotated, Literal

import typer

from astra_arena.core.canonical import Json, JsonObject
from astra_arena.core.environment import Licence
from astra_arena.core.errors import SettingsError, SpecError
from astra_arena.core.output import output_console, print_hanging
from astra_arena.core.tasks import Task
from astra_arena.servers.bundles.bundle import Bundle, load_bundle, read_file, require_place
from astra_arena.servers.bundles.external_world import ExternalWorld
from astra_arena.servers.bundles.inspection import print_facts, source_facts
from astra_arena.servers.gateway.record_files import read_episodes
from astra_arena.servers.gateway.replaying import write_replay
from astra_arena.servers.gateway.wrapping import Wrapping, unlisted, wrap_server

gateway_app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
)

Command = Annotated[
    list[str] | None, typer.Argument(help="After `--`: the command that starts the server.")
]
Url = Annotated[str | None, typer.Option("--url", help="The address of a server over HTTP.")]
Name = Annotated[str | None, typer.Option(help="The environment's name; the folder's when absent.")]
Variables = Annotated[
    list[str] | None, typer.Option("--env", help="Variable that the command gets; its name only.")
]
Headers = Annotated[
    list[str] | None, typer.Option("--header", help="HEADER=VARIABLE that holds its value.")
]
Files = Annotated[
    list[Path] | None,
    typer.Option("--file", help="File that is in the fresh folder in which the command starts."),
]
Folder = Annotated[
    str | None, typer.Option("--cwd", help="Run the command here, not in a fresh folder.")
]
State = Annotated[
    Literal["connection", "server"] | None,
    typer.Option(
        help="Whether each connection starts afresh, or all share the server's state; as a rule "
        "commands do the former and addresses the latter."
    ),
]
ReadOnly = Annotated[
    list[str] | None, typer.Option(help="A tool that only reads, though the server does not say.")
]
TaskFile = Annotated[
    Path | None, typer.Option("--tasks", help="File of tasks with gold, one JSON object a line.")
]


@gateway_app.callback()
def gateway() -> None:
    """Use external MCP servers as environments: wrap them and serve them like any other.

    Example: arena gateway wrap --out notes/ -- npx -y @modelcontextprotocol/server-memory
    """


@gateway_app.command()
def wrap(
    out: Annotated[Path, typer.Option(help="Folder of the bundle.")],
    command: Command = None,
    url: Url = None,
    name: Name = None,
    title: Annotated[str, typer.Option(help="What people call it.")] = "",
    licence: Annotated[str, typer.Option(help="Of the server's data, if known.")] = "unknown",
    env: Variables = None,
    header: Headers = None,
    file: Files = None,
    cwd: Folder = None,
    state: State = None,
    read_only: ReadOnly = None,
    call_seconds: Annotated[
        float | None, typer.Option(min=0.1, help="How long a call may take; 30 when absent.")
    ] = None,
    tasks: TaskFile = None,
    timeout: Annotated[float, typer.Option(min=1, help="Seconds to wait for the server.")] = 60.0,
) -> None:
    """Start or reach an external MCP server, list its tools and write a bundle that wraps it.

    The server is started now, and later by whoever serves the bundle with --allow-external.

    Example: arena gateway wrap --out notes/ -- npx -y @modelcontextprotocol/server-memory

    Example: arena gateway wrap --out shop/ --url https://shop.example/mcp --header X-Key=SHOP_KEY

    Example: arena gateway wrap --out books/ --file books.db -- mcp-server-sqlite --db-path books.db
    """
    require_place(out)
    world = _world(
        command or [], url, env or [], header or [], file or [], cwd, state, call_seconds
    )
    wrapping = Wrapping(
        name=name or _name_of(out),
        title=title,
        licence=Licence(name=licence),
        read_only=tuple(read_only or ()),
    )
    bundle = asyncio.run(wrap_server(out, world, wrapping, tasks=_tasks(tasks), seconds=timeout))
    _tell(bundle)


@gateway_app.command()
def replay(
    records: Annotated[
        list[Path], typer.Argument(help="Rollout files, journals or records of episodes.")
    ],
    bundle: Annotated[Path, typer.Option(help="The bundle that was played; it wraps the server.")],
    out: Annotated[Path, typer.Option(help="Folder of the new bundle.")],
) -> None:
    """Make a bundle that answers as an external server did in recorded episodes, without it.

    It is an ordinary one: it runs in the sandbox, and equal records make equal bytes.

    Example: arena gateway replay rollouts.jsonl --bundle books/ --out books-offline/
    """
    require_place(out)
    done = write_replay(out, load_bundle(bundle), read_episodes(records))
    console = output_console()
    print_facts(source_facts(done.bundle), console)
    if done.unsteady:
        console.print(f"note: {done.unsteady} of {done.calls} calls ended in several ways")
    for task, reason in done.left_out.items():
        print_hanging(console, "left out: ", f"{task}: {reason}")
    console.print(f"\nserve it with: arena serve {out}", markup=False)


def _world(
    command: list[str],
    url: str | None,
    variables: list[str],
    headers: list[str],
    files: list[Path],
    cwd: str | None,
    state: Literal["connection", "server"] | None,
    call_seconds: float | None,
) -> ExternalWorld:
    if bool(command) == (url is not None):
        raise SettingsError("name one server: either --url, or a command after `--`")
    world: JsonObject = {}
    if url is not None:
        if variables or files or cwd:
            raise SettingsError("--env, --file and --cwd are for a command, not for --url")
        world["http"] = {"url": url, "headers_from": dict(map(_header, headers))}
    else:
        if headers:
            raise SettingsError("--header is for --url, not for a command")
        stdio: JsonObject = {"command": list[Json](command), "environment": list[Json](variables)}
        if cwd is not None:
            stdio["cwd"] = str(Path(cwd).resolve())
        world["stdio"] = stdio
        world["files"] = {
            path.name: base64.b64encode(read_file(path)).decode("ascii") for path in files
        }
    fresh = url is None and cwd is None
    world["state"] = state or ("connection" if fresh else "server")
    if call_seconds is not None:
        world["call_seconds"] = call_seconds
    return unlisted(world)


def _header(pair: str) -> tuple[str, Json]:
    name, _, variable = pair.partition("=")
    if not name or not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", variable):
        raise SettingsError(
            f"expected --header HEADER=VARIABLE, like Authorization=SHOP_TOKEN, got {pair!r}; the "
            "value itself is never written to a bundle"
        )
    return name, variable


def _name_of(out: Path) -> str:
    return re.sub(r"[^a-z0-9]+", "-", out.resolve().name.lower()).strip("-")


def _tasks(path: Path | None) -> tuple[Task, ...]:
    if path is None:
        return ()
    tasks: list[Task] = []
    for number, line in enumerate(read_file(path).splitlines(), start=1):
        if line.strip():
            what = f"{path} line {number}"
            try:
                data = json.loads(line)
            except ValueError as error:
                raise SpecError(f"{what}: expected a JSON object: {error}") from None
            if isinstance(data, dict):
                data.setdefault("environments", ["unbound"])  # pyright: ignore[reportUnknownMemberType] - decoded JSON
            tasks.append(Task.from_json(data, what=what))
    return tuple(tasks)


def _tell(bundle: Bundle) -> None:
    console = output_console()
    print_facts(source_facts(bundle), console)
    changes = bundle.environment.provenance.get("changes")
    for change in changes if isinstance(changes, list) else ():
        console.print(f"note: {change}", markup=False)
    console.print(
        f"\nserve it with: arena serve {bundle.path} --allow-external {bundle.name}", markup=False
    )
