"""The gate of argument sensitivity: what a tool is asked decides what it returns.

Each argument that a gold call gives is replaced by its neighbours, one at a time, until the reply
changes or the tool says that there is no such thing. An argument that changes nothing in any call
of its tool is not used by it, and rejects the environment; so does a tool that shrugs off a fifth
of what it is given, and so does an argument whose neighbours are refused or else make no
difference: it is checked and not used. An argument that the question gives and that changes nothing
in this one call, while it does elsewhere, is counted only: it may be the page size where one row is
left, or the order of a single row.
"""

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice

from astra_arena.core.canonical import Json, JsonObject, canonical_bytes
from astra_arena.core.randomness import random_stream
from astra_arena.sandbox.contract import Execution, Failed, Succeeded
from astra_arena.synthesizer.gates.gate import Exam, Finding, GateResult, decided
from astra_arena.synthesizer.gates.mutations import Mutation, Parameter, mutations_of
from astra_arena.synthesizer.gates.workbench import (
    GoldStep,
    Trial,
    Workbench,
    fingerprint,
    workbench,
)
from astra_arena.synthesizer.side_by_side import side_by_side

GATE = "argument_sensitivity"
LEAST_RATE = 0.8
"""The share of given arguments that must matter to a tool. Of the flights, 97 % do; those that do
not are orders and page sizes of single rows."""
SHAPE = frozenset(
    {
        *("limit", "offset", "order", "page", "page_size", "sort_by"),
        *("per_page", "perPage", "pageSize", "pageNumber", "size", "skip", "max_results"),
    }
)
"""Arguments that say what a reply looks like."""
MOST_TRIES = 8
"""Neighbours tried of one argument of one call."""
FEWEST_IDLE = 3
"""Neighbours without effect from which an argument that is only checked is told apart from a key of
which the others are not there."""
MOST_BASES = 12
"""Calls of a tool in which an argument that no gold call gives is tried."""


@dataclass(slots=True)
class Tries:
    """What came of neighbours of one argument."""

    same: int = 0
    """Made no difference."""
    rewritten: int = 0
    """Those of them that are the same text in other letters, which a tool may well take for it."""
    refused: int = 0
    """Turned a reply into a complaint."""
    changed: int = 0
    """Led to another reply."""

    @property
    def matters(self) -> bool | None:
        """Whether any made a difference; `None` when none could be tried."""
        return bool(self.refused or self.changed) if self else None

    @property
    def is_only_checked(self) -> bool:
        """Whether it decides if the tool replies, and never what."""
        return not self.changed and self.refused > 0 and self.same - self.rewritten >= FEWEST_IDLE

    def __bool__(self) -> bool:
        return bool(self.same or self.refused or self.changed)

    def add(self, other: "Tries") -> None:
        """Add what came of others."""
        self.same += other.same
        self.rewritten += other.rewritten
        self.refused += other.refused
        self.changed += other.changed


@dataclass(slots=True)
class ToolSensitivity:
    """What came of changing a tool's arguments."""

    given: int = 0
    """Arguments that gold calls give, call by call."""
    mattered: int = 0
    by_argument: dict[str, bool] = field(default_factory=dict[str, bool])
    """Whether the argument mattered anywhere."""
    deaf: list[JsonObject] = field(default_factory=list[JsonObject])
    """Given arguments that changed nothing."""
    named: set[str] = field(default_factory=set[str])
    """Arguments that gold calls give."""
    tries: dict[str, Tries] = field(default_factory=dict[str, Tries])
    """By argument, over gold calls."""

    @property
    def rate(self) -> float:
        """The share of given arguments that mattered; 1 when none was given."""
        return self.mattered / self.given if self.given else 1.0

    def note(self, step: GoldStep, argument: str, tries: Tries) -> None:
        """Count one given argument, unless there is nothing else that it could be."""
        matters = tries.matters
        if matters is None:
            return
        self.tries.setdefault(argument, Tries()).add(tries)
        self.named.add(argument)
        self.given += 1
        self.mattered += matters
        self.by_argument[argument] = matters or self.by_argument.get(argument, False)
        if not matters:
            self.deaf.append(
                {"task": step.task.id, "question": step.question.id, "argument": argument}
            )


class ArgumentSensitivityGate:
    """Changes the arguments of gold calls."""

    name = GATE

    async def check(self, exam: Exam) -> GateResult:
        """Examine an environment; see `Gate.check`."""
        async with workbench(exam) as bench:
            examination = _Examination(bench, exam)
            await examination.try_gold()
            await examination.try_the_rest()
            return decided(GATE, list(examination.findings()), examination.figures())


class _Examination:
    def __init__(self, bench: Workbench, exam: Exam) -> None:
        self._bench = bench
        self._exam = exam
        self._tools = {name: ToolSensitivity() for name in bench.parameters}
        self._kinds: Counter[str] = Counter()
        self._telling: Counter[str] = Counter()
        self._constant: dict[str, bytes] = {}

    async def try_gold(self) -> None:
        """Change whatever gold calls give."""
        steps = self._bench.steps
        done = self._exam.counter(GATE, len(steps))
        found = await side_by_side(steps, self._matter_of, on_done=done)
        for step, matter in zip(steps, found, strict=True):
            for name, tries in matter.items():
                self._tools[step.tool].note(step, name, tries)

    async def _matter_of(self, step: GoldStep) -> dict[str, Tries]:
        """Tell of each argument that a call gives what its neighbours do."""
        gold = await self._bench.run_step(step)
        found: dict[str, Tries] = {}
        for name in step.arguments:
            parameter = self._bench.parameter(step.tool, name)
            if parameter is not None and _is_given(parameter, step.arguments):
                found[name] = await self._matters(step, parameter, gold)
        return found

    async def _matters(self, step: GoldStep, parameter: Parameter, gold: Execution | None) -> Tries:
        stream = self._stream(step.tool, parameter.name, step.arguments)
        neighbours = mutations_of(parameter, step.arguments, self._bench.seen, stream)
        return await self._tried(step.tool, neighbours, gold, step.before)

    async def _tried(
        self,
        tool: str,
        neighbours: Iterator[Mutation],
        base: Execution | None,
        after: tuple[Trial, ...] = (),
    ) -> Tries:
        """Try neighbours until one leads to another reply."""
        tries = Tries()
        for mutation in islice(neighbours, MOST_TRIES):
            came = await self._bench.run(tool, mutation.arguments, after=after)
            if not isinstance(came, Succeeded | Failed):
                continue
            self._kinds[mutation.kind] += 1
            if fingerprint(came) == fingerprint(base):
                tries.same += 1
                tries.rewritten += mutation.kind == "other_format"
                continue
            self._telling[mutation.kind] += 1
            if isinstance(base, Succeeded) and isinstance(came, Failed):
                tries.refused += 1
            else:
                tries.changed += 1
                break
        return tries

    async def try_the_rest(self) -> None:
        """Give the arguments that no gold call gives, until each has changed something."""
        for tool, parameters in self._bench.parameters.items():
            bases = self._bases(tool, parameters)
            for parameter in parameters.values():
                known = self._tools[tool].by_argument
                if not known.get(parameter.name, False):
                    tried = await self._tried_in(tool, parameter, bases)
                    if tried.matters is not None:
                        known[parameter.name] = tried.matters
            if not parameters:
                continue
            await self._note_constant(tool, bases)

    async def _note_constant(self, tool: str, bases: Sequence[JsonObject]) -> None:
        """Keep the one reply of a tool that was asked different things and said the same."""
        replies = [await self._bench.run(tool, base) for base in bases]
        good = [fingerprint(reply) for reply in replies if isinstance(reply, Succeeded)]
        mattered = any(self._tools[tool].by_argument.values())
        if len(good) > 1 and len(set(good)) == 1 and not mattered:
            self._constant[tool] = good[0]

    async def _tried_in(
        self, tool: str, parameter: Parameter, bases: Sequence[JsonObject]
    ) -> Tries:
        """Try the neighbours of an argument in one call after the other until one matters."""
        tried = Tries()
        for base in bases:
            came = await self._bench.run(tool, base)
            if not isinstance(came, Succeeded):
                continue
            stream = self._stream(tool, parameter.name, base)
            neighbours = mutations_of(parameter, base, self._bench.seen, stream)
            tried.add(await self._tried(tool, neighbours, came))
            if tried.matters:
                break
        return tried

    def _bases(self, tool: str, parameters: dict[str, Parameter]) -> list[JsonObject]:
        """Return calls to start from: those of the gold, bare ones, and bare ones with a choice."""
        required = [one for one in parameters.values() if one.required]
        gold = [step.arguments for step in self._bench.steps if step.tool == tool]
        own: list[JsonObject] = []
        for others in range(3):
            base: JsonObject = {}
            for one in required:
                values = [v for v in self._bench.seen.others(one.name, None) if one.takes(v)]
                base[one.name] = (
                    values[others % len(values)] if values else self._bench.any_value(one)
                )
            own.append(base)
        bare: JsonObject = {
            one.name: gold[0][one.name] if gold else own[0][one.name] for one in required
        }
        choices: list[JsonObject] = [
            {**bare, one.name: member}
            for one in parameters.values()
            if not one.required
            for member in [m for m in one.members if m is not None][:1]
        ]
        return _distinct([bare, *choices, *own, *gold])[: MOST_BASES + len(choices)]

    def _stream(self, *names: Json) -> random.Random:
        return random_stream(self._exam.seed, GATE, *names)

    def findings(self) -> Iterator[Finding]:
        """Give the tools that do not use what they are given."""
        for name, tool in self._tools.items():
            deaf = sorted(one for one, matters in tool.by_argument.items() if not matters)
            # An order or a page that no gold call asks for does not matter to few rows.
            unused = [one for one in deaf if one in tool.named or one not in SHAPE]
            if name in self._constant or (deaf and len(deaf) == len(tool.by_argument)):
                yield _finding(
                    name, "it returns the same whatever it is asked", "a constant tool", tool
                )
            elif unused:
                named = ", ".join(map(repr, unused))
                problem = f"it does not use its argument {named}"
                yield _finding(name, problem, "an argument without effect", tool)
            elif checked := sorted(n for n, its in tool.tries.items() if its.is_only_checked):
                named = ", ".join(map(repr, checked))
                problem = f"it refuses some values of its argument {named}, and uses none"
                yield _finding(name, problem, "an argument without effect", tool)
            elif tool.rate < LEAST_RATE:
                problem = (
                    f"{tool.mattered} of {tool.given} arguments given to it matter, "
                    f"expected a share of {LEAST_RATE:g} at least"
                )
                yield _finding(name, problem, "a tool that hardly uses its arguments", tool)

    def figures(self) -> JsonObject:
        """Return the rates."""
        given = sum(tool.given for tool in self._tools.values())
        mattered = sum(tool.mattered for tool in self._tools.values())
        tools: JsonObject = {
            name: {
                "given": tool.given,
                "rate": round(tool.rate, 4),
                "arguments": len(self._bench.parameters[name]),
                "arguments_that_matter": sum(tool.by_argument.values()),
            }
            for name, tool in self._tools.items()
        }
        kinds: JsonObject = {
            kind: {"tried": count, "changed": self._telling[kind]}
            for kind, count in sorted(self._kinds.items())
        }
        deaf: list[Json] = [one for tool in self._tools.values() for one in tool.deaf[:3]]
        return {
            "given": given,
            "rate": round(mattered / given, 4) if given else 1.0,
            "tools": tools,
            "mutations": kinds,
            "without_effect": deaf,
            **self._bench.figures,
        }


def _is_given(parameter: Parameter, arguments: JsonObject) -> bool:
    return not parameter.is_default(arguments)


def _distinct(calls: Sequence[JsonObject]) -> list[JsonObject]:
    return list({canonical_bytes(call): call for call in calls}.values())


def _finding(tool: str, problem: str, kind: str, found: ToolSensitivity) -> Finding:
    evidence: JsonObject = {"given": found.given, "without_effect": list[Json](found.deaf[:5])}
    return Finding(problem=f"{tool}: {problem}", kind=kind, tool=tool, evidence=evidence)
