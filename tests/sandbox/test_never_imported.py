"""No host process runs a bundle's code: nothing outside the guest runs code that it was given."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.requirement import requirement

ROOT = Path(__file__).parents[2]
PARTS = ("core", "sandbox", "servers", "client", "synthesizer")
RUNNERS = {
    "exec",
    "eval",
    "compile",
    "__import__",
    "import_module",
    "exec_module",
    "spec_from_file_location",
    "run_path",
    "run_module",
    "SourceFileLoader",
}
GUEST = Path("sandbox/astra_arena/sandbox/guest")
KNOWN = {
    # A library that an extra brings, by a name in the code.
    Path("synthesizer/astra_arena/synthesizer/sources/typed_files.py"): {"import_module"},
    # Verbs, and public names, by tables in these very files.
    Path("core/astra_arena/core/cli.py"): {"import_module"},
    Path("sandbox/astra_arena/sandbox/__init__.py"): {"import_module"},
    Path("servers/astra_arena/servers/__init__.py"): {"import_module"},
    # What an operator names on the command line, as trusted as the command itself.
    Path("servers/astra_arena/servers/agent_plane/extensions.py"): {"import_module"},
    Path("client/astra_arena/client/__init__.py"): {"import_module"},
}


def named(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """Calls by what is called, but for methods of things like patterns."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            called = node.func
            if isinstance(called, ast.Name):
                yield called.id, node.lineno
            elif isinstance(called, ast.Attribute) and called.attr != "compile":
                yield called.attr, node.lineno


def modules() -> list[Path]:
    paths = (path for part in PARTS for path in sorted((ROOT / part).rglob("*.py")))
    return [path.relative_to(ROOT) for path in paths if GUEST not in path.relative_to(ROOT).parents]


@requirement("sandbox:never-imported")
@pytest.mark.parametrize("path", modules(), ids=str)
def test_no_module_of_the_host_runs_code_that_it_was_given(path: Path) -> None:
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    found = {name for name, _ in named(tree)} & RUNNERS
    assert found == KNOWN.get(path, set())
    changed = [
        node.lineno
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and (node.value.id, node.attr) in {("sys", "path"), ("sys", "meta_path")}
    ]
    assert changed == []


def test_what_is_looked_for_would_be_found() -> None:
    code = "import importlib.util\nexec('x')\nimportlib.import_module('tools')\n"
    assert {name for name, _ in named(ast.parse(code))} & RUNNERS == {"exec", "import_module"}
