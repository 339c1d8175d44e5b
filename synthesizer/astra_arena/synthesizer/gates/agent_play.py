"""Plays agents in this process: they see what agents see; calls go straight to the episode."""

from contextlib import suppress

from astra_arena.client.agent import Agent, EpisodeView, ToolReply, ToolView
from astra_arena.core.canonical import JsonObject
from astra_arena.core.environment import ToolSpec
from astra_arena.core.errors import AgentError, SandboxUnavailableError
from astra_arena.core.tasks import Task
from astra_arena.core.verdicts import Verdict
from astra_arena.servers.episodes.conversation import REPLY_SPEC
from astra_arena.servers.episodes.episode import Episode
from astra_arena.synthesizer.gates.play import Player


class _BudgetSpent(AgentError):
    """The agent asked for one call more than it has."""


async def play_agent(player: Player, task: Task, agent: Agent, *, seed: int = 0) -> Verdict:
    """Let an agent play one task; what it did until then is scored when its budget is used up.

    Args:
        player: Where to play.
        task: The task.
        agent: Who plays. What it raises is not caught: scripted agents do not.
        seed: The agent's own.

    Raises:
        SpecError: if the task has parts that cannot be played.
        SandboxUnavailableError: if the machinery broke.
    """
    async with player.episode(task) as episode:
        view = EpisodeView(
            task_id=task.id,
            prompt=task.prompt,
            tools=_views(episode),
            budget=task.budget,
            seed=seed,
            caller=_Relay(episode).call,
        )
        with suppress(_BudgetSpent):
            await agent.play(view)
        if episode.void is not None:
            raise SandboxUnavailableError(
                f"an episode of task {task.id!r} became void: {episode.void.message}"
            )
        return episode.verdict()


class _Relay:
    def __init__(self, episode: Episode) -> None:
        self._episode = episode
        self._sent = 0

    async def call(self, tool: str, arguments: JsonObject) -> ToolReply:
        """Send one call."""
        budget = self._episode.task.budget
        if self._sent >= budget.calls + budget.turns:
            raise _BudgetSpent("the budget is used up")
        self._sent += 1
        reply = await self._episode.call(tool, arguments)
        return ToolReply(is_error=reply.is_error, text=reply.text, structured=reply.structured)


def _views(episode: Episode) -> tuple[ToolView, ...]:
    own = (REPLY_SPEC,) if episode.task.needs_reply else ()
    return tuple(_view(tool) for tool in (*episode.tools(), *own))


def _view(tool: ToolSpec) -> ToolView:
    return ToolView(tool.name, tool.description, tool.input_schema, tool.output_schema)
