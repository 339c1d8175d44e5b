"""Words and identifiers from the names of tables and columns: plain English, safe Python.

The lexicon holds general abbreviations only; what a name means in one source is said by its
descriptions.
"""

import keyword
import re
import unicodedata
from collections.abc import Iterable

ABBREVIATIONS = {
    "acct": "account",
    "addr": "address",
    "alt": "altitude",
    "amt": "amount",
    "arr": "arrival",
    "avg": "average",
    "cat": "category",
    "cnt": "count",
    "dep": "departure",
    "dept": "department",
    "desc": "description",
    "dest": "destination",
    "dob": "date of birth",
    "dt": "date",
    "emp": "employee",
    "id": "ID",
    "isbn": "ISBN",
    "lang": "language",
    "lat": "latitude",
    "lng": "longitude",
    "lon": "longitude",
    "max": "maximum",
    "min": "minimum",
    "no": "number",
    "nr": "number",
    "num": "number",
    "org": "organisation",
    "pct": "percentage",
    "qty": "quantity",
    "sched": "scheduled",
    "sku": "SKU",
    "temp": "temperature",
    "tz": "time zone",
    "url": "URL",
    "yr": "year",
    "zip": "ZIP code",
}
"""Abbreviations that mean the same in most tables."""

_IRREGULAR = {
    "children": "child",
    "data": "data",
    "feet": "foot",
    "indices": "index",
    "media": "media",
    "men": "man",
    "movies": "movie",
    "news": "news",
    "people": "person",
    "series": "series",
    "species": "species",
    "women": "woman",
}
_PLURALS = {singular: plural for plural, singular in _IRREGULAR.items()}
_IDENTIFYING_WORDS = ("id", "key", "code", "number", "no", "uuid", "ref")


def words_of(name: str) -> list[str]:
    """Split a name at spaces, punctuation and humps, in lower case.

    >>> words_of("orderItem_ID")
    ['order', 'item', 'id']
    """
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", name)
    return [word for word in re.split(r"[\W_]+", spaced.lower()) if word]


def label_of(name: str) -> str:
    """Return the plain words for a column's name.

    >>> label_of("sched_dep_time")
    'scheduled departure time'
    """
    words = [ABBREVIATIONS.get(word, word) for word in words_of(name)]
    return " ".join(words) or "value"


def singular_of(name: str) -> str:
    """Return a table's name as a noun for one row.

    >>> singular_of("order_categories"), singular_of("weather"), singular_of("boxes")
    ('order category', 'weather', 'box')
    """
    words = words_of(name) or ["row"]
    return " ".join([*words[:-1], _singular(words[-1])])


def plural_of(singular: str) -> str:
    """Return the noun for many rows.

    >>> plural_of("order category"), plural_of("box"), plural_of("person")
    ('order categories', 'boxes', 'people')
    """
    *first, last = singular.split(" ")
    return " ".join([*first, _plural(last)])


def _singular(word: str) -> str:
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    if len(word) > 3 and word.endswith("ies"):
        return word[:-3] + "y"
    if re.search(r"(ss|x|ch|sh|zz)es$", word):
        return word[:-2]
    if word.endswith("s") and not re.search(r"(ss|us|is)$", word) and len(word) > 2:
        return word[:-1]
    return word


def _plural(word: str) -> str:
    if word in _PLURALS:
        return _PLURALS[word]
    if re.search(r"[^aeiou]y$", word):
        return word[:-1] + "ies"
    if re.search(r"(s|x|ch|sh|z)$", word):
        return word + "es"
    return word + "s"


def safe_identifier(name: str, *, fallback: str) -> str:
    """Return a lower-case Python identifier for a name of any script.

    >>> safe_identifier("Größe (cm)", fallback="column_3"), safe_identifier("class", fallback="x")
    ('grosse_cm', 'class_')
    """
    folded = unicodedata.normalize("NFKD", name.replace("ß", "ss"))
    ascii_text = folded.encode("ascii", "ignore").decode("ascii")
    identifier = "_".join(re.findall(r"[a-z0-9]+", "_".join(words_of(ascii_text))))
    if not identifier:
        return fallback
    if identifier[0].isdigit():
        identifier = f"n_{identifier}"
    return identifier + "_" if keyword.iskeyword(identifier) else identifier


def distinct_names(wanted: Iterable[str], *, taken: Iterable[str] = ()) -> list[str]:
    """Return the wanted names in order, with numbers after those that are doubled or taken."""
    used = set(taken)
    result: list[str] = []
    for name in wanted:
        chosen, number = name, 2
        while chosen in used:
            chosen, number = f"{name}_{number}", number + 1
        used.add(chosen)
        result.append(chosen)
    return result


def is_identifying(name: str) -> bool:
    """Tell whether a column's name says that it identifies something: `id`, `order_no`, `isbn`."""
    words = words_of(name)
    return bool(words) and (words[-1] in _IDENTIFYING_WORDS or words[-1] in ("sku", "isbn"))


def without_identifying_word(name: str) -> str | None:
    """Return the words of `customer_id` without `id`; `None` where there is no such ending.

    >>> without_identifying_word("ship_to_customer_id")
    'ship to customer'
    """
    words = words_of(name)
    if len(words) < 2 or words[-1] not in _IDENTIFYING_WORDS:
        return None
    return " ".join(ABBREVIATIONS.get(word, word) for word in words[:-1])


def a_or_an(noun: str) -> str:
    """Return a noun with its indefinite article."""
    return f"{'an' if noun[:1].lower() in 'aeiou' else 'a'} {noun}"


def joined(parts: list[str]) -> str:
    """Return "a", "a and b" or "a, b and c"."""
    if len(parts) < 2:
        return "".join(parts)
    return f"{', '.join(parts[:-1])} and {parts[-1]}"
