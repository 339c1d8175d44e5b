"""One rollout, from the task's prompt to the verdict.

How a rollout ends: the agent ends its turn (`agent`); it asks for more calls or time than its
budget holds (`budget`); its code raises (`agent_error`), and what it did until then is scored; or
the machinery breaks (`void`), and nothing is scored. An agent cannot make its episode void: only
what the harness and the host saw break themselves does.
"""

import asyncio
import json
import logging
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import NoReturn

import anyio

from astra_arena.client.agent import Agent, EpisodeView, ToolReply, ToolView, UserReply
from astra_arena.client.control_models import ClosedEpisode
from astra_arena.client.venue import Hosted, Stage, ToolSession, Venue, VenueCard
from astra_arena.core.calls import REPLY_TOOL
from astra_arena.core.canonical import Json, JsonObject
from astra_arena.core.episode_terms import NO_TERMS, EpisodeTerms
from astra_arena.core.errors import AgentError, ArenaError, ConnectionLostError, EpisodeError
from astra_arena.core.rollouts import (
    Ending,
    EpisodeRecord,
    Failure,
    Rollout,
    Timing,
    rollout_id,
)
from astra_arena.core.user import ReplyKind

logger = logging.getLogger(__name__)

CALL_SECONDS = 120.0
"""How long a reply may take; above what a host needs to run a call twice."""


async def play_episode(
    venue: Venue,
    task_id: str,
    agent: Agent,
    *,
    seed: int = 0,
    variant: str = "base",
    attempt: int = 0,
    terms: EpisodeTerms = NO_TERMS,
) -> Rollout:
    """Let `agent` play one task and return the whole record of it.

    Args:
        venue: Where to play.
        task_id: Which task.
        agent: Who plays.
        seed: Keys the randomness of the tools and of scripted agents.
        variant: Which variant of the task.
        attempt: How often this rollout was void before.
        terms: What the episode is opened with in place of the task's own.

    Raises:
        UnknownTaskError: if there is no such task.
        SettingsError: if the venue cannot be used as it was set up.
    """
    card = await venue.card()
    performance = Performance(agent, task_id, seed)
    play, started_at, start = performance.play, datetime.now(UTC), time.perf_counter()
    try:
        hosted = await venue.host(task_id, play, seed=seed, variant=variant, terms=terms)
    except (ConnectionLostError, EpisodeError) as error:
        hosted = _never_closed(error, card, task_id, seed, variant, terms)
    failure, ended = _ending(hosted, performance)
    identifier = rollout_id(
        environment_digest=card.environment_digest,
        tasks_digest=card.tasks_digest,
        task_id=task_id,
        seed=seed,
        variant=variant,
        agent=agent.name,
        budget=terms.budget,
        mixing=terms.mixing,
    )
    return Rollout(
        format_version=1,
        id=identifier,
        agent=agent.name,
        attempt=attempt,
        transport=venue.transport,
        episode=hosted.closed.record,
        messages=tuple(performance.messages),
        ended=ended,
        failure=failure,
        verdict=None if ended == "void" else hosted.closed.verdict,
        timing=Timing(
            started_at=started_at.isoformat(timespec="milliseconds"),
            seconds=round(time.perf_counter() - start, 6),
            call_seconds=tuple(performance.call_seconds),
        ),
    )


def _never_closed(
    error: ArenaError,
    card: VenueCard,
    task_id: str,
    seed: int,
    variant: str,
    terms: EpisodeTerms,
) -> Hosted:
    """Stand in for what the host would have said of an episode that it lost."""
    record = EpisodeRecord(
        environment=card.environment,
        environment_digest=card.environment_digest,
        tasks_digest=card.tasks_digest,
        task_id=task_id,
        seed=seed,
        variant=variant,
        tier=card.tier,
        void=Failure(boundary=error.boundary, message=error.message),
        mixing=terms.mixing,
    )
    return Hosted(ClosedEpisode(record=record))


def _ending(hosted: Hosted, performance: "Performance") -> tuple[Failure | None, Ending]:
    lost = performance.lost or hosted.lost
    if hosted.closed.record.void is not None:
        return hosted.closed.record.void, "void"
    if lost is not None:
        return Failure(boundary=lost.boundary, message=lost.message), "void"
    if hosted.closed.verdict is None:
        return Failure(boundary="server", message="the host gave no verdict"), "void"
    return performance.failure, performance.ended


@dataclass(slots=True)
class Performance:
    """One agent's side of one episode: it relays calls and keeps the conversation."""

    agent: Agent
    task_id: str
    seed: int
    messages: list[JsonObject] = field(default_factory=list[JsonObject])
    call_seconds: list[float] = field(default_factory=list[float])
    ended: Ending = "agent"
    failure: Failure | None = None
    """What the agent raised."""
    lost: ConnectionLostError | None = None
    """What broke the connection in the middle of a call."""
    _lock: anyio.Lock = field(default_factory=anyio.Lock)
    _scope: anyio.CancelScope = field(default_factory=anyio.CancelScope)
    _sent: int = 0
    """Calls and messages."""
    _charged: int = 0
    _done: bool = False
    """Whether the conversation is over."""
    _over: bool = False

    async def play(self, stage: Stage) -> None:
        """Let the agent play; what it raises is kept, not raised."""
        self.messages.append({"role": "user", "content": stage.prompt})
        view = EpisodeView(
            task_id=self.task_id,
            prompt=stage.prompt,
            tools=_without_reply(stage.tools),
            budget=stage.budget,
            seed=self.seed,
            caller=lambda tool, arguments: self._relay(stage, tool, arguments),
            needs_reply=stage.needs_reply,
            speaker=lambda message, kind: self._relay_words(stage, message, kind),
            lister=lambda: self._list(stage),
            tool_names=stage.tool_names if getattr(self.agent, "knows_gold", False) else {},
        )
        last: str | None = None
        self._scope.deadline = anyio.current_time() + stage.budget.seconds
        with self._scope:
            try:
                last = _text(await self.agent.play(view))
                if last is not None and stage.needs_reply and not self._done:
                    await self._relay_words(stage, last, "answer")
            except asyncio.CancelledError as error:
                # Nobody asked for it: it leaked out of the agent, and would end the run's worker.
                if _is_cancelled():
                    raise
                self._note_failure(error)
            # Agents are foreign code: whatever they raise is theirs.
            except Exception as error:
                self._note_failure(error)
        self._over = True
        if self._scope.cancelled_caught:
            self.ended, self.failure = "budget", None
        if last is not None and not stage.needs_reply:
            self.messages.append({"role": "assistant", "content": last})

    def _note_failure(self, error: BaseException) -> None:
        logger.info("agent %r raised in task %r", self.agent.name, self.task_id, exc_info=error)
        detail = (
            error.message if isinstance(error, ArenaError) else f"{type(error).__name__}: {error}"
        )
        self.ended, self.failure = "agent_error", Failure(boundary="agent", message=detail)

    async def _relay(self, stage: Stage, tool: str, arguments: JsonObject) -> ToolReply:
        # The host serialises calls as they arrive; one at a time, that is the messages' order.
        _text(tool)
        async with self._lock:
            if self._over:
                raise AgentError("a call was made after the agent had ended its turn")
            if self._charged >= stage.budget.calls or self.lost is not None:
                await self._stop()
            reply = await self._send(stage.session, tool, arguments)
            self._charged += reply.charged
            return reply

    async def _relay_words(self, stage: Stage, message: str, kind: ReplyKind) -> UserReply:
        _text(message)
        async with self._lock:
            if self._over:
                raise AgentError("a message was sent after the agent had ended its turn")
            if self.lost is not None:
                await self._stop()
            self.messages.append({"role": "assistant", "content": message})
            arguments: JsonObject = {"message": message, "kind": kind}
            heard = await self._called(stage.session, REPLY_TOOL, arguments)
            if heard.structured is None:
                return UserReply(None, done=self._done, problem=heard.text)
            said, done = heard.structured.get("user"), heard.structured.get("done") is True
            self._done = done
            text = said if isinstance(said, str) else None
            if text is not None:
                self.messages.append({"role": "user", "content": text})
            return UserReply(text, done=done)

    async def _list(self, stage: Stage) -> tuple[ToolView, ...]:
        async with self._lock:
            if self.lost is not None:
                await self._stop()
            try:
                return _without_reply(await stage.session.list_tools())
            except ConnectionLostError as error:
                self.lost = error
                await self._stop()

    async def _send(self, session: ToolSession, tool: str, arguments: JsonObject) -> ToolReply:
        call_id = f"call_{self._sent}"
        self.messages.append(_asked(call_id, tool, arguments))
        start = time.perf_counter()
        reply = await self._called(session, tool, arguments)
        self.call_seconds.append(round(time.perf_counter() - start, 6))
        self.messages.append({"role": "tool", "tool_call_id": call_id, "content": reply.text})
        return reply

    async def _called(self, session: ToolSession, tool: str, arguments: JsonObject) -> ToolReply:
        key = f"call_{self._sent}"
        self._sent += 1
        try:
            return await session.call(tool, arguments, key=key, timeout_s=CALL_SECONDS)
        except ConnectionLostError as error:
            self.lost = error
            await self._stop()

    async def _stop(self) -> NoReturn:
        """End the episode from inside a call, past whatever the agent catches."""
        self._scope.cancel()
        while True:
            await anyio.sleep_forever()


def _without_reply(tools: tuple[ToolView, ...]) -> tuple[ToolView, ...]:
    """Return the tools of the environment: an agent speaks by `EpisodeView.reply`."""
    return tuple(tool for tool in tools if tool.name != REPLY_TOOL)


def _is_cancelled() -> bool:
    task = asyncio.current_task()
    return task is None or task.cancelling() > 0


def _text(value: object) -> str | None:
    """Return what an agent said; foreign code may say what its type forbids."""
    if value is None or isinstance(value, str):
        return value
    raise TypeError(f"expected text, got {type(value).__name__}")


def _asked(call_id: str, tool: str, arguments: JsonObject) -> JsonObject:
    function: JsonObject = {"name": tool, "arguments": _spelled(arguments)}
    call: Json = {"id": call_id, "type": "function", "function": function}
    return {"role": "assistant", "content": None, "tool_calls": [call]}


def _spelled(arguments: JsonObject) -> str:
    """Return the arguments as a model would have written them, even if they are no JSON."""
    try:
        return json.dumps(arguments, ensure_ascii=False, default=repr)
    except (ValueError, TypeError, RecursionError):
        return "(not JSON)"
