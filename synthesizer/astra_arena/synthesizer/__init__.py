"""Knowledge becomes verified environments and tasks."""

from astra_arena.synthesizer.gates.examination import examine
from astra_arena.synthesizer.gates.release import release
from astra_arena.synthesizer.gates.report_card import ReportCard
from astra_arena.synthesizer.sources.table_source import WorldReport, build_world
from astra_arena.synthesizer.synthesize import Synthesis, TableOptions, synthesize_tables
from astra_arena.synthesizer.tables.descriptions import Descriptions, load_descriptions

__all__ = [
    "Descriptions",
    "ReportCard",
    "Synthesis",
    "TableOptions",
    "WorldReport",
    "build_world",
    "examine",
    "load_descriptions",
    "release",
    "synthesize_tables",
]
