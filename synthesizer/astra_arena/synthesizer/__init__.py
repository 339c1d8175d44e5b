"""Knowledge becomes verified environments and tasks."""

from astra_arena.synthesizer.replay_check import ReplayReport, check_replay, require_replay
from astra_arena.synthesizer.sources.table_source import WorldReport, build_world
from astra_arena.synthesizer.synthesize import Synthesis, TableOptions, synthesize_tables
from astra_arena.synthesizer.tables.descriptions import Descriptions, load_descriptions

__all__ = [
    "Descriptions",
    "ReplayReport",
    "Synthesis",
    "TableOptions",
    "WorldReport",
    "build_world",
    "check_replay",
    "load_descriptions",
    "require_replay",
    "synthesize_tables",
]
