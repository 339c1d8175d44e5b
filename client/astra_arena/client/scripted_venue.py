"""A venue in memory: tools are plain functions, no server and no sandbox. For tests and examples.

It logs, refuses and scores as a host does, but confines nothing and never charges for time.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import cast

from astra_arena.client.agent import ToolReply, ToolView
from astra_arena.client.control_models import ClosedEpisode, TaskCard
from astra_arena.client.venue import Hosted, Play, Stage, VenueCard
from astra_arena.core.calls import REPLY_TOOL, CallRecord
from astra_arena.core.canonical import JsonObject, canonical_bytes, digest_of
from astra_arena.core.episode_terms import NO_TERMS, EpisodeTerms
from astra_arena.core.errors import ConnectionLostError, SettingsError, UnknownTaskError
from astra_arena.core.rollouts import EpisodeRecord, Transport
from astra_arena.core.schema import Checker, with_defaults
from astra_arena.core.tasks import Task
from astra_arena.core.user import ReplyKind, UserState, hear
from astra_arena.core.verdicts import score

OPEN_SCHEMA: JsonObject = {"type": "object"}


class ScriptedVenue:
    """Plays tasks on functions.

    Args:
        environment: The name of the environment.
        tasks: The tasks with their gold.
        tools: The functions; one that raises `LookupError` or `ValueError` fails as a tool does.
        input_schemas: By tool; whatever is missing takes any object.
        breaks: Asked before each call with the task's id and how often that task was opened; where
            it says yes, the connection is lost.
    """

    transport: Transport = "memory"

    def __init__(
        self,
        environment: str,
        tasks: Sequence[Task],
        tools: Mapping[str, Callable[[JsonObject], JsonObject]],
        *,
        input_schemas: Mapping[str, JsonObject] | None = None,
        breaks: Callable[[str, int], bool] = lambda _task_id, _opened: False,
    ) -> None:
        self.opened: dict[str, int] = {}
        """How often each task was opened."""
        self._environment = environment
        self._tasks = {task.id: task for task in tasks}
        self._tools = dict(tools)
        self._schemas = {name: (input_schemas or {}).get(name, OPEN_SCHEMA) for name in tools}
        self._breaks = breaks

    async def card(self) -> VenueCard:
        """Name the environment that is played here."""
        return VenueCard(
            environment=self._environment,
            environment_digest=digest_of(dict(self._schemas)),
            tasks_digest=digest_of([task.to_json() for task in self._tasks.values()]),
            tier="none",
        )

    async def tasks(self) -> tuple[TaskCard, ...]:
        """List the tasks, without their gold."""
        return tuple(
            TaskCard(id=task.id, prompt=task.prompt, budget=task.budget)
            for task in self._tasks.values()
        )

    async def host(
        self,
        task_id: str,
        play: Play,
        *,
        seed: int,
        variant: str,
        terms: EpisodeTerms = NO_TERMS,
    ) -> Hosted:
        """Let one episode be played on the functions; they are played as they are."""
        if terms != NO_TERMS:
            raise SettingsError("functions are played on the task's own terms; serve a bundle")
        task = self._tasks.get(task_id)
        if task is None:
            raise UnknownTaskError(f"environment {self._environment!r} has no task {task_id!r}")
        self.opened[task_id] = self.opened.get(task_id, 0) + 1
        opened = self.opened[task_id]
        session = _ScriptedSession(
            self._environment,
            task,
            self._tools,
            self._schemas,
            lambda: self._breaks(task_id, opened),
        )
        views = await session.list_tools()
        await play(Stage(task.prompt, task.budget, views, session, task.needs_reply))
        card = await self.card()
        record = EpisodeRecord(
            environment=card.environment,
            environment_digest=card.environment_digest,
            tasks_digest=card.tasks_digest,
            task_id=task_id,
            seed=seed,
            variant=variant,
            tier=card.tier,
            calls=tuple(session.calls),
        )
        return Hosted(ClosedEpisode(record=record, verdict=score(task, record.calls)))


class _ScriptedSession:
    def __init__(
        self,
        environment: str,
        task: Task,
        tools: Mapping[str, Callable[[JsonObject], JsonObject]],
        schemas: Mapping[str, JsonObject],
        breaks: Callable[[], bool],
    ) -> None:
        self.calls: list[CallRecord] = []
        self._environment = environment
        self._tools = tools
        self._schemas = schemas
        self._breaks = breaks
        self._task = task
        self._user = UserState()

    async def list_tools(self) -> tuple[ToolView, ...]:
        return tuple(ToolView(name, name, schema) for name, schema in self._schemas.items())

    async def call(
        self, tool: str, arguments: JsonObject, *, key: str, timeout_s: float | None = None
    ) -> ToolReply:
        del timeout_s
        if self._breaks():
            raise ConnectionLostError("the scripted connection broke")
        spoken = tool == REPLY_TOOL and self._task.needs_reply and not self._user.done
        record = self._heard(arguments) if spoken else self._record(tool, arguments)
        record = record.model_copy(update={"key": key})
        self.calls.append(record)
        if record.result is None:
            return ToolReply(is_error=True, text=record.message or "")
        return ToolReply(False, canonical_bytes(record.result).decode("ascii"), record.result)

    def _heard(self, arguments: JsonObject) -> CallRecord:
        kind = cast("ReplyKind", arguments["kind"])
        reaction = hear(self._task, self._user, str(arguments["message"]), kind)
        self._user = reaction.state
        return CallRecord(
            index=len(self.calls),
            environment=self._environment,
            tool=REPLY_TOOL,
            arguments=arguments,
            outcome="ok",
            result={"user": reaction.text, "done": reaction.state.done},
            own=True,
        )

    def _record(self, tool: str, arguments: JsonObject) -> CallRecord:
        refused = CallRecord(
            index=len(self.calls),
            environment=self._environment,
            tool=tool,
            arguments=arguments,
            outcome="unknown_tool",
            message=f"there is no tool {tool!r}",
        )
        if tool not in self._tools:
            return refused
        finding = Checker(self._schemas[tool]).finding(arguments)
        if finding is not None:
            return refused.model_copy(update={"outcome": "invalid_arguments", "message": finding})
        filled = with_defaults(self._schemas[tool], arguments)
        try:
            result = self._tools[tool](filled)
        except (LookupError, ValueError) as error:
            change = {"outcome": "tool_failure", "message": str(error), "arguments": filled}
            return refused.model_copy(update=change)
        change = {"outcome": "ok", "message": None, "arguments": filled, "result": result}
        return refused.model_copy(update=change)
