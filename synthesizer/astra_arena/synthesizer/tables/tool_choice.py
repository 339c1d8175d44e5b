"""Designs the tools of a catalogue: whole families, the most useful first, up to a number.

Every entity has get, search and count, and a summary where there is something to average. What
comes beside these is kept family by family as long as the number of tools allows: lists along
references, then writes, groups, distances, dates, comparisons.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TypeVar

from astra_arena.core.schema import RESERVED_TOOL_NAMES
from astra_arena.synthesizer.tables.catalogue import Attribute, Catalogue, Entity
from astra_arena.synthesizer.tables.naming import distinct_names
from astra_arena.synthesizer.tables.read_families import (
    compare_tools,
    date_tools,
    group_tools,
    place_tools,
    related_tools,
)
from astra_arena.synthesizer.tables.tool_design import EntityTools, ReadTool
from astra_arena.synthesizer.tables.tool_filters import filters_of, key_parameters
from astra_arena.synthesizer.tables.write_families import write_tools_of
from astra_arena.synthesizer.tables.write_kinds import WriteTool

DEFAULT_TOOLS = 60
"""Room for all that half a dozen tables call for, or the basic and some more of a dozen."""
FEWEST_TOOLS = 4

_Tool = TypeVar("_Tool", ReadTool, WriteTool)


@dataclass(frozen=True, slots=True)
class ToolOptions:
    """Which tools an environment gets."""

    most_tools: int | None = DEFAULT_TOOLS
    """How many at most; `None` for all."""
    writes: bool = True
    """Whether tools may change rows, where the data makes sense of it."""


def design_tools(
    catalogue: Catalogue, options: ToolOptions | None = None
) -> tuple[EntityTools, ...]:
    """Design the tools of the entities that the options leave room for.

    Names are unique and none is reserved. Tools name no entity that has none: their references
    are those of the catalogue restricted to the entities designed.
    """
    chosen = options or ToolOptions()
    most = chosen.most_tools
    basic = _basic_designs(catalogue)
    if most is not None:
        kept = _within(basic, most)
        if len(kept) < len(basic):
            return design_tools(catalogue.restricted_to(kept), chosen)
    left = None if most is None else most - sum(len(design.names) for design in basic)
    return _named(_extended(catalogue, basic, left, writes=chosen.writes))


def _basic_designs(catalogue: Catalogue) -> tuple[EntityTools, ...]:
    designs: list[EntityTools] = []
    for entity in catalogue.entities:
        measures = tuple(a for a in entity.attributes if _is_measured(entity, a))
        filters = filters_of(entity)
        ranged = {rule.attribute.name for rule in filters if rule.operator == "at_least"}
        designs.append(
            EntityTools(
                entity=entity,
                get=f"get_{entity.one}",
                find=f"find_{entity.many}",
                count=f"count_{entity.many}",
                summarise=f"summarise_{entity.many}" if measures else None,
                key_parameters=key_parameters(entity),
                filters=filters,
                sorted_by=tuple(a for a in entity.attributes if a.name in ranged),
                measures=measures,
            )
        )
    return tuple(designs)


def _within(designs: tuple[EntityTools, ...], most: int) -> frozenset[str]:
    """Return the tables whose basic tools are kept: those that hang together most, one at least."""
    kept: set[str] = set()
    for design in _by_use(designs):
        if (
            not kept
            or sum(len(d.names) for d in designs if d.entity.name in kept) + len(design.names)
            <= most
        ):
            kept.add(design.entity.name)
    return frozenset(kept)


def _by_use(designs: tuple[EntityTools, ...]) -> list[EntityTools]:
    def links(entity: Entity) -> int:
        return sum(
            entity.name in (reference.table, reference.target)
            for design in designs
            for reference in design.entity.references
            if reference.table != reference.target
        )

    return sorted(designs, key=lambda design: -links(design.entity))


def _extended(
    catalogue: Catalogue,
    designs: tuple[EntityTools, ...],
    left: int | None,
    *,
    writes: bool,
) -> tuple[EntityTools, ...]:
    """Add further families as long as there is room; one that does not fit is passed over."""
    families = [
        (place + 2 * rank, rank, design.entity.name, family)
        for place, design in enumerate(_by_use(designs))
        for rank, family in enumerate(_families(catalogue, design, writes=writes))
        if family
    ]
    families.sort(key=lambda family: family[:2])
    kept: dict[str, list[tuple[int, tuple[ReadTool | WriteTool, ...]]]] = {}
    for _, rank, name, family in families:
        if left is None or len(family) <= left:
            left = None if left is None else left - len(family)
            kept.setdefault(name, []).append((rank, family))
    return tuple(_with_families(design, kept.get(design.entity.name, [])) for design in designs)


def _families(
    catalogue: Catalogue, design: EntityTools, *, writes: bool
) -> tuple[tuple[ReadTool | WriteTool, ...], ...]:
    """Return further tools of an entity that stand or fall together, the most useful first."""
    entity = design.entity
    return (
        (*related_tools(catalogue, entity, design.sorted_by), *place_tools(entity)),
        write_tools_of(catalogue, entity) if writes else (),
        group_tools(entity, design.measures),
        date_tools(entity),
        compare_tools(entity, design.measures),
    )


def _with_families(
    design: EntityTools, kept: list[tuple[int, tuple[ReadTool | WriteTool, ...]]]
) -> EntityTools:
    tools = [tool for _, family in sorted(kept, key=lambda one: one[0]) for tool in family]
    return replace(
        design,
        reads=tuple(tool for tool in tools if not isinstance(tool, WriteTool)),
        writes=tuple(tool for tool in tools if isinstance(tool, WriteTool)),
    )


def _named(designs: tuple[EntityTools, ...]) -> tuple[EntityTools, ...]:
    """Give all tools names of their own; basic tools come first, so that theirs are plain."""
    taken = set(RESERVED_TOOL_NAMES)

    def distinct(wanted: Iterable[str]) -> list[str]:
        names = distinct_names(wanted, taken=taken)
        taken.update(names)
        return names

    named: list[EntityTools] = []
    for design in designs:
        summarise = [design.summarise] if design.summarise else []
        names = distinct([design.get, design.find, design.count, *summarise])
        named.append(
            replace(
                design,
                get=names[0],
                find=names[1],
                count=names[2],
                summarise=names[3] if summarise else None,
            )
        )
    return tuple(
        replace(
            design,
            reads=_renamed(design.reads, distinct(tool.name for tool in design.reads)),
            writes=_renamed(design.writes, distinct(tool.name for tool in design.writes)),
        )
        for design in named
    )


def _renamed(tools: tuple[_Tool, ...], names: list[str]) -> tuple[_Tool, ...]:
    return tuple(replace(tool, name=name) for tool, name in zip(tools, names, strict=True))


def _is_measured(entity: Entity, attribute: Attribute) -> bool:
    names_something = attribute.name in entity.key or attribute.name in entity.reference_columns
    summed = attribute.is_measure and attribute.profile.can_be_summed
    return summed and not names_something
