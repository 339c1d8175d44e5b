"""Two companies' databases that name the same things: a shop, and who takes its goods back."""

import random
import sqlite3
from contextlib import closing
from pathlib import Path

from tests.synthesizer.inputs import CITIES, COLOURS

FIRST = ("Ada", "Ben", "Cleo", "Dag", "Eva", "Finn", "Gia", "Hugo", "Ida", "Jon")
LAST = ("Berg", "Costa", "Dahl", "Endo", "Fahmy", "Gil", "Hart", "Ito")
CARRIERS = ("Swift Post", "Blue Parcel", "Road & Rail", "Aero Cargo", "Harbour Line", "Quick Van")
CUSTOMERS = [f"C{n:04d}" for n in range(1, 81)]
PRODUCTS = [f"P-{n:03d}" for n in range(1, 61)]


def make_sales(path: Path) -> Path:
    """A shop: customers by code, products by SKU, orders."""
    stream = random.Random(41)
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(
            """
            CREATE TABLE customers (
                code TEXT PRIMARY KEY, name TEXT NOT NULL, city TEXT NOT NULL,
                credit_limit REAL NOT NULL, customer_since DATE NOT NULL);
            CREATE TABLE products (
                sku TEXT PRIMARY KEY, title TEXT NOT NULL, category TEXT NOT NULL,
                price REAL NOT NULL, weight INTEGER NOT NULL);
            CREATE TABLE orders (
                id INTEGER PRIMARY KEY, customer_code TEXT NOT NULL REFERENCES customers (code),
                product_sku TEXT NOT NULL REFERENCES products (sku), quantity INTEGER NOT NULL,
                amount REAL NOT NULL, status TEXT NOT NULL, ordered_on DATE NOT NULL);
            """
        )
        names = [f"{first} {last}" for first in FIRST for last in LAST]
        stream.shuffle(names)
        _insert(
            connection,
            "customers",
            [
                (code, name, stream.choice(CITIES), stream.randint(100, 90_000) / 10, _day(stream))
                for code, name in zip(CUSTOMERS, names, strict=True)
            ],
        )
        _insert(
            connection,
            "products",
            [
                (
                    *(sku, f"{stream.choice(COLOURS)} chair {n}"),
                    stream.choice(("garden", "kitchen", "office", "nursery")),
                    *(stream.randint(100, 99_999) / 100, stream.randint(50, 9_000)),
                )
                for n, sku in enumerate(PRODUCTS, start=1)
            ],
        )
        _insert(
            connection,
            "orders",
            [
                (
                    *(n, stream.choice(CUSTOMERS), stream.choice(PRODUCTS)),
                    *(stream.randint(1, 40), stream.randint(500, 200_000) / 100),
                    stream.choice(("pending", "paid", "shipped", "delivered", "cancelled")),
                    _day(stream),
                )
                for n in range(5001, 5401)
            ],
        )
        connection.commit()
    return path


def make_returns(path: Path) -> Path:
    """Who handles returns: accounts by customer, carriers, parcels that come back."""
    stream = random.Random(43)
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(
            """
            CREATE TABLE carriers (
                id INTEGER PRIMARY KEY, name TEXT NOT NULL, fee REAL NOT NULL,
                founded_on DATE NOT NULL);
            CREATE TABLE refund_accounts (
                number TEXT PRIMARY KEY, customer_code TEXT NOT NULL, balance REAL NOT NULL,
                points INTEGER NOT NULL, opened_on DATE NOT NULL);
            CREATE TABLE parcels (
                id INTEGER PRIMARY KEY, customer_code TEXT NOT NULL, product_sku TEXT NOT NULL,
                carrier_id INTEGER NOT NULL REFERENCES carriers (id), weight INTEGER NOT NULL,
                refund REAL NOT NULL, status TEXT NOT NULL, received_on DATE NOT NULL);
            """
        )
        _insert(
            connection,
            "carriers",
            [
                (n, name, stream.randint(100, 2_000) / 100, _day(stream))
                for n, name in enumerate(CARRIERS, start=1)
            ],
        )
        _insert(
            connection,
            "refund_accounts",
            [
                (
                    *(f"RA-{7000 + n}", stream.choice(CUSTOMERS)),
                    *(stream.randint(0, 90_000) / 100, stream.randint(0, 5_000), _day(stream)),
                )
                for n in range(180)
            ],
        )
        _insert(
            connection,
            "parcels",
            [
                (
                    *(n, stream.choice(CUSTOMERS), stream.choice(PRODUCTS)),
                    *(stream.randint(1, len(CARRIERS)), stream.randint(50, 9_000)),
                    stream.randint(500, 90_000) / 100,
                    stream.choice(("pending", "shipped", "delivered", "cancelled")),
                    _day(stream),
                )
                for n in range(101, 501)
            ],
        )
        connection.commit()
    return path


def _day(stream: random.Random) -> str:
    return f"{stream.randint(2019, 2024)}-{stream.randint(1, 12):02d}-{stream.randint(1, 28):02d}"


def _insert(connection: sqlite3.Connection, table: str, rows: list[tuple[object, ...]]) -> None:
    places = ", ".join("?" for _ in rows[0])
    connection.executemany(f"INSERT INTO {table} VALUES ({places})", rows)
