"""Worlds are cut to size and masked so that what refers to each other still does."""

import random
import sqlite3
from collections.abc import Generator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from astra_arena.core.errors import SettingsError
from astra_arena.synthesizer.gates.registry import QUICK_GATES
from astra_arena.synthesizer.sources.table_source import load_tables
from astra_arena.synthesizer.synthesize import TableOptions, synthesize_tables
from astra_arena.synthesizer.tables.masking import Pseudonyms, SqlValue
from astra_arena.synthesizer.tables.preparation import PreparedTables, WorldRules, prepare_tables
from tests.support.requirement import requirement
from tests.synthesizer.inputs import make_shop

KEY = b"a secret of 16 bytes or more"


@contextmanager
def prepared(source: Path, **rules: object) -> Generator[tuple[sqlite3.Connection, PreparedTables]]:
    with load_tables(source) as loaded:
        chosen = WorldRules(**rules)  # pyright: ignore[reportArgumentType]
        yield loaded.connection, prepare_tables(loaded.connection, loaded.tables, chosen)


def make_bazaar(path: Path, *, shuffled: int | None = None) -> Path:
    """Customers, orders with lines, products, and a few returns; some orders name no customer."""
    stream = random.Random(3)
    orders = [
        (n, stream.randint(1, 900) if n % 10 else None, f"2024-01-{n % 28 + 1:02d}")
        for n in range(1, 3001)
    ]
    lines = [
        (n, line, f"P{stream.randint(1, 1500):04d}")
        for n, *_ in orders
        for line in range(1, stream.randint(2, 6))
    ]
    if shuffled is not None:
        random.Random(shuffled).shuffle(orders)
        random.Random(shuffled).shuffle(lines)
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(
            """
            CREATE TABLE customers (id INTEGER PRIMARY KEY, mentor INTEGER REFERENCES customers);
            CREATE TABLE products (sku TEXT PRIMARY KEY, n INTEGER) WITHOUT ROWID;
            CREATE TABLE orders (id INTEGER PRIMARY KEY, customer_id INTEGER
                REFERENCES customers (id), placed_on TEXT);
            CREATE TABLE lines (order_id INTEGER NOT NULL REFERENCES orders (id), line INTEGER,
                sku TEXT REFERENCES products (sku), PRIMARY KEY (order_id, line));
            CREATE TABLE returns (id INTEGER PRIMARY KEY, order_id INTEGER REFERENCES orders (id));
            """
        )
        people = [(n, n // 2 or None) for n in range(1, 901)]
        connection.executemany("INSERT INTO customers VALUES (?, ?)", people)
        products = [(f"P{n:04d}", n) for n in range(1, 1501)]
        connection.executemany("INSERT INTO products VALUES (?, ?)", products)
        connection.executemany("INSERT INTO orders VALUES (?, ?, ?)", orders)
        connection.executemany("INSERT INTO lines VALUES (?, ?, ?)", lines)
        connection.executemany("INSERT INTO returns VALUES (?, ?)", [(n, n * 7) for n in range(40)])
        connection.commit()
    return path


def count(connection: sqlite3.Connection, query: str) -> int:
    return int(connection.execute(f"SELECT count(*) FROM {query}").fetchone()[0])


@requirement("sources:sample")
def test_a_cut_world_keeps_every_reference_and_whole_families(tmp_path: Path) -> None:
    source = make_bazaar(tmp_path / "bazaar.db")
    with prepared(source, max_rows=500) as (connection, made):
        dangling = connection.execute("PRAGMA foreign_key_check").fetchall()
        # Order 0 of a return is nowhere in the source either.
        assert [(row[0], row[2]) for row in dangling] == [("returns", "orders")]
        rows = {table.name: table.rows for table in made.tables}
        assert rows["returns"] == 40
        assert rows["lines"] == 500
        assert 180 <= rows["orders"] <= 320
        assert 500 <= rows["products"] <= 800
        assert 50 <= rows["customers"] <= 500, "in step with their orders"
        with closing(sqlite3.connect(source)) as full:
            whole = dict(full.execute("SELECT order_id, count(*) FROM lines GROUP BY 1"))
        kept = dict(connection.execute("SELECT order_id, count(*) FROM lines GROUP BY 1"))
        broken = [order for order, lines in kept.items() if lines != whole[order]]
        assert len(broken) <= 1, "only where the last family does not fit"
        assert count(connection, "orders WHERE customer_id IS NULL") > 0
        assert made.provenance["cut"] == {
            "max_rows": 500,
            "tables": {
                name: {"rows": total, "kept": rows[name]}
                for name, total in (
                    ("customers", 900),
                    ("products", 1500),
                    ("orders", 3000),
                    ("lines", sum(whole.values())),
                )
            },
        }
        assert any("'orders' was cut from 3,000 to" in notice for notice in made.notices)


@requirement("sources:sample")
def test_the_rows_that_stay_follow_from_seed_and_keys_alone(tmp_path: Path) -> None:
    def kept(name: str, seed: int, shuffled: int | None) -> set[tuple[object, ...]]:
        source = make_bazaar(tmp_path / name, shuffled=shuffled)
        with prepared(source, max_rows=300, seed=seed) as (connection, _):
            return set(connection.execute("SELECT order_id, line FROM lines"))

    one = kept("one.db", 0, None)
    assert one == kept("two.db", 0, 5)
    assert one != kept("three.db", 1, None)


def test_nothing_is_touched_below_the_limit(tmp_path: Path) -> None:
    with prepared(make_bazaar(tmp_path / "bazaar.db")) as (_, made):
        assert (made.notices, made.provenance) == ((), {})


@requirement("sources:mask")
def test_masks_keep_types_uniqueness_and_references(tmp_path: Path) -> None:
    source = make_shop(tmp_path / "shop.sqlite")
    masks = ("customers.id", "customers.NAME", "products.sku", "*.placed_on", "*.price")
    with closing(sqlite3.connect(source)) as connection:
        query = "SELECT c.city, sum(o.total) FROM customers c JOIN orders o ON customer_id = c.id"
        spent = sorted(connection.execute(f"{query} GROUP BY c.id"))
        names = {name for (name,) in connection.execute("SELECT name FROM customers")}
        days = sorted(d for (d,) in connection.execute("SELECT placed_on FROM orders"))
    with prepared(source, mask=masks, mask_key=KEY) as (connection, made):
        assert sorted(connection.execute(f"{query} GROUP BY c.id")) == spent
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        shown = {name for (name,) in connection.execute("SELECT name FROM customers")}
        assert len(shown) == len(names)
        assert not shown & names
        assert all(name.startswith("masked-") for name in shown)
        moved = sorted(d for (d,) in connection.execute("SELECT placed_on FROM orders"))
        assert moved != days
        types = {c.name: c.logical_type for t in made.tables for c in t.columns}
        assert (types["placed_on"], types["price"], types["sku"]) == ("date", "real", "text")
        assert made.provenance == {
            "masked": [
                *("customers.id", "customers.name", "order_items.product_sku"),
                *("orders.customer_id", "orders.placed_on", "products.price", "products.sku"),
            ],
            "mask_key": "file",
        }


@requirement("sources:mask")
def test_no_masked_value_is_in_the_bundle(tmp_path: Path) -> None:
    source = make_shop(tmp_path / "shop.sqlite", customers=40, orders=200)
    out = tmp_path / "bundle"
    options = TableOptions(
        gates=QUICK_GATES,
        tasks=8,
        mask=("customers.name", "products.title"),
        mask_key=KEY,
        exclude=("*.city",),
    )
    made = synthesize_tables(source, out, options)
    assert made.bundle.environment.provenance["excluded"] == ["customers.city"]
    written = b"".join(path.read_bytes() for path in out.iterdir())
    for told in (b"Person 0", b"Thing 0", b"Kyoto", KEY):
        assert told not in written
    assert b"masked-" in written


@requirement("sources:mask")
def test_masks_follow_from_the_key_and_their_notice_says_when_it_is_the_seed(
    tmp_path: Path,
) -> None:
    def names(**rules: object) -> tuple[list[tuple[object]], tuple[str, ...]]:
        source = (
            make_shop(tmp_path / "shop.sqlite")
            if not (tmp_path / "shop.sqlite").exists()
            else tmp_path / "shop.sqlite"
        )
        with prepared(source, mask=("customers.name",), **rules) as (connection, made):
            return connection.execute("SELECT name FROM customers").fetchall(), made.notices

    assert names(seed=1) == names(seed=1)
    assert names(seed=1)[0] != names(seed=2)[0]
    assert names(seed=1, mask_key=KEY) == names(seed=2, mask_key=KEY)
    assert "whoever guesses a value can check the guess" in names()[1][-1]
    assert names(mask_key=KEY)[1] == ("masked: customers.name",)


@pytest.mark.parametrize(
    ("mask", "part"),
    [
        ("customers.nam", "fits no column (TABLE.COLUMN). Did you mean 'customers.name'"),
        ("customers", "fits no column"),
        ("flags.open", "values of the type boolean cannot be masked"),
        ("flags.twice", "is computed from others"),
        ("flags.code", "the database forbids other values there"),
    ],
)
def test_what_cannot_be_masked_is_one_clear_message(tmp_path: Path, mask: str, part: str) -> None:
    source = make_shop(tmp_path / "shop.sqlite")
    with closing(sqlite3.connect(source)) as connection:
        connection.executescript(
            "CREATE TABLE flags (id INTEGER PRIMARY KEY, open BOOLEAN, twice AS (id * 2), "
            "code TEXT CHECK (length(code) = 1));"
            "INSERT INTO flags (open, code) VALUES (1, 'a'), (0, 'b');"
        )
    with pytest.raises(SettingsError) as caught, prepared(source, mask=(mask,)):
        pass
    assert part in caught.value.message


@pytest.mark.parametrize(
    ("rules", "part"), [({"max_rows": 0}, "1 or more"), ({"mask_key": b""}, "16 bytes")]
)
def test_rules_that_cannot_be_are_refused(
    tmp_path: Path, rules: dict[str, object], part: str
) -> None:
    with pytest.raises(SettingsError, match=part), prepared(make_shop(tmp_path / "s.db"), **rules):
        pass


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (list(range(-50, 1000)), "integer"),
        ([2**63 - 1, -(2**63), 0, 7], "integer"),
        ([0.5, 12.25, -3.75, 1e300, 1e-7], "real"),
        ([f"{year:04d}-02-28" for year in (1, 1999, 2024, 9999)], "date"),
        (["2024-02-29T10:00:00Z", "2024-03-01T10:00:00Z"], "datetime"),
        (["", "é", "a" * 1000], "text"),
    ],
)
def test_pseudonyms_are_of_the_same_kind_and_differ(values: list[SqlValue], kind: str) -> None:
    made = Pseudonyms(KEY).of(values, kind)
    assert set(made) == set(values)
    assert len(set(made.values())) == len(values)
    assert all(type(made[value]) is type(value) for value in values)
    assert made != {value: value for value in values}
    for value, other in made.items():
        if isinstance(value, int) and isinstance(other, int):
            assert -(2**63) <= other < 2**63
            assert (value < 0) == (other < 0)
