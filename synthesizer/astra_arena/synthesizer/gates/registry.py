"""The release gates in the order in which they run: what is cheap and what others rely on first."""

from astra_arena.core.errors import SettingsError
from astra_arena.synthesizer.gates.alternative_solutions import AlternativeSolutionsGate
from astra_arena.synthesizer.gates.argument_sensitivity import ArgumentSensitivityGate
from astra_arena.synthesizer.gates.data_flow import DataFlowGate
from astra_arena.synthesizer.gates.exploits import ExploitGate
from astra_arena.synthesizer.gates.floor_and_ceiling import FloorAndCeilingGate
from astra_arena.synthesizer.gates.gate import Gate
from astra_arena.synthesizer.gates.isolation import IsolationGate
from astra_arena.synthesizer.gates.leaks import LeakGate
from astra_arena.synthesizer.gates.near_duplicates import NearDuplicateGate
from astra_arena.synthesizer.gates.replay import ReplayGate
from astra_arena.synthesizer.gates.schemas import SchemaGate
from astra_arena.synthesizer.gates.static import StaticGate
from astra_arena.synthesizer.gates.wrong_solutions import WrongSolutionsGate

QUICK_GATES = ("schema", "static", "replay", "near_duplicates")
"""The gates that take seconds."""


def all_gates() -> tuple[Gate, ...]:
    """Return every release gate."""
    return (
        SchemaGate(),
        StaticGate(),
        ReplayGate(),
        ArgumentSensitivityGate(),
        DataFlowGate(),
        LeakGate(),
        FloorAndCeilingGate(),
        WrongSolutionsGate(),
        AlternativeSolutionsGate(),
        ExploitGate(),
        IsolationGate(),
        NearDuplicateGate(),
    )


def chosen_gates(names: tuple[str, ...]) -> tuple[Gate, ...]:
    """Return the gates with these names, in their order; all of them for no names.

    Raises:
        SettingsError: if there is no gate of a name.
    """
    known = {gate.name: gate for gate in all_gates()}
    unknown = sorted(set(names) - known.keys())
    if unknown:
        raise SettingsError(f"there is no gate {unknown[0]!r}; the gates are: {', '.join(known)}")
    return tuple(gate for name, gate in known.items() if not names or name in names)


def parse_gates(text: str) -> tuple[str, ...]:
    """Return the names of the gates that a text names: `all`, `quick`, or names with commas.

    Raises:
        SettingsError: if there is no gate of a name.
    """
    if text.strip() == "all":
        return ()
    names = QUICK_GATES if text.strip() == "quick" else tuple(n.strip() for n in text.split(","))
    chosen_gates(names)
    return names
