"""A shop whose orders number a million: the largest input that synthesis is measured on."""

import csv
import random
from collections.abc import Iterable
from datetime import date, timedelta
from pathlib import Path

CITIES = ("Oslo", "Lima", "Kyoto", "Cairo", "Quito", "Perth", "Turin", "Porto")
STATES = ("open", "paid", "shipped", "returned")


def write_large_tables(folder: Path, *, rows: int) -> Path:
    """Write customers, products and orders as CSV, `rows` orders of them."""
    folder.mkdir(parents=True, exist_ok=True)
    stream = random.Random(5)
    customers, products = rows // 20, rows // 200
    _write(
        folder / "customers.csv",
        ("customer_id", "name", "city", "born"),
        (
            (n, f"Customer {n:06d}", stream.choice(CITIES), _day(stream, 1950, 20_000))
            for n in range(1, customers + 1)
        ),
    )
    _write(
        folder / "products.csv",
        ("sku", "title", "price", "weight"),
        (
            (
                f"SKU-{n:05d}",
                f"Thing {n}",
                stream.randint(100, 99_999) / 100,
                stream.randint(1, 900),
            )
            for n in range(1, products + 1)
        ),
    )
    _write(
        folder / "orders.csv",
        ("order_id", "customer_id", "sku", "placed_on", "quantity", "total", "state"),
        (
            (
                n,
                stream.randint(1, customers),
                f"SKU-{stream.randint(1, products):05d}",
                _day(stream, 2015, 3_600),
                stream.randint(1, 40),
                stream.randint(500, 999_999) / 100,
                stream.choice(STATES),
            )
            for n in range(1, rows + 1)
        ),
    )
    return folder


def _day(stream: random.Random, year: int, span: int) -> str:
    return (date(year, 1, 1) + timedelta(days=stream.randrange(span))).isoformat()


def _write(path: Path, columns: tuple[str, ...], rows: Iterable[tuple[object, ...]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(rows)
