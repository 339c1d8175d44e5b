"""One attempt at one task: the live session, the ordered log, the budget and the verdict.

Calls are serialised in the order in which they arrive and finish whether or not their caller still
waits, so that the log holds whatever happened to the world. An episode becomes void only when the
machinery breaks. Nothing that arrives in a call may make it so: void would be a way out of a losing
episode. Gold never enters a text for the agent; only `verdict` reads it.
"""

import asyncio
import logging
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass

from astra_arena.core.calls import TOOL_FAILED_TEXT, CallRecord, Outcome
from astra_arena.core.canonical import Json, JsonObject, digest_of, digest_of_bytes
from astra_arena.core.errors import ArenaError, SpecError, UnknownTaskError
from astra_arena.core.rollouts import EpisodeRecord, Failure
from astra_arena.core.tasks import Task
from astra_arena.core.verdicts import Mode, Verdict, unsupported_parts
from astra_arena.sandbox.contract import Broke, Failed, Program, Sandbox, Succeeded
from astra_arena.sandbox.recovery import Delivery, DurableSession, IdlePolicy
from astra_arena.servers.bundle import Bundle
from astra_arena.servers.checked_sandbox import CheckedSandbox
from astra_arena.servers.records import empty_record, verdict_of
from astra_arena.servers.toolset import Accepted, Tool, Toolset, printable, storable

logger = logging.getLogger(__name__)

EPISODE_VOID_TEXT = "this episode cannot continue: its environment is not available"
EPISODE_CLOSED_TEXT = "this episode has ended; no more calls are possible"

_MESSAGE_CHARS = 4000
_NAME_CHARS = 128
_KEY_CHARS = 200
_RECORDED_OVER_BUDGET = 256
"""So many calls beyond the budget are logged and charged; further ones are only refused."""
_REFUSED_BYTES = 4096
"""Arguments of a refused call that are larger are logged as a note of their size and digest."""
_LOGGED_BYTES = 8 << 20
"""So many bytes of arguments the log of one episode holds; its agent decides how many come."""
_CALL_OVERHEAD = 1024
"""About what a logged call takes beside its arguments and its result."""


@dataclass(frozen=True, slots=True)
class CallReply:
    """What the agent gets."""

    is_error: bool
    text: str
    structured: JsonObject | None = None


@dataclass(frozen=True, slots=True)
class _Keyed:
    """What a call with an idempotency key asked and got."""

    tool: str
    arguments_digest: str
    reply: CallReply


class Episode:
    """One attempt at one task. Make it with `open_episode`."""

    def __init__(
        self,
        *,
        identifier: str,
        bundle: Bundle,
        toolset: Toolset,
        task: Task,
        seed: int,
        tier: str,
        session: DurableSession,
        sandbox: CheckedSandbox,
    ) -> None:
        self.id = identifier
        """192 random bits; knowing it is the right to play the episode."""
        self.bundle = bundle
        self.task = task
        self.seed = seed
        self.tier = tier
        self.void: Failure | None = None
        self.is_open = True
        self.last_used = time.monotonic()
        self.on_record: Callable[[CallRecord], None] | None = None
        """Called with each call before its reply is sent; an `ArenaError` voids the episode."""
        self.on_void: Callable[[Failure], None] | None = None
        self._toolset = toolset
        self._session = session
        self._sandbox = sandbox
        self._opened = time.monotonic()
        self._calls: list[CallRecord] = []
        self._charged = 0
        self._argument_bytes = 0
        self._log_bytes = 0
        self._by_key: dict[str, _Keyed] = {}
        self._lock = asyncio.Lock()
        self._running: set[asyncio.Task[CallReply]] = set()

    @property
    def calls(self) -> tuple[CallRecord, ...]:
        """The log so far."""
        return tuple(self._calls)

    @property
    def call_count(self) -> int:
        """How many calls the log holds."""
        return len(self._calls)

    @property
    def log_bytes(self) -> int:
        """About how much memory the log takes."""
        return self._log_bytes + self._argument_bytes

    async def call(self, tool: str, arguments: Json, *, key: str | None = None) -> CallReply:
        """Make one call; it runs to its end even when the caller is cancelled.

        Args:
            tool: The tool's name, as it came.
            arguments: Its arguments, as they came.
            key: The client's idempotency key: a repeated one is answered from the log.
        """
        task = asyncio.create_task(self._serialised(tool, arguments, key))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return await asyncio.shield(task)

    async def refuse(self, tool: str, note: str, reason: str) -> str:
        """Log and charge a call that could not be read or sent; return the text for the agent.

        Args:
            tool: The tool's name as far as it is known.
            note: What the log keeps in place of the arguments.
            reason: What was expected and what came.
        """
        async with self._lock:
            self.last_used = time.monotonic()
            if self.void is not None:
                return EPISODE_VOID_TEXT
            if not self.is_open:
                return EPISODE_CLOSED_TEXT
            over = self._over_budget()
            outcome: Outcome = "invalid_arguments" if over is None else "over_budget"
            try:
                shown = printable(over or reason, _MESSAGE_CHARS)
                reply = self._refuse(printable(tool, _NAME_CHARS), note, outcome, shown)
            except ArenaError as error:
                self._make_void(error.boundary, error.message)
                return EPISODE_VOID_TEXT
            return reply.text

    async def _serialised(self, tool: str, arguments: Json, key: str | None) -> CallReply:
        async with self._lock:
            self.last_used = time.monotonic()
            if self.void is not None:
                return CallReply(True, EPISODE_VOID_TEXT)
            if not self.is_open:
                return CallReply(True, EPISODE_CLOSED_TEXT)
            try:
                return await self._keyed(printable(tool, _NAME_CHARS), arguments, key)
            except ArenaError as error:
                self._make_void(error.boundary, error.message)
                return CallReply(True, EPISODE_VOID_TEXT)

    async def _keyed(self, tool: str, arguments: Json, key: str | None) -> CallReply:
        if key is None:
            return await self._charged_call(tool, arguments, None)
        if printable(key, _KEY_CHARS) != key:
            # A key that were only cut would be taken for another one with the same beginning.
            key = digest_of(key)
        stored = storable(arguments)
        asked = digest_of_bytes(stored.data)
        before = self._by_key.get(key)
        if before is not None:
            if (before.tool, before.arguments_digest) == (tool, asked):
                return before.reply
            problem = "this call key was used before, for another call"
            return self._refuse(tool, stored.value, "invalid_arguments", problem)
        logged = len(self._calls)
        reply = await self._charged_call(tool, arguments, key)
        if len(self._calls) > logged:
            # What is no longer logged is no longer remembered either: both would grow for ever.
            self._by_key[key] = _Keyed(tool, asked, reply)
        return reply

    async def _charged_call(self, tool: str, arguments: Json, key: str | None) -> CallReply:
        over = self._over_budget()
        if over is not None:
            return self._refuse(tool, storable(arguments).value, "over_budget", over, key=key)
        known = self._toolset.get(tool)
        if known is None:
            names = ", ".join(self._toolset.names)
            text = f"there is no tool {printable(tool, 64)!r}; the tools are: {names}"
            return self._refuse(tool, storable(arguments).value, "unknown_tool", text, key=key)
        checked = known.accept(arguments)
        if not isinstance(checked, Accepted):
            return self._refuse(
                tool, checked.arguments, "invalid_arguments", checked.reason, key=key
            )
        if self._argument_bytes + checked.size > _LOGGED_BYTES:
            text = f"the arguments of this episode's calls are beyond {_LOGGED_BYTES} bytes in all"
            return self._refuse(tool, checked.arguments, "invalid_arguments", text, key=key)
        self._argument_bytes += checked.size
        return await self._run(known, checked.arguments, key)

    async def _run(self, tool: Tool, arguments: JsonObject, key: str | None) -> CallReply:
        name = tool.spec.name
        delivery = await self._execute(name, arguments)
        recovered = delivery.recovered
        match delivery.execution:
            case Succeeded(result):
                text = tool.read(result)
                self._log_bytes += 2 * len(text)
                self._record(name, arguments, "ok", result=result, recovered=recovered, key=key)
                return CallReply(False, text, result)
            case Failed(message):
                shown = printable(message, _MESSAGE_CHARS)
                self._record(
                    name, arguments, "tool_failure", message=shown, recovered=recovered, key=key
                )
                return CallReply(True, shown)
            case Broke(kind, detail):
                defect = printable(f"{kind}: {detail}", _MESSAGE_CHARS)
                # An agent's client reads a stdio server's stderr; the log has it for operators.
                logger.debug("tool %r of %s broke: %s", name, self.bundle.name, defect)
                self._record(
                    name,
                    arguments,
                    "environment_error",
                    message=TOOL_FAILED_TEXT,
                    defect=defect,
                    key=key,
                )
                return CallReply(True, TOOL_FAILED_TEXT)

    async def _execute(self, tool: str, arguments: JsonObject) -> Delivery:
        try:
            return await self._session.call(tool, arguments)
        except ArenaError:
            raise
        except Exception as error:
            # Not known to be the machinery's own failure, so it must not make the episode void.
            logger.debug("calling tool %r of %s failed", tool, self.bundle.name, exc_info=True)
            broke = Broke("crashed", f"{type(error).__name__}: {error}", session_lost=True)
            return Delivery(broke, recovered=False)

    def _over_budget(self) -> str | None:
        budget = self.task.budget
        if self._charged >= budget.calls:
            return f"the budget of {budget.calls} calls is used up"
        if time.monotonic() - self._opened > budget.seconds:
            return f"the budget of {budget.seconds:g} seconds is used up"
        return None

    def _refuse(
        self, tool: str, arguments: Json, outcome: Outcome, text: str, *, key: str | None = None
    ) -> CallReply:
        if self._charged < self.task.budget.calls + _RECORDED_OVER_BUDGET:
            self._record(tool, self._kept(arguments), outcome, message=text, key=key)
        return CallReply(True, text)

    def _kept(self, arguments: Json) -> Json:
        """Return what the log keeps of arguments that were refused."""
        data = storable(arguments).data
        room = _LOGGED_BYTES - self._argument_bytes
        if len(data) > min(_REFUSED_BYTES, room):
            return f"({len(data)} bytes, {digest_of_bytes(data)})"
        self._argument_bytes += len(data)
        return arguments

    def _record(
        self,
        tool: str,
        arguments: Json,
        outcome: Outcome,
        *,
        result: JsonObject | None = None,
        message: str | None = None,
        recovered: bool = False,
        defect: str | None = None,
        key: str | None = None,
    ) -> None:
        # Every value was checked or made here, so that validating it again would only cost time.
        record = CallRecord.model_construct(
            index=len(self._calls),
            environment=self.bundle.name,
            tool=tool,
            arguments=arguments,
            outcome=outcome,
            result=result,
            message=message,
            recovered=recovered,
            defect=defect,
            key=key,
        )
        if self.on_record is not None:
            self.on_record(record)
        self._calls.append(record)
        self._log_bytes += _CALL_OVERHEAD
        self._charged += record.counts

    def _make_void(self, boundary: str, message: str) -> None:
        self.void = Failure(boundary=boundary, message=printable(message, _MESSAGE_CHARS))
        logger.error("an episode of task %r is void: %s", self.task.id, message)
        if self.on_void is not None:
            self.on_void(self.void)

    def record(self) -> EpisodeRecord:
        """Return what the host knows of the episode; it holds no gold."""
        empty = empty_record(self.bundle, self.task, seed=self.seed, tier=self.tier)
        defects = sum(call.outcome == "environment_error" for call in self._calls)
        return empty.model_copy(update={"calls": self.calls, "void": self.void, "defects": defects})

    def verdict(self, mode: Mode = "strict") -> Verdict:
        """Decide what the calls so far earned.

        Raises:
            VoidEpisodeError: if the machinery broke; such an episode is never scored.
        """
        return verdict_of(self.task, self.record(), mode)

    async def close(self) -> None:
        """End the session when the call in progress has ended; closing twice is harmless."""
        self.is_open = False
        async with self._lock:
            await self._end_session()

    async def abort(self) -> None:
        """End the session without waiting for the call in progress."""
        self.is_open = False
        for task in tuple(self._running):
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
        await self._end_session()

    async def _end_session(self) -> None:
        await self._session.close()
        await self._sandbox.close()


async def open_episode(
    bundle: Bundle,
    task: Task,
    sandbox: Sandbox,
    *,
    seed: int = 0,
    variant: str | None = None,
    toolset: Toolset | None = None,
    program: Program | None = None,
    idle: IdlePolicy | None = None,
) -> Episode:
    """Open an episode with a live session.

    Args:
        seed: Keys the random streams of the session.
        variant: Must be the task's own; `None` takes that.
        toolset: The bundle's, when it was compiled already.
        program: The bundle's, when it was made already; one with limits of its own, for instance.
        idle: Hibernates the session when it was not called for long.

    Raises:
        SpecError: if the task has parts that this version cannot play.
        UnknownTaskError: if the task has no such variant.
        PolicyError: if the tool code was refused.
        SandboxUnavailableError: if no session can be started.
    """
    unsupported = [
        *unsupported_parts(task),
        *(["turns that end in words"] if task.needs_reply else []),
        *(["several environments"] if len(task.environments) > 1 else []),
    ]
    if unsupported:
        raise SpecError(
            f"task {task.id!r} cannot be played by this version: it has {', '.join(unsupported)}"
        )
    if variant is not None and variant != task.variant:
        raise UnknownTaskError(
            f"task {task.id!r} has no variant {variant!r}; its variant is {task.variant!r}"
        )
    toolset = toolset or Toolset(bundle.environment)
    program = program or bundle.program()
    checked = CheckedSandbox(sandbox, toolset)
    await checked.prepare(program, seed=seed)
    session = DurableSession(checked, program, seed=seed, idle=idle)
    if idle is not None:
        # Takes the session that was prepared, so that an episode without calls hibernates, too.
        await session.wake()
    return Episode(
        identifier=secrets.token_urlsafe(24),
        bundle=bundle,
        toolset=toolset,
        task=task,
        seed=seed,
        tier=sandbox.tier,
        session=session,
        sandbox=checked,
    )
