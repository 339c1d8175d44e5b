"""Runs a stage over a stream of items: side by side, each on its own, resumable, in order.

What a stage makes of an item is decided by the item and by what the stage names in `decides`; a
line made from the same is taken over instead of being made again. What goes wrong with one item
rejects it and no other; only when the model cannot be asked at all does the run end.
"""

from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeAlias, TypeVar

import anyio

from astra_arena.core.canonical import Json, JsonObject, digest_of
from astra_arena.core.errors import ArenaError, AuthorError, ReplyError, SourceError
from astra_arena.core.model import Model
from astra_arena.synthesizer.qa.authored.stage_log import StageLine, StageLog


class Item(Protocol):
    """What goes into a stage."""

    @property
    def id(self) -> str:
        """Names it in every stage, in the ledger and in transcripts."""
        ...

    def to_json(self) -> JsonObject:
        """Return the whole item."""
        ...


ItemT = TypeVar("ItemT", bound=Item)
ResultT = TypeVar("ResultT", bound=Model)


@dataclass(frozen=True, slots=True)
class Passed(Generic[ResultT]):
    """An item as the stage made it."""

    value: ResultT
    provenance: tuple[JsonObject, ...] = ()


@dataclass(frozen=True, slots=True)
class Rejected:
    """An item that cannot become an environment, and why."""

    reason: str
    evidence: Json = None
    provenance: tuple[JsonObject, ...] = ()


Worked: TypeAlias = Passed[ResultT] | Rejected


@dataclass(frozen=True, slots=True)
class Stage(Generic[ItemT, ResultT]):
    """One stage of the pipeline."""

    name: str
    """Names its file, and its requests in the ledger and in transcripts."""
    work: Callable[[ItemT], Awaitable[Worked[ResultT]]]
    """Must not depend on other items, but for those of the same lane."""
    decides: Callable[[ItemT], Json] = lambda _: None
    """What decides the outcome beside the item: prompts, options, the state of its lane."""
    lane: Callable[[ItemT], str] | None = None
    """Items of one lane are worked on one after the other, in order."""
    noted: Callable[[ItemT, StageLine], None] | None = None
    """Told every line, taken over or new, within a lane in order: state of a lane is kept here."""


@dataclass(slots=True)
class StageCounts:
    """What came of the items of a stage."""

    passed: int = 0
    rejected: int = 0
    taken_over: int = 0
    """Of both, lines that an earlier run had made."""
    reasons: Counter[str] = field(default_factory=Counter[str])

    @property
    def total(self) -> int:
        """All of them."""
        return self.passed + self.rejected

    def note(self, line: StageLine) -> None:
        """Count a line."""
        if line.outcome == "passed":
            self.passed += 1
        else:
            self.rejected += 1
            self.reasons[line.reason] += 1

    def to_json(self) -> JsonObject:
        """Return what equal runs have in common: not how much was taken over."""
        return {
            "passed": self.passed,
            "rejected": self.rejected,
            "reasons": dict[str, Json](sorted(self.reasons.items())),
        }


OnLine: TypeAlias = Callable[[StageLine, bool], None]
"""Told each line when it is done, and whether it is new."""


async def run_stage(
    stage: Stage[ItemT, ResultT],
    items: Iterable[ItemT],
    log: StageLog,
    *,
    at_once: int,
    on_line: OnLine | None = None,
) -> StageCounts:
    """Work on every item and leave their lines in the log, in the order of the items.

    Args:
        stage: What is done with each.
        items: Read as they are needed.
        log: The stage's lines, with those of earlier runs.
        at_once: So many are under way at most.
        on_line: Told each line when it is done.

    Raises:
        AuthorError: if the model cannot be asked, or nothing more may be spent; what is done is
            kept, and a later run goes on.
        SourceError: if an id comes twice.
    """
    run = _Run(stage, log, on_line, anyio.Semaphore(at_once))
    try:
        async with anyio.create_task_group() as group:
            for item in items:
                await run.gate.acquire()
                group.start_soon(run.one, item, *run.turn_of(item))
    except ExceptionGroup as errors:
        # The first error gives up the other items; the rest of the group says nothing more.
        raise errors.exceptions[0] from None
    log.settle(run.order)
    return run.counts


@dataclass(slots=True)
class _Run(Generic[ItemT, ResultT]):
    stage: Stage[ItemT, ResultT]
    log: StageLog
    on_line: OnLine | None
    gate: anyio.Semaphore
    counts: StageCounts = field(default_factory=StageCounts)
    order: dict[str, None] = field(default_factory=dict[str, None])
    last: dict[str, anyio.Event] = field(default_factory=dict[str, anyio.Event])
    """By lane: set when its last item is done."""

    def turn_of(self, item: ItemT) -> tuple[anyio.Event | None, anyio.Event]:
        """Return what an item waits for, and what waits for it."""
        if item.id in self.order:
            raise SourceError(f"expected every id once, got {item.id!r} more than once")
        self.order[item.id] = None
        done = anyio.Event()
        if self.stage.lane is None:
            return None, done
        lane = self.stage.lane(item)
        before = self.last.get(lane)
        self.last[lane] = done
        return before, done

    async def one(self, item: ItemT, before: anyio.Event | None, done: anyio.Event) -> None:
        try:
            if before is not None:
                await before.wait()
            digest = digest_of([self.stage.name, item.to_json(), self.stage.decides(item)])
            line = self.log.held(item.id, digest)
            is_new = line is None
            if line is None:
                line = line_of(item.id, digest, await _isolated(self.stage, item))
                self.log.add(line)
            if self.stage.noted is not None:
                self.stage.noted(item, line)
        finally:
            self.gate.release()
        done.set()
        self.counts.note(line)
        self.counts.taken_over += not is_new
        if self.on_line is not None:
            self.on_line(line, is_new)


async def _isolated(stage: Stage[ItemT, ResultT], item: ItemT) -> Worked[ResultT]:
    try:
        return await stage.work(item)
    except ReplyError as error:
        return Rejected("no usable reply", [error.message, *error.findings])
    except AuthorError:
        raise
    except ArenaError as error:
        return Rejected(f"the {error.boundary} refused it", error.message)


def line_of(item: str, digest: str, worked: Worked[ResultT]) -> StageLine:
    """Return the line that says what came of an item."""
    if isinstance(worked, Rejected):
        return StageLine(
            item=item,
            input=digest,
            outcome="rejected",
            reason=worked.reason,
            evidence=worked.evidence,
            provenance=worked.provenance,
        )
    return StageLine(
        item=item,
        input=digest,
        outcome="passed",
        result=worked.value.to_json(),
        provenance=worked.provenance,
    )
