"""The variants `missing_parameter` and `elicitation`: something needed is not said.

The user leaves one value out. That it cannot be made out is proved by execution: at least two
values that agree with all that was said lead the gold program to different outcomes. The right
thing is to ask; the user then tells. In the variant `elicitation` the host asks the user instead,
when a call lacks the argument.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from astra_arena.core.canonical import Json, JsonObject, same_json
from astra_arena.core.environment import ToolSpec
from astra_arena.core.tasks import Expectation, Filling, Slot, SubQuestion, Task, Turn
from astra_arena.sandbox.contract import Program, Sandbox
from astra_arena.synthesizer.variants.missing_function import NoVariant
from astra_arena.synthesizer.variants.program_runs import RunOutcome, run_program

AskingVariant = Literal["missing_parameter", "elicitation"]

MOST_TRIED = 24
"""Values that are tried in the place of the one left out."""
OUTCOMES_STORED = 3


@dataclass(frozen=True, slots=True)
class Unsaid:
    """A value that the question leaves out."""

    question: str
    """The sub-question whose call needs it."""
    argument: str
    slot: str
    """What it is called, in words."""
    aliases: tuple[str, ...]
    tell: str
    """How the user says it when asked."""
    prompt: str
    """The question without the value."""
    fills: tuple[Filling, ...]
    """Every argument of every tool that takes such a value."""
    candidates: Sequence[Json]
    """Other values that agree with what is said."""


def requires(spec: ToolSpec | None, argument: str) -> bool:
    """Tell whether a tool cannot be called without an argument; then a host asks for it."""
    required = None if spec is None else spec.input_schema.get("required")
    return isinstance(required, list) and argument in required


async def missing_parameter(
    task: Task,
    unsaid: Unsaid,
    sandbox: Sandbox,
    program: Program,
    *,
    writes: bool = False,
    variant: AskingVariant = "missing_parameter",
) -> Task | NoVariant:
    """Return the variant of a task, or why there is none.

    Args:
        task: A base task of one turn.
        unsaid: What is left out.
        sandbox: Runs the gold program with other values.
        program: The environment's.
        writes: Whether the task changes the world.
        variant: Which of the two.
    """
    question = next(q for q in task.sub_questions if q.id == unsaid.question)
    gold = question.arguments[unsaid.argument]
    finals = {q.id: q for q in task.needed if _is_final(task, q.id)}
    true = await _outcome(task, unsaid, gold, sandbox, program, writes)
    if true is None:
        return NoVariant("the gold program does not run")
    stored: list[Json] = [{"value": gold, "outcome": true.to_json(finals)}]
    outcomes = {_final_key(true, finals)}
    tried = 0
    for value in unsaid.candidates:
        if tried >= MOST_TRIED or len(stored) >= OUTCOMES_STORED:
            break
        if same_json(value, gold):
            continue
        tried += 1
        other = await _outcome(task, unsaid, value, sandbox, program, writes)
        if other is not None and _final_key(other, finals) not in outcomes:
            outcomes.add(_final_key(other, finals))
            stored.append({"value": value, "outcome": other.to_json(finals)})
    if len(stored) < 2:
        return NoVariant(f"no other {unsaid.slot} of {tried} tried leads to another outcome")
    return _variant(task, unsaid, gold, stored, variant)


async def _outcome(
    task: Task, unsaid: Unsaid, value: Json, sandbox: Sandbox, program: Program, writes: bool
) -> RunOutcome | None:
    instead = {(unsaid.question, unsaid.argument): value}
    return await run_program(sandbox, program, task, instead=instead, writes=writes)


def _is_final(task: Task, identifier: str) -> bool:
    return not any(identifier in other.depends_on for other in task.sub_questions)


def _final_key(outcome: RunOutcome, finals: Mapping[str, SubQuestion]) -> bytes:
    told: JsonObject = {n: value for n, value in outcome.answers.items() if n in finals}
    return RunOutcome(told, outcome.state_digest).key


def _variant(
    task: Task, unsaid: Unsaid, gold: Json, stored: list[Json], variant: AskingVariant
) -> Task:
    asks = variant == "missing_parameter"
    slot = Slot(
        name=unsaid.slot,
        value=gold,
        aliases=unsaid.aliases,
        tell=unsaid.tell,
        fills=unsaid.fills,
    )
    expect = Expectation(kind="ask", slot=slot.name) if asks else Expectation(kind="act")
    proof: JsonObject = {
        "question": unsaid.question,
        "argument": unsaid.argument,
        "outcomes": stored,
    }
    return task.model_copy(
        update={
            "id": f"{task.id}-{variant}",
            "variant": variant,
            "turns": (Turn(say=unsaid.prompt, expect=expect),),
            "slots": (slot,),
            "provenance": {**task.provenance, "base": task.id, "proof": proof},
        }
    )
