"""Players that know nothing: what they earn is the least that a reward may be worth."""

from collections.abc import Iterator, Mapping

from astra_arena.client.agent import EpisodeView, ToolView
from astra_arena.client.argument_sampler import sample_arguments
from astra_arena.client.solvers.drafting import Drafter, Known, members_of
from astra_arena.client.solvers.graded import playable
from astra_arena.client.solvers.reading import read_prompt
from astra_arena.core.calls import REPLY_TOOL
from astra_arena.core.canonical import Json, JsonObject, canonical_bytes
from astra_arena.core.randomness import random_stream


class GuessingAgent:
    """Says what is said most often where the answer stands, and calls nothing.

    Args:
        guesses: What to say, by task.
    """

    name = "guess"

    def __init__(self, guesses: Mapping[str, str]) -> None:
        self._guesses = guesses

    async def play(self, episode: EpisodeView) -> str | None:
        """State the guess."""
        message = self._guesses.get(episode.task_id)
        if message is not None and episode.tool(REPLY_TOOL) is not None:
            await episode.call(REPLY_TOOL, {"message": message, "kind": "answer"})
        return message


class EachToolOnceAgent:
    """Calls every tool once, with what the prompt says or, failing that, with what chance draws."""

    name = "each-tool-once"

    async def play(self, episode: EpisodeView) -> str | None:
        """Call the tools in their order."""
        drafter = Drafter(read_prompt(episode.prompt))
        stream = random_stream(episode.seed, self.name, episode.task_id)
        for tool in playable(episode)[: episode.budget.calls]:
            draft = drafter.draft(tool)
            drawn = sample_arguments(tool.input_schema, stream) if draft is None else None
            arguments = drawn if draft is None else draft.arguments
            if arguments is not None:
                await episode.call(tool.name, arguments)
        return None


class EnumeratingAgent:
    """Tries values one after another until the budget is used up.

    It calls the tools in turn. Each call gives one argument, with a value from the prompt, from the
    argument's enumeration or from an earlier reply.
    """

    name = "enumerate"

    async def play(self, episode: EpisodeView) -> str | None:
        """Enumerate."""
        reading, known = read_prompt(episode.prompt), Known()
        made: set[bytes] = set()
        told = [one.value for one in reading.values]
        left = episode.budget.calls
        while left > 0:
            turns = [(tool, _next(tool, told, known, made)) for tool in playable(episode)]
            calls = [(tool, arguments) for tool, arguments in turns if arguments is not None]
            if not calls:
                break
            for tool, arguments in calls[:left]:
                made.add(canonical_bytes([tool.name, arguments]))
                known.note(await episode.call(tool.name, arguments))
                left -= 1
        return None


def _next(tool: ToolView, told: list[Json], known: Known, made: set[bytes]) -> JsonObject | None:
    """Return the first call of a tool that was not made yet."""
    for arguments in _calls(tool, told, known):
        if canonical_bytes([tool.name, arguments]) not in made:
            return arguments
    return None


def _calls(tool: ToolView, told: list[Json], known: Known) -> Iterator[JsonObject]:
    """Give calls with everything that is required and at most one argument more."""
    base: JsonObject = {}
    draft = next(Drafter(read_prompt("")).drafts(tool, known, bare=True), None)
    if draft is not None:
        base = draft.arguments
        yield base
    properties = tool.input_schema.get("properties")
    rules = properties if isinstance(properties, dict) else {}
    for name, rule in rules.items():
        if isinstance(rule, dict):
            for value in (*told, *members_of(rule), *known.like(name)):
                yield {**base, name: value}
