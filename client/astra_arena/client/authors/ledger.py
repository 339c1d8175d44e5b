"""The ledger: each attempt, each request and each item is a line, written when it happens.

An attempt is noted before it goes out, so a crash at any moment leaves no attempt untold: what was
under way counts as unmetered. The file is append-only and goes on where it stopped.
"""

import fcntl
import json
import os
import secrets
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from types import TracebackType
from typing import Self

from pydantic import TypeAdapter, ValidationError

from astra_arena.client.authors.author import RequestId, Usage
from astra_arena.client.authors.spending import (
    REPLY,
    Accounts,
    AskedLine,
    EndedLine,
    ItemLine,
    LedgerLine,
    LedgerSummary,
    Outcome,
    Prices,
    SentLine,
)
from astra_arena.core.canonical import canonical_bytes
from astra_arena.core.errors import BudgetError, RecordError, SettingsError

_LINE_STARTS = (b'{"accepted":', b'{"attempt":', b'{"item":')
"""How lines start: canonical JSON sorts its keys."""

_LINES: TypeAdapter[LedgerLine] = TypeAdapter(LedgerLine)


def read_ledger(path: Path) -> LedgerSummary:
    """Add up a ledger file; a last line that was cut off is as if never written.

    Raises:
        RecordError: naming the line that is damaged, or the file that cannot be read.
    """
    accounts = Accounts()
    for line in _whole_lines(path):
        accounts.note(line)
    return accounts.summary()


class Ledger:
    """What a run spends.

    Args:
        path: The file, appended to; `None` keeps the ledger in memory.
        prices: What tokens cost; without them only tokens are counted.
        budget_usd: Nothing is sent once this much is spent, by all runs that the file holds.
            Replies under way at that moment still arrive and are paid for.

    Raises:
        RecordError: if the file cannot be opened or a line is damaged.
        SettingsError: if another process is writing the file, or a budget cannot be kept.
    """

    def __init__(
        self,
        path: Path | None = None,
        *,
        prices: Prices | None = None,
        budget_usd: Decimal | None = None,
    ) -> None:
        if budget_usd is not None and prices is None:
            raise SettingsError("a budget needs prices: give --prompt-price and --completion-price")
        self.path = path
        self._prices = prices
        self._budget = budget_usd
        self._accounts = Accounts()
        self._run = secrets.token_hex(4)
        self._attempts = 0
        self._uncounted = False
        self._file = -1 if path is None else _opened(path)
        try:
            if path is not None:
                for line in _whole_lines(path, repair=self._file):
                    self._accounts.note(line)
            if budget_usd is not None and self._accounts.unpriced_tokens:
                raise SettingsError(
                    f"{path} holds {self._accounts.unpriced_tokens} tokens without a price, so a "
                    "budget cannot be kept; leave out --budget-usd or choose another ledger"
                )
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; closing twice is harmless."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def meter(self, request: RequestId, *, turn: int, model: str) -> "RequestMeter":
        """Return what counts the attempts of one turn."""
        return RequestMeter(self, request, turn, model)

    def asked(self, request: RequestId, outcome: Outcome, *, rejected_replies: int = 0) -> None:
        """Note that a request is over."""
        self._write(
            AskedLine(
                stage=request.stage,
                item=request.item,
                part=request.part,
                sample=request.sample,
                outcome=outcome,
                rejected_replies=rejected_replies,
            )
        )

    def settle(self, item: str, *, accepted: bool, shared: bool = False) -> None:
        """Note that an item was accepted or rejected; the last word about it stands.

        Args:
            item: The item.
            accepted: Whether anything came of it.
            shared: Whether several items share it, so that it is not counted as one.
        """
        line = ItemLine(item=item, accepted=accepted, shared=shared)
        if not self._accounts.holds(line):
            self._write(line)

    def summary(self) -> LedgerSummary:
        """Return all figures, those of earlier runs in the same file included."""
        return self._accounts.summary()

    def sent(self, request: RequestId, turn: int, model: str) -> str:
        """Note an attempt before it goes out, and return its id.

        Raises:
            BudgetError: if nothing more may be spent.
        """
        self._require_budget()
        self._attempts += 1
        attempt = f"{self._run}-{self._attempts}"
        self._write(
            SentLine(
                attempt=attempt,
                model=model,
                stage=request.stage,
                item=request.item,
                part=request.part,
                sample=request.sample,
                turn=turn,
            )
        )
        return attempt

    def ended(self, attempt: str, outcome: str, usage: Usage | None) -> None:
        """Note how an attempt ended."""
        if usage is None:
            self._uncounted |= outcome == REPLY
            self._write(EndedLine(attempt=attempt, outcome=outcome))
            return
        self._write(
            EndedLine(
                attempt=attempt,
                outcome=outcome,
                prompt_tokens=usage.prompt_tokens,
                completion_tokens=usage.completion_tokens,
                usd=None if self._prices is None else self._prices.cost(usage),
            )
        )

    def _require_budget(self) -> None:
        if self._budget is None:
            return
        if self._uncounted:
            raise BudgetError(
                "expected replies that count their tokens, got one that does not: a budget cannot "
                "be kept with this endpoint; leave out --budget-usd"
            )
        if self._accounts.usd >= self._budget:
            spent = f"${self._accounts.usd.normalize():f} of ${self._budget}"
            raise BudgetError(f"{spent} are spent; raise --budget-usd and run again to go on")

    def _write(self, line: LedgerLine) -> None:
        self._accounts.note(line)
        if self._file < 0:
            return
        data = canonical_bytes(line.model_dump(mode="json", exclude_none=True)) + b"\n"
        try:
            written = os.write(self._file, data)
        except OSError as error:
            raise self._unwritten(error.strerror or str(error)) from None
        if written != len(data):
            raise self._unwritten("the disk is full")

    def _unwritten(self, problem: str) -> RecordError:
        return RecordError(
            f"cannot write to the ledger {self.path}: {problem}; see to that and run again: what "
            "is written is whole"
        )


class RequestMeter:
    """Counts the attempts of one turn of one request, into the ledger."""

    def __init__(self, ledger: Ledger, request: RequestId, turn: int, model: str) -> None:
        self._ledger = ledger
        self._request = request
        self._turn = turn
        self._model = model
        self.usage = Usage()
        """Of all attempts so far."""

    def sent(self) -> str:
        """Note an attempt before it goes out."""
        return self._ledger.sent(self._request, self._turn, self._model)

    def ended(self, attempt: str, outcome: str, usage: Usage | None) -> None:
        """Note how an attempt ended."""
        self._ledger.ended(attempt, outcome, usage)
        if usage is not None:
            self.usage += usage


def _opened(path: Path) -> int:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise RecordError(
            f"cannot open the ledger {path}: {error.strerror}; choose another"
        ) from None
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(file)
        raise SettingsError(
            f"another process is writing the ledger {path}; wait for it or choose another"
        ) from None
    return file


def _whole_lines(path: Path, repair: int | None = None) -> Iterator[LedgerLine]:
    """Yield the lines; with a descriptor to `repair`, a last line that was cut off is removed."""
    sound = 0
    try:
        with path.open("rb") as file:
            for number, line in enumerate(file, start=1):
                if not line.endswith(b"\n"):
                    if number == 1 and not _may_be_torn(line):
                        raise _damaged(f"{path} line 1")
                    break
                sound += len(line)
                yield _line(line, f"{path} line {number}")
    except OSError as error:
        raise RecordError(f"cannot read the ledger {path}: {error.strerror}") from None
    if repair is not None:
        os.ftruncate(repair, sound)


def _line(line: bytes, where: str) -> LedgerLine:
    try:
        return _LINES.validate_python(json.loads(line))
    except (ValueError, ValidationError, RecursionError):
        raise _damaged(where) from None


def _may_be_torn(line: bytes) -> bool:
    """Tell whether a first line without an end may be the start of a ledger line."""
    return any(line[: len(start)] == start[: len(line)] for start in _LINE_STARTS)


def _damaged(where: str) -> RecordError:
    return RecordError(
        f"{where}: expected a ledger line, got something else; restore the file or choose "
        "another ledger"
    )
