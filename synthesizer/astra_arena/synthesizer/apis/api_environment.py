"""The environment that a document of an API becomes, before it has tasks."""

import ast
import platform
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import cached_property
from importlib import metadata
from pathlib import Path

from astra_arena.core.canonical import Json, JsonObject
from astra_arena.core.environment import FORMAT_VERSION, Environment, Licence, ToolSpec, World
from astra_arena.core.errors import SynthesisError
from astra_arena.core.tasks import Task
from astra_arena.servers.bundles.bundle import Bundle, write_bundle
from astra_arena.synthesizer.apis.action import Action
from astra_arena.synthesizer.apis.action_matching import match_actions
from astra_arena.synthesizer.apis.api_catalogue import build_api_catalogue
from astra_arena.synthesizer.apis.api_code import without_doubles, write_api_tools
from astra_arena.synthesizer.apis.api_options import (
    ApiOptions,
    chosen_operations,
    environment_name,
)
from astra_arena.synthesizer.apis.api_tasks import GENERATOR
from astra_arena.synthesizer.apis.document import Document
from astra_arena.synthesizer.apis.made_rows import MadeRows, make_rows, write_rows
from astra_arena.synthesizer.apis.openapi import openapi_operations
from astra_arena.synthesizer.apis.operation import Operation, Uncovered
from astra_arena.synthesizer.apis.reference import Reference
from astra_arena.synthesizer.apis.resource import Resource
from astra_arena.synthesizer.apis.shown_rows import covered_actions
from astra_arena.synthesizer.apis.tool_list import listed_operations
from astra_arena.synthesizer.sources.table_source import write_world

WORLD_FILE = "world.sqlite"


def version() -> str:
    """Return the version that bundles name."""
    return metadata.version("astra-arena")


@dataclass(frozen=True, slots=True)
class AuthoredTool:
    """An operation that a model wrote."""

    operation: Operation
    spec: ToolSpec
    code: str
    provenance: JsonObject
    """Model, prompt and request."""


@dataclass(frozen=True)
class ApiEnvironment:
    """Everything that is decided from the document and the options."""

    name: str
    document: Document
    options: ApiOptions
    resources: Mapping[str, Resource]
    actions: tuple[Action, ...]
    uncovered: tuple[Uncovered, ...]
    left_out: tuple[Operation, ...]
    """Covered, but beyond what `--tools` allows."""
    made: MadeRows
    world: Path
    unwritten: tuple[Operation, ...] = ()
    """Operations that were read, and that no rule makes a tool of."""
    authored: tuple[AuthoredTool, ...] = ()

    def with_authored(
        self, tools: Sequence[AuthoredTool], refused: Sequence[Uncovered]
    ) -> "ApiEnvironment":
        """Return the environment with operations that a model wrote, or could not write."""
        told = {(one.name, one.where): one for one in refused}
        done = {(one.operation.name, one.operation.where) for one in tools}
        uncovered = tuple(
            told.get((one.name, one.where), one)
            for one in self.uncovered
            if (one.name, one.where) not in done
        )
        return replace(self, uncovered=uncovered, authored=(*self.authored, *tools))

    def without_authored(self, reasons: Mapping[str, str]) -> "ApiEnvironment":
        """Return the environment without some tools that a model wrote, by name."""
        kept = tuple(one for one in self.authored if one.spec.name not in reasons)
        gone = tuple(
            Uncovered(one.operation.name, one.operation.where, reasons[one.spec.name])
            for one in self.authored
            if one.spec.name in reasons
        )
        return replace(self, authored=kept, uncovered=(*self.uncovered, *gone))

    def schema_text(self) -> str:
        """Return the tables as SQL, without rows."""
        with closing(sqlite3.connect(f"file:{self.world}?mode=ro", uri=True)) as world:
            rows = world.execute(
                "SELECT sql FROM sqlite_master WHERE type = 'table' AND sql IS NOT NULL "
                "ORDER BY name"
            )
            return "\n\n".join(str(sql) for (sql,) in rows)

    def example_code(self) -> str:
        """Return the code of the first tool that the rules wrote."""
        name = self.actions[0].name
        tree = ast.parse(self.tools_py)
        function = next(
            one for one in tree.body if isinstance(one, ast.FunctionDef) and one.name == name
        )
        return ast.get_source_segment(self.tools_py, function) or ""

    @cached_property
    def reference(self) -> Reference:
        """What operations must reply."""
        return Reference(self.resources, self.made)

    @cached_property
    def tools_py(self) -> str:
        """The code of the tools."""
        code = write_api_tools(self.document.title, self.resources, self.actions)
        return "\n\n".join([code, *(f"{one.code.strip()}\n" for one in self.authored)])

    @property
    def covered(self) -> int:
        """How many operations a tool could be made of."""
        return len(self.actions) + len(self.authored) + len(self.left_out)

    @property
    def covered_share(self) -> float:
        """The share of the wanted operations that a tool could be made of."""
        return self.covered / max(1, self.covered + len(self.uncovered))

    def write(
        self, path: Path, tasks: tuple[Task, ...], report: JsonObject | None = None
    ) -> Bundle:
        """Write a bundle with these tasks."""
        return write_bundle(
            path,
            self._manifest,
            tools_py=self.tools_py,
            world=self.world,
            tasks=tasks,
            report=report,
        )

    @cached_property
    def _manifest(self) -> Environment:
        nouns = sorted({one.resource.plural for one in self.actions})
        return Environment(
            name=self.name,
            title=self.options.title or self.document.title,
            description=f"The API {self.document.title} over rows that were made up: "
            f"{', '.join(nouns)}.",
            domain="apis",
            format_version=FORMAT_VERSION,
            tools=(
                *(one.tool for one in self.actions),
                *(one.spec for one in self.authored),
            ),
            world=World(kind="sqlite", file=WORLD_FILE),
            licence=Licence(name=self.document.licence, source=self.document.title),
            provenance={
                "generator": GENERATOR,
                "version": version(),
                "seed": self.options.seed,
                "rows": self.options.rows,
                "sqlite": sqlite3.sqlite_version,
                "python": platform.python_version(),
                "faker": metadata.version("faker"),
                "inputs": [{"name": self.document.file, "digest": self.document.digest}],
                **(
                    {"authored": {one.spec.name: one.provenance for one in self.authored}}
                    if self.authored
                    else {}
                ),
            },
        )

    def coverage(self) -> JsonObject:
        """Return which operations became tools, and why others did not."""
        return {
            "operations": self.covered + len(self.uncovered),
            "covered": self.covered,
            "share": round(self.covered_share, 4),
            "tools": [
                {
                    "tool": one.name,
                    "operation": one.operation.where,
                    "does": one.kind,
                    "resource": one.resource.name,
                    "refused_arguments": [argument.name for argument in one.refused],
                }
                for one in self.actions
            ],
            "authored": [
                {"tool": one.spec.name, "operation": one.operation.where} for one in self.authored
            ],
            "left_out": [one.where for one in self.left_out],
            "uncovered": [
                {"operation": one.where, "name": one.name, "reason": one.reason}
                for one in self.uncovered
            ],
        }

    def tables(self) -> JsonObject:
        """Return the tables and what refers to what."""
        found: JsonObject = {}
        for resource in self.resources.values():
            references: list[Json] = [
                f"{one.name} → {one.target}.{one.target_column}" for one in resource.references
            ]
            found[resource.table] = {
                "key": resource.key,
                "columns": len(resource.columns),
                "references": references,
            }
        return found


def build_environment(document: Document, options: ApiOptions, folder: Path) -> ApiEnvironment:
    """Decide resources, tools and rows, and write the world.

    Raises:
        SettingsError: if an option cannot be used.
        SynthesisError: if no operation can become a tool.
    """
    name = environment_name(options, document)
    read = openapi_operations if document.kind == "openapi" else listed_operations
    operations, uncovered = read(document)
    wanted = chosen_operations(options, operations)
    if options.include or options.exclude:
        names = {one.name for one in wanted}
        uncovered = [one for one in uncovered if one.name in names or not options.include]
    catalogue = build_api_catalogue(wanted)
    actions, unmatched = match_actions(catalogue)
    uncovered = [*uncovered, *catalogue.uncovered, *unmatched]
    actions, doubles = without_doubles(catalogue.resources, actions)
    uncovered += [
        Uncovered(one.name, one.operation.where, f"it would do just what {other.name} does")
        for one, other in doubles
    ]
    actions, left_out = _most(actions, options.tools)
    used = _used(catalogue.resources, actions)
    made = make_rows(used, count=options.rows, seed=options.seed)
    actions, broken = covered_actions(actions, used, made)
    uncovered += broken
    if not actions:
        reasons = "; ".join(f"{one.where}: {one.reason}" for one in uncovered[:3])
        raise SynthesisError(
            f"none of the {len(wanted)} operations in {document.file} reads, lists, creates, "
            f"updates or deletes rows of a schema with a key: {reasons or 'there are none'}"
        )
    world = folder / WORLD_FILE
    connection = sqlite3.connect(folder / "scratch.sqlite")
    try:
        write_rows(connection, used, made)
        write_world(connection, world)
    finally:
        connection.close()
    return ApiEnvironment(
        name,
        document,
        options,
        used,
        tuple(actions),
        tuple(uncovered),
        tuple(left_out),
        made,
        world,
        tuple(one for one in wanted if one.name in {other.name for other in uncovered}),
    )


def _most(actions: list[Action], most: int) -> tuple[list[Action], list[Operation]]:
    """Keep so many operations, those of the resources that most operations are about first."""
    if len(actions) <= most:
        return actions, []
    counts: dict[str, int] = {}
    for one in actions:
        counts[one.resource.name] = counts.get(one.resource.name, 0) + 1
    ranked = sorted(actions, key=lambda one: (-counts[one.resource.name], one.resource.name))
    kept = {one.name for one in ranked[:most]}
    return (
        [one for one in actions if one.name in kept],
        [one.operation for one in actions if one.name not in kept],
    )


def _used(resources: Mapping[str, Resource], actions: list[Action]) -> dict[str, Resource]:
    """Return the resources with a tool, and those that they refer to."""
    by_name = {one.name: one for one in resources.values()}
    wanted: set[str] = set()

    def add(resource: Resource) -> None:
        if resource.name not in wanted:
            wanted.add(resource.name)
            for column in resource.references:
                add(by_name[column.target])

    for action in actions:
        add(action.resource)
    return {noun: one for noun, one in resources.items() if one.name in wanted}
