"""Writing server folders: an environment with all that it takes to run it somewhere else."""

import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from astra_arena.core.canonical import Json, JsonObject, pretty_text
from astra_arena.core.errors import SettingsError
from astra_arena.servers.bundles.agent_side import LeftOut, tasks_left_out, write_agent_side
from astra_arena.servers.bundles.artefact_folder import ArtefactFolder
from astra_arena.servers.bundles.bundle import write_text
from astra_arena.servers.bundles.suite import Source, Suite, load_source, members_of
from astra_arena.servers.emission.compose_file import WORKER, Service, compose_text
from astra_arena.servers.emission.container_files import DOCKERIGNORE, dockerfile
from astra_arena.servers.emission.emit import LAUNCHER, emit_server
from astra_arena.servers.emission.folder_readme import deployment_readme, folder_readme
from astra_arena.servers.emission.kubernetes_manifests import kubernetes_text
from astra_arena.servers.emission.own_wheel import own_version, write_own_wheel
from astra_arena.servers.emission.pinned_requirements import WHEELS, requirements_text
from astra_arena.servers.emission.registry_entry import (
    DEFAULT_NAMESPACE,
    registry_entry,
    registry_name,
    require_namespace,
    source_version,
)

EMISSION = "emission.json"
COMPOSE = "docker-compose.yml"
EMITTED_FOLDER = ArtefactFolder("emitted folder", EMISSION)
_ABOUT = "ABOUT.md"


@dataclass(frozen=True, slots=True)
class EmissionOptions:
    """How servers are emitted."""

    namespace: str = DEFAULT_NAMESPACE
    agent_side: bool = False
    per_environment: bool = False
    kubernetes: bool = False
    runtime: str | None = None


@dataclass(frozen=True, slots=True)
class Emitted:
    """What was written."""

    path: Path
    folders: tuple[Path, ...]
    left_out: tuple[LeftOut, ...]


def emit(sources: Sequence[Source], out: Path, options: EmissionOptions | None = None) -> Emitted:
    """Write server folders, and what starts them together, into the folder `out`.

    One source becomes `out` itself; several, or all environments with `per_environment`, become
    folders in it. Equal sources give equal bytes.

    Raises:
        SettingsError: if names clash or an option cannot be used.
        BundleError: if `out` holds something else or cannot be written.
    """
    options = options or EmissionOptions()
    require_namespace(options.namespace)
    emitted = [m for s in sources for m in members_of(s)] if options.per_environment else sources
    _require_names([source.name for source in emitted], apart=options.per_environment)
    spanning = _spanning_tasks(sources) if options.per_environment else ()
    hidden = [one for s in emitted for one in tasks_left_out(s)] if options.agent_side else []
    single = len(emitted) == 1 and not options.per_environment
    with EMITTED_FOLDER.placed(out) as draft:
        folders = [draft if single else draft / source.name for source in emitted]
        for source, folder in zip(emitted, folders, strict=True):
            _write_server(source, folder, options)
        services = _services(emitted, apart=options.per_environment)
        if not single:
            _write_together(emitted, draft, options, left_out=len(spanning))
        compose = compose_text(services, runtime=options.runtime, left_out=len(spanning))
        write_text(draft / COMPOSE, compose)
        if options.kubernetes:
            _write_kubernetes(emitted, services, draft, options)
        write_text(draft / EMISSION, pretty_text(_manifest(emitted, len(spanning))))
        _make_readable(draft)
    written = tuple(out if single else out / source.name for source in emitted)
    return Emitted(out, written, (*spanning, *hidden))


def _require_names(names: Sequence[str], *, apart: bool) -> None:
    if len(set(names)) != len(names):
        raise SettingsError(f"the names of what is emitted must differ, got {', '.join(names)}")
    if apart and WORKER in names:
        raise SettingsError(f"{WORKER!r} is what the worker's service is called; rename that one")


def _spanning_tasks(sources: Iterable[Source]) -> tuple[LeftOut, ...]:
    suites = [source for source in sources if isinstance(source, Suite)]
    reason = "it is a suite's, and each environment has a service of its own"
    return tuple(LeftOut(task.id, reason) for suite in suites for task in suite.tasks)


def _write_server(source: Source, folder: Path, options: EmissionOptions) -> None:
    """Write one self-contained server folder."""
    _write_source(source, folder, agent_side=options.agent_side)
    public = load_source(folder)
    emit_server(folder)
    contents = tuple(
        sorted(path.name + ("/" if path.is_dir() else "") for path in folder.iterdir())
    )
    _write_installation([source], folder)
    name = registry_name(public, options.namespace)
    recipe = dockerfile({source.name: contents}, registry_name=name)
    write_text(folder / "Dockerfile", recipe)
    write_text(folder / ".dockerignore", DOCKERIGNORE)
    entry = registry_entry(public, options.namespace)
    write_text(folder / "server.json", pretty_text(entry))
    write_text(folder / "README.md", folder_readme(public, name))
    write_text(folder / EMISSION, pretty_text(_manifest([public], 0)))


def _write_source(source: Source, folder: Path, *, agent_side: bool) -> None:
    folder.mkdir(exist_ok=True)
    if agent_side:
        write_agent_side(source, folder)
        return
    _copy_files(source, folder)
    for member in members_of(source) if isinstance(source, Suite) else ():
        target = folder / member.path.relative_to(source.path)
        target.mkdir(parents=True)
        _copy_files(member, target)


def _copy_files(source: Source, folder: Path) -> None:
    """Copy the files of a bundle or suite; what an emission added to it is written anew."""
    ours = {"Dockerfile", ".dockerignore", "server.json", "requirements.txt", COMPOSE, EMISSION}
    emitted = (source.path / EMISSION).is_file()
    for file in sorted(source.path.iterdir()):
        if not file.is_file() or file.name in ours or (emitted and file.name == "README.md"):
            continue
        name = _ABOUT if file.name == "README.md" else file.name
        shutil.copyfile(file, folder / name)


def _write_installation(sources: Iterable[Source], folder: Path) -> None:
    (folder / WHEELS).mkdir()
    wheel = write_own_wheel(folder / WHEELS)
    requires = [one for s in sources for m in members_of(s) for one in m.environment.requires]
    write_text(folder / "requirements.txt", requirements_text(wheel.name, requires))


def _write_together(
    sources: Sequence[Source], draft: Path, options: EmissionOptions, *, left_out: int
) -> None:
    """Write what serves several server folders from one image."""
    _write_installation(sources, draft)
    write_text(draft / "Dockerfile", dockerfile({one.name: (one.name,) for one in sources}))
    write_text(draft / ".dockerignore", DOCKERIGNORE + "*/wheels\n")
    apart = options.per_environment
    text = deployment_readme(sources, left_out=left_out, apart=apart)
    write_text(draft / "README.md", text)


def _services(sources: Sequence[Source], *, apart: bool) -> list[Service]:
    if apart:
        return [Service(one.name, f"./{one.name}", (one.name,)) for one in sources]
    return [Service("server", ".", tuple(one.name for one in sources))]


def _write_kubernetes(
    sources: Sequence[Source], services: Sequence[Service], draft: Path, options: EmissionOptions
) -> None:
    versions = [f"astra-arena/{one.name}:{source_version(one)}" for one in sources]
    together = f"astra-arena/environments:{own_version()}"
    images = versions if len(versions) == len(services) else [together]
    folder = draft / "kubernetes"
    folder.mkdir()
    text = kubernetes_text(services, images, runtime=options.runtime)
    write_text(folder / "astra-arena.yaml", text)


def _make_readable(folder: Path) -> None:
    """Let the user of a container read what is copied with its modes, whoever emits."""
    for path in folder.rglob("*"):
        path.chmod(0o755 if path.is_dir() or path.name == LAUNCHER else 0o644)


def _manifest(sources: Iterable[Source], left_out: int) -> JsonObject:
    listed: list[Json] = [
        {"name": source.name, "environment_digest": source.digests.environment}
        for source in sources
    ]
    return {
        "format_version": 1,
        "generator": f"astra-arena {own_version()}",
        "emitted": listed,
        **({"tasks_left_out": left_out} if left_out else {}),
    }
