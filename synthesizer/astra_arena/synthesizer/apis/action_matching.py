"""Tells what an operation does to a table, or why it is not told."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from astra_arena.core.canonical import Json, JsonObject
from astra_arena.core.environment import ToolSpec
from astra_arena.core.errors import SpecError
from astra_arena.synthesizer.apis.action import (
    Action,
    ActionKind,
    Match,
    MatchOperator,
    Shown,
)
from astra_arena.synthesizer.apis.api_catalogue import ApiCatalogue, Subject, prefix_nouns
from astra_arena.synthesizer.apis.columns import column_of, is_named, named_by, without_id
from astra_arena.synthesizer.apis.nouns import (
    collection_of,
    is_parameter,
    names_one,
    segments,
)
from astra_arena.synthesizer.apis.operation import Argument, Uncovered
from astra_arena.synthesizer.apis.paging import paging_of
from astra_arena.synthesizer.apis.reply_shapes import admits_null, types_in
from astra_arena.synthesizer.apis.resource import Column, Resource, is_as_strict, kind_of
from astra_arena.synthesizer.tables.naming import a_or_an, singular_of, words_of

_SEARCHES = frozenset({"q", "query", "search", "keyword", "keywords", "term", "text", "filter"})
_LOWER = ("min", "from", "since", "after", "gte", "gt", "start")
_UPPER = ("max", "to", "until", "before", "lte", "lt", "end")
_CONTAINING = ("contains", "like", "prefix")


def match_actions(catalogue: ApiCatalogue) -> tuple[list[Action], list[Uncovered]]:
    """Return what operations do, and those of which it cannot be told, with reasons."""
    actions: list[Action] = []
    uncovered: list[Uncovered] = []
    for subject in catalogue.subjects:
        try:
            actions.append(_Matcher(catalogue, subject).action())
        except SpecError as error:
            operation = subject.operation
            uncovered.append(Uncovered(operation.name, operation.where, error.message))
    return actions, uncovered


class _Matcher:
    def __init__(self, catalogue: ApiCatalogue, subject: Subject) -> None:
        self._catalogue = catalogue
        self._operation = subject.operation
        self._shape = subject.shape
        self._resource = catalogue.resources[subject.noun]

    def action(self) -> Action:
        key, scope = self._path()
        kind = self._kind(key)
        action = Action(
            kind=kind,
            operation=self._operation,
            resource=self._resource,
            shape=self._shape,
            view=tuple(self._view()),
            scope=scope,
            key=key,
        )
        match kind:
            case "list":
                action = self._listing(action)
            case "read" | "delete":
                action = self._of_one(action)
            case "create" | "update":
                action = self._writing(action)
        if kind == "update":
            action = _without_defaults(action)
        for match in action.matches:
            if match.column is not None and match.operator == "is":
                match.column.asked_by.append(match.argument.schema)
        return replace(action, spec=tool_spec(action))

    def _kind(self, key: Match | None) -> ActionKind:
        operation, kind = self._operation, self._shape.kind
        ends = segments(operation.path)[-1:]
        after_one = key is not None and bool(ends) and not is_parameter(ends[0])
        if after_one:
            raise SpecError(f"{ends[0]!r} does something of its own to one {self._noun}")
        match operation.method, kind:
            case "get", "rows":
                return "list"
            case "get", "row":
                return "read"
            case "get", _:
                raise SpecError("it shows nothing")
            case "delete", _:
                return "delete"
            case (("put" | "patch"), _):
                return "update"
            case _, "rows":
                searched = collection_of(operation.path) != tuple(
                    part for part in segments(operation.path) if not is_parameter(part)
                )
                if searched:
                    return "list"
                raise SpecError("it takes or returns several at once")
            case _:
                return "update" if key is not None else "create"

    @property
    def _noun(self) -> str:
        return self._resource.singular

    def _path(self) -> tuple[Match | None, tuple[Match, ...]]:
        """Return what names the row, and what else the path says."""
        places = {one.name: one for one in self._operation.arguments if one.place == "path"}
        named = prefix_nouns(self._operation.path, self._catalogue.collections)
        named = [(name, noun) for name, noun in named if name in places]
        last = named[-1:] if names_one(self._operation) else []
        key: Match | None = None
        if last and self._shape.kind != "rows" and self._is_about(last[0][1]):
            column = column_of(self._resource, last[0][0]) or self._resource.key_column
            if not column.unique:
                raise SpecError(f"{last[0][0]!r} does not tell one {self._noun} from others")
            key = Match(places[last[0][0]], column)
            named = named[:-1]
        elif self._shape.kind == "nothing" and named and self._is_about(named[-1][1]):
            # `/pets/{id}/cancel`: told apart by `_kind`.
            key = Match(places[named[-1][0]], self._resource.key_column)
            named = named[:-1]
        return key, tuple(self._scoped(places[name], noun) for name, noun in named)

    def _is_about(self, noun: str) -> bool:
        return noun == self._noun or is_named(self._resource, noun)

    def _scoped(self, argument: Argument, noun: str) -> Match:
        """Return the column that says to which parent a row belongs; one of its own if need be."""
        parent = self._catalogue.resources.get(noun)
        for column in self._resource.columns.values():
            about = without_id(column.name) or singular_of(column.name)
            fits = words_of(column.name) == words_of(argument.name) or about == noun
            if fits and column.kind == kind_of(argument.schema) and not column.unique:
                return Match(argument, column)
        return Match(argument, self._hidden(argument, parent))

    def _hidden(self, argument: Argument, parent: Resource | None) -> Column:
        kind = kind_of(argument.schema)
        if kind not in ("text", "integer", "number"):
            raise SpecError(f"{argument.name!r} names a parent by something other than a key")
        target = None
        if parent is not None and parent is not self._resource:
            target = column_of(parent, argument.name) or parent.key_column
            if target.kind != kind or not target.unique:
                target = None
        about = parent.name if parent is not None and target is not None else argument.name
        name = f"in_{about}".lower()
        held = self._resource.columns.get(name)
        if held is None:
            held = Column(name, argument.schema, kind, needed=True, hidden=True)
            if target is not None and parent is not None:
                held.refer_to(parent, target.name)
            self._resource.columns[name] = held
        return held

    def _view(self) -> Iterator[Shown]:
        for name, schema in self._shape.properties.items():
            column = self._resource.columns.get(name)
            kind = kind_of(schema)
            if column is None or (column.kind != kind and not column.embedded):
                if name in self._shape.required:
                    raise SpecError(f"{name!r} is shown in another form than elsewhere")
                continue
            optional = name not in self._shape.required and not admits_null(schema)
            yield Shown(name, column, optional)

    def _rest(self, *taken: Match) -> list[Argument]:
        used = {one.argument.name for one in taken}
        return [one for one in self._operation.arguments if one.name not in used]

    def _listing(self, action: Action) -> Action:
        rest = self._rest(*action.scope)
        paging = paging_of(rest)
        paged = [] if paging is None else [paging.size, paging.page, paging.offset]
        filters: list[Match] = []
        refused: list[Argument] = []
        for argument in rest:
            if argument in paged:
                continue
            found = self._filter(argument)
            if found is not None:
                filters.append(found)
            elif argument.required:
                raise SpecError(f"what its argument {argument.name!r} asks for is not told")
            else:
                refused.append(argument)
        return replace(action, filters=tuple(filters), paging=paging, refused=tuple(refused))

    def _filter(self, argument: Argument) -> Match | None:
        name = " ".join(words_of(argument.name))
        kind, types = kind_of(argument.schema), types_in(argument.schema)
        if name in _SEARCHES and kind == "text":
            return Match(argument, None, "search")
        column = column_of(self._resource, argument.name)
        if column is not None and column.kind == kind:
            return Match(argument, column)
        if types == frozenset({"array"}):
            return self._list_filter(argument)
        bounded = self._bounded(argument)
        if bounded is not None:
            return bounded
        for column in self._resource.references:
            if column.target == name.replace(" ", "_") and column.kind == kind:
                return Match(argument, column)
        about = without_id(argument.name)
        parent = None if about is None else named_by(self._catalogue.resources.values(), about)
        if parent is not None and parent is not self._resource:
            return Match(argument, self._hidden(argument, parent))
        return None

    def _list_filter(self, argument: Argument) -> Match | None:
        inner = kind_of(_items(argument.schema))
        column = column_of(self._resource, argument.name) or column_of(
            self._resource, singular_of(argument.name)
        )
        if column is not None and column.kind == inner:
            return Match(argument, column, "one_of")
        held = self._resource.columns.get(argument.name)
        if held is not None and types_in(held.schema) == frozenset({"array"}) and inner == "text":
            return Match(argument, held, "any_of")
        return None

    def _bounded(self, argument: Argument) -> Match | None:
        words = words_of(argument.name)
        kind = kind_of(argument.schema)
        operators: tuple[tuple[tuple[str, ...], MatchOperator], ...] = (
            (_LOWER, "at_least"),
            (_UPPER, "at_most"),
            (_CONTAINING, "contains"),
        )
        for names, operator in operators:
            for rest in (words[:-1] if words[-1:] and words[-1] in names else [], words[1:]):
                first_or_last = words and (words[0] in names or words[-1] in names)
                column = column_of(self._resource, " ".join(rest)) if rest else None
                if first_or_last and column is not None and column.kind == kind:
                    return Match(argument, column, operator)
        return None

    def _of_one(self, action: Action) -> Action:
        """Let an operation be about one row, which a path or a query names."""
        rest = self._rest(*action.matches)
        if action.key is None:
            rest, action = self._keyed(action, rest)
        needed = [one.name for one in rest if one.required]
        if needed:
            raise SpecError(f"what its argument {needed[0]!r} asks for is not told")
        return replace(action, refused=tuple(rest))

    def _keyed(self, action: Action, rest: list[Argument]) -> tuple[list[Argument], Action]:
        for argument in rest:
            column = column_of(self._resource, argument.name)
            named = argument.required or argument.place == "body"
            if named and column is not None and column.unique:
                left = [one for one in rest if one is not argument]
                return left, replace(action, key=Match(argument, column))
        raise SpecError(f"nothing in it names one {self._noun}")

    def _writing(self, action: Action) -> Action:
        rest = self._rest(*action.matches)
        if action.kind == "update" and action.key is None:
            rest, action = self._keyed(action, rest)
        values: list[Match] = []
        refused: list[Argument] = []
        for argument in rest:
            found = self._written(argument) if argument.place == "body" else None
            if found is not None:
                values.append(found)
            elif argument.required:
                raise SpecError(f"where its argument {argument.name!r} is kept is not told")
            else:
                refused.append(argument)
        if not values:
            raise SpecError(f"it writes nothing that a {self._noun} shows")
        action = replace(action, values=tuple(values), refused=tuple(refused))
        if action.kind == "create":
            self._require_makeable(action)
        return action

    def _written(self, argument: Argument) -> Match | None:
        name = argument.name.removeprefix("body_")
        column = self._resource.columns.get(name) or column_of(self._resource, name)
        kind = kind_of(argument.schema)
        if column is None or column.kind != kind:
            return None
        # The key of a row stays; that of a new one may be chosen.
        if column.name == self._resource.key and self._operation.method != "post":
            return None
        keeps_null = admits_null(column.schema) or not column.needed
        if admits_null(argument.schema) and not keeps_null:
            return None
        # What replies could not show must not be written; members are seen to by the tool.
        kept = {key: value for key, value in column.schema.items() if key != "enum"}
        limits = column.schema if kind == "json" else kept
        return Match(argument, column) if is_as_strict(argument.schema, limits) else None

    def _require_makeable(self, action: Action) -> None:
        """Refuse to make rows that lack what replies must show."""
        given = {one.column.name for one in (*action.values, *action.scope) if one.column}
        sure = {one.column.name for one in action.values if one.argument.required and one.column}
        for column in self._resource.columns.values():
            if column.name == self._resource.key or column.name in sure or not column.needed:
                continue
            if column.target and column.name not in given and not column.hidden:
                raise SpecError(f"a new {self._noun} needs {column.name!r}, which it does not take")
            if column.kind == "json" and types_in(column.schema) != frozenset({"array"}):
                raise SpecError(f"a new {self._noun} needs {column.name!r}, an object")


def _items(schema: JsonObject) -> JsonObject:
    items = schema.get("items")
    return items if isinstance(items, dict) else {}


def _without_defaults(action: Action) -> Action:
    """Return an update whose arguments have no defaults: these would overwrite what is there."""

    def plain(argument: Argument) -> Argument:
        schema = {key: value for key, value in argument.schema.items() if key != "default"}
        return replace(argument, schema=schema) if argument.place == "body" else argument

    operation = action.operation
    arguments = tuple(plain(one) for one in operation.arguments)
    return replace(
        action,
        operation=replace(operation, arguments=arguments),
        values=tuple(replace(one, argument=plain(one.argument)) for one in action.values),
        refused=tuple(plain(one) for one in action.refused),
    )


def tool_spec(action: Action) -> ToolSpec:
    """Return what agents are told of an operation: the document's own schemas."""
    operation = action.operation
    return ToolSpec(
        name=operation.name,
        description=_description(action),
        input_schema=input_schema(operation.arguments),
        output_schema=action.shape.output_schema,
        read_only=not action.writes,
    )


_DOES: dict[ActionKind, str] = {
    "read": "Get one {one}.",
    "list": "List {many}.",
    "create": "Create {a_one}.",
    "update": "Change {a_one}.",
    "delete": "Delete {a_one}.",
}


def _description(action: Action) -> str:
    """Return what the document says of an operation; where it says nothing, what it does."""
    operation, resource = action.operation, action.resource
    if operation.description != operation.where:
        return operation.description
    does = _DOES[action.kind].format(
        one=resource.singular, many=resource.plural, a_one=a_or_an(resource.singular)
    )
    return f"{does} ({operation.where})"


def input_schema(arguments: Sequence[Argument]) -> JsonObject:
    """Return the schema of parameters and body, taken together."""
    required: list[Json] = [one.name for one in arguments if one.required]
    schema: JsonObject = {
        "type": "object",
        "properties": {one.name: one.schema for one in arguments},
        "additionalProperties": False,
    }
    return {**schema, "required": required} if required else schema
