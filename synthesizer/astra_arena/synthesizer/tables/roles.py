"""What the rows that a row refers to are to it."""

from astra_arena.synthesizer.tables.catalogue import Attribute, Entity
from astra_arena.synthesizer.tables.naming import label_of, without_identifying_word
from astra_arena.synthesizer.tables.references import Reference


def role_of(attribute: Attribute, target: Entity) -> str:
    """Return what a reference's target is to its row: "customer", "origin airport".

    `ship_to_id` is the "ship to"; a column without such an ending needs the target's noun.
    """
    own = label_of(attribute.name)
    key = label_of(target.key[0]) if len(target.key) == 1 else ""
    if own == f"{target.singular} {key}":
        return target.singular
    stripped = without_identifying_word(attribute.name)
    if stripped is not None:
        return stripped
    if own in (key, target.singular):
        return target.singular
    return own if own.endswith(target.singular) else f"{own} {target.singular}"


def reference_role(entity: Entity, reference: Reference, target: Entity) -> str:
    """Return the role of a reference's target, the described one where there is one."""
    column, *more = reference.columns
    if more:
        return target.singular
    attribute = entity.by_name[column]
    return attribute.words.role or role_of(attribute, target)
