"""Each gate on one small environment: it passes when sound, and each defect is found."""

from dataclasses import replace
from pathlib import Path

import pytest

from astra_arena.core.canonical import JsonObject
from astra_arena.synthesizer.gates.exploits import ExploitGate
from astra_arena.synthesizer.gates.gate import Gate
from astra_arena.synthesizer.gates.isolation import IsolationGate
from astra_arena.synthesizer.gates.leaks import LeakGate
from astra_arena.synthesizer.gates.near_duplicates import NearDuplicateGate
from astra_arena.synthesizer.gates.replay import ReplayGate
from astra_arena.synthesizer.gates.schemas import SchemaGate
from astra_arena.synthesizer.gates.static import StaticGate
from tests.support.requirement import requirement
from tests.synthesizer.gates.archive import NUMBER, TEXT, TOOLS, Archive, kinds, task, tool

GATES: tuple[Gate, ...] = (
    SchemaGate(),
    StaticGate(),
    ReplayGate(),
    LeakGate(),
    ExploitGate(),
    IsolationGate(),
    NearDuplicateGate(),
)
ROW = 'raise LookupError(f"there is no {value!r}")'
SHELF = 'return _row(world, "SELECT shelf, room, code FROM shelves WHERE shelf = ?", shelf)'
YEARS = 'return {"years": [year for (year,) in rows]}'


@requirement(
    "gates:schema",
    "gates:static",
    "gates:replay",
    "gates:leak",
    "gates:exploits",
    "gates:isolation",
    "gates:near_duplicates",
)
@pytest.mark.parametrize("gate", GATES, ids=lambda gate: gate.name)
def test_a_sound_environment_passes(gate: Gate, tmp_path: Path) -> None:
    result = Archive().checked(tmp_path, gate)
    assert result.findings == ()
    assert result.status == "passed"
    assert result.figures


def with_limit(rule: JsonObject) -> tuple[object, ...]:
    years = tool("list_years", {"limit": rule}, {"years": {"type": "array", "items": NUMBER}})
    return (*TOOLS[:2], years, TOOLS[3])


@requirement("gates:schema")
@pytest.mark.parametrize(
    ("archive", "kind"),
    [
        (Archive().code("*, limit: int = 2", "*, limit: int = 3"), "schema differs from signature"),
        (Archive().code("*, limit: int = 2", "*, limit: str = 2"), "schema differs from signature"),
        (
            Archive().code("*, letter: str) -> dict", "*, l: str) -> dict"),
            "schema differs from signature",
        ),
        (
            Archive().code(YEARS, 'return {"years": [str(y) for (y,) in rows]}'),
            "reply breaks its schema",
        ),
        (Archive().code(YEARS, 'return {"years": [rows[7] for _ in rows]}'), "tool breaks"),
        (Archive().spec("move_letter", read_only=True), "read-only tool writes"),
        (Archive().spec("get_shelf", description="get_shelf"), "no description"),
        (Archive().spec("get_shelf", description="架"), "no description"),
    ],
    ids=["default", "type", "name", "reply", "breaks", "writes", "description", "one_character"],
)
def test_declarations_that_are_not_true_are_found(
    archive: Archive, kind: str, tmp_path: Path
) -> None:
    assert kind in kinds(archive.checked(tmp_path, SchemaGate()))


@requirement("gates:schema")
def test_a_description_in_chinese_needs_no_spaces(tmp_path: Path) -> None:
    archive = Archive().spec("get_shelf", description="查询一个书架的房间和编号。")
    assert archive.checked(tmp_path, SchemaGate()).findings == ()


@requirement("gates:static")
@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("SEEN = []\n\n\ndef _note(value):\n    SEEN.append(value)\n", "mutable module state"),
        ("COUNT = 0\n\n\ndef _up():\n    global COUNT\n    COUNT += 1\n", "mutable module state"),
        ("def _x(value, known={}):\n    return known\n", "mutable module state"),
        ("def _x(world):\n    return [v for v in {1, 2}]\n", "iteration over an unordered set"),
        ("def _x(code):\n    return eval(code)\n", "dynamic code"),
        ("def _x(value):\n    return value.__class__\n", "dunder access"),
        ("def _x(value):\n    return id(value)\n", "address of an object"),
        ("import time\n\n\ndef _x():\n    return time.time()\n", "clock or randomness of its own"),
        ("import uuid\n\n\ndef _x():\n    return uuid.uuid4()\n", "clock or randomness of its own"),
        ("import socket\n", "import that is not allowed"),
        (
            'def _x(world):\n    return world.execute("SELECT year FROM letters").fetchall()\n',
            "rows without an order",
        ),
        ('def _x(world):\n    world.execute("DROP TABLE letters")\n', "statement that is refused"),
    ],
)
def test_code_that_breaks_a_rule_is_found(code: str, kind: str, tmp_path: Path) -> None:
    archive = replace(Archive(), tools_py=f"{Archive().tools_py}\n\n{code}")
    assert kinds(archive.checked(tmp_path, StaticGate())) == {kind}


@requirement("gates:static")
@pytest.mark.parametrize(
    "code",
    [
        "def _x(names):\n    return sorted(set(names))\n",
        "def _x(names):\n    return len({n for n in set(names)})\n",
        "KNOWN = {1: 2}\n\n\ndef _x(value):\n    own = {}\n    own[1] = value\n    return KNOWN\n",
        'def _x(world):\n    return world.execute("SELECT count(*) FROM letters").fetchall()\n',
        "from datetime import datetime\n\n\ndef _x():\n    return datetime.now().isoformat()\n",
        "import random\n\n\ndef _x():\n    return random.randint(1, 6)\n",
    ],
)
def test_code_that_keeps_to_the_rules_passes(code: str, tmp_path: Path) -> None:
    archive = replace(Archive(), tools_py=f"{Archive().tools_py}\n\n{code}")
    assert archive.checked(tmp_path, StaticGate()).findings == ()


@requirement("gates:replay")
@pytest.mark.parametrize(
    ("archive", "kind"),
    [
        (Archive().retask(2, task(2, code=11111)), "wrong gold"),
        (
            Archive()
            .code(ROW, 'raise LookupError("no")')
            .retask(2, task(2))
            .code('"""Tools of an archive."""', '"""Closed."""\n\nCLOSED = True')
            .code(
                "found = cursor.fetchone()",
                "found = None if CLOSED else cursor.fetchone()",
            ),
            "gold call fails",
        ),
    ],
    ids=["wrong", "fails"],
)
def test_gold_that_is_not_borne_out_is_found(archive: Archive, kind: str, tmp_path: Path) -> None:
    assert kind in kinds(archive.checked(tmp_path, ReplayGate()))


@requirement("gates:replay")
def test_gold_that_depends_on_the_seed_is_found(tmp_path: Path) -> None:
    code = "row = " + SHELF.removeprefix("return ")
    drawn = Archive().code(SHELF, f'{code}\n    return {{**row, "code": row["code"] + _drawn()}}')
    more = "\n\ndef _drawn():\n    return 1 if random.random() < 0.5 else 0\n"
    archive = replace(
        drawn,
        tools_py=drawn.tools_py.replace('archive."""\n', 'archive."""\n\nimport random\n', 1)
        + more,
    )
    assert kinds(archive.checked(tmp_path, ReplayGate())) & {
        "wrong gold",
        "gold depends on the seed",
    }


@requirement("gates:leak")
@pytest.mark.parametrize(
    ("archive", "kind"),
    [
        (
            Archive().retask(1, task(1, say="Shelf code of L-1001? Not 48,213 I think.")),
            "gold in the prompt",
        ),
        (
            Archive().spec(
                "get_shelf", description="Return a shelf, such as that with code 48213."
            ),
            "gold in a description",
        ),
        (
            Archive().spec(
                "list_years",
                input_schema={
                    "type": "object",
                    "properties": {"limit": {"type": "integer", "default": 48213}},
                    "additionalProperties": False,
                },
            ),
            "gold in a default",
        ),
        (
            Archive().code(ROW, 'raise LookupError(f"no {value!r}; the code is 48213")'),
            "gold in an error text",
        ),
        (Archive().code(YEARS, 'return {"years": [48213]}'), "gold on a first page"),
    ],
    ids=["prompt", "description", "default", "error", "page"],
)
def test_gold_that_can_be_read_is_found(archive: Archive, kind: str, tmp_path: Path) -> None:
    result = archive.checked(tmp_path, LeakGate())
    assert kinds(result) == {kind}
    assert result.rejected_tasks == {"t1"}


@requirement("gates:exploits")
@pytest.mark.parametrize(
    ("archive", "kind"),
    [
        (
            Archive().code(
                SHELF,
                'return _row(world, f"SELECT shelf, room, code FROM shelves '
                "WHERE shelf = '{shelf}' OR shelf = ?\", shelf)",
            ),
            "injection",
        ),
        (
            Archive().code(SHELF, "shelf.format()\n    " + SHELF),
            "a probe breaks a tool",
        ),
        (
            Archive()
            .spec(
                "list_years",
                input_schema={
                    "type": "object",
                    "properties": {
                        "limit": {"type": "integer", "minimum": 1, "maximum": 9, "default": 2}
                    },
                },
            )
            .code("*, limit: int = 2)", "*, limit: int = 2, **more)"),
            "undeclared arguments are taken",
        ),
    ],
    ids=["sql", "format", "undeclared"],
)
def test_probes_that_are_not_harmless_are_found(
    archive: Archive, kind: str, tmp_path: Path
) -> None:
    assert kind in kinds(archive.checked(tmp_path, ExploitGate()))


@requirement("gates:isolation")
@pytest.mark.parametrize(
    ("archive", "found"),
    [
        (
            Archive().code(YEARS, "SEEN.append(limit)\n    " + 'return {"years": [len(SEEN)]}'),
            {"hidden state", "sessions differ"},
        ),
        (Archive().code("ORDER BY year LIMIT", "LIMIT"), {"rows without an order"}),
    ],
    ids=["memory", "order"],
)
def test_what_depends_on_more_than_the_world_is_found(
    archive: Archive, found: set[str], tmp_path: Path
) -> None:
    remembering = replace(archive, tools_py=f"{archive.tools_py}\n\nSEEN = []\n")
    assert kinds(remembering.checked(tmp_path, IsolationGate())) & found


@requirement("gates:near_duplicates")
def test_tasks_that_ask_the_same_are_found(tmp_path: Path) -> None:
    again = task(1, say="Tell me the code of the place where letter L-1001 is kept.")
    same = replace(Archive(), tasks=(*Archive().tasks, again.model_copy(update={"id": "t7"})))
    result = same.checked(tmp_path, NearDuplicateGate())
    assert kinds(result) == {"same gold program"}
    assert result.rejected_tasks == {"t7"}


@requirement("gates:near_duplicates")
def test_tools_with_the_same_code_are_found(tmp_path: Path) -> None:
    twin = (
        Archive().tools_py
        + "\n\ndef fetch_shelf(world, *, shelf: str) -> dict:\n    "
        + SHELF
        + "\n"
    )
    spec = tool("fetch_shelf", {"shelf": TEXT}, {"shelf": TEXT, "room": TEXT, "code": NUMBER})
    archive = replace(Archive(), tools_py=twin, tools=(*TOOLS, spec))
    assert kinds(archive.checked(tmp_path, NearDuplicateGate())) == {"tools are the same"}
