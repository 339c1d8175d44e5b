"""Every case of the corpus is what it says: it builds, and a good one can be played to its end."""

from pathlib import Path

import pytest

from astra_arena.core.answers import answers_match
from astra_arena.core.errors import BundleError
from astra_arena.core.pointers import resolve_pointer
from astra_arena.core.tasks import Task
from astra_arena.sandbox.process_sandbox import ProcessSandbox
from astra_arena.servers.bundles.bundle import Bundle, load_bundle
from tests.gate_corpus import held_out, tuned
from tests.gate_corpus.case import Case
from tests.gate_corpus.playing import play_calls, solved

CASES = (*held_out.CASES, *tuned.CASES)
GOOD = [case for case in CASES if case.good]
DEFECTIVE = [case for case in CASES if not case.good]
WORLDS = sorted({case.draft().environment.name for case in GOOD})
REFUSED = {
    "output-root-open": '"type": "object" at the root',
    "input-root-open": '"type": "object" at the root',
    "duplicate-tool-name": "tool names must be unique",
    "reserved-name": "reserved",
}
"""Cases that cannot even be loaded, and what the loader says of them."""


def name_of(case: Case) -> str:
    return case.name


@pytest.mark.parametrize("half", [held_out.CASES, tuned.CASES], ids=["held_out", "tuned"])
def test_each_half_has_at_least_twenty_of_both_kinds(half: tuple[Case, ...]) -> None:
    assert sum(case.good for case in half) >= 20
    assert sum(not case.good for case in half) >= 20


def test_no_two_cases_share_a_name() -> None:
    assert len({case.name for case in CASES}) == len(CASES)


def test_halves_share_no_environment() -> None:
    names = [{case.draft().environment.name for case in half.CASES} for half in (held_out, tuned)]
    assert names[0] & names[1] == set()


@pytest.mark.parametrize("case", DEFECTIVE, ids=name_of)
def test_a_defective_case_loads_or_is_refused_for_its_defect(case: Case, tmp_path: Path) -> None:
    path = case.build(tmp_path)
    if case.name in REFUSED:
        with pytest.raises(BundleError, match=REFUSED[case.name]):
            load_bundle(path)
        return
    bundle = load_bundle(path)
    assert set(case.tasks) <= {task.id for task in bundle.tasks}


@pytest.mark.slow
@pytest.mark.parametrize("world", WORLDS)
async def test_gold_of_good_cases_solves_every_question(world: str, tmp_path: Path) -> None:
    cases = [case for case in GOOD if case.draft().environment.name == world]
    async with ProcessSandbox() as sandbox:
        for case in cases:
            bundle = load_bundle(case.build(tmp_path / case.name))
            assert len(bundle.tasks) >= 3
            for task in bundle.tasks:
                await check_gold(bundle, task, sandbox)


async def check_gold(bundle: Bundle, task: Task, sandbox: ProcessSandbox) -> None:
    """Play the gold of a task: every call solves, and finds what the gold says."""
    episode = await play_calls(bundle, task, sandbox)
    assert solved(episode), task.id
    needed = [question for question in episode.task.in_order() if question.tool is not None]
    for question, call in zip(needed, episode.calls, strict=True):
        gold = question.answer
        came = resolve_pointer(call.result, gold.path)
        assert answers_match(gold.kind, gold.value, came, tolerance=gold.tolerance), task.id


def test_equal_drafts_make_equal_bytes(tmp_path: Path) -> None:
    for case in (GOOD[0], GOOD[-1]):
        once = load_bundle(case.build(tmp_path / "once"))
        again = load_bundle(case.build(tmp_path / "again"))
        assert once.digests == again.digests
