"""Operations that no rule covers, written by a scripted model over the petstore's rows."""

import ast
import json
from pathlib import Path

import pytest

from astra_arena.client.authors.model_options import ModelOptions
from astra_arena.core.canonical import JsonObject
from astra_arena.synthesizer.apis.api_options import ApiOptions
from astra_arena.synthesizer.apis.api_synthesis import ApiSynthesis, synthesize_api
from astra_arena.synthesizer.apis.authored_operations import PROMPTS
from tests.support.requirement import requirement
from tests.synthesizer.apis.conftest import OPTIONS, PETSTORE

NAME = "swagger-petstore"
INVENTORY = '''\
def get_inventory(world) -> dict:
    """Count the pets by status."""
    rows = world.execute(
        "SELECT status, count(*) FROM pets WHERE status IS NOT NULL GROUP BY status ORDER BY status"
    ).fetchall()
    return {status: count for status, count in rows}
'''
LOGIN = '''\
def login_user(world, *, username: str, password: str) -> dict:
    """Log a user in."""
    row = world.execute(
        "SELECT username FROM users WHERE username = ? AND password = ?", [username, password]
    ).fetchone()
    if row is None:
        raise ValueError("wrong user name or password")
    return {"result": f"logged in as {row[0]}"}
'''
MANY = '''\
def create_users_with_array_input(world, *, body: list) -> dict:
    """Create users."""
    for one in body:
        world.execute(
            "INSERT INTO users (username, email) VALUES (?, ?)",
            [one.get("username"), one.get("email")],
        )
    return {}
'''


def said(operation: str, code: str, part: str = "code", **others: object) -> JsonObject:
    reply = {"possible": bool(code), "reason": "" if code else "there are no sessions"}
    text = json.dumps({**reply, "code": code})
    made = {"stage": "operations", "item": f"{NAME}/{operation}", "part": part, "text": text}
    return {**made, **json.loads(json.dumps(others))}


def made(folder: Path, lines: list[JsonObject], gates: tuple[str, ...] = ()) -> ApiSynthesis:
    path = folder / "replies.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    options = ApiOptions(tasks=6, rows=OPTIONS.rows, seed=OPTIONS.seed, gates=gates)
    model = ModelOptions(transcripts=(path,), ledger=folder / "ledger.jsonl")
    return synthesize_api(PETSTORE, folder / "bundle", options, model=model)


def reasons_of(came: ApiSynthesis) -> dict[str, str]:
    """Why operations are not covered, by name."""
    uncovered = came.coverage["uncovered"]
    assert isinstance(uncovered, list)
    listed = [one for one in uncovered if isinstance(one, dict)]
    return {str(one["name"]): str(one["reason"]) for one in listed}


def none_but(*lines: JsonObject) -> list[JsonObject]:
    """The model cannot write what is not given."""
    given = {str(line["item"]).partition("/")[2] for line in lines}
    names = ["get_inventory", "login_user", "logout_user", "create_users_with_array_input"]
    names.append("create_users_with_list_input")
    return [*lines, *(said(name, "") for name in names if name not in given)]


@requirement("api:model")
def test_a_model_writes_what_no_rule_covers_and_all_gates_run(tmp_path: Path) -> None:
    broken = LOGIN.replace("fetchone()", "fetchone().missing")
    lines = none_but(
        said("get_inventory", INVENTORY),
        said("login_user", broken),
        said("login_user", LOGIN, "code~2"),
    )
    came = made(tmp_path, lines)
    tools = {tool.name for tool in came.bundle.environment.tools}
    assert {"get_inventory", "login_user"} <= tools
    assert came.coverage["covered"] == 16
    reasons = reasons_of(came)
    assert reasons["logout_user"] == "the model says: there are no sessions"
    assert reasons["upload_file"] == "it takes a file"
    ast.parse(came.bundle.tools_py)
    provenance = came.bundle.environment.provenance["authored"]
    assert isinstance(provenance, dict)
    assert set(provenance) == {"get_inventory", "login_user"}
    gates = came.report["gates"]
    assert isinstance(gates, list)
    assert len(gates) == 12


BAD: dict[str, tuple[str, str, str]] = {
    "code that imports os": ("get_inventory", "import os\n" + INVENTORY, "no usable code came"),
    "another function": ("get_inventory", LOGIN, "one function get_inventory"),
    "other arguments": ("login_user", LOGIN.replace("password: str", "secret: str"), "password"),
    "code that breaks": (
        "get_inventory",
        INVENTORY.replace("count(*)", "count(stock)"),
        "its code does not work: it breaks (raised)",
    ),
    "a reply of another form": (
        "get_inventory",
        INVENTORY.replace("count for", "str(count) for"),
        "breaks the reply schema",
    ),
    "a reading operation that writes": (
        "get_inventory",
        INVENTORY.replace("    rows =", '    world.execute("DELETE FROM orders")\n    rows ='),
        "it changes rows",
    ),
    "code that refuses everything": (
        "login_user",
        LOGIN.replace("row is None", "row is None or True"),
        "none of",
    ),
}


@requirement("api:model")
@pytest.mark.parametrize("name", BAD)
def test_bad_code_becomes_no_tool_and_costs_nothing_else(name: str, tmp_path: Path) -> None:
    operation, code, expected = BAD[name]
    lines = none_but(
        *(said(operation, code, f"code{part}", repeats=True) for part in ("", "~2", "~3"))
    )
    came = made(tmp_path, lines, gates=("static",))
    reasons = reasons_of(came)
    assert expected in reasons[operation]
    assert came.coverage["covered"] == 14
    assert operation not in {tool.name for tool in came.bundle.environment.tools}


@requirement("api:model")
def test_a_tool_that_a_gate_rejects_goes_and_the_others_stay(tmp_path: Path) -> None:
    # It is a writing operation whose only effect is on users: what is unsound shows by the gates.
    injectable = LOGIN.replace(
        '"SELECT username FROM users WHERE username = ? AND password = ?", [username, password]',
        "f\"SELECT username FROM users WHERE username = '{username}' AND password = '{password}'\"",
    )
    lines = none_but(said("get_inventory", INVENTORY), said("login_user", injectable))
    came = made(tmp_path, lines, gates=("schema", "static", "exploit_probes"))
    assert "get_inventory" in {tool.name for tool in came.bundle.environment.tools}
    reasons = reasons_of(came)
    assert reasons["login_user"].startswith(("exploit_probes: ", "static: ", "its code"))


def test_prompts_are_there_in_both_languages() -> None:
    PROMPTS.require_pairs()
