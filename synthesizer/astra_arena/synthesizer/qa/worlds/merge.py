"""Stage 5: tools of one world that serve one intent become one tool.

A tool takes the place of others only when it answers all of their calls, each by its own reply. In
the end every call of every instance is made once more with the tools as they are then; an instance
for which one fails is dropped.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from astra_arena.client.authors.author import Author, AuthorRequest
from astra_arena.core.canonical import Json, JsonObject, pretty_text
from astra_arena.core.errors import ReplyError
from astra_arena.sandbox.contract import Sandbox
from astra_arena.synthesizer.qa.authored.asking import prompt, prompts_digest
from astra_arena.synthesizer.qa.authored.stages import Passed, Rejected, Stage, Worked
from astra_arena.synthesizer.qa.authored.step_replies import cover_findings
from astra_arena.synthesizer.qa.languages import Language
from astra_arena.synthesizer.qa.worlds.asking import findings_text, tables_text, tools_told
from astra_arena.synthesizer.qa.worlds.data_findings import decomposition_of
from astra_arena.synthesizer.qa.worlds.grown import (
    Dropped,
    FoundCall,
    Grown,
    Merge,
    MergedWorld,
    WorldDraft,
)
from astra_arena.synthesizer.qa.worlds.replies import (
    MergedTool,
    NewTool,
    StepCall,
    ToolCluster,
    ToolClusters,
    WorldData,
)
from astra_arena.synthesizer.qa.worlds.shared_world import SharedWorld
from astra_arena.synthesizer.qa.worlds.step_calls import CallCheck, complete_arguments
from astra_arena.synthesizer.qa.worlds.synthesize import ATTEMPTS
from astra_arena.synthesizer.qa.worlds.tool_documents import tool_findings
from astra_arena.synthesizer.qa.worlds.trial import Trials, Tried, Wanted, mixed_up

MERGE = "merge"


@dataclass(frozen=True, slots=True)
class MemberOf:
    """A call and the instance whose it is."""

    member: Grown
    call: FoundCall


@dataclass
class Merging:
    """The stage.

    Args:
        author: Sorts tools and writes merged ones.
        sandbox: Runs tools; stays the caller's.
        folder: Where worlds lie while they are tried.
        extras: So many parameters of a tool must be optional.
    """

    author: Author
    sandbox: Sandbox
    folder: Path
    extras: int

    @property
    def stage(self) -> Stage[WorldDraft, MergedWorld]:
        """What the pipeline runs."""
        return Stage(MERGE, self.work, decides=self.decides)

    def decides(self, item: WorldDraft) -> Json:
        """Return what decides the outcome beside the item."""
        del item
        return [self.author.model, self.extras, *prompts_digest("clusters", "merged")]

    async def work(self, item: WorldDraft) -> Worked[MergedWorld]:
        """Return the world with its tools merged.

        Raises:
            AuthorError: as `Author.ask`, but for `ReplyError`.
            SandboxUnavailableError: if the machinery broke.
        """
        merger = _Merger(self, item)
        await merger.merge()
        dropped = await merger.dropped()
        gone = {one.id for one in dropped}
        members = tuple(one for one in merger.members() if one.id not in gone)
        provenance = tuple(merger.provenance)
        if not members:
            evidence: list[Json] = [one.to_json() for one in dropped]
            return Rejected("no instance holds in the finished world", evidence, provenance)
        used = {call.tool for one in members for call in one.calls}
        tools = tuple(tool for name, tool in merger.tools.items() if name in used)
        merged = MergedWorld(
            id=item.id,
            data=tuple(one.data for one in item.members),
            members=members,
            tools=tools,
            merges=tuple(merger.merges),
            dropped=tuple(dropped),
        )
        return Passed(merged, provenance)


@dataclass
class _Merger:
    """One world on the way."""

    stage: Merging
    draft: WorldDraft
    world: SharedWorld = field(init=False)
    tools: dict[str, NewTool] = field(init=False)
    calls: list[MemberOf] = field(init=False)
    merges: list[Merge] = field(default_factory=list[Merge])
    provenance: list[JsonObject] = field(default_factory=list[JsonObject])

    def __post_init__(self) -> None:
        self.world = SharedWorld(self.draft.id)
        for member in self.draft.members:
            self.world.grow(member)
        self.tools = dict(self.world.tools)
        self.calls = [MemberOf(member, call) for member, call in self.world.calls]

    @property
    def language(self) -> Language:
        return self.draft.members[0].instance.language

    @property
    def domain(self) -> str:
        return self.draft.members[0].instance.domain

    def members(self) -> Iterator[Grown]:
        """Give the instances with their calls as they are now."""
        for member in self.draft.members:
            own = tuple(one.call for one in self.calls if one.member.id == member.id)
            data = WorldData(tables=[], rows=[], distractors=[], queries=member.data.queries)
            yield member.model_copy(update={"calls": own, "tools": (), "data": data})

    async def merge(self) -> None:
        """Merge what can be merged; what cannot is kept apart."""
        if len(self.tools) < 2:
            return
        try:
            clusters = await self._clusters()
        except ReplyError as error:
            self.merges.append(_kept_apart("all tools", self.tools, error.findings))
            return
        for cluster in clusters:
            if len(cluster.tools) < 2:
                continue
            try:
                self.merges.append(await self._merged(cluster))
            except ReplyError as error:
                self.merges.append(_kept_apart(cluster.intent, cluster.tools, error.findings))

    async def dropped(self) -> list[Dropped]:
        """Make every call once more; return the instances for which one fails."""
        tried = await self._tried([wanted_of(one) for one in self.calls], self.tools)
        wrong: dict[str, list[str]] = {}
        for one, came in zip(self.calls, tried, strict=True):
            if came.path is None:
                wrong.setdefault(one.member.id, []).append(f"{one.call.id}: {came.problem}")
        self.calls = [
            MemberOf(
                one.member,
                one.call.model_copy(update={"path": came.path or "", "where": came.where}),
            )
            for one, came in zip(self.calls, tried, strict=True)
        ]
        return [Dropped(id=name, problems=tuple(told)) for name, told in wrong.items()]

    async def _clusters(self) -> list[ToolCluster]:
        told = "\n".join(
            f"{tools_told([tool], self.language)}\n{self._asked_of(tool.name)}"
            for tool in self.tools.values()
        )
        request = AuthorRequest(
            stage=MERGE,
            item=self.draft.id,
            part="clusters",
            result=ToolClusters,
            prompt=prompt("clusters", self.language, domain=self.domain, tools=told),
            check=lambda reply: cover_findings(
                list(self.tools), [name for one in reply.clusters for name in one.tools]
            ),
        )
        authored = await self.stage.author.ask(request)
        self.provenance.append(authored.provenance)
        return authored.value.clusters

    def _asked_of(self, tool: str) -> str:
        questions = [_question_of(one) for one in self.calls if one.call.tool == tool]
        return "\n".join(f"  - {text}" for text in questions)

    async def _merged(self, cluster: ToolCluster) -> Merge:
        """Ask for one tool in the place of several, and try it; it replaces them or does not."""
        calls = [one for one in self.calls if one.call.tool in cluster.tools]
        findings: list[str] = []
        before: list[NewTool] = []
        for attempt in range(1, ATTEMPTS + 1):
            part = f"merged-{cluster.tools[0]}" + ("" if attempt == 1 else f"~{attempt}")
            reply = await self._ask_for_one(part, cluster, calls, before, findings)
            others = {name: one for name, one in self.tools.items() if name not in cluster.tools}
            tools = {**others, reply.tool.name: reply.tool}
            changed = _changed(calls, reply)
            tried = await self._tried([wanted_of(one) for one in changed], tools)
            findings = [
                *(f"{one.wanted.name}: {one.problem}" for one in tried if one.path is None),
                *mixed_up(tried),
            ]
            if not findings:
                self._replace(tools, changed)
                return Merge(
                    intent=cluster.intent,
                    tools=tuple(cluster.tools),
                    outcome="merged",
                    name=reply.tool.name,
                )
            before = [reply.tool]
        return _kept_apart(cluster.intent, cluster.tools, findings)

    def _replace(self, tools: dict[str, NewTool], changed: Sequence[MemberOf]) -> None:
        self.tools = tools
        by_place = {(one.member.id, one.call.id): one for one in changed}
        self.calls = [by_place.get((one.member.id, one.call.id), one) for one in self.calls]

    async def _ask_for_one(
        self,
        part: str,
        cluster: ToolCluster,
        calls: Sequence[MemberOf],
        before: Sequence[NewTool],
        findings: Sequence[str],
    ) -> MergedTool:
        old = [self.tools[name] for name in cluster.tools]
        request = AuthorRequest(
            stage=MERGE,
            item=self.draft.id,
            part=part,
            result=MergedTool,
            prompt=prompt(
                "merged",
                self.language,
                domain=self.domain,
                intent=cluster.intent,
                tools=tools_told(old, self.language, code=True),
                calls="\n".join(_call_text(number, one) for number, one in enumerate(calls, 1)),
                tables=tables_text(self.world, self.language, rows=False),
                findings=findings_text(before, findings, self.language),
            ),
            check=lambda reply: list(self._findings(reply, cluster, calls)),
        )
        authored = await self.stage.author.ask(request)
        self.provenance.append(authored.provenance)
        return authored.value

    def _findings(
        self, reply: MergedTool, cluster: ToolCluster, calls: Sequence[MemberOf]
    ) -> Iterator[str]:
        others = {name: one for name, one in self.tools.items() if name not in cluster.tools}
        answers = [one.call.answer for one in calls]
        yield from tool_findings([reply.tool], others, answers, extras=self.stage.extras)
        numbers = [str(one.call) for one in reply.calls]
        wrong = cover_findings([str(number) for number in range(1, len(calls) + 1)], numbers)
        yield from wrong
        if wrong:
            return
        for one in reply.calls:
            of = calls[one.call - 1]
            check = CallCheck(of.member.instance, {reply.tool.name: reply.tool})
            call = StepCall(id=of.call.id, tool=reply.tool.name, arguments=one.arguments)
            yield from (f"call {one.call}: {problem}" for problem in check.problems(call))

    async def _tried(self, calls: Sequence[Wanted], tools: Mapping[str, NewTool]) -> list[Tried]:
        trials = Trials(self.stage.sandbox, self.world, tools, self.stage.folder)
        return await trials.run(calls)


def wanted_of(of: MemberOf) -> Wanted:
    """Return a call with the answer that it has to bring."""
    call, name = of.call, f"{of.member.id} {of.call.id}"
    return Wanted.of(of.member.instance, call.id, call.tool, call.arguments, name=name)


def _changed(calls: Sequence[MemberOf], reply: MergedTool) -> list[MemberOf]:
    by_number = {one.call: one for one in reply.calls}
    changed: list[MemberOf] = []
    for number, of in enumerate(calls, start=1):
        arguments = complete_arguments(by_number[number].arguments, reply.tool)
        call = of.call.model_copy(update={"tool": reply.tool.name, "arguments": arguments})
        changed.append(MemberOf(of.member, call))
    return changed


def _call_text(number: int, of: MemberOf) -> str:
    arguments = pretty_text(of.call.arguments).strip()
    return f"{number}. {_question_of(of)}\n   {of.call.tool}({arguments})"


def _question_of(of: MemberOf) -> str:
    return decomposition_of(of.member.instance).node(of.call.id).question


def _kept_apart(intent: str, tools: Iterable[str], findings: Sequence[str]) -> Merge:
    return Merge(
        intent=intent, tools=tuple(tools), outcome="kept apart", reason="; ".join(findings)
    )
