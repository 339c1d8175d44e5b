"""The verbs `arena serve` and `arena inspect`: thin functions over the library."""

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from astra_arena.core.canonical import JsonObject
from astra_arena.core.episode_terms import EpisodeTerms
from astra_arena.core.errors import SettingsError
from astra_arena.core.output import output_console
from astra_arena.sandbox.process_sandbox import ProcessSandbox
from astra_arena.sandbox.remote_address import read_token
from astra_arena.sandbox.remote_sandbox import RemoteSandbox
from astra_arena.servers.agent_plane.extensions import load_extensions
from astra_arena.servers.bundles.collection import load_sources
from astra_arena.servers.bundles.inspection import (
    collection_facts,
    print_collection,
    print_facts,
    source_facts,
)
from astra_arena.servers.bundles.suite import load_source
from astra_arena.servers.gateway.allowing import with_external
from astra_arena.servers.host import MAX_EPISODES
from astra_arena.servers.launch import run_loop, run_stdio
from astra_arena.servers.local_sandbox import build_local_sandbox
from astra_arena.servers.serve import (
    DEFAULT_CONTROL_PORT,
    DEFAULT_PORT,
    RunningServer,
)
from astra_arena.servers.serve import serve as serve_bundles
from astra_arena.servers.server_options import PlaneOptions
from astra_arena.servers.term_options import (
    AllowExternal,
    Beside,
    BudgetOption,
    Mixing,
    read_terms,
)

TOKEN_VARIABLE = "ARENA_TOKEN"
COLLECTOR_TOKEN_VARIABLE = "ARENA_COLLECTOR_TOKEN"

Folders = Annotated[
    list[Path], typer.Argument(help="Folders of bundles and suites, or folders that hold such.")
]
Folder = Annotated[
    Path, typer.Argument(help="Folder of a bundle or a suite, or one that holds such.")
]
Port = Annotated[
    int, typer.Option(min=0, max=65535, help="Agents' port (MCP); 0 takes a free one.")
]
ControlPort = Annotated[
    int, typer.Option(min=0, max=65535, help="Harness's port; 0 takes a free one.")
]
Token = Annotated[
    str | None,
    typer.Option(
        envvar=TOKEN_VARIABLE, help="Token of the control plane's operators; generated when absent."
    ),
]
CollectorToken = Annotated[
    str | None,
    typer.Option(
        envvar=COLLECTOR_TOKEN_VARIABLE,
        help="Token of those who may play and score, but change nothing that is served.",
    ),
]
DrainSeconds = Annotated[
    float, typer.Option(min=0, help="So long open episodes may be played on after SIGTERM.")
]
Traces = Annotated[
    str | None,
    typer.Option(help="Send OpenTelemetry traces to this collector, http://HOST:4318."),
]
AdvertiseUrl = Annotated[
    str | None, typer.Option(help="How others reach this host, like http://arena.example:8640.")
]
Workers = Annotated[
    list[str] | None,
    typer.Option(help="Run tool code at this sandbox worker, unix:PATH or tcp:HOST:PORT."),
]
WorkersTokenFile = Annotated[
    Path | None, typer.Option(help="With --sandbox: file with the workers' token.")
]
MinTier = Annotated[
    str | None, typer.Option(help="Refuse to run below this tier, like seccomp+landlock.")
]
Unsafe = Annotated[
    bool, typer.Option("--unsafe-no-sandbox", help="Run tool code that you wrote UNCONFINED.")
]
Extension = Annotated[
    list[str] | None,
    typer.Option(help="Add to the MCP servers, [ENVIRONMENT=]module:attribute; trusted code."),
]
JournalFolder = Annotated[
    Path | None, typer.Option(help="With --stdio: folder for the episode's journal.")
]


def serve(
    bundles: Annotated[
        list[Path], typer.Argument(help="Folders of bundles and suites, or that hold such.")
    ],
    host: Annotated[str, typer.Option(help="Address to bind to.")] = "127.0.0.1",
    port: Port = DEFAULT_PORT,
    control_port: ControlPort = DEFAULT_CONTROL_PORT,
    token: Token = None,
    collector_token: CollectorToken = None,
    advertise_url: AdvertiseUrl = None,
    drain_seconds: DrainSeconds = 0.0,
    traces: Traces = None,
    max_episodes: Annotated[int, typer.Option(min=1, help="Episodes open at once.")] = MAX_EPISODES,
    as_json: Annotated[bool, typer.Option("--json", help="Say the addresses as JSON.")] = False,
    until_eof: Annotated[bool, typer.Option(help="Stop when stdin ends, too.")] = False,
    stdio: Annotated[bool, typer.Option(help="Serve one episode over stdin and stdout.")] = False,
    task: Annotated[str | None, typer.Option(help="With --stdio: the task.")] = None,
    seed: Annotated[int, typer.Option(help="With --stdio: the seed.")] = 0,
    sandbox: Workers = None,
    sandbox_token_file: WorkersTokenFile = None,
    min_tier: MinTier = None,
    unsafe_no_sandbox: Unsafe = False,
    journal: JournalFolder = None,
    extension: Extension = None,
    mixing: Mixing = None,
    budget: BudgetOption = None,
    beside: Beside = None,
    allow_external: AllowExternal = None,
) -> None:
    """Serve bundles to MCP clients over HTTP, or one episode over stdio.

    Example: arena serve servers/suite library/ --port 8640

    Example: arena serve flights/ --stdio --task t0001 --seed 7 --journal journals/

    Example: arena serve flights/ --stdio --task t0001 --mixing '{"renamed_share": 0.5}'

    Example: arena serve flights/ --sandbox unix:worker.sock --sandbox-token-file token
    """
    chosen = _sandbox(sandbox or [], sandbox_token_file, min_tier, unsafe=unsafe_no_sandbox)
    allowed = allow_external or []
    if stdio:
        _refuse_over_stdio(extension)
        terms = read_terms(mixing, budget)
        one = _OneEpisode(*_episode(bundles, task), seed, journal, terms, tuple(beside or ()))
        raise typer.Exit(one.serve(chosen, allowed))
    _refuse_over_http(task, journal, mixing, budget, beside)
    sources = load_sources(bundles)
    listening = PlaneOptions(host=host, port=port, control_port=control_port)
    access = PlaneOptions(token=token, collector_token=collector_token, advertise_url=advertise_url)
    limits = PlaneOptions(max_episodes=max_episodes, extensions=load_extensions(extension or []))
    serving = serve_bundles(
        sources,
        drain_seconds=drain_seconds,
        traces=traces,
        sandbox=with_external(chosen, sources, allowed),
        on_ready=_announcing(as_json=as_json, show_token=token is None),
        on_interrupt=lambda: print("stopped", file=sys.stderr),
        until_stdin_ends=until_eof,
        **{**listening, **access, **limits},
    )
    run_loop(serving)


@dataclass(frozen=True, slots=True)
class _OneEpisode:
    """What `--stdio` serves."""

    path: Path
    task: str
    seed: int
    journal: Path | None
    terms: EpisodeTerms
    beside: tuple[Path, ...]

    def serve(self, sandbox: RemoteSandbox | ProcessSandbox, allowed: list[str]) -> int:
        """Serve it to the client behind stdin and stdout, and return the exit code."""
        played = [load_source(one) for one in (self.path, *self.beside)]
        return run_stdio(
            self.path,
            self.task,
            seed=self.seed,
            journal_dir=self.journal,
            sandbox=with_external(sandbox, played, allowed),
            terms=self.terms,
            beside=self.beside,
        )


def _refuse_over_stdio(extension: list[str] | None) -> None:
    if extension:
        raise SettingsError("--extension is for servers over HTTP, not for --stdio")


def _refuse_over_http(
    task: str | None,
    journal: Path | None,
    mixing: str | None,
    budget: str | None,
    beside: list[Path] | None,
) -> None:
    if task is not None or journal is not None:
        raise SettingsError("--task and --journal belong to --stdio")
    if mixing is not None or budget is not None or beside:
        raise SettingsError(
            "--mixing, --budget and --beside belong to --stdio; over HTTP whoever opens an episode "
            "asks for them"
        )


def _episode(bundles: list[Path], task: str | None) -> tuple[Path, str]:
    if len(bundles) != 1 or task is None:
        raise SettingsError("--stdio serves one episode: name one bundle and a --task")
    return bundles[0], task


def _sandbox(
    addresses: list[str], token_file: Path | None, min_tier: str | None, *, unsafe: bool
) -> RemoteSandbox | ProcessSandbox:
    if not addresses:
        if token_file is not None:
            raise SettingsError("--sandbox-token-file belongs to --sandbox")
        return build_local_sandbox(min_tier=min_tier, unsafe=unsafe)
    if token_file is None:
        raise SettingsError("--sandbox needs --sandbox-token-file: the token of its workers")
    if unsafe:
        raise SettingsError("--unsafe-no-sandbox is for tool code here, not at a --sandbox worker")
    return RemoteSandbox(addresses, token=read_token(token_file), min_tier=min_tier)


def _announcing(*, as_json: bool, show_token: bool) -> Callable[[RunningServer], None]:
    def announce(running: RunningServer) -> None:
        print(_announcement(running, as_json=as_json, show_token=show_token), flush=True)

    return announce


def _announcement(running: RunningServer, *, as_json: bool, show_token: bool) -> str:
    """Say where the server listens; a token that the caller gave is not repeated."""
    addresses = running.addresses
    if as_json:
        said: JsonObject = {"mcp": addresses.mcp, "control": addresses.control}
        if show_token:
            said["token"] = running.token
        return json.dumps(said)
    names = ", ".join(running.host.environments)
    lines = [
        f"serving    {names}",
        f"agents     {addresses.mcp}/envs/NAME/r/EPISODE/mcp",
        f"control    {addresses.control}   (described at {addresses.control}/docs)",
        f"confined   {running.host.sandbox.tier}",
    ]
    if show_token:
        lines.append(f"token      {running.token}   (set {TOKEN_VARIABLE} to choose it)")
    return "\n".join(lines)


def inspect(
    bundle: Annotated[
        Path, typer.Argument(help="Folder of a bundle or a suite, or that holds such.")
    ],
    tasks: Annotated[bool, typer.Option("--tasks", help="List the tasks.")] = False,
    gold: Annotated[bool, typer.Option("--gold", help="With the tasks: their gold.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Show a bundle's tools, tasks, digests, licence, tables and report figures, or a suite's.

    Of a folder that holds several a line for each is shown.

    Example: arena inspect flights/ --tasks
    """
    sources = load_sources([bundle])
    if len(sources) > 1 or sources[0].path != bundle:
        lines = collection_facts(sources)
        if tasks or gold:
            raise SettingsError(f"--tasks and --gold are for one of them, like {sources[0].path}")
        if as_json:
            print(json.dumps(lines, indent=2, ensure_ascii=False))
        else:
            print_collection(lines, output_console())
        return
    facts = source_facts(sources[0], tasks=tasks or gold, gold=gold)
    if as_json:
        print(json.dumps(facts, indent=2, ensure_ascii=False))
    else:
        print_facts(facts, output_console())
