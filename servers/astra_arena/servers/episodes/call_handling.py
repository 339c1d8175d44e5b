"""What becomes of one call: from the log, from the user, refused, or run.

An episode gives calls here one after the other. Gold never enters a text for the agent.
"""

from collections.abc import Mapping

from astra_arena.core.calls import ELICIT_TOOL, REPLY_TOOL, Outcome
from astra_arena.core.canonical import Json, JsonObject, digest_of, digest_of_bytes
from astra_arena.core.environment import ToolSpec
from astra_arena.core.offers import ToolRef, tool_ref
from astra_arena.core.tasks import Task
from astra_arena.servers.episodes.conversation import REPLY, Conversation
from astra_arena.servers.episodes.elicitation import OnElicit, lack_of, told_slots
from astra_arena.servers.episodes.episode_log import CallReply, EpisodeLog
from astra_arena.servers.episodes.fault_schedule import FaultSchedule
from astra_arena.servers.episodes.members import LiveMember
from astra_arena.servers.episodes.tool_runs import ToolRuns
from astra_arena.servers.episodes.toolset import (
    MESSAGE_CHARS,
    Accepted,
    Refused,
    Tool,
    printable,
    storable,
)

EPISODE_DONE_TEXT = "the conversation is over; no more calls or replies are possible"

_KEY_CHARS = 200


class CallHandler:
    """Answers the calls of one episode.

    Args:
        name: The source's, for calls to the host's own tools.
        task: The task.
        seed: Keys the faults.
        members: The worlds, by name.
    """

    def __init__(
        self, name: str, task: Task, *, seed: int, members: Mapping[str, LiveMember]
    ) -> None:
        self.log = EpisodeLog(task.budget)
        self.faults = FaultSchedule(task.faults, seed=seed)
        names = {name: member.toolset.names for name, member in members.items()}
        self.conversation = Conversation(task, names)
        self.on_elicit: OnElicit | None = None
        """With `elicitation`: asked before the user tells what a call lacks; else the user does."""
        self._name = name
        self._task = task
        self._members = members
        self._runs = ToolRuns(members, self.faults, self.log)

    def specs(self) -> tuple[ToolSpec, ...]:
        """Return the tools on offer now, by the names that the agent uses, without `reply`."""
        return tuple(
            self.tool(ref).spec.model_copy(update={"name": name})
            for name, ref in self.conversation.offered.items()
        )

    def offers(self, tool: str) -> bool:
        """Tell whether a tool is on offer now, `reply` included."""
        return tool in self.conversation.offered or self.is_reply(tool)

    async def answer(self, tool: str, arguments: Json, key: str | None) -> CallReply:
        """Answer one call, from the log if its key was used before.

        Raises:
            ArenaError: if the machinery broke, which makes the episode void.
        """
        if key is None:
            return await self._charged_call(tool, arguments, None)
        if printable(key, _KEY_CHARS) != key:
            # A key that were only cut would be taken for another one with the same beginning.
            key = digest_of(key)
        stored = storable(arguments)
        asked = digest_of_bytes(stored.data)
        try:
            before = self.log.answered(key, tool, asked)
        except KeyError:
            if self.conversation.state.done:
                return CallReply(True, EPISODE_DONE_TEXT)
            text = "this call key was used before, for another call"
            return self.refuse(tool, stored.value, "invalid_arguments", text)
        if before is not None:
            return before
        logged = self.log.count
        reply = await self._charged_call(tool, arguments, key)
        if self.log.count > logged:
            # What is no longer logged is no longer remembered either: both would grow for ever.
            self.log.remember(key, tool, asked, reply)
        return reply

    async def _charged_call(self, tool: str, arguments: Json, key: str | None) -> CallReply:
        if self.conversation.state.done:
            return CallReply(True, EPISODE_DONE_TEXT)
        if self.is_reply(tool):
            return self._hear(arguments, key)
        if (over := self.log.over_budget()) is not None:
            return self.refuse(tool, storable(arguments).value, "over_budget", over, key=key)
        ref = self.conversation.offered.get(tool)
        if ref is None:
            own = [REPLY_TOOL] if self._task.needs_reply else []
            names = ", ".join([*self.conversation.offered, *own])
            text = f"there is no tool {printable(tool, 64)!r}; the tools are: {names}"
            return self.refuse(tool, storable(arguments).value, "unknown_tool", text, key=key)
        checked = await self._checked(ref, arguments)
        if not isinstance(checked, Accepted):
            return self.refuse(
                tool, checked.arguments, "invalid_arguments", checked.reason, key=key
            )
        if (full := self.log.take_room(checked.size)) is not None:
            return self.refuse(tool, checked.arguments, "invalid_arguments", full, key=key)
        return await self._runs.run(ref, checked.arguments, key)

    async def _checked(self, ref: ToolRef, arguments: Json) -> Accepted | Refused:
        """Check a call's arguments; with `elicitation`, have the user tell what they lack."""
        tool = self.tool(ref)
        checked = tool.accept(arguments)
        if isinstance(checked, Accepted) or self._task.variant != "elicitation":
            return checked
        lack = lack_of(self._task, ref, tool, arguments)
        if lack is None:
            return checked
        told = await told_slots(self.on_elicit, lack.slots)
        asked: JsonObject = {"tool": ref.full_name, "arguments": list[Json](lack.arguments)}
        self.log.add(self._own(ELICIT_TOOL), asked, "ok", result={"told": told}, own=True)
        self.conversation.tell(told)
        return lack.filled if told else checked

    def _hear(self, arguments: Json, key: str | None) -> CallReply:
        """Give a message to the user."""
        checked, late = REPLY.accept(arguments), self.log.out_of_time()
        problem = checked.reason if isinstance(checked, Refused) else None
        problem = late or problem or self.log.take_room(len(str(checked.arguments)))
        if problem is not None or isinstance(checked, Refused):
            outcome: Outcome = "over_budget" if late else "invalid_arguments"
            shown = printable(problem or "", MESSAGE_CHARS)
            return self.refuse(REPLY_TOOL, checked.arguments, outcome, shown, key=key)
        result = self.conversation.hear(checked.arguments)
        self.log.add(
            self._own(REPLY_TOOL), checked.arguments, "ok", result=result, key=key, own=True
        )
        return CallReply(False, REPLY.read(result), result, charged=False)

    def _own(self, tool: str) -> ToolRef:
        return ToolRef(self._name, tool)

    def is_reply(self, tool: str) -> bool:
        """Tell whether a call is the agent's way to end its turn."""
        return tool == REPLY_TOOL and self._task.needs_reply

    def tool(self, ref: ToolRef) -> Tool:
        """Return a member's tool."""
        return self._members[ref.environment].toolset.tools[ref.tool]

    def refuse(
        self, tool: str, arguments: Json, outcome: Outcome, text: str, *, key: str | None = None
    ) -> CallReply:
        """Log a call that is not made, and return what the agent gets."""
        own = self.is_reply(tool)
        ref = self._own(tool) if own else self._ref_of(tool)
        return self.log.refuse(ref, arguments, outcome, text, key=key, own=own)

    def _ref_of(self, tool: str) -> ToolRef:
        """Return how the log names a call, whether or not there is such a tool."""
        if len(self._members) == 1:
            return ToolRef(next(iter(self._members)), tool)
        return tool_ref(tool, tuple(self._members)) or self._own(tool)
