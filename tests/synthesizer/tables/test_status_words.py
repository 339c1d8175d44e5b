"""What a status may become, guessed from common words or told."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from astra_arena.synthesizer.tables.status_words import cancelled_value, status_of
from tests.synthesizer.analysed import analysed


def steps_of(
    folder: Path, column: str, values: tuple[str, ...]
) -> dict[str, tuple[str, ...]] | None:
    path = folder / "jobs.sqlite"
    path.unlink(missing_ok=True)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f'CREATE TABLE jobs (id INTEGER PRIMARY KEY, "{column}" TEXT)')
        rows = [(n, values[n % len(values)]) for n in range(60)]
        connection.executemany("INSERT INTO jobs VALUES (?, ?)", rows)
        connection.commit()
    with analysed(path) as source:
        found = status_of(source.catalogue.by_name["jobs"])
        return None if found is None else dict(found.steps)


def test_a_status_goes_forward_stage_by_stage(tmp_path: Path) -> None:
    assert steps_of(
        tmp_path, "status", ("Open", "In Progress", "On Hold", "Resolved", "Cancelled")
    ) == {
        "Open": ("In Progress", "Cancelled", "On Hold"),
        "In Progress": ("Resolved", "Cancelled", "On Hold"),
        "Resolved": (),
        "Cancelled": (),
        "On Hold": ("Open", "Cancelled"),
    }


def test_what_has_arrived_may_come_back_and_is_not_cancelled(tmp_path: Path) -> None:
    steps = steps_of(
        tmp_path, "order_state", ("shipped", "delivered", "returned", "refunded", "void")
    )
    assert steps == {
        "shipped": ("delivered",),
        "delivered": ("returned",),
        "returned": ("refunded",),
        "refunded": (),
        "void": (),
    }


def test_a_switch_goes_both_ways(tmp_path: Path) -> None:
    assert steps_of(tmp_path, "status", ("inactive", "active")) == {
        "active": ("inactive",),
        "inactive": ("active",),
    }


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("status", ("open", "gleaming")),
        ("state", ("Ohio", "Utah")),
        ("colour", ("open", "closed")),
        ("status", ("cancelled", "rejected")),
    ],
)
def test_nothing_is_guessed_of_unknown_words(
    tmp_path: Path, column: str, values: tuple[str, ...]
) -> None:
    assert steps_of(tmp_path, column, values) is None


def test_nothing_unreachable_cancels(tmp_path: Path) -> None:
    path = tmp_path / "jobs.sqlite"
    assert steps_of(tmp_path, "status", ("shipped", "delivered", "cancelled")) is not None
    with analysed(path) as source:
        found = status_of(source.catalogue.by_name["jobs"])
        assert found is not None
        assert cancelled_value(found) is None
