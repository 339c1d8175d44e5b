"""Good tasks of the telephone company."""

from typing import Any

from astra_arena.core.tasks import (
    Budget,
    Expectation,
    FinalAnswer,
    FinalState,
    StateAssertion,
    SubQuestion,
    Task,
    Turn,
)
from tests.gate_corpus.tuned.hops import Hop, chain
from tests.gate_corpus.tuned.telecom_world import LINES, MONTHS, NAME, WORLD, WRITER
from tests.gate_corpus.writing import ACT, ANSWER

task, step = WRITER.task, WRITER.step

_HOLDERS = {int(key): one for key, one in WORLD["holders"].items()}
_RECORDS: dict[str, dict[Any, Any]] = {**WORLD, "holders": _HOLDERS}

CONTRACT = Hop("contract", "Which contract is {} on?", "get_line", "number", "lines", "contract_no")
HOLDER = Hop(
    "holder", "Who holds that contract?", "get_contract", "contract_no", "contracts", "holder_id"
)
EMAIL = Hop(
    "email", "What is the holder's e-mail address?", "get_holder", "holder_id", "holders", "email"
)
CARD = Hop("card", "Which card is in line {}?", "get_line", "number", "lines", "card_no")


def asked(number: str, *hops: Hop, prefix: str = "", turn: int = 0) -> tuple[SubQuestion, ...]:
    return chain(WRITER, _RECORDS, number, *hops, prefix=prefix, turn=turn)


def holders() -> tuple[Task, ...]:
    return tuple(
        task(
            f"holder-{n}",
            f"Someone found the phone with the number {LINES[n][0]}. Whom do we write to? The "
            "e-mail address, please.",
            *asked(LINES[n][0], CONTRACT, HOLDER, EMAIL),
        )
        for n in (15, 74, 139, 201, 266)
    )


def usage() -> tuple[Task, ...]:
    found: list[Task] = []
    for n, month, first, last in ((23, 4, 1, 6), (88, 9, 2, 10), (150, 2, 3, 7), (233, 7, 4, 9)):
        number = LINES[n][0]
        months = WORLD["usage"][number]
        total = sum(months[one] for one in MONTHS[first : last + 1])
        found.append(
            task(
                f"usage-{n}",
                f"How many megabytes did {number} use in {MONTHS[month]}, and how many from "
                f"{MONTHS[first]} to {MONTHS[last]}?",
                step(
                    "month",
                    f"How much was used in {MONTHS[month]}?",
                    ("get_usage", {"number": number, "month": MONTHS[month]}),
                    "/megabytes",
                    months[MONTHS[month]],
                ),
                step(
                    "total",
                    f"How much was used from {MONTHS[first]} to {MONTHS[last]}?",
                    (
                        "usage_total",
                        {"number": number, "first": MONTHS[first], "last": MONTHS[last]},
                    ),
                    "/megabytes",
                    total,
                ),
            )
        )
    return tuple(found)


def differences() -> tuple[Task, ...]:
    """Tasks whose last step is done in the head and said."""
    found: list[Task] = []
    for n, m, month in ((31, 190, 3), (66, 240, 8), (107, 12, 5), (171, 55, 10)):
        left, right = LINES[n][0], LINES[m][0]
        used = [WORLD["usage"][number][MONTHS[month]] for number in (left, right)]
        steps = [
            step(
                name,
                f"How much did {number} use in {MONTHS[month]}?",
                ("get_usage", {"number": number, "month": MONTHS[month]}),
                "/megabytes",
                WORLD["usage"][number][MONTHS[month]],
            )
            for name, number in (("left", left), ("right", right))
        ]
        both = sum(used)
        say = f"How many megabytes did {left} and {right} use together in {MONTHS[month]}?"
        found.append(
            task(
                f"together-{n}-{m}",
                [Turn(say=say, expect=ANSWER)],
                *steps,
                step(
                    "both",
                    "How much is that together?",
                    (None, {}),
                    "",
                    both,
                    after=("left", "right"),
                ),
                final_answer=FinalAnswer(kind="number", value=both, rivals=tuple(used)),
            )
        )
    return tuple(found)


def missing_function() -> tuple[Task, ...]:
    found: list[Task] = []
    for n in (40, 96, 163, 284):
        number = LINES[n][0]
        turns = (
            Turn(
                say=f"Which e-mail address has the holder of the contract for {number}?",
                tools_removed=("get_contract",),
                expect=Expectation(kind="decline", tool="get_contract"),
            ),
            Turn(say="Contracts can be read again.", tools_added=("get_contract",), expect=ACT),
        )
        found.append(
            task(
                f"closed-{n}",
                turns,
                *asked(number, CONTRACT, HOLDER, EMAIL, turn=1),
                variant="missing_function",
                budget=Budget(calls=10, turns=4),
                provenance={"searched": {"depth": 4, "calls": 2000}},
            )
        )
    return tuple(found)


def cards() -> tuple[Task, ...]:
    found: list[Task] = []
    for n, card in ((52, "8910000000017"), (118, "8910000000025"), (209, "8910000000033")):
        number, line = LINES[n]
        place = f"/values/~1lines~1{number}~1card_no"
        found.append(
            task(
                f"card-{n}",
                f"The card in {number} is broken. Put in {card}, tell me which card it replaces, "
                "and whom I have to write to about it.",
                step(
                    "swap",
                    f"Put card {card} into {number}.",
                    ("swap_card", {"number": number, "card_no": card}),
                    "/before",
                    line["card_no"],
                ),
                *asked(number, CONTRACT, HOLDER, EMAIL),
                final_state=FinalState(
                    assertions=(
                        StateAssertion(
                            environment=NAME,
                            path=place,
                            equals={"before": line["card_no"], "after": card},
                        ),
                    )
                ),
            )
        )
    return tuple(found)
