"""The release gates in the order in which they run: what is cheap and what others rely on first."""

from astra_arena.core.errors import SettingsError
from astra_arena.synthesizer.gates.exploits import ExploitGate
from astra_arena.synthesizer.gates.gate import Gate
from astra_arena.synthesizer.gates.isolation import IsolationGate
from astra_arena.synthesizer.gates.leaks import LeakGate
from astra_arena.synthesizer.gates.near_duplicates import NearDuplicateGate
from astra_arena.synthesizer.gates.replay import ReplayGate
from astra_arena.synthesizer.gates.schemas import SchemaGate
from astra_arena.synthesizer.gates.static import StaticGate


def all_gates() -> tuple[Gate, ...]:
    """Return every release gate."""
    return (
        SchemaGate(),
        StaticGate(),
        ReplayGate(),
        LeakGate(),
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
