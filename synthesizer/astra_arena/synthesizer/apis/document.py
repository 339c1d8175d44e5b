"""Reads what describes an API: an OpenAPI document, or the tool list of an MCP server."""

import json
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Literal, cast

from astra_arena.core.canonical import Json, JsonObject, digest_of_bytes
from astra_arena.core.errors import SettingsError, SourceError

DocumentKind = Literal["openapi", "tools"]

_WANTED = (
    "expected an OpenAPI document (2.0, 3.0 or 3.1) or an MCP tool list, "
    'the reply to tools/list with its "tools", as JSON or YAML'
)


@dataclass(frozen=True, slots=True)
class Document:
    """A document as it was read."""

    kind: DocumentKind
    content: JsonObject
    file: str
    """The file's name."""
    digest: str

    @property
    def info(self) -> JsonObject:
        """What an OpenAPI document says of itself."""
        info = self.content.get("info")
        return info if isinstance(info, dict) else {}

    @property
    def title(self) -> str:
        """What people call the API."""
        server = self.content.get("serverInfo")
        named = server.get("name") if isinstance(server, dict) else None
        title = self.info.get("title") or named
        return str(title) if title else Path(self.file).stem

    @property
    def licence(self) -> str:
        """The licence that the document states, else that it states none."""
        licence = self.info.get("license")
        given = licence if isinstance(licence, dict) else {}
        return str(given.get("identifier") or given.get("name") or "NOASSERTION")


def read_document(path: Path) -> Document:
    """Read a document.

    Raises:
        SourceError: if it cannot be read, or is none that describes an API.
        SettingsError: if it is YAML and the extra for that is not installed.
    """
    try:
        data = path.read_bytes()
        text = data.decode("utf-8-sig")
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise SourceError(f"{path}: {_WANTED}; got bytes that are no UTF-8 text") from None
    content = _parsed(path, text)
    return Document(_kind(path, content), content, path.name, digest_of_bytes(data))


def _parsed(path: Path, text: str) -> JsonObject:
    begins = text.lstrip()[:1]
    try:
        value: object = json.loads(text) if begins in ("{", "[") else _yaml(text)
    except (ValueError, RecursionError) as error:
        told = " ".join(str(error).split())[:200]
        raise SourceError(f"{path}: {_WANTED}; it cannot be parsed: {told}") from None
    if isinstance(value, list):
        # Some clients save the list alone.
        value = {"tools": cast("list[object]", value)}
    if not isinstance(value, dict):
        raise SourceError(f"{path}: {_WANTED}; got {type(value).__name__}")
    return cast("JsonObject", value)


def _yaml(text: str) -> object:
    try:
        import yaml
    except ImportError:
        raise SettingsError(
            "reading YAML needs the extra 'api': pip install 'astra-arena[api]'"
        ) from None
    try:
        return _with_text_keys(yaml.safe_load(text))
    except yaml.YAMLError as error:
        raise ValueError(str(error)) from None


def _with_text_keys(value: object) -> Json:
    """Return a value with every key a text: YAML reads the key 200 as a number."""
    match value:
        case dict():
            items = cast("dict[object, object]", value).items()
            return {str(key): _with_text_keys(inner) for key, inner in items}
        case list():
            return [_with_text_keys(item) for item in cast("list[object]", value)]
        case None | bool() | int() | float() | str():
            return value
        case date():
            # YAML reads dates where JSON has texts.
            return value.isoformat()
        case _:
            raise ValueError(f"a value of type {type(value).__name__} has no place in JSON")


def _kind(path: Path, content: JsonObject) -> DocumentKind:
    version = content.get("openapi", content.get("swagger"))
    if version is not None:
        if not str(version).startswith(("3.", "2.0")):
            raise SourceError(f"{path}: {_WANTED}; got OpenAPI {version}")
        if not isinstance(content.get("paths"), dict):
            raise SourceError(f"{path}: {_WANTED}; this one has no 'paths', so no operations")
        return "openapi"
    # A JSON-RPC reply holds the list under "result".
    result = content.get("result")
    if isinstance(result, dict) and isinstance(result.get("tools"), list):
        content["tools"] = result["tools"]
    if not isinstance(content.get("tools"), list):
        keys = ", ".join(list(content)[:5]) or "nothing"
        raise SourceError(f"{path}: {_WANTED}; got an object with {keys}")
    return "tools"
