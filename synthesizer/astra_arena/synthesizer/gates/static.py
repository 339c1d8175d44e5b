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
        bundle = exam.bundle
        try:
            tree = ast.parse(bundle.tools_py)
        except (SyntaxError, ValueError, RecursionError) as error:
            problem = f"{CODE_NAME} cannot be parsed: {error}"
            return decided(self.name, [Finding(problem=problem, kind="code does not parse")], {})
        sqlite = bundle.environment.world.kind == "sqlite"
        found: list[Flaw] = [
            *flaws(tree, requires=bundle.environment.requires),
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
        functions = sum(isinstance(node, ast.FunctionDef) for node in ast.walk(tree))
        lines = len(bundle.tools_py.splitlines())
        return decided(self.name, findings, {"lines": lines, "functions": functions})


def _holder(tree: ast.Module, line: int) -> str | None:
    """Return the top-level function that holds a line."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and node.lineno <= line <= (node.end_lineno or 0):
            return node.name
    return None
