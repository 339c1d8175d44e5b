"""Decompositions as lists of steps, as users and models write them, read strictly.

A step is `{id, question, answer?, depends_on?}`; ASTRA's names for the same are taken, too
(`_uuid`, `sub_question`, `sub_answer`, `dependency`, `hop_level`, `is_parallel`). Ids are whole
numbers or texts of any kind, 0 included, in any order. What is stated of levels and parallel steps
must be what follows from the dependencies.
"""

import re
from collections.abc import Sequence
from typing import cast

from astra_arena.core.canonical import Json, JsonObject
from astra_arena.core.errors import SpecError
from astra_arena.synthesizer.qa.decomposition import Decomposition, QuestionNode, StatedAnswer
from astra_arena.synthesizer.qa.structure import require_sound, structure_of

_NAMES: dict[str, tuple[str, ...]] = {
    "id": ("id", "_uuid"),
    "question": ("question", "sub_question"),
    "answer": ("answer", "sub_answer"),
    "depends_on": ("depends_on", "dependency"),
    "level": ("level", "hop_level"),
    "parallel": ("parallel", "is_parallel"),
    "needs_tool": ("needs_tool", "tool_necessity"),
}
_REFERENCE = re.compile(r"(?:#|\{)\s?([A-Za-z0-9_-]+)\}?")


def decomposition_from_steps(steps: Json, *, finals: Sequence[Json] = ()) -> Decomposition:
    """Read a decomposition from a list of steps.

    Args:
        steps: The decoded JSON.
        finals: Ids of the steps that make up the final answer; the one that nothing depends on when
            absent.

    Raises:
        SpecError: saying what was expected and what came.
    """
    if not isinstance(steps, list) or not steps:
        raise SpecError(f"expected a list of steps, got {_shown(steps)}")
    read = [_Step(number, one) for number, one in enumerate(steps, start=1)]
    names = _names(read)
    nodes = [step.node(names) for step in read]
    ends = [_known(one, names, "the final answer") for one in finals]
    try:
        require_sound([(node.id, node.depends_on) for node in nodes], ends)
    except ValueError as error:
        raise SpecError(str(error)) from None
    made = Decomposition(nodes=tuple(nodes), finals=tuple(ends))
    _require_as_stated(read, made)
    return made


class _Step:
    def __init__(self, number: int, data: Json) -> None:
        self.what = f"step {number}"
        if not isinstance(data, dict):
            raise SpecError(f"{self.what}: expected an object, got {_shown(data)}")
        spelled = {name for names in _NAMES.values() for name in names}
        unknown = sorted(set(data) - spelled)
        if unknown:
            raise SpecError(f"{self.what}: there is no field {unknown[0]!r} of a step")
        self._data = data
        self.key = self._key(self.field("id"))
        self.level = self.field("level")
        self.parallel = self._flag("parallel")

    def field(self, name: str) -> Json:
        given = [one for one in _NAMES[name] if one in self._data]
        if len(given) > 1:
            raise SpecError(f"{self.what}: {given[0]!r} and {given[1]!r} say the same")
        return self._data[given[0]] if given else None

    def _key(self, value: Json) -> str:
        if isinstance(value, bool) or not isinstance(value, int | str) or value == "":
            raise SpecError(f"{self.what}: expected a number or a text as id, got {_shown(value)}")
        return str(value)

    def _flag(self, name: str) -> bool | None:
        value = self.field(name)
        if value is not None and not isinstance(value, bool):
            raise SpecError(f"{self.what}: expected true or false as {name!r}, got {_shown(value)}")
        return value

    def parents(self, names: dict[str, str]) -> tuple[str, ...]:
        value = self.field("depends_on")
        if value is None:
            return ()
        if not isinstance(value, list):
            raise SpecError(
                f"{self.what}: expected a list of ids as dependencies, or null, got {_shown(value)}"
            )
        return tuple(_known(one, names, self.what) for one in value)

    def node(self, names: dict[str, str]) -> QuestionNode:
        question = self.field("question")
        if not isinstance(question, str) or not question.strip():
            raise SpecError(f"{self.what}: expected a question, got {_shown(question)}")
        parents, answer = self.parents(names), self.field("answer")

        def referred(found: "re.Match[str]") -> str:
            name = names.get(found[1])
            return f"{{{name}}}" if name in parents else found[0]

        data = {
            "id": names[self.key],
            "question": _REFERENCE.sub(referred, question.strip()),
            "depends_on": parents,
            "answer": None if answer is None else stated_answer(answer),
            "needs_tool": self._flag("needs_tool"),
        }
        return QuestionNode.from_json(data, what=self.what)


def _names(steps: Sequence[_Step]) -> dict[str, str]:
    """Return our id of each step by its own; theirs where it can be one."""
    names: dict[str, str] = {}
    for step in steps:
        if step.key in names:
            raise SpecError(f"expected every id once, got {step.key!r} more than once")
        plain = re.sub(r"[^\w-]", "-", step.key)
        name = plain if re.fullmatch(r"q[\w-]*", plain) else f"q{plain}"
        while name in names.values():
            name += "-"
        names[step.key] = name
    return names


def _known(value: Json, names: dict[str, str], what: str) -> str:
    key = str(value) if isinstance(value, int | str) and not isinstance(value, bool) else None
    if key not in names:
        raise SpecError(f"{what}: expected an id out of {', '.join(names)}, got {_shown(value)}")
    return names[key]


def stated_answer(value: Json) -> StatedAnswer:
    """Return an answer of any JSON type.

    Raises:
        SpecError: if there is none, or it is empty.
    """
    match value:
        case bool():
            return StatedAnswer(kind="exact", value=value)
        case int() | float():
            return StatedAnswer(kind="number", value=value)
        case str() if value.strip():
            return StatedAnswer(kind="text", value=value.strip())
        case list() if value:
            return StatedAnswer(kind="list", value=value)
        case _:
            raise SpecError(f"expected an answer with a content, got {_shown(value)}")


def _require_as_stated(steps: Sequence[_Step], made: Decomposition) -> None:
    structure = structure_of(made.parents)
    for step, node in zip(steps, made.nodes, strict=True):
        level = structure.levels[node.id]
        if step.level is not None and (isinstance(step.level, bool) or step.level != level):
            raise SpecError(
                f"{step.what}: expected level {level}, the longest path to it, got "
                f"{_shown(step.level)}"
            )
        parallel = structure.parallel[node.id]
        if step.parallel is not None and step.parallel != parallel:
            raise SpecError(
                f"{step.what}: expected parallel to be {str(parallel).lower()}, since "
                f"{'others have' if parallel else 'no other has'} level {level}, got "
                f"{str(step.parallel).lower()}"
            )


def _shown(value: Json) -> str:
    text = "nothing" if value is None else repr(cast("JsonObject", value))
    return text if len(text) <= 60 else f"{text[:57]}..."
