"""The shape of the repository: one namespace over five roots, small modules, complete facades."""

import ast
import importlib
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

import pytest

from tests.support.requirement import requirement

ROOT = Path(__file__).parent.parent
PARTS = ("core", "sandbox", "servers", "client", "synthesizer")
NAMESPACES = {part: ROOT / part / "astra_arena" for part in PARTS}
MODULES = sorted(path for folder in NAMESPACES.values() for path in folder.rglob("*.py"))

MAX_MODULE_LINES = 400
MAX_FUNCTION_LINES = 60


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def functions(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def names_bound_by(init: Path, part: str) -> set[str]:
    """Public names that a part's `__init__` defines or takes from its own modules."""
    names: set[str] = set()
    for node in ast.parse(init.read_text(encoding="utf-8")).body:
        match node:
            case ast.ImportFrom(module=str(module)) if module.startswith(f"astra_arena.{part}"):
                names |= {alias.asname or alias.name for alias in node.names}
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                names.add(node.name)
            case ast.Assign():
                names |= {target.id for target in node.targets if isinstance(target, ast.Name)}
            case ast.AnnAssign(target=ast.Name(id=name)):
                names.add(name)
            case _:
                pass
    return {name for name in names if not name.startswith("_")}


def sort_key(name: str) -> tuple[int, str]:
    """The order in which ruff keeps `__all__`: constants, classes, then everything else."""
    if name.isupper() and len(name) > 1:
        return 0, name
    return (1 if name[0].isupper() else 2), name


@requirement("layout:one-namespace")
def test_the_namespace_has_no_body() -> None:
    spec = find_spec("astra_arena")
    assert spec is not None
    assert spec.origin is None


@requirement("layout:one-namespace")
def test_the_namespace_spans_the_five_roots() -> None:
    spec = find_spec("astra_arena")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    found = {Path(location) for location in spec.submodule_search_locations}
    assert found == set(NAMESPACES.values())


@pytest.mark.parametrize("part", PARTS)
def test_no_root_closes_the_namespace(part: str) -> None:
    assert not (NAMESPACES[part] / "__init__.py").exists()
    assert {path.name for path in NAMESPACES[part].iterdir()} - {"__pycache__"} == {part}


@pytest.mark.parametrize("part", PARTS)
def test_each_part_is_imported_from_its_own_root_and_is_typed(part: str) -> None:
    module = importlib.import_module(f"astra_arena.{part}")
    assert module.__file__ is not None
    assert Path(module.__file__).parent == NAMESPACES[part] / part
    assert (NAMESPACES[part] / part / "py.typed").is_file()


@pytest.mark.parametrize("part", PARTS)
def test_each_facade_lists_exactly_what_it_offers_in_order(part: str) -> None:
    module: ModuleType = importlib.import_module(f"astra_arena.{part}")
    listed: list[str] = module.__all__
    assert listed == sorted(listed, key=sort_key)
    assert [name for name in listed if not hasattr(module, name)] == []
    assert names_bound_by(NAMESPACES[part] / part / "__init__.py", part) - set(listed) == set()


@pytest.mark.parametrize("path", MODULES, ids=relative)
def test_each_module_is_described_and_small(path: Path) -> None:
    source = path.read_text(encoding="utf-8")
    tree = ast.parse(source)
    assert ast.get_docstring(tree)
    assert len(source.splitlines()) <= MAX_MODULE_LINES
    lengths = {node.name: (node.end_lineno or 0) - node.lineno + 1 for node in functions(tree)}
    assert {name: n for name, n in lengths.items() if n > MAX_FUNCTION_LINES} == {}


def test_each_test_folder_is_a_package() -> None:
    folders = {path.parent for path in (ROOT / "tests").rglob("*.py")}
    parents = {above for folder in folders for above in (folder, *folder.parents)}
    inside = {folder for folder in parents if folder.is_relative_to(ROOT / "tests")}
    assert sorted(relative(f) for f in inside if not (f / "__init__.py").is_file()) == []


def test_the_lock_file_names_the_public_index_only() -> None:
    lock = (ROOT / "uv.lock").read_text(encoding="utf-8")
    assert set(re.findall(r'registry = "([^"]*)"', lock)) == {"https://pypi.org/simple"}
    assert set(re.findall(r'url = "(\w+://[^/"]*)', lock)) == {"https://files.pythonhosted.org"}
    assert set(re.findall(r'(?:editable|path|directory) = "([^"]*)"', lock)) == {"."}


@requirement("layout:one-way-imports")
def test_imports_point_one_way() -> None:
    linter = Path(sys.executable).with_name("lint-imports")
    run = subprocess.run(
        [linter, "--no-cache", "--no-logo"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stdout


EXTRAS = {"core": (), "sandbox": ("servers",), "servers": ("servers",), "client": ("client",)}


def declared_for(part: str) -> set[str]:
    """Names of the distributions that the part's extras install directly, base included."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = list(EXTRAS.get(part, ("synthesizer", "api")))
    lines: list[str] = list(project["dependencies"])
    while wanted:
        for line in project["optional-dependencies"][wanted.pop()]:
            inner = re.fullmatch(r"astra-arena\[(.*)\]", line)
            if inner:
                wanted += inner.group(1).split(",")
            else:
                lines.append(line)
    return {re.split(r"[^\w-]", line)[0].lower() for line in lines}


@requirement("layout:extras")
@pytest.mark.parametrize("part", PARTS)
def test_each_part_imports_only_what_its_extra_declares(part: str) -> None:
    installed = metadata.packages_distributions()
    allowed = declared_for(part)
    for path in NAMESPACES[part].rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            match node:
                case ast.Import(names=aliases):
                    roots = [alias.name.partition(".")[0] for alias in aliases]
                case ast.ImportFrom(module=str(module)):
                    roots = [module.partition(".")[0]]
                case _:
                    continue
            for root in set(roots) - {"astra_arena"} - sys.stdlib_module_names:
                homes = {name.lower().replace("_", "-") for name in installed[root]}
                assert homes & allowed, f"{relative(path)} imports {root}"
