"""The phrase for what a reference names: "the customer of order 5", "the user who approved it"."""

import re

from astra_arena.synthesizer.tables.catalogue import Attribute, Catalogue
from astra_arena.synthesizer.tables.grammar import grammar_of
from astra_arena.synthesizer.tables.lexicon import IRREGULAR_PARTICIPLES, PERSONS
from astra_arena.synthesizer.tables.naming import is_identifying, words_of
from astra_arena.synthesizer.tables.roles import role_of
from astra_arena.synthesizer.tasks.task_graphs import Step

LONGEST_OWNER = 20
"""A longer phrase takes no possessive."""

_PEOPLE = PERSONS | {
    *("user", "customer", "employee", "person", "agent", "member", "student", "client", "patient"),
    *("driver", "player", "guest", "contact", "staff", "manager", "passenger", "supplier"),
}


def thing_of(catalogue: Catalogue, parent: Step, row: str) -> tuple[str, ...]:
    """Return phrases for the thing that a step's answer names, whose row is said like this."""
    entity = catalogue.by_name[parent.table]
    column = parent.column or ""
    attribute = entity.by_name[column]
    if entity.key == (column,):
        return (row,)
    reference = entity.reference_of(column)
    if reference is None:
        return (f"the {grammar_of(entity, attribute).label} of {row}",)
    if attribute.words.possessive:
        return (attribute.words.possessive.replace("{}", row),)
    target = catalogue.by_name[reference.target]
    deed = deed_of(attribute)
    if deed:
        who = "who" if target.singular.split(" ")[-1] in _PEOPLE else "that"
        return (f"the {target.singular} {who} {deed} {row}",)
    role = attribute.words.role or role_of(attribute, target)
    short = len(row) <= LONGEST_OWNER and re.fullmatch(r"[\w \-]*[^\Ws]", row) is not None
    own = (f"{row}'s {role}",) if short and not row.startswith("the ") else ()
    return (f"the {role} of {row}", *own)


def deed_of(attribute: Attribute) -> str | None:
    """Return "approved" for `approved_by` and `approved_by_id`: what the thing named has done.

    Only where the past tense and the participle are one word.
    """
    words = words_of(attribute.name)
    if is_identifying(attribute.name):
        words = words[:-1]
    if len(words) == 2 and words[1] == "by":
        regular = re.fullmatch(r"[a-z]{2,}ed", words[0]) is not None
        alike = words[0] in IRREGULAR_PARTICIPLES - {"written", "taken", "given", "drawn", "shown"}
        return words[0] if regular or alike else None
    return None
