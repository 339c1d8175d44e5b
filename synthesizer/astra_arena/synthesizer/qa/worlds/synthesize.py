"""Stage 4: an instance adds to the world of its field what its sub-questions need.

Three requests: for data, with the facts in sight; for tools, with the tables in sight and neither
rows nor answers; for calls, with the tools' documents in sight. What an answer is follows from a
reference query over the data; whether a tool finds it is seen by running it in the sandbox. What
was found wrong with code goes back to its author, and no answer with it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from astra_arena.client.authors.author import Author, AuthorRequest
from astra_arena.core.canonical import Json, JsonObject
from astra_arena.sandbox.contract import Sandbox
from astra_arena.synthesizer.qa.authored.asking import (
    material_text,
    prompt,
    prompts_digest,
    texts_of,
)
from astra_arena.synthesizer.qa.authored.stage_log import StageLine
from astra_arena.synthesizer.qa.authored.stages import Passed, Rejected, Stage, Worked
from astra_arena.synthesizer.qa.instance import QAInstance
from astra_arena.synthesizer.qa.worlds.asking import (
    answers_text,
    findings_text,
    tables_text,
    tool_steps_text,
    tools_told,
)
from astra_arena.synthesizer.qa.worlds.data_findings import (
    DEFAULT_DISTRACTORS,
    DataCheck,
    answer_of,
    decomposition_of,
    tool_steps,
)
from astra_arena.synthesizer.qa.worlds.grown import FoundCall, Grown
from astra_arena.synthesizer.qa.worlds.replies import NewTool, StepCalls, WorldData, WorldTools
from astra_arena.synthesizer.qa.worlds.shared_world import SharedWorld
from astra_arena.synthesizer.qa.worlds.step_calls import CallCheck, complete_arguments
from astra_arena.synthesizer.qa.worlds.tool_documents import DEFAULT_EXTRAS, tool_findings
from astra_arena.synthesizer.qa.worlds.trial import Trials, Tried, Wanted, mixed_up
from astra_arena.synthesizer.qa.worlds.world_names import DEFAULT_PER_WORLD, WorldNames

SYNTHESIZE = "synthesize"
ATTEMPTS = 3
"""Tools and calls are asked for so often before the instance is given up."""


@dataclass(frozen=True, slots=True)
class WorldOptions:
    """What a user may choose of worlds."""

    distractors: int = DEFAULT_DISTRACTORS
    per_world: int = DEFAULT_PER_WORLD
    extras: int = DEFAULT_EXTRAS
    """How complex tools are at least: so many of their parameters are optional."""


@dataclass
class Synthesizing:
    """The stage.

    Args:
        author: Writes data, tools and calls.
        sandbox: Runs tools; stays the caller's.
        names: Which instance belongs to which world.
        folder: Where worlds lie while they are tried.
        options: What the user chose.
    """

    author: Author
    sandbox: Sandbox
    names: WorldNames
    folder: Path
    options: WorldOptions = field(default_factory=WorldOptions)
    _worlds: dict[str, SharedWorld] = field(default_factory=dict[str, SharedWorld])
    _world_of: dict[str, str] = field(default_factory=dict[str, str])
    _left: dict[str, int] = field(default_factory=dict[str, int])
    """Instances that are to come, by world."""

    @property
    def stage(self) -> Stage[QAInstance, Grown]:
        """What the pipeline runs."""
        return Stage(SYNTHESIZE, self.work, decides=self.decides, lane=self.lane, noted=self.note)

    def lane(self, item: QAInstance) -> str:
        """Return the world of an item: what it finds there was left by those before it."""
        name, size = self.names.next_world(item)
        self._world_of[item.id] = name
        self._left.setdefault(name, size)
        return name

    def decides(self, item: QAInstance) -> Json:
        """Return what decides the outcome beside the item."""
        prompts = prompts_digest("data", "tools", "calls")
        options: list[Json] = [self.options.distractors, self.options.extras]
        return [self.author.model, options, self._world(item).digest, *prompts]

    def note(self, item: QAInstance, line: StageLine) -> None:
        """Let the world grow by what passed."""
        if line.result is not None:
            self._world(item).grow(Grown.from_json(line.result, what=line.item))
        name = self._world_of.pop(item.id)
        self._left[name] -= 1
        if not self._left[name]:
            # Nothing more comes; it lies in the stage's file.
            self._worlds.pop(name, None)

    def _world(self, item: QAInstance) -> SharedWorld:
        name = self._world_of[item.id]
        return self._worlds.setdefault(name, SharedWorld(name))

    async def work(self, item: QAInstance) -> Worked[Grown]:
        """Return what the instance adds to its world.

        Raises:
            AuthorError: as `Author.ask`.
            SandboxUnavailableError: if the machinery broke.
        """
        world = self._world(item)
        texts = texts_of(item)
        request = AuthorRequest(
            stage=SYNTHESIZE,
            item=item.id,
            part="data",
            result=WorldData,
            prompt=prompt(
                "data",
                item.language,
                domain=item.domain,
                question=item.question,
                steps=answers_text(item),
                material=material_text(texts, item.language),
                tables=tables_text(world, item.language, rows=True),
                distractors=self.options.distractors,
            ),
            check=DataCheck(world, item, texts, self.options.distractors),
        )
        authored = await self.author.ask(request)
        candidate = world.copy()
        candidate.add_data(authored.value)
        making = _Making(self, item, candidate)
        tools, tried, provenance = await making.tools_and_calls()
        told = (authored.provenance, *provenance)
        if wrong := making.problems(tried):
            return Rejected("its tools do not find the answers", list[Json](wrong), told)
        return Passed(_grown(item, world.name, authored.value, tools, tried), told)


@dataclass
class _Making:
    """Asks for tools and calls, and tries them."""

    stage: Synthesizing
    item: QAInstance
    world: SharedWorld
    """With the data of the item."""

    async def tools_and_calls(
        self,
    ) -> tuple[tuple[NewTool, ...], list[Tried], tuple[JsonObject, ...]]:
        """Return the last attempt, and what it was made with."""
        provenance: tuple[JsonObject, ...] = ()
        findings: list[str] = []
        tools: tuple[NewTool, ...] = ()
        tried: list[Tried] = []
        for attempt in range(1, ATTEMPTS + 1):
            part = "" if attempt == 1 else f"~{attempt}"
            tools, told = await self._tools(part, tools, findings)
            known = {**self.world.tools, **{one.name: one for one in tools}}
            calls, told_of_calls = await self._calls(part, known)
            provenance += (told, told_of_calls)
            tried = await self._try(calls, known)
            findings = self.problems(tried)
            if not findings:
                break
        return tools, tried, provenance

    def problems(self, tried: Sequence[Tried]) -> list[str]:
        """Return what is wrong, in words that name no answer."""
        return [
            *(
                f"{one.wanted.name}, by {one.wanted.tool}: {one.problem}"
                for one in tried
                if one.path is None
            ),
            *mixed_up(tried),
        ]

    async def _tools(
        self, part: str, before: Sequence[NewTool], findings: Sequence[str]
    ) -> tuple[tuple[NewTool, ...], JsonObject]:
        answers = [answer_of(node) for node in decomposition_of(self.item).nodes]
        hidden = [value for value in answers if not isinstance(value, bool)]
        known, language = self.world.tools, self.item.language

        def check(reply: WorldTools) -> list[str]:
            extras = self.stage.options.extras
            return list(tool_findings(reply.tools, known, hidden, extras=extras))

        request = AuthorRequest(
            stage=SYNTHESIZE,
            item=self.item.id,
            part=f"tools{part}",
            result=WorldTools,
            prompt=prompt(
                "tools",
                language,
                domain=self.item.domain,
                question=self.item.question,
                steps=tool_steps_text(self.item),
                tables=tables_text(self.world, language, rows=False),
                tools=tools_told(known.values(), language),
                extras=self.stage.options.extras,
                findings=findings_text(before, findings, language),
            ),
            check=check,
        )
        authored = await self.stage.author.ask(request)
        return tuple(authored.value.tools), authored.provenance

    async def _calls(self, part: str, tools: dict[str, NewTool]) -> tuple[StepCalls, JsonObject]:
        request = AuthorRequest(
            stage=SYNTHESIZE,
            item=self.item.id,
            part=f"calls{part}",
            result=StepCalls,
            prompt=prompt(
                "calls",
                self.item.language,
                question=self.item.question,
                steps=tool_steps_text(self.item),
                tools=tools_told(tools.values(), self.item.language),
            ),
            check=CallCheck(self.item, tools),
        )
        authored = await self.stage.author.ask(request)
        return authored.value, authored.provenance

    async def _try(self, calls: StepCalls, tools: dict[str, NewTool]) -> list[Tried]:
        by_id = {one.id: one for one in calls.calls}
        wanted: list[Wanted] = []
        for node in tool_steps(decomposition_of(self.item)):
            call = by_id[node.id]
            arguments = complete_arguments(call.arguments, tools[call.tool])
            wanted.append(Wanted.of(self.item, node.id, call.tool, arguments))
        return await Trials(self.stage.sandbox, self.world, tools, self.stage.folder).run(wanted)


def _grown(
    item: QAInstance,
    world: str,
    data: WorldData,
    tools: tuple[NewTool, ...],
    tried: Sequence[Tried],
) -> Grown:
    """Keep of the tools those that a call uses: what nobody needs is nobody's proof."""
    used = {one.wanted.tool for one in tried}
    return Grown(
        id=item.id,
        world=world,
        instance=item,
        data=data,
        tools=tuple(tool for tool in tools if tool.name in used),
        calls=tuple(found_call(one) for one in tried),
    )


def found_call(tried: Tried) -> FoundCall:
    """Return a call that found its answer."""
    wanted = tried.wanted
    assert tried.path is not None, "only what found its answer passes"
    return FoundCall(
        id=wanted.name,
        tool=wanted.tool,
        arguments=wanted.arguments,
        path=tried.path,
        where=tried.where,
        kind=wanted.kind,
        answer=wanted.answer,
    )
