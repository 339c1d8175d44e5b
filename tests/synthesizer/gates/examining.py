"""Runs one gate on one bundle through the real sandbox."""

from astra_arena.sandbox import ProcessSandbox
from astra_arena.servers.bundles.bundle import Bundle
from astra_arena.synthesizer.gates.gate import Exam, Gate, GateResult


async def examined(gate: Gate, bundle: Bundle, *, seed: int = 0) -> GateResult:
    async with ProcessSandbox() as sandbox:
        return await gate.check(Exam(bundle, sandbox, seed))


def kinds_of(result: GateResult) -> set[str]:
    return {finding.kind for finding in result.findings}
