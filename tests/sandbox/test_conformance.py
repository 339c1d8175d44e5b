"""The process sandbox passes every check that any sandbox must pass."""

import pytest

from astra_arena.sandbox import CHECKS, Check, ProcessSandbox
from tests.support.requirement import requirement


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
async def test_the_process_sandbox_conforms(check: Check) -> None:
    await check(ProcessSandbox)
