"""Which writing tools an entity gets, and what they take."""

from astra_arena.synthesizer.sources.column_types import notation
from astra_arena.synthesizer.tables.catalogue import Attribute, Catalogue, Entity
from astra_arena.synthesizer.tables.naming import distinct_names, safe_identifier
from astra_arena.synthesizer.tables.read_families import tool_name
from astra_arena.synthesizer.tables.references import Reference
from astra_arena.synthesizer.tables.roles import reference_role
from astra_arena.synthesizer.tables.status_words import cancelled_value, status_of
from astra_arena.synthesizer.tables.table_rules import CENTS
from astra_arena.synthesizer.tables.tool_design import KeyParameters
from astra_arena.synthesizer.tables.tool_filters import key_parameters
from astra_arena.synthesizer.tables.write_evidence import (
    choices_of,
    is_cancelled_by_removal,
    is_fund,
    is_removed,
    is_written,
    reassigning_verb,
)
from astra_arena.synthesizer.tables.write_kinds import (
    CancelTool,
    CheckedReference,
    CreateTool,
    MoveAmountTool,
    Numbering,
    ReassignTool,
    RemoveTool,
    SetStatusTool,
    StatusSteps,
    UpdateTool,
    WriteTool,
    WrittenValue,
)

_OWN_NAMES = ("world", "row", "changes", "amount")
MOST_REASSIGNED = 2


def write_tools_of(catalogue: Catalogue, entity: Entity) -> tuple[WriteTool, ...]:
    """Return the tools that change an entity's rows; none where that makes no sense."""
    if not is_written(entity):
        return ()
    status = status_of(entity)
    key = _key(entity)
    tools: list[WriteTool] = [
        *_create(catalogue, entity, status),
        *_update(entity, key, status),
    ]
    if status is not None:
        tools += _status_tools(entity, key, status)
    elif not _is_referred_to(catalogue, entity):
        if is_cancelled_by_removal(entity):
            tools.append(RemoveTool(tool_name(f"cancel_{entity.one}"), key))
        elif is_removed(entity):
            tools.append(RemoveTool(tool_name(f"remove_{entity.one}"), key))
    tools += _reassign(catalogue, entity, key, status)
    tools += _move_amount(entity)
    return tuple(tools)


def _key(entity: Entity) -> KeyParameters:
    names = distinct_names((name for name, _ in key_parameters(entity)), taken=_OWN_NAMES)
    return tuple(zip(names, entity.key_attributes, strict=True))


def _is_referred_to(catalogue: Catalogue, entity: Entity) -> bool:
    return entity.rules.referred_to or any(
        reference.target == entity.name
        for other in catalogue.entities
        for reference in other.references
    )


def _unchecked(entity: Entity) -> frozenset[str]:
    """Columns that no tool can give a value: computed, or of references that cannot be looked up.

    Moments with an offset have an order only when all offsets are the same.
    """
    known = {reference.columns for reference in entity.references}
    declared = {
        name
        for columns in entity.rules.declared_references
        if columns not in known
        for name in columns
    }
    moments = {
        attribute.name
        for attribute in entity.attributes
        if attribute.profile.logical_type == "datetime"
        and notation(str(attribute.profile.minimum))[-6:-5] in ("+", "-")
    }
    unclear = {a.name for a in entity.attributes if not a.profile.is_exact}
    return frozenset({*entity.rules.computed, *declared, *moments, *unclear})


def _create(catalogue: Catalogue, entity: Entity, status: StatusSteps | None) -> list[CreateTool]:
    numbering_column = _numbered_column(entity)
    own = {status.attribute.name} if status else set[str]()
    left_out = _unchecked(entity)
    given = [
        attribute
        for attribute in entity.attributes
        if attribute.name not in own | left_out | {numbering_column}
    ]
    missing = {a.name for a in entity.attributes if a.name in left_out and not a.profile.nulls}
    if missing - entity.rules.computed or not entity.rules.takes_rows or not given:
        return []
    names = distinct_names((a.field for a in given), taken=_OWN_NAMES)
    values = tuple(
        _written(entity, attribute, name, required=not attribute.profile.nulls)
        for name, attribute in zip(names, given, strict=True)
    )
    # Python wants parameters without a default first.
    ordered = tuple(sorted(values, key=lambda value: not value.required))
    by_column = {value.attribute.name: value for value in values}
    return [
        CreateTool(
            name=tool_name(f"create_{entity.one}"),
            values=ordered,
            numbering=_numbering(entity, numbering_column, by_column),
            status=status,
            references=tuple(
                _checked(catalogue, reference, by_column)
                for reference in entity.references
                if by_column.keys() >= set(reference.columns)
            ),
        )
    ]


def _numbered_column(entity: Entity) -> str | None:
    numbers = [
        attribute.name
        for attribute in entity.key_attributes
        if attribute.name not in entity.reference_columns
        and (
            attribute.profile.logical_type == "integer"
            or (len(entity.key) == 1 and attribute.name in entity.rules.numbered_keys)
        )
    ]
    return numbers[0] if len(numbers) == 1 else None


def _numbering(
    entity: Entity, column: str | None, given: dict[str, WrittenValue]
) -> Numbering | None:
    if column is None:
        return None
    prefix, digits = entity.rules.numbered_keys.get(column, ("", 0))
    within = tuple((given[n].parameter, entity.by_name[n]) for n in entity.key if n != column)
    return Numbering(entity.by_name[column], prefix, digits, within)


def _checked(
    catalogue: Catalogue, reference: Reference, given: dict[str, WrittenValue]
) -> CheckedReference:
    values = [given[column] for column in reference.columns]
    return CheckedReference(
        reference,
        catalogue.by_name[reference.target],
        tuple(value.parameter for value in values),
        optional=any(not value.required for value in values),
    )


def _written(
    entity: Entity, attribute: Attribute, parameter: str, *, required: bool
) -> WrittenValue:
    least = attribute.profile.minimum
    named = attribute.name in (*entity.key, *entity.reference_columns)
    return WrittenValue(
        parameter,
        attribute,
        required,
        choices=() if named else choices_of(entity, attribute),
        at_least_zero=not named
        and attribute.profile.is_number
        and isinstance(least, int | float)
        and least >= 0,
    )


def _update(entity: Entity, key: KeyParameters, status: StatusSteps | None) -> list[UpdateTool]:
    fixed = {*entity.key, *entity.reference_columns, *_unchecked(entity)}
    if status is not None:
        fixed.add(status.attribute.name)
    moved = {tool.attribute.name for tool in _move_amount(entity)}
    changed = [a for a in entity.attributes if a.name not in fixed | moved]
    if not changed:
        return []
    taken = (*_OWN_NAMES, *(name for name, _ in key))
    names = distinct_names((a.field for a in changed), taken=taken)
    values = tuple(
        _written(entity, attribute, name, required=False)
        for name, attribute in zip(names, changed, strict=True)
    )
    return [UpdateTool(tool_name(f"update_{entity.one}"), key, values)]


def _status_tools(
    entity: Entity, key: KeyParameters, status: StatusSteps
) -> list[SetStatusTool | CancelTool]:
    tools: list[SetStatusTool | CancelTool] = []
    cancelled = cancelled_value(status)
    reached = {after for _, following in status.steps for after in following}
    choices = tuple(v for v, _ in status.steps if v in reached and v != cancelled)
    field = status.attribute.field
    if choices:
        (parameter,) = distinct_names([field], taken=(*_OWN_NAMES, *(name for name, _ in key)))
        name = tool_name(f"set_{entity.one}_{field}")
        tools.append(SetStatusTool(name, key, status, parameter, choices))
    if cancelled is not None:
        tools.append(CancelTool(tool_name(f"cancel_{entity.one}"), key, status, cancelled))
    return tools


def _reassign(
    catalogue: Catalogue, entity: Entity, key: KeyParameters, status: StatusSteps | None
) -> list[ReassignTool]:
    tools: list[ReassignTool] = []
    for reference in entity.references:
        target = catalogue.by_name[reference.target]
        verb = reassigning_verb(target)
        (column, *more) = reference.columns
        if more or verb is None or target is entity or column in (*entity.key, *_unchecked(entity)):
            continue
        role = reference_role(entity, reference, target)
        said = safe_identifier(role, fallback=target.one)
        (parameter,) = distinct_names(
            [f"new_{entity.by_name[column].field}"],
            taken=(*_OWN_NAMES, *(name for name, _ in key)),
        )
        tools.append(
            ReassignTool(
                name=tool_name(f"{verb}_{entity.one}_to_{said}"),
                key_parameters=key,
                reference=reference,
                target=target,
                role=role,
                parameter=parameter,
                status=status,
            )
        )
    return tools[:MOST_REASSIGNED]


def _move_amount(entity: Entity) -> list[MoveAmountTool]:
    for attribute in entity.attributes:
        profile = attribute.profile
        least = profile.minimum
        exact = profile.logical_type == "integer" or attribute.name in entity.rules.in_cents
        if (
            is_fund(attribute)
            and profile.is_number
            and exact
            and isinstance(least, int | float)
            and least >= 0
            and attribute.name not in (*entity.key, *entity.reference_columns)
            and attribute.name not in entity.rules.computed
        ):
            return [
                MoveAmountTool(
                    name=tool_name(f"transfer_{entity.one}_{attribute.field}"),
                    source=key_parameters(entity, "from_"),
                    destination=key_parameters(entity, "to_"),
                    attribute=attribute,
                    digits=0 if profile.logical_type == "integer" else CENTS,
                )
            ]
    return []
