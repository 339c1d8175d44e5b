"""What a user may choose when tables become an environment."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from astra_arena.core.canonical import JsonObject
from astra_arena.core.errors import SettingsError
from astra_arena.synthesizer.sources.source_kinds import Source, plain_name
from astra_arena.synthesizer.tables.descriptions import Descriptions
from astra_arena.synthesizer.tables.naming import safe_identifier
from astra_arena.synthesizer.tables.preparation import DEFAULT_MAX_ROWS
from astra_arena.synthesizer.tables.tool_choice import FEWEST_TOOLS, ToolOptions
from astra_arena.synthesizer.tasks.task_graphs import Topology
from astra_arena.synthesizer.tasks.task_sampler import TOPOLOGIES
from astra_arena.synthesizer.variants.variant_maker import VariantName

DEFAULT_TASKS = 120
MOST_TASKS = 10_000
DEFAULT_CHANGES = 0.2


@dataclass(frozen=True, slots=True)
class TableOptions:
    """What a user may choose."""

    tasks: int = DEFAULT_TASKS
    seed: int = 0
    topologies: Mapping[Topology, float] = field(default_factory=lambda: dict(TOPOLOGIES))
    """The topologies to draw, each with its part of their sum."""
    splits: Mapping[str, float] = field(default_factory=dict[str, float])
    """Splits with their shares; they have no entity and no pattern of questions in common."""
    final_answers: bool = False
    """Whether the agent must state the answer in its last message; such tasks need a reply."""
    name: str | None = None
    title: str | None = None
    descriptions: Descriptions = field(default_factory=Descriptions)
    tools: ToolOptions = field(default_factory=ToolOptions)
    exclude: tuple[str, ...] = ()
    """Patterns of tables and columns that are not read."""
    mask: tuple[str, ...] = ()
    """Patterns of columns whose values are replaced by pseudonyms."""
    mask_key: bytes | None = None
    """The secret behind the pseudonyms; without one they follow from the seed."""
    max_rows: int = DEFAULT_MAX_ROWS
    """How many rows of a table are kept; what kept rows refer to is kept besides."""
    changes: float = DEFAULT_CHANGES
    """The share of the tasks that change the world, where tools write."""
    gates: tuple[str, ...] = ()
    """The release gates to run, by name; all of them for none."""
    variants: Mapping[VariantName, float] = field(default_factory=dict[VariantName, float])
    """Variants to make besides, with how many there are to one task."""

    def check(self) -> None:
        """Refuse figures that nothing can be made of.

        Raises:
            SettingsError: naming the option.
        """
        if not 1 <= self.tasks <= MOST_TASKS:
            raise SettingsError(f"--tasks is 1 to {MOST_TASKS}; got {self.tasks}")
        if self.tools.most_tools is not None and self.tools.most_tools < FEWEST_TOOLS:
            raise SettingsError(f"--tools is {FEWEST_TOOLS} or more; got {self.tools.most_tools}")
        if not 0 <= self.changes <= 1:
            raise SettingsError(f"--changes is a share from 0 to 1; got {self.changes:g}")

    def to_json(self) -> JsonObject:
        """Return what decides the tools and their words, for the environment's provenance."""
        return {
            "descriptions": self.descriptions.to_json(),
            "tools": {"most": self.tools.most_tools, "writes": self.tools.writes},
        }


def environment_name(options: TableOptions, source: Source) -> str:
    """Return the environment's name: the one chosen, the described one, or the first source's.

    Raises:
        SettingsError: if the one chosen cannot be a name.
    """
    given = options.name or options.descriptions.name
    name = (
        given
        or safe_identifier(plain_name(source), fallback="tables").replace("_", "-").strip("-")[:63]
    )
    if not (name[:1].isalpha() and name.isascii() and name.lower() == name and len(name) <= 63):
        raise SettingsError(
            f"--name is 1 to 63 of a-z, 0-9 and -, starting with a letter; got {name!r}"
        )
    return name
