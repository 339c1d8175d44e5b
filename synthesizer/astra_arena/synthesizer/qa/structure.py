"""The structure of a decomposition, decided by code: soundness, levels, topology, hops.

No model is asked for what is decidable. The level of a sub-question is one more than the highest of
those it depends on, so the longest path counts; sub-questions of one level are parallel.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import networkx as nx

from astra_arena.core.errors import SpecError
from astra_arena.synthesizer.tasks.task_graphs import Topology

Parents: TypeAlias = Sequence[tuple[str, Sequence[str]]]
"""Each id with the ids that it depends on."""


@dataclass(frozen=True, slots=True)
class Structure:
    """What follows from which sub-question depends on which."""

    levels: dict[str, int]
    """By id, from 1."""
    parallel: dict[str, bool]
    """By id: whether another sub-question has the same level."""
    topology: Topology
    order: tuple[str, ...]
    """Every id behind those it depends on."""

    @property
    def hops(self) -> int:
        """Sub-questions on the longest path."""
        return max(self.levels.values())


def require_sound(parents: Parents, finals: Sequence[str] = ()) -> None:
    """Check ids, dependencies, acyclicity, and that everything leads to the final answer.

    Raises:
        ValueError: saying what was expected and what came.
    """
    ids = [identifier for identifier, _ in parents]
    doubled = sorted(name for name, count in Counter(ids).items() if count > 1)
    if doubled:
        raise ValueError(f"expected every id once, got {', '.join(doubled)} more than once")
    for identifier, above in parents:
        unknown = sorted(set(above) - set(ids))
        if unknown:
            raise ValueError(
                f"{identifier} depends on {', '.join(unknown)}; expected ids out of "
                f"{', '.join(ids)}"
            )
        if len(set(above)) != len(above):
            raise ValueError(f"{identifier} names a dependency twice: {', '.join(above)}")
    graph = _graph(parents)
    circles = [
        sorted(names)
        for names in nx.strongly_connected_components(graph)
        if len(names) > 1 or any(graph.has_edge(name, name) for name in names)
    ]
    if circles:
        raise ValueError(
            f"expected no circle among dependencies, got one of {', '.join(min(circles))}"
        )
    _require_finals(graph, finals)


def _require_finals(graph: "nx.DiGraph[str]", finals: Sequence[str]) -> None:
    """Every sub-question must be, or lead to, one that makes up the answer."""
    unknown = sorted(set(finals) - set(graph))
    if unknown:
        raise ValueError(f"the final answer is said to be {', '.join(unknown)}, which is not there")
    if len(set(finals)) != len(finals):
        raise ValueError(f"the final answer names one twice: {', '.join(finals)}")
    sinks = [name for name in graph if graph.out_degree(name) == 0]
    ends = list(finals) or sinks
    if not finals and len(sinks) > 1:
        raise ValueError(
            f"expected one sub-question that nothing depends on, got {', '.join(sinks)}: name "
            "those that make up the final answer"
        )
    reaching = set(ends)
    for name in reversed(list(nx.topological_sort(graph))):
        if any(below in reaching for below in graph.successors(name)):
            reaching.add(name)
    lost = [name for name in graph if name not in reaching]
    if lost:
        raise ValueError(f"{', '.join(lost)} does not lead to the final answer, {', '.join(ends)}")


def structure_of(parents: Parents) -> Structure:
    """Return the structure of a sound decomposition.

    Raises:
        ValueError: if it has a circle or names what is not there.
    """
    graph = _graph(parents)
    layers = [sorted(layer) for layer in nx.topological_generations(graph)]
    levels = {name: number for number, layer in enumerate(layers, start=1) for name in layer}
    widths = Counter(levels.values())
    written = {name: place for place, (name, _) in enumerate(parents)}
    order = sorted(levels, key=lambda name: (levels[name], written[name]))
    return Structure(
        levels=levels,
        parallel={name: widths[level] > 1 for name, level in levels.items()},
        topology=_topology(widths),
        order=tuple(order),
    )


def _topology(widths: Counter[int]) -> Topology:
    wide = max(widths.values()) > 1
    if len(widths) == 1:
        return "parallel_single_hop" if wide else "single_hop"
    return "parallel_multi_hop" if wide else "multi_hop"


def require_hops(structure: Structure, least: int, most: int, *, what: str) -> None:
    """Check that the longest path is as long as was asked for.

    Raises:
        SpecError: naming the bounds and the hops.
    """
    if not least <= structure.hops <= most:
        raise SpecError(f"{what}: expected {least} to {most} hops, got {structure.hops}")


def _graph(parents: Parents) -> "nx.DiGraph[str]":
    graph: nx.DiGraph[str] = nx.DiGraph()
    graph.add_nodes_from(identifier for identifier, _ in parents)
    graph.add_edges_from((above, identifier) for identifier, its in parents for above in its)
    return graph
