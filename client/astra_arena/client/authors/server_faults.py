"""What may go wrong between a model's server and its client, by schedule."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

from astra_arena.core.randomness import random_stream

FaultKind = Literal[
    "latency",
    "rate_limit",
    "server_error",
    "cut_body",
    "cut_json",
    "cut_reply",
    "wrong_content",
    "no_choices",
    "hang",
    "trickle",
]
"""latency: the reply comes late. rate_limit: 429. server_error: 500. cut_body: the connection
ends within the body. cut_json: the body ends early and says it is whole. cut_reply: half of the
text and finish_reason "length". wrong_content: a page of HTML with status 200. no_choices: JSON
that is no completion. hang: no answer at all. trickle: bytes without end."""

FAULT_KINDS: tuple[FaultKind, ...] = get_args(FaultKind)

PASSING: tuple[FaultKind, ...] = ("rate_limit", "server_error", "cut_body", "wrong_content")
"""Those that a repeated attempt gets over at once."""

LOSES_REPLY: frozenset[FaultKind] = frozenset(
    {"cut_body", "cut_json", "wrong_content", "no_choices", "hang", "trickle"}
)
"""After these the client cannot know what was counted."""


@dataclass(frozen=True, slots=True)
class ServerFault:
    """What strikes one attempt."""

    kind: FaultKind
    seconds: float = 0.01
    """How late a reply is, or what `Retry-After` asks for."""


FaultSchedule: TypeAlias = Callable[[str, int], ServerFault | None]
"""From a request's tag and its attempt, counted from 0, to what strikes it."""


def listed_faults(faults: Mapping[str, Sequence[ServerFault]]) -> FaultSchedule:
    """Return a schedule that strikes the first attempts of the named requests in turn.

    Args:
        faults: By tag, as `request_tags.tag` writes it; the tag `*` stands for all others.
    """

    def strike(tag: str, attempt: int) -> ServerFault | None:
        due = faults.get(tag, faults.get("*", ()))
        return due[attempt] if attempt < len(due) else None

    return strike


def seeded_faults(
    seed: int,
    rate: float,
    kinds: Sequence[FaultKind] = PASSING,
    *,
    streak: int = 2,
    seconds: float = 0.01,
) -> FaultSchedule:
    """Return a schedule that strikes a share of requests, the same ones in every run.

    Args:
        seed: Decides which.
        rate: The share of requests that meet a fault.
        kinds: What is drawn from.
        streak: The most attempts of one request that fail before one succeeds.
        seconds: As for `ServerFault`.
    """

    def strike(tag: str, attempt: int) -> ServerFault | None:
        draws = random_stream(seed, "server faults", tag)
        if draws.random() >= rate or attempt >= draws.randint(1, streak):
            return None
        chosen: list[FaultKind] = [draws.choice(kinds) for _ in range(attempt + 1)]
        return ServerFault(chosen[attempt], seconds)

    return strike
