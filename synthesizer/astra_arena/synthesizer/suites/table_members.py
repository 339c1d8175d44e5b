"""Opens bundles that were made from tables as members of a suite: what is known of their tables.

Their worlds are analysed again with the words and options that they were made with; the tools that
come out must be those of the bundle.
"""

from astra_arena.core.canonical import Json
from astra_arena.core.errors import SpecError, SynthesisError
from astra_arena.servers.bundles.bundle import Bundle
from astra_arena.synthesizer.sources.table_source import load_tables
from astra_arena.synthesizer.suites.joined_worlds import Member
from astra_arena.synthesizer.tables.descriptions import Descriptions
from astra_arena.synthesizer.tables.table_analysis import analyse
from astra_arena.synthesizer.tables.tool_choice import ToolOptions, design_tools
from astra_arena.synthesizer.tables.tool_schemas import tool_specs
from astra_arena.synthesizer.tasks.task_writer import GENERATOR


def table_member(bundle: Bundle) -> Member:
    """Return a bundle with what is known of its tables.

    Raises:
        SynthesisError: if it was not made from tables, or by another version.
    """
    provenance = bundle.environment.provenance
    if provenance.get("generator") != GENERATOR or bundle.environment.world.kind != "sqlite":
        raise SynthesisError(
            f"environment {bundle.name!r} was not made from tables: joint tasks need bundles of "
            "`arena synth table`"
        )
    descriptions, options = _words(bundle, provenance.get("descriptions")), _options(provenance)
    with load_tables(bundle.path / bundle.environment.world.file) as loaded:
        analysis = analyse(loaded.connection, loaded.tables, descriptions)
    designs = design_tools(analysis.catalogue, options)
    specs = {spec.name: spec for design in designs for spec in tool_specs(design)}
    if {s.name: s.input_schema for s in specs.values()} != {
        s.name: s.input_schema for s in bundle.environment.tools
    }:
        raise SynthesisError(
            f"environment {bundle.name!r} has other tools than this version makes from its "
            "tables: make the bundle again"
        )
    return Member(bundle, analysis, designs, specs)


def _words(bundle: Bundle, stored: Json) -> Descriptions:
    try:
        return Descriptions.from_json(stored or {}, what=f"the provenance of {bundle.name!r}")
    except SpecError as error:
        raise SynthesisError(error.message) from None


def _options(provenance: dict[str, Json]) -> ToolOptions:
    stored = provenance.get("tools")
    if not isinstance(stored, dict):
        return ToolOptions()
    most, writes = stored.get("most"), stored.get("writes")
    return ToolOptions(
        most_tools=most if isinstance(most, int) else None, writes=writes is not False
    )
