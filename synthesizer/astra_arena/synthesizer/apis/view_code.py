"""How replies show rows, as constants of `tools.py`: one for each view that differs."""

from collections.abc import Mapping, Sequence

from astra_arena.core.canonical import JsonObject
from astra_arena.synthesizer.apis.action import Action, Shown
from astra_arena.synthesizer.apis.reply_shapes import admits_null
from astra_arena.synthesizer.apis.resource import Column, Resource
from astra_arena.synthesizer.tables.code_text import text


class Views:
    """Collects views and names them.

    Args:
        resources: All resources by name.
    """

    def __init__(self, resources: Mapping[str, Resource]) -> None:
        self._resources = resources
        self._names: dict[str, str] = {}
        self._texts: dict[str, str] = {}

    def name(self, action: Action) -> str:
        """Return the constant that says how an operation shows its rows."""
        return self._constant(action.resource, action.view)

    def code(self) -> str:
        """Return all constants, those that others use first."""
        return "".join(
            f"\n{name}: dict[str, Shown] = {{\n{body}}}\n" for name, body in self._texts.items()
        )

    def _constant(self, resource: Resource, view: Sequence[Shown]) -> str:
        body = "".join(self._line(one) for one in view)
        key = f"{resource.name}\n{body}"
        if key not in self._names:
            base = f"{resource.name.upper()}_SHOWN"
            number = sum(name.startswith(base) for name in self._texts) + 1
            self._names[key] = base if number == 1 else f"{base}_{number}"
            self._texts[self._names[key]] = body
        return self._names[key]

    def _line(self, shown: Shown) -> str:
        column = shown.column
        given = [text(column.name)]
        if shown.optional:
            given.append("optional=True")
        if column.embedded:
            target = self._resources[column.target]
            inner = self._constant(target, embedded_view(column, target))
            given += [
                f"table={target.table.upper()}",
                f"by={text(column.target_column)}",
                f"view={inner}",
            ]
        line = f"    {text(shown.name)}: Shown({', '.join(given)}),\n"
        if len(line) <= 101:
            return line
        broken = "".join(f"        {one},\n" for one in given)
        return f"    {text(shown.name)}: Shown(\n{broken}    ),\n"


def embedded_view(column: Column, target: Resource) -> list[Shown]:
    """Return how a row is shown inside of another one."""
    held, required = column.schema.get("properties"), column.schema.get("required")
    rules = held if isinstance(held, dict) else {}
    needed = required if isinstance(required, list) else []
    return [
        Shown(name, own, name not in needed and not _nullable(rule))
        for name, rule in rules.items()
        if (own := target.columns.get(name)) is not None and not own.embedded
    ]


def _nullable(rule: object) -> bool:
    schema: JsonObject = rule if isinstance(rule, dict) else {}  # pyright: ignore
    return admits_null(schema)
