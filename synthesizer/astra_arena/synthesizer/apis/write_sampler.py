"""Draws tasks that change the world of an API: rows that are made, changed and deleted."""

import random
from collections.abc import Sequence
from dataclasses import replace

from astra_arena.core.canonical import Json, JsonObject
from astra_arena.core.schema import Checker
from astra_arena.synthesizer.apis.action import Action, Match
from astra_arena.synthesizer.apis.api_plan import ApiPlan, ApiStep
from astra_arena.synthesizer.apis.api_wording import creation, deletion, label, said, update
from astra_arena.synthesizer.apis.chain_sampler import ChainSampler
from astra_arena.synthesizer.apis.made_rows import Row
from astra_arena.synthesizer.apis.made_values import ValueMaker
from astra_arena.synthesizer.apis.reference import Reference, asked_of, pointer_in_row
from astra_arena.synthesizer.apis.resource import Column, Resource
from astra_arena.synthesizer.tables.naming import label_of

MOST_REQUIRED = 6
"""What must be said to write a row; more makes no sentence."""


class WriteSampler:
    """Draws writing tasks.

    Args:
        actions: What the API can do.
        reference: Knows the rows.
        chains: Finds rows.
        maker: Makes new values.
        stream: Decides every draw.
    """

    def __init__(
        self,
        actions: Sequence[Action],
        reference: Reference,
        chains: ChainSampler,
        maker: ValueMaker,
        stream: random.Random,
    ) -> None:
        self._writes = [one for one in actions if one.writes]
        self._reference = reference
        self._chains = chains
        self._maker = maker
        self._stream = stream

    @property
    def can_write(self) -> bool:
        """Whether there is a tool that writes."""
        return bool(self._writes)

    def draw(self) -> ApiPlan | None:
        """Draw a plan; `None` when the draw came to nothing."""
        action = self._stream.choice(self._writes)
        match action.kind:
            case "create":
                return self._create(action)
            case _:
                return self._of_one(action)

    def _of_one(self, action: Action) -> ApiPlan | None:
        assert action.key is not None
        assert action.key.column is not None
        found = self._target(action, action.key)
        if found is None:
            return None
        steps, row, given, phrase = found
        if action.kind == "delete":
            if self._is_referred(action.resource, row):
                return None
            say = deletion(phrase, self._stream)
        else:
            values = self._new_values(action, row)
            if not values:
                return None
            given |= {match.argument.name: value for match, value in values}
            told = [(label(m.column), value) for m, value in values if m.column is not None]
            say = update(phrase, told, self._stream)
        return self._plan(steps, action, given, row, phrase, say)

    def _target(
        self, action: Action, key: Match
    ) -> tuple[list[ApiStep], Row, JsonObject, str] | None:
        """Find the row to write: named by its key, or by way of what is read first."""
        assert key.column is not None
        if self._stream.random() < 0.3:
            row = self._chains.pick(self._reference.rows(action.resource))
            given = self._said(action, row)
            if given is None:
                return None
            given[key.argument.name] = row[key.column.name]
            details = [f"{label(key.column)} {said(row[key.column.name])}"]
            details += [f"{label_of_match(m)} {said(given[m.argument.name])}" for m in action.scope]
            return (
                [],
                row,
                given,
                f"the {action.resource.singular} with the {' and '.join(details)}",
            )
        length = 1 if self._stream.random() < 0.5 else 2
        steps = self._chains.chain_to(action.resource, length)
        if not steps:
            return None
        last = steps[-1]
        shown = next((s for s in last.action.view if s.column is key.column), None)
        given = self._said(action, last.row)
        if shown is None or given is None or (last.kind == "read" and len(steps) == 1):
            return None
        if any(value not in last.arguments.values() for value in given.values()):
            return None
        steps[-1] = replace(last, pointer=pointer_in_row(shown), value=last.row[key.column.name])
        given[key.argument.name] = {"$from": last.id, "path": ""}
        return steps, last.row, given, last.phrase

    def _said(self, action: Action, row: Row) -> JsonObject | None:
        given: JsonObject = {}
        for match in action.scope:
            asked = asked_of(match, row)
            if asked is None:
                return None
            given[match.argument.name] = asked
        return given

    def _is_referred(self, resource: Resource, row: Row) -> bool:
        return any(
            other[column.name] == row[column.target_column]
            for one in self._reference.by_name.values()
            for column in one.references
            if column.target == resource.name
            for other in self._reference.rows(one)
        )

    def _new_values(self, action: Action, row: Row) -> list[tuple[Match, Json]]:
        needed = [one for one in action.values if one.argument.required]
        free = [one for one in action.values if not one.argument.required]
        if len(needed) > MOST_REQUIRED:
            return []
        count = 0 if needed else min(len(free), self._stream.choice((1, 1, 2)))
        values: list[tuple[Match, Json]] = []
        for match in [*needed, *self._stream.sample(free, k=count)]:
            value = self._value(match, action.resource, row)
            if value is None:
                return []
            values.append((match, value))
        return values

    def _value(self, match: Match, resource: Resource, row: Row | None) -> Json:
        """Make a value that can be said, and that is not there already."""
        column = match.column
        if column is None or column.unique:
            return None
        if column.target:
            return None
        for _ in range(6):
            listed = column.schema.get("enum")
            members: JsonObject = {} if listed is None else {"enum": listed}
            wanted = {**match.argument.schema, **members}
            made = self._maker.value(column.name, resource.singular, wanted, self._stream)
            plain = isinstance(made, str | int | float) or _is_plain_list(made)
            if plain and made not in ("", []) and (row is None or made != row[column.name]):
                return made
        return None

    def _create(self, action: Action) -> ApiPlan | None:
        needed = [one for one in action.values if one.argument.required]
        free = [one for one in action.values if not one.argument.required and one.column]
        if len(needed) > MOST_REQUIRED:
            return None
        count = min(len(free), self._stream.choice((1, 2, 2, 3)))
        chosen = [*needed, *action.scope, *self._stream.sample(free, k=count)]
        parents = [one for one in chosen if one.column is not None and one.column.target]
        parents += [one for one in free if one.column and one.column.target and one not in chosen]
        given: JsonObject = {}
        details: list[str] = []
        steps: list[ApiStep] = []
        for match in parents[:1]:
            found = self._parent(match)
            if found is None:
                return None
            steps, given[match.argument.name], words = found
            details.append(words)
        for match in chosen:
            if match.argument.name in given or match.column is None:
                continue
            value = self._any_parent(match) if match.column.target or match.column.hidden else None
            value = self._value(match, action.resource, None) if value is None else value
            if value is None:
                if match.argument.required:
                    return None
                continue
            given[match.argument.name] = value
            words = label_of_match(match)
            told = f'"{words}" set to {said(value)}'
            details.append(told if isinstance(value, bool) else f"the {words} {said(value)}")
        if not details:
            return None
        say = creation(action.resource, details, self._stream)
        return self._plan(steps, action, given, {}, f"a new {action.resource.singular}", say)

    def _parent(self, match: Match) -> tuple[list[ApiStep], Json, str] | None:
        column = match.column
        assert column is not None
        target = self._reference.by_name[column.target]
        role = target.singular
        if self._stream.random() < 0.75:
            steps = self._chains.chain_to(target, 1 if self._stream.random() < 0.7 else 2)
            last = steps[-1] if steps else None
            shown = None if last is None else self._shown(last, column)
            if steps and last is not None and shown is not None and not _is_bare(steps):
                steps[-1] = shown
                value: JsonObject = {"$from": last.id, "path": ""}
                return steps, value, f"{last.phrase} as the {role}"
        row = self._chains.pick(self._reference.rows(target))
        known = row[column.target_column]
        return [], known, f"the {label_of_match(match)} {said(known)}"

    def _shown(self, step: ApiStep, column: Column) -> ApiStep | None:
        for shown in step.action.view:
            if shown.column.name == column.target_column:
                value = step.row[column.target_column]
                return replace(step, pointer=pointer_in_row(shown), value=value)
        return None

    def _any_parent(self, match: Match) -> Json:
        column = match.column
        assert column is not None
        if column.target:
            rows = self._reference.rows(self._reference.by_name[column.target])
            return self._chains.pick(rows)[column.target_column]
        return None

    def _plan(
        self,
        steps: list[ApiStep],
        action: Action,
        given: JsonObject,
        row: Row,
        phrase: str,
        say: str,
    ) -> ApiPlan | None:
        parents = tuple(
            dict.fromkeys(
                str(value["$from"])
                for value in given.values()
                if isinstance(value, dict) and "$from" in value
            )
        )
        plain: JsonObject = {k: v for k, v in given.items() if not isinstance(v, dict)}
        schema = {**action.tool.input_schema, "required": []}
        if Checker(schema).finding(plain) is not None:
            return None
        key = next((s for s in action.view if s.column.name == action.resource.key), None)
        pointer = "" if key is None or action.shape.kind != "row" else pointer_in_row(key)
        written = ApiStep(
            f"q{len(steps) + 1}", "write", action, given, phrase, row, parents, pointer=pointer
        )
        return ApiPlan((*steps, written), say, "write")


def label_of_match(match: Match) -> str:
    """Return what an argument is called in plain words."""
    return label_of(match.argument.name.removeprefix("body_"))


def _is_plain_list(value: Json) -> bool:
    return isinstance(value, list) and all(isinstance(one, str | int | float) for one in value)


def _is_bare(steps: list[ApiStep]) -> bool:
    """Tell whether the question would say the key that is looked for."""
    return len(steps) == 1 and steps[0].kind == "read"
