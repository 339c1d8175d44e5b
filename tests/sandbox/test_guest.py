"""The guest: imports the standard library only and reads code without running it."""

import ast
import marshal
import subprocess
import sys
from pathlib import Path
from types import CodeType

import pytest

import astra_arena.sandbox.guest as guest
from astra_arena.core.errors import PolicyError
from astra_arena.sandbox import Limits, ProcessSandbox, Succeeded
from astra_arena.sandbox.guest.policy import checked_code
from tests.sandbox.programs import program_of, session_of
from tests.support.requirement import requirement

GUEST = Path(guest.__file__).parent
MODULES = sorted(GUEST.glob("*.py"))

IMPORT_ALL = f"""
import importlib, sys
from types import ModuleType
for name, folder in (("astra_arena", {str(GUEST.parents[1])!r}),
                     ("astra_arena.sandbox", {str(GUEST.parent)!r})):
    sys.modules[name] = ModuleType(name)
    sys.modules[name].__path__ = [folder]
for name in {[path.stem for path in MODULES if not path.stem.startswith("_")]!r}:
    importlib.import_module("astra_arena.sandbox.guest." + name)
foreign = {{name.partition(".")[0] for name in sys.modules}} - sys.stdlib_module_names
print(*sorted(foreign))
"""


@requirement("sandbox:guest-alone")
def test_its_modules_import_without_any_installed_package() -> None:
    command = [sys.executable, "-I", "-S", "-c", IMPORT_ALL]
    done = subprocess.run(command, capture_output=True, check=True, text=True)
    assert done.stdout.split() == ["__main__", "astra_arena"]


@requirement("sandbox:guest-alone")
@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.name)
def test_it_names_the_standard_library_and_itself_only(path: Path) -> None:
    named: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            named |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            named.add(node.module or "")
    foreign = {name for name in named if name.partition(".")[0] not in sys.stdlib_module_names}
    assert {name for name in foreign if not name.startswith("astra_arena.sandbox.guest")} == set()


async def test_tool_code_cannot_import_the_project(tmp_path: Path) -> None:
    code = """
import importlib
def found(db):
    names = []
    for name in ("astra_arena.core", "astra_arena.sandbox.contract", "pydantic", "worlds"):
        try:
            importlib.import_module(name)
            names.append(name)
        except ImportError:
            pass
    return {"names": names}
"""
    async with session_of(tmp_path, code) as session:
        assert await session.call("found", {}) == Succeeded({"names": []})


def test_good_code_comes_back_compiled() -> None:
    findings, code = checked_code(b"import json\ndef tool(db): return {}\n", functions=["tool"])
    assert findings == []
    assert isinstance(marshal.loads(code), CodeType)


@requirement("sandbox:refused-code:line")
@pytest.mark.parametrize(
    ("source", "finding"),
    [
        (b"def tool(db:\n", "tools.py:1: "),
        (b"x = 1\n\ndef tool(db)\n", "tools.py:3: "),
        (b"def other(db): return {}\n", "tools.py:0: expected a top-level function 'tool'"),
        (b"if True:\n    def tool(db): return {}\n", "tools.py:0: expected a top-level function"),
        (b"async def tool(db): return {}\n", "tools.py:1: 'tool' is asynchronous"),
        (b"def tool(db):\n    import requests.api\n", "tools.py:2: imports 'requests.api'"),
        (b"from numpy import *\ndef tool(db): pass\n", "tools.py:1: imports 'numpy'"),
        (b"from .x import y\ndef tool(db): pass\n", "tools.py:1: imports '.x'"),
        (b"def tool(db): return {}\0\n", "tools.py:"),
        (b"# coding: nonsense\n", "tools.py:"),
        (b"\xff\xfe", "tools.py:"),
        (b"x = " + b"(" * 5000 + b")" * 5000, "tools.py:"),
        (b"x = " + b"-" * 100_000 + b"1", "tools.py:"),
    ],
)
def test_bad_code_is_a_finding_with_a_line(source: bytes, finding: str) -> None:
    findings, code = checked_code(source, functions=["tool"])
    assert findings[0].startswith(finding)
    assert code == b""


async def test_refused_code_never_ran(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    code = f"open({str(trace)!r}, 'w')\nimport numpy\ndef tool(db): return {{}}\n"
    async with ProcessSandbox() as sandbox:
        with pytest.raises(PolicyError):
            await sandbox.open_session(program_of(tmp_path, code), seed=1)
    assert not trace.exists()


async def test_module_features_that_need_a_real_module_work(tmp_path: Path) -> None:
    code = """
from __future__ import annotations
import copy, dataclasses, enum, typing
@dataclasses.dataclass
class Point:
    x: int
    y: typing.ClassVar[int] = 2
class Colour(enum.StrEnum):
    RED = "red"
def tool(db):
    return {"x": copy.deepcopy(Point(1)).x, "colour": Colour.RED}
"""
    async with session_of(tmp_path, code) as session:
        assert await session.call("tool", {}) == Succeeded({"colour": "red", "x": 1})


async def test_the_connection_is_as_new_for_each_call(tmp_path: Path) -> None:
    code = """
import sqlite3, sys
def spoil(db):
    db.row_factory = sqlite3.Row
    db.text_factory = bytes
    db.isolation_level = "IMMEDIATE"
    db.set_progress_handler(None, 0)
    sys.setrecursionlimit(50)
    return {}
def look(db):
    row = db.execute("SELECT 'text'").fetchone()
    return {"row": row, "level": db.isolation_level, "deep": sys.getrecursionlimit() > 50}
"""
    async with session_of(tmp_path, code) as session:
        await session.call("spoil", {})
        expected = Succeeded({"deep": True, "level": None, "row": ["text"]})
        assert await session.call("look", {}) == expected


async def test_replies_of_many_sizes_arrive(tmp_path: Path) -> None:
    code = "def fill(db, *, text): return {'text': text}\n"
    async with session_of(tmp_path, code, limits=Limits(reply_bytes=4 << 20)) as session:
        for size in (0, 1, 65_500, 65_536, 300_000, 3_000_000):
            text = "x" * size
            assert await session.call("fill", {"text": text}) == Succeeded({"text": text})
