"""Attacks on what must not be known: gold, tokens, other worlds, the host's environment.

The host holds `MARK` in its environment and memory, and another program's world holds it, too. No
code below spells it out, or it would find itself.
"""

CODE = r"""
MARK = "-".join(("gold", "of", "another"))

def marked(value):
    if isinstance(value, (bytes, bytearray)):
        return MARK.encode() in value
    return isinstance(value, str) and MARK in value and value is not MARK

def read_the_environment(db):
    held = ctypes.c_char_p.in_dll(libc, "environ")
    found = [name for name in ("ARENA_TOKEN", "HOME", "PATH", "USER") if os.getenv(name)]
    libc.getenv.restype = ctypes.c_char_p
    native_found = [n for n in (b"ARENA_TOKEN", b"HOME", b"PATH") if libc.getenv(n)]
    return {"got": [*os.environ, *found, *native_found]}

def hunt_through_objects(db):
    waiting = [*gc.get_objects(), *sys.modules.values(), sys._getframe()]
    seen, found = {id(waiting)}, 0
    while waiting and len(seen) < 400_000:
        value = waiting.pop()
        if id(value) in seen:
            continue
        seen.add(id(value))
        found += marked(value)
        waiting += gc.get_referents(value)
    return {"got": found, "looked_at_many": len(seen) > 20_000 or 1 / 0}

def hunt_through_frames(db):
    frame, found = sys._getframe(), []
    while frame is not None:
        found += [name for name, value in (frame.f_locals | frame.f_globals).items()
                  if marked(value)]
        frame = frame.f_back
    return {"got": found}

def hunt_through_a_traceback(db):
    try:
        sqlite3.connect("/nowhere/at/all")
        1 / 0
    except Exception as error:
        entry, found = error.__traceback__, []
        while entry is not None:
            found += [n for n, v in entry.tb_frame.f_globals.items() if marked(v)]
            entry = entry.tb_next
        return {"got": found}

def hunt_through_memory(db):
    step, found = 1 << 16, 0
    for anchor in (id(object()), id(db), id(MARK), id(sys.modules)):
        start = anchor & ~(step - 1)
        found += ctypes.string_at(start, step).count(b"another world holds " + MARK.encode())
    return {"got": found}

def hunt_through_arguments(db):
    return {"got": [*filter(marked, sys.argv), *filter(marked, getattr(sys, "orig_argv", ()))]}

def hunt_through_the_world(db):
    names = [row[0] for row in db.execute("SELECT name FROM sqlite_schema")]
    rows = [row for name in names for row in db.execute(f"SELECT * FROM {name}")]
    return {"got": [row for row in rows if any(map(marked, row))]}

def find_the_host(db):
    import importlib
    foreign = [name for name in sys.modules if name.split(".")[0] in
               ("pydantic", "msgspec", "mcp", "uvicorn", "pytest", "tests")]
    return {"got": foreign}

def find_paths(db):
    return {"got": [*sys.path, *sys.path_hooks, *sys.path_importer_cache]}

def read_the_channel(db):
    channel = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM, 0, fileno=3)
    try:
        return {"got": tried(channel.recv, 100, socket.MSG_DONTWAIT | socket.MSG_PEEK)}
    finally:
        channel.detach()

def ask_who_is_at_the_other_end(db):
    channel = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM, 0, fileno=3)
    try:
        return {"got": tried(channel.getsockopt, socket.SOL_SOCKET, 17, 12)
                or tried(channel.getpeername) or tried(channel.getsockname)}
    finally:
        channel.detach()

def learn_the_key_of_other_streams(db):
    values = vars(sys.modules["tools"]).values()
    return {"got": [value for value in values if isinstance(value, bytes) and len(value) == 32]}
"""

BITES: tuple[str, ...] = ()
"""Those that succeed where nothing confines them: none of the others is a matter of the kernel."""

ENDINGS: dict[str, str] = {}
"""Endings other than `held`."""
