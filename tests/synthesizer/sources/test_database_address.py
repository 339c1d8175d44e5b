import pytest

from astra_arena.core.errors import SourceError
from astra_arena.synthesizer.sources.database_address import parse_address
from tests.support.requirement import requirement


@pytest.mark.parametrize(
    ("text", "dialect", "database", "secrets"),
    [
        ("postgresql://ann:s%40cret@db:5432/shop", "postgresql", "shop", {"s%40cret", "s@cret"}),
        ("postgres+asyncpg://db/shop", "postgresql", "shop", set[str]()),
        ("mariadb://db/my%20shop?ssl_key=k", "mysql", "my shop", {"k"}),
    ],
)
def test_an_address_is_known_by_kind_and_database(
    text: str, dialect: str, database: str, secrets: set[str]
) -> None:
    address = parse_address(text)
    assert address is not None
    assert (address.dialect, address.database, set(address.secrets)) == (dialect, database, secrets)
    assert not any(secret in f"{address!r} {address.title}" for secret in ("s%40cret", "ann", "@"))
    told = address.without_secrets("user ann, password s@cret or s%40cret")
    assert "cret" not in told or not secrets & {"s@cret"}


@pytest.mark.parametrize("text", ["shop.db", "/tmp/a.csv", "https://x/y", "sqlite:///a.db", ""])
def test_what_is_no_address_of_a_server_is_none(text: str) -> None:
    assert parse_address(text) is None


@requirement("sources:address-secrets")
@pytest.mark.parametrize(
    "text",
    [
        "postgresql://ann:hunter/2@db/shop",
        "postgresql://ann:hunter@2@db/shop",
        "postgresql://ann:hunter?2@db/shop",
        "postgresql://ann:hunter2@db:port/shop",
        "postgresql://ann:hunter2@db",
        "mysql://ann:hunter#2@[db/shop",
    ],
)
def test_an_address_that_is_not_clear_is_refused_without_repeating_it(text: str) -> None:
    with pytest.raises(SourceError, match="cannot be used") as caught:
        parse_address(text)
    assert "hunter" not in f"{caught.value.message} {caught.value.__cause__}"
