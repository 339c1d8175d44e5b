"""Hostile tools on every tier, as root and as an ordinary user: contained, or only they die."""

import pytest

from astra_arena.sandbox.tiers import TIERS
from tests.adversarial.catalogue import CATEGORIES
from tests.adversarial.driver import BRANCHES
from tests.adversarial.running import USERS, verdicts


@pytest.mark.timeout(120)
@pytest.mark.parametrize("user", USERS)
@pytest.mark.parametrize("tier", [*TIERS, *(tier + BRANCHES for tier in (TIERS[0], TIERS[-1]))])
@pytest.mark.parametrize("name", CATEGORIES)
def test_no_attack_gets_out(name: str, tier: str, user: str) -> None:
    category = CATEGORIES[name]
    told = verdicts(user, name, tier)
    assert sorted(told) == sorted(category.names)
    wrong = {
        attack: [ending, detail]
        for attack, (ending, detail) in told.items()
        if ending not in category.endings_of(attack)
    }
    assert wrong == {}


@pytest.mark.parametrize("name", [name for name, one in CATEGORIES.items() if one.bites])
def test_the_attacks_are_real(name: str) -> None:
    """Where nothing confines them they succeed: it is not that they cannot work."""
    category = CATEGORIES[name]
    told = verdicts("ordinary", name, "unsafe", *category.bites)
    assert {attack: ending for attack, (ending, _) in told.items() if ending == "held"} == {}


def test_there_are_many() -> None:
    assert sum(len(category.names) for category in CATEGORIES.values()) >= 60
    for category in CATEGORIES.values():
        assert {*category.endings, *category.bites} <= set(category.names)
