"""Draws chains of calls: a row is found, and leads by what refers to what to further rows."""

import random
from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar

from astra_arena.core.canonical import Json, JsonObject
from astra_arena.synthesizer.apis.action import Action, Match, Shown
from astra_arena.synthesizer.apis.api_plan import ApiStep, OtherCall
from astra_arena.synthesizer.apis.api_wording import (
    by_key,
    by_name,
    extreme,
    label,
    of_parent,
    referred,
    said,
    scoped,
)
from astra_arena.synthesizer.apis.made_rows import Row
from astra_arena.synthesizer.apis.reference import (
    Reference,
    as_sorted,
    asked_of,
    naming_columns,
    pointer_in_row,
    required_of,
)
from astra_arena.synthesizer.apis.resource import Resource
from astra_arena.synthesizer.tables.naming import words_of

_T = TypeVar("_T")
LONGEST_ANSWER = 80
FEWEST_VALUES = 6
"""A column of fewer values is guessed too easily."""
TRIES = 12
_SECRET = frozenset({"password", "passcode", "secret", "token"})
"""What nobody asks another for."""


class ChainSampler:
    """Draws chains.

    Args:
        actions: What the API can do.
        reference: Knows the rows.
        stream: Decides every draw.
    """

    def __init__(
        self, actions: Sequence[Action], reference: Reference, stream: random.Random
    ) -> None:
        self.reference = reference
        self._lists = [one for one in actions if one.kind == "list"]
        self._reads = [one for one in actions if one.kind == "read" and one.key is not None]
        self._stream = stream

    def pick(self, choices: Sequence[_T]) -> _T:
        """Draw one of several."""
        return self._stream.choice(choices)

    def chain(self, length: int, number: int = 1) -> list[ApiStep] | None:
        """Draw a chain of so many calls at most; the last one has no answer yet.

        Args:
            length: How many calls.
            number: What the first one is numbered.
        """
        first = self.pick([*self._lists, *self._reads]) if self._lists or self._reads else None
        if first is None:
            return None
        return self._led_on(self.start(first, f"q{number}"), length, number)

    def chain_to(self, resource: Resource, length: int, number: int = 1) -> list[ApiStep] | None:
        """Draw a chain whose last call finds a row of a resource."""
        for _ in range(TRIES):
            if length < 2:
                own = [one for one in (*self._lists, *self._reads) if one.resource is resource]
                step = self.start(self.pick(own), f"q{number}") if own else None
                return None if step is None else [step]
            chain = self.chain(length, number)
            if chain is not None and chain[-1].resource is resource:
                return chain
        return None

    def _led_on(self, step: ApiStep | None, length: int, number: int) -> list[ApiStep] | None:
        if step is None:
            return None
        steps = [step]
        while len(steps) < length:
            following = self._following(steps[-1], f"q{number + len(steps)}")
            if following is None:
                break
            steps[-1], added = following
            steps.append(added)
        return steps

    def start(self, action: Action, identifier: str) -> ApiStep | None:
        """Draw a call that finds a row which the question names."""
        row = self.pick(self.reference.rows(action.resource))
        if action.kind == "read":
            return self._start_by_key(action, row, identifier)
        named = self._name_of(action, row)
        given = required_of(action, row)
        if named is None or given is None:
            return None
        phrase = scoped(by_name(action.resource, *named), action, given)
        return self._find(action, row, identifier, given, phrase)

    def _start_by_key(self, action: Action, row: Row, identifier: str) -> ApiStep | None:
        assert action.key is not None
        assert action.key.column is not None
        key = action.key.column
        given: JsonObject = {action.key.argument.name: row[key.name]}
        for match in action.scope:
            given[match.argument.name] = asked_of(match, row)
        if any(value is None for value in given.values()):
            return None
        beside = {one.argument.name: given[one.argument.name] for one in action.scope}
        phrase = scoped(by_key(action.resource, key, row[key.name]), action, beside)
        return ApiStep(identifier, "read", action, given, phrase, row)

    def _name_of(self, action: Action, row: Row) -> tuple[str, str] | None:
        """Return a column and value by which the row is named, that no other row has."""
        shown = [one.name for one in action.view]
        for column in naming_columns(action.resource, shown):
            value = row[column.name]
            unique = self.reference.unique_values(action.resource.name, column.name)
            if isinstance(value, str) and value in unique and len(value) <= LONGEST_ANSWER:
                return column.name, value
        return None

    def _find(
        self, action: Action, row: Row, identifier: str, given: JsonObject, phrase: str
    ) -> ApiStep | None:
        literal = {k: v for k, v in given.items() if not isinstance(v, dict)}
        page = self.reference.first_page(action, {**literal, **self._resolved(action, row, given)})
        if row not in page:
            return None
        selector = self._selector(action, row, page)
        if selector is None:
            return None
        return ApiStep(
            identifier,
            "find",
            action,
            given,
            phrase,
            row,
            selector=selector,
            page=(page.index(row), len(page)),
            others=tuple(self._other_lists(action, row)),
        )

    def _resolved(self, action: Action, row: Row, given: JsonObject) -> JsonObject:
        return {
            one.argument.name: asked_of(one, row)
            for one in (*action.scope, *action.filters)
            if isinstance(given.get(one.argument.name), dict)
        }

    def _selector(self, action: Action, row: Row, page: Sequence[Row]) -> JsonObject | None:
        """Return what singles a row out on a page: its key, else its name."""
        shown = {one.column.name: one for one in action.view if not one.column.embedded}
        names = [
            action.resource.key,
            *(c.name for c in naming_columns(action.resource, list(shown))),
        ]
        for name in names:
            value = row.get(name)
            alone = sum(one[name] == value for one in page) == 1
            if name in shown and value is not None and alone:
                return {shown[name].name: value}
        return None

    def _other_lists(self, action: Action, row: Row) -> list[OtherCall]:
        """Return other lists that show the row to whoever asks without arguments."""
        found: list[OtherCall] = []
        for other in self._lists:
            needs = any(one.required for one in other.operation.arguments)
            same = other.resource is action.resource and other is not action
            page = [] if needs or not same else self.reference.first_page(other, {})
            if row in page:
                place = f"{other.shape.path}/{page.index(row)}"
                found.append(OtherCall(other.name, {}, place))
        return found

    def _following(self, step: ApiStep, identifier: str) -> tuple[ApiStep, ApiStep] | None:
        """Draw a call that needs something of the row that a call finds."""
        ways = [*self._by_reference(step, identifier), *self._to_children(step, identifier)]
        return self.pick(ways) if ways else None

    def _by_reference(self, step: ApiStep, identifier: str) -> list[tuple[ApiStep, ApiStep]]:
        found: list[tuple[ApiStep, ApiStep]] = []
        for shown in step.action.view:
            column, value = shown.column, step.row[shown.column.name]
            if not column.target or value is None:
                continue
            for read in self._reads:
                key = read.key
                fits = key is not None and key.column is not None and not read.scope
                if not fits or read.resource.name != column.target:
                    continue
                if key is None or key.column is None or key.column.name != column.target_column:
                    continue
                row = self.reference.named(read.resource, column.target_column, value)
                if row is None:
                    continue
                parent = self._answering(step, shown, column.target_column, value)
                given: JsonObject = {key.argument.name: {"$from": step.id, "path": ""}}
                phrase = referred(column, read.resource, step.phrase)
                child = ApiStep(identifier, "read", read, given, phrase, row, parents=(step.id,))
                found.append((parent, child))
        return found

    def _answering(self, step: ApiStep, shown: Shown, inner: str, value: Json) -> ApiStep:
        return replace(step, pointer=pointer_in_row(shown, inner), value=value)

    def _to_children(self, step: ApiStep, identifier: str) -> list[tuple[ApiStep, ApiStep]]:
        found: list[tuple[ApiStep, ApiStep]] = []
        for listing in self._lists:
            for match in (*listing.scope, *listing.filters):
                column = match.column
                leads = column is not None and column.target == step.resource.name
                if not leads or column is None or match.operator != "is":
                    continue
                made = self._child(step, listing, match, identifier)
                if made is not None:
                    found.append(made)
        return found

    def _child(
        self, step: ApiStep, listing: Action, match: Match, identifier: str
    ) -> tuple[ApiStep, ApiStep] | None:
        assert match.column is not None
        named = match.column.target_column
        shown = next((s for s in step.action.view if s.column.name == named), None)
        value = step.row[named]
        if shown is None or value is None or shown.column.embedded:
            return None
        rows = [r for r in self.reference.rows(listing.resource) if r[match.column.name] == value]
        if len(rows) < 2:
            return None
        chosen = self._singled_out(listing, rows)
        if chosen is None:
            return None
        row, words = chosen
        given = required_of(listing, row)
        if given is None:
            return None
        beside = {k: v for k, v in given.items() if k != match.argument.name}
        given[match.argument.name] = {"$from": step.id, "path": ""}
        phrase = scoped(of_parent(listing.resource, words, step.phrase), listing, beside)
        child = self._find(listing, row, identifier, given, phrase)
        if child is None or child.page[1] != len(rows):
            return None
        parent = self._answering(step, shown, "", value)
        return parent, replace(child, parents=(step.id,), others=())

    def _singled_out(self, listing: Action, rows: list[Row]) -> tuple[Row, str] | None:
        """Draw a row of a list with words that mean it alone: the highest, the one so called."""
        numbers = [
            one.column
            for one in listing.view
            if one.column.kind in ("integer", "number")
            and not one.column.target
            and one.column.name != listing.resource.key
        ]
        dates = [
            one.column
            for one in listing.view
            if one.column.schema.get("format") in ("date", "date-time")
        ]
        for column in self._stream.sample([*numbers, *dates], k=len(numbers) + len(dates)):
            held = [row for row in rows if row[column.name] is not None]
            # Where some have no value, the extreme of the others is still the extreme.
            values = sorted(held, key=lambda row: as_sorted(row[column.name]))
            most = self._stream.random() < 0.6
            if len(values) > 1:
                best, next_one = (values[-1], values[-2]) if most else (values[0], values[1])
                if best[column.name] != next_one[column.name]:
                    return best, extreme(column, most=most)
        row = self.pick(rows)
        named = self._name_of(listing, row)
        return None if named is None else (row, f"{said(named[1])}")

    def asked(self, step: ApiStep) -> ApiStep | None:
        """Let the question ask for something of the row that a call finds."""
        choices = [one for one in step.action.view if self._is_telling(step, one)]
        if not choices:
            return None
        shown = self.pick(choices)
        value = step.row[shown.column.name]
        return replace(step, pointer=pointer_in_row(shown), value=value, asked=label(shown.column))

    def _is_telling(self, step: ApiStep, shown: Shown) -> bool:
        column, value = shown.column, step.row[shown.column.name]
        if column.target or column.embedded or column.name == step.resource.key:
            return False
        if _SECRET & set(words_of(column.name)):
            return False
        if (
            column.name in step.selector
            or value in step.selector.values()
            or (column.unique and step.kind == "read")
        ):
            return False
        if not isinstance(value, str | int | float) or isinstance(value, bool):
            return False
        if value in step.arguments.values() or (isinstance(value, str) and not value.strip()):
            return False
        if isinstance(value, str) and (len(value) > LONGEST_ANSWER or f'"{value}"' in step.phrase):
            return False
        rows = self.reference.rows(step.resource)
        return len({str(row[column.name]) for row in rows}) >= FEWEST_VALUES
