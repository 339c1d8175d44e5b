"""What may be told of a task where the agent can read it: a line of `tasks.public.jsonl`.

It holds what a server needs to play the task, and nothing that decides the reward.
"""

from pydantic import Field

from astra_arena.core.faults import FaultPlan
from astra_arena.core.model import Model
from astra_arena.core.tasks import Budget, Expectation, Task, Turn
from astra_arena.core.tool_mixing import ToolMixing
from astra_arena.core.verdicts import unsupported_parts


class PublicTurn(Model):
    """What the user says, and what changes with it."""

    say: str = Field(min_length=1)
    tools_added: tuple[str, ...] = ()
    tools_removed: tuple[str, ...] = ()


class PublicTask(Model):
    """A task without its gold."""

    id: str = Field(min_length=1)
    environments: tuple[str, ...] = Field(min_length=1)
    split: str = "train"
    variant: str = "base"
    budget: Budget = Budget()
    turns: tuple[PublicTurn, ...] = Field(min_length=1)
    needs_reply: bool = False
    """Whether the agent must be able to end its turn in words."""
    tools: tuple[str, ...] = ()
    faults: FaultPlan | None = None
    mixing: ToolMixing | None = None

    def playable(self) -> Task:
        """Return the task as servers play it: with nothing in it that could be graded."""
        # What is expected is gold; any expectation but `act` brings the tool `reply`.
        expect = Expectation(kind="answer" if self.needs_reply else "act")
        return Task(
            id=self.id,
            environments=self.environments,
            split=self.split,
            variant=self.variant,
            budget=self.budget,
            turns=tuple(
                Turn(
                    say=turn.say,
                    tools_added=turn.tools_added,
                    tools_removed=turn.tools_removed,
                    expect=expect,
                )
                for turn in self.turns
            ),
            tools=self.tools,
            faults=self.faults,
            mixing=self.mixing,
        )


def public_task(task: Task) -> PublicTask:
    """Return what may be told of a task; see `why_hidden` for those of which nothing may."""
    return PublicTask(
        id=task.id,
        environments=task.environments,
        split=task.split,
        variant=task.variant,
        budget=task.budget,
        turns=tuple(
            PublicTurn(say=turn.say, tools_added=turn.tools_added, tools_removed=turn.tools_removed)
            for turn in task.turns
        ),
        needs_reply=task.needs_reply,
        tools=task.tools,
        faults=task.faults,
        mixing=task.mixing,
    )


def why_hidden(task: Task) -> str | None:
    """Return why a task cannot be played where the agent reads its files; `None` if it can."""
    if unsupported_parts(task):
        return "it has nothing that could be graded"
    if task.slots:
        return "the user knows something that is told only when asked"
    if any(turn.expect.kind == "decline" for turn in task.turns):
        return "it cannot be done with the tools on offer, and which are withheld would say so"
    mixing = task.mixing
    if mixing is not None and (mixing.distractors or mixing.withheld or mixing.withheld_share):
        return "which tools are mixed in or withheld is drawn by what its gold needs"
    return None
