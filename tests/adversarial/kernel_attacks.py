"""Attacks on the kernel's other doors: sockets, shared memory, privileges, executable memory."""

CODE = r"""
RISKY = ("io_uring_setup", "bpf", "userfaultfd", "keyctl", "add_key", "request_key", "unshare",
         "setns", "mount", "umount2", "pivot_root", "memfd_create", "perf_event_open", "ptrace",
         "process_vm_readv", "kcmp", "init_module", "finit_module", "delete_module", "kexec_load",
         "reboot", "swapon", "acct", "quotactl", "personality", "seccomp",
         "landlock_create_ruleset",
         "move_pages", "migrate_pages", "mbind", "remap_file_pages", "vmsplice", "splice", "tee",
         "sendfile", "copy_file_range", "clock_settime", "settimeofday", "adjtimex", "sethostname",
         "syslog", "prctl", "ioctl", "pkey_mprotect", "execveat", "clone", "capset", "uname",
         "sysinfo", "getrandom", "membarrier", "rseq", "set_robust_list", "io_setup", "mincore",
         "mlockall", "msync", "sendmsg", "recvmsg", "sendmmsg", "recvmmsg", "select", "poll")

def call_what_is_risky(db):
    return {"got": [name for name in RISKY if raw(name, -1, -1, -1, -1, -1, -1)]}

def call_every_number(db):
    found = []
    # Two calls pass by every filter on newer kernels; called from here they end the process.
    passing = (335, 336) if MACHINE == "x86_64" else ()
    for number in range(1, 600):
        if number not in (*ALLOWED_NUMBERS, *passing) and refused(libc.syscall, number, *[-1] * 6):
            found.append(number)
    return {"got": found}

def call_what_passes_every_filter(db):
    for number in (335, 336) if MACHINE == "x86_64" else ():
        refused(libc.syscall, number, -1, -1, -1)
    return {"got": None}

def call_by_x32(db):
    numbers = [0x40000000 + number for number in (0, 2, 39, 57, 59, 101, 520)]
    return {"got": [n for n in numbers if refused(libc.syscall, ctypes.c_long(n), -1, -1, -1)]}

def open_sockets(db):
    families = [(f, k) for f in range(45) for k in (1, 2, 3, 5)]
    return {"got": [pair for pair in families if tried(socket.socket, *pair)]}

def pair_sockets(db):
    return {"got": tried(socket.socketpair)}

def talk_elsewhere_by_the_channel(db):
    address = struct.pack("=H", 1) + b"\0astra-arena"
    return {"got": native("connect", 3, address, len(address))
            or native("bind", 3, address, len(address)) or native("listen", 3, 1)
            or native("sendto", 3, b"x", 1, 0, address, len(address))}

def pass_a_descriptor(db):
    channel = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM, 0, fileno=3)
    sent = tried(socket.send_fds, channel, [b"x"], [0])
    taken = tried(socket.recv_fds, channel, 1, 1)
    channel.detach()
    return {"got": sent or taken}

def share_memory(db):
    return {"got": native("shmget", 0x5e55, 4096, 0o1666) or native("semget", 0x5e55, 1, 0o1666)
            or native("msgget", 0x5e55, 0o1666)
            or native("mq_open", b"/escape", 0o102, 0o666, None)}

def map_shared_memory(db):
    return {"got": mapped(3, 0x21) or mapped(3, 0x23)}

def map_executable_memory(db):
    return {"got": mapped(7, 0x22) or mapped(5, 0x22) or mapped(4, 0x22)}

def make_memory_executable(db):
    libc.mmap.restype = ctypes.c_void_p
    page = libc.mmap(None, ctypes.c_size_t(4096), 3, 0x22, -1, 0)
    return {"got": native("mprotect", ctypes.c_void_p(page), ctypes.c_size_t(4096), 5)}

def write_over_code(db):
    libc.getpid.restype = ctypes.c_int
    start = ctypes.cast(libc.getpid, ctypes.c_void_p).value & ~4095
    return {"got": native("mprotect", ctypes.c_void_p(start), ctypes.c_size_t(4096), 7)}

def raise_limits(db):
    names = [name for name in dir(resource) if name.startswith("RLIMIT_")]
    def raised(name):
        number = getattr(resource, name)
        return tried(resource.setrlimit, number, (resource.RLIM_INFINITY,) * 2)
    return {"got": [name for name in names if raised(name)]}

def lower_limits(db):
    return {"got": tried(resource.setrlimit, resource.RLIMIT_NOFILE, (4, 4))}

def become_root(db):
    calls = [tried(os.setuid, 0), tried(os.setresuid, 0, 0, 0), tried(os.setgid, 0),
             tried(os.setgroups, [0]), tried(os.setreuid, -1, 0)]
    return {"got": [call for call in calls if call]}

def take_capabilities(db):
    header, data = struct.pack("=Ii", 0x20080522, 0), b"\xff" * 24
    return {"got": native("capset", header, data) or native("prctl", 47, 2, 1, 0, 0)}

def become_traceable(db):
    return {"got": native("prctl", 4, 1, 0, 0, 0) or native("prctl", 0x59616D61, -1, 0, 0, 0)}

def take_off_the_filter(db):
    return {"got": native("prctl", 22, 0, 0, 0, 0) or native("prctl", 38, 0, 0, 0, 0)
            or raw("seccomp", 0, 0, 0)}

def fix_addresses(db):
    return {"got": native("personality", 0x0040000)}

def read_the_log(db):
    return {"got": native("klogctl", 3, ctypes.create_string_buffer(100), 100)}

def learn_of_the_host(db):
    return {"got": tried(os.uname) or tried(socket.gethostname) or tried(os.sched_getaffinity, 0)}
"""

BITES = (
    "open_sockets",
    "pair_sockets",
    "map_shared_memory",
    "map_executable_memory",
    "make_memory_executable",
    "become_traceable",
    "learn_of_the_host",
    "lower_limits",
)
"""Those that succeed where nothing confines them, whoever runs them."""

ENDINGS = {"call_what_passes_every_filter": "either"}
"""Endings other than `held`."""
