"""What was spent: tokens and money by stage, by item and per accepted item, from ledger lines."""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from astra_arena.client.authors.author import Usage
from astra_arena.core.model import Model

Outcome = Literal["accepted", "rejected", "failed", "cached"]
"""How a request ended: `failed` is for what the model has no part in, like a lost endpoint."""

REPLY = "reply"
"""The outcome of an attempt that brought a reply."""


class Prices(Model):
    """What a model costs, in US dollars per million tokens."""

    prompt: Decimal = Field(ge=0)
    completion: Decimal = Field(ge=0)

    def cost(self, usage: Usage) -> Decimal:
        """Return what the tokens cost, exactly."""
        spent = self.prompt * usage.prompt_tokens + self.completion * usage.completion_tokens
        return spent.scaleb(-6)


class SentLine(Model):
    """An attempt goes out; written before it does."""

    kind: Literal["sent"] = "sent"
    attempt: str
    model: str
    stage: str
    item: str
    part: str = ""
    sample: int = 0
    turn: int = 0


class EndedLine(Model):
    """An attempt is over; without tokens where nobody knows what it cost."""

    kind: Literal["ended"] = "ended"
    attempt: str
    outcome: str
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    usd: Decimal | None = None


class AskedLine(Model):
    """A request is over."""

    kind: Literal["asked"] = "asked"
    stage: str
    item: str
    part: str = ""
    sample: int = 0
    outcome: Outcome
    rejected_replies: int = 0


class ItemLine(Model):
    """An item is made or given up; the last line about it stands."""

    kind: Literal["item"] = "item"
    item: str
    accepted: bool
    shared: bool = False
    """Whether several items share it: it is paid for, and is none of them."""


LedgerLine: TypeAlias = Annotated[
    SentLine | EndedLine | AskedLine | ItemLine, Field(discriminator="kind")
]


class Spending(Model):
    """Figures of one stage or of everything."""

    requests: int = 0
    cached: int = 0
    """Requests that were answered from the cache and cost nothing."""
    rejected: int = 0
    """Requests for which no reply was usable."""
    failed: int = 0
    """Requests that ended because the model could not be asked."""
    attempts: int = 0
    """Times that something was sent: repair turns and retries included."""
    failed_attempts: int = 0
    """Attempts that brought no reply."""
    unmetered: int = 0
    """Attempts of which nobody knows what they cost: lost on the way, or never ended."""
    rejected_replies: int = 0
    """Replies that could not be used, paid for all the same."""
    prompt_tokens: int = 0
    completion_tokens: int = 0
    usd: Decimal | None = None
    """`None` without prices."""


class ItemSpending(Model):
    """What items cost that ended one way."""

    items: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    usd: Decimal | None = None


class LedgerSummary(Model):
    """All figures of a ledger."""

    total: Spending
    stages: dict[str, Spending]
    accepted: ItemSpending
    rejected: ItemSpending
    unfinished: ItemSpending
    tokens_per_accepted: float | None
    """All tokens, those for rejected items included, by accepted items."""
    usd_per_accepted: Decimal | None


@dataclass(slots=True)
class _Tally:
    figures: dict[str, int] = field(default_factory=dict[str, int])
    usd: Decimal | None = None

    def add(self, **counts: int) -> None:
        for name, count in counts.items():
            self.figures[name] = self.figures.get(name, 0) + count

    def pay(self, usage: Usage, usd: Decimal | None) -> None:
        self.add(prompt_tokens=usage.prompt_tokens, completion_tokens=usage.completion_tokens)
        if usd is not None:
            self.usd = usd + (self.usd or Decimal(0))


@dataclass(slots=True)
class _Item:
    usage: Usage = field(default_factory=Usage)
    usd: Decimal | None = None
    accepted: bool | None = None
    shared: bool = False


class Accounts:
    """Adds up ledger lines as they come."""

    def __init__(self) -> None:
        self._total = _Tally()
        self._stages: dict[str, _Tally] = {}
        self._items: dict[str, _Item] = {}
        self._open: dict[str, tuple[str, str]] = {}
        """Stage and item of attempts that were sent and have not ended."""
        self.unpriced_tokens = 0

    @property
    def usd(self) -> Decimal:
        """What was spent, as far as it is priced."""
        return self._total.usd or Decimal(0)

    def note(self, line: LedgerLine) -> None:
        """Take one line in."""
        match line:
            case SentLine():
                self._open[line.attempt] = (line.stage, line.item)
                self._add(line.stage, attempts=1)
            case EndedLine():
                self._ended(line)
            case AskedLine():
                counts = {"requests": 1, "rejected_replies": line.rejected_replies}
                if line.outcome != "accepted":
                    counts[line.outcome] = 1
                self._add(line.stage, **counts)
            case ItemLine():
                item = self._items.setdefault(line.item, _Item())
                item.accepted, item.shared = line.accepted, line.shared

    def holds(self, line: ItemLine) -> bool:
        """Tell whether this is the last word about an item already."""
        item = self._items.get(line.item)
        return item is not None and (item.accepted, item.shared) == (line.accepted, line.shared)

    def summary(self) -> LedgerSummary:
        """Return the figures so far; attempts that have not ended count as unmetered."""
        open_by_stage: dict[str, int] = {}
        for stage, _ in self._open.values():
            open_by_stage[stage] = open_by_stage.get(stage, 0) + 1
        total = _spending(self._total, len(self._open))
        accepted = self._spent_on(accepted=True)
        per_accepted = accepted.items or None
        tokens = total.prompt_tokens + total.completion_tokens
        return LedgerSummary(
            total=total,
            stages={
                stage: _spending(tally, open_by_stage.get(stage, 0))
                for stage, tally in sorted(self._stages.items())
            },
            accepted=accepted,
            rejected=self._spent_on(accepted=False),
            unfinished=self._spent_on(accepted=None),
            tokens_per_accepted=None if per_accepted is None else tokens / per_accepted,
            usd_per_accepted=(
                None if per_accepted is None or total.usd is None else total.usd / per_accepted
            ),
        )

    def _ended(self, line: EndedLine) -> None:
        stage, item = self._open.pop(line.attempt, ("", ""))
        if line.outcome != REPLY:
            self._add(stage, failed_attempts=1)
        if line.prompt_tokens is None or line.completion_tokens is None:
            self._add(stage, unmetered=1)
            return
        usage = Usage(line.prompt_tokens, line.completion_tokens)
        for tally in (self._total, self._stages.setdefault(stage, _Tally())):
            tally.pay(usage, line.usd)
        held = self._items.setdefault(item, _Item())
        held.usage += usage
        if line.usd is not None:
            held.usd = line.usd + (held.usd or Decimal(0))
        else:
            self.unpriced_tokens += usage.prompt_tokens + usage.completion_tokens

    def _add(self, stage: str, **counts: int) -> None:
        self._total.add(**counts)
        self._stages.setdefault(stage, _Tally()).add(**counts)

    def _spent_on(self, *, accepted: bool | None) -> ItemSpending:
        chosen = [item for item in self._items.values() if item.accepted is accepted]
        usage = sum((item.usage for item in chosen), Usage())
        paid = [item.usd for item in chosen if item.usd is not None]
        return ItemSpending(
            items=sum(not item.shared for item in chosen),
            prompt_tokens=usage.prompt_tokens,
            completion_tokens=usage.completion_tokens,
            usd=sum(paid, Decimal(0)) if paid else None,
        )


def _spending(tally: _Tally, still_open: int) -> Spending:
    figures = dict(tally.figures)
    figures["unmetered"] = figures.get("unmetered", 0) + still_open
    return Spending(**figures, usd=tally.usd)
