"""Sealing: what was written or changed by hand is checked, and its digests are written.

Nothing of a bundle is executed. A bundle that does not fit is left as it is.
"""

import ast
import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from astra_arena.core.canonical import JsonObject, digest_of_bytes, pretty_text
from astra_arena.core.environment import Environment, ToolSpec, environment_digest
from astra_arena.core.errors import BundleError, SpecError
from astra_arena.core.tasks import Task
from astra_arena.servers.bundles.bundle import (
    MANIFEST,
    REPORT,
    TASKS,
    TOOLS,
    parsed_tasks,
    read_file,
    read_json_object,
    tasks_text,
    write_text,
)
from astra_arena.servers.bundles.suite import SUITE, Source, SuiteManifest, load_source

_SQLITE_HEADER = b"SQLite format 3\x00"


@dataclass(frozen=True, slots=True)
class Sealed:
    """What became of a folder."""

    source: Source
    notices: tuple[str, ...]
    """What a user should know."""


def seal(path: Path) -> Sealed:
    """Check a bundle or a suite that was changed by hand, and write its digests in place.

    Tasks are bound to the environment as it is now. A report card of earlier content is removed.

    Raises:
        BundleError: naming the file, the place in it and what was expected there.
    """
    if (path / SUITE).is_file():
        notices = _seal_suite(path)
    else:
        _, notices = _seal_bundle(path)
    return Sealed(load_source(path), tuple(notices))


def _seal_bundle(path: Path) -> tuple[str, list[str]]:
    """Seal a bundle; returns its environment digest, and notices."""
    file = path / MANIFEST
    manifest = read_json_object(file)
    manifest.pop("digests", None)
    try:
        environment = Environment.from_json(manifest, what=str(file))
    except SpecError as error:
        raise BundleError(error.message) from None
    code = read_file(path / TOOLS)
    _check_code(path / TOOLS, code, environment)
    world = read_file(path / environment.world.file)
    _check_world(path / environment.world.file, world, environment)
    tasks = parsed_tasks(path / TASKS) if (path / TASKS).exists() else ()
    _check_tasks(path / TASKS, tasks, environment)
    digest = environment_digest(manifest, code, world)
    bound = [task.model_copy(update={"environments": (digest,)}) for task in tasks]
    digests: JsonObject = {"environment": digest}
    if (path / TASKS).exists():
        digests["tasks"] = _write_tasks(path / TASKS, bound)
    _replace(file, pretty_text({**manifest, "digests": digests}))
    return digest, _drop_stale_report(path, digests)


def _check_code(file: Path, code: bytes, environment: Environment) -> None:
    try:
        tree = ast.parse(code, filename=str(file))
    except (SyntaxError, ValueError) as error:
        line = getattr(error, "lineno", None)
        raise BundleError(f"{file} line {line}: expected Python code: {error}") from None
    functions = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    for tool in environment.tools:
        function = functions.get(tool.name)
        if function is None:
            raise BundleError(
                f"{file}: expected a function {tool.name!r} for the tool of that name in "
                f"{MANIFEST}; the functions are: {', '.join(functions) or 'none'}"
            )
        _check_signature(file, function, tool)


def _check_signature(file: Path, function: ast.FunctionDef, tool: ToolSpec) -> None:
    properties = tool.input_schema.get("properties", {})
    declared = set(properties) if isinstance(properties, dict) else set[str]()
    taken = {argument.arg for argument in function.args.kwonlyargs}
    if len(function.args.posonlyargs) + len(function.args.args) != 1 or taken != declared:
        raise BundleError(
            f"{file} line {function.lineno}: expected {tool.name}(world, *, "
            f"{', '.join(sorted(declared)) or '…'}), the names of its input schema in {MANIFEST}; "
            f"got {tool.name}({ast.unparse(function.args)})"
        )


def _check_world(file: Path, world: bytes, environment: Environment) -> None:
    if environment.world.kind == "sqlite":
        if not world.startswith(_SQLITE_HEADER):
            raise BundleError(f"{file}: expected an SQLite database, got {world[:16]!r}")
        return
    try:
        value = json.loads(world)
    except ValueError as error:
        raise BundleError(f"{file}: expected JSON: {error}") from None
    if not isinstance(value, dict):
        raise BundleError(f"{file}: expected a JSON object, got {type(value).__name__}")


def _check_tasks(file: Path, tasks: Sequence[Task], environment: Environment) -> None:
    known = {tool.name for tool in environment.tools}
    seen: set[str] = set()
    for task in tasks:
        if task.id in seen:
            raise BundleError(f"{file}: expected ids that differ, but {task.id!r} came twice")
        seen.add(task.id)
        for question in task.sub_questions:
            where = f"{file}, task {task.id!r}, sub-question {question.id!r}"
            if question.environment != environment.name:
                raise BundleError(
                    f"{where}: expected the environment {environment.name!r}, "
                    f"got {question.environment!r}"
                )
            if question.tool is not None and question.tool not in known:
                raise BundleError(
                    f"{where}: there is no tool {question.tool!r}; the tools are: "
                    f"{', '.join(sorted(known))}"
                )


def _seal_suite(path: Path) -> list[str]:
    file = path / SUITE
    manifest = read_json_object(file)
    manifest.pop("digests", None)
    try:
        suite = SuiteManifest.from_json(manifest, what=str(file))
    except SpecError as error:
        raise BundleError(error.message) from None
    notices: list[str] = []
    renewed: dict[str, str] = {}
    members: list[JsonObject] = []
    for member in suite.members:
        digest, told = _seal_bundle(path / member.path)
        notices += told
        # Tasks written by hand may name a member where its digest will stand.
        renewed |= {member.environment_digest: digest, member.name: digest, digest: digest}
        members.append({**member.to_json(), "environment_digest": digest})
    bound = [_rebound(path / TASKS, task, renewed) for task in parsed_tasks(path / TASKS)]
    sealed = SuiteManifest.from_json({**manifest, "members": members}, what=str(file))
    digests: JsonObject = {
        "environment": sealed.digest,
        "tasks": _write_tasks(path / TASKS, bound),
    }
    _replace(file, pretty_text({**sealed.to_json(), "format_version": 1, "digests": digests}))
    return notices + _drop_stale_report(path, digests)


def _rebound(file: Path, task: Task, renewed: dict[str, str]) -> Task:
    unknown = [name for name in task.environments if name not in renewed]
    if unknown:
        raise BundleError(
            f"{file}, task {task.id!r}: expected environments by a member's name or digest, got "
            f"{unknown[0]!r}"
        )
    digests = tuple(renewed[name] for name in task.environments)
    return task.model_copy(update={"environments": digests})


def _write_tasks(file: Path, tasks: Iterable[Task]) -> str:
    text = tasks_text(tasks)
    _replace(file, text)
    return digest_of_bytes(text.encode("utf-8"))


def _drop_stale_report(path: Path, digests: JsonObject) -> list[str]:
    file = path / REPORT
    if not file.exists() or read_json_object(file).get("digests") == digests:
        return []
    file.unlink()
    return [
        f"{file} was about earlier content and is removed; `arena check {path}` makes a new one"
    ]


def _replace(file: Path, text: str) -> None:
    draft = file.with_name(f".{file.name}.new")
    try:
        write_text(draft, text)
        os.replace(draft, file)
    except OSError as error:
        raise BundleError(f"cannot write {file}: {error.strerror}") from None
