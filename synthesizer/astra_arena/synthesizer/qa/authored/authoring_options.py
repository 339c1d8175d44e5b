"""What a user may choose when questions go through the stages."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from astra_arena.client.authors.endpoint import DEFAULT_CONCURRENCY
from astra_arena.core.environment import Licence
from astra_arena.synthesizer.qa.authored.judging import DEFAULT_VOTES
from astra_arena.synthesizer.qa.authored.seeds import UNLICENSED
from astra_arena.synthesizer.qa.authored.verify import Thresholds
from astra_arena.synthesizer.qa.instance import HopRange
from astra_arena.synthesizer.qa.worlds.synthesize import WorldOptions
from astra_arena.synthesizer.variants.variant_maker import VariantName

StageName = Literal[
    "decompose", "necessity", "judge", "verify", "synthesize", "merge", "emit", "calibrate"
]
STAGES: tuple[StageName, ...] = (
    "decompose",
    "necessity",
    "judge",
    "verify",
    "synthesize",
    "merge",
    "emit",
)
"""In the order in which they run; `calibrate` runs only when it is asked for."""


@dataclass(frozen=True, slots=True)
class AuthoringOptions:
    """What a user may choose of the stages."""

    votes: int = DEFAULT_VOTES
    thresholds: Thresholds = field(default_factory=Thresholds)
    seed: int = 0
    """Decides where calibration makes its defects."""
    worlds: WorldOptions = field(default_factory=WorldOptions)
    hops: HopRange | None = None
    """Of decompositions that are authored, where the input does not say."""
    licence: Licence = UNLICENSED
    """Of pairs and seeds; instances bring theirs."""
    gates: tuple[str, ...] = ()
    """The release gates to run, by name; all of them for none."""
    variants: Mapping[VariantName, float] = field(default_factory=dict["VariantName", float])
    """How many of each kind are made, to one task."""
    at_once: int = DEFAULT_CONCURRENCY
    """Items under way."""
