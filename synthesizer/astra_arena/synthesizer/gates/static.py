"""The static gate: tool code is read, not run, for what would make it depend on anything hidden."""

import ast

from astra_arena.sandbox.guest.statements import refused_statements
from astra_arena.synthesizer.gates.code_rules import Flaw, flaws
from astra_arena.synthesizer.gates.gate import Exam, Finding, GateResult, decided
from astra_arena.synthesizer.gates.state_rules import order_flaws, state_flaws
from astra_arena.synthesizer.gates.statement_rules import statement_flaws

CODE_NAME = "tools.py"


class StaticGate:
    """Tool code keeps to the rules."""

    name = "static"

    async def check(self, exam: Exam) -> GateResult:
        """Read the code; see `Gate.check`."""
        environment = exam.bundle.environment
        code = exam.bundle.tools_py
        sqlite = environment.world.kind == "sqlite"
        try:
            tree = ast.parse(code)
        except (SyntaxError, ValueError, RecursionError) as error:
            problem = f"{CODE_NAME} cannot be parsed: {error}"
            return decided(self.name, [Finding(problem=problem, kind="code does not parse")], {})
        findings = static_findings(tree, requires=environment.requires, sqlite=sqlite)
        functions = sum(isinstance(node, ast.FunctionDef) for node in ast.walk(tree))
        return decided(
            self.name, findings, {"lines": len(code.splitlines()), "functions": functions}
        )


def static_findings(
    tree: ast.Module, *, requires: tuple[str, ...] = (), sqlite: bool = True
) -> list[Finding]:
    """Return where tool code breaks the rules.

    Args:
        tree: The code, parsed.
        requires: Packages that it may import.
        sqlite: Whether its world is a database.
    """
    found: list[Flaw] = [
        *flaws(tree, requires=requires),
        *state_flaws(tree),
        *order_flaws(tree),
        *(statement_flaws(tree) if sqlite else ()),
    ]
    findings = [
        Finding(
            problem=f"{CODE_NAME}:{flaw.line}: {flaw.problem}",
            kind=flaw.kind,
            tool=_holder(tree, flaw.line),
        )
        for flaw in sorted(set(found), key=lambda flaw: (flaw.line, flaw.kind, flaw.problem))
    ]
    if sqlite:
        refused = refused_statements(tree, CODE_NAME)
        findings += [Finding(problem=one, kind="statement that is refused") for one in refused]
    return findings


def _holder(tree: ast.Module, line: int) -> str | None:
    """Return the top-level function that holds a line."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and node.lineno <= line <= (node.end_lineno or 0):
            return node.name
    return None
