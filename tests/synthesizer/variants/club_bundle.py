"""A tennis club as a bundle: small enough to know by heart, with two ways to some answers."""

import json
from pathlib import Path

from astra_arena.core.canonical import Json, JsonObject
from astra_arena.core.environment import Environment, Licence, ToolSpec, World
from astra_arena.core.tasks import Answer, Budget, Expectation, SubQuestion, Task, Turn
from astra_arena.servers.bundles.bundle import Bundle, write_bundle

NAME = "club"

_WORLD: JsonObject = {
    "members": [
        {
            "id": f"M-{n:03d}",
            "name": f"Person {n:02d}",
            "coach": f"C-{n % 4:03d}",
            "phone": f"555-{n * 7919 % 100000:05d}",
        }
        for n in range(1, 25)
    ],
    "coaches": [
        {"id": f"C-{n:03d}", "name": f"Coach {n}", "email": f"coach.{n * 37}@club.example"}
        for n in range(4)
    ],
    "courts": [
        {"id": n, "surface": ("clay", "grass")[n % 2], "opened": 1950 + 7 * n} for n in range(6)
    ],
}

_TOOLS = '''\
"""Tools over a tennis club."""


def get_member(world, *, member_id: str) -> dict:
    """Return a member."""
    for member in world["members"]:
        if member["id"] == member_id:
            return member
    raise LookupError(f"there is no member {member_id!r}")


def search_members(world, *, name: str, limit: int = 5) -> dict:
    """Search members by name."""
    rows = [member for member in world["members"] if name in member["name"]]
    return {"rows": rows[:limit], "truncated": len(rows) > limit}


def get_coach(world, *, coach_id: str) -> dict:
    """Return a coach."""
    for coach in world["coaches"]:
        if coach["id"] == coach_id:
            return coach
    raise LookupError(f"there is no coach {coach_id!r}")


def coach_card(world, *, coach: str) -> dict:
    """Return what is printed on a coach's card."""
    for one in world["coaches"]:
        if one["id"] == coach:
            return {"card": f"{one['name']}", "contact": one["email"]}
    raise LookupError(f"there is no coach {coach!r}")


def list_courts(world, *, surface: str) -> dict:
    """List courts."""
    return {"rows": [court for court in world["courts"] if court["surface"] == surface]}


def count_courts(world) -> dict:
    """Count the courts."""
    return {"total": len(world["courts"])}


def rename_member(world, *, member_id: str, name: str) -> dict:
    """Give a member another name."""
    for member in world["members"]:
        if member["id"] == member_id:
            member["name"] = name
            return member
    raise LookupError(f"there is no member {member_id!r}")
'''


def _spec(name: str, required: dict[str, str], *, optional: JsonObject | None = None) -> ToolSpec:
    properties: JsonObject = {key: {"type": kind} for key, kind in required.items()}
    schema: JsonObject = {
        "type": "object",
        "properties": {**properties, **(optional or {})},
        "required": list[Json](required),
        "additionalProperties": False,
    }
    return ToolSpec(
        name=name,
        description=f"{name.replace('_', ' ')}.",
        input_schema=schema,
        output_schema={"type": "object"},
        read_only=name != "rename_member",
    )


def club_task() -> Task:
    """The e-mail address of a member's coach: two steps."""
    return Task(
        id="coach-email",
        environments=("sha256:unbound",),
        budget=Budget(calls=12),
        turns=(
            Turn(
                say="What is the e-mail address of the coach of member M-006?",
                expect=Expectation(kind="act"),
            ),
        ),
        sub_questions=(
            SubQuestion(
                id="q1",
                question="Who is the coach of member M-006?",
                environment=NAME,
                tool="get_member",
                arguments={"member_id": "M-006"},
                answer=Answer(path="/coach", kind="exact", value="C-002"),
            ),
            SubQuestion(
                id="q2",
                question="What is the e-mail address of coach C-002?",
                environment=NAME,
                tool="get_coach",
                arguments={"coach_id": {"$from": "q1", "path": ""}},
                depends_on=("q1",),
                answer=Answer(path="/email", kind="exact", value="coach.74@club.example"),
            ),
        ),
    )


def club_bundle(folder: Path, *, tasks: tuple[Task, ...] | None = None, name: str = NAME) -> Bundle:
    """Write the club into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    world = folder / "club.json"
    world.write_text(json.dumps(_WORLD), encoding="utf-8")
    environment = Environment(
        name=name,
        title="A tennis club",
        description="Members, coaches and courts.",
        domain="sport",
        format_version=1,
        tools=(
            _spec("get_member", {"member_id": "string"}),
            _spec(
                "search_members",
                {"name": "string"},
                optional={"limit": {"type": "integer", "default": 5, "maximum": 50}},
            ),
            _spec("get_coach", {"coach_id": "string"}),
            _spec("coach_card", {"coach": "string"}),
            _spec("list_courts", {"surface": "string"}),
            _spec("count_courts", {}),
            _spec("rename_member", {"member_id": "string", "name": "string"}),
        ),
        world=World(kind="json", file="world.json"),
        licence=Licence(name="CC0-1.0"),
        provenance={},
    )
    return write_bundle(
        folder / name,
        environment,
        tools_py=_TOOLS,
        world=world,
        tasks=(club_task(),) if tasks is None else tasks,
    )
