"""Where a model is and how it is asked."""

from typing import Self
from urllib.parse import urlsplit

from pydantic import Field

from astra_arena.core.canonical import JsonObject
from astra_arena.core.errors import SettingsError
from astra_arena.core.model import Model

HOSTED_URL = "https://api.openai.com/v1"
HOSTED_KEY = "OPENAI_API_KEY"

DEFAULT_CONCURRENCY = 8
DEFAULT_RETRIES = 4
DEFAULT_TIMEOUT_S = 300.0


class Endpoint(Model):
    """One model behind the chat completions of an OpenAI-compatible server."""

    model: str = Field(min_length=1)
    base_url: str = HOSTED_URL
    """Up to and without `/chat/completions`: for most servers it ends in `/v1`."""
    api_key_env: str | None = None
    """The environment variable that holds the key; `None` for servers that want none."""
    concurrency: int = Field(default=DEFAULT_CONCURRENCY, ge=1)
    """The most requests under way at once, those that wait for a retry included."""
    retries: int = Field(default=DEFAULT_RETRIES, ge=0, le=20)
    """How often a lost or refused attempt is repeated, after growing waits."""
    timeout_s: float = Field(default=DEFAULT_TIMEOUT_S, gt=0)
    """Of one attempt, from first to last byte."""
    structured: bool = True
    """Whether replies are held to their JSON Schema where the endpoint can do that."""
    tags: bool = True
    """Whether requests say in a header what they are for; see `request_tags`."""
    body: JsonObject = Field(default_factory=dict)
    """Fields that each request carries besides, for what a server offers of its own."""

    @classmethod
    def of(
        cls,
        model: str,
        base_url: str | None = None,
        *,
        api_key_env: str | None = None,
        **settings: object,
    ) -> Self:
        """Return an endpoint with the defaults that follow from its address.

        Without an address it is the hosted one, whose key is in `OPENAI_API_KEY`; one with an
        address has no key unless a variable is named.

        Raises:
            SettingsError: if the address or a setting cannot be used.
        """
        if base_url is None:
            api_key_env = api_key_env or HOSTED_KEY
        url = _required_url(base_url or HOSTED_URL)
        given = {"model": model, "base_url": url, "api_key_env": api_key_env, **settings}
        return cls.from_json(given, what="model settings")


def _required_url(base_url: str) -> str:
    try:
        parts = urlsplit(base_url)
        host = parts.hostname
    except ValueError:
        parts, host = urlsplit(""), None
    if parts.username or parts.password or parts.query or parts.fragment:
        # Never quoted: what stands there may be a secret.
        raise SettingsError(
            "expected --base-url without user, password or query; the key goes into the "
            "environment variable that --api-key-env names"
        )
    if parts.scheme not in ("http", "https") or not host:
        raise SettingsError(f"expected --base-url like http://127.0.0.1:8000/v1, got {base_url!r}")
    return base_url
