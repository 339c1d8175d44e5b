"""What becomes of one call: from the log, from the user, refused, or run.

An episode gives calls here one after the other. Gold never enters a text for the agent.
"""

from collections.abc import Mapping

from astra_arena.core.calls import ELICIT_TOOL, REPLY_TOOL, Outcome
from astra_arena.core.canonical import Json, JsonObject, digest_of, digest_of_bytes
from astra_arena.core.environment import ToolSpec
from astra_arena.core.offers import ToolRef, offered_name, tool_ref
from astra_arena.core.tasks import Slot, Task
from astra_arena.core.tool_mixing import ToolMixing
from astra_arena.servers.episodes.clock import EpisodeClock
from astra_arena.servers.episodes.conversation import REPLY, Conversation
from astra_arena.servers.episodes.elicitation import Lack, filled, lack_of
from astra_arena.servers.episodes.episode_log import CallReply, EpisodeLog
from astra_arena.servers.episodes.fault_schedule import FaultSchedule
from astra_arena.servers.episodes.incoming import CANCELLED_TEXT, IncomingCall
from astra_arena.servers.episodes.members import LiveMember
from astra_arena.servers.episodes.mixing import MixedEpisode
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
_NAME_CHARS = 128


class CallHandler:
    """Answers the calls of one episode.

    Args:
        name: The source's, for calls to the host's own tools.
        task: The task.
        seed: Keys the faults and delays.
        members: The worlds of the task, by name.
        mixed: What is made of the tools, where that is something else, with the worlds of others.
        clock: The episode's.
    """

    def __init__(
        self,
        name: str,
        task: Task,
        *,
        seed: int,
        members: Mapping[str, LiveMember],
        mixed: MixedEpisode | None = None,
        clock: EpisodeClock,
    ) -> None:
        self.mixed = mixed
        distractors: Mapping[str, LiveMember] = {} if mixed is None else mixed.worlds
        self.log = EpisodeLog(task.budget, now=clock.now, foreign=distractors)
        mixing = task.mixing or ToolMixing()
        self.faults = FaultSchedule(mixing.faults or task.faults, seed=seed, latency=mixing.latency)
        names = {name: member.toolset.names for name, member in members.items()}
        tools = None if mixed is None else mixed.tools
        self.conversation = Conversation(task, names, tools)
        self._name = name
        self._task = task
        self._members = members
        self._worlds = {**members, **distractors}
        self._runs = ToolRuns(self._worlds, self.faults, self.log, mixed=tools, clock=clock)
        self._told: dict[ToolRef, Tool] = {}

    def specs(self, phase: int | None = None) -> tuple[tuple[ToolSpec, ToolRef], ...]:
        """Return the tools on offer, by the names that the agent uses, without `reply`.

        Args:
            phase: In which phase of the task; now when absent.
        """
        offered = self.conversation.offered_in(phase)
        return tuple(
            (self.tool(ref).spec.model_copy(update={"name": name}), ref)
            for name, ref in offered.items()
        )

    def offers(self, tool: str) -> bool:
        """Tell whether a tool is on offer now, `reply` included."""
        return tool in self.conversation.offered or self.is_reply(tool)

    def lacks(self, call: IncomingCall) -> tuple[Slot, ...]:
        """Return what the user would be asked before a call is made; nothing happens here."""
        conversation = self.conversation
        if self._task.variant != "elicitation" or conversation.state.done:
            return ()
        if self.log.over_budget() is not None or self.log.has_key(call.key):
            return ()
        ref = conversation.offered.get(self._seen(call))
        if ref is None or isinstance(self.tool(ref).accept(call.arguments), Accepted):
            return ()
        lack = lack_of(self._task, ref, self.tool(ref), call.arguments)
        return () if lack is None else lack.slots

    async def answer(self, call: IncomingCall) -> CallReply:
        """Answer one call, from the log if its key was used before.

        Raises:
            ArenaError: if the machinery broke, which makes the episode void.
        """
        tool = self._seen(call)
        if call.key is None:
            return await self._charged_call(call, tool)
        if printable(call.key, _KEY_CHARS) != call.key:
            # A key that were only cut would be taken for another one with the same beginning.
            call.key = digest_of(call.key)
        stored = storable(call.arguments)
        asked = digest_of_bytes(stored.data)
        try:
            before = self.log.answered(call.key, tool, asked)
        except KeyError:
            if self.conversation.state.done:
                return CallReply(True, EPISODE_DONE_TEXT)
            text = "this call key was used before, for another call"
            return self.refuse(tool, stored.value, "invalid_arguments", text)
        if before is not None:
            return before
        logged = self.log.count
        reply = await self._charged_call(call, tool)
        if self.log.count > logged:
            # What is no longer logged is no longer remembered either: both would grow for ever.
            self.log.remember(call.key, tool, asked, reply)
        return reply

    async def _charged_call(self, call: IncomingCall, tool: str) -> CallReply:
        arguments, key = call.arguments, call.key
        if self.conversation.state.done:
            return CallReply(True, EPISODE_DONE_TEXT)
        if call.cancelled:
            return self.refuse(tool, storable(arguments).value, "cancelled", CANCELLED_TEXT)
        if self._is_own(call):
            return self._hear(arguments, key)
        if (over := self.log.over_budget()) is not None:
            return self.refuse(tool, storable(arguments).value, "over_budget", over, key=key)
        ref = self.conversation.offered.get(tool)
        if ref is None or (call.names is not None and call.tool not in call.names):
            text = self._unknown(call)
            return self.refuse(tool, storable(arguments).value, "unknown_tool", text, key=key)
        checked = self._checked(ref, call)
        if not isinstance(checked, Accepted):
            return self.refuse(
                tool, checked.arguments, "invalid_arguments", checked.reason, key=key
            )
        if (full := self.log.take_room(checked.size)) is not None:
            return self.refuse(tool, checked.arguments, "invalid_arguments", full, key=key)
        return await self._runs.run(ref, checked.arguments, call)

    def _unknown(self, call: IncomingCall) -> str:
        own = [REPLY_TOOL] if self._task.needs_reply and call.names is None else []
        there = self.conversation.offered if call.names is None else call.names
        names = ", ".join([*there, *own])
        return f"there is no tool {printable(call.tool, 64)!r}; the tools are: {names}"

    def _checked(self, ref: ToolRef, call: IncomingCall) -> Accepted | Refused:
        """Check a call's arguments; with `elicitation`, have the user tell what they lack."""
        tool, arguments = self.tool(ref), call.arguments
        checked = tool.accept(arguments)
        if isinstance(checked, Accepted) or self._task.variant != "elicitation":
            return checked
        lack = lack_of(self._task, ref, tool, arguments)
        if lack is None or not isinstance(arguments, dict):
            return checked
        answer = filled(lack, tool, arguments, call.form, checked)
        self._note_asked(ref, lack, answer.told, answer.given)
        return answer.checked

    def _note_asked(self, ref: ToolRef, lack: Lack, told: JsonObject, given: JsonObject) -> None:
        asked: JsonObject = {"tool": ref.full_name, "arguments": list[Json](lack.arguments)}
        result: JsonObject = {"told": told, "given": given} if given else {"told": told}
        self.log.add(self._own(ELICIT_TOOL), asked, "ok", result=result, own=True)
        self.conversation.tell(told)

    def _hear(self, arguments: Json, key: str | None) -> CallReply:
        """Give a message to the user."""
        checked, late = REPLY.accept(arguments), self.log.out_of_time()
        problem = checked.reason if isinstance(checked, Refused) else None
        problem = late or problem or self.log.take_room(len(str(checked.arguments)))
        if problem is not None or isinstance(checked, Refused):
            outcome: Outcome = "over_budget" if late else "invalid_arguments"
            shown = printable(problem or "", MESSAGE_CHARS)
            return self.refuse(REPLY_TOOL, checked.arguments, outcome, shown, key=key)
        phase = self.conversation.phase
        result = self.conversation.hear(checked.arguments)
        self.log.add(
            self._own(REPLY_TOOL), checked.arguments, "ok", result=result, key=key, own=True
        )
        now = self.conversation.phase
        entered = now if now != phase else None
        return CallReply(False, REPLY.read(result), result, charged=False, entered=entered)

    def _seen(self, call: IncomingCall) -> str:
        """Return the episode's own name for the tool of a call."""
        name = call.tool if call.names is None else call.names.get(call.tool)
        if name is None:
            ref = ToolRef(call.member or self._name, call.tool)
            name = offered_name(ref, joint=len(self._members) > 1)
        return printable(name, _NAME_CHARS)

    def _is_own(self, call: IncomingCall) -> bool:
        return call.names is None and self.is_reply(call.tool)

    def _own(self, tool: str) -> ToolRef:
        return ToolRef(self._name, tool)

    def is_reply(self, tool: str) -> bool:
        """Tell whether a call is the agent's way to end its turn."""
        return tool == REPLY_TOOL and self._task.needs_reply

    def tool(self, ref: ToolRef) -> Tool:
        """Return a tool as the agent is told of it."""
        tool = self._worlds[ref.environment].toolset.tools[ref.tool]
        if self.mixed is None:
            return tool
        if ref not in self._told:
            self._told[ref] = tool.told_as(self.mixed.tools.specs[ref])
        return self._told[ref]

    def refuse(
        self, tool: str, arguments: Json, outcome: Outcome, text: str, *, key: str | None = None
    ) -> CallReply:
        """Log a call that is not made, and return what the agent gets."""
        own = self.is_reply(tool)
        ref = self._own(tool) if own else self._ref_of(tool)
        return self.log.refuse(ref, arguments, outcome, text, key=key, own=own)

    def _ref_of(self, tool: str) -> ToolRef:
        """Return how the log names a call, whether or not there is such a tool."""
        known = None if self.mixed is None else self.conversation.offered.get(tool)
        if known is not None:
            return known
        if len(self._members) == 1:
            return ToolRef(next(iter(self._members)), tool)
        return tool_ref(tool, tuple(self._members)) or self._own(tool)
