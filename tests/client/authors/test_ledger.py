import json
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from astra_arena.client.authors.author import RequestId, Usage
from astra_arena.client.authors.ledger import Ledger, read_ledger
from astra_arena.client.authors.spending import LedgerSummary, Prices
from astra_arena.core.errors import BudgetError, RecordError, SettingsError
from tests.support.requirement import requirement

PRICES = Prices(prompt=Decimal("0.15"), completion=Decimal("0.60"))
FIRST = RequestId("decompose", "q1")
SECOND = RequestId("verify", "q2", "node-3", 1)


def spend(ledger: Ledger, request: RequestId, usage: Usage | None, outcome: str = "reply") -> None:
    meter = ledger.meter(request, turn=0, model="m")
    meter.ended(meter.sent(), outcome, usage)


def fill(ledger: Ledger) -> None:
    """Spend on two items, of which one is accepted, with all that can go wrong."""
    spend(ledger, FIRST, Usage(), "status 429")
    spend(ledger, FIRST, None, "timeout")
    spend(ledger, FIRST, Usage(1000, 10))
    spend(ledger, FIRST, Usage(2000, 20))
    ledger.asked(FIRST, "accepted", rejected_replies=1)
    ledger.asked(FIRST, "cached")
    spend(ledger, SECOND, Usage(500, 5))
    ledger.asked(SECOND, "rejected", rejected_replies=1)
    ledger.settle("q1", accepted=True)
    ledger.settle("q2", accepted=False)


def figures(summary: LedgerSummary) -> tuple[int, int, Decimal | None]:
    total = summary.total
    return total.prompt_tokens, total.completion_tokens, total.usd


@requirement("authors:ledger")
def test_figures_are_told_by_stage_and_by_what_became_of_items(tmp_path: Path) -> None:
    with Ledger(tmp_path / "ledger.jsonl", prices=PRICES) as ledger:
        fill(ledger)
        summary = ledger.summary()
    decompose, verify = summary.stages["decompose"], summary.stages["verify"]
    assert (decompose.requests, decompose.cached, decompose.attempts) == (2, 1, 4)
    assert (decompose.failed_attempts, decompose.unmetered, decompose.rejected_replies) == (2, 1, 1)
    assert (verify.rejected, verify.prompt_tokens, verify.completion_tokens) == (1, 500, 5)
    assert figures(summary) == (3500, 35, Decimal("0.000546"))
    accepted, rejected = summary.accepted, summary.rejected
    assert (accepted.items, accepted.prompt_tokens, accepted.usd) == (1, 3000, Decimal("0.000468"))
    assert (rejected.items, rejected.prompt_tokens, rejected.usd) == (1, 500, Decimal("0.000078"))
    assert summary.tokens_per_accepted == 3535
    assert summary.usd_per_accepted == Decimal("0.000546")
    assert read_ledger(tmp_path / "ledger.jsonl") == summary


@requirement("authors:ledger")
def test_a_ledger_goes_on_where_it_stopped(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    with Ledger(path, prices=PRICES) as ledger:
        fill(ledger)
    with Ledger(path, prices=PRICES) as ledger:
        spend(ledger, SECOND, Usage(500, 5))
        ledger.settle("q2", accepted=True)
        summary = ledger.summary()
    assert figures(summary) == (4000, 40, Decimal("0.000624"))
    assert (summary.accepted.items, summary.rejected.items) == (2, 0)
    assert read_ledger(path) == summary


@requirement("authors:ledger")
@given(data=st.data())
def test_a_ledger_that_was_cut_at_any_byte_is_read_and_goes_on(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("cut") / "ledger.jsonl"
    with Ledger(path) as ledger:
        fill(ledger)
    whole = path.read_bytes()
    size = data.draw(st.integers(0, len(whole)))
    path.write_bytes(whole[:size])
    held = read_ledger(path)
    lines = [json.loads(line) for line in whole[:size].rpartition(b"\n")[0].splitlines()]
    sent = {line["attempt"] for line in lines if line["kind"] == "sent"}
    told = {line["attempt"] for line in lines if "completion_tokens" in line}
    assert held.total.attempts == len(sent)
    assert held.total.unmetered == len(sent - told)
    with Ledger(path) as ledger:
        spend(ledger, FIRST, Usage(7, 7))
    again = read_ledger(path)
    assert again.total.prompt_tokens == held.total.prompt_tokens + 7


@requirement("authors:ledger")
def test_a_damaged_line_is_named_and_a_foreign_file_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    path.write_text('{"kind":"sent"}\n', encoding="utf-8")
    with pytest.raises(RecordError, match="line 1: expected a ledger line"):
        Ledger(path)
    path.write_text("my notes, no line end", encoding="utf-8")
    with pytest.raises(RecordError, match="line 1"):
        Ledger(path)
    assert path.read_text(encoding="utf-8") == "my notes, no line end"


def test_two_processes_cannot_write_one_ledger(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    with Ledger(path), pytest.raises(SettingsError, match="another process"):
        Ledger(path)


@requirement("authors:budget")
def test_nothing_is_sent_once_the_budget_is_spent_also_by_an_earlier_run(tmp_path: Path) -> None:
    path, budget = tmp_path / "ledger.jsonl", Decimal("0.0001")
    with Ledger(path, prices=PRICES, budget_usd=budget) as ledger:
        spend(ledger, FIRST, Usage(600, 0))
        spend(ledger, FIRST, Usage(600, 0))
        with pytest.raises(BudgetError, match=r"\$0\.00018 of \$0\.0001"):
            spend(ledger, FIRST, Usage(600, 0))
        assert ledger.summary().total.attempts == 2
    with (
        Ledger(path, prices=PRICES, budget_usd=budget) as ledger,
        pytest.raises(BudgetError),
    ):
        spend(ledger, FIRST, Usage(600, 0))


@requirement("authors:budget")
def test_a_budget_that_cannot_be_kept_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    with pytest.raises(SettingsError, match="needs prices"):
        Ledger(budget_usd=Decimal(1))
    with Ledger(path) as ledger:
        spend(ledger, FIRST, Usage(1, 1))
    with pytest.raises(SettingsError, match="2 tokens without a price"):
        Ledger(path, prices=PRICES, budget_usd=Decimal(1))
    ledger = Ledger(prices=PRICES, budget_usd=Decimal(1))
    spend(ledger, FIRST, None)
    with pytest.raises(BudgetError, match="count their tokens"):
        spend(ledger, FIRST, None)
