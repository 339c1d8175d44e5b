"""The conversation of one episode: the user's side, the tool `reply`, and the tools on offer."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import cast

from astra_arena.core.calls import REPLY_TOOL
from astra_arena.core.canonical import JsonObject
from astra_arena.core.environment import ToolSpec
from astra_arena.core.mixed_tools import MixedTools
from astra_arena.core.offers import ToolRef, offered_tools
from astra_arena.core.tasks import Task
from astra_arena.core.user import ReplyKind, UserState, hear
from astra_arena.servers.episodes.toolset import Tool

SPOKEN_CHARS = 16_384
"""Longest message of an agent."""

# Built past validation: the name is reserved for this very tool.
REPLY_SPEC = ToolSpec.model_construct(
    name=REPLY_TOOL,
    description=(
        "Say something to the user and end your turn: an answer, a question to the user, or that "
        "you cannot do what was asked. Returns what the user says next."
    ),
    input_schema={
        "type": "object",
        "properties": {
            "message": {
                "type": "string",
                "minLength": 1,
                "maxLength": SPOKEN_CHARS,
                "description": "What to say to the user.",
            },
            "kind": {
                "type": "string",
                "enum": ["answer", "question", "cannot"],
                "default": "answer",
                "description": (
                    "`answer`: it is done, or this is the answer. `question`: something is needed "
                    "from the user first. `cannot`: the tools do not allow it."
                ),
            },
        },
        "required": ["message"],
        "additionalProperties": False,
    },
    output_schema={
        "type": "object",
        "properties": {
            "user": {
                # Not a list of types, which some clients cannot pass on to their model.
                "anyOf": [{"type": "string"}, {"type": "null"}],
                "description": "What the user says next; null at the end.",
            },
            "done": {"type": "boolean", "description": "Whether the conversation is over."},
            "mcp": {
                "type": "string",
                "description": "Where to connect now that the tools have changed, if they have.",
            },
        },
        "required": ["user", "done"],
        "additionalProperties": False,
    },
    read_only=False,
)
REPLY = Tool(REPLY_SPEC)


class Conversation:
    """The user's side of one episode.

    Args:
        task: The task.
        members: Tool names of each environment in use, in order.
        mixed: What is made of them, where that is something else.

    Raises:
        SpecError: if the task names a tool that no member has.
    """

    def __init__(
        self,
        task: Task,
        members: Mapping[str, Sequence[str]],
        mixed: MixedTools | None = None,
    ) -> None:
        self.state = UserState()
        self._task = task
        # All at once: a name that is wrong in a later turn must not come to light in the middle.
        phases = [offered_tools(task, members, turn=turn) for turn in range(len(task.turns))]
        if mixed is not None:
            phases = [mixed.phase(phase.values()) for phase in phases]
        self._phases: tuple[dict[str, ToolRef], ...] = tuple(phases)
        self._firsts = tuple(
            turn
            for turn, phase in enumerate(phases)
            if turn == 0 or phase.keys() != phases[turn - 1].keys()
        )
        """The turns in which what is on offer changes; the first is one."""

    @property
    def offered(self) -> Mapping[str, ToolRef]:
        """The tools on offer now, by the name that the agent uses."""
        return self._phases[self.state.turn]

    def offered_in(self, phase: int | None) -> Mapping[str, ToolRef]:
        """Return the tools on offer in a phase, by the name that the agent uses; now if `None`."""
        return self.offered if phase is None else self._phases[self._firsts[phase]]

    @property
    def phase(self) -> int:
        """How often what is on offer has changed: turns with the same tools form one phase."""
        return sum(first <= self.state.turn for first in self._firsts) - 1

    @property
    def changes(self) -> bool:
        """Whether what is on offer depends on the turn."""
        return len(self._firsts) > 1

    def hear(self, arguments: JsonObject) -> JsonObject:
        """Take a message that satisfies the schema of `reply`; return what the user says."""
        kind = cast("ReplyKind", arguments["kind"])
        reaction = hear(self._task, self.state, str(arguments["message"]), kind)
        self.state = reaction.state
        return {"user": reaction.text, "done": reaction.state.done}

    def tell(self, names: Iterable[str]) -> None:
        """Take notice that the user told these slots outside of a turn."""
        self.state = replace(self.state, revealed=self.state.revealed | set(names))
