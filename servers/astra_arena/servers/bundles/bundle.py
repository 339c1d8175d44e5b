"""Bundles: an environment as a folder, written deterministically and verified when it is read.

Reading a bundle executes nothing. A file that does not match its digest is refused by name.
"""

import json
import shutil
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar, cast

from astra_arena.core.canonical import Json, JsonObject, digest_of_bytes, line_text, pretty_text
from astra_arena.core.environment import FORMAT_VERSION, Digests, Environment, environment_digest
from astra_arena.core.errors import BundleError, SpecError, UnknownTaskError
from astra_arena.core.model import Model
from astra_arena.core.public_tasks import PublicTask
from astra_arena.core.tasks import Task
from astra_arena.sandbox.contract import Limits, Program
from astra_arena.servers.bundles.artefact_folder import ArtefactFolder

MANIFEST = "environment.json"
TOOLS = "tools.py"
TASKS = "tasks.jsonl"
PUBLIC_TASKS = "tasks.public.jsonl"
REPORT = "report.json"

Line = TypeVar("Line", bound=Model)

BUNDLE_FOLDER = ArtefactFolder("bundle", MANIFEST)


@dataclass(frozen=True, slots=True)
class Bundle:
    """An environment on disk, read and verified."""

    path: Path
    environment: Environment
    digests: Digests
    tools_py: bytes
    tasks: tuple[Task, ...]
    """Without anything that could be graded in agent-side bundles, which hold no gold."""
    public_tasks_digest: str | None = None
    """Of an agent-side bundle: what its tasks hash to."""

    @property
    def holds_gold(self) -> bool:
        """Whether what is played on it can be scored with it."""
        return self.digests.tasks is not None

    @property
    def tasks_digest(self) -> str:
        """What records name as the tasks that were played."""
        return self.digests.tasks or self.public_tasks_digest or ""

    @property
    def name(self) -> str:
        """The environment's name."""
        return self.environment.name

    @property
    def title(self) -> str:
        """What people call the environment."""
        return self.environment.title

    @property
    def description(self) -> str:
        """What the environment is about."""
        return self.environment.description

    @property
    def domain(self) -> str:
        """Which field the environment is from."""
        return self.environment.domain

    def task(self, task_id: str) -> Task:
        """Return the task with this id.

        Raises:
            UnknownTaskError: naming what there is.
        """
        return find_task(self.tasks, task_id, f"environment {self.name!r}")

    def program(self, limits: Limits | None = None) -> Program:
        """Return what the sandbox needs to run this environment; nothing of it is gold."""
        world = self.environment.world
        return Program(
            digest=self.digests.environment,
            tools_py=self.tools_py,
            tool_names=tuple(tool.name for tool in self.environment.tools),
            world_kind=world.kind,
            world_path=self.path / world.file,
            clock=world.clock,
            requires=self.environment.requires,
            limits=limits or Limits(),
        )


def find_task(tasks: Sequence[Task], task_id: str, what: str) -> Task:
    """Return the task with this id.

    Args:
        what: Whose tasks they are, for the message.

    Raises:
        UnknownTaskError: naming what there is.
    """
    for task in tasks:
        if task.id == task_id:
            return task
    some = ", ".join(task.id for task in tasks[:3])
    raise UnknownTaskError(
        f"{what} has no task {task_id!r}; it has {len(tasks)}"
        + (f" ({some}, …); `arena inspect --tasks` lists them" if some else "")
    )


def load_bundle(path: Path) -> Bundle:
    """Read and verify the bundle in the folder `path`.

    Raises:
        BundleError: naming the file that is missing, malformed or does not match its digest.
    """
    if not path.is_dir():
        raise BundleError(f"expected a bundle folder at {path}, found nothing such")
    manifest = read_json_object(path / MANIFEST)
    _require_format(path / MANIFEST, manifest)
    try:
        environment = Environment.from_json(manifest, what=str(path / MANIFEST))
    except SpecError as error:
        raise BundleError(error.message) from None
    digests = environment.digests
    if digests is None:
        raise BundleError(
            f"{path / MANIFEST} has no 'digests'; write them with `arena seal {path}`"
        )
    tools_py = read_file(path / TOOLS)
    came = environment_digest(manifest, tools_py, read_file(path / environment.world.file))
    if came != digests.environment:
        raise BundleError(
            f"{path}: {MANIFEST}, {TOOLS} and {environment.world.file} hash to {came}, but the "
            f"manifest says {digests.environment}: one of them was changed after the bundle was "
            f"written; restore it, or write new digests with `arena seal {path}`"
        )
    if digests.tasks is None:
        public, came = load_public_tasks(path)
        return Bundle(path, environment, digests, tools_py, public, came)
    tasks = load_tasks(path / TASKS, digests.tasks, MANIFEST)
    return Bundle(path, environment, digests, tools_py, tasks)


def _require_format(file: Path, manifest: JsonObject) -> None:
    version = manifest.get("format_version")
    if version is None:
        raise BundleError(
            f"{file} has no 'format_version': it is of an older format; bring it to the present "
            f"one with `arena migrate {file.parent}`"
        )
    refuse_newer_format(file, version)


def refuse_newer_format(file: Path, version: Json) -> None:
    """Refuse a manifest that a later version of this project wrote.

    Raises:
        BundleError: if the version is beyond what is known here.
    """
    if isinstance(version, int) and version > FORMAT_VERSION:
        raise BundleError(
            f"{file} is of format {version}, this version of astra-arena knows {FORMAT_VERSION}; "
            "install a newer one"
        )


def write_bundle(
    path: Path,
    environment: Environment,
    *,
    tools_py: str,
    world: Path,
    tasks: tuple[Task, ...],
    report: JsonObject | None = None,
) -> Bundle:
    """Write a bundle into the folder `path` and read it back verified; equal inputs, equal bytes.

    The folder appears whole or not at all: it is written beside `path` and moved there. Tasks are
    bound to the environment: their `environments` are set to its digest.

    Args:
        path: The folder; a bundle that is there already is replaced.
        environment: The manifest; `digests` are computed here.
        tools_py: The tool code.
        world: The world file; it is copied.
        tasks: The tasks with their gold.
        report: The report card, without digests, which are added.

    Raises:
        BundleError: if `path` holds something that is not a bundle, or cannot be written.
    """
    manifest = environment.to_json()
    code = tools_py.encode("utf-8")
    with BUNDLE_FOLDER.placed(path) as draft:
        shutil.copyfile(world, draft / environment.world.file)
        (draft / TOOLS).write_bytes(code)
        digest = environment_digest(manifest, code, world.read_bytes())
        bound = [task.model_copy(update={"environments": (digest,)}) for task in tasks]
        tasks_jsonl = tasks_text(bound).encode("utf-8")
        (draft / TASKS).write_bytes(tasks_jsonl)
        digests: JsonObject = {"environment": digest, "tasks": digest_of_bytes(tasks_jsonl)}
        write_text(draft / MANIFEST, pretty_text({**manifest, "digests": digests}))
        if report is not None:
            write_text(draft / REPORT, pretty_text({**report, "digests": digests}))
        written = load_bundle(draft)
    return replace(written, path=path)


def copy_bundle(bundle: Bundle, path: Path) -> Bundle:
    """Copy a bundle, and the files beside it, to the folder `path`; a bundle there is replaced.

    The folder appears whole or not at all, as with `write_bundle`.

    Raises:
        BundleError: if `path` holds something that is not a bundle, or cannot be written.
    """
    with BUNDLE_FOLDER.placed(path) as draft:
        for file in sorted(bundle.path.iterdir()):
            if file.is_file():
                shutil.copy(file, draft)
    return replace(bundle, path=path)


def require_place(path: Path) -> None:
    """Find out whether a bundle can be written to the folder `path`; its parent is created.

    Raises:
        BundleError: if `path` holds something that is not a bundle, or cannot be written.
    """
    BUNDLE_FOLDER.require_place(path)


def load_public_tasks(path: Path) -> tuple[tuple[Task, ...], str | None]:
    """Read the tasks of an agent-side bundle or suite, and the digest of their file.

    Raises:
        BundleError: naming the file, and what is wrong with it.
    """
    file = path / PUBLIC_TASKS
    if not file.is_file():
        return (), None
    data = read_file(file)
    tasks = tuple(_parsed(data, file, PublicTask))
    return tuple(task.playable() for task in tasks), digest_of_bytes(data)


def load_tasks(file: Path, digest: str, manifest: str) -> tuple[Task, ...]:
    """Read and verify a file of tasks.

    Args:
        manifest: Name of the file that the digest is from.

    Raises:
        BundleError: naming the file, and what is wrong with it.
    """
    data = read_file(file)
    came = digest_of_bytes(data)
    if came != digest:
        raise BundleError(
            f"{file} hashes to {came}, but {manifest} says {digest}: it was changed "
            f"after the bundle was written; restore it, or write new digests with `arena seal "
            f"{file.parent}`"
        )
    return tuple(_parsed(data, file, Task))


def parsed_tasks(file: Path) -> tuple[Task, ...]:
    """Read a file of tasks that no digest speaks for.

    Raises:
        BundleError: naming the line, and what is wrong with it.
    """
    return tuple(_parsed(read_file(file), file, Task))


def _parsed(data: bytes, file: Path, model: type[Line]) -> Iterator[Line]:
    for number, line in enumerate(data.rstrip(b"\n").split(b"\n") if data else (), start=1):
        what = f"{file} line {number}"
        try:
            yield model.from_json(json.loads(line), what=what)
        except SpecError as error:
            raise BundleError(error.message) from None
        except ValueError as error:
            raise BundleError(
                f"{what}: expected a JSON object, got {line[:40]!r}: {error}"
            ) from None


def tasks_text(tasks: Iterable[Task]) -> str:
    """Return tasks as the text of their file."""
    return "".join(line_text(task.to_json()) for task in tasks)


def write_text(path: Path, text: str) -> None:
    """Write a file of a bundle; the same bytes on every system."""
    path.write_text(text, encoding="utf-8", newline="\n")


def read_file(path: Path) -> bytes:
    """Read a file of a bundle.

    Raises:
        BundleError: if it cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise BundleError(f"expected the bundle's file {path}: {error.strerror}") from None


def read_json_object(path: Path) -> JsonObject:
    """Read a file of a bundle that holds a JSON object.

    Raises:
        BundleError: if it cannot be read or holds something else.
    """
    try:
        data = json.loads(read_file(path))
    except ValueError as error:
        raise BundleError(f"{path}: expected JSON: {error}") from None
    if not isinstance(data, dict):
        raise BundleError(f"{path}: expected a JSON object, got {type(data).__name__}")
    return cast(JsonObject, data)
