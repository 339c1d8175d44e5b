"""Calls as a model writes them: what is wrong is told, without ever naming an answer."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from astra_arena.core.answers import plain_text
from astra_arena.core.canonical import Json, JsonObject
from astra_arena.core.errors import SpecError
from astra_arena.servers.episodes.toolset import Refused, Tool
from astra_arena.synthesizer.qa.authored.step_replies import cover_findings
from astra_arena.synthesizer.qa.decomposition import Decomposition, QuestionNode
from astra_arena.synthesizer.qa.instance import QAInstance
from astra_arena.synthesizer.qa.worlds.data_findings import answer_of, decomposition_of, tool_steps
from astra_arena.synthesizer.qa.worlds.replies import (
    FieldType,
    NewArgument,
    NewParameter,
    NewTool,
    StepCall,
    StepCalls,
)
from astra_arena.synthesizer.qa.worlds.tool_documents import tool_spec, value_fits

_ITEM_OF: dict[FieldType, FieldType] = {"texts": "text", "integers": "integer", "reals": "real"}


@dataclass(frozen=True, slots=True)
class CallCheck:
    """Looks at the calls by which the sub-questions of an instance are to be answered.

    Args:
        instance: With a decomposition that is verified.
        tools: On offer, by name.
    """

    instance: QAInstance
    tools: Mapping[str, NewTool]

    def __call__(self, reply: StepCalls) -> list[str]:
        """Return what is wrong; nothing when they can be tried."""
        steps = tool_steps(decomposition_of(self.instance))
        wrong = cover_findings([one.id for one in steps], [one.id for one in reply.calls])
        if wrong:
            return wrong
        return [f"{one.id}: {text}" for one in reply.calls for text in self.problems(one)]

    def problems(self, call: StepCall) -> Iterator[str]:
        """Give what is wrong with one call."""
        decomposition = decomposition_of(self.instance)
        node = decomposition.node(call.id)
        tool = self.tools.get(call.tool)
        if tool is None:
            yield f"there is no tool {call.tool!r}; there are {', '.join(sorted(self.tools))}"
            return
        yield from argument_problems(call.arguments, tool)
        parameters = {one.name: one for one in tool.parameters}
        for argument in call.arguments:
            parameter = parameters.get(argument.name)
            if parameter is not None:
                yield from self._value_problems(argument, parameter, node, tool)
        used = {one.answer_of for one in call.arguments}
        for parent in node.depends_on:
            if parent not in used:
                yield (
                    f"it depends on {parent}; some argument must be `answer_of` {parent}, or the "
                    "tool needs a parameter for it"
                )

    def _value_problems(
        self, argument: NewArgument, parameter: NewParameter, node: QuestionNode, tool: NewTool
    ) -> Iterator[str]:
        decomposition = decomposition_of(self.instance)
        name = argument.name
        if argument.answer_of is not None:
            if argument.answer_of not in node.depends_on:
                yield f"{name}: {node.id} does not depend on {argument.answer_of}"
                return
            yield from _reference_problems(argument, parameter, decomposition)
            return
        value = _value_of(argument)
        if value is None:
            if parameter.required or parameter.default is not None:
                yield f"{name}: expected a value, got null"
        elif not value_fits(value, parameter.type):
            yield f"{name}: expected {parameter.type}, got {value!r}"
        elif not _is_said(value, self.instance, node, tool):
            yield f"{name}: {value!r} does not stand in the question, and no document names it"


def argument_problems(arguments: list[NewArgument], tool: NewTool) -> Iterator[str]:
    """Say which arguments are missing, unknown or given in two ways."""
    given = [one.name for one in arguments]
    known = {one.name: one for one in tool.parameters}
    if len(set(given)) < len(given):
        yield "expected every argument once"
    for name in given:
        if name not in known:
            yield f"{tool.name} takes no {name!r}; it takes {', '.join(known)}"
    for name, one in known.items():
        if one.required and name not in given:
            yield f"{tool.name} needs {name!r}"
    for one in arguments:
        if one.answer_of is not None and one.value is not None:
            yield f"{one.name}: expected a value or `answer_of`, got both"
        if one.item is not None and (one.answer_of is None or one.item < 1):
            yield f"{one.name}: `item` counts from 1 and belongs to `answer_of`"


def _reference_problems(
    argument: NewArgument, parameter: NewParameter, decomposition: Decomposition
) -> Iterator[str]:
    """Compare types alone: the answer itself is not for the author of calls."""
    value = answer_of(decomposition.node(argument.answer_of or ""))
    kind = parameter.type
    if argument.item is not None:
        if not isinstance(value, list):
            yield f"{argument.name}: the answer of {argument.answer_of} is no list; drop `item`"
            return
        if argument.item > len(value):
            yield f"{argument.name}: the answer of {argument.answer_of} has fewer items"
            return
        value = value[argument.item - 1]
    if not value_fits(value, kind):
        is_list = isinstance(value, list)
        came = "a list" if is_list else "a number" if not isinstance(value, str) else "a text"
        yield f"{argument.name} takes {kind}, and the answer of {argument.answer_of} is {came}"


def _is_said(value: Json, instance: QAInstance, node: QuestionNode, tool: NewTool) -> bool:
    """Tell whether a text value is known: from a question, or a word of the tool's document."""
    items = value if isinstance(value, list) else [value]
    said = plain_text(
        " ".join(
            [
                instance.question,
                node.question,
                tool.description,
                *(one.description for one in tool.parameters),
                *(str(one.default) for one in tool.parameters if one.default is not None),
            ]
        )
    )
    return all(not isinstance(one, str) or plain_text(one) in said for one in items)


def complete_arguments(arguments: list[NewArgument], tool: NewTool) -> JsonObject:
    """Return all arguments of a call in the form of tasks: references, defaults filled in."""
    given = {one.name: _task_value(one) for one in arguments}
    return {one.name: given.get(one.name, one.default) for one in tool.parameters}


def _value_of(argument: NewArgument) -> Json:
    value = argument.value
    return list(value) if isinstance(value, list) else value


def _task_value(argument: NewArgument) -> Json:
    if argument.answer_of is None:
        return _value_of(argument)
    path = "" if argument.item is None else f"/{argument.item - 1}"
    return {"$from": argument.answer_of, "path": path}


def accepted_arguments(tool: NewTool, arguments: JsonObject) -> JsonObject:
    """Return resolved arguments as they reach the tool.

    Raises:
        SpecError: if its schema refuses them; the message may quote an answer.
    """
    checked = Tool(tool_spec(tool)).accept(arguments)
    if isinstance(checked, Refused):
        raise SpecError(checked.reason)
    return checked.arguments
