"""Puts `tools.py` together from functions that stand in modules of this package as code."""

import ast
import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path

_HERE = Path(__file__).parent
_HEAD = '''\
"""{about}

They read and never write. Each takes the world, a connection to an SQLite database, and the keyword
arguments that its input schema describes. What an agent may see of a refusal is the message of a
`LookupError` or `ValueError` raised here.
"""

{imports}
{constants}

{functions}
'''


@cache
def _parts(module: str) -> tuple[dict[str, str], str, str]:
    """Return the functions of a module by name, its imports, and what it defines besides."""
    text = (_HERE / f"{module}.py").read_text(encoding="utf-8")
    functions: dict[str, str] = {}
    imports: list[str] = []
    constants: list[str] = []
    for node in ast.parse(text).body:
        source = ast.get_source_segment(text, node) or ""
        if isinstance(node, ast.FunctionDef):
            functions[node.name] = source
        elif isinstance(node, ast.Import | ast.ImportFrom):
            imports.append(source)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            constants.append(source)
    return functions, "\n".join(imports), "\n".join(constants)


def tools_text(about: str, modules: Sequence[str], tools: Sequence[str]) -> str:
    """Return the text of `tools.py`.

    Args:
        about: What the tools are for, a sentence.
        modules: Names of the modules that hold them.
        tools: The tools; what they call comes with them.
    """
    functions: dict[str, str] = {}
    imports: set[str] = set()
    constants: list[str] = []
    for module in modules:
        own, needed, defined = _parts(module)
        functions |= own
        imports |= set(needed.splitlines())
        constants.append(defined)
    wanted: set[str] = set()
    new = set(tools)
    while new:
        wanted |= new
        new = {name for one in new for name in _called(functions[one], functions)} - wanted
    plain = sorted(line for line in imports if line.startswith("import "))
    others = sorted(line for line in imports if line.startswith("from "))
    return _HEAD.format(
        about=about,
        imports="\n".join([*plain, *others]) + "\n",
        constants="\n".join(constants) + "\n",
        functions="\n\n\n".join(text for name, text in functions.items() if name in wanted),
    )


def _called(code: str, known: dict[str, str]) -> set[str]:
    return {name for name in re.findall(r"(?<![\w.])(_[a-z]\w*)\(", code) if name in known}
