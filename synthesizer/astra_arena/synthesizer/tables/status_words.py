"""Statuses: which columns hold one, and what a status may become.

Descriptions say it, or common words do: an order goes forward through its stages, may be cancelled
until it is sent, and returned when it has arrived. Where one word is unknown nothing is guessed.
"""

from astra_arena.synthesizer.tables.catalogue import Attribute, Entity
from astra_arena.synthesizer.tables.naming import words_of
from astra_arena.synthesizer.tables.write_kinds import StatusSteps

_STATUS_WORDS = frozenset({"status", "state", "stage", "phase"})
_STAGES: tuple[tuple[str, ...], ...] = (
    ("draft",),
    ("new", "open", "pending", "requested", "created", "submitted", "planned", "placed", "todo"),
    ("confirmed", "approved", "accepted", "assigned", "scheduled", "booked", "reserved"),
    ("paid",),
    ("processing", "in progress", "active", "ongoing", "started", "picked", "preparing"),
    ("packed", "ready", "in review"),
    ("shipped", "sent", "dispatched", "in transit", "checked out", "checked in", "on loan"),
    ("delivered", "received", "arrived"),
    ("completed", "complete", "fulfilled", "done", "resolved", "closed", "finished"),
    ("returned",),
    ("refunded",),
)
"""Words for how far something is, from first to last."""
_SENT = 6
_CANCELLED = frozenset(
    {
        *("cancelled", "canceled", "withdrawn", "void", "voided", "rejected", "declined"),
        *("denied", "failed", "expired", "lost", "no show"),
    }
)
_STARTED_AGAIN = frozenset({"on hold", "paused", "suspended"})
_SWITCHES: tuple[tuple[str, str], ...] = (
    ("active", "inactive"),
    ("active", "suspended"),
    ("active", "archived"),
    ("enabled", "disabled"),
    ("available", "unavailable"),
    ("open", "closed"),
)
"""Pairs of which each may become the other; new rows get the first."""
_CANCELLING = frozenset({"cancelled", "canceled", "withdrawn", "void", "voided"})


def status_of(entity: Entity) -> StatusSteps | None:
    """Return the steps of the entity's status, or `None` where none is known."""
    for attribute in entity.attributes:
        if attribute.name in (*entity.key, *entity.reference_columns, *entity.rules.computed):
            continue
        steps = _described(attribute) or _guessed(entity, attribute)
        if steps is not None:
            return steps
    return None


def cancelled_value(steps: StatusSteps) -> str | None:
    """Return the value that a cancelled row has."""
    values = [value for value, _ in steps.steps]
    return next((v for v in values if _plain(v) in _CANCELLING and steps.before(v)), None)


def _described(attribute: Attribute) -> StatusSteps | None:
    given = attribute.words.transitions
    if not given or attribute.profile.logical_type != "text":
        return None
    values = dict.fromkeys([*given, *(after for many in given.values() for after in many)])
    steps = tuple((value, given.get(value, ())) for value in values)
    return StatusSteps(attribute, steps, attribute.words.initial or next(iter(given)))


def _guessed(entity: Entity, attribute: Attribute) -> StatusSteps | None:
    values = tuple(str(value) for value in entity.rules.values.get(attribute.name, ()))
    named = _STATUS_WORDS.intersection(words_of(attribute.name))
    if not named or len(values) < 2 or attribute.profile.nulls:
        return None
    plain = {_plain(value): value for value in values}
    if len(plain) < len(values):
        return None
    return _switch(attribute, plain) or _stages(attribute, plain)


def _switch(attribute: Attribute, plain: dict[str, str]) -> StatusSteps | None:
    for pair in _SWITCHES:
        if set(pair) == set(plain):
            on, off = (plain[word] for word in pair)
            return StatusSteps(attribute, ((on, (off,)), (off, (on,))), on)
    return None


def _stages(attribute: Attribute, plain: dict[str, str]) -> StatusSteps | None:
    stage_of = {word: n for n, words in enumerate(_STAGES) for word in words}
    apart = _CANCELLED | _STARTED_AGAIN
    if any(word not in stage_of and word not in apart for word in plain):
        return None
    staged = sorted((stage_of[word], word) for word in plain if word in stage_of)
    if not staged:
        return None
    steps: dict[str, tuple[str, ...]] = {}
    for stage, word in staged:
        steps[plain[word]] = tuple(
            plain[after] for after in _following(stage, staged, sorted(plain))
        )
    for word in sorted(plain):
        if word in _STARTED_AGAIN:
            back = [plain[after] for stage, after in staged if 1 <= stage < _SENT][:1]
            ended = [plain[after] for after in sorted(plain) if after in _CANCELLED]
            steps[plain[word]] = (*back, *ended)
        elif word in _CANCELLED:
            steps[plain[word]] = ()
    return StatusSteps(attribute, tuple(steps.items()), plain[staged[0][1]])


def _following(stage: int, staged: list[tuple[int, str]], words: list[str]) -> list[str]:
    last_regular = len(_STAGES) - 2
    later = [n for n, _ in staged if n > stage and n < last_regular]
    arrived = stage in (7, 8)
    following = [word for n, word in staged if later and n == later[0]]
    if arrived:
        following += [word for n, word in staged if n == last_regular]
    if stage == last_regular:
        following += [word for n, word in staged if n == last_regular + 1]
    if stage < _SENT:
        following += [word for word in words if word in _CANCELLED | _STARTED_AGAIN]
    return following


def _plain(value: str) -> str:
    return " ".join(words_of(value))
