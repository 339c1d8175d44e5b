"""The address of a database, whose password and host never leave this process.

Nothing here prints an address: bundles and messages name its kind and database alone.
"""

import re
from dataclasses import dataclass, field
from typing import Literal, TypeAlias
from urllib.parse import parse_qsl, unquote, urlsplit

from astra_arena.core.errors import SourceError

Dialect: TypeAlias = Literal["postgresql", "mysql"]

_DIALECTS: dict[str, Dialect] = {
    "postgresql": "postgresql",
    "postgres": "postgresql",
    "mysql": "mysql",
    "mariadb": "mysql",
}
_DRIVERS: dict[Dialect, str] = {
    "postgresql": "postgresql+psycopg",
    "mysql": "mysql+pymysql",
}
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9]*)(?:\+[A-Za-z0-9_]+)?://(.*)", re.DOTALL)
_HIDDEN = "***"


@dataclass(frozen=True, slots=True)
class DatabaseAddress:
    """A database on a server."""

    dialect: Dialect
    database: str
    driver_url: str = field(repr=False)
    """The address for SQLAlchemy, with the driver that the extra brings."""
    secrets: tuple[str, ...] = field(repr=False)
    """What must not be shown: password and options, as typed and as meant."""

    @property
    def title(self) -> str:
        """What bundles and messages call it."""
        return f"{self.dialect} database {self.database!r}"

    def without_secrets(self, text: str) -> str:
        """Return a text in which no secret stands."""
        for secret in self.secrets:
            text = text.replace(secret, _HIDDEN)
        return text


def parse_address(text: str) -> DatabaseAddress | None:
    """Read the address of a database; None for a text that is none, like a path.

    Raises:
        SourceError: if it is one and cannot be used; the message holds nothing of it but its kind.
    """
    found = _SCHEME.fullmatch(text)
    dialect = _DIALECTS.get(found[1].lower()) if found else None
    if found is None or dialect is None:
        return None
    user, at, _ = found[2].rpartition("@")
    # A password with one of these, as typed, would be taken for a host or a database.
    if at and re.search("[@/?#]", user):
        raise SourceError(_unclear(dialect, "more than a user and a password stands before '@'"))
    rest = f"{_DRIVERS[dialect]}://{found[2]}"
    try:
        parts = urlsplit(rest)
        password, _ = parts.password, parts.port
    except ValueError:
        raise SourceError(_unclear(dialect, "its host or port cannot be read")) from None
    database = unquote(parts.path.removeprefix("/"))
    if not database or "/" in database:
        raise SourceError(_unclear(dialect, "it names no database"))
    said = [password or "", *(value for _, value in parse_qsl(parts.query))]
    secrets = {part for one in said for part in (one, unquote(one)) if part}
    return DatabaseAddress(dialect, database, rest, tuple(sorted(secrets, key=len, reverse=True)))


def _unclear(dialect: Dialect, why: str) -> str:
    return (
        f"the address of the {dialect} database cannot be used: {why}; expected "
        f"{dialect}://USER:PASSWORD@HOST:PORT/DATABASE. Write '@', '/', '?', '#' and '%' within "
        "the password as %40, %2F, %3F, %23 and %25, or leave it to PGPASSWORD or a .pgpass file"
    )
