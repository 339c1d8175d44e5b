"""Makes up values that a schema admits and that look like what a column's name says."""

import random
import re
from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from astra_arena.core.canonical import Json, JsonObject
from astra_arena.core.errors import SettingsError
from astra_arena.core.schema import Checker
from astra_arena.synthesizer.apis.reply_shapes import types_in
from astra_arena.synthesizer.tables.naming import words_of

if TYPE_CHECKING:
    pass

FIRST_DAY = date(2023, 1, 1)
DAYS = 700
"""All dates lie before the world's clock."""
MOST_DEPTH = 6
MOST_TRIES = 12
_MONEY = frozenset({"price", "amount", "cost", "fee", "balance", "salary", "revenue", "budget"})
_PEOPLE = frozenset(
    {
        *("user", "customer", "author", "owner", "employee", "passenger", "person", "member"),
        *("contact", "patient", "student", "teacher", "agent", "creator", "guest", "driver"),
        *("character", "performer", "staff", "assignee", "client", "profile", "account"),
    }
)
_PLACES = frozenset(
    {"station", "city", "location", "place", "store", "airport", "venue", "region", "site", "town"}
)
_PETS = frozenset({"pet", "animal", "dog", "cat", "horse"})


class ValueMaker:
    """Makes values; equal seeds of a stream give equal values.

    Raises:
        SettingsError: if the extra that makes names is not installed.
    """

    def __init__(self) -> None:
        try:
            from faker import Faker

            from astra_arena.synthesizer.apis.pattern_texts import PatternTexts
        except ImportError:
            raise SettingsError(
                "making up rows needs the extra 'api': pip install 'astra-arena[api]'"
            ) from None
        self._faker: Faker = Faker("en_US")
        self._texts = PatternTexts

    def value(self, name: str, noun: str, schema: JsonObject, stream: random.Random) -> Json:
        """Return a value that the schema admits; `None` where none could be made.

        Args:
            name: What holds the value.
            noun: The thing that has it.
            schema: What it must satisfy.
            stream: Decides it.
        """
        checker = Checker(schema)
        for _ in range(MOST_TRIES):
            self._faker.seed_instance(stream.getrandbits(64))
            made = self._made(name, noun, schema, stream, 0)
            if checker.finding(made) is None:
                return made
        return None

    def _made(
        self, name: str, noun: str, schema: JsonObject, stream: random.Random, depth: int
    ) -> Json:
        if "const" in schema:
            return schema["const"]
        listed = schema.get("enum")
        if isinstance(listed, list) and listed:
            return stream.choice([one for one in listed if one is not None] or listed)
        for key in ("oneOf", "anyOf", "allOf"):
            branches = schema.get(key)
            if isinstance(branches, list) and branches:
                first = branches[0]
                return (
                    self._made(name, noun, first, stream, depth)
                    if isinstance(first, dict)
                    else None
                )
        match next(iter(sorted(types_in(schema))), ""):
            case "boolean":
                return stream.random() < 0.5
            case "integer" | "number" as kind:
                return self._number(name, schema, stream, whole=kind == "integer")
            case "array":
                return self._list(name, noun, schema, stream, depth)
            case "object":
                return self._object(name, schema, stream, depth)
            case _:
                return self._text(name, noun, schema, stream)

    def _object(self, name: str, schema: JsonObject, stream: random.Random, depth: int) -> Json:
        properties, required = schema.get("properties"), schema.get("required")
        needed = required if isinstance(required, list) else []
        made: JsonObject = {}
        for key, rule in properties.items() if isinstance(properties, dict) else ():
            if isinstance(rule, dict) and (key in needed or depth < MOST_DEPTH):
                value = self._made(key, name, rule, stream, depth + 1)
                if value is not None or key in needed:
                    made[key] = value
        return made

    def _list(
        self, name: str, noun: str, schema: JsonObject, stream: random.Random, depth: int
    ) -> Json:
        items = schema.get("items")
        least, most = _whole(schema.get("minItems"), 0), _whole(schema.get("maxItems"), 3)
        if not isinstance(items, dict) or (depth >= MOST_DEPTH and not least):
            return []
        count = stream.randint(max(1, least) if most else 0, max(least, min(most, 3)))
        made: list[Json] = []
        for _ in range(count):
            value = self._made(name.removesuffix("s"), noun, items, stream, depth + 1)
            if value not in made:
                made.append(value)
        return made

    def _number(self, name: str, schema: JsonObject, stream: random.Random, *, whole: bool) -> Json:
        low, high = _bounds(words_of(name))
        low, high = _limit(schema, "inimum", 1, low), _limit(schema, "aximum", -1, high)
        if high < low:
            low, high = (low, low + 1000) if "minimum" in schema else (high - 1000, high)
        step = schema.get("multipleOf")
        value = stream.uniform(low, high)
        if whole or (float(low).is_integer() and step == 1):
            made: int | float = stream.randint(int(low), max(int(low), int(high)))
        else:
            made = round(value, 2)
        if isinstance(step, int | float) and step:
            made = round(round(made / step) * step, 6)
        return int(made) if whole else made

    def _text(self, name: str, noun: str, schema: JsonObject, stream: random.Random) -> str:
        pattern = schema.get("pattern")
        if isinstance(pattern, str):
            made = self._named(name, noun, schema, stream)
            try:
                if re.search(pattern, made):
                    return made
                return self._texts(stream).text(pattern)
            except (re.error, ValueError):
                return made
        made = self._named(name, noun, schema, stream)
        least, most = _whole(schema.get("minLength"), 0), _whole(schema.get("maxLength"), 500)
        while len(made) < least:
            made += "x"
        return made[:most].strip() or made[:most]

    def _named(self, name: str, noun: str, schema: JsonObject, stream: random.Random) -> str:
        kind = schema.get("format")
        if kind in ("date", "date-time", "time"):
            return _moment(str(kind), stream)
        words = words_of(name)
        said = {"url": "uri"}.get(words[-1], words[-1]) if words else ""
        makers = self._makers(stream)
        for key in (str(kind), said):
            if key in makers:
                return " ".join(str(makers[key]()).split())
        return self._plain(words, noun)

    def _makers(self, stream: random.Random) -> dict[str, Callable[[], object]]:
        """Return what makes values of a format, or of a name that ends with a word."""
        fake = self._faker
        return {
            "email": fake.email,
            "uri": fake.url,
            "uuid": lambda: str(fake.uuid4()),
            "ipv4": fake.ipv4,
            "hostname": fake.hostname,
            "href": fake.url,
            "link": fake.url,
            "urls": fake.image_url,
            "phone": fake.phone_number,
            "city": fake.city,
            "country": fake.country,
            "street": fake.street_address,
            "address": lambda: fake.street_address() + ", " + fake.city(),
            "zip": fake.postcode,
            "postcode": fake.postcode,
            "state": fake.state,
            "company": fake.company,
            "operator": fake.company,
            "username": fake.user_name,
            "login": fake.user_name,
            "handle": fake.user_name,
            "password": fake.password,
            "passcode": fake.password,
            "color": fake.color_name,
            "colour": fake.color_name,
            "currency": fake.currency_code,
            "timezone": fake.timezone,
            "language": fake.language_name,
            "locale": lambda: fake.locale(),
            "slug": fake.slug,
            "sha": fake.sha1,
            "hash": fake.sha1,
            "token": fake.sha1,
            "ref": lambda: fake.bothify("??-####").upper(),
            "code": lambda: fake.bothify("??###").upper(),
            "key": lambda: fake.bothify("??#?##?#??#?"),
            "id": lambda: fake.bothify("??######"),
            "uid": lambda: fake.bothify("??##########").upper(),
            "sku": lambda: fake.bothify("???-#####").upper(),
            "version": lambda: fake.numerify("%.#.#"),
            "title": lambda: fake.catch_phrase(),
            "subject": lambda: fake.catch_phrase(),
            "filename": fake.file_name,
            "path": fake.file_path,
            "job": fake.job,
            "gender": lambda: stream.choice(["female", "male"]),
            **dict.fromkeys(("date", "at", "on", "time"), lambda: _moment("date-time", stream)),
            **dict.fromkeys(
                ("description", "summary", "text", "message", "body", "comment", "content"),
                lambda: fake.sentence(nb_words=8),
            ),
        }

    def _plain(self, words: list[str], noun: str) -> str:
        fake, about = self._faker, {*words, *words_of(noun)}
        if words[:2] == ["first", "name"]:
            return str(fake.first_name())
        if words[:2] == ["last", "name"]:
            return str(fake.last_name())
        if words == ["country", "code"]:
            return str(fake.country_code())
        if words[-1:] == ["name"] or set(words) & (_PEOPLE | _PLACES):
            if about & _PEOPLE:
                return str(fake.name())
            if about & _PETS:
                return str(fake.first_name())
            return str(fake.city() if about & _PLACES else fake.catch_phrase())
        return " ".join(str(word) for word in fake.words(2))


def _moment(kind: str, stream: random.Random) -> str:
    day = FIRST_DAY + timedelta(days=stream.randrange(DAYS))
    if kind == "date":
        return day.isoformat()
    at = datetime(day.year, day.month, day.day) + timedelta(minutes=stream.randrange(24 * 60))
    told = at.strftime("%Y-%m-%dT%H:%M:%SZ")
    return told if kind == "date-time" else told[11:]


def _bounds(words: list[str]) -> tuple[float, float]:
    said = set(words)
    if said & _MONEY:
        return 5, 900
    if "year" in said:
        return 1950, 2024
    if said & {"latitude", "lat"}:
        return -60, 70
    if said & {"longitude", "lon", "lng"}:
        return -180, 180
    if said & {"quantity", "qty", "seats", "stars"}:
        return 1, 40
    if said & {"rating", "score"}:
        return 1, 5
    if said & {"age"}:
        return 1, 90
    if said & {"percent", "percentage"}:
        return 0, 100
    if said & {"id"}:
        return 10_000, 99_999
    return 1, 5_000


def _limit(schema: JsonObject, ending: str, step: int, otherwise: float) -> float:
    plain = schema.get(f"m{ending}")
    strict = schema.get(f"exclusiveM{ending}")
    if isinstance(plain, int | float):
        bound = plain
    elif isinstance(strict, int | float):
        bound = strict + step
    else:
        return otherwise
    return max(bound, otherwise) if step > 0 else min(bound, otherwise)


def _whole(value: Json, otherwise: int) -> int:
    return int(value) if isinstance(value, int | float) else otherwise
