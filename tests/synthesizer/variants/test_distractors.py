from pathlib import Path

from astra_arena.core.faults import FaultPlan
from astra_arena.core.tasks import Task
from astra_arena.core.tool_similarity import ToolSimilarity
from astra_arena.sandbox import ProcessSandbox
from astra_arena.servers.bundles.bundle import Bundle
from astra_arena.synthesizer.variants.distractors import DistractorPool, with_distractors
from astra_arena.synthesizer.variants.fault_variant import with_faults
from astra_arena.synthesizer.variants.missing_function import NoVariant
from astra_arena.synthesizer.variants.reach_search import Executor
from tests.support.requirement import requirement
from tests.synthesizer.variants.club_bundle import club_bundle, club_task


async def mixed(home: Bundle, others: tuple[Bundle, ...], *, seed: int = 0) -> Task | NoVariant:
    async with ProcessSandbox() as sandbox:
        executors = {
            bundle.name: Executor(
                sandbox, bundle.program(), {t.name: t for t in bundle.environment.tools}
            )
            for bundle in others
        }
        pool = DistractorPool(home, others, executors)
        try:
            return await with_distractors(home.tasks[0], pool, pool.similarity(), seed=seed)
        finally:
            for executor in executors.values():
                await executor.close()


@requirement("variants:distractors")
async def test_tools_of_other_environments_are_offered_by_bands(
    tmp_path: Path, shop_bundle: Bundle
) -> None:
    home = club_bundle(tmp_path)
    variant = await mixed(home, (shop_bundle,))
    assert isinstance(variant, Task)
    foreign = [name for name in variant.tools if not name.startswith("club__")]
    assert foreign
    assert all(name.startswith(f"{shop_bundle.name}__") for name in foreign)
    assert {f"club__{tool.name}" for tool in home.environment.tools} <= set(variant.tools)
    assert variant.environments == (
        home.digests.environment,
        shop_bundle.digests.environment,
    )
    proof = variant.provenance["proof"]
    assert isinstance(proof, dict)
    bands = proof["bands"]
    assert isinstance(bands, dict)
    assert set(bands) == {"high", "medium", "low"}
    assert sorted(str(n) for names in bands.values() if isinstance(names, list) for n in names) == (
        sorted(foreign)
    )


@requirement("variants:distractors")
async def test_a_tool_that_solves_is_no_distractor(tmp_path: Path) -> None:
    home = club_bundle(tmp_path / "home")
    twin = club_bundle(tmp_path / "twin", tasks=(), name="twin")
    variant = await mixed(home, (twin,))
    assert isinstance(variant, Task)
    proof = variant.provenance["proof"]
    assert isinstance(proof, dict)
    solving = proof["left_out_as_solving"]
    assert isinstance(solving, list)
    assert {"twin__get_coach", "twin__coach_card", "twin__get_member"} <= set(solving)
    assert not set(solving) & set(variant.tools)


async def test_equal_seeds_draw_equal_distractors(tmp_path: Path, shop_bundle: Bundle) -> None:
    home = club_bundle(tmp_path)
    first = await mixed(home, (shop_bundle,), seed=3)
    second = await mixed(home, (shop_bundle,), seed=3)
    assert isinstance(first, Task)
    assert isinstance(second, Task)
    assert first.to_json() == second.to_json()


def test_the_nearest_tool_is_the_one_with_the_most_words_in_common() -> None:
    similarity = ToolSimilarity(
        {
            "a": ["get", "flight", "by", "number"],
            "b": ["get", "flight", "by", "date"],
            "c": ["count", "sheep"],
        }
    )
    assert similarity.scaled("a", ["b", "c"]) == {"b": 1.0, "c": 0.0}
    assert abs(similarity.cosine("a", "a") - 1.0) < 1e-9


@requirement("variants:faults")
def test_faults_give_the_budget_for_trying_again() -> None:
    task = club_task()
    variant = with_faults(task, FaultPlan(rate=0.2), seed=1)
    assert variant.faults == FaultPlan(rate=0.2)
    assert variant.budget.calls > task.budget.calls
    proof = variant.provenance["proof"]
    assert isinstance(proof, dict)
    assert proof["seeds_with_a_fault_in_the_gold"]
