"""The variant `distractors`: tools of other environments are offered beside those that are needed.

They are drawn from three bands of similarity to the tools that the gold uses, as in ASTRA (arXiv
2601.21558, irrelevant-tool mixing), and each was executed with the gold's arguments: one whose
reply holds an answer is no distractor.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from astra_arena.core.canonical import Json, JsonObject
from astra_arena.core.offers import ToolRef, offered_name
from astra_arena.core.randomness import random_stream
from astra_arena.core.tasks import Task, gold_answers, resolve_arguments
from astra_arena.core.tool_mixing import Band
from astra_arena.core.tool_similarity import ToolSimilarity, band_of, words_of_tool
from astra_arena.servers.bundles.bundle import Bundle
from astra_arena.synthesizer.variants.candidate_calls import CallMaker
from astra_arena.synthesizer.variants.missing_function import NoVariant
from astra_arena.synthesizer.variants.reach_search import Executor
from astra_arena.synthesizer.variants.sought import Sought
from astra_arena.synthesizer.variants.value_pool import ValuePool

VARIANT = "distractors"
MOST_PER_BAND = 3
CALLS_PER_TOOL = 24
"""Calls by which it is tried whether a tool gives an answer away."""


@dataclass(frozen=True)
class DistractorPool:
    """The tools of other environments.

    Args:
        home: The environment of the tasks.
        others: Environments to take tools from; names differ.
        executors: Run the tools of each of the others, by its name.
    """

    home: Bundle
    others: Sequence[Bundle]
    executors: Mapping[str, Executor]

    def similarity(self) -> ToolSimilarity:
        """Return how alike all the tools are."""
        return ToolSimilarity(
            {
                offered_name(ToolRef(bundle.name, spec.name), joint=True): words_of_tool(spec)
                for bundle in (self.home, *self.others)
                for spec in bundle.environment.tools
            }
        )

    def refs(self) -> dict[str, ToolRef]:
        """Return the tools of the other environments, by the name under which they are offered."""
        refs = (
            ToolRef(bundle.name, spec.name)
            for bundle in self.others
            for spec in bundle.environment.tools
        )
        return {offered_name(ref, joint=True): ref for ref in refs}


async def with_distractors(
    task: Task,
    pool: DistractorPool,
    similarity: ToolSimilarity,
    *,
    seed: int,
    per_band: int = MOST_PER_BAND,
) -> Task | NoVariant:
    """Return the variant of a task, or why there is none.

    Args:
        task: A base task of the pool's home.
        pool: Where distractors come from.
        similarity: The pool's.
        seed: Decides which are drawn.
        per_band: The most that are drawn from one band.
    """
    stream = random_stream(seed, VARIANT, task.id)
    refs = pool.refs()
    bands = _bands(task, pool.home.name, similarity, list(refs))
    chosen: dict[Band, list[str]] = {}
    solving: list[str] = []
    for band, names in bands.items():
        kept: list[str] = []
        for name in stream.sample(names, k=len(names)):
            if len(kept) >= per_band:
                break
            if await _solves(task, refs[name], pool.executors[refs[name].environment]):
                solving.append(name)
            else:
                kept.append(name)
        chosen[band] = sorted(kept)
    if not any(chosen.values()):
        return NoVariant("there is no tool of another environment that gives no answer away")
    return _variant(task, pool, chosen, sorted(solving))


def _bands(
    task: Task, home: str, similarity: ToolSimilarity, others: list[str]
) -> dict[Band, list[str]]:
    nearest: dict[str, float] = dict.fromkeys(others, 0.0)
    for tool in sorted({question.tool for question in task.needed if question.tool}):
        own = offered_name(ToolRef(home, tool), joint=True)
        for name, value in similarity.scaled(own, others).items():
            nearest[name] = max(nearest[name], value)
    bands: dict[Band, list[str]] = {"high": [], "medium": [], "low": []}
    for name, value in sorted(nearest.items()):
        bands[band_of(value)].append(name)
    return bands


async def _solves(task: Task, ref: ToolRef, executor: Executor) -> bool:
    """Tell whether a tool, given what the gold's calls are given, replies with an answer."""
    answers = gold_answers(task)
    arguments = [resolve_arguments(q.arguments, answers) for q in task.needed]
    pool = ValuePool()
    for one in arguments:
        for name, value in one.items():
            pool.add_reply(value, name)
    sought = [Sought.of(task, question) for question in task.needed]
    maker = CallMaker(executor.tools[ref.tool], arguments)
    for number, call in enumerate(maker.calls(pool)):
        if number >= CALLS_PER_TOOL:
            break
        reply = await executor.run(ref.tool, call)
        if reply is not None and any(one.is_in(reply, call) for one in sought):
            return True
    return False


def _variant(
    task: Task, pool: DistractorPool, chosen: dict[Band, list[str]], solving: list[str]
) -> Task:
    home = pool.home
    own = [
        offered_name(ToolRef(home.name, spec.name), joint=True) for spec in home.environment.tools
    ]
    drawn = [name for names in chosen.values() for name in names]
    used = {pool.refs()[name].environment for name in drawn}
    members = [home, *(bundle for bundle in pool.others if bundle.name in used)]
    proof: JsonObject = {
        "bands": {band: list[Json](names) for band, names in chosen.items()},
        "left_out_as_solving": list[Json](solving),
    }
    return task.model_copy(
        update={
            "id": f"{task.id}-{VARIANT}",
            "variant": VARIANT,
            "environments": tuple(bundle.digests.environment for bundle in members),
            "tools": tuple(sorted([*own, *drawn])),
            "forbidden": tuple(
                offered_name(ToolRef(home.name, name), joint=True) for name in task.forbidden
            ),
            "provenance": {**task.provenance, "base": task.id, "proof": proof},
        }
    )
