"""The written tools of a source, in the sandbox, called as an agent would call them."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from astra_arena.core.canonical import Json, JsonObject
from astra_arena.core.environment import ToolSpec
from astra_arena.core.schema import Checker, with_defaults
from astra_arena.sandbox import (
    Execution,
    Failed,
    ProcessSandbox,
    ProcessSession,
    Program,
    Succeeded,
)
from astra_arena.synthesizer.sources.table_source import write_world
from astra_arena.synthesizer.tables.tool_code import write_tools
from astra_arena.synthesizer.tables.tool_schemas import tool_specs
from tests.synthesizer.analysed import Analysed

CLOCK = "2025-01-01T00:00:00Z"


class LiveTools:
    """A session of the sandbox; arguments and replies are held to the tools' schemas."""

    def __init__(self, session: ProcessSession, specs: dict[str, ToolSpec]) -> None:
        self._session = session
        self.specs = specs

    async def execute(self, name: str, arguments: JsonObject) -> Execution:
        spec = self.specs[name]
        given = with_defaults(spec.input_schema, arguments)
        assert Checker(spec.input_schema).finding(given) is None, (name, given)
        done = await self._session.call(name, given)
        if isinstance(done, Succeeded):
            assert Checker(spec.output_schema).finding(done.result) is None, (name, done.result)
        return done

    async def reply(self, name: str, /, **arguments: Json) -> JsonObject:
        done = await self.execute(name, arguments)
        assert isinstance(done, Succeeded), done
        return done.result

    async def row(self, name: str, /, **arguments: Json) -> JsonObject:
        row = (await self.reply(name, **arguments))["row"]
        assert isinstance(row, dict)
        return row

    async def rows(self, name: str, /, **arguments: Json) -> list[JsonObject]:
        rows = (await self.reply(name, **arguments))["rows"]
        assert isinstance(rows, list)
        return [row for row in rows if isinstance(row, dict)]

    async def refusal(self, name: str, /, **arguments: Json) -> str:
        """Return the message of a refusal, which must leave no trace."""
        before = await self.digest()
        done = await self.execute(name, arguments)
        assert isinstance(done, Failed), done
        assert await self.digest() == before
        return done.message

    async def unchecked_refusal(self, name: str, /, **arguments: Json) -> str:
        """Return what the code itself refuses of arguments that the schema does not let through."""
        spec = self.specs[name]
        assert Checker(spec.input_schema).finding(arguments) is not None, arguments
        done = await self._session.call(name, with_defaults(spec.input_schema, arguments))
        assert isinstance(done, Failed), done
        return done.message

    async def digest(self) -> str:
        digest = await self._session.state_digest()
        assert isinstance(digest, str), digest
        return digest


@asynccontextmanager
async def live_tools(source: Analysed, folder: Path) -> AsyncGenerator[LiveTools]:
    specs = {spec.name: spec for design in source.designs for spec in tool_specs(design)}
    world = folder / "world.sqlite"
    write_world(source.connection, world)
    program = Program(
        digest="sha256:test",
        tools_py=write_tools(source.designs, specs).encode(),
        tool_names=tuple(specs),
        world_kind="sqlite",
        world_path=world,
        clock=CLOCK,
    )
    async with ProcessSandbox() as sandbox:
        yield LiveTools(await sandbox.open_session(program, seed=1), specs)
