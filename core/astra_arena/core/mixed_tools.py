"""What comes of a tool mixing: which tools are offered, under which names, in which order.

All of it is a function of (task, mixing, seed, tools); nothing depends on the order in which
environments are given.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from astra_arena.core.canonical import Json, JsonObject
from astra_arena.core.environment import ToolSpec
from astra_arena.core.errors import SpecError
from astra_arena.core.offers import ToolRef, offered_name, offered_tools, tool_ref
from astra_arena.core.randomness import random_stream
from astra_arena.core.tasks import Task
from astra_arena.core.tool_mixing import Band, Distractors, MixedNames, ToolMixing
from astra_arena.core.tool_names import in_new_names, renamed
from astra_arena.core.tool_similarity import ToolSimilarity, band_of, words_of_tool

Tools = Mapping[str, Sequence[ToolSpec]]
"""By environment."""


@dataclass(frozen=True, slots=True)
class MixedTools:
    """The tools of one episode."""

    specs: Mapping[ToolRef, ToolSpec]
    """What an agent is told of each tool that may be offered, in order; each by its new name."""
    names: Mapping[ToolRef, str]
    """The name that an agent uses for each."""
    distractors: frozenset[ToolRef]
    new_names: Mapping[str, Mapping[str, str]]
    """By environment, the new names of tools by the old ones."""

    def phase(self, offered: Iterable[ToolRef]) -> dict[str, ToolRef]:
        """Return what is offered in a turn, by the name that the agent uses.

        Args:
            offered: What would be offered without a mixing.
        """
        there = {*offered, *self.distractors}
        return {self.names[ref]: ref for ref in self.specs if ref in there}

    def text(self, environment: str, text: str) -> str:
        """Return a text of an environment in which its tools are called by their new names."""
        return in_new_names(text, self.new_names.get(environment, {}))

    def record(self, digests: Mapping[str, str]) -> MixedNames:
        """Return what an episode's record says of it.

        Args:
            digests: Of the environments that distractors may be of.
        """
        strange = sorted({ref.environment for ref in self.distractors})
        return MixedNames(
            names={self.names[ref]: ref.full_name for ref in self.specs},
            environments={name: digests[name] for name in strange},
        )


def mix_tools(
    mixing: ToolMixing, task: Task, *, seed: int, members: Tools, others: Tools
) -> MixedTools:
    """Decide what an episode offers.

    Args:
        mixing: What is asked for.
        task: The task.
        seed: The episode's.
        members: The environments in use, in order.
        others: Environments whose tools may be mixed in.

    Raises:
        SpecError: if it asks for what is not there, or would withhold what the task needs.
    """
    others = {name: others[name] for name in sorted(others) if name not in members}
    own = _own_refs(task, members)
    withheld = _withheld(mixing, task, seed, own, members)
    kept = [ref for ref in own if ref not in withheld]
    strange = _distractors(mixing.distractors, task, seed, members, others)
    tools = {
        ToolRef(environment, spec.name): spec
        for environment, specs in [*members.items(), *others.items()]
        for spec in specs
    }
    bare = _bare_names(mixing, task, seed, kept, members)
    joint = len(members) > 1
    names = {ref: offered_name(ToolRef(ref.environment, bare[ref]), joint=joint) for ref in kept}
    names |= _strange_names(strange, names, joint=joint)
    if len(set(names.values())) != len(names):
        doubled = sorted({one for one in names.values() if [*names.values()].count(one) > 1})
        raise SpecError(f"a mixing must give tools different names; several get {doubled[0]!r}")
    order = [*kept, *strange]
    if mixing.reordered:
        random_stream(seed, "mixing", "order", task.id).shuffle(order)
    new_names = _new_names(bare, names, strange)
    specs: dict[ToolRef, ToolSpec] = {}
    for ref in order:
        called = names[ref] if ref in strange else bare[ref]
        spec = _rewritten(tools[ref], called, new_names.get(ref.environment, {}))
        specs[ref] = _reordered(spec, ref, seed) if mixing.reordered else spec
    return MixedTools(specs, names, frozenset(strange), new_names)


def _own_refs(task: Task, members: Tools) -> list[ToolRef]:
    """Return what the task offers in any turn, in order."""
    listed = {name: [spec.name for spec in specs] for name, specs in members.items()}
    turns = range(len(task.turns))
    offered = {ref for turn in turns for ref in offered_tools(task, listed, turn=turn).values()}
    every = [ToolRef(name, tool) for name, tools in listed.items() for tool in tools]
    return [ref for ref in every if ref in offered]


def needed_tools(task: Task, members: Tools) -> frozenset[ToolRef]:
    """Return the tools without which a task may not be playable as it was meant.

    They are those of the gold and of its alternatives, those that the turns and the slots name, and
    where a state is graded all that write.
    """
    every = {ToolRef(name, spec.name): spec for name, specs in members.items() for spec in specs}
    needed = {
        ToolRef(question.environment, tool)
        for question in task.needed
        for tool in (question.tool, *(one.tool for one in question.alternatives))
        if tool is not None
    }
    named = [fill.tool for slot in task.slots for fill in slot.fills]
    for turn in task.turns:
        named += [*turn.tools_added, *turn.tools_removed, *filter(None, [turn.expect.tool])]
    for name in named:
        needed |= {ref for ref in every if name in (ref.tool, ref.full_name)}
    if task.final_state is not None and task.final_state.is_graded:
        needed |= {ref for ref, spec in every.items() if not spec.read_only}
    return frozenset(needed)


def _withheld(
    mixing: ToolMixing, task: Task, seed: int, own: Sequence[ToolRef], members: Tools
) -> set[ToolRef]:
    if not mixing.withheld and not mixing.withheld_share:
        return set()
    _require_gold(task, "withhold tools that it does not need")
    needed = needed_tools(task, members)
    withheld = {_ref_of(name, "withheld", own, members) for name in mixing.withheld}
    broken = sorted(ref.full_name for ref in withheld & needed)
    if broken:
        raise SpecError(
            f"task {task.id!r} may need {broken[0]!r}, so it cannot be withheld; withhold tools "
            "that neither its gold nor an alternative to it uses"
        )
    forbidden = {ref for ref in own if {ref.tool, ref.full_name} & set(task.forbidden)}
    spare = [ref for ref in own if ref not in needed | withheld | forbidden]
    count = round(mixing.withheld_share * len(spare))
    drawn = random_stream(seed, "mixing", "withheld", task.id).sample(spare, k=count)
    return withheld | set(drawn)


def _require_gold(task: Task, wish: str) -> None:
    if not task.needed:
        raise SpecError(
            f"task {task.id!r} has no gold calls here, so a mixing cannot {wish}; play it on the "
            "full bundle, or without that"
        )


def _ref_of(name: str, what: str, own: Sequence[ToolRef], members: Tools) -> ToolRef:
    ref = tool_ref(name, tuple(members))
    if ref is None or ref not in own:
        there = ", ".join(offered_name(one, joint=len(members) > 1) for one in own)
        raise SpecError(f"a mixing names {name!r} as {what}, which is none of the tools: {there}")
    return ref


def _distractors(
    asked: Distractors | None, task: Task, seed: int, members: Tools, others: Tools
) -> list[ToolRef]:
    if asked is None:
        return []
    every = [ToolRef(name, spec.name) for name, specs in others.items() for spec in specs]
    at_hand = ", ".join(others) or "none"
    if asked.tools:
        by_name = {ref.full_name: ref for ref in every}
        unknown = [name for name in asked.tools if name not in by_name]
        if unknown:
            raise SpecError(
                f"a mixing names the distractor {unknown[0]!r}, which is no tool of another "
                f"environment at hand; these are: {at_hand}"
            )
        return sorted({by_name[name] for name in asked.tools})
    unknown = [name for name in asked.environments if name not in others]
    if unknown:
        raise SpecError(
            f"a mixing draws distractors from {unknown[0]!r}, which is no other environment at "
            f"hand; these are: {at_hand}"
        )
    drawn_from = [ref for ref in every if ref.environment in (asked.environments or others)]
    if asked.bands:
        drawn_from = _in_bands(asked.bands, task, drawn_from, members, others)
    if len(drawn_from) < asked.count:
        raise SpecError(
            f"a mixing asks for {asked.count} distractors, but only {len(drawn_from)} tools of "
            f"other environments fit (at hand: {at_hand}); ask for fewer or serve more environments"
        )
    stream = random_stream(seed, "mixing", "distractors", task.id)
    return sorted(stream.sample(drawn_from, k=asked.count))


def _in_bands(
    bands: Sequence[Band], task: Task, refs: Sequence[ToolRef], members: Tools, others: Tools
) -> list[ToolRef]:
    documents = {
        ToolRef(name, spec.name).full_name: words_of_tool(spec)
        for name, specs in [*members.items(), *others.items()]
        for spec in specs
    }
    _require_gold(task, "draw distractors by what they have in common with its tools")
    similarity = ToolSimilarity(documents)
    names = [ref.full_name for ref in refs]
    nearest = dict.fromkeys(names, 0.0)
    for question in task.needed:
        assert question.tool is not None
        own = ToolRef(question.environment, question.tool).full_name
        for name, value in similarity.scaled(own, names).items():
            nearest[name] = max(nearest[name], value)
    return [ref for ref in refs if band_of(nearest[ref.full_name]) in bands]


def _bare_names(
    mixing: ToolMixing, task: Task, seed: int, own: Sequence[ToolRef], members: Tools
) -> dict[ToolRef, str]:
    """Return the names of the task's own tools, without environment."""
    given = {_ref_of(name, "renamed", own, members): new for name, new in mixing.renamed.items()}
    bare = {ref: given.get(ref, ref.tool) for ref in own}
    stream = random_stream(seed, "mixing", "renamed", task.id)
    rest = [ref for ref in own if ref not in given]
    drawn = stream.sample(rest, k=round(mixing.renamed_share * len(rest)))
    for ref in sorted(drawn):
        there = {spec.name for spec in members[ref.environment]}
        taken = there | {new for one, new in bare.items() if one.environment == ref.environment}
        words = {word for spec in members[ref.environment] for word in words_of_tool(spec)}
        bare[ref] = renamed(
            ref.tool,
            random_stream(seed, "mixing", "name", ref.full_name),
            taken=taken,
            words=words,
        )
    return bare


def _strange_names(
    strange: Sequence[ToolRef], own: Mapping[ToolRef, str], *, joint: bool
) -> dict[ToolRef, str]:
    """Name distractors like the tools around them, plainly where no other has the name."""
    # The old names count as well: one of them must not come to mean another tool.
    taken = [*own.values(), *(ref.tool for ref in own if own[ref] != ref.tool)]
    plain = [*taken, *(ref.tool for ref in strange)]
    return {
        ref: ref.full_name if joint or plain.count(ref.tool) > 1 else ref.tool for ref in strange
    }


def _new_names(
    bare: Mapping[ToolRef, str], names: Mapping[ToolRef, str], strange: Sequence[ToolRef]
) -> dict[str, dict[str, str]]:
    called = {**bare, **{ref: names[ref] for ref in strange}}
    changed: dict[str, dict[str, str]] = {}
    for ref, name in called.items():
        if name != ref.tool:
            changed.setdefault(ref.environment, {})[ref.tool] = name
    return changed


def _rewritten(spec: ToolSpec, called: str, names: Mapping[str, str]) -> ToolSpec:
    def text(told: str) -> str:
        return in_new_names(told, names)

    # Past validation: a distractor's name holds its environment's, which may have a hyphen.
    return spec.model_copy(
        update={
            "name": called,
            "description": text(spec.description),
            "input_schema": _described(spec.input_schema, text),
            "output_schema": _described(spec.output_schema, text),
        }
    )


def _described(value: JsonObject, text: Callable[[str], str]) -> JsonObject:
    """Return a schema with its descriptions rewritten; values in it stay as they are."""

    def walk(inner: Json, key: str) -> Json:
        match inner:
            case _ if key in ("enum", "examples", "default", "const"):
                return inner
            case dict():
                return {name: walk(one, name) for name, one in inner.items()}
            case list():
                return [walk(one, "") for one in inner]
            case str() if key in ("description", "title"):
                return text(inner)
            case _:
                return inner

    return {name: walk(one, name) for name, one in value.items()}


def _reordered(spec: ToolSpec, ref: ToolRef, seed: int) -> ToolSpec:
    stream = random_stream(seed, "mixing", "properties", ref.full_name)

    def walk(value: Json, key: str) -> Json:
        match value:
            case dict():
                items = list(value.items())
                if key == "properties":
                    stream.shuffle(items)
                return {name: walk(inner, name) for name, inner in items}
            case list():
                return [walk(inner, "") for inner in value]
            case _:
                return value

    return spec.model_copy(
        update={
            "input_schema": walk(spec.input_schema, ""),
            "output_schema": walk(spec.output_schema, ""),
        }
    )
