"""A stateful MCP server of somebody else's, over stdio or HTTP; run as a program."""

import os
import sys

from mcp.server import MCPServer
from mcp.types import ToolAnnotations

server = MCPServer("notes", version="1")
_NOTES: dict[str, str] = {"hillside-city": "Wuppertal"}


@server.tool(annotations=ToolAnnotations(read_only_hint=True))
def get_note(title: str) -> dict[str, str]:
    """Return a note."""
    if title not in _NOTES:
        raise ValueError(f"no note {title!r}")
    return {"title": title, "text": _NOTES[title]}


@server.tool(name="addNote")
def add_note(title: str, text: str) -> dict[str, int]:
    """Add a note."""
    _NOTES[title] = text
    return {"count": len(_NOTES)}


@server.tool(structured_output=False)
def crash() -> str:
    """End the server."""
    os._exit(3)


@server.tool(structured_output=False)
def listing() -> str:
    """List the titles as JSON text."""
    return '{"titles": ["' + '", "'.join(sorted(_NOTES)) + '"]}'


if __name__ == "__main__":
    if len(sys.argv) > 1:
        server.run("streamable-http", port=int(sys.argv[1]))
    else:
        server.run("stdio")
