"""Stories whose numbers are looked up: word problems with letters in place of their numbers.

All stories of a source share one world; the numbers of the others are what a wrong look-up finds.
"""

import sqlite3
from collections import Counter
from fractions import Fraction
from string import ascii_uppercase

from astra_arena.core.environment import ToolSpec
from astra_arena.core.errors import SpecError
from astra_arena.core.tasks import Answer, FinalAnswer, SubQuestion
from astra_arena.synthesizer.qa.decomposition import QuestionNode, SpanSource
from astra_arena.synthesizer.qa.environments.arithmetic_tools import ELEMENTARY
from astra_arena.synthesizer.qa.environments.call_program import CallProgram
from astra_arena.synthesizer.qa.environments.code_parts import tools_text
from astra_arena.synthesizer.qa.environments.question_world import (
    PlannedTask,
    object_schema,
    text_schema,
    worded,
)
from astra_arena.synthesizer.qa.instance import QAInstance
from astra_arena.synthesizer.qa.languages import Language
from astra_arena.synthesizer.qa.number_text import NumberInText, numbers_in_text, plain_number

COMMON = frozenset(
    Fraction(one)
    for one in (
        *("1", "2", "3", "4", "7", "10", "12", "24", "30", "52", "60", "100", "365", "1000"),
        *("0.5", "0.25"),
    )
)
"""Numbers that people know without being told: halves, days of the week, months, minutes."""
_ALWAYS = frozenset({Fraction(1), Fraction(100)})
_DIFFERENT = Fraction(1, 100)

_SAID: dict[Language, str] = {
    "en": "The numbers of story {name} are on file: letters in brackets stand for them. {text}",
    "zh": "故事 {name} 中的数字已存档，方括号里的字母代表这些数字。{text}",
}

_SPEC = ToolSpec(
    name="read_quantity",
    description="Read the number that stands for a letter in a story.",
    input_schema=object_schema(
        {
            "story_id": text_schema("The story's number, like S00012."),
            "quantity": text_schema("The letter that stands in brackets in the story."),
        },
        ("story_id", "quantity"),
    ),
    output_schema=object_schema(
        {
            "story_id": {"type": "string"},
            "quantity": {"type": "string"},
            "value": {"type": "number"},
        },
        ("story_id", "quantity", "value"),
    ),
    read_only=True,
)


class StoryWorld:
    """The world of word problems."""

    kind = "stories"
    title = "Word problems with their numbers on file"
    description = "Stories that ask for a number; the numbers in them are looked up by letter."
    specs = (_SPEC, *(tool.spec for tool in ELEMENTARY))

    def __init__(self) -> None:
        self._ids: dict[str, str] = {}

    @property
    def tools_py(self) -> str:
        """The code of the tools."""
        names = [spec.name for spec in self.specs]
        about = "Tools that look numbers of stories up, and calculate."
        return tools_text(about, ("story_code", "arithmetic_code"), names)

    def create(self, world: sqlite3.Connection) -> None:
        """Make the tables."""
        world.execute("CREATE TABLE stories (story_id TEXT PRIMARY KEY, text TEXT NOT NULL)")
        world.execute(
            "CREATE TABLE quantities (story_id TEXT NOT NULL REFERENCES stories, "
            "quantity TEXT NOT NULL, value NUMERIC NOT NULL, PRIMARY KEY (story_id, quantity))"
        )

    def add(self, instance: QAInstance, world: sqlite3.Connection) -> None:
        """Add a story with its numbers."""
        if instance.id in self._ids:
            raise SpecError(f"two instances have the id {instance.id!r}")
        name = self._ids[instance.id] = f"S{len(self._ids) + 1:05}"
        story = _Story(instance)
        world.execute("INSERT INTO stories VALUES (?, ?)", (name, story.text))
        world.executemany(
            "INSERT INTO quantities VALUES (?, ?, ?)",
            [(name, letter, plain_number(one.value)) for letter, one in story.quantities.items()],
        )

    def plan(self, instance: QAInstance, environment: str, *, indirect: bool) -> PlannedTask:
        """Return the task of a story; see `QuestionWorld.plan`."""
        del indirect
        if instance.decomposition is None:
            raise SpecError("expected calculations, got none")
        story = _Story(instance)
        program = CallProgram(instance.decomposition, frozenset(tool.name for tool in ELEMENTARY))
        story.require_plain(program)
        name = self._ids[instance.id]
        facts = {
            node.id: SubQuestion(
                id=node.id,
                question=f"What number is [{story.letter(node)}] in story {name}?",
                environment=environment,
                tool=_SPEC.name,
                arguments={"story_id": name, "quantity": story.letter(node)},
                answer=Answer(path="/value", kind="number", value=_value(node)),
            )
            for node in program.facts
        }
        questions = program.questions(environment, facts)
        return PlannedTask(
            say=worded(_SAID, instance.language, name=name, text=story.text),
            sub_questions=questions,
            final_answer=_final(instance, questions),
        )


class _Story:
    """A story with letters in place of numbers."""

    def __init__(self, instance: QAInstance) -> None:
        nodes = () if instance.decomposition is None else instance.decomposition.nodes
        self._used = {node.source.start for node in nodes if isinstance(node.source, SpanSource)}
        found = [one for one in numbers_in_text(instance.question) if self._is_quantity(one)]
        self.quantities = {_letter(number): one for number, one in enumerate(found)}
        self._letters = {one.start: letter for letter, one in self.quantities.items()}
        self.text = _lettered(instance.question, self.quantities)

    def _is_quantity(self, one: NumberInText) -> bool:
        """`one` is a number only where it counts: "the one on the left" is none."""
        return not (one.is_word and one.value == 1) or one.start in self._used

    def letter(self, node: QuestionNode) -> str:
        """Return the letter of a fact.

        Raises:
            SpecError: if the fact is no number of the story.
        """
        if not isinstance(node.source, SpanSource) or node.source.start not in self._letters:
            raise SpecError(f"{node.id} is no number of the story")
        return self._letters[node.source.start]

    def require_plain(self, program: CallProgram) -> None:
        """Refuse programs whose numbers might as well stand for others.

        Raises:
            SpecError: saying which.
        """
        letters = {self.letter(node): node.id for node in program.facts}
        uses = Counter(
            one.node for step in program.steps.values() for one in step.operands if one.node
        )
        for value, count in Counter(one.value for one in self.quantities.values()).items():
            alike = [name for name, one in self.quantities.items() if one.value == value]
            used = [letters[name] for name in alike if name in letters]
            if count > 1 and used and (len(used) < count or any(uses[one] != 1 for one in used)):
                raise SpecError(
                    f"the number {plain_number(value)} stands in {count} places of the story, and "
                    "which is meant is not clear"
                )
        given = {
            Fraction(one.number)
            for step in program.steps.values()
            for one in step.operands
            if one.number is not None
        }
        strange = sorted(given - COMMON)
        if strange:
            raise SpecError(f"the number {plain_number(strange[0])} is not in the story")
        if len(letters) < len(self.quantities) and given - _ALWAYS:
            raise SpecError(
                f"the number {plain_number(min(given - _ALWAYS))} may follow from one of the "
                "story's that no step uses"
            )


def _final(instance: QAInstance, questions: tuple[SubQuestion, ...]) -> FinalAnswer:
    """Return the final answer, when what was computed is what the source states."""
    stated = instance.answer.value
    came = questions[-1].answer.value
    if isinstance(stated, bool) or not isinstance(stated, int | float):
        raise SpecError(f"expected a number as the answer, got {stated!r}")
    if not isinstance(came, int | float):
        raise SpecError(f"expected a number at the end of the program, got {came!r}")
    if abs(Fraction(repr(came)) - Fraction(repr(stated))) > _DIFFERENT:
        raise SpecError(f"the program gives {came}, but the answer is {stated}")
    tolerance = 0.0 if came == stated else float(_DIFFERENT)
    return FinalAnswer(kind="number", value=stated, tolerance=tolerance)


def _value(node: QuestionNode) -> int | float:
    value = None if node.answer is None else node.answer.value
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise SpecError(f"{node.id} is no number")
    return value


def _letter(number: int) -> str:
    """Return A to Z, then AA and so on."""
    over, place = divmod(number, len(ascii_uppercase))
    return (_letter(over - 1) if over else "") + ascii_uppercase[place]


def _lettered(text: str, quantities: dict[str, NumberInText]) -> str:
    made = text
    for letter, one in reversed(quantities.items()):
        made = f"{made[: one.start]}[{letter}]{made[one.end :]}"
    return made
