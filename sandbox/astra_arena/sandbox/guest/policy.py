"""Reads tool code without running it: does it parse, does it define the tools, what does it import.

Runs in a confined process of its own, because a parser, too, can be made to hang or crash.
"""

import ast
import marshal
import sys
from collections.abc import Iterator

CODE_NAME = "tools.py"


def checked_code(source: bytes, *, functions: list[str]) -> tuple[list[str], bytes]:
    """Return what is wrong with `source`, and its marshalled code when nothing is.

    Args:
        source: The content of `tools.py`.
        functions: Names that it must define as top-level functions.
    """
    try:
        tree = ast.parse(source, CODE_NAME)
        findings = [*_missing(tree, functions), *_foreign_imports(tree)]
        code = compile(tree, CODE_NAME, "exec", dont_inherit=True, optimize=0)
    except SyntaxError as error:
        return [f"{CODE_NAME}:{error.lineno or 0}: {error.msg}"], b""
    except (ValueError, RecursionError, MemoryError) as error:
        return [f"{CODE_NAME}:0: cannot be parsed: {error or type(error).__name__}"], b""
    return findings, b"" if findings else marshal.dumps(code)


def _missing(tree: ast.Module, functions: list[str]) -> Iterator[str]:
    defined = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    waiting = {
        node.name: node.lineno for node in tree.body if isinstance(node, ast.AsyncFunctionDef)
    }
    for name in functions:
        if name in waiting:
            yield f"{CODE_NAME}:{waiting[name]}: {name!r} is asynchronous; make it a plain function"
        elif name not in defined:
            yield f"{CODE_NAME}:0: expected a top-level function {name!r}, found none"


def _foreign_imports(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = ["." * node.level + (node.module or "")]
        else:
            continue
        for name in names:
            if name.partition(".")[0] not in sys.stdlib_module_names:
                where = f"{CODE_NAME}:{node.lineno}"
                yield f"{where}: imports {name!r}, which is not in the standard library"
