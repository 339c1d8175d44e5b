import ast
from pathlib import Path

from tests.requirements import REQUIREMENTS

TESTS = Path(__file__).parent


def marked_ids() -> dict[str, list[str]]:
    """Return the ids that test functions are marked with, and where."""
    found: dict[str, list[str]] = {}
    for path in sorted(TESTS.rglob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            for mark in node.decorator_list:
                match mark:
                    case ast.Call(func=ast.Name(id="requirement"), args=arguments):
                        for argument in arguments:
                            assert isinstance(argument, ast.Constant)
                            found.setdefault(str(argument.value), []).append(f"{path}:{node.name}")
                    case _:
                        pass
    return found


def test_every_promise_has_a_test() -> None:
    assert sorted(set(REQUIREMENTS) - set(marked_ids())) == []


def test_every_mark_names_a_promise() -> None:
    assert sorted(set(marked_ids()) - set(REQUIREMENTS)) == []
