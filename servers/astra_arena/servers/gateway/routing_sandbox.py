"""One sandbox for environments of both kinds: tool code, and tools of external servers."""

from types import TracebackType
from typing import Self

from astra_arena.sandbox.contract import Program, Sandbox, Session
from astra_arena.sandbox.process_sandbox import ProcessSandbox
from astra_arena.sandbox.remote_sandbox import RemoteSandbox


class RoutingSandbox:
    """Runs tool code in one sandbox, and lets tools of external servers be called by another.

    Args:
        code: Runs tool code; closed with this one.
        external: Opens sessions with external servers; closed with this one.
    """

    def __init__(self, code: ProcessSandbox | RemoteSandbox, external: Sandbox) -> None:
        self._code = code
        self._external = external

    async def __aenter__(self) -> Self:
        await self._code.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def connect(self) -> None:
        """Connect to the workers that run tool code, if there are any.

        Raises:
            SandboxUnavailableError: if none can be reached.
        """
        if isinstance(self._code, RemoteSandbox):
            await self._code.connect()

    @property
    def tier(self) -> str:
        """What confines tool code; an episode with external members has another."""
        return self._code.tier

    async def open_session(self, program: Program, *, seed: int) -> Session:
        """Start a session where the program's tools are; see `Sandbox.open_session`."""
        place: Sandbox = self._external if program.world_kind == "external" else self._code
        return await place.open_session(program, seed=seed)

    async def close(self) -> None:
        """End all sessions and processes of both."""
        await self._external.close()
        await self._code.close()
