"""The tool code of a scaffolded environment, for each kind of world; a user's to change."""

JSON_TOOLS = '''\
"""Tools of a bicycle workshop.

A tool is a top-level function. Its first parameter is the world, here a dict; all others are
keyword-only and stand in the tool's input schema in environment.json, with the same names. It
returns a JSON object that satisfies the output schema. `raise LookupError(...)`, `ValueError(...)`
or `PermissionError(...)` tells the agent why not; any other exception counts as a defect.
"""


def _entry(world, section, key):
    found = world[section].get(key)
    if found is None:
        raise LookupError(f"there is no entry {key!r} among the {section}")
    return found


def get_job(world, *, job_id):
    """Return one job."""
    return {"job_id": job_id, **_entry(world, "jobs", job_id)}


def get_bike(world, *, tag):
    """Return one bicycle."""
    return {"tag": tag, **_entry(world, "bikes", tag)}


def get_owner(world, *, owner_id):
    """Return one owner."""
    return {"owner_id": owner_id, **_entry(world, "owners", owner_id)}


def move_job(world, *, job_id, due):
    """Move a job to another day."""
    job = _entry(world, "jobs", job_id)
    if len(due) != 10 or due[4] != "-" or due[7] != "-":
        raise ValueError(f"expected a day like 2025-05-06, got {due!r}")
    before = job["due"]
    job["due"] = due
    return {"job_id": job_id, "before": before, "due": due}
'''

SQLITE_TOOLS = '''\
"""Tools of a bicycle workshop.

A tool is a top-level function. Its first parameter is the world, here a `sqlite3.Connection`; all
others are keyword-only and stand in the tool's input schema in environment.json, with the same
names. It returns a JSON object that satisfies the output schema. `raise LookupError(...)`,
`ValueError(...)` or `PermissionError(...)` tells the agent why not; any other exception counts as a
defect. Each query has an ORDER BY, so that equal calls get equal replies.
"""


def _row(world, what, sql, key):
    cursor = world.execute(sql, (key,))
    row = cursor.fetchone()
    if row is None:
        raise LookupError(f"there is no {what} {key!r}")
    return {column[0]: value for column, value in zip(cursor.description, row)}


def get_job(world, *, job_id):
    """Return one job."""
    return _row(world, "job", "SELECT * FROM jobs WHERE job_id = ? ORDER BY job_id", job_id)


def get_bike(world, *, tag):
    """Return one bicycle."""
    return _row(world, "bike", "SELECT * FROM bikes WHERE tag = ? ORDER BY tag", tag)


def get_owner(world, *, owner_id):
    """Return one owner."""
    sql = "SELECT * FROM owners WHERE owner_id = ? ORDER BY owner_id"
    return _row(world, "owner", sql, owner_id)


def move_job(world, *, job_id, due):
    """Move a job to another day."""
    if len(due) != 10 or due[4] != "-" or due[7] != "-":
        raise ValueError(f"expected a day like 2025-05-06, got {due!r}")
    before = get_job(world, job_id=job_id)["due"]
    world.execute("UPDATE jobs SET due = ? WHERE job_id = ?", (due, job_id))
    return {"job_id": job_id, "before": before, "due": due}
'''

README = """\
# {title}

A hand-written environment to start from: a world, four tools, {tasks} tasks.

| file | what to change |
|---|---|
| `tools.py` | the tools; each is a function |
| `environment.json` | name, description, licence, and for each tool its words and JSON Schemas |
| `{world}` | the data |
| `tasks.jsonl` | a task on each line, **with gold**: never give it to an agent |

After each change:

    arena seal {name}        # says what does not fit, and writes the digests
    arena check {name}       # the release gates
    arena inspect {name} --tasks --gold

A task asks something (`turns`), says which calls answer it (`sub_questions`, whose arguments may
be answers of earlier ones, `{{"$from": "bike", "path": ""}}`) and, where a tool writes, what the
world must have become (`final_state`). Then serve it and let an agent play:

    arena serve {name}
    arena rollout {name} --agent oracle --out rollouts.jsonl
"""
