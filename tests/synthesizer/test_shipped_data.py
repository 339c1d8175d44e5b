"""Each data set that ships is what its PROVENANCE.md says it is, and can be synthesised."""

import csv
import gzip
import hashlib
from pathlib import Path

import pytest

from astra_arena.core.errors import SettingsError
from astra_arena.synthesizer.gates.registry import QUICK_GATES
from astra_arena.synthesizer.shipped_data import (
    shipped_data,
    shipped_descriptions,
    shipped_names,
)
from astra_arena.synthesizer.synthesize import TableOptions, synthesize_tables
from astra_arena.synthesizer.tables.descriptions import load_descriptions
from tests.support.requirement import requirement

CUTS = ("baseball", "chinook", "elements")
MAX_BYTES = 300_000
LICENCES = {
    "baseball": "Attribution-ShareAlike 3.0 Unported",
    "chinook": "Permission is hereby granted, free of charge",
    "elements": "Permission is hereby granted, free of charge",
}
SHAPES = {"baseball": 8, "chinook": 11, "elements": 8}


def stated(name: str, first_heading: str) -> list[list[str]]:
    """The rows of the table in PROVENANCE.md whose first column has this heading."""
    text = (shipped_data(name) / "PROVENANCE.md").read_text(encoding="utf-8")
    lines = text.splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith(f"| {first_heading} |"))
    rows: list[list[str]] = []
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            break
        rows.append([cell.strip().strip("`") for cell in line.strip("|").split("|")])
    return rows


def rows_of(name: str, table: str) -> list[dict[str, str]]:
    path = shipped_data(name) / f"{table}.csv.gz"
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, strict=True))


def keys_of(name: str, table: str, columns: str) -> list[tuple[str, ...]]:
    names = columns.split(", ")
    found = (tuple(row[column] for column in names) for row in rows_of(name, table))
    return [key for key in found if "" not in key]


def test_the_data_sets_are_found_by_name() -> None:
    assert shipped_names() == ("baseball", "chinook", "elements", "nycflights13")
    with pytest.raises(SettingsError, match="there is baseball, chinook, elements, nycflights13"):
        shipped_data("northwind")


@requirement("sources:shipped")
@pytest.mark.parametrize("name", CUTS)
def test_every_file_has_the_stated_rows_and_digests_and_is_small(name: str) -> None:
    folder = shipped_data(name)
    facts = stated(name, "file")
    for file, _, rows, size, packed, plain in facts:
        data = (folder / file).read_bytes()
        assert len(data) == int(size) <= MAX_BYTES
        assert hashlib.sha256(data).hexdigest() == packed
        assert hashlib.sha256(gzip.decompress(data)).hexdigest() == plain
        assert len(rows_of(name, file.removesuffix(".csv.gz"))) == int(rows)
    beside = {"LICENSE", "PROVENANCE.md", "descriptions.json"}
    assert {path.name for path in folder.iterdir()} == {fact[0] for fact in facts} | beside
    assert len(facts) == SHAPES[name]
    assert LICENCES[name] in (folder / "LICENSE").read_text(encoding="utf-8")
    assert (Path("scripts") / f"cut_{name}.py").is_file()


@pytest.mark.parametrize("name", CUTS)
def test_keys_and_references_are_as_stated(name: str) -> None:
    for table, columns, rows, repeated in stated(name, "table"):
        found = keys_of(name, table, columns)
        assert (len(found), len(found) - len(set(found))) == (int(rows), int(repeated))
    for child, parent, rows, met, share in stated(name, "columns"):
        child_table, child_columns = child.removesuffix(")").split("(")
        parent_table, parent_columns = parent.removesuffix(")").split("(")
        known = set(keys_of(name, parent_table, parent_columns))
        hits = [key in known for key in keys_of(name, child_table, child_columns)]
        assert (len(hits), sum(hits)) == (int(rows), int(met))
        assert f"{sum(hits) / len(hits):.4f}" == share


@requirement("sources:shipped")
@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", CUTS)
def test_every_data_set_makes_an_environment(name: str, tmp_path: Path) -> None:
    words = load_descriptions(shipped_descriptions(name))
    options = TableOptions(gates=QUICK_GATES, tasks=6, descriptions=words)
    made = synthesize_tables(shipped_data(name), tmp_path / "bundle", options)
    assert len(made.bundle.tasks) == 6
    assert made.bundle.name == name
    assert made.bundle.environment.licence == words.licence
    keys = made.bundle.environment.provenance["keys"]
    assert isinstance(keys, dict)
    assert len(keys) == SHAPES[name]
