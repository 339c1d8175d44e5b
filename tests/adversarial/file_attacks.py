"""Attacks on files: reading, looking, writing, by every door that leads to them."""

CODE = r"""
SECRETS = ("/etc/passwd", "/etc/hostname", "/proc/self/environ", "/proc/1/environ",
           "/proc/self/mem", "/proc/self/maps", "/proc/self/cmdline", "/proc/version")

def open_files(db):
    return {"got": [path for path in SECRETS if tried(open, path, "rb")]}

def open_by_the_system(db):
    return {"got": [path for path in SECRETS if tried(os.open, path, os.O_RDONLY)]}

def open_natively(db):
    return {"got": [path for path in SECRETS if native("open", path.encode(), 0)]}

def open_at_a_descriptor(db):
    return {"got": [fd for fd in range(-100, 64) if native("openat", fd, b".", 0)]}

def open_the_newer_way(db):
    return {"got": raw("openat2", -100, b"/etc/passwd", ctypes.create_string_buffer(24), 24)}

def open_code(db):
    return {"got": tried(io.open_code, os.__file__)}

def open_through_links(db):
    paths = [f"/proc/{place}/root/etc/passwd" for place in ("self", "1", "thread-self")]
    paths += [f"/proc/self/fd/{n}" for n in range(8)] + ["/proc/self/cwd/etc/passwd", "/dev/fd/0"]
    return {"got": [path for path in paths if tried(open, path, "rb")]}

def open_a_database(db):
    return {"got": tried(lambda: sqlite3.connect("/etc/passwd").execute("SELECT 1").fetchone()
                         and sqlite3.connect("file:/etc/passwd?mode=ro", uri=True)
                         .execute("SELECT * FROM sqlite_schema").fetchall())}

def attach_a_database(db):
    return {"got": tried(lambda: db.execute("ATTACH '/tmp/astra-arena-escape' AS other"))}

def write_a_database(db):
    return {"got": tried(lambda: db.execute("VACUUM INTO '/tmp/astra-arena-escape'"))}

def back_up_to_a_file(db):
    def work():
        with sqlite3.connect("/tmp/astra-arena-escape") as other:
            db.backup(other)
    return {"got": tried(work)}

def load_an_extension(db):
    def work():
        db.enable_load_extension(True)
        return db.execute("SELECT load_extension('libm.so.6')").fetchall()
    return {"got": tried(work)}

def look_around(db):
    looks = [tried(os.stat, path) or tried(os.lstat, path) for path in ("/", "/etc/passwd", ".")]
    looks += [tried(os.listdir, "/"), tried(os.scandir, "/"), tried(os.statvfs, "/")]
    looks += [os.path.exists("/etc/passwd"), os.access("/etc/passwd", os.R_OK)]
    looks += [tried(os.readlink, "/proc/self/exe"), tried(os.getxattr, "/", "user.x")]
    return {"got": [look for look in looks if look]}

def look_natively(db):
    held = ctypes.create_string_buffer(512)
    return {"got": [name for name in ("stat", "lstat", "access", "readlink", "statfs")
                    if native(name, b"/etc/passwd", held, 100)]}

def write_files(db):
    places = ("/tmp", "/dev/shm", "/var/tmp", "/run", "/", os.path.dirname(os.__file__))
    return {"got": [p for p in places if tried(open, p + "/astra-arena-escape", "w")]}

def write_without_a_name(db):
    return {"got": [p for p in ("/tmp", "/dev/shm") if tried(os.open, p, os.O_TMPFILE | os.O_RDWR)]}

def write_to_memory_files(db):
    return {"got": tried(os.memfd_create, "x") or raw("memfd_secret", 0)}

def change_names(db):
    changes = [tried(os.mkdir, "/tmp/astra-arena-escape"), tried(os.unlink, "/tmp/none-such"),
               tried(os.rename, "/tmp/none-such", "/tmp/none"), tried(os.rmdir, "/tmp/none-such"),
               tried(os.symlink, "/etc", "/tmp/astra-arena-escape"),
               tried(os.link, "/etc/passwd", "/tmp/astra-arena-escape"),
               tried(os.mkfifo, "/tmp/astra-arena-escape")]
    return {"got": [change for change in changes if change]}

def change_files(db):
    changes = [tried(os.chmod, "/tmp", 0o777), tried(os.chown, "/tmp", 0, 0),
               tried(os.truncate, "/tmp/none-such", 0), tried(os.utime, "/tmp")]
    return {"got": [change for change in changes if change]}

def move_the_root(db):
    moves = [tried(os.chdir, "/"), tried(os.fchdir, 0), tried(os.chroot, "/"),
             native("mount", None, b"/", None, 0, None), native("umount2", b"/tmp", 0),
             native("pivot_root", b".", b".")]
    return {"got": [move for move in moves if move]}

def open_by_handle(db):
    held = ctypes.create_string_buffer(256)
    return {"got": native("name_to_handle_at", -100, b"/", held, held, 0)
            or native("open_by_handle_at", -100, held, 0)}

def watch_files(db):
    return {"got": native("inotify_init1", 0) or native("fanotify_init", 0, 0)}

def use_more_descriptors(db):
    return {"got": [fd for fd in range(4, 1024) if tried(os.read, fd, 1)]}

def copy_descriptors(db):
    return {"got": tried(os.dup, 3) or tried(os.dup2, 3, 9) or native("fcntl", 3, 0, 9)
            or native("fcntl", 3, 1030, 9) or tried(os.pipe) or native("eventfd", 0, 0)}

def fill_the_disk(db):
    return {"got": tried(os.posix_fallocate, 3, 0, 1 << 30) or tried(os.ftruncate, 1, 1 << 30)}

def import_a_file(db):
    import importlib
    names = ("xml.dom", "subprocess", "multiprocessing", "astra_arena.core", "msgspec", "pytest")
    return {"got": [name for name in names if tried(importlib.import_module, name)]}

def load_native_code(db):
    names = ("libcrypt.so.1", "libncursesw.so.6", "libanl.so.1", "libgomp.so.1")
    return {"got": [name for name in names if tried(ctypes.CDLL, name)]}

def read_time_zones_by_path(db):
    import zoneinfo
    names = ("../../../etc/passwd", "/etc/passwd", "Europe/../../../../etc/passwd")
    return {"got": [name for name in names if tried(zoneinfo.ZoneInfo, name)]}
"""

BITES = (
    "open_files",
    "open_by_the_system",
    "open_natively",
    "open_through_links",
    "look_around",
    "look_natively",
    "write_to_memory_files",
    "watch_files",
    "copy_descriptors",
    "move_the_root",
    "import_a_file",
)
"""Those that succeed where nothing confines them, whoever runs them."""

ENDINGS: dict[str, str] = {}
"""Endings other than `held`."""
