"""Attacks by new processes, threads and programs, and on other processes."""

CODE = r"""
def fork(db):
    return {"got": child_of(os.fork)}

def fork_natively(db):
    return {"got": child_of(libc.fork)}

def fork_bomb(db):
    return {"got": [pid for pid in (child_of(os.fork) for _ in range(200)) if pid]}

def fork_with_a_terminal(db):
    return {"got": child_of(lambda: os.forkpty()[0])}

def fork_as_a_branch(db):
    return {"got": [pid for pid in (branched() for _ in range(50)) if pid]}

def branched():
    # The one kind of fork that a server may approve.
    libc.syscall.restype = ctypes.c_long
    held = (ctypes.c_long(n) for n in (CALLS["clone"][MACHINE != "x86_64"], 0x8011, 0, 0, 0, 0))
    pid = libc.syscall(*held)
    if pid == 0:
        os._exit(0)
    return pid > 0 and pid

def clone3(db):
    return {"got": raw("clone3", 0, 0)}

def start_a_thread(db):
    return {"got": tried(threading.Thread(target=time.time).start)}

def start_a_timer(db):
    return {"got": tried(threading.Timer(0.0, os._exit, [7]).start)}

def thread_bomb(db):
    import _thread
    return {"got": [i for i in range(200) if tried(_thread.start_new_thread, time.time, ())]}

def thread_natively(db):
    held = ctypes.c_ulong()
    code = libc.pthread_create(ctypes.byref(held), None, libc.getpid, None)
    return {"got": code not in (1, 11)}

def execute_a_shell(db):
    return {"got": tried(os.execv, "/bin/sh", ["sh", "-c", "true"])}

def execute_by_descriptor(db):
    return {"got": raw("execveat", 0, b"", None, None, 0x1000)}

def spawn(db):
    return {"got": tried(os.posix_spawn, "/bin/true", ["true"], {})}

def system(db):
    return {"got": os.system("true") == 0}

def new_namespaces(db):
    return {"got": [n for n in (0x10000000, 0x20000, 0x40000000) if native("unshare", n)]}

def enter_a_namespace(db):
    return {"got": native("setns", 0, 0)}

def signal_everyone(db):
    return {"got": tried(os.kill, -1, 0)}

def signal_the_group(db):
    return {"got": tried(os.killpg, 0, 0) or tried(os.kill, 0, 0)}

def signal_the_servers(db):
    own = os.getpid()
    return {"got": [p for p in range(1, own + 40) if p != own and tried(os.kill, p, 0)]}

def signal_a_thread_of_another(db):
    return {"got": [p for p in range(1, 300) if p != os.getpid() and raw("tgkill", p, p, 0)]}

def queue_a_signal(db):
    info = ctypes.create_string_buffer(128)
    return {"got": raw("rt_sigqueueinfo", os.getpid() - 1, 0, info)}

def signal_by_handle(db):
    return {"got": tried(os.pidfd_open, os.getpid() - 1) or tried(os.pidfd_open, 1)}

def ask_who_the_parent_is(db):
    return {"got": os.getppid() != -1 and os.getppid()}

def trace_the_server(db):
    return {"got": [p for p in range(1, os.getpid()) if native("ptrace", 0x4206, p, 0, 0)]}

def be_traced(db):
    return {"got": native("ptrace", 0, 0, 0, 0)}

def read_anothers_memory(db):
    held = ctypes.create_string_buffer(16)
    part = struct.pack("PN", ctypes.addressof(held), 16)
    near = range(os.getpid() - 5, os.getpid() + 5)
    return {"got": [p for p in near if native("process_vm_readv", p, part, 1, part, 1, 0)]}

def write_anothers_memory(db):
    part = struct.pack("PN", 4096, 0)
    return {"got": native("process_vm_writev", os.getpid() - 1, part, 1, part, 1, 0)}

def take_anothers_descriptor(db):
    return {"got": raw("pidfd_getfd", 0, 0, 0)}

def starve_others(db):
    return {"got": tried(os.nice, -10) or tried(os.setpriority, 0, 0, -10)}

def run_in_real_time(db):
    return {"got": tried(os.sched_setscheduler, 0, os.SCHED_FIFO, os.sched_param(10))}

def choose_processors(db):
    return {"got": tried(os.sched_setaffinity, 0, {0})}

def run_between_calls_by_a_timer(db):
    signal.signal(signal.SIGALRM, lambda *_: os._exit(3))
    return {"got": tried(signal.setitimer, signal.ITIMER_REAL, 0.01)}

def run_between_calls_by_an_alarm(db):
    return {"got": native("alarm", 100) or native("timer_create", 0, None, b" " * 16)}

def run_between_calls_by_the_channel(db):
    return {"got": native("fcntl", 3, 8, os.getpid()) or native("fcntl", 3, 4, 0x2000)}

def become_a_daemon(db):
    return {"got": tried(os.setsid) or native("prctl", 1, 0, 0, 0, 0)}

def wait_for_others(db):
    return {"got": tried(os.wait) or native("waitid", 0, 0, None, 4, None)}
"""

BITES = (
    "fork",
    "fork_natively",
    "fork_as_a_branch",
    "start_a_thread",
    "spawn",
    "system",
    "signal_the_servers",
    "signal_by_handle",
    "ask_who_the_parent_is",
    "run_between_calls_by_the_channel",
)
"""Those that succeed where nothing confines them, whoever runs them."""

ENDINGS: dict[str, str] = {}
"""Endings other than `held`."""
