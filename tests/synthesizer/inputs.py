"""Small sources of different shapes, made on the spot; equal on every run."""

import csv
import random
import sqlite3
from contextlib import closing
from pathlib import Path

CITIES = ("Oslo", "Lima", "Kyoto", "Cairo", "Quito", "Perth", "Turin", "Porto")
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


def make_store(path: Path) -> Path:
    """A shop as programs keep it: camel case, timestamps, flags, units in names, nothing described."""
    stream = random.Random(19)
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(
            """
            CREATE TABLE Customer (
                CustomerId INTEGER PRIMARY KEY, FullName TEXT NOT NULL, Email TEXT NOT NULL,
                City TEXT NOT NULL, Country TEXT NOT NULL, IsActive BOOLEAN NOT NULL,
                CreatedAt TEXT NOT NULL, BirthDate DATE);
            CREATE TABLE Supplier (
                SupplierId INTEGER PRIMARY KEY, CompanyName TEXT NOT NULL, Country TEXT NOT NULL);
            CREATE TABLE Product (
                ProductId INTEGER PRIMARY KEY, ProductName TEXT NOT NULL, Category TEXT NOT NULL,
                SupplierId INTEGER NOT NULL REFERENCES Supplier (SupplierId),
                UnitPrice REAL NOT NULL, WeightKg REAL NOT NULL, UnitsInStock INTEGER NOT NULL,
                Discontinued BOOLEAN NOT NULL, ReleaseDate DATE NOT NULL);
            CREATE TABLE Orders (
                OrderId INTEGER PRIMARY KEY,
                CustomerId INTEGER NOT NULL REFERENCES Customer (CustomerId),
                OrderDate TEXT NOT NULL, ShippedAt TEXT, Status TEXT NOT NULL,
                ShipCountry TEXT NOT NULL, TotalAmount REAL NOT NULL);
            CREATE TABLE OrderLine (
                OrderId INTEGER NOT NULL REFERENCES Orders (OrderId), LineNo INTEGER NOT NULL,
                ProductId INTEGER NOT NULL REFERENCES Product (ProductId),
                Qty INTEGER NOT NULL, DiscountPct INTEGER NOT NULL,
                PRIMARY KEY (OrderId, LineNo));
            CREATE TABLE Review (
                ReviewId INTEGER PRIMARY KEY,
                ProductId INTEGER NOT NULL REFERENCES Product (ProductId),
                CustomerId INTEGER NOT NULL REFERENCES Customer (CustomerId),
                Rating INTEGER NOT NULL, HelpfulVotes INTEGER NOT NULL, PostedOn DATE NOT NULL);
            """
        )
        _fill_store(connection, stream)
        connection.commit()
    return path


COUNTRIES = ("Norway", "Peru", "Japan", "Egypt", "Ecuador", "Australia", "Italy", "Portugal")
CATEGORIES = ("Tools", "Kitchen", "Garden", "Toys", "Office", "Outdoor & Sport")
STATUSES = ("pending", "paid", "shipped", "delivered", "cancelled")


def _fill_store(connection: sqlite3.Connection, stream: random.Random) -> None:
    def day(first: int = 2019, last: int = 2023) -> str:
        year, month = stream.randint(first, last), stream.randint(1, 12)
        return f"{year}-{month:02d}-{stream.randint(1, 28):02d}"

    def moment() -> str:
        clock = f"{stream.randint(0, 23):02d}:{stream.randint(0, 59):02d}"
        return f"{day()} {clock}:{stream.randint(0, 59):02d}"

    def place() -> tuple[str, str]:
        number = stream.randrange(len(CITIES))
        return CITIES[number], COUNTRIES[number]

    def insert(table: str, rows: list[tuple[object, ...]]) -> None:
        places = ", ".join("?" for _ in rows[0])
        connection.executemany(f"INSERT INTO {table} VALUES ({places})", rows)

    names = ("Ada", "Ben", "Cleo", "Dag", "Eva", "Finn", "Gia", "Hugo", "Ida", "Jon", "Kai", "Lea")
    families = ("Berg", "Costa", "Dahl", "Endo", "Fahmy", "Gil", "Hart", "Ito", "Jara", "Kent")
    people = [f"{name} {family}" for name in names for family in families]
    stream.shuffle(people)
    insert(
        "Customer",
        [
            (n, who, f"{who.replace(' ', '.').lower()}@example.org", *place())
            + (int(stream.random() < 0.8), moment(), day(1950, 2004))
            for n, who in enumerate(people, start=1)
        ],
    )
    insert(
        "Supplier",
        [
            (n, f"{family} Trading", stream.choice(COUNTRIES))
            for n, family in enumerate(families, 1)
        ],
    )
    things = ("Lamp", "Kettle", "Rake", "Puzzle", "Stapler", "Tent", "Drill", "Pan", "Hose", "Kite")
    makes = ("Alto", "Brio", "Corvo", "Duna", "Elba", "Fjord", "Gala", "Hexa", "Iris")
    goods = [f"{make} {thing}" for make in makes for thing in things]
    insert(
        "Product",
        [
            (n, name, stream.choice(CATEGORIES), stream.randint(1, 10))
            + (stream.randint(199, 49999) / 100, stream.randint(5, 2500) / 100)
            + (stream.randint(0, 900), int(stream.random() < 0.15), day())
            for n, name in enumerate(goods, start=1)
        ],
    )
    insert(
        "Orders",
        [
            (n, stream.randint(1, len(people)), moment())
            + (moment() if stream.random() < 0.8 else None, stream.choice(STATUSES))
            + (stream.choice(COUNTRIES), stream.randint(500, 250_000) / 100)
            for n in range(10_001, 10_901)
        ],
    )
    insert(
        "OrderLine",
        [
            (n, line, stream.randint(1, len(goods)), stream.randint(1, 60), stream.randint(0, 40))
            for n in range(10_001, 10_901)
            for line in range(1, stream.randint(2, 6))
        ],
    )
    insert(
        "Review",
        [
            (n, stream.randint(1, len(goods)), stream.randint(1, len(people)))
            + (stream.randint(1, 5), stream.randint(0, 2_000), day(2020, 2024))
            for n in range(1, 601)
        ],
    )
