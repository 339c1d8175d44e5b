"""Turns plans with words into tasks: complete gold calls, typed answers, other ways to ask."""

from collections.abc import Mapping
from dataclasses import replace

from astra_arena.core.answers import answers_match
from astra_arena.core.canonical import Json, JsonObject
from astra_arena.core.environment import ToolSpec
from astra_arena.core.pointers import escape_token
from astra_arena.core.schema import with_defaults
from astra_arena.core.tasks import (
    Alternative,
    Answer,
    AnswerKind,
    Budget,
    Expectation,
    FinalAnswer,
    RowSelector,
    SubQuestion,
    Task,
    Turn,
)
from astra_arena.synthesizer.tables.catalogue import Catalogue
from astra_arena.synthesizer.tables.schema_parts import MEAN_DIGITS
from astra_arena.synthesizer.tables.tool_design import (
    MOST_ROWS,
    EntityTools,
    Operator,
    group_tool,
    period_tool,
    related_tools,
)
from astra_arena.synthesizer.tasks.questions import CLOSING_STEP
from astra_arena.synthesizer.tasks.task_graphs import Condition, Step
from astra_arena.synthesizer.tasks.task_sampler import SampledTask
from astra_arena.synthesizer.tasks.task_splits import entities_of, patterns_of, things_json

GENERATOR = "table"
UNBOUND = "sha256:unbound"
"""Stands for the environment's digest until the bundle is written."""

ANY_LIMIT = (1, 2, 3, 5, 10, 20, 25, 50)
"""Limits that people ask for: where one row at most is found, they all show the same."""
FEW_ROWS = (1, 2, 3, 5)
"""Limits of searches whose first row is the answer: longer replies answer more than was asked."""
COUNTED_ROWS = (1, 2, 3, 5, 10)
"""Limits of searches whose total is the answer."""


class TaskWriter:
    """Writes the tasks of one environment, or of several whose tables were joined.

    Args:
        environment: Its name; or the environment of each table.
        catalogue: Its entities.
        designs: Their tools.
        specs: What agents are told of the tools, by name.
        version: The generator's version, for provenance.
        seed: The seed that the plans were drawn with.
        final_answers: Whether the agent's last message must state the answer.
        generator: What the provenance calls it.
    """

    def __init__(
        self,
        environment: str | Mapping[str, str],
        catalogue: Catalogue,
        designs: tuple[EntityTools, ...],
        specs: dict[str, ToolSpec],
        *,
        version: str,
        seed: int,
        final_answers: bool = False,
        generator: str = GENERATOR,
    ) -> None:
        self._environment = environment
        self._generator = generator
        self._catalogue = catalogue
        self._designs = {design.entity.name: design for design in designs}
        self._specs = specs
        self._version = version
        self._seed = seed
        self._final_answers = final_answers

    @property
    def origin(self) -> JsonObject:
        """What a task's provenance says of how it was made."""
        return {"generator": self._generator, "version": self._version, "seed": self._seed}

    def home_of(self, table: str) -> str:
        """Return the environment whose tools read and write a table."""
        named = self._environment
        return named if isinstance(named, str) else named[table]

    def write(self, number: int, sampled: SampledTask) -> Task:
        """Return the task; its alternatives are candidates until they have been executed."""
        plan, wording = sampled.plan, sampled.wording
        return Task(
            id=f"t{number:04d}",
            environments=(UNBOUND,),
            split=sampled.split,
            budget=Budget(calls=3 * len(plan.steps) + 5),
            difficulty={
                "hops": plan.hops,
                "sub_questions": len(plan.steps),
                "topology": plan.topology,
                "shape": plan.shape,
            },
            provenance={
                **self.origin,
                "template": plan.template,
                "patterns": list[Json](sorted(patterns_of(plan))),
                "entities": things_json(entities_of(self._catalogue, plan)),
                "rows": [self._row_used(step) for step in plan.steps if step.rows],
            },
            turns=(Turn(say=wording.question, expect=Expectation(kind="act")),),
            sub_questions=(
                *(self.sub_question(step, wording.step_questions[step.id]) for step in plan.steps),
                *self._computed(sampled),
            ),
            final_answer=self._final_answer(sampled) if self._final_answers else None,
        )

    def _computed(self, sampled: SampledTask) -> tuple[SubQuestion, ...]:
        closing = sampled.closing
        if closing is None:
            return ()
        answer = Answer(
            path="",
            kind="date" if isinstance(closing.value, str) else "number",
            value=closing.value,
            tolerance=closing.tolerance,
        )
        return (
            SubQuestion(
                id=CLOSING_STEP,
                question=sampled.wording.step_questions[CLOSING_STEP],
                environment=self.home_of(sampled.plan.steps[0].table),
                tool=None,
                arguments=closing.arguments,
                depends_on=closing.operands,
                answer=answer,
            ),
        )

    def _final_answer(self, sampled: SampledTask) -> FinalAnswer | None:
        """Return what the last message must state; `None` for several answers that hold a date.

        Dates in a list are found as they stand in the world only, and people write them otherwise.
        """
        rivals = tuple[Json, ...](sampled.rivals)
        if sampled.closing is not None:
            (computed,) = self._computed(sampled)
            steps = [sampled.plan.step(one) for one in sampled.closing.operands]
            rivals = tuple(step.answer for step in steps if step.answer != sampled.closing.value)
            answer = computed.answer
        elif len(sampled.plan.leaves) == 1:
            (leaf,) = sampled.plan.leaves
            answer = self._answer(leaf, self._gold_call(leaf)[2])
        else:
            leaves = sampled.plan.leaves
            if any(self._answer_kind(leaf) == "date" for leaf in leaves):
                return None
            return FinalAnswer(kind="list", value=[leaf.answer for leaf in leaves])
        return FinalAnswer(
            kind=answer.kind, value=answer.value, tolerance=answer.tolerance, rivals=rivals
        )

    def _row_used(self, step: Step) -> JsonObject:
        entity = self._catalogue.by_name[step.table]
        key: JsonObject = {name: step.rows[0][name] for name in entity.key}
        return {"table": step.table, "key": key}

    def sub_question(self, step: Step, question: str) -> SubQuestion:
        """Return a step as a sub-question with its gold call."""
        tool, arguments, path = self._gold_call(step)
        return SubQuestion(
            id=step.id,
            question=question,
            environment=self.home_of(step.table),
            tool=tool,
            arguments=self.complete(tool, arguments),
            depends_on=step.sources,
            answer=self._answer(step, path),
            alternatives=tuple(
                Alternative(tool=name, arguments=self.complete(name, other), path=pointer)
                for name, other, pointer in self._other_calls(step)
            ),
        )

    def complete(self, tool: str, arguments: JsonObject) -> JsonObject:
        """Return the arguments of a call with its defaults filled in."""
        return with_defaults(self._specs[tool].input_schema, arguments)

    def _gold_call(self, step: Step) -> tuple[str, JsonObject, str]:
        """Return the tool, its arguments and where the answer stands in the reply."""
        design = self._designs[step.table]
        match step.kind:
            case "get":
                names = {attribute.name: name for name, attribute in design.key_parameters}
                arguments = {names[c.column]: given(c) for c in step.conditions}
                return design.get, arguments, f"/row{self._field(step)}"
            case "pick":
                return design.find, self._filters(step), f"/rows/0{self._field(step)}"
            case "top":
                arguments = {**self._filters(step), **self._sorting(step), "limit": 1}
                return design.find, arguments, f"/rows/0{self._field(step)}"
            case "count":
                return design.count, self._filters(step), "/total"
            case "summary":
                arguments = {**self._filters(step), "column": self._field(step)[1:]}
                return design.summarise or "", arguments, f"/{step.metric}"
            case "group":
                return self._group_call(design, step)
            case "period":
                return self._period_call(design, step)
            case "scan":
                arguments = {**self._filters(step), "limit": MOST_ROWS}
                return design.find, arguments, f"/rows/{step.place}{self._field(step)}"

    def _period_call(self, design: EntityTools, step: Step) -> tuple[str, JsonObject, str]:
        tool = period_tool(design)
        assert tool is not None, "steps are drawn from the tools that there are"
        names = {attribute.name: name for name, attribute in tool.key_parameters}
        arguments: JsonObject = {names[c.column]: given(c) for c in step.conditions}
        arguments["start"] = design.entity.by_name[step.beside or ""].field
        arguments["end"] = self._field(step)[1:]
        return tool.name, arguments, "/days"

    def _group_call(self, design: EntityTools, step: Step) -> tuple[str, JsonObject, str]:
        tool = group_tool(design)
        assert tool is not None, "steps are drawn from the tools that there are"
        figure = step.metric if step.sort_by is not None else "count"
        arguments: JsonObject = {
            "by": self._field(step)[1:],
            **self._filters(step),
            "sort_by": figure,
            "order": "descending" if step.descending else "ascending",
            "limit": 1,
        }
        if step.sort_by is not None:
            arguments["column"] = design.entity.by_name[step.sort_by].field
        return tool.name, arguments, "/groups/0/value"

    def _other_calls(self, step: Step) -> list[tuple[str, JsonObject, str]]:
        """Return further calls that should answer the step; execution decides."""
        design = self._designs[step.table]
        calls: list[tuple[str, JsonObject, str]] = []
        match step.kind:
            case "get":
                if all(design.filter_on(c.column) for c in step.conditions):
                    path = f"/rows/0{self._field(step)}"
                    calls.append((design.find, self._search(step, ANY_LIMIT), path))
            case "count":
                calls.append((design.find, self._search(step, COUNTED_ROWS), "/total"))
            case "summary" if step.metric in ("minimum", "maximum"):
                calls += self._extreme_by_search(design, step)
            case "group":
                calls += self._other_groups(design, step)
            case _:
                pass
        return calls + self._by_relation(design, step) + self._as_ranges(step)

    def _other_groups(self, design: EntityTools, step: Step) -> list[tuple[str, JsonObject, str]]:
        name, arguments, path = self._group_call(design, step)
        arguments["limit"] = {"$any": list[Json](FEW_ROWS)}
        tool = group_tool(design)
        if step.sort_by is None and tool is not None and tool.measures:
            # A figure of another column may be shown beside the number of rows.
            arguments["column"] = {"$any": [None, *(a.field for a in tool.measures)]}
        return [(name, arguments, path)]

    def _by_relation(self, design: EntityTools, step: Step) -> list[tuple[str, JsonObject, str]]:
        """Return calls that list the rows of what the only condition names."""
        if step.kind not in ("top", "pick", "count") or len(step.conditions) != 1:
            return []
        (condition,) = step.conditions
        calls: list[tuple[str, JsonObject, str]] = []
        for tool in related_tools(design, condition.column):
            if condition.operator != "is" or len(tool.key_parameters) != 1:
                continue
            arguments: JsonObject = {tool.key_parameters[0][0]: given(condition)}
            if step.kind == "count":
                arguments["limit"] = {"$any": list[Json](COUNTED_ROWS)}
                calls.append((tool.name, arguments, "/total"))
                continue
            if step.kind == "top":
                if step.sort_by not in [attribute.name for attribute in tool.sorted_by]:
                    continue
                arguments.update(self._sorting(step))
            arguments["limit"] = {"$any": list[Json](FEW_ROWS)}
            calls.append((tool.name, arguments, f"/rows/0{self._field(step)}"))
        return calls

    def _extreme_by_search(
        self, design: EntityTools, step: Step
    ) -> list[tuple[str, JsonObject, str]]:
        field = self._field(step)
        if all(f"/{attribute.field}" != field for attribute in design.sorted_by):
            return []
        order = "descending" if step.metric == "maximum" else "ascending"
        search: JsonObject = {"sort_by": field[1:], "order": order}
        return [(design.find, {**self._search(step, FEW_ROWS), **search}, f"/rows/0{field}")]

    def _search(self, step: Step, limits: tuple[int, ...]) -> JsonObject:
        return {**self._filters(step), "limit": {"$any": list[Json](limits)}}

    def _as_ranges(self, step: Step) -> list[tuple[str, JsonObject, str]]:
        """Return the gold call with "is" said as "at least and at most"."""
        design = self._designs[step.table]
        # Another search that shows the row of the answer solves without being listed.
        if step.kind not in ("count", "summary", "group"):
            return []
        ranged: list[Condition] = []
        for condition in step.conditions:
            ends: tuple[Operator, ...] = ("at_least", "at_most")
            if condition.operator == "is" and all(
                design.filter_on(condition.column, end) for end in ends
            ):
                ranged += [replace(condition, operator=end) for end in ends]
            else:
                ranged.append(condition)
        if len(ranged) == len(step.conditions):
            return []
        return [self._gold_call(replace(step, conditions=tuple(ranged)))]

    def _filters(self, step: Step) -> JsonObject:
        design = self._designs[step.table]
        arguments: JsonObject = {}
        for condition in step.conditions:
            rule = design.filter_on(condition.column, condition.operator)
            assert rule is not None, "steps are drawn from the filters that there are"
            arguments[rule.parameter] = given(condition)
        return arguments

    def _sorting(self, step: Step) -> JsonObject:
        entity = self._catalogue.by_name[step.table]
        field = entity.by_name[step.sort_by or ""].field
        return {"sort_by": field, "order": "descending" if step.descending else "ascending"}

    def _field(self, step: Step) -> str:
        """Return the pointer to the answer inside a row."""
        entity = self._catalogue.by_name[step.table]
        return f"/{escape_token(entity.by_name[step.column or ''].field)}"

    def _answer(self, step: Step, path: str) -> Answer:
        kind = self._answer_kind(step)
        where = None
        if step.kind in ("pick", "top", "scan"):
            entity = self._catalogue.by_name[step.table]
            key = {
                attribute.field: step.rows[0][attribute.name] for attribute in entity.key_attributes
            }
            shown = len(step.rows) if step.kind == "scan" else 1
            where = RowSelector(rows="/rows", equals=key, field=self._field(step), gold_rows=shown)
        # Rounded figures may differ in the last digit where the rows were added in another order.
        rounded = step.kind == "summary" and step.metric in ("mean", "sum")
        tolerance = 2 * 10.0**-MEAN_DIGITS if rounded else 0.0
        return Answer(path=path, where=where, kind=kind, value=step.answer, tolerance=tolerance)

    def _answer_kind(self, step: Step) -> AnswerKind:
        if step.kind in ("count", "summary", "period"):
            return "number"
        entity = self._catalogue.by_name[step.table]
        column = step.column or ""
        match entity.by_name[column].profile.logical_type:
            case "integer" | "real" | "boolean":
                return "number"
            case "date" | "datetime":
                return "date"
            case _:
                # Codes that name rows are compared letter by letter; words as people read them.
                return "exact" if self._catalogue.names_things(step.table, column) else "text"


def given(condition: Condition) -> Json:
    """Return a condition's value as an argument: itself, or the parent that it comes from."""
    if condition.source is None:
        return condition.value
    return {"$from": condition.source, "path": ""}


def is_gold_answer(answer: Answer, came: Json) -> bool:
    """Tell whether a value that came is the gold answer."""
    return answers_match(answer.kind, answer.value, came, tolerance=answer.tolerance)
