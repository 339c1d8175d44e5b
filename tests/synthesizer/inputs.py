"""Small sources of different shapes, made on the spot; equal on every run."""

import csv
import random
import sqlite3
from contextlib import closing
from pathlib import Path

CITIES = ("Oslo", "Lima", "Kyoto", "Cairo", "Quito", "Perth", "Turin", "Porto")
PLACES = (
    *((59.91, 10.75), (-12.05, -77.04), (35.01, 135.77), (30.04, 31.24)),
    *((-0.18, -78.47), (-31.95, 115.86), (45.07, 7.69), (41.15, -8.61)),
)
STATUSES = ("pending", "paid", "shipped", "delivered", "cancelled")
STORE_TABLES = """
CREATE TABLE employees (
    id INTEGER PRIMARY KEY, name TEXT NOT NULL, job TEXT NOT NULL, hired_on DATE NOT NULL,
    reports_to INTEGER REFERENCES employees (id));
CREATE TABLE stores (
    id INTEGER PRIMARY KEY, name TEXT NOT NULL, latitude REAL NOT NULL, longitude REAL NOT NULL);
CREATE TABLE customers (
    id INTEGER PRIMARY KEY, name TEXT NOT NULL, email TEXT NOT NULL UNIQUE, city TEXT NOT NULL,
    credit REAL NOT NULL, support_rep_id INTEGER REFERENCES employees (id));
CREATE TABLE products (
    sku TEXT PRIMARY KEY, title TEXT NOT NULL, category TEXT NOT NULL, price REAL NOT NULL,
    stock INTEGER NOT NULL CHECK (stock <= 100000));
CREATE TABLE orders (
    id INTEGER PRIMARY KEY, customer_id INTEGER NOT NULL REFERENCES customers (id),
    store_id INTEGER NOT NULL REFERENCES stores (id),
    employee_id INTEGER NOT NULL REFERENCES employees (id), status TEXT NOT NULL,
    ordered_on DATE NOT NULL, shipped_on DATE);
CREATE TABLE order_lines (
    order_id INTEGER NOT NULL REFERENCES orders (id), line INTEGER NOT NULL,
    product_sku TEXT NOT NULL REFERENCES products (sku), quantity INTEGER NOT NULL,
    PRIMARY KEY (order_id, line));
"""
COLOURS = ("red", "green", "blue", "black", "white", "amber", "violet", "silver")


def make_shop(path: Path, *, customers: int = 60, orders: int = 400) -> Path:
    """A database with declared keys: customers, products, orders, and items by order and line."""
    stream = random.Random(7)
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(
            """
            CREATE TABLE customers (
                id INTEGER PRIMARY KEY, name TEXT NOT NULL, city TEXT NOT NULL, born DATE);
            CREATE TABLE products (
                sku TEXT PRIMARY KEY, title TEXT NOT NULL, colour TEXT NOT NULL,
                price REAL NOT NULL, weight INTEGER);
            CREATE TABLE orders (
                id INTEGER PRIMARY KEY, customer_id INTEGER NOT NULL REFERENCES customers (id),
                placed_on DATE NOT NULL, total REAL NOT NULL);
            CREATE TABLE order_items (
                order_id INTEGER NOT NULL REFERENCES orders (id), line INTEGER NOT NULL,
                product_sku TEXT NOT NULL REFERENCES products (sku), quantity INTEGER NOT NULL,
                PRIMARY KEY (order_id, line));
            """
        )
        connection.executemany(
            "INSERT INTO customers VALUES (?, ?, ?, ?)",
            [
                (
                    n,
                    f"Person {n:03d}",
                    stream.choice(CITIES),
                    f"{stream.randint(1950, 2004)}-{n % 12 + 1:02d}-15",
                )
                for n in range(1, customers + 1)
            ],
        )
        connection.executemany(
            "INSERT INTO products VALUES (?, ?, ?, ?, ?)",
            [
                (
                    f"SKU-{n:03d}",
                    f"Thing {n:03d}",
                    stream.choice(COLOURS),
                    stream.randint(100, 9999) / 100,
                    None if n % 9 == 0 else stream.randint(10, 4000),
                )
                for n in range(1, 81)
            ],
        )
        connection.executemany(
            "INSERT INTO orders VALUES (?, ?, ?, ?)",
            [
                (
                    n,
                    stream.randint(1, customers),
                    f"2024-{stream.randint(1, 12):02d}-{stream.randint(1, 28):02d}",
                    stream.randint(500, 99999) / 100,
                )
                for n in range(1001, 1001 + orders)
            ],
        )
        connection.executemany(
            "INSERT INTO order_items VALUES (?, ?, ?, ?)",
            [
                (n, line, f"SKU-{stream.randint(1, 80):03d}", stream.randint(1, 40))
                for n in range(1001, 1001 + orders)
                for line in range(1, stream.randint(2, 5))
            ],
        )
        connection.commit()
    return path


def make_single_table(path: Path, *, rows: int = 300) -> Path:
    """One CSV table: films, with people and studios that many films share."""
    stream = random.Random(11)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("film_id", "title", "director", "studio", "runtime", "gross", "released"))
        for n in range(1, rows + 1):
            writer.writerow(
                (
                    n,
                    f"Film number {n}",
                    f"Director {stream.randint(1, 40):02d}",
                    f"Studio {stream.randint(1, 15):02d}",
                    stream.randint(61, 240),
                    stream.randint(10_000, 99_999_999),
                    f"{stream.randint(1960, 2023)}-{stream.randint(1, 12):02d}-01",
                )
            )
    return path


def make_odd_names(path: Path) -> Path:
    """Tables and columns named with spaces, keywords, quotes, braces and other scripts."""
    stream = random.Random(13)
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(
            '''
            CREATE TABLE "Größe {n}" (
                "class" TEXT PRIMARY KEY, "from" TEXT, "the ""limit""" INTEGER, "limit" INTEGER);
            CREATE TABLE "order" (
                "select" INTEGER PRIMARY KEY, "class" TEXT REFERENCES "Größe {n}" ("class"),
                "名前" TEXT, "2nd price" REAL, "sort_by" INTEGER, "listed" INTEGER);
            '''
        )
        connection.executemany(
            'INSERT INTO "Größe {n}" VALUES (?, ?, ?, ?)',
            [
                (f"C{n:02d}", f"Place {n % 9}", stream.randint(1, 900), stream.randint(1, 9000))
                for n in range(40)
            ],
        )
        connection.executemany(
            'INSERT INTO "order" VALUES (?, ?, ?, ?, ?, ?)',
            [
                (
                    n,
                    f"C{stream.randrange(40):02d}",
                    f"名{stream.randrange(30)}",
                    stream.randint(100, 99999) / 100,
                    stream.randint(1, 5000),
                    stream.randint(1, 5000),
                )
                for n in range(1, 301)
            ],
        )
        connection.commit()
    return path


def make_keyless(path: Path) -> Path:
    """A CSV table in which every row stands twice."""
    path.write_text("colour,size\n" + "red,1\nred,1\nblue,2\nblue,2\n" * 3, encoding="utf-8")
    return path


def make_large_numbers(path: Path) -> Path:
    """Hosts and their spans: integers whose sum no integer holds, and floats beyond 2**53."""
    stream = random.Random(17)
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(
            """
            CREATE TABLE hosts (id INTEGER PRIMARY KEY, name TEXT, region TEXT);
            CREATE TABLE spans (id INTEGER PRIMARY KEY, host_id INTEGER REFERENCES hosts (id),
                started_amount INTEGER, mass REAL, bytes INTEGER);
            """
        )
        connection.executemany(
            "INSERT INTO hosts VALUES (?, ?, ?)",
            [(n, f"Host {n}", stream.choice(CITIES)) for n in range(1, 41)],
        )
        connection.executemany(
            "INSERT INTO spans VALUES (?, ?, ?, ?, ?)",
            [
                (
                    n,
                    stream.randint(1, 40),
                    1_700_000_000_000_000_000 + stream.randint(0, 10**15),
                    stream.random() * 2e30,
                    stream.randint(1, 10**6),
                )
                for n in range(1, 401)
            ],
        )
        connection.commit()
    return path


def make_store(path: Path, *, orders: int = 300) -> Path:
    """A trading company's database: staff, customers with credit, stock, orders with a status."""
    stream = random.Random(23)
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(STORE_TABLES)
        connection.executemany(
            "INSERT INTO employees VALUES (?, ?, ?, ?, ?)",
            [
                (
                    n,
                    f"Employee {n:02d}",
                    stream.choice(("clerk", "manager")),
                    f"20{n + 5:02d}-03-{n:02d}",
                    None if n == 1 else (n + 1) // 2,
                )
                for n in range(1, 13)
            ],
        )
        connection.executemany(
            "INSERT INTO stores VALUES (?, ?, ?, ?)",
            [
                (n, f"Store {city}", place[0], place[1])
                for n, (city, place) in enumerate(zip(CITIES, PLACES, strict=True), start=1)
            ],
        )
        connection.executemany(
            "INSERT INTO customers VALUES (?, ?, ?, ?, ?, ?)",
            [
                (
                    n,
                    f"Customer {n:03d}",
                    f"c{n}@example.com",
                    stream.choice(CITIES),
                    stream.randint(0, 90_000) / 100,
                    stream.randint(1, 12) if n % 5 else None,
                )
                for n in range(1, 61)
            ],
        )
        connection.executemany(
            "INSERT INTO products VALUES (?, ?, ?, ?, ?)",
            [
                (
                    f"SKU-{n:04d}",
                    f"{stream.choice(COLOURS)} article {n}",
                    stream.choice(("tools", "toys", "books", "food")),
                    stream.randint(100, 9999) / 100,
                    stream.randint(0, 400),
                )
                for n in range(1, 81)
            ],
        )
        connection.executemany(
            "INSERT INTO orders VALUES (?, ?, ?, ?, ?, ?, ?)", _store_orders(stream, orders)
        )
        connection.executemany(
            "INSERT INTO order_lines VALUES (?, ?, ?, ?)",
            [
                (n, line, f"SKU-{stream.randint(1, 80):04d}", stream.randint(1, 40))
                for n in range(1, orders + 1)
                for line in range(1, stream.randint(2, 5))
            ],
        )
        connection.commit()
    return path


def _store_orders(stream: random.Random, orders: int) -> list[tuple[object, ...]]:
    rows: list[tuple[object, ...]] = []
    for n in range(1, orders + 1):
        status = STATUSES[n % len(STATUSES)]
        month, day = stream.randint(1, 11), stream.randint(1, 20)
        sent = f"2024-{month:02d}-{day + stream.randint(0, 8):02d}"
        rows.append(
            (
                n,
                stream.randint(1, 60),
                stream.randint(1, 8),
                stream.randint(1, 12),
                status,
                f"2024-{month:02d}-{day:02d}",
                sent if status in ("shipped", "delivered") else None,
            )
        )
    return rows
