"""The variant `long_context`: a row has to be read out of a large reply.

A base task's first row is named in another way: it stands out among the rows of a long listing by
something that no tool filters, sorts or sums up by. Each of these rows is a candidate, so all of
the reply is needed. That the reply is large, and that no call with a small reply gives the answer,
is proved by execution.
"""

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from astra_arena.core.canonical import Json, JsonObject, canonical_bytes
from astra_arena.core.randomness import random_stream
from astra_arena.core.tasks import Task
from astra_arena.synthesizer.tables.catalogue import Catalogue, Entity
from astra_arena.synthesizer.tables.tool_design import (
    DEFAULT_LIMIT,
    MOST_ROWS,
    EntityTools,
    Operator,
    related_tools,
)
from astra_arena.synthesizer.tasks.answer_uses import AnswerUses
from astra_arena.synthesizer.tasks.gold_queries import GoldQueries
from astra_arena.synthesizer.tasks.questions import Storyteller, wording_finding
from astra_arena.synthesizer.tasks.scans import FEWEST_SCANNED, firsts_of, scanned, scans_of
from astra_arena.synthesizer.tasks.spans import round_figure, spanned
from astra_arena.synthesizer.tasks.step_sampler import StepSampler
from astra_arena.synthesizer.tasks.task_checks import PlanChecks
from astra_arena.synthesizer.tasks.task_graphs import Condition, Plan, Step
from astra_arena.synthesizer.tasks.task_sampler import SampledTask
from astra_arena.synthesizer.tasks.task_splits import SplitKeeper
from astra_arena.synthesizer.tasks.task_writer import TaskWriter, is_gold_answer
from astra_arena.synthesizer.variants.missing_function import NoVariant, depth_of
from astra_arena.synthesizer.variants.program_runs import run_program
from astra_arena.synthesizer.variants.reach_search import (
    MOST_CALLS,
    Executor,
    length_of,
    search_reach,
)
from astra_arena.synthesizer.variants.task_knowledge import TaskKnowledge

VARIANT = "long_context"
LARGE_REPLY = 8_000
"""Characters from which a reply is large."""
DRAWS = 40
"""Listings that are looked through for one task."""
MOST_CRITERIA = 2
"""What a listing is narrowed down by at first."""
MOST_SHARED = 0.2
"""The share of the rows listed that may hold the answer's value: a guess must not meet it."""


class LongListings:
    """Finds listings in which a base task's first row has to be looked for.

    Args:
        catalogue: The entities.
        designs: Their tools.
        queries: Answers the steps.
        writer: Writes the tasks.
        splits: Keeps the splits apart.
        seed: Decides every draw.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        designs: tuple[EntityTools, ...],
        queries: GoldQueries,
        writer: TaskWriter,
        splits: SplitKeeper,
        seed: int,
    ) -> None:
        self._catalogue = catalogue
        self._designs = {design.entity.name: design for design in designs}
        self._all_designs = designs
        self._queries = queries
        self._writer = writer
        self._splits = splits
        self._seed = seed
        self._uses = AnswerUses(catalogue, designs)
        self._looked_for: set[bytes] = set()

    def variant_of(self, task: Task, plan: Plan, attempt: int = 0) -> Task | NoVariant:
        """Return the task with a scan in the place of one of its first steps; not yet proved.

        Args:
            task: A base task of one turn that changes nothing.
            plan: What it was worded from.
            attempt: Another number draws another listing.
        """
        roots = [step for step in plan.steps if self._can_be_scanned(plan, step)]
        if not roots:
            return NoVariant("no first step leads on from one row of many that compare")
        if any(question.tool is None for question in task.sub_questions):
            return NoVariant("it ends with what is computed from its answers")
        stream = random_stream(self._seed, VARIANT, task.id, attempt)
        refused: Counter[str] = Counter()
        for _ in range(DRAWS):
            drawn = self._drawn(task, plan, stream.choice(roots), stream)
            if isinstance(drawn, Task):
                return drawn
            refused[drawn] += 1
        return NoVariant(max(sorted(refused), key=lambda reason: refused[reason]))

    def take(self, variant: Task) -> None:
        """Take what a variant uses for its split; its row is not looked for again."""
        self._splits.note_task(variant)
        self._looked_for.add(_row_of(variant))

    def _can_be_scanned(self, plan: Plan, step: Step) -> bool:
        entity = self._catalogue.by_name[step.table]
        return (
            not step.sources
            and bool(_following(plan, step.id))
            and step.kind in ("get", "pick", "top", "group")
            and bool(scans_of(entity))
            and self._fewest_rows(entity) <= min(entity.rows, MOST_ROWS)
        )

    def _drawn(self, task: Task, plan: Plan, root: Step, stream: random.Random) -> Task | str:
        scan = self._scan(root, stream)
        if isinstance(scan, str):
            return scan
        solved = self._solved(plan, scan)
        if solved is None:
            return "what follows has no answer"
        checks = PlanChecks(self._catalogue, self._all_designs, self._queries, stream)
        wording = Storyteller(self._catalogue, solved, stream).tell()
        finding = (
            self._splits.finding(solved, task.split)
            or wording_finding(solved, wording)
            or checks.finding(solved)
        )
        if finding is not None:
            return finding.split(":")[0]
        sampled = SampledTask(solved, wording, task.split, None, _rivals(task, solved))
        written = self._writer.write(0, sampled)
        variant = written.model_copy(
            update={
                "id": f"{task.id}-{VARIANT}",
                "environments": task.environments,
                "variant": VARIANT,
                "provenance": {
                    **written.provenance,
                    "base": task.id,
                    "proof": {
                        "question": scan.id,
                        "compared": {"column": scan.sort_by, "less": scan.beside},
                    },
                },
            }
        )
        if _row_of(variant) in self._looked_for:
            return "the same row is looked for by another task"
        return variant

    def _scan(self, root: Step, stream: random.Random) -> Step | str:
        """Draw a listing and what stands out in it, for the column that the task goes on from."""
        entity = self._catalogue.by_name[root.table]
        design = self._designs[root.table]
        listing = self._listing(root, stream)
        if listing is None:
            return "no listing has so many rows"
        if len(listing.conditions) == 1 and related_tools(design, listing.conditions[0].column):
            return "another tool lists the same"
        rows = self._queries.rows(listing, limit=MOST_ROWS)
        if length_of({"rows": [dict[str, Json](row) for row in rows]}) < LARGE_REPLY:
            return "no listing is that large"
        scans = scans_of(entity)
        reason = "the rows are compared by what is asked for"
        for scan in stream.sample(scans, k=len(scans)):
            if {scan.column, scan.beside} & {root.column, *(c.column for c in listing.conditions)}:
                continue
            compared = replace(listing, sort_by=scan.column, beside=scan.beside)
            solved = scanned(entity, compared, rows)
            reason = "no row alone stands out" if solved is None else self._hidden(design, solved)
            if solved is not None and not reason:
                return solved
        return reason

    def _listing(self, root: Step, stream: random.Random) -> Step | None:
        """Draw conditions that leave as many rows as one reply shows, or somewhat fewer."""
        entity = self._catalogue.by_name[root.table]
        sampler = StepSampler(self._catalogue, self._all_designs, self._queries, self._uses, stream)
        conditions = sampler.criteria(entity, (), most=MOST_CRITERIA, avoid=root.column or "")
        step = Step(root.id, "scan", root.table, conditions, root.column)
        fewest = self._fewest_rows(entity)
        count = self._queries.count(step)
        if count > MOST_ROWS:
            return self._bounded(entity, step, fewest, stream)
        return step if count >= fewest else None

    def _bounded(
        self, entity: Entity, step: Step, fewest: int, stream: random.Random
    ) -> Step | None:
        """Narrow a listing down by an end of a range: a round figure if one does."""
        taken = {step.column, *(condition.column for condition in step.conditions)}
        measures = [
            attribute
            for attribute in spanned(entity, self._designs[entity.name])
            if attribute.is_measure and attribute.name not in taken
        ]
        if not measures:
            return None
        measure = stream.choice(measures)
        end: Operator = "at_least" if stream.random() < 0.5 else "at_most"
        ordered = replace(step, sort_by=measure.name, descending=end == "at_least")
        rows = self._queries.rows(ordered, limit=MOST_ROWS)
        values = [row[measure.name] for row in rows[fewest - 1 :]]
        numbers = [value for value in values if isinstance(value, int | float)]
        for bound in (*(round_figure(value) for value in numbers), *numbers):
            if bound is None:
                continue
            narrowed = replace(
                step, conditions=(*step.conditions, Condition(measure.name, end, bound))
            )
            if fewest <= self._queries.count(narrowed) <= MOST_ROWS:
                return narrowed
        return None

    def _fewest_rows(self, entity: Entity) -> int:
        """Return how many rows make a reply large, to go by some of them."""
        rows = self._queries.drawable_rows(entity)[:MOST_ROWS]
        shown = length_of({"rows": [dict[str, Json](row) for row in rows]})
        return max(FEWEST_SCANNED, -(-LARGE_REPLY * len(rows) // shown))

    def _hidden(self, design: EntityTools, step: Step) -> str:
        """Return by what the answer could be had without reading on, or nothing."""
        values = [row[step.column or ""] for row in step.rows]
        if values.count(step.answer) > MOST_SHARED * len(values):
            return "too many rows hold the answer"
        by_place = (*step.rows[1 : step.place + 1], step.rows[0], *step.rows[step.place + 1 :])
        columns = [attribute.name for attribute in design.sorted_by]
        firsts = firsts_of(by_place, columns, DEFAULT_LIMIT)
        if any(row[step.column or ""] == step.answer for row in firsts):
            return "sorted, the answer stands among the first rows"
        return ""

    def _solved(self, plan: Plan, scan: Step) -> Plan | None:
        """Return the scan with all of the plan that follows from it, answered anew."""
        steps: list[Step] = [scan]
        for step in _following(plan, scan.id):
            again = step
            for parent in steps:
                if parent.id in step.sources:
                    again = again.with_value(parent.id, parent.answer)
            found = self._queries.solve(again)
            if found is None:
                return None
            steps.append(found)
        fed = [source for step in steps for source in step.sources]
        return Plan("chain" if len(fed) == len(set(fed)) else "fork", tuple(steps))


def _following(plan: Plan, root: str) -> list[Step]:
    """Return the steps that need nothing but one first step and each other, up to final ones."""
    kept: list[Step] = []
    for step in plan.steps:
        known = {root, *(one.id for one in kept)}
        if step.sources and known.issuperset(step.sources):
            kept.append(step)
    final = {leaf.id for leaf in plan.leaves}
    while True:
        fed = {source for step in kept for source in step.sources}
        useful = [step for step in kept if step.id in fed | final]
        if useful == kept:
            return kept
        kept = useful


def _row_of(variant: Task) -> bytes:
    """Return what tells the row that a variant looks for from others."""
    proof = variant.provenance["proof"]
    assert isinstance(proof, dict), "a task with a scan names it"
    question = next(one for one in variant.sub_questions if one.id == proof["question"])
    assert question.answer.where is not None, "a scan selects a row"
    return canonical_bytes([question.tool, dict[str, Json](question.answer.where.equals)])


def _rivals(task: Task, plan: Plan) -> tuple[str | int | float | None, ...]:
    """Return the values that a final answer must not be listed with, the answers themselves not."""
    if task.final_answer is None:
        return ()
    answers = {step.answer for step in plan.leaves}
    listed = [value for value in task.final_answer.rivals if not isinstance(value, list | dict)]
    others = [*(step.answer for step in plan.inner), *listed]
    return tuple(value for value in dict.fromkeys(others) if value not in answers)


async def long_context(
    task: Task, executor: Executor, *, most_calls: int = MOST_CALLS
) -> Task | NoVariant:
    """Return a task with a scan with its proof, or why it proves to be none.

    Args:
        task: What `LongListings` made.
        executor: Runs calls on the environment's world.
        most_calls: The bound of the search.
    """
    proof = task.provenance["proof"]
    assert isinstance(proof, dict), "a task with a scan names it"
    question = next(q for q in task.sub_questions if q.id == proof["question"])
    assert question.tool is not None
    reply = await executor.run(question.tool, question.arguments)
    length = length_of(reply)
    if length < LARGE_REPLY:
        return NoVariant("no listing is that large")
    gold = await run_program(executor.sandbox, executor.program, task, instead={}, writes=False)
    if gold is None or any(
        not is_gold_answer(one.answer, gold.answers.get(one.id)) for one in task.needed
    ):
        return NoVariant("the gold program does not bear out its answers")
    reach = await search_reach(
        executor,
        TaskKnowledge(task, question),
        list(executor.tools),
        depth=depth_of(task) + 1,
        most_calls=most_calls,
        longest_reply=LARGE_REPLY - 1,
    )
    if reach.tool is not None:
        return NoVariant(f"a small reply of {reach.tool} holds the answer")
    rows: Sequence[Json] = reply["rows"] if reply and isinstance(reply["rows"], list) else ()
    stored: JsonObject = {
        **proof,
        "characters": length,
        "rows": len(rows),
        "large_from": LARGE_REPLY,
        "search": reach.to_json(),
    }
    return task.model_copy(update={"provenance": {**task.provenance, "proof": stored}})
