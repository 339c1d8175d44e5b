"""Attacks by using things up: memory, time, descriptors, the interpreter's patience."""

CODE = r"""
def allocate_at_once(db): return {"n": len("x" * (6 << 30))}

def allocate_slowly(db):
    held = []
    while True:
        held.append(bytes(1 << 20))  # not written to: that takes CPU time, which has a limit too

def allocate_natively(db):
    held = 0
    while mapped(3, 0x22, size=16 << 20, keep=True):
        held += 1
    return {"got": held > 64 and held}

def allocate_in_the_database(db):
    db.execute("INSERT INTO thing VALUES (zeroblob(900000000))")
    return {}

def fill_the_database(db):
    numbers = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)"
    db.execute(f"INSERT INTO thing {numbers} SELECT randomblob(100000) FROM n")
    return {}

def loop(db):
    while True: pass

def loop_in_c(db):
    import itertools
    return {"x": all(itertools.repeat(True))}

def loop_and_catch(db):
    while True:
        try:
            while True: pass
        except BaseException:
            pass

def loop_and_ignore_signals(db):
    for number in range(1, 65):
        tried(signal.signal, number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))
    signal.setitimer(signal.ITIMER_PROF, 0)
    while True: pass

def loop_in_sql(db):
    return {"x": db.execute("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)"
                            " SELECT count(*) FROM n").fetchone()}

def loop_in_sql_and_catch(db):
    while True:
        try:
            loop_in_sql(db)
        except sqlite3.Error:
            pass

def take_off_the_step_budget(db):
    db.set_progress_handler(None, 0)
    return loop_in_sql(db)

def power(db): return {"x": 10 ** 10 ** 9}
def long_text(db): return {"x": len(str(7 ** 3_000_000))}

def backtrack(db):
    import re
    return {"x": bool(re.match("(a+)+$", "a" * 60 + "b"))}

def recurse(db):
    sys.setrecursionlimit(10 ** 9)
    def deeper(): return deeper()
    return deeper()

def recurse_in_c(db):
    sys.setrecursionlimit(10 ** 9)
    value = []
    for _ in range(1_000_000):
        value = [value]
    return {"x": repr(value)}

def compile_a_bomb(db):
    return {"x": eval("-" * 500_000 + "1")}

def collect_garbage_forever(db):
    gc.callbacks.append(lambda *_: loop(db))
    gc.collect()
    return {}

def trace_the_runner(db):
    sys.settrace(lambda *_: loop(db))
    sys.setprofile(lambda *_: loop(db))
    return {}

def sleep_natively(db):
    return {"got": native("usleep", 3_000_000) or raw("select", 0, 0, 0, 0, 0)}

def wait_for_a_lock(db):
    lock = threading.Lock()
    lock.acquire()
    lock.acquire()

def wait_for_a_signal(db):
    return {"got": native("pause")}

def stop(db): os.kill(os.getpid(), signal.SIGSTOP)
def end(db): os._exit(0)
def end_politely(db): sys.exit("bye")
def end_by_a_signal(db): os.kill(os.getpid(), signal.SIGKILL)
def end_by_a_fault(db): ctypes.string_at(0)
def end_by_a_wrong_program(db): eval((lambda: 0).__code__.replace(co_code=b"d\xff" * 8))
def end_by_abort(db): os.abort()

def end_at_the_next_call(db):
    class Trap:
        def __del__(self): os._exit(5)
    sys.modules["tools"].trap = Trap()
    return {"got": None}

def close_the_database(db):
    db.close()
    return {}

def commit(db):
    db.execute("INSERT INTO thing VALUES ('kept')")
    db.commit()
    return {}

def change_the_schema(db):
    db.execute("DROP TABLE thing")
    return {}

def change_the_rules(db):
    db.execute("PRAGMA writable_schema=ON")
    db.execute("PRAGMA max_page_count=1")
    return {}

def spoil_the_connection(db):
    db.set_authorizer(None)
    db.create_function("random", 0, lambda: os._exit(3))
    db.set_trace_callback(lambda *_: os._exit(3))
    return {}
"""

BITES: tuple[str, ...] = ()
"""They would use the machine up where nothing confines them."""

ENDINGS: dict[str, str] = {
    **dict.fromkeys(
        (
            "loop",
            "loop_in_c",
            "loop_and_catch",
            "loop_and_ignore_signals",
            "loop_in_sql_and_catch",
            "take_off_the_step_budget",
            "power",
            "backtrack",
            "collect_garbage_forever",
            "trace_the_runner",
            "wait_for_a_lock",
            "end",
            "end_by_a_fault",
            "end_by_abort",
        ),
        "dies",
    ),
    **dict.fromkeys(
        (
            "allocate_in_the_database",
            "fill_the_database",
            "long_text",
            "recurse",
            "recurse_in_c",
            "compile_a_bomb",
            "end_at_the_next_call",
            "end_by_a_wrong_program",
            "close_the_database",
            "spoil_the_connection",
            # Sessions that can branch may signal nobody, themselves included.
            "stop",
            "end_by_a_signal",
        ),
        "either",
    ),
}
"""Endings other than `held`."""
