"""The tool code of the conformance checks of states: the same five tools for each kind of world."""

SQLITE_TOOLS = """
import random, uuid

def put(db, *, key, name):
    db.execute("INSERT OR REPLACE INTO thing VALUES (?, ?)", (key, name))
    return {"rows": db.execute("SELECT count(*) FROM thing").fetchone()[0]}

def remove(db, *, key):
    if not db.execute("DELETE FROM thing WHERE id = ?", (key,)).rowcount:
        raise LookupError("no such key")
    return {}

def look(db):
    rows = db.execute("SELECT id, name FROM thing ORDER BY id").fetchall()
    return {"rows": [list(row) for row in rows]}

def put_and_refuse(db, *, key):
    put(db, key=key, name="refused")
    raise ValueError("changed my mind")

def draw(db):
    name = f"{uuid.uuid4()} {random.random()}"
    db.execute("INSERT INTO thing(name) VALUES (?)", (name,))
    moment, number = db.execute("SELECT datetime('now'), random()").fetchone()
    return {"name": name, "moment": moment, "number": number}

def statement(db, *, sql):
    return {"rows": len(db.execute(sql).fetchall())}

def scratch(db):
    before = len(kept)
    kept.append(1)
    return {"before": before}

kept = []
"""

PLAIN_TOOLS = """
import datetime, random, uuid

def open_world(initial): return dict(initial)
def dump_world(world): return world

def put(world, *, key, name):
    world[str(key)] = name
    return {"rows": len(world)}

def remove(world, *, key):
    if str(key) not in world: raise LookupError("no such key")
    del world[str(key)]
    return {}

def look(world): return {"rows": [[key, world[key]] for key in sorted(world)]}

def put_and_refuse(world, *, key):
    put(world, key=key, name="refused")
    raise ValueError("changed my mind")

def draw(world):
    name = f"{uuid.uuid4()} {random.random()}"
    world[name] = len(world)
    return {"name": name, "moment": datetime.datetime.now().isoformat()}
"""
