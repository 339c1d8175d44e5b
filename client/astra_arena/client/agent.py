"""The agent seam: what an agent is, and everything that it may see of an episode.

Gold, rewards, other episodes and the control plane are not here; an agent plays through MCP alone.

An agent is any object with a `name` and a `play`:

>>> import asyncio
>>> class Greeter:
...     name = "greeter"
...     async def play(self, episode):
...         reply = await episode.call("greet", {"name": "Ada"})
...         return reply.text
>>> async def host(tool, arguments):
...     return ToolReply(is_error=False, text=f"Hello, {arguments['name']}!")
>>> episode = EpisodeView(
...     task_id="t1", prompt="Greet Ada.", tools=(), budget=Budget(calls=3), seed=7, caller=host
... )
>>> asyncio.run(Greeter().play(episode))
'Hello, Ada!'
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

from astra_arena.core.canonical import JsonObject
from astra_arena.core.tasks import Budget
from astra_arena.core.user import ReplyKind


@dataclass(frozen=True, slots=True)
class ToolView:
    """A tool as the server lists it."""

    name: str
    description: str
    input_schema: JsonObject
    output_schema: JsonObject | None = None


@dataclass(frozen=True, slots=True)
class ToolReply:
    """What came back from a call. Tools that fail and refused calls are replies too."""

    is_error: bool
    text: str
    """The reply as text; for an error, the message."""
    structured: JsonObject | None = None
    """The reply as JSON; `None` for errors."""
    charged: bool = True
    """Whether the call counts; not when the host disturbed it, which a further try may mend."""


@dataclass(frozen=True, slots=True)
class UserReply:
    """How the user took a message."""

    text: str | None
    """What the user says next; `None` at the end, and when the message was not taken."""
    done: bool
    """Whether the conversation is over."""
    problem: str | None = None
    """Why the message was not taken."""


Caller: TypeAlias = Callable[[str, JsonObject], Awaitable[ToolReply]]
"""Sends one call to the episode's server."""

Speaker: TypeAlias = Callable[[str, ReplyKind], Awaitable[UserReply]]
"""Sends one message to the episode's user."""

Lister: TypeAlias = Callable[[], Awaitable[tuple[ToolView, ...]]]
"""Asks the episode's server for its tools."""


async def _nobody(message: str, kind: ReplyKind) -> UserReply:
    del message, kind
    return UserReply(None, done=False, problem="nobody listens: this task has no conversation")


@dataclass(frozen=True, slots=True)
class EpisodeView:
    """One episode from the agent's side."""

    task_id: str
    prompt: str
    """What the user says first."""
    tools: tuple[ToolView, ...]
    """What is on offer in the first turn."""
    budget: Budget
    seed: int
    caller: Caller = field(repr=False)
    needs_reply: bool = False
    """Whether turns end in words: an agent says what it has to say by `reply`. What `play` returns
    is said, too, unless the conversation is over by then."""
    speaker: Speaker = field(default=_nobody, repr=False)
    lister: Lister | None = field(default=None, repr=False)
    tool_names: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    """With a tool mixing, and for agents that know the gold alone: by `environment__tool`, the name
    under which a tool is on offer."""

    async def call(self, tool: str, arguments: JsonObject) -> ToolReply:
        """Call a tool. Calls made at the same time reach the server in the order of the requests.

        The call that exceeds the budget never returns: the episode ends there, by cancellation.
        """
        return await self.caller(tool, arguments)

    async def reply(self, message: str, kind: ReplyKind = "answer") -> UserReply:
        """End the turn in words; costs no call.

        Args:
            message: What to say.
            kind: `answer`, `question` (something is needed from the user) or `cannot`.
        """
        return await self.speaker(message, kind)

    async def list_tools(self) -> tuple[ToolView, ...]:
        """Return the tools on offer now; a new turn may have changed them."""
        return self.tools if self.lister is None else await self.lister()

    def tool(self, name: str) -> ToolView | None:
        """Return the tool called `name`, or `None`."""
        return next((tool for tool in self.tools if tool.name == name), None)


class Agent(Protocol):
    """Plays episodes. One agent plays many at the same time, so state belongs inside `play`.

    One that has a true attribute `knows_gold` is told what tools are called in a tool mixing.
    """

    @property
    def name(self) -> str:
        """Names the agent in rollouts; part of a rollout's id."""
        ...

    async def play(self, episode: EpisodeView) -> str | None:
        """Play one episode to its end.

        Whatever this raises ends the episode; what was done until then is scored as it stands.

        Returns:
            The last message to the user, if there is one.
        """
        ...
