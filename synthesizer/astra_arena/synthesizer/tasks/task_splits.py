"""Splits without anything in common: no entity and no pattern of questions in two of them.

An entity is a row that gold names: one that a gold call finds, or that an argument or an answer
names by its key. A pattern is what is left of a question without its entities and constraints.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from typing import TypeAlias

from astra_arena.core.canonical import Json, JsonObject
from astra_arena.core.randomness import random_stream
from astra_arena.core.tasks import Task
from astra_arena.synthesizer.tables.catalogue import Catalogue, Entity
from astra_arena.synthesizer.tables.profile import SqlValue
from astra_arena.synthesizer.tasks.gold_queries import GoldQueries
from astra_arena.synthesizer.tasks.task_graphs import Plan, Step

Thing: TypeAlias = tuple[str, tuple[SqlValue, ...]]
"""A table and the values of its key."""

DEFAULT_SPLIT = "train"
DEALT_ROWS = 400
"""The rows of tables up to this size are dealt out beforehand: the first split would take all."""


def entities_of(catalogue: Catalogue, plan: Plan) -> frozenset[Thing]:
    """Return the rows that a plan's gold names."""
    return frozenset(thing for step in plan.steps for thing in _entities_of_step(catalogue, step))


def _entities_of_step(catalogue: Catalogue, step: Step) -> Iterable[Thing]:
    entity = catalogue.by_name[step.table]
    if step.rows and step.kind in ("get", "pick", "top", "scan", "period"):
        yield step.table, tuple(step.rows[0][name] for name in entity.key)
    named = [(c.column, c.value) for c in step.conditions if c.operator == "is"]
    if step.column is not None and step.kind in ("get", "pick", "top", "scan", "group"):
        named.append((step.column, step.answer))
    for column, value in named:
        reference = entity.reference_of(column)
        if reference is not None:
            yield reference.target, (value,)
        elif entity.key == (column,):
            yield step.table, (value,)


def patterns_of(plan: Plan) -> frozenset[str]:
    """Return the patterns of a plan: one for each part that has no step in common with others."""
    return frozenset(_pattern(part) for part in _parts(plan))


def _parts(plan: Plan) -> list[list[Step]]:
    parts: list[list[Step]] = []
    for step in plan.steps:
        joined = [part for part in parts if any(one.id in step.sources for one in part)]
        parts = [part for part in parts if part not in joined]
        parts.append([one for part in joined for one in part] + [step])
    return parts


def _pattern(part: list[Step]) -> str:
    places = {step.id: place for place, step in enumerate(part)}
    said: list[str] = []
    for step in part:
        fed = [f"{c.column} {c.operator} {places[c.source]}" for c in step.conditions if c.source]
        figure = step.metric or step.column or ""
        said.append(f"{step.kind} {step.table}.{figure} [{', '.join(sorted(fed))}]")
    return " > ".join(said)


class SplitKeeper:
    """Sees to it that splits stay apart while tasks are drawn.

    Args:
        shares: The splits with the share of the tasks that each gets; none for one split.
        catalogue: The entities.
        queries: Lists the rows of small tables.
        seed: Decides to which split their rows are dealt.
    """

    def __init__(
        self, shares: Mapping[str, float], catalogue: Catalogue, queries: GoldQueries, seed: int
    ) -> None:
        self._shares = dict(shares)
        self._catalogue = catalogue
        self._entities: dict[Thing, str] = {}
        self._patterns: dict[str, str] = {}
        if self._shares:
            for entity in catalogue.entities:
                if entity.rows <= DEALT_ROWS:
                    self._deal(entity, queries, seed)

    @property
    def names(self) -> tuple[str, ...]:
        """The splits."""
        return tuple(self._shares) or (DEFAULT_SPLIT,)

    def share(self, split: str) -> float:
        """Return the share of the tasks that a split gets."""
        return self._shares.get(split, 1.0)

    def _deal(self, entity: Entity, queries: GoldQueries, seed: int) -> None:
        rows = list(queries.drawable_rows(entity))
        random_stream(seed, "splits", entity.name).shuffle(rows)
        # In equal parts: a task of a small split needs several rows that are all its own.
        for place, row in enumerate(rows):
            thing = entity.name, tuple(row[name] for name in entity.key)
            self._entities[thing] = self.names[place % len(self.names)]

    def finding(self, plan: Plan, split: str) -> str | None:
        """Return why a plan cannot belong to a split, or `None`."""
        return self.finding_of(patterns_of(plan), entities_of(self._catalogue, plan), split)

    def finding_of(
        self, patterns: frozenset[str], entities: frozenset[Thing], split: str
    ) -> str | None:
        """Return why what has these patterns and entities cannot belong to a split, or `None`."""
        if not self._shares:
            return None
        if any(self._patterns.get(one, split) != split for one in patterns):
            return "its pattern belongs to another split"
        if any(self._entities.get(one, split) != split for one in entities):
            return "an entity of it belongs to another split"
        return None

    def note(self, plan: Plan, split: str) -> None:
        """Take what a task uses for its split."""
        self.note_of(patterns_of(plan), entities_of(self._catalogue, plan), split)

    def note_task(self, task: Task) -> None:
        """Take what a written task says that it uses for its split."""
        patterns, things = (task.provenance.get(what) for what in ("patterns", "entities"))
        entities = [
            (str(one["table"]), tuple(_value(part) for part in one["key"]))
            for one in (things if isinstance(things, list) else ())
            if isinstance(one, dict) and isinstance(one["key"], list)
        ]
        named = [str(one) for one in patterns] if isinstance(patterns, list) else []
        self.note_of(frozenset(named), frozenset(entities), task.split)

    def note_of(self, patterns: frozenset[str], entities: frozenset[Thing], split: str) -> None:
        """Take patterns and entities for a split."""
        if self._shares:
            self._patterns.update(dict.fromkeys(patterns, split))
            self._entities.update(dict.fromkeys(entities, split))


def splits_json(tasks: Iterable[Task]) -> JsonObject:
    """Return the figures of the splits, from what the tasks say they use.

    Returns:
        For each split its tasks, patterns and entities; and how many of each two splits share.
    """
    counts: Counter[str] = Counter()
    used: dict[str, dict[str, set[str]]] = {
        "patterns": defaultdict(set),
        "entities": defaultdict(set),
    }
    for task in tasks:
        counts[task.split] += 1
        for what, by_split in used.items():
            listed = task.provenance.get(what)
            by_split[task.split] |= (
                {str(one) for one in listed} if isinstance(listed, list) else set()
            )
    figures: JsonObject = {
        split: {
            "tasks": counts[split],
            **{what: len(by_split[split]) for what, by_split in used.items()},
        }
        for split in sorted(counts)
    }
    shared: JsonObject = {f"shared_{what}": _shared(by_split) for what, by_split in used.items()}
    return {"splits": figures, **shared}


def _shared(by_split: Mapping[str, set[str]]) -> int:
    held = Counter(one for things in by_split.values() for one in things)
    return sum(number > 1 for number in held.values())


def _value(part: Json) -> SqlValue:
    return part if isinstance(part, str | int | float) else None


def things_json(things: Iterable[Thing]) -> list[Json]:
    """Return entities for a task's provenance, in order."""
    return [
        {"table": table, "key": list[Json](key)}
        for table, key in sorted(things, key=lambda one: (one[0], [str(part) for part in one[1]]))
    ]
