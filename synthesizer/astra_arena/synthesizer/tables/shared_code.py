"""What generated tools share: parts of `shared_reading` and `shared_writing`, as text."""

import ast
import re
from functools import cache
from pathlib import Path

_READING, _WRITING = (
    Path(__file__).with_name(f"shared_{name}.py") for name in ("reading", "writing")
)


@cache
def _functions() -> dict[str, str]:
    """Return the text of each function by its name."""
    return {
        node.name: ast.get_source_segment(text, node) or ""
        for text in (source.read_text(encoding="utf-8") for source in (_READING, _WRITING))
        for node in ast.parse(text).body
        if isinstance(node, ast.FunctionDef)
    }


@cache
def shared_types() -> str:
    """Return the types and constants that every file has, as they stand before the functions."""
    text = _READING.read_text(encoding="utf-8")
    start = text.index("_MOST_ROWS = ")
    return text[start : text.index("\n\n\ndef ")] + "\n"


def shared_functions(code: str) -> str:
    """Return the functions that `code` calls, and those that these call."""
    defined = _functions()
    wanted: set[str] = set()
    new = _called(code) & set(defined)
    while new:
        wanted |= new
        new = {name for one in new for name in _called(defined[one])} & set(defined) - wanted
    return "\n\n\n".join(defined[name] for name in defined if name in wanted) + "\n"


def _called(code: str) -> set[str]:
    return set(re.findall(r"(?<![\w.])(_[a-z]\w*)\(", code))


def imports_for(code: str) -> str:
    """Return the imports that code needs."""
    lines = [f"import {name}" for name in ("math", "re") if _uses(code, rf"{name}\.")]
    lines.append("import sqlite3")
    if "Sequence[" in code:
        lines.append("from collections.abc import Sequence")
    dated = [name for name in ("date", "datetime", "timedelta") if _uses(code, rf"{name}[.(]")]
    if dated:
        lines.append(f"from datetime import {', '.join(dated)}")
    typed = [name for name in ("Literal", "NamedTuple", "TypeAlias") if _uses(code, name)]
    if "get_args(" in code:
        typed.append("get_args")
    lines.append(f"from typing import {', '.join(typed)}")
    return "\n".join(lines) + "\n"


def _uses(code: str, pattern: str) -> bool:
    return re.search(rf"(?<![\w.\"'`]){pattern}", code) is not None
