"""What a task says cannot be done must be out of reach of the tools that are on offer then."""

from collections.abc import Iterator

from astra_arena.core.offers import offered_tools
from astra_arena.core.tasks import SubQuestion, Task
from astra_arena.sandbox.contract import Sandbox
from astra_arena.servers.bundles.bundle import Bundle
from astra_arena.synthesizer.gates.gate import Finding
from astra_arena.synthesizer.variants.missing_function import depth_of
from astra_arena.synthesizer.variants.reach_search import Executor, search_reach
from astra_arena.synthesizer.variants.task_knowledge import TaskKnowledge

MOST_CALLS = 300
"""Calls of one search; the variant's own proof made more when the task was made."""


class DeclinedTasks:
    """Searches, by execution, for what tasks expect to be declined.

    Args:
        bundle: The environment.
        sandbox: Runs the calls.
    """

    def __init__(self, bundle: Bundle, sandbox: Sandbox) -> None:
        tools = {tool.name: tool for tool in bundle.environment.tools}
        self._name = bundle.name
        self._executor = Executor(sandbox, bundle.program(), tools)

    async def findings(self, task: Task) -> list[Finding]:
        """Return findings of turns that expect a refusal though the task can be done."""
        found: list[Finding] = []
        for turn, expect in enumerate(one.expect for one in task.turns):
            if expect.kind != "decline" or expect.tool is None:
                continue
            offered = offered_tools(task, {self._name: [*self._executor.tools]}, turn=turn)
            if expect.tool in offered:
                problem = f"turn {turn} expects that {expect.tool!r} is missing, but it is on offer"
                found.append(_finding(task, problem, expect.tool))
            else:
                found += await self._reached(task, expect.tool, [*offered])
        return found

    async def _reached(self, task: Task, missing: str, offered: list[str]) -> list[Finding]:
        for question in _asked_of(task, missing):
            knowledge = TaskKnowledge(task, question)
            depth = depth_of(task) + 1
            reach = await search_reach(
                self._executor, knowledge, offered, depth=depth, most_calls=MOST_CALLS
            )
            if reach.tool is not None:
                problem = (
                    f"{missing!r} is withheld, but {reach.tool!r} still reaches what hangs on "
                    f"{question.id}, after {reach.calls} calls"
                )
                return [_finding(task, problem, reach.tool)]
        return []

    async def close(self) -> None:
        """End the session."""
        await self._executor.close()


def _asked_of(task: Task, tool: str) -> Iterator[SubQuestion]:
    return (question for question in task.needed if question.tool == tool)


def _finding(task: Task, problem: str, tool: str) -> Finding:
    return Finding(
        problem=problem, kind="a declined task that can be done", task=task.id, tool=tool
    )
