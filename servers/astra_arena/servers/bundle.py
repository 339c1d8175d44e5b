"""Bundles: an environment as a folder, written deterministically and verified when it is read.

Reading a bundle executes nothing. A file that does not match its digest is refused by name.
"""

import errno
import json
import os
import shutil
import tempfile
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

from astra_arena.core.canonical import JsonObject, digest_of_bytes, line_text, pretty_text
from astra_arena.core.environment import Digests, Environment, environment_digest
from astra_arena.core.errors import BundleError, SpecError, UnknownTaskError
from astra_arena.core.tasks import Task
from astra_arena.sandbox.contract import Limits, Program

MANIFEST = "environment.json"
TOOLS = "tools.py"
TASKS = "tasks.jsonl"
REPORT = "report.json"

_LOOKS = 5


@dataclass(frozen=True, slots=True)
class Bundle:
    """An environment on disk, read and verified."""

    path: Path
    environment: Environment
    digests: Digests
    tools_py: bytes
    tasks: tuple[Task, ...]
    """Empty for agent-side bundles, which hold no gold."""

    @property
    def name(self) -> str:
        """The environment's name."""
        return self.environment.name

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
    manifest = _read_json_object(path / MANIFEST)
    try:
        environment = Environment.from_json(manifest, what=str(path / MANIFEST))
    except SpecError as error:
        raise BundleError(error.message) from None
    digests = environment.digests
    if digests is None:
        raise BundleError(f"{path / MANIFEST} has no 'digests'; write bundles with `write_bundle`")
    tools_py = _read(path / TOOLS)
    came = environment_digest(manifest, tools_py, _read(path / environment.world.file))
    if came != digests.environment:
        raise BundleError(
            f"{path}: {MANIFEST}, {TOOLS} and {environment.world.file} hash to {came}, but the "
            f"manifest says {digests.environment}: one of them was changed after the bundle was "
            "written; restore it or synthesize the bundle again"
        )
    return Bundle(path, environment, digests, tools_py, _load_tasks(path, digests))


def _load_tasks(path: Path, digests: Digests) -> tuple[Task, ...]:
    if digests.tasks is None:
        return ()
    data = _read(path / TASKS)
    came = digest_of_bytes(data)
    if came != digests.tasks:
        raise BundleError(
            f"{path / TASKS} hashes to {came}, but {MANIFEST} says {digests.tasks}: it was changed "
            "after the bundle was written; restore it or synthesize the bundle again"
        )
    tasks: list[Task] = []
    for number, line in enumerate(data.rstrip(b"\n").split(b"\n") if data else (), start=1):
        what = f"{path / TASKS} line {number}"
        try:
            tasks.append(Task.from_json(json.loads(line), what=what))
        except SpecError as error:
            raise BundleError(error.message) from None
        except ValueError as error:
            raise BundleError(
                f"{what}: expected a JSON object, got {line[:40]!r}: {error}"
            ) from None
    return tuple(tasks)


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
    with _placed(path) as draft:
        shutil.copyfile(world, draft / environment.world.file)
        (draft / TOOLS).write_bytes(code)
        digest = environment_digest(manifest, code, world.read_bytes())
        bound = [task.model_copy(update={"environments": (digest,)}) for task in tasks]
        tasks_jsonl = "".join(line_text(task.to_json()) for task in bound).encode("utf-8")
        (draft / TASKS).write_bytes(tasks_jsonl)
        digests: JsonObject = {"environment": digest, "tasks": digest_of_bytes(tasks_jsonl)}
        _write(draft / MANIFEST, pretty_text({**manifest, "digests": digests}))
        if report is not None:
            _write(draft / REPORT, pretty_text({**report, "digests": digests}))
        written = load_bundle(draft)
    return replace(written, path=path)


def copy_bundle(bundle: Bundle, path: Path) -> Bundle:
    """Copy a bundle, and the files beside it, to the folder `path`; a bundle there is replaced.

    The folder appears whole or not at all, as with `write_bundle`.

    Raises:
        BundleError: if `path` holds something that is not a bundle, or cannot be written.
    """
    with _placed(path) as draft:
        for file in sorted(bundle.path.iterdir()):
            shutil.copy(file, draft)
    return replace(bundle, path=path)


def require_place(path: Path) -> None:
    """Find out whether a bundle can be written to the folder `path`; its parent is created.

    Raises:
        BundleError: if `path` holds something that is not a bundle, or cannot be written.
    """
    target = path.resolve()
    try:
        if Path.cwd().is_relative_to(target):
            raise BundleError(
                f"{path} is where this command runs, and a bundle's folder is replaced as a whole; "
                "name another folder"
            )
        # Looked at more than once: another writer may be swapping its bundle in just now.
        if all(_is_foreign(target) for _ in range(_LOOKS)):
            raise BundleError(f"{path} exists and is no bundle; choose another folder or remove it")
        if all(target.exists() and not os.access(target, os.W_OK) for _ in range(_LOOKS)):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        target.parent.mkdir(parents=True, exist_ok=True)
        Path(_workspace(target)).rmdir()
    except OSError as error:
        raise _unwritable(path, error) from None


def _is_foreign(target: Path) -> bool:
    """Tell whether something is at `target` that is neither a bundle nor an empty folder."""
    try:
        names = os.listdir(target)
    except FileNotFoundError:
        return False
    except NotADirectoryError:
        # A file, unless it is the parent that is one.
        return target.exists()
    return bool(names) and MANIFEST not in names


@contextmanager
def _placed(path: Path) -> Generator[Path]:
    """Give a draft folder beside `path`, which becomes `path` when the block ends well."""
    require_place(path)
    target = path.resolve()
    try:
        # Of this process alone: others may be writing to the same place.
        workspace = Path(_workspace(target))
        try:
            draft = workspace / "new"
            draft.mkdir()
            yield draft
            _swap_in(draft, target)
        finally:
            shutil.rmtree(workspace, ignore_errors=True)
    except OSError as error:
        raise _unwritable(path, error) from None


def _workspace(target: Path) -> str:
    return tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}.")


def _unwritable(path: Path, error: OSError) -> BundleError:
    full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    remedy = "Free space and run again" if full else "Choose another folder"
    return BundleError(
        f"the bundle cannot be written to {path}: {error.strerror or error}. {remedy}"
    )


def _swap_in(draft: Path, target: Path) -> None:
    """Move `draft` to `target`; what was there goes only when the new folder is in place."""
    old = draft.with_name("old")
    while True:
        try:
            with suppress(FileNotFoundError):
                target.rename(old)
            draft.rename(target)
        except BaseException as error:
            if isinstance(error, OSError) and error.errno in (errno.ENOTEMPTY, errno.EEXIST):
                # Another process came between: the last one to finish wins.
                shutil.rmtree(old, ignore_errors=True)
                continue
            if old.exists() and not target.exists():
                old.rename(target)
            raise
        return


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="\n")


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise BundleError(f"expected the bundle's file {path}: {error.strerror}") from None


def _read_json_object(path: Path) -> JsonObject:
    try:
        data = json.loads(_read(path))
    except ValueError as error:
        raise BundleError(f"{path}: expected JSON: {error}") from None
    if not isinstance(data, dict):
        raise BundleError(f"{path}: expected a JSON object, got {type(data).__name__}")
    return cast(JsonObject, data)
