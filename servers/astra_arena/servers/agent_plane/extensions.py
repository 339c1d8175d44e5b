"""What others add to an environment's MCP server: tools, resources, prompts, any other handler.

An environment's own tools are data: JSON in, JSON out, every call logged and scored. Whoever needs
more of MCP on the same address (tools that return images, ask the client's model or its user, send
log messages; resources, templates, prompts, completions, subscriptions) writes an extension.

Nothing that an extension does is part of an episode: its calls are neither logged nor charged, and
it gets no episode. It runs in the server's own process, outside of the sandbox: it is trusted code.

```python
class Pictures:
    def tools(self) -> Sequence[ExtraTool]:
        return [ExtraTool(wire.Tool(name="draw", input_schema={"type": "object"}), self._draw)]

    def register(self, server: Server[Any]) -> None:
        server.add_request_handler("completion/complete", wire.CompleteRequestParams, complete)

    async def _draw(self, context: RequestContext, params: wire.CallToolRequestParams): ...


open_server([bundle], extensions={bundle.name: [Pictures()]})
```

On the command line: `arena serve flights/ --extension my_module:Pictures`.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Protocol, TypeAlias, cast

import mcp.types as wire
from mcp.server import Server, ServerRequestContext

from astra_arena.core.errors import SettingsError

# The SDK types lifespan state and requests as `Any`; nothing here reads the former.
RequestContext: TypeAlias = ServerRequestContext[Any, Any]

ToolHandler: TypeAlias = Callable[
    [RequestContext, wire.CallToolRequestParams],
    Awaitable[wire.CallToolResult | wire.InputRequiredResult],
]


@dataclass(frozen=True, slots=True)
class ExtraTool:
    """A tool that is listed after the environment's own."""

    listed: wire.Tool
    """Its name must be none of the environment's; one of the same name is left out."""
    call: ToolHandler
    """What it raises reaches the client as a fixed text, except for `MCPError`, which goes as it
    is."""


class ServerExtension(Protocol):
    """Adds to one environment's MCP server. Made once, used by all its clients."""

    def tools(self) -> Sequence[ExtraTool]:
        """Return the tools to list beside the environment's own, in order."""
        ...

    def register(self, server: Server[Any]) -> None:
        """Add handlers to the server: `server.add_request_handler(method, params_type, handler)`.

        Called once, after the environment's own handlers were added, so that a handler for a method
        of theirs takes its place. `tools/list` and `tools/call` are not to be replaced; use `tools`
        for these. The server advertises what it has handlers for.
        """
        ...


Extensions: TypeAlias = Mapping[str, Sequence[ServerExtension]]
"""By name of the environment or suite; those under `*` belong to all of them."""

EVERYWHERE = "*"


def extensions_of(extensions: Extensions, environment: str) -> tuple[ServerExtension, ...]:
    """Return what belongs to one environment."""
    return (*extensions.get(EVERYWHERE, ()), *extensions.get(environment, ()))


def load_extensions(named: Sequence[str]) -> Extensions:
    """Import extensions by name.

    Args:
        named: `module:attribute`, or `ENVIRONMENT=module:attribute` for one environment alone. The
            attribute is an extension, or a class or function that makes one without arguments.

    Raises:
        SettingsError: if one cannot be had.
    """
    found: dict[str, list[ServerExtension]] = {}
    for name in named:
        environment, _, address = name.rpartition("=")
        found.setdefault(environment or EVERYWHERE, []).append(_loaded(address, name))
    return found


def _loaded(address: str, name: str) -> ServerExtension:
    module, _, attribute = address.partition(":")
    if not module or not attribute:
        raise SettingsError(f"expected --extension like my_module:MyExtension, got {name!r}")
    try:
        found: object = getattr(import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise SettingsError(
            f"the extension {name!r} cannot be imported: {error}; name a module that Python finds "
            "and an attribute of it"
        ) from None
    ready = hasattr(found, "register") and not isinstance(found, type)
    made: object = found() if callable(found) and not ready else found
    if not (hasattr(made, "register") and hasattr(made, "tools")):
        raise SettingsError(
            f"the extension {name!r} is a {type(made).__name__} without 'tools' and 'register'; "
            "see astra_arena.servers.agent_plane.extensions"
        )
    return cast("ServerExtension", made)
