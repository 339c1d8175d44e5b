"""Writes what the gates let through: the tasks that passed, and why others did not."""

import json
from collections.abc import Collection
from pathlib import Path
from typing import cast

from astra_arena.core.canonical import JsonObject, line_text
from astra_arena.core.errors import BundleError, GateError
from astra_arena.core.tasks import Task
from astra_arena.servers.bundles.bundle import REPORT, Bundle, require_place, write_bundle
from astra_arena.servers.bundles.suite import (
    SUITE,
    SUITE_FOLDER,
    Source,
    Suite,
    load_source,
    write_suite,
)
from astra_arena.servers.emission.emit import LAUNCHER, emit_server
from astra_arena.synthesizer.gates.report_card import ReportCard

MOST_LISTED = 3
MOST_CHARACTERS = 160


def default_rejects(out: Path) -> Path:
    """Return where rejects are told of a bundle that is released to `out`: beside it."""
    return out.with_name(f"{out.name}.rejects.jsonl")


def release(
    path: Path,
    card: ReportCard,
    out: Path,
    *,
    only: Collection[str] | None = None,
    rejects: Path | None = None,
) -> Source:
    """Write the examined bundle or suite `path`, with the tasks that passed alone, to `out`.

    The file of rejects is written in any case; it quotes gold.

    Args:
        path: The bundle or suite that was examined.
        card: What came of it.
        out: The folder; a bundle, or suite, that is there already is replaced.
        only: Ids of the tasks that are wanted, of those that passed; all for `None`.
        rejects: Where to list tasks with gate, reason and evidence; beside `out` for `None`.

    Raises:
        GateError: if the environment is rejected; nothing is released then.
        BundleError: if it changed since it was examined, or `out` cannot be written.
    """
    is_suite = (path / SUITE).is_file()
    if is_suite:
        SUITE_FOLDER.require_place(out)
    else:
        require_place(out)
    told = rejects or default_rejects(out)
    write_rejects(card, told)
    require_releasable(card, told)
    source = load_source(path)
    examined = (card.environment_digest, card.tasks_digest)
    if (source.digests.environment, source.digests.tasks) != examined:
        raise BundleError(f"{path} was changed while it was examined; run the gates again")
    report: JsonObject = {**read_report(path), **card.to_report(gold=False)}
    wanted = set(card.passed_tasks) & (set(card.passed_tasks) if only is None else set(only))
    passed = [task for task in source.tasks if task.id in wanted]
    if isinstance(source, Suite):
        return _release_suite(source, passed, report, out)
    return _release_bundle(source, passed, report, out)


def _release_suite(suite: Suite, passed: list[Task], report: JsonObject, out: Path) -> Suite:
    return write_suite(
        out,
        name=suite.name,
        title=suite.title,
        members=suite.members,
        tasks=passed,
        report=report,
    )


def _release_bundle(bundle: Bundle, passed: list[Task], report: JsonObject, out: Path) -> Bundle:
    path = bundle.path
    written = write_bundle(
        out,
        bundle.environment.model_copy(update={"digests": None}),
        tools_py=bundle.tools_py.decode("utf-8"),
        world=path / bundle.environment.world.file,
        tasks=tuple(passed),
        report=report,
    )
    if (path / LAUNCHER).is_file() and path.resolve() != out.resolve():
        emit_server(out)
    return written


def require_releasable(card: ReportCard, rejects: Path | None = None) -> None:
    """Refuse an environment that is rejected.

    Args:
        card: What came of the examination.
        rejects: The file that lists every reason.

    Raises:
        GateError: naming what was found.
    """
    problems = card.environment_problems
    if not problems:
        return
    told = [f"{one.gate}: {one.task}: {one.problem}" for one in card.rejects() if one.task]
    listed = "; ".join(_shortened(one) for one in [*problems, *told][:MOST_LISTED])
    more = len(problems) + len(told) - MOST_LISTED
    where = "" if rejects is None else f". {rejects} lists every reason"
    raise GateError(
        f"environment {card.name!r} is rejected: {listed}"
        + (f"; and {more} more" if more > 0 else "")
        + where,
        findings=(*problems, *told),
    )


def _shortened(problem: str) -> str:
    return problem if len(problem) <= MOST_CHARACTERS else f"{problem[: MOST_CHARACTERS - 1]}…"


def write_rejects(card: ReportCard, path: Path, *, then: ReportCard | None = None) -> None:
    """Write a line of JSON for each reason; an empty file says that there is none.

    Args:
        card: What came of an examination.
        path: The file.
        then: What came of the next, without the tasks that failed in the first.

    Raises:
        BundleError: if the file cannot be written.
    """
    rejects = [reject for reject in card.rejects() if then is None or reject.task is not None]
    rejects += [] if then is None else then.rejects()
    lines = [line_text(reject.to_json()) for reject in rejects]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(lines), encoding="utf-8", newline="\n")
    except OSError as error:
        raise BundleError(f"the rejects cannot be written to {path}: {error.strerror}") from None


def read_report(path: Path) -> JsonObject:
    """Return what the report of a bundle said before: of its synthesis, for instance."""
    try:
        data = json.loads((path / REPORT).read_bytes())
    except (OSError, ValueError):
        return {}
    return cast("JsonObject", data) if isinstance(data, dict) else {}
