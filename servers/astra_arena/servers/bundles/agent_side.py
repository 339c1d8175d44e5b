"""Agent-side bundles: for agents that share a file system with the server of their episode.

Such a folder holds what the server needs and nothing that decides the reward. What was played on it
is scored from the journal, with the full bundle, somewhere else.
"""

import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from astra_arena.core.canonical import (
    Json,
    JsonObject,
    canonical_bytes,
    digest_of_bytes,
    line_text,
    pretty_text,
)
from astra_arena.core.errors import BundleError
from astra_arena.core.public_tasks import public_task, why_hidden
from astra_arena.core.tasks import Task
from astra_arena.servers.bundles.bundle import (
    BUNDLE_FOLDER,
    MANIFEST,
    PUBLIC_TASKS,
    REPORT,
    TOOLS,
    Bundle,
    load_bundle,
    read_json_object,
    write_text,
)
from astra_arena.servers.bundles.suite import (
    MEMBERS,
    SUITE,
    SUITE_FOLDER,
    Source,
    Suite,
    load_suite,
)

_SHORTEST_TELLING = 6
"""Shorter texts stand in any file by chance."""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A task that an agent-side bundle does not hold, and why."""

    task: str
    reason: str


def write_agent_side(source: Source, path: Path) -> Source:
    """Write a bundle or suite without its gold to the folder `path`, and read it back verified.

    Tasks of which `tasks_left_out` tells are not in it.

    Raises:
        BundleError: if `source` holds no gold itself, if its manifest quotes gold, or if `path`
            holds something else or cannot be written.
    """
    _require_gold(source)
    if isinstance(source, Suite):
        with SUITE_FOLDER.placed(path) as draft:
            _write_suite(source, draft)
            load_suite(draft)
        return load_suite(path)
    with BUNDLE_FOLDER.placed(path) as draft:
        _write_bundle(source, draft)
        load_bundle(draft)
    return load_bundle(path)


def tasks_left_out(source: Source) -> tuple[LeftOut, ...]:
    """Return the tasks that cannot be played where the agent reads the server's files."""
    reasons = ((task.id, why_hidden(task)) for task in source.tasks)
    return tuple(LeftOut(task, reason) for task, reason in reasons if reason is not None)


def public_tasks_text(tasks: Iterable[Task]) -> str:
    """Return the text of `tasks.public.jsonl` for tasks with their gold."""
    told = (public_task(task) for task in tasks if why_hidden(task) is None)
    return "".join(line_text(task.to_json()) for task in told)


def public_tasks_digest(source: Source) -> str:
    """Return what records name as their tasks when they were played on the agent's side."""
    if not source.holds_gold:
        return source.tasks_digest
    return digest_of_bytes(public_tasks_text(source.tasks).encode("utf-8"))


def _require_gold(source: Source) -> None:
    if not source.holds_gold:
        raise BundleError(f"{source.path} holds no gold: it is an agent-side bundle already")


def _write_suite(suite: Suite, draft: Path) -> None:
    for member in suite.members:
        folder = draft / MEMBERS / member.name
        folder.mkdir(parents=True)
        _write_bundle(member, folder, beside=suite.tasks)
    write_text(draft / PUBLIC_TASKS, public_tasks_text(suite.tasks))
    manifest = read_json_object(suite.path / SUITE)
    _write_manifest(draft / SUITE, manifest, suite.digests.environment)
    _write_report(suite.path / REPORT, draft / REPORT, suite.digests.environment)


def _write_bundle(bundle: Bundle, draft: Path, *, beside: Iterable[Task] = ()) -> None:
    manifest = read_json_object(bundle.path / MANIFEST)
    _require_silent(manifest, (*bundle.tasks, *beside), bundle)
    (draft / TOOLS).write_bytes(bundle.tools_py)
    world = bundle.environment.world.file
    shutil.copyfile(bundle.path / world, draft / world)
    write_text(draft / PUBLIC_TASKS, public_tasks_text(bundle.tasks))
    _write_manifest(draft / MANIFEST, manifest, bundle.digests.environment)
    _write_report(bundle.path / REPORT, draft / REPORT, bundle.digests.environment)


def _write_manifest(file: Path, manifest: JsonObject, digest: str) -> None:
    write_text(file, pretty_text({**manifest, "digests": {"environment": digest}}))


def _write_report(source: Path, target: Path, digest: str) -> None:
    """Write what a report card says in figures; findings, ids and texts quote gold."""
    if not source.is_file():
        return
    report = read_json_object(source)
    gates: list[Json] = [
        {
            "gate": gate.get("gate"),
            "status": gate.get("status"),
            "figures": _figures(gate.get("figures")),
        }
        for gate in _objects(report.get("gates"))
    ]
    told: JsonObject = {
        **{name: report[name] for name in ("format_version", "name", "title") if name in report},
        "digests": {"environment": digest},
        **({"verdict": report["verdict"]} if "verdict" in report else {}),
        "tasks": _figures(report.get("tasks")),
        "gates": gates,
    }
    write_text(target, pretty_text(told))


def _figures(value: Json) -> JsonObject:
    if not isinstance(value, dict):
        return {}
    return {
        name: figure
        for name, figure in value.items()
        if isinstance(figure, int | float) and not isinstance(figure, bool)
    }


def _objects(value: Json) -> list[JsonObject]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _require_silent(manifest: JsonObject, tasks: Iterable[Task], bundle: Bundle) -> None:
    """Refuse a manifest whose provenance holds gold: its digest forbids to leave that out."""
    told = set(_leaves(manifest.get("provenance", {})))
    for task in tasks:
        said = " ".join(turn.say for turn in task.turns)
        for text in map(_text, _gold_values(task)):
            if len(text) >= _SHORTEST_TELLING and text not in said and text in told:
                raise BundleError(
                    f"the provenance in {bundle.path / MANIFEST} holds gold of task {task.id!r}, "
                    "so there can be no agent-side bundle; take it out there and run `arena seal`"
                )


def _leaves(value: Json) -> Iterator[str]:
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from _leaves(item)
    else:
        yield _text(value)


def _text(value: Json) -> str:
    return value if isinstance(value, str) else canonical_bytes(value).decode("ascii")


def _gold_values(task: Task) -> Iterable[Json]:
    yield from (question.answer.value for question in task.needed)
    if task.final_answer is not None:
        yield task.final_answer.value
    if task.final_state is not None:
        yield from task.final_state.digests.values()
        yield from (assertion.equals for assertion in task.final_state.assertions)
