"""Players that know nothing: what they earn is the least that a reward may be worth."""

from collections.abc import Iterator, Mapping

from astra_arena.client.agent import EpisodeView, ToolView
from astra_arena.client.argument_sampler import sample_arguments
from astra_arena.client.solvers.drafting import Drafter, Known, members_of
from astra_arena.client.solvers.graded import playable
from astra_arena.client.solvers.reading import read_prompt
from astra_arena.core.calls import REPLY_TOOL
from astra_arena.core.canonical import JsonObject, canonical_bytes
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
    """Calls every tool once with what chance draws, whatever the prompt says.

    Putting values of the prompt where they belong is work that is worth something: it answers a
    question of one step in an environment of few tools.
    """

    name = "each-tool-once"

    async def play(self, episode: EpisodeView) -> str | None:
        """Call the tools in their order."""
        stream = random_stream(episode.seed, self.name, episode.task_id)
        for tool in playable(episode)[: episode.budget.calls]:
            arguments = sample_arguments(tool.input_schema, stream)
            if arguments is not None:
                await episode.call(tool.name, arguments)
        return None


class EnumeratingAgent:
    """Tries values one after another until the budget is used up.

    It calls the tools in turn. Each call gives one argument, with a value from the argument's
    enumeration or from an earlier reply; what the prompt says is not used.
    """

    name = "enumerate"

    async def play(self, episode: EpisodeView) -> str | None:
        """Enumerate."""
        known = Known()
        made: set[bytes] = set()
        left = episode.budget.calls
        while left > 0:
            turns = [(tool, _next(tool, known, made)) for tool in playable(episode)]
            calls = [(tool, arguments) for tool, arguments in turns if arguments is not None]
            if not calls:
                break
            for tool, arguments in calls[:left]:
                made.add(canonical_bytes([tool.name, arguments]))
                known.note(await episode.call(tool.name, arguments))
                left -= 1
        return None


def _next(tool: ToolView, known: Known, made: set[bytes]) -> JsonObject | None:
    """Return the first call of a tool that was not made yet."""
    for arguments in _calls(tool, known):
        if canonical_bytes([tool.name, arguments]) not in made:
            return arguments
    return None


def _calls(tool: ToolView, known: Known) -> Iterator[JsonObject]:
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
            for value in (*members_of(rule), *known.like(name)):
                yield {**base, name: value}
