"""The tool code that the conformance checks run inside a sandbox."""

TOOLS = """
import datetime, random, secrets, time, uuid
os = __import__("os")

def echo(db, *, value): return {"value": value}

def add_row(db, *, name):
    db.execute("INSERT INTO thing(name) VALUES (?)", (name,))
    return {}

def count(db): return {"count": db.execute("SELECT count(*) FROM thing").fetchone()[0]}

def add_and_refuse(db):
    add_row(db, name="x")
    raise LookupError("changed my mind")

def add_and_break(db):
    add_row(db, name="x")
    return {}["missing"]

def add_and_return_a_list(db):
    add_row(db, name="x")
    return []

def chance(db, *, salt):
    return {
        "random": [random.random(), random.Random().random(), random.SystemRandom().random()],
        "bytes": [os.urandom(4).hex(), secrets.token_hex(4)],
        "uuid": [str(uuid.uuid1()), str(uuid.uuid4())],
        "sql": db.execute("SELECT random(), hex(randomblob(4))").fetchone(),
        "clock": [time.time(), time.time_ns(), time.monotonic(), time.perf_counter(), time.ctime()],
        "order": list({"a", "b", "c", "d", "e"}),
        "hash": hash("text"),
    }

def moments(db):
    form = "%Y-%m-%d %H:%M:%S"
    moments = {
        "now": datetime.datetime.now(),
        "today": datetime.datetime.today(),
        "aware": datetime.datetime.now(datetime.UTC),
        "utcnow": datetime.datetime.utcnow(),
        "stamp": datetime.datetime.fromtimestamp(time.time()),
    }
    sql = {
        "current": "CURRENT_TIMESTAMP",
        "parts": "CURRENT_DATE || ' ' || CURRENT_TIME",
        "functions": "date('now') || ' ' || time('now')",
        "implied": "datetime()",
        "upper": "datetime('NOW')",
        "julian": "datetime(julianday('now'))",
        "unix": "datetime(unixepoch('now'), 'unixepoch')",
        "form": f"strftime('{form}')",
        "form_now": f"strftime('{form}', 'now')",
    }
    return {
        **{name: moment.strftime(form) for name, moment in moments.items()},
        **{name: db.execute(f"SELECT {text}").fetchone()[0] for name, text in sql.items()},
        "date": f"{datetime.date.today()} 05:06:07",
        "strftime": time.strftime(form),
        "gmtime": time.strftime(form, time.gmtime()),
        "localtime": time.strftime(form, time.localtime()),
    }

def hang(db):
    while True:
        pass

def key_error(db): return {"x": {}["missing"]}
def value_error_of_the_library(db): return {"x": int("x")}
def leave(db): raise SystemExit(0)
def recurse(db): return recurse(db)
def bad_sql(db): return {"rows": db.execute("SELECT * FROM nothing").fetchall()}

def return_nan(db): return {"x": float("nan")}
def return_a_set(db): return {"x": {1}}
def return_integer_keys(db): return {"x": [{1: 2}]}
def return_none(db): return None
def return_much(db): return {"x": "y" * 1_000_000}

def return_deep(db):
    value = []
    for _ in range(100_000):
        value = [value]
    return {"x": value}

def count_up(db, *, rows):
    numbers = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)"
    return {"last": db.execute(f"{numbers} SELECT max(i) FROM n", (rows,)).fetchone()[0]}

def endless_sql(db):
    try:
        return count_up(db, rows=10**12)
    except Exception:
        return {"hidden": True}

def vanish(db): os._exit(0)

class Refusal(ValueError): pass

def refuse(db, *, kind):
    text = f"refused: {kind}"
    if kind == "LookupError": raise LookupError(text)
    if kind == "ValueError": raise ValueError(text)
    if kind == "PermissionError": raise PermissionError(text)
    if kind == "nested": return sorted([1], key=lambda _: refuse_inside(text))
    if kind == "chained":
        try:
            return {}[kind]
        except KeyError as error:
            with db.execute("SELECT 1").connection and __import__("contextlib").nullcontext():
                raise LookupError(text) from error
        finally:
            db.execute("SELECT 1")
    if kind == "KeyError": raise KeyError(text)
    if kind == "subclass": raise Refusal(text)
    if kind == "library": return datetime.date.fromisoformat(text)
    if kind == "errno": raise PermissionError(1, text)
    if kind == "reraised":
        try:
            return int(text)
        except ValueError:
            raise
    raise OSError(text)

def refuse_inside(text): raise ValueError(text)

def open_world(initial): return dict(initial)
def dump_world(world): return world

def put(world, *, value):
    world.setdefault("value", []).append(value)
    return {}

def put_and_refuse(world, *, value):
    put(world, value=value)
    raise ValueError("changed my mind")

def put_an_object(world):
    world["object"] = object()
    return {}

def show(world): return world
"""

BIG_WORLD_TOOLS = """
def scan(db):
    rows, total = db.execute("SELECT count(name), sum(id) FROM item").fetchone()
    return {"rows": rows, "total": total}

def sort(db):
    row = db.execute("SELECT id FROM item ORDER BY length(name) DESC, name DESC, id").fetchall()[0]
    return {"first": db.execute("SELECT max(id) FROM item").fetchone()[0] if row else None}

def group(db):
    sql = "SELECT rank, count(DISTINCT name) FROM item GROUP BY rank"
    return {"groups": len(db.execute(sql).fetchall())}

def insert(db):
    db.execute("INSERT INTO item VALUES (NULL, 'new', 'new', 1)")
    return {"rows": db.execute("SELECT count(*) FROM item").fetchone()[0]}

def replace(db):
    db.execute("INSERT OR REPLACE INTO item VALUES (7, 'code 00000007', 'replaced', 1)")
    name = db.execute("SELECT name FROM item WHERE id = 7").fetchone()[0]
    rows = db.execute("SELECT count(*) FROM item").fetchone()[0]
    logged = db.execute("SELECT count(*) FROM removed").fetchone()[0]
    return {"name": name, "rows": rows, "logged": logged}

def update_all(db):
    sql = "UPDATE item SET name = name || '!', code = code || '!', rank = rank + 1"
    return {"changed": db.execute(sql).rowcount}

def checksum(db):
    return {"sum": db.execute("SELECT sum(length(name) * rank) FROM item").fetchone()[0]}
"""
