"""The part of the standard library that tool code has: loaded before confinement, then closed.

After confinement no file can be opened and no native code loaded, so whatever a tool may need is
loaded here, time zones and text encodings included.
"""

import contextlib
import importlib
import importlib.abc
import io
import os
import sys
from collections.abc import Callable
from typing import Any, NoReturn, cast

ALLOWED = frozenset(
    {
        "__future__",
        "abc",
        "array",
        "base64",
        "binascii",
        "bisect",
        "calendar",
        "cmath",
        "codecs",
        "collections",
        "collections.abc",
        "colorsys",
        "contextlib",
        "copy",
        "csv",
        "dataclasses",
        "datetime",
        "decimal",
        "difflib",
        "enum",
        "fnmatch",
        "fractions",
        "functools",
        "graphlib",
        "hashlib",
        "heapq",
        "hmac",
        "html",
        "html.entities",
        "html.parser",
        "io",
        "ipaddress",
        "itertools",
        "json",
        "keyword",
        "math",
        "numbers",
        "operator",
        "pprint",
        "random",
        "re",
        "reprlib",
        "secrets",
        "shlex",
        "sqlite3",
        "statistics",
        "string",
        "stringprep",
        "struct",
        "textwrap",
        "time",
        "tomllib",
        "types",
        "typing",
        "unicodedata",
        "urllib.parse",
        "uuid",
        "warnings",
        "weakref",
        "zlib",
        "zoneinfo",
    }
)
"""What `import` statements of tool code may name."""

# Loaded late by the modules above, or by the interpreter itself.
_NEEDED_LATER = (
    "_strptime",
    "_pydecimal",
    "_sha3",
    "_blake2",
    "_md5",
    "_sha1",
    "_sha256",
    "_sha512",
    "json.tool",
    "linecache",
    "locale",
    "resource",
    "sre_compile",
    "threading",
    "traceback",
)
_ENCODINGS = (
    "ascii",
    "base64_codec",
    "charmap",
    "cp437",
    "cp850",
    "cp1250",
    "cp1251",
    "cp1252",
    "cp1253",
    "cp1254",
    "cp1257",
    "hex_codec",
    "idna",
    "iso8859_1",
    "iso8859_2",
    "iso8859_15",
    "koi8_r",
    "latin_1",
    "mac_roman",
    "punycode",
    "quopri_codec",
    "raw_unicode_escape",
    "rot_13",
    "unicode_escape",
    "utf_7",
    "utf_8",
    "utf_8_sig",
    "utf_16",
    "utf_16_be",
    "utf_16_le",
    "utf_32",
    "utf_32_be",
    "utf_32_le",
    "zlib_codec",
)
_ZONE_MAGIC = b"TZif"


class _Closed(importlib.abc.MetaPathFinder):
    """Answers imports of what is not loaded, instead of a search through files."""

    def find_spec(self, fullname: str, path: object = None, target: object = None) -> NoReturn:
        raise ModuleNotFoundError(
            f"module {fullname!r} is not part of the sandbox's library", name=fullname
        )


def preload() -> None:
    """Load everything that tool code may need."""
    encodings = (f"encodings.{name}" for name in _ENCODINGS)
    for name in (*sorted(ALLOWED), *_NEEDED_LATER, *encodings):
        # Not every version of Python and not every build has them all.
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    _preload_zones()


def close() -> None:
    """Let imports find what is loaded and nothing else."""
    sys.meta_path[:] = [_Closed()]
    sys.path_hooks.clear()
    sys.path_importer_cache.clear()
    sys.path.clear()


def _preload_zones() -> None:
    import zoneinfo

    content: dict[str, bytes] = {}
    for folder in reversed(zoneinfo.TZPATH):
        with contextlib.suppress(OSError):
            _read_zones(folder, "", content)
    common: Any = importlib.import_module("zoneinfo._common")
    native = cast("Callable[[str], io.BytesIO]", common.load_tzdata)

    def load_tzdata(key: str) -> io.BytesIO:
        return io.BytesIO(content[key]) if key in content else native(key)

    # Asked when the zone's file is not found, as is always the case after confinement.
    common.load_tzdata = load_tzdata
    zoneinfo.available_timezones = lambda: set(content)


def _read_zones(folder: str, prefix: str, content: dict[str, bytes]) -> None:
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir():
                if entry.name not in ("posix", "right"):
                    _read_zones(entry.path, f"{prefix}{entry.name}/", content)
                continue
            with open(entry.path, "rb") as file:
                data = file.read()
            if data.startswith(_ZONE_MAGIC) and entry.name not in ("localtime", "posixrules"):
                content[prefix + entry.name] = data
