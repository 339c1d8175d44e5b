"""Finds the resources of an API: tables from the schemas of what its operations reply."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from astra_arena.core.errors import SpecError
from astra_arena.synthesizer.apis.columns import KEY_NAMES, column_of, named_by, without_id
from astra_arena.synthesizer.apis.nouns import (
    collection_of,
    is_parameter,
    names_one,
    parameter,
    path_noun,
    schema_noun,
    segments,
)
from astra_arena.synthesizer.apis.operation import Operation, Uncovered
from astra_arena.synthesizer.apis.reply_shapes import ReplyShape, admits_null, shape_of, types_in
from astra_arena.synthesizer.apis.resource import Column, Resource, kind_of
from astra_arena.synthesizer.tables.naming import (
    distinct_names,
    plural_of,
    safe_identifier,
    singular_of,
    words_of,
)


@dataclass(frozen=True, slots=True)
class Subject:
    """An operation, what it is about and what it replies."""

    operation: Operation
    shape: ReplyShape
    noun: str


@dataclass(frozen=True, slots=True)
class ApiCatalogue:
    """What an API holds, and which operation is about what."""

    resources: dict[str, Resource]
    """By noun."""
    subjects: tuple[Subject, ...]
    uncovered: tuple[Uncovered, ...]
    collections: dict[tuple[str, ...], str]
    """Nouns by the names on a path."""


def build_api_catalogue(operations: Sequence[Operation]) -> ApiCatalogue:
    """Find the resources."""
    shaped: list[tuple[Operation, ReplyShape]] = []
    uncovered: list[Uncovered] = []
    for operation in operations:
        try:
            shaped.append((operation, shape_of(operation.reply)))
        except SpecError as error:
            uncovered.append(Uncovered(operation.name, operation.where, error.message))
    collections = _collections(shaped)
    subjects = [Subject(one, shape, _noun(one, shape, collections)) for one, shape in shaped]
    shown = {one.noun for one in subjects if _shows(one)}
    resources = _resources([one for one in subjects if one.noun in shown])
    for subject in subjects:
        if subject.noun not in resources:
            told = subject.noun or "anything"
            reason = f"no operation shows {told!r} as a row with a key"
            uncovered.append(Uncovered(subject.operation.name, subject.operation.where, reason))
    _find_references(resources)
    kept = tuple(one for one in subjects if one.noun in resources)
    return ApiCatalogue(resources, kept, tuple(uncovered), collections)


def _shows(subject: Subject) -> bool:
    return subject.operation.method == "get" and subject.shape.kind != "nothing"


def _collections(shaped: list[tuple[Operation, ReplyShape]]) -> dict[tuple[str, ...], str]:
    """Return what the rows on each path are, by what most operations that show them say."""
    votes: dict[tuple[str, ...], Counter[str]] = {}
    for operation, shape in shaped:
        if operation.method == "get" and shape.kind != "nothing":
            noun = schema_noun(operation.row_name) or path_noun(operation.path)
            votes.setdefault(collection_of(operation.path), Counter())[noun] += 1
    return {path: nouns.most_common(1)[0][0] for path, nouns in votes.items()}


def _noun(operation: Operation, shape: ReplyShape, collections: dict[tuple[str, ...], str]) -> str:
    if operation.method == "get" and shape.kind != "nothing":
        return schema_noun(operation.row_name) or path_noun(operation.path)
    known = collections.get(collection_of(operation.path))
    if known is not None:
        return known
    nouns = set(collections.values())
    said = [schema_noun(operation.row_name), schema_noun(operation.body_name)]
    return next((one for one in said if one in nouns), path_noun(operation.path))


def _resources(subjects: list[Subject]) -> dict[str, Resource]:
    nouns = list(dict.fromkeys(one.noun for one in subjects if one.noun))
    names = distinct_names(safe_identifier(noun, fallback="thing") for noun in nouns)
    tables = distinct_names(safe_identifier(plural_of(noun), fallback="things") for noun in nouns)
    found: dict[str, Resource] = {}
    for noun, name, table in zip(nouns, names, tables, strict=True):
        resource = Resource(name, noun, plural_of(noun), table)
        own = [one for one in subjects if one.noun == noun]
        for subject in own:
            if subject.shape.kind != "nothing":
                _add_columns(resource, subject.shape)
        if _find_key(resource, [one.operation for one in own]):
            found[noun] = resource
    return found


def _add_columns(resource: Resource, shape: ReplyShape) -> None:
    for name, schema in shape.properties.items():
        needed = name in shape.required and not admits_null(schema)
        held = resource.columns.get(name)
        if held is None:
            resource.columns[name] = Column(name, schema, kind_of(schema), needed)
        elif held.kind == kind_of(schema):
            held.needed = held.needed or needed


def _find_key(resource: Resource, operations: list[Operation]) -> bool:
    """Choose the column that names a row: what paths name it by, else what is called so."""
    chosen: Column | None = None
    for operation in operations:
        if not names_one(operation):
            continue
        column = column_of(resource, parameter(segments(operation.path)[-1]))
        if column is not None:
            column.unique = True
            chosen = chosen or column
    words = {" ".join(words_of(name)): name for name in resource.columns}
    named = (words[name] for name in KEY_NAMES[:7] if name in words)
    own = (name for name in resource.columns if without_id(name) == resource.singular)
    usual = next((resource.columns[name] for name in (*named, *own)), None)
    key = usual if usual is not None and _can_name(usual) else chosen
    if chosen is not None and (key is None or usual not in (None, chosen)):
        key = chosen
    if key is None or not _can_name(key):
        return False
    resource.key = key.name
    key.unique = key.needed = True
    return True


def _can_name(column: Column) -> bool:
    return column.kind in ("text", "integer", "number") and "enum" not in column.schema


def _find_references(resources: dict[str, Resource]) -> None:
    for resource in resources.values():
        for column in resource.columns.values():
            if column.name == resource.key or "enum" in column.schema or column.unique:
                continue
            if column.kind == "json":
                _embed(resources, column)
            elif column.kind in ("text", "integer"):
                _refer(resources, resource, column)


def _refer(resources: dict[str, Resource], resource: Resource, column: Column) -> None:
    about = without_id(column.name)
    if about is None:
        return
    target = named_by(resources.values(), about)
    if target is None and words_of(column.name)[0] == "parent":
        target = resource
    if target is None:
        return
    ending = words_of(column.name)[-1]
    named = next(
        (one for one in target.columns.values() if words_of(one.name) == [ending] and one.unique),
        target.key_column,
    )
    if named.kind == column.kind:
        column.refer_to(target, named.name)


def _embed(resources: dict[str, Resource], column: Column) -> None:
    """Let a column hold the key of the row that replies show in its place."""
    if types_in(column.schema) != frozenset({"object"}):
        return
    target = named_by(resources.values(), singular_of(column.name))
    held = column.schema.get("properties")
    shown = held if isinstance(held, dict) else {}
    if target is None or target.key not in shown:
        return
    known = {name for name, one in target.columns.items() if not one.hidden}
    required = column.schema.get("required")
    if not set(required if isinstance(required, list) else ()) <= known:
        return
    column.kind = target.key_column.kind
    column.refer_to(target, target.key)
    column.embedded = True


def prefix_nouns(path: str, collections: dict[tuple[str, ...], str]) -> list[tuple[str, str]]:
    """Return the parameters on the way to what a path is about, each with its noun."""
    found: list[tuple[str, str]] = []
    parts = segments(path)
    for place, part in enumerate(parts):
        if is_parameter(part):
            before = "/".join(parts[: place + 1])
            names = tuple(one for one in parts[:place] if not is_parameter(one))
            noun = collections.get(names) or path_noun(before)
            found.append((parameter(part), noun))
    return found
