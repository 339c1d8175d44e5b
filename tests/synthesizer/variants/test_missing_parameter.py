from dataclasses import replace
from pathlib import Path

import pytest

from astra_arena.core.tasks import Filling, Task
from astra_arena.sandbox import ProcessSandbox
from astra_arena.synthesizer.variants.missing_function import NoVariant
from astra_arena.synthesizer.variants.missing_parameter import Unsaid, missing_parameter
from tests.support.requirement import requirement
from tests.synthesizer.variants.club_bundle import club_bundle

UNSAID = Unsaid(
    question="q1",
    argument="member_id",
    slot="member number",
    aliases=("membership number", "which member"),
    tell="My member number is M-006.",
    prompt="What is the e-mail address of my coach?",
    fills=(Filling(tool="get_member", argument="member_id"),),
    candidates=("M-002", "M-010", "M-007", "M-011", "M-999"),
)


async def made(tmp_path: Path, unsaid: Unsaid) -> Task | NoVariant:
    bundle = club_bundle(tmp_path)
    async with ProcessSandbox() as sandbox:
        return await missing_parameter(bundle.tasks[0], unsaid, sandbox, bundle.program())


@requirement("variants:missing-parameter")
async def test_values_with_different_outcomes_are_stored_as_the_proof(tmp_path: Path) -> None:
    variant = await made(tmp_path, UNSAID)
    assert isinstance(variant, Task)
    proof = variant.provenance["proof"]
    assert isinstance(proof, dict)
    # M-002 and M-010 have the same coach as M-006, so they prove nothing.
    assert proof["outcomes"] == [
        {"value": "M-006", "outcome": {"q2": "coach.74@club.example"}},
        {"value": "M-007", "outcome": {"q2": "coach.111@club.example"}},
    ]
    assert variant.slots[0].value == "M-006"
    assert variant.turns[0].expect.slot == "member number"
    assert "M-006" not in variant.prompt


@requirement("variants:missing-parameter")
async def test_a_value_that_does_not_matter_makes_no_variant(tmp_path: Path) -> None:
    same = replace(UNSAID, candidates=("M-002", "M-010", "M-999"))
    variant = await made(tmp_path, same)
    assert isinstance(variant, NoVariant)
    assert "no other member number" in variant.reason


@requirement("variants:elicitation")
async def test_elicitation_expects_work_and_not_a_question(tmp_path: Path) -> None:
    bundle = club_bundle(tmp_path)
    async with ProcessSandbox() as sandbox:
        variant = await missing_parameter(
            bundle.tasks[0], UNSAID, sandbox, bundle.program(), variant="elicitation"
        )
    assert isinstance(variant, Task)
    assert (variant.variant, variant.turns[0].expect.kind) == ("elicitation", "act")


@pytest.mark.parametrize("seed", [0, 1])
async def test_the_same_task_gives_the_same_variant(tmp_path: Path, seed: int) -> None:
    first = await made(tmp_path / f"a{seed}", UNSAID)
    second = await made(tmp_path / f"b{seed}", UNSAID)
    assert isinstance(first, Task)
    assert isinstance(second, Task)
    assert first.to_json() == second.to_json()
