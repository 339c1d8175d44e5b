"""Which tables tools may write to: those that an organisation keeps about its own doings.

Measurements, registers and history are read only. A table's noun tells, or a status with steps
that are known; descriptions have the last word.
"""

from astra_arena.synthesizer.tables.catalogue import MANY_VALUES, Attribute, Entity
from astra_arena.synthesizer.tables.naming import words_of
from astra_arena.synthesizer.tables.status_words import status_of

_KEPT = frozenset(
    {
        *("account", "address", "appointment", "article", "asset", "assignment", "basket", "bill"),
        *("booking", "budget", "campaign", "cart", "case", "claim", "client", "comment"),
        *("contact", "contract", "coupon", "course", "customer", "deal", "delivery", "department"),
        *("detail", "device", "employee", "enrollment", "enrolment", "event", "expense", "invoice"),
        *("inventory", "item", "lead", "leave", "line", "loan", "member", "membership", "message"),
        *("note", "offer", "opportunity", "order", "patient", "payment", "plan", "playlist"),
        *("policy", "position", "product", "project", "purchase", "quote", "refund", "rental"),
        *("request", "reservation", "return", "review", "room", "sale", "schedule", "shift"),
        *("shipment", "stock", "student", "subscription", "supplier", "task", "ticket", "todo"),
        *("transfer", "trip", "user", "vendor", "visit", "voucher", "wallet", "warehouse"),
    }
)
"""What an organisation creates and changes day by day."""
_CANCELLED = frozenset(
    {
        *("appointment", "booking", "delivery", "order", "purchase", "rental", "request"),
        *("reservation", "shipment", "subscription", "ticket", "trip", "visit"),
    }
)
_REMOVED = frozenset({"detail", "item", "line", "assignment", "enrollment", "enrolment"})
_PEOPLE = frozenset(
    {
        *("agent", "client", "customer", "doctor", "driver", "employee", "manager", "member"),
        *("nurse", "patient", "person", "rep", "staff", "student", "teacher", "technician", "user"),
    }
)
_ORGANISED_BY = frozenset(
    {
        *("branch", "category", "class", "department", "genre", "group", "location", "office"),
        *("project", "room", "site", "store", "supplier", "team", "vendor", "warehouse"),
    }
)
_CATEGORICAL = frozenset(
    {
        *("category", "channel", "class", "currency", "gender", "kind", "level", "method", "mode"),
        *("plan", "priority", "rating", "role", "severity", "size", "source", "status", "state"),
        *("tier", "type", "unit"),
    }
)
_FUNDS = frozenset({"balance", "funds", "credit", "credits", "points"})
MOST_CHOICES = 8
FEWEST_PER_CHOICE = 20


def is_written(entity: Entity) -> bool:
    """Tell whether tools may change the entity's rows."""
    if entity.words.writes is not None:
        return entity.words.writes
    return entity.singular.split(" ")[-1] in _KEPT or status_of(entity) is not None


def is_cancelled_by_removal(entity: Entity) -> bool:
    """Tell whether "cancel" is the word for deleting one of the rows."""
    return entity.singular.split(" ")[-1] in _CANCELLED


def is_removed(entity: Entity) -> bool:
    """Tell whether rows are parts of something that they can be taken out of."""
    return entity.singular.split(" ")[-1] in _REMOVED and bool(entity.references)


def reassigning_verb(target: Entity) -> str | None:
    """Return the verb for giving a row another target of this kind; `None` if nobody does."""
    noun = target.singular.split(" ")[-1]
    if noun in _PEOPLE:
        return "assign"
    return "move" if noun in _ORGANISED_BY else None


def is_fund(attribute: Attribute) -> bool:
    """Tell whether parts of the value can go from row to row."""
    return bool(_FUNDS.intersection(words_of(attribute.name)))


def choices_of(entity: Entity, attribute: Attribute) -> tuple[str | int, ...]:
    """Return the only values that make sense in a column; empty when others may."""
    if attribute.profile.logical_type == "boolean":
        return (0, 1)
    values = tuple(str(value) for value in entity.rules.values.get(attribute.name, ()))
    profile = attribute.profile
    if not values or profile.distinct > MANY_VALUES:
        return ()
    named = bool(_CATEGORICAL.intersection(words_of(attribute.name)))
    repeated = profile.distinct <= MOST_CHOICES and profile.rows >= (
        FEWEST_PER_CHOICE * profile.distinct
    )
    return values if named or repeated else ()
