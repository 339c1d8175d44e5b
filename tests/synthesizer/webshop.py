"""A web shop's database without any description, made on the spot; equal on every run."""

import random
import sqlite3
from contextlib import closing
from pathlib import Path

from tests.synthesizer.inputs import CITIES

COUNTRIES = ("Norway", "Peru", "Japan", "Egypt", "Ecuador", "Australia", "Italy", "Portugal")
CATEGORIES = ("Tools", "Kitchen", "Garden", "Toys", "Office", "Outdoor & Sport")
STATUSES = ("pending", "paid", "shipped", "delivered", "cancelled")


def make_webshop(path: Path) -> Path:
    """A shop as programs keep it: camel case, timestamps, flags, units in names."""
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
        _fill(connection, stream)
        connection.commit()
    return path


def _fill(connection: sqlite3.Connection, stream: random.Random) -> None:
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
            (
                *(n, who, f"{who.replace(' ', '.').lower()}@example.org", *place()),
                *(int(stream.random() < 0.8), moment(), day(1950, 2004)),
            )
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
            (
                *(n, name, stream.choice(CATEGORIES), stream.randint(1, 10)),
                *(stream.randint(199, 49999) / 100, stream.randint(5, 2500) / 100),
                *(stream.randint(0, 900), int(stream.random() < 0.15), day()),
            )
            for n, name in enumerate(goods, start=1)
        ],
    )
    insert(
        "Orders",
        [
            (
                *(n, stream.randint(1, len(people)), moment()),
                *(moment() if stream.random() < 0.8 else None, stream.choice(STATUSES)),
                *(stream.choice(COUNTRIES), stream.randint(500, 250_000) / 100),
            )
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
            (
                *(n, stream.randint(1, len(goods)), stream.randint(1, len(people))),
                *(stream.randint(1, 5), stream.randint(0, 2_000), day(2020, 2024)),
            )
            for n in range(1, 601)
        ],
    )
