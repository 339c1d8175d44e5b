"""Runs the gates on an environment as it lies on disk, and releases what passed.

A gate that cannot be decided has failed. Only broken machinery stops an examination, and then
nothing is released.
"""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TypeAlias, TypeVar, cast

from astra_arena.core.errors import BundleError, PolicyError, SandboxUnavailableError
from astra_arena.sandbox import ProcessSandbox
from astra_arena.sandbox.contract import Sandbox
from astra_arena.servers.bundles.bundle import MANIFEST, Bundle, load_bundle
from astra_arena.servers.bundles.suite import SUITE, Suite, load_suite
from astra_arena.synthesizer.gates.gate import Exam, Finding, Gate, GateResult, decided
from astra_arena.synthesizer.gates.joint_gates import SuiteExam, joint_gates
from astra_arena.synthesizer.gates.registry import all_gates
from astra_arena.synthesizer.gates.report_card import ReportCard
from astra_arena.synthesizer.gates.task_means import settled

_Source = TypeVar("_Source", Bundle, Suite)
LOADING = "schema"
"""The gate that answers for a manifest which cannot even be read."""

Watcher: TypeAlias = Callable[[str, int, int], None]
"""Told the gate that is at work, steps done, steps in all."""


def examine(
    path: Path,
    *,
    gates: Sequence[Gate] | None = None,
    seed: int = 0,
    sandbox: Sandbox | None = None,
    watcher: Watcher | None = None,
) -> ReportCard:
    """Examine the bundle or suite in the folder `path`; see `examine_bundle`, `examine_suite`.

    Raises:
        BundleError: if there is no bundle or suite.
        SandboxUnavailableError: if the machinery broke; nothing is decided then.
    """
    work = examine_suite if (path / SUITE).is_file() else examine_bundle
    return asyncio.run(work(path, gates=gates, seed=seed, sandbox=sandbox, watcher=watcher))


async def examine_bundle(
    path: Path,
    *,
    gates: Sequence[Gate] | None = None,
    seed: int = 0,
    sandbox: Sandbox | None = None,
    watcher: Watcher | None = None,
) -> ReportCard:
    """Examine the bundle in the folder `path`.

    Args:
        path: The bundle. One that is there but breaks its own contract is rejected.
        gates: Those to run, in order; all for `None`. Each sees the tasks that passed so far.
        seed: Decides every draw.
        sandbox: Runs the tools; one of its own for `None`.
        watcher: Told how far it is.

    Raises:
        BundleError: if there is no bundle.
        SandboxUnavailableError: if the machinery broke; nothing is decided then.
    """
    try:
        bundle = load_bundle(path)
    except BundleError as error:
        if not (path / MANIFEST).is_file():
            raise
        return _unreadable(path, error, seed)
    async with AsyncExitStack() as stack:
        runs = sandbox or await stack.enter_async_context(ProcessSandbox())
        exam = Exam(bundle, runs, seed, watcher or _unwatched)
        results: list[GateResult] = []
        for gate in all_gates() if gates is None else gates:
            result = await _checked(gate, exam)
            results.append(result)
            exam = replace(exam, bundle=_without(exam.bundle, result.rejected_tasks))
    return settled(
        ReportCard(
            name=bundle.name,
            title=bundle.environment.title,
            environment_digest=bundle.digests.environment,
            tasks_digest=bundle.digests.tasks or "",
            seed=seed,
            tasks=tuple(task.id for task in bundle.tasks),
            gates=tuple(results),
        )
    )


async def examine_suite(
    path: Path,
    *,
    gates: Sequence[Gate] | None = None,
    seed: int = 0,
    sandbox: Sandbox | None = None,
    watcher: Watcher | None = None,
) -> ReportCard:
    """Examine the suite in the folder `path`: its joint tasks, and each member as a bundle.

    Args:
        path: The suite. One that is there but breaks its own contract is rejected.
        gates: Those to run; all for `None`. What is about tools alone is left to the members.
        seed: Decides every draw.
        sandbox: Runs the tools; one of its own for `None`.
        watcher: Told how far it is.

    Raises:
        BundleError: if there is no suite.
        SandboxUnavailableError: if the machinery broke; nothing is decided then.
    """
    try:
        suite = load_suite(path)
    except BundleError as error:
        if not (path / SUITE).is_file():
            raise
        return _unreadable(path, error, seed)
    chosen = all_gates() if gates is None else tuple(gates)
    watch = watcher or _unwatched
    async with AsyncExitStack() as stack:
        runs = sandbox or await stack.enter_async_context(ProcessSandbox())
        exam = SuiteExam(suite, runs, seed, watch)
        results: list[GateResult] = []
        for gate in joint_gates(chosen):
            result = await _decided(gate.name, partial(gate.check, exam), watch)
            results.append(result)
            exam = replace(exam, suite=_without(exam.suite, result.rejected_tasks))
        cards = [
            await examine_bundle(
                member.path, gates=chosen, seed=seed, sandbox=runs, watcher=watcher
            )
            for member in suite.members
        ]
    return settled(
        ReportCard(
            name=suite.name,
            title=suite.title,
            environment_digest=suite.digests.environment,
            tasks_digest=suite.digests.tasks or "",
            seed=seed,
            tasks=tuple(task.id for task in suite.tasks),
            gates=tuple(results),
            members=tuple(cards),
        )
    )


async def _checked(gate: Gate, exam: Exam) -> GateResult:
    return await _decided(gate.name, partial(gate.check, exam), exam.on_step)


async def _decided(
    name: str, check: Callable[[], Coroutine[None, None, GateResult]], watch: Watcher
) -> GateResult:
    watch(name, 0, 0)
    try:
        return await check()
    except PolicyError as error:
        return decided(name, [Finding(problem=error.message, kind="refused code")], {})
    except Exception as error:
        unavailable = _unavailable(error)
        if unavailable is not None:
            raise unavailable from error
        problem = f"could not be decided: {_told(error)}"
        return decided(name, [Finding(problem=problem, kind="could not be decided")], {})


def _unavailable(error: Exception) -> SandboxUnavailableError | None:
    """Return the failure of the machinery among what a gate raised."""
    return next((one for one in _leaves(error) if isinstance(one, SandboxUnavailableError)), None)


def _told(error: Exception) -> str:
    return "; ".join(f"{type(one).__name__}: {one}" for one in _leaves(error))


def _leaves(error: Exception) -> list[Exception]:
    """Return an exception, or all those of a group."""
    if not isinstance(error, ExceptionGroup):
        return [error]
    group = cast("ExceptionGroup[Exception]", error)
    return [leaf for one in group.exceptions for leaf in _leaves(one)]


def _without(source: _Source, rejected: frozenset[str]) -> _Source:
    if not rejected:
        return source
    return replace(source, tasks=tuple(task for task in source.tasks if task.id not in rejected))


def _unreadable(path: Path, error: BundleError, seed: int) -> ReportCard:
    finding = Finding(problem=error.message, kind="the bundle breaks its own contract")
    return ReportCard(name=path.resolve().name, seed=seed, gates=(decided(LOADING, [finding], {}),))


def _unwatched(gate: str, done: int, total: int) -> None:
    del gate, done, total
