"""The environments of an episode: what all episodes share of one, and one episode's live session.

A session is opened when its member is called first, so that members whose tools only distract cost
nothing.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from astra_arena.core.calls import StateRecord
from astra_arena.core.canonical import JsonObject
from astra_arena.core.errors import (
    ArenaError,
    PolicyError,
    SandboxError,
    SpecError,
    UnknownTaskError,
)
from astra_arena.core.tasks import Task
from astra_arena.core.verdicts import unsupported_parts
from astra_arena.sandbox.contract import Broke, Limits, Program, Sandbox
from astra_arena.sandbox.recovery import Delivery, DurableSession, IdlePolicy, open_branch
from astra_arena.sandbox.snapshots import Snapshot
from astra_arena.servers.bundles.bundle import Bundle
from astra_arena.servers.bundles.external_world import shares_state
from astra_arena.servers.bundles.suite import Source, Suite, members_of
from astra_arena.servers.episodes.checked_sandbox import CheckedSandbox
from astra_arena.servers.episodes.toolset import Toolset

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Member:
    """A bundle with what all its episodes share."""

    bundle: Bundle
    toolset: Toolset
    program: Program

    @property
    def name(self) -> str:
        """The environment's name."""
        return self.bundle.name


def compiled_members(
    source: Source,
    *,
    limits: Limits | None = None,
    toolset: Toolset | None = None,
    program: Program | None = None,
) -> tuple[Member, ...]:
    """Compile the schemas of all environments of a bundle or a suite, and name their programs.

    Args:
        limits: What a session may use; the sandbox's defaults when absent.
        toolset: A bundle's, when it was compiled already.
        program: A bundle's, when it was made already.
    """
    return tuple(
        Member(bundle, toolset or Toolset(bundle.environment), program or bundle.program(limits))
        for bundle in members_of(source)
    )


def bundles_in_use(source: Source, task: Task) -> tuple[Bundle, ...]:
    """Return the environments that a task names by their digests, in their order.

    Raises:
        SpecError: if the task names an environment that is not among them.
    """
    bundles = members_of(source)
    if not isinstance(source, Suite):
        if len(task.environments) > 1:
            raise SpecError(
                f"task {task.id!r} cannot be played on the bundle {source.name!r}: it has "
                f"{len(task.environments)} environments; play it on the suite that holds them"
            )
        return bundles
    named = {bundle.digests.environment: bundle for bundle in bundles}
    unknown = sorted(set(task.environments) - set(named))
    if unknown:
        raise SpecError(
            f"task {task.id!r} is about the environment {unknown[0]}, which is none of: "
            f"{', '.join(bundle.name for bundle in bundles)}"
        )
    return tuple(named[digest] for digest in named if digest in task.environments)


def members_in_use(source: Source, members: Sequence[Member], task: Task) -> tuple[Member, ...]:
    """Return the members that a task names by their environment digests, in their order.

    Raises:
        SpecError: if the task names an environment that is not among them.
    """
    names = {bundle.name for bundle in bundles_in_use(source, task)}
    return tuple(member for member in members if member.name in names)


class LiveMember:
    """One episode's world of a member.

    Args:
        member: The member.
        sandbox: Runs its tool code; stays the caller's.
        seed: Keys the random streams of the session.
        idle: Hibernates the session when it was not called for long.
    """

    def __init__(
        self, member: Member, sandbox: Sandbox, *, seed: int, idle: IdlePolicy | None
    ) -> None:
        self.name = member.name
        self.bundle = member.bundle
        self.toolset = member.toolset
        self._member = member
        self._program = member.program
        self._seed = seed
        # A world that an external server holds need not come back by replay, so it is never put
        # away unasked.
        self._idle = None if member.program.world_kind == "external" else idle
        self._sandbox = CheckedSandbox(sandbox, member.toolset)
        self._session = DurableSession(self._sandbox, member.program, seed=seed, idle=self._idle)
        self._used = False

    async def prepare(self) -> None:
        """Open the session now, so that whoever opens an episode learns of failures.

        Raises:
            PolicyError: if the tool code was refused.
            SandboxUnavailableError: if the sandbox failed twice in a row.
        """
        await self._sandbox.prepare(self._program, seed=self._seed)
        if self._idle is not None:
            # Takes the session that was prepared, so that an episode without calls hibernates, too.
            await self._session.wake()

    async def call(self, tool: str, arguments: JsonObject) -> Delivery:
        """Run one tool.

        Raises:
            SandboxUnavailableError: if the sandbox failed twice in a row.
        """
        self._used = True
        try:
            return await self._session.call(tool, arguments)
        except PolicyError as error:
            return Delivery(Broke("raised", error.message, session_lost=True), recovered=False)
        except ArenaError:
            raise
        except Exception as error:
            # Not known to be the machinery's own failure, so it must not make the episode void.
            logger.debug("calling tool %r of %s failed", tool, self.name, exc_info=True)
            detail = f"{type(error).__name__}: {error}"
            return Delivery(Broke("crashed", detail, session_lost=True), recovered=False)

    async def state(self) -> StateRecord | Broke:
        """Return what the world is now.

        Raises:
            SandboxUnavailableError: if the sandbox failed twice in a row.
        """
        difference = await self._session.state_difference()
        if isinstance(difference, Broke):
            return difference
        digest = (await self._session.snapshot()).state_digest
        if digest is None:
            return Broke("crashed", "the state's digest could not be had", session_lost=True)
        return StateRecord(digest=digest, difference=difference)

    @property
    def call_seconds(self) -> float:
        """How long one call may take."""
        return self._program.limits.call_seconds

    @property
    def used(self) -> bool:
        """Whether a tool was called; until then the world is as it was at the start."""
        return self._used

    async def snapshot(self) -> Snapshot | None:
        """Return a handle on the world as it is now; `None` if no tool was called yet.

        Raises:
            SandboxUnavailableError: if the sandbox failed twice in a row.
        """
        return await self._session.snapshot() if self._used else None

    async def branch(
        self, snapshot: Snapshot | None, sandbox: Sandbox, *, idle: IdlePolicy | None
    ) -> "LiveMember":
        """Return an independent world that goes on from a snapshot of this one.

        Raises:
            SandboxError: if the state could not be rebuilt, or is one that all episodes share.
            SandboxUnavailableError: if the sandbox failed twice in a row.
        """
        if snapshot is not None and snapshot.replayed_calls and shares_state(self._program):
            raise SandboxError(
                f"{self.name!r} is an external server that holds one state for all episodes, so "
                "what was changed there cannot be branched"
            )
        copy = LiveMember(self._member, sandbox, seed=self._seed, idle=idle)
        if snapshot is not None:
            # Sessions fork within one sandbox only, so the copy shares this one's.
            if self._sandbox.opens_in(sandbox):
                copy._sandbox = self._sandbox
            copy._session = await open_branch(copy._sandbox, snapshot, idle=copy._idle)
            copy._used = True
        return copy

    async def close(self) -> None:
        """End the session; closing twice is harmless."""
        await self._session.close()
        await self._sandbox.close()


def require_playable(task: Task, variant: str | None, *, graded: bool = True) -> None:
    """Check that a task can be played at all, in this variant.

    Args:
        graded: Whether it must hold what could be graded; on the agent's side it holds none.

    Raises:
        SpecError: if it cannot.
        UnknownTaskError: if the task has no such variant.
    """
    unsupported = unsupported_parts(task) if graded else ()
    if unsupported:
        raise SpecError(f"task {task.id!r} cannot be played: it has {', '.join(unsupported)}")
    if variant is not None and variant != task.variant:
        raise UnknownTaskError(
            f"task {task.id!r} has no variant {variant!r}; its variant is {task.variant!r}"
        )


async def prepare_needed(members: Sequence[LiveMember], task: Task) -> None:
    """Open the sessions that the gold needs, so that failures show when an episode opens.

    Raises:
        PolicyError: if tool code was refused.
        SandboxUnavailableError: if the sandbox failed twice in a row.
    """
    needed = {question.environment for question in task.sub_questions}
    for member in members:
        if len(members) == 1 or member.name in needed:
            await member.prepare()
