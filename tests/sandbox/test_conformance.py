"""Every sandbox there is passes every check that any sandbox must pass."""

import functools
from collections.abc import Generator
from pathlib import Path

import pytest

from astra_arena.sandbox import CHECKS, Check, ProcessSandbox, SandboxFactory
from tests.sandbox.workers import running_worker
from tests.support.requirement import requirement


@pytest.fixture(scope="module", params=["process", "live branches", "unix", "tcp"])
def make_sandbox(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Generator[SandboxFactory]:
    if request.param == "process":
        yield ProcessSandbox
        return
    if request.param == "live branches":
        yield functools.partial(ProcessSandbox, live_branches=True)
        return
    folder: Path = tmp_path_factory.mktemp("worker")
    listen = f"unix:{folder}/socket" if request.param == "unix" else "tcp:127.0.0.1:0"
    with running_worker(folder, listen) as worker:
        yield worker.sandbox


def name_of(check: Check) -> str:
    return getattr(check, "__name__", "check").removeprefix("check_")


@requirement(
    "sandbox:deadline",
    "sandbox:deterministic",
    "sandbox:failures",
    "sandbox:no-trace",
    "sandbox:refused-code",
)
@pytest.mark.parametrize("check", CHECKS, ids=name_of)
async def test_it_conforms(make_sandbox: SandboxFactory, check: Check) -> None:
    await check(make_sandbox)
