"""The echo tool on FastMCP's own server over streamable HTTP; runs in the peers' environment."""

import sys

from fastmcp import FastMCP

server = FastMCP("echo")


@server.tool
def echo(text: str) -> dict:
    """Return the text."""
    return {"text": text}


server.run(
    transport="http",
    host="127.0.0.1",
    port=int(sys.argv[1]),
    log_level="ERROR",
    show_banner=False,
    json_response=True,
    stateless_http=sys.argv[2:] == ["stateless"],
)
