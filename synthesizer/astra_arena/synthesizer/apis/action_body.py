"""The bodies of an API's tool functions, line by line."""

from collections.abc import Iterator, Mapping

from astra_arena.core.canonical import Json, JsonObject
from astra_arena.synthesizer.apis.action import Action, Match
from astra_arena.synthesizer.apis.reply_shapes import Fixed, Meaning, types_in
from astra_arena.synthesizer.apis.resource import Column, needs_guard
from astra_arena.synthesizer.apis.view_code import Views
from astra_arena.synthesizer.tables.code_text import text

_CALLS = {
    "is": "_is",
    "at_least": "_at_least",
    "at_most": "_at_most",
    "contains": "_contains",
    "one_of": "_one_of",
}


def body_of(action: Action, spelled: Mapping[str, str], views: Views) -> Iterator[str]:
    """Give the lines of a tool's body.

    Args:
        action: What it does.
        spelled: How the code spells each argument.
        views: Names how rows are shown.
    """
    yield from _refusals(action, spelled)
    table = action.resource.table.upper()
    match action.kind:
        case "list":
            yield from _listing(action, spelled, views)
        case "read":
            yield from _named_row(action, spelled)
            yield f"return {_one(action, table, views)}"
        case "delete":
            yield from _named_row(action, spelled)
            if action.shape.kind == "row":
                yield f"reply: Reply = {_one(action, table, views)}"
            yield f"_delete(world, {table}, row)"
            yield "return reply" if action.shape.kind == "row" else "return {}"
        case "update":
            yield from _named_row(action, spelled)
            yield from _written(action, spelled)
            yield from _done(action, f"_change(world, {table}, row, values)", views)
        case "create":
            yield from _created(action, spelled)
            yield from _done(action, f"_insert(world, {table}, values)", views)


def _done(action: Action, call: str, views: Views) -> Iterator[str]:
    """Write, and reply with the row where the document says so."""
    if action.shape.kind != "row":
        yield call
        yield "return {}"
        return
    yield f"row = {call}"
    yield f"return {_one(action, action.resource.table.upper(), views)}"


def _refusals(action: Action, spelled: Mapping[str, str]) -> Iterator[str]:
    for argument in action.refused:
        name = spelled[argument.name]
        default = argument.schema.get("default")
        said = (
            name
            if default is None or action.kind == "update"
            else f"None if {name} == {default!r} else {name}"
        )
        if argument.name.isidentifier() and name == argument.name:
            yield f"_refuse({argument.name}={said})"
        else:
            yield f"_refuse(**{{{text(argument.name)}: {said}}})"


def _one(action: Action, table: str, views: Views) -> str:
    """Return the expression of a reply with one row."""
    if action.shape.kind != "row":
        return "{}"
    shown = f"_shown(world, {table}, {views.name(action)}, row)"
    if not action.shape.path:
        return shown
    reply: JsonObject = {}
    for pointer, meaning in action.shape.around:
        if isinstance(meaning, Fixed):
            _put(reply, pointer, repr(meaning.value))
    _put(reply, action.shape.path, shown)
    return _dict(reply)


def _condition(match: Match, spelled: Mapping[str, str], action: Action) -> str:
    value = spelled[match.argument.name]
    if match.column is None:
        columns = [
            one.name
            for one in action.resource.columns.values()
            if one.kind == "text" and not one.hidden and not one.target
        ]
        return f"_search({columns!r}, {value})"
    if match.operator == "any_of":
        table = action.resource.table.upper()
        return f"_any_of(world, {table}, {text(match.column.name)}, {value})"
    if match.column.kind == "boolean":
        value = f"int({value})"
    return f"{_CALLS[match.operator]}({text(match.column.name)}, {value})"


def _named_row(action: Action, spelled: Mapping[str, str]) -> Iterator[str]:
    """Find the row that a path, or the body, names."""
    table = action.resource.table.upper()
    if action.key is not None and not action.key.argument.required:
        yield f"if {spelled[action.key.argument.name]} is None:"
        told = f"{action.key.argument.name} is missing: it says which {action.resource.singular}"
        yield f"    raise ValueError({text(told)})"
    matches = [*action.scope, *((action.key,) if action.key else ())]
    conditions = ", ".join(_condition(one, spelled, action) for one in matches)
    said = ", ".join(f"{one.argument.name} {{{spelled[one.argument.name]}!r}}" for one in matches)
    quoted = f"f{text(said)}" if '"' not in said else f"f'{said}'"
    line = f"row = _existing(world, {table}, [{conditions}], {quoted})"
    if len(line) <= 96:
        yield line
        return
    yield "row = _existing("
    yield "    world,"
    yield f"    {table},"
    yield f"    [{conditions}],"
    yield f"    {quoted},"
    yield ")"


def _listing(action: Action, spelled: Mapping[str, str], views: Views) -> Iterator[str]:
    yield from _parents(action, spelled)
    always = [one for one in (*action.scope, *action.filters) if one.argument.required]
    needed = [_condition(one, spelled, action) for one in always]
    yield f"conditions: list[Condition] = [{', '.join(needed)}]"
    for match in action.filters:
        if match not in always:
            yield f"if {spelled[match.argument.name]} is not None:"
            yield f"    conditions.append({_condition(match, spelled, action)})"
    table = action.resource.table.upper()
    yield "page = _page("
    yield "    world,"
    yield f"    {table},"
    yield f"    {views.name(action)},"
    yield "    conditions,"
    yield from (f"    {one}," for one in _cut(action, spelled))
    yield ")"
    yield from _reply(action)


def _parents(action: Action, spelled: Mapping[str, str]) -> Iterator[str]:
    """Refuse parents that are not there."""
    for match in action.scope:
        column, value = match.column, spelled[match.argument.name]
        if column is not None and column.target:
            yield _require(action, column, value)
        elif column is not None:
            table = action.resource.table.upper()
            yield f"_require_known(world, {table}, {text(column.name)}, {value})"


def _require(action: Action, column: Column, value: str) -> str:
    del action
    return f"_require(world, {column.target_table}, {text(column.target_column)}, {value})"


def _cut(action: Action, spelled: Mapping[str, str]) -> Iterator[str]:
    paging = action.paging
    if paging is None:
        return
    usual, size = str(paging.default_size), str(paging.default_size)
    if paging.size is not None:
        name = spelled[paging.size.name]
        has_value = paging.size.required or "default" in paging.size.schema
        size = name if has_value else f"{usual} if {name} is None else {name}"
    # A page that the document lets be a fraction is a whole number all the same.
    whole = paging.size is None or types_in(paging.size.schema) == frozenset({"integer"})
    yield f"size={size}" if whole else f"size=int({size})"
    yield f"most={paging.most}"
    if paging.offset is not None:
        name = spelled[paging.offset.name]
        yield f"offset=int({name} or 0)"
    elif paging.page is not None:
        name, first = spelled[paging.page.name], paging.first_page
        number = f"({first} if {name} is None else int({name}))"
        back = f"({number} - {first})" if first else number
        yield f"offset={back} * ({size})" if whole else f"offset={back} * int({size})"


_AROUND: dict[Meaning, str] = {
    "total": "page.total",
    "shown": "len(page.rows)",
    "size": "page.size",
    "offset": "page.offset",
    "more": "page.offset + len(page.rows) < page.total",
    "pages": "-(-page.total // max(1, page.size))",
}


def _reply(action: Action) -> Iterator[str]:
    first = 1 if action.paging is None else action.paging.first_page
    reply: JsonObject = {}
    for pointer, meaning in action.shape.around:
        told = (
            f"page.offset // max(1, page.size) + {first}"
            if first
            else "page.offset // max(1, page.size)"
        )
        fixed = isinstance(meaning, Fixed)
        _put(reply, pointer, repr(meaning.value) if fixed else _AROUND.get(meaning, told))
    _put(reply, action.shape.path, "page.rows")
    yield from _literal("return ", reply)


def _put(reply: JsonObject, pointer: str, expression: str) -> None:
    """Put an expression where a pointer leads, in the dictionary of a reply."""
    *parents, last = pointer[1:].split("/")
    here = reply
    for part in parents:
        inner = here.setdefault(part, {})
        assert isinstance(inner, dict), "what is around rows is nested in objects"
        here = inner
    here[last] = expression


def _literal(lead: str, reply: JsonObject) -> Iterator[str]:
    line = f"{lead}{_dict(reply)}"
    if len(line) <= 96:
        yield line
        return
    yield f"{lead}{{"
    for name, value in reply.items():
        inner = _dict(value) if isinstance(value, dict) else str(value)
        yield f"    {text(name)}: {inner},"
    yield "}"


def _dict(reply: JsonObject) -> str:
    told = [
        f"{text(name)}: {_dict(value) if isinstance(value, dict) else value}"
        for name, value in reply.items()
    ]
    return f"{{{', '.join(told)}}}"


def _written(action: Action, spelled: Mapping[str, str]) -> Iterator[str]:
    yield "values: dict[str, Json] = {}"
    for match in action.values:
        column, argument = match.column, match.argument
        assert column is not None, "what is written has a column"
        value = spelled[argument.name]
        if column.target:
            yield _require(action, column, value)
        yield from _guard(match, value)
        if argument.required:
            yield f"values[{text(column.name)}] = {value}"
        elif value.startswith("given"):
            yield f"if {text(argument.name)} in given:"
            yield f"    values[{text(column.name)}] = given[{text(argument.name)}]"
        else:
            yield f"if {value} is not None:"
            yield f"    values[{text(column.name)}] = {value}"


def _guard(match: Match, value: str) -> Iterator[str]:
    """Refuse what is no member of those that a column has."""
    column = match.column
    if column is not None and needs_guard(match.argument.schema, column):
        listed = column.schema.get("enum")
        yield f"_require_one_of({text(match.argument.name)}, {value}, {listed!r})"


def _created(action: Action, spelled: Mapping[str, str]) -> Iterator[str]:
    resource = action.resource
    given = {
        one.column.name: one for one in (*action.values, *action.scope) if one.column is not None
    }
    for match in given.values():
        column = match.column
        if column is not None and column.target:
            yield _require(action, column, spelled[match.argument.name])
        yield from _guard(match, spelled[match.argument.name])
    lines: list[str] = []
    for column in resource.columns.values():
        match = given.get(column.name)
        if column.name == resource.key:
            made = next_key(action)
            if match is not None:
                value = spelled[match.argument.name]
                table = resource.table.upper()
                yield f"_require_free(world, {table}, {text(column.name)}, {value})"
                made = (
                    value if match.argument.required else f"{made} if {value} is None else {value}"
                )
            lines.append(f"{text(column.name)}: {made}")
        elif match is not None:
            value = spelled[match.argument.name]
            other = fallback(column)
            if not match.argument.required and column.needed and other is not None:
                value = f"{other} if {value} is None else {value}"
            lines.append(f"{text(column.name)}: {value}")
        elif column.needed:
            lines.append(f"{text(column.name)}: {fallback(column)}")
    yield "values: dict[str, Json] = {"
    yield from (f"    {line}," for line in lines)
    yield "}"


def next_key(action: Action) -> str:
    """Return the expression of a new row's key."""
    column = action.resource.key_column
    table = action.resource.table.upper()
    if column.kind != "text":
        call = "_next_number"
    elif column.schema.get("format") == "uuid":
        call = "_next_uuid"
    else:
        call = "_next_code"
    return f"{call}(world, {table}, {text(column.name)})"


def fallback(column: Column) -> str | None:
    """Return the expression of what a new row holds where nothing is said; `None` for nothing."""
    schema = column.schema
    listed = schema.get("enum")
    if "default" in schema:
        default: Json = schema["default"]
        return text(default) if isinstance(default, str) else repr(default)
    if "const" in schema:
        return repr(schema["const"])
    if isinstance(listed, list) and listed:
        return repr(listed[0])
    match column.kind:
        case "boolean":
            return "False"
        case "integer" | "number":
            least = schema.get("minimum", 0)
            return repr(least)
        case "json":
            return "[]" if types_in(schema) == frozenset({"array"}) else None
        case "text":
            if schema.get("format") == "date-time":
                return "_now()"
            return "_now()[:10]" if schema.get("format") == "date" else '""'
