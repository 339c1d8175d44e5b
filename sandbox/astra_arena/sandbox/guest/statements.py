"""Finds SQL in tool code that the world's database would refuse; runs nothing.

No boundary: SQL that is put together elsewhere is refused when it runs. It tells an author early.
"""

import ast
import re
from collections.abc import Iterator

_EXECUTES = frozenset({"execute", "executemany", "executescript"})
# The first ends what undoes a failed call, the others what observes writes.
_METHODS = {
    "commit": "each call is a transaction of its own, ended by the sandbox",
    "rollback": "each call is a transaction of its own, undone when the tool raises",
    "executescript": "it begins by committing; execute the statements one by one",
    "set_authorizer": "the sandbox has its own",
    "set_progress_handler": "the sandbox has its own",
    "deserialize": "the world may only change row by row",
    "load_extension": "extensions cannot be loaded",
    "enable_load_extension": "extensions cannot be loaded",
}
_REFUSED = re.compile(
    r"(?:\s|--[^\n]*\n|/\*.*?\*/)*"
    r"(alter|analyze|attach|begin|commit|create|detach|drop|end|pragma|reindex|release|rollback"
    r"|savepoint|vacuum)\b",
    re.IGNORECASE | re.DOTALL,
)


def refused_statements(tree: ast.Module, name: str) -> Iterator[str]:
    """Yield a finding, with the line in file `name`, for each method or statement refused."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        method = node.func.attr
        where = f"{name}:{node.lineno}"
        if method in _METHODS:
            yield f"{where}: calls {method!r}: {_METHODS[method]}"
        elif method in _EXECUTES and node.args:
            found = _REFUSED.match(_literal_start(node.args[0]))
            if found:
                statement = found[1].upper()
                yield f"{where}: executes {statement}: a tool may only read and write rows"


def _literal_start(text: ast.expr) -> str:
    """Return the constant text that an expression begins with."""
    while isinstance(text, ast.BinOp):
        text = text.left
    if isinstance(text, ast.JoinedStr) and text.values:
        text = text.values[0]
    return text.value if isinstance(text, ast.Constant) and isinstance(text.value, str) else ""
