"""The shipped flights data is what its PROVENANCE.md says it is."""

import csv
import gzip
import hashlib
from functools import cache
from importlib.resources import files
from pathlib import Path

import pytest

from tests.support.requirement import requirement

DATA = Path(str(files("astra_arena.synthesizer"))) / "data" / "nycflights13"
MAX_BYTES = 3_000_000
TABLES = ("airlines", "airports", "planes", "flights", "weather")


@cache
def stated(first_heading: str) -> list[list[str]]:
    """The rows of the table in PROVENANCE.md whose first column has this heading."""
    lines = (DATA / "PROVENANCE.md").read_text(encoding="utf-8").splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith(f"| {first_heading} |"))
    rows: list[list[str]] = []
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            break
        rows.append([cell.strip().strip("`") for cell in line.strip("|").split("|")])
    return rows


@cache
def table(name: str) -> list[dict[str, str]]:
    with gzip.open(DATA / f"{name}.csv.gz", "rt", encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, strict=True))


def keys(name: str, columns: str) -> list[tuple[str, ...]]:
    """The values of the columns in every row in which none is missing."""
    names = columns.split(", ")
    found = (tuple(row[column] for column in names) for row in table(name))
    return [key for key in found if "" not in key]


@requirement("demo:tables")
def test_the_data_is_at_most_three_megabytes_and_has_its_licence() -> None:
    names = {path.name for path in DATA.iterdir()}
    tables = {f"{name}.csv.gz" for name in TABLES}
    assert names == {"LICENSE", "PROVENANCE.md", "descriptions.json", *tables}
    assert sum(path.stat().st_size for path in DATA.iterdir()) <= MAX_BYTES
    assert "CC0 1.0 Universal" in (DATA / "LICENSE").read_text(encoding="utf-8")


def test_every_file_has_the_stated_size_and_digests() -> None:
    found: list[list[str]] = []
    for file, *_ in stated("file"):
        packed = (DATA / file).read_bytes()
        digests = [hashlib.sha256(data).hexdigest() for data in (packed, gzip.decompress(packed))]
        found.append([file, str(len(packed)), *digests])
    assert found == [[file, *rest] for file, _, _, *rest in stated("file")]
    assert {row[0] for row in found} == {f"{name}.csv.gz" for name in TABLES}


def test_every_table_has_the_stated_number_of_rows() -> None:
    rows = {file.removesuffix(".csv.gz"): int(after) for file, _, after, *_ in stated("file")}
    assert {name: len(table(name)) for name in TABLES} == rows


def test_missing_values_are_empty_fields() -> None:
    assert [name for name in TABLES for row in table(name) if "NA" in row.values()] == []


@pytest.mark.parametrize(("name", "columns", "rows", "repeated"), stated("table"))
def test_keys_repeat_as_often_as_stated(name: str, columns: str, rows: str, repeated: str) -> None:
    found = keys(name, columns)
    assert (len(found), len(found) - len(set(found))) == (int(rows), int(repeated))


@pytest.mark.parametrize(("child", "parent", "rows", "met", "share"), stated("columns"))
def test_references_are_met_as_often_as_stated(
    child: str, parent: str, rows: str, met: str, share: str
) -> None:
    child_name, child_columns = child.removesuffix(")").split("(")
    parent_name, parent_columns = parent.removesuffix(")").split("(")
    known = set(keys(parent_name, parent_columns))
    found = [key in known for key in keys(child_name, child_columns)]
    assert (len(found), sum(found)) == (int(rows), int(met))
    assert f"{sum(found) / len(found):.4f}" == share


def test_every_carrier_is_an_airline() -> None:
    assert {row["carrier"] for row in table("flights")} == {
        row["carrier"] for row in table("airlines")
    }


def test_flights_and_weather_cover_the_same_days_of_every_month() -> None:
    days = [{(r["month"], r["day"]) for r in table(name)} for name in ("flights", "weather")]
    assert days[0] == days[1]
    assert len(days[0]) == 91
    assert {month for month, _ in days[0]} == {str(month) for month in range(1, 13)}
