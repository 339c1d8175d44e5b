"""Shares as they are typed: `train=0.8,test=0.2`, `multi_hop=70,single_hop=30` or plain names."""

import math
import re
from collections.abc import Collection
from typing import cast

from astra_arena.core.errors import SettingsError
from astra_arena.synthesizer.tasks.task_graphs import TOPOLOGY_OF, Topology
from astra_arena.synthesizer.variants.variant_maker import DEFAULT_SHARE, VARIANTS, VariantName

_SPLIT_NAME = re.compile(r"[a-z][a-z0-9_-]{0,30}")


def parse_topologies(text: str) -> dict[Topology, float]:
    """Return the shares of the topologies that a text names; the others get none.

    Raises:
        SettingsError: if it names what is no topology, or a share is no positive number.
    """
    names = tuple(dict.fromkeys(TOPOLOGY_OF.values()))
    shares = _parse(text, "--topology")
    _refuse_unknown(shares, names)
    return cast(dict[Topology, float], shares)


def parse_variants(text: str) -> dict[VariantName, float]:
    """Return the variants that a text names, with how many there are to one base task.

    `all` stands for every kind; a kind without a number gets the usual share.

    Raises:
        SettingsError: if it names what is no variant, or a share is no number above 0 and up to 1.
    """
    if text.strip() == "all":
        return dict.fromkeys(VARIANTS, DEFAULT_SHARE)
    named = {part.split("=")[0].strip(): "=" in part for part in text.split(",")}
    shares = _parse(text, "--variants")
    for name, share in shares.items():
        if name not in VARIANTS:
            raise SettingsError(
                f"--variants is all, or some of {', '.join(VARIANTS)}; got {name!r}"
            )
        if share > 1:
            raise SettingsError(
                f"--variants: a share is 1 at most, one for each task; got {share:g}"
            )
    given = {name: share if named[name] else DEFAULT_SHARE for name, share in shares.items()}
    return cast(dict[VariantName, float], given)


def parse_splits(text: str) -> dict[str, float]:
    """Return the splits that a text names, with the share of the tasks that each gets.

    Raises:
        SettingsError: if there are fewer than two, a name cannot be one, or a share is no positive
            number.
    """
    shares = _parse(text, "--split")
    for name in shares:
        if _SPLIT_NAME.fullmatch(name) is None:
            raise SettingsError(
                f"--split: a split is named with a-z, 0-9, - and _, a letter first; got {name!r}"
            )
    if len(shares) < 2:
        raise SettingsError(f"--split names two splits or more, like train=0.8,test=0.2: {text!r}")
    whole = sum(shares.values())
    return {name: share / whole for name, share in shares.items()}


def _parse(text: str, option: str) -> dict[str, float]:
    shares: dict[str, float] = {}
    for part in text.split(","):
        name, given, number = (piece.strip() for piece in part.partition("="))
        try:
            share = float(number) if given else 1.0
        except ValueError:
            share = math.nan
        if not (math.isfinite(share) and share > 0) or not name:
            raise SettingsError(
                f"{option} lists names with shares above 0, like a=0.8,b=0.2; got {part.strip()!r}"
            )
        if name in shares:
            raise SettingsError(f"{option} names {name!r} twice")
        shares[name] = share
    return shares


def _refuse_unknown(shares: Collection[str], names: tuple[str, ...]) -> None:
    for name in shares:
        if name not in names:
            raise SettingsError(f"--topology is one of {', '.join(names)}; got {name!r}")
