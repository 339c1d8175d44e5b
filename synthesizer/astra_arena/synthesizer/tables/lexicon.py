"""General English for the names of columns: verbs of dates, adjectives of measures, prepositions.

Holds nothing that is true of one source only; what a name means there is said by descriptions.
"""

from dataclasses import dataclass

PARTICIPLES = {
    "arrival": "",
    "birth": "born",
    "build": "built",
    "creation": "created",
    "delivery": "delivered",
    "foundation": "founded",
    "hire": "hired",
    "hiring": "hired",
    "join": "",
    "launch": "launched",
    "modification": "modified",
    "order": "ordered",
    "payment": "paid",
    "publication": "published",
    "purchase": "bought",
    "registration": "registered",
    "release": "released",
    "return": "returned",
    "rental": "rented",
    "ship": "shipped",
    "shipment": "shipped",
    "shipping": "shipped",
    "update": "updated",
}
"""What was done on a date of this name; nothing where no passive says it."""
ACTIVE = {
    "arrived": "arrive",
    "departed": "depart",
    "died": "die",
    "ended": "end",
    "enrolled": "enrol",
    "expired": "expire",
    "graduated": "graduate",
    "joined": "join",
    "resigned": "resign",
    "retired": "retire",
    "started": "start",
}
"""What somebody or something does by itself on a date, with the form for questions."""
MADE_ITSELF = {
    "appointment": "made",
    "booking": "made",
    "invoice": "issued",
    "order": "placed",
    "payment": "made",
    "purchase": "made",
    "rental": "made",
    "reservation": "made",
    "shipment": "sent",
    "transaction": "made",
}
"""What is done with a thing on the date that bears its own name."""
IRREGULAR_PARTICIPLES = frozenset(
    {
        *(
            "begun",
            "born",
            "bought",
            "broken",
            "built",
            "chosen",
            "done",
            "drawn",
            "found",
            "given",
        ),
        *("held", "lost", "made", "met", "paid", "read", "seen", "sent", "shown", "sold", "spent"),
        *("sworn", "taken", "told", "won", "written"),
    }
)
NO_PARTICIPLES = frozenset({"bed", "feed", "need", "red", "seed", "shed", "speed", "weed"})
ADVERBS = frozenset({"first", "last", "actually", "originally", "initially", "finally"})
"""Words before a participle that stay there."""
TIME_WORDS = frozenset(
    {
        *("at", "date", "datetime", "day", "dt", "on", "time", "timestamp", "ts", "utc", "when"),
    }
)

UNITS = {
    "cm": "centimetres",
    "eur": "euros",
    "ft": "feet",
    "gb": "gigabytes",
    "gbp": "pounds",
    "hours": "hours",
    "hrs": "hours",
    "kb": "kilobytes",
    "kg": "kilograms",
    "km": "kilometres",
    "km2": "square kilometres",
    "kmh": "kilometres per hour",
    "lb": "pounds",
    "lbs": "pounds",
    "m2": "square metres",
    "mb": "megabytes",
    "mi": "miles",
    "min": "minutes",
    "mins": "minutes",
    "minutes": "minutes",
    "mm": "millimetres",
    "mph": "miles per hour",
    "ms": "milliseconds",
    "pct": "percent",
    "percent": "percent",
    "sec": "seconds",
    "secs": "seconds",
    "seconds": "seconds",
    "usd": "US dollars",
}
"""Last words of names that say what numbers are counted in."""
METRES = frozenset({"altitude", "depth", "distance", "elevation", "height", "length", "width"})
"""What a name that ends in `m` has to measure: elsewhere it may be millions, or men."""
BARE_UNITS = {
    "bytes": ("size", "bytes"),
    "hours": ("duration", "hours"),
    "kilobytes": ("size", "kilobytes"),
    "milliseconds": ("length", "milliseconds"),
    "minutes": ("length", "minutes"),
    "seconds": ("length", "seconds"),
}
"""Columns that are called by their unit alone: what they measure."""


@dataclass(frozen=True, slots=True)
class Scale:
    """How a measure is spoken of."""

    ask: str
    """With `{}` for the row."""
    most: str
    least: str
    as_much: str
    """What comes between "at least" and the row that is compared with."""


SCALES = {
    "age": Scale("How old is {}?", "the oldest {}", "the youngest {}", "as old as"),
    "altitude": Scale("How high is {}?", "the highest {}", "the lowest {}", "as high as"),
    "area": Scale("How large is {}?", "the largest {}", "the smallest {}", "as large as"),
    "cost": Scale(
        "How much does {} cost?", "the most expensive {}", "the cheapest {}", "as expensive as"
    ),
    "depth": Scale("How deep is {}?", "the deepest {}", "the shallowest {}", "as deep as"),
    "duration": Scale("How long is {}?", "the longest {}", "the shortest {}", "as long as"),
    "elevation": Scale("How high is {}?", "the highest {}", "the lowest {}", "as high as"),
    "height": Scale("How tall is {}?", "the tallest {}", "the shortest {}", "as tall as"),
    "length": Scale("How long is {}?", "the longest {}", "the shortest {}", "as long as"),
    "population": Scale(
        "How many people live in {}?",
        "the most populous {}",
        "the least populous {}",
        "as populous as",
    ),
    "price": Scale(
        "How much does {} cost?", "the most expensive {}", "the cheapest {}", "as expensive as"
    ),
    "runtime": Scale("How long is {}?", "the longest {}", "the shortest {}", "as long as"),
    "size": Scale("How large is {}?", "the largest {}", "the smallest {}", "as large as"),
    "weight": Scale("How heavy is {}?", "the heaviest {}", "the lightest {}", "as heavy as"),
    "width": Scale("How wide is {}?", "the widest {}", "the narrowest {}", "as wide as"),
}
"""By the label as a whole."""

PLACES = frozenset(
    {
        *("city", "continent", "country", "county", "district", "province", "region", "state"),
        *("town", "village", "neighbourhood", "neighborhood"),
    }
)
MAKERS = {
    "architect": "designed",
    "artist": "",
    "author": "written",
    "brand": "made",
    "composer": "composed",
    "creator": "created",
    "designer": "designed",
    "developer": "developed",
    "director": "directed",
    "maker": "made",
    "manufacturer": "made",
    "owner": "owned",
    "painter": "painted",
    "photographer": "",
    "producer": "produced",
    "publisher": "published",
    "seller": "sold",
    "studio": "produced",
    "teacher": "taught",
    "translator": "translated",
    "vendor": "sold",
    "writer": "written",
}
"""What somebody of this name did to the row; nothing where "by" says it all."""
PERSONS = frozenset(
    {
        *("architect", "artist", "author", "composer", "creator", "designer", "director", "maker"),
        *("owner", "painter", "photographer", "producer", "seller", "teacher", "translator"),
        *("writer",),
    }
)
KINDS = frozenset({"category", "class", "genre", "kind", "section", "segment", "series", "type"})
"""Columns that sort rows into groups."""
UNCOUNTED = frozenset(
    {
        *("address", "basis", "gross", "process", "progress", "series", "species", "status"),
        *("access", "business", "class", "news", "sales", "earnings", "gps", "is", "has", "was"),
    }
)
"""Words that end like plurals and are none."""

GROUPS = frozenset({"category", "class", "genre", "section", "segment", "series"})
"""Kinds that rows are said to be in."""
CALLED = frozenset({"name", "full name", "company name", "display name", "product name"})
"""Labels of what a row is called."""
STATES = frozenset(
    {
        *("active", "available", "valid", "public", "private", "visible", "paid", "open", "new"),
        *("refundable", "taxable", "deleted", "hidden", "primary", "premium", "domestic", "free"),
    }
)
"""Flags that are adjectives as they stand."""
NOUNS = frozenset(
    {
        *(
            "account",
            "address",
            "airline",
            "airport",
            "album",
            "artist",
            "author",
            "book",
            "branch",
        ),
        *("category", "city", "class", "client", "company", "contact", "country", "course"),
        *("customer", "department", "device", "employee", "event", "film", "flight", "genre"),
        *("invoice", "item", "job", "line", "loan", "match", "member", "movie", "order", "patient"),
        *("payment", "person", "plane", "player", "playlist", "post", "product", "project"),
        *("region", "rental", "reservation", "review", "room", "sale", "sensor", "session"),
        *("shipment", "shipper", "shop", "song", "station", "store", "student", "supplier"),
        *("task", "teacher", "team", "ticket", "track", "transaction", "trip", "user", "vehicle"),
        *("visit", "warehouse"),
    }
)
"""Singular nouns that tables are commonly named after."""
