"""Reads tool code without running it: does it parse, define the tools, import or execute too much.

Runs in a confined process of its own, because a parser, too, can be made to hang or crash. No
boundary: what code does when it runs is for the kernel to refuse. It tells an author early, with a
line, what could not work.
"""

import ast
import marshal
from collections.abc import Iterator

from astra_arena.sandbox.guest.library import ALLOWED
from astra_arena.sandbox.guest.statements import refused_statements

CODE_NAME = "tools.py"


def checked_code(
    source: bytes, *, functions: list[str], any_import: bool = False, sqlite: bool = False
) -> tuple[list[str], bytes]:
    """Return what is wrong with `source`, and its marshalled code when nothing is.

    Args:
        source: The content of `tools.py`.
        functions: Names that it must define as top-level functions.
        any_import: Whether `import` statements may name any module.
        sqlite: Whether the world is a database, whose rows alone may change.
    """
    try:
        tree = ast.parse(source, CODE_NAME)
        foreign = () if any_import else _foreign_imports(tree)
        refused = refused_statements(tree, CODE_NAME) if sqlite else ()
        findings = [*_missing(tree, functions), *foreign, *refused]
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
            module = "." * node.level + (node.module or "")
            members = [f"{module}.{alias.name}" for alias in node.names]
            # `from urllib import parse` names a module by its member.
            names = [] if set(members) <= ALLOWED else [module]
        else:
            continue
        for name in names:
            if name not in ALLOWED:
                where = f"{CODE_NAME}:{node.lineno}"
                yield f"{where}: imports {name!r}, which is not among the modules of the sandbox"
