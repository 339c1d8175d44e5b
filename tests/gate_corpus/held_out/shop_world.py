"""Orders of a shop for garden tools: lines with composite keys, cancellations (SQLite)."""

from typing import Any

from astra_arena.core.canonical import JsonObject
from astra_arena.core.randomness import random_stream
from tests.gate_corpus.case import Draft, Tables
from tests.gate_corpus.writing import (
    DATE,
    INTEGER,
    LIMIT,
    TEXT,
    Writer,
    environment,
    page_of,
    tool,
)

NAME = "garden-shop"
WRITER = Writer(NAME)
Row = dict[str, Any]

_GIVEN = [
    "Amélie",
    "Björn",
    "Chloé",
    "Dušan",
    "Éva",
    "Fátima",
    "Günther",
    "Håkon",
    "Inês",
    "José",
    "Kinga",
    "Łukasz",
]
_FAMILY = [
    "Åberg",
    "Černý",
    "Dvořák",
    "Fernández",
    "Grønli",
    "Horváth",
    "Jørgensen",
    "Kowalski",
    "Müller",
    "Núñez",
]
_ARTICLES = [
    "Spade",
    "Rake",
    "Hoe",
    "Trowel",
    "Shears",
    "Hose",
    "Barrow",
    "Sieve",
    "Dibber",
    "Edger",
    "Lopper",
    "Sprayer",
]
_MAKES = [
    "Fernhill",
    "Oakmark",
    "Stonegate",
    "Larkfield",
    "Thornbury",
    "Willowby",
    "Ashdown",
    "Bramley",
    "Copse",
]
_SIZES = ["small", "medium", "large"]
_CITIES = [
    "Århus",
    "Gdańsk",
    "Málaga",
    "Besançon",
    "Plzeň",
    "Győr",
    "Tromsø",
    "Évora",
    "Würzburg",
    "Malmö",
]

SCHEMA = """
CREATE TABLE customers (customer_id INTEGER PRIMARY KEY, name TEXT NOT NULL, email TEXT NOT NULL,
  city TEXT NOT NULL);
CREATE TABLE suppliers (supplier_id TEXT PRIMARY KEY, name TEXT NOT NULL, phone TEXT NOT NULL);
CREATE TABLE products (sku TEXT PRIMARY KEY, name TEXT NOT NULL, price_cents INTEGER NOT NULL,
  supplier_id TEXT NOT NULL REFERENCES suppliers);
CREATE TABLE orders (order_id INTEGER PRIMARY KEY,
  customer_id INTEGER NOT NULL REFERENCES customers, placed_on TEXT NOT NULL,
  status TEXT NOT NULL, tracking_code TEXT NOT NULL,
  ship_to TEXT NOT NULL, note TEXT NOT NULL);
CREATE TABLE order_lines (order_id INTEGER NOT NULL REFERENCES orders, line_no INTEGER NOT NULL,
  sku TEXT NOT NULL REFERENCES products, quantity INTEGER NOT NULL,
  unit_price_cents INTEGER NOT NULL, PRIMARY KEY (order_id, line_no)) WITHOUT ROWID;
CREATE INDEX orders_of ON orders (customer_id);
"""

TOOLS_PY = '''\
"""Tools of a shop for garden tools."""


def _rows(world, sql, values):
    cursor = world.execute(sql, values)
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row)) for row in cursor.fetchall()]


def _one(world, sql, values, what):
    rows = _rows(world, sql, values)
    if not rows:
        raise LookupError(f"no such {what}: {', '.join(str(value) for value in values)}")
    return rows[0]


def get_customer(world, *, customer_id):
    """Return one customer."""
    return _one(world, "SELECT * FROM customers WHERE customer_id = ?", [customer_id], "customer")


def get_supplier(world, *, supplier_id):
    """Return one supplier."""
    return _one(world, "SELECT * FROM suppliers WHERE supplier_id = ?", [supplier_id], "supplier")


def get_product(world, *, sku):
    """Return one product."""
    return _one(world, "SELECT * FROM products WHERE sku = ?", [sku], "product")


def get_order(world, *, order_id):
    """Return one order without its lines."""
    return _one(world, "SELECT * FROM orders WHERE order_id = ?", [order_id], "order")


def get_order_line(world, *, order_id, line_no):
    """Return one line of an order."""
    return _one(
        world,
        "SELECT * FROM order_lines WHERE order_id = ? AND line_no = ?",
        [order_id, line_no],
        "order line",
    )


def search_orders(world, *, customer_id, status=None, limit=5):
    """Return a customer's orders, the latest first."""
    where, values = "customer_id = ?", [customer_id]
    if status is not None:
        where += " AND status = ?"
        values.append(status)
    total = world.execute(f"SELECT count(*) FROM orders WHERE {where}", values).fetchone()[0]
    rows = _rows(
        world,
        f"SELECT order_id, placed_on, status FROM orders WHERE {where}"
        " ORDER BY placed_on DESC, order_id LIMIT ?",
        [*values, limit],
    )
    return {"rows": rows, "total": total, "limit": limit}


def order_total(world, *, order_id):
    """Return what an order costs."""
    _one(world, "SELECT * FROM orders WHERE order_id = ?", [order_id], "order")
    lines, cents = world.execute(
        "SELECT count(*), sum(quantity * unit_price_cents) FROM order_lines WHERE order_id = ?",
        [order_id],
    ).fetchone()
    return {"order_id": order_id, "lines": lines, "total_cents": cents or 0}


def cancel_order(world, *, order_id, reason):
    """Cancel an order that has not left yet."""
    order = _one(world, "SELECT * FROM orders WHERE order_id = ?", [order_id], "order")
    if order["status"] not in ("placed", "packed"):
        raise ValueError(f"order {order_id} is {order['status']} and cannot be cancelled")
    world.execute(
        "UPDATE orders SET status = 'cancelled', note = ? WHERE order_id = ?", [reason, order_id]
    )
    return {"order_id": order_id, "status": "cancelled", "note": reason,
            "tracking_code": order["tracking_code"]}


def change_quantity(world, *, order_id, line_no, quantity):
    """Change how many pieces a line of an order asks for, as long as nothing was packed."""
    order = _one(world, "SELECT * FROM orders WHERE order_id = ?", [order_id], "order")
    if order["status"] != "placed":
        raise ValueError(f"order {order_id} is {order['status']}; its lines are fixed")
    line = get_order_line(world, order_id=order_id, line_no=line_no)
    world.execute(
        "UPDATE order_lines SET quantity = ? WHERE order_id = ? AND line_no = ?",
        [quantity, order_id, line_no],
    )
    total = order_total(world, order_id=order_id)["total_cents"]
    return {"order_id": order_id, "sku": line["sku"], "quantity": quantity, "total_cents": total}
'''

STATUSES = ["placed", "packed", "shipped", "delivered", "cancelled"]
_ORDER_ID = {"order_id": INTEGER}
_REASON: JsonObject = {"type": "string", "minLength": 3, "maxLength": 120}
_QUANTITY: JsonObject = {"type": "integer", "minimum": 1, "maximum": 99}
_STATUS: JsonObject = {"type": ["string", "null"], "enum": [*STATUSES, None], "default": None}

TOOLS = (
    tool(
        "get_customer",
        "Look up a customer.",
        {"customer_id": INTEGER},
        {"customer_id": INTEGER, "name": TEXT, "email": TEXT, "city": TEXT},
    ),
    tool(
        "get_supplier",
        "Look up a supplier.",
        {"supplier_id": TEXT},
        {"supplier_id": TEXT, "name": TEXT, "phone": TEXT},
    ),
    tool(
        "get_product",
        "Look up a product by its stock number.",
        {"sku": TEXT},
        {"sku": TEXT, "name": TEXT, "price_cents": INTEGER, "supplier_id": TEXT},
    ),
    tool(
        "get_order",
        "Look up an order; its lines are told apart.",
        {**_ORDER_ID},
        {
            **_ORDER_ID,
            "customer_id": INTEGER,
            "placed_on": DATE,
            "status": {"type": "string", "enum": [*STATUSES]},
            "tracking_code": TEXT,
            "ship_to": TEXT,
            "note": TEXT,
        },
    ),
    tool(
        "get_order_line",
        "Look up a line of an order by its number in the order.",
        {**_ORDER_ID, "line_no": INTEGER},
        {
            **_ORDER_ID,
            "line_no": INTEGER,
            "sku": TEXT,
            "quantity": INTEGER,
            "unit_price_cents": INTEGER,
        },
    ),
    tool(
        "search_orders",
        "List a customer's orders, the latest first, all or those in one status.",
        {"customer_id": INTEGER, "status": _STATUS, "limit": LIMIT},
        page_of({**_ORDER_ID, "placed_on": DATE, "status": TEXT}),
    ),
    tool(
        "order_total",
        "Add up what an order costs, in cents.",
        {**_ORDER_ID},
        {**_ORDER_ID, "lines": INTEGER, "total_cents": INTEGER},
    ),
    tool(
        "cancel_order",
        "Cancel an order that has not been shipped; the reason is kept as its note.",
        {**_ORDER_ID, "reason": _REASON},
        {**_ORDER_ID, "status": TEXT, "note": TEXT, "tracking_code": TEXT},
        read_only=False,
    ),
    tool(
        "change_quantity",
        "Change the quantity of a line of an order that is not packed yet.",
        {**_ORDER_ID, "line_no": INTEGER, "quantity": _QUANTITY},
        {**_ORDER_ID, "sku": TEXT, "quantity": INTEGER, "total_cents": INTEGER},
        read_only=False,
    ),
)


def _made() -> dict[str, list[Row]]:
    stream = random_stream(0, "corpus", NAME)
    customers: list[Row] = [
        {
            "customer_id": number,
            "name": f"{_GIVEN[i // 40]} {_FAMILY[i % 10]}",
            "email": f"kunde{stream.randint(10_000, 99_999)}@mail.example",
            "city": stream.choice(_CITIES),
        }
        for i, number in enumerate(stream.sample(range(10_000, 99_999), 480))
    ]
    suppliers: list[Row] = [
        {
            "supplier_id": f"SUP-{number}",
            "name": f"{_MAKES[i % 9]} {_FAMILY[i // 9 % 10]} Works",
            "phone": f"+45 {stream.randint(10_000_000, 99_999_999)}",
        }
        for i, number in enumerate(stream.sample(range(1000, 9999), 400))
    ]
    products: list[Row] = [
        {
            "sku": f"GT-{number}",
            "name": f"{_MAKES[i % 9]} {_ARTICLES[i // 9 % 12]} {_SIZES[i // 108]}",
            "price_cents": stream.randint(1200, 19_900),
            "supplier_id": stream.choice(suppliers)["supplier_id"],
        }
        for i, number in enumerate(stream.sample(range(10_000, 99_999), 324))
    ]
    orders: list[Row] = [
        {
            "order_id": number,
            "customer_id": stream.choice(customers)["customer_id"],
            "placed_on": f"2025-0{stream.randint(1, 2)}-{stream.randint(1, 28):02}",
            "status": STATUSES[i % 4],
            "tracking_code": f"TR{stream.randint(10_000_000, 99_999_999)}",
            "ship_to": f"{stream.randint(1, 99)} {stream.choice(_CITIES)} Road",
            "note": "",
        }
        for i, number in enumerate(stream.sample(range(500_000, 999_999), 260))
    ]
    lines: list[Row] = []
    for order in orders:
        for line_no, product in enumerate(stream.sample(products, stream.randint(2, 5)), start=1):
            lines.append(
                {
                    "order_id": order["order_id"],
                    "line_no": line_no,
                    "sku": product["sku"],
                    "quantity": stream.randint(1, 9),
                    "unit_price_cents": product["price_cents"],
                }
            )
    return {
        "customers": customers,
        "suppliers": suppliers,
        "products": products,
        "orders": orders,
        "order_lines": lines,
    }


ROWS = _made()


def row(table: str, **key: object) -> Row:
    """Return the row with these values."""
    return next(one for one in ROWS[table] if all(one[k] == v for k, v in key.items()))


def shop() -> Draft:
    """Return the environment without tasks."""
    return Draft(
        environment=environment(
            NAME,
            "Garden shop",
            "Customers, suppliers, products and orders of a shop for garden tools.",
            TOOLS,
        ),
        tools_py=TOOLS_PY,
        world=Tables(SCHEMA, ROWS),
        tasks=(),
    )
