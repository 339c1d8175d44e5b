"""Older bundle formats: read as they were written, and brought to the present one in steps.

Format 0 is what stands in a manifest without `format_version`: schemas and hints spelled as in
MCP, a licence that is a mere name, tasks with a `prompt`. Bundles of format 1 that were written
before worlds of suites could be told apart have final states of one `digest`.
"""

import json
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from astra_arena.core.canonical import Json, JsonObject, line_text, pretty_text
from astra_arena.core.errors import BundleError, SettingsError
from astra_arena.servers.bundles.bundle import (
    BUNDLE_FOLDER,
    MANIFEST,
    TASKS,
    read_file,
    read_json_object,
    refuse_newer_format,
    write_text,
)
from astra_arena.servers.bundles.seal import seal
from astra_arena.servers.bundles.suite import Source, load_source

_TOOL_FIELDS = {
    "inputSchema": "input_schema",
    "outputSchema": "output_schema",
    "parameters": "input_schema",
    "readOnly": "read_only",
}


@dataclass(slots=True)
class _Draft:
    """A bundle's texts while it is brought to the present format."""

    manifest: JsonObject
    tasks: list[JsonObject]


@dataclass(frozen=True, slots=True)
class _Step:
    """One change of format."""

    name: str
    applies: Callable[[_Draft], bool]
    apply: Callable[[_Draft], None]


@dataclass(frozen=True, slots=True)
class Migrated:
    """What became of a bundle."""

    source: Source
    steps: tuple[str, ...]
    """What was changed; nothing for a bundle of the present format."""
    original: Path | None
    """Where the bundle is as it was, if it was changed in place."""


def migrate_bundle(path: Path, *, out: Path | None = None) -> Migrated:
    """Bring a bundle to the present format.

    Args:
        path: The folder.
        out: Where the new bundle goes; in place when absent, with the original kept beside it.

    Raises:
        BundleError: if the folder holds no bundle of a known format.
        SettingsError: if the original cannot be kept because its place is taken.
    """
    draft = _Draft(read_json_object(path / MANIFEST), _tasks_of(path / TASKS))
    _require_known(path, draft.manifest)
    steps = [step for step in _STEPS if step.applies(draft)]
    if not steps and out is None:
        return Migrated(load_source(path), (), None)
    for step in steps:
        step.apply(draft)
    draft.manifest.pop("digests", None)
    with tempfile.TemporaryDirectory(dir=path.resolve().parent, prefix=".migrating.") as folder:
        made = Path(folder) / path.resolve().name
        shutil.copytree(path, made)
        write_text(made / MANIFEST, pretty_text(draft.manifest))
        if draft.tasks:
            write_text(made / TASKS, "".join(line_text(task) for task in draft.tasks))
        seal(made)
        original = _place(made, path, out)
    return Migrated(load_source(out or path), tuple(step.name for step in steps), original)


def _place(made: Path, path: Path, out: Path | None) -> Path | None:
    """Move what was made to its place; returns where the original is kept, if it was moved."""
    if out is not None:
        with BUNDLE_FOLDER.placed(out) as draft:
            shutil.copytree(made, draft, dirs_exist_ok=True)
        return None
    original = path.resolve().with_name(f"{path.resolve().name}.old")
    if original.exists():
        raise SettingsError(
            f"expected nothing at {original}, where the bundle is kept as it is; move that away, "
            "or name another folder with --out"
        )
    path.rename(original)
    made.rename(path.resolve())
    return original


def _require_known(path: Path, manifest: JsonObject) -> None:
    version = manifest.get("format_version", 0)
    if not isinstance(version, int) or isinstance(version, bool) or version < 0:
        raise BundleError(
            f"{path / MANIFEST}: expected a number as format_version, got {version!r}"
        )
    refuse_newer_format(path / MANIFEST, version)


def _tasks_of(file: Path) -> list[JsonObject]:
    if not file.exists():
        return []
    tasks: list[JsonObject] = []
    for number, line in enumerate(read_file(file).splitlines(), start=1):
        try:
            task: Json = json.loads(line)
        except ValueError as error:
            raise BundleError(f"{file} line {number}: expected a JSON object: {error}") from None
        if not isinstance(task, dict):
            raise BundleError(f"{file} line {number}: expected a JSON object, got {line[:40]!r}")
        tasks.append(task)
    return tasks


def _is_unversioned(draft: _Draft) -> bool:
    return "format_version" not in draft.manifest


def _version(draft: _Draft) -> None:
    manifest = draft.manifest
    manifest["format_version"] = 1
    manifest.setdefault("provenance", {})
    licence = manifest.pop("license", manifest.get("licence", {"name": "unknown"}))
    manifest["licence"] = {"name": licence} if isinstance(licence, str) else licence
    tools = manifest.get("tools")
    if isinstance(tools, list):
        manifest["tools"] = [_tool(tool) for tool in tools]
    for task in draft.tasks:
        prompt = task.pop("prompt", None)
        if prompt is not None:
            task.setdefault("turns", [{"say": prompt, "expect": {"kind": "act"}}])
        task.setdefault("environments", ["unbound"])


def _tool(tool: Json) -> Json:
    if not isinstance(tool, dict):
        return tool
    spelled = {_TOOL_FIELDS.get(name, name): value for name, value in tool.items()}
    annotations = spelled.pop("annotations", None)
    if isinstance(annotations, dict) and annotations.get("readOnlyHint") is True:
        spelled["read_only"] = True
    return spelled


def _one_digest_states(draft: _Draft) -> list[JsonObject]:
    states = [task.get("final_state") for task in draft.tasks]
    return [cast("JsonObject", state) for state in states if _has_one_digest(state)]


def _has_one_digest(state: Json) -> bool:
    return isinstance(state, dict) and isinstance(state.get("digest"), str)


def _name_worlds(draft: _Draft) -> None:
    name = str(draft.manifest.get("name"))
    for state in _one_digest_states(draft):
        state["digests"] = {name: state.pop("digest")}


_STEPS = (
    _Step("manifest without a version", _is_unversioned, _version),
    _Step(
        "final states of one digest",
        lambda draft: bool(_one_digest_states(draft)),
        _name_worlds,
    ),
)
