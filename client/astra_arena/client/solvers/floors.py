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
    """Calls every tool once with nothing but what it requires, drawn by chance.

    What the prompt says is not used: putting its values where they belong is work that is worth
    something, and answers a question of one step in an environment of few tools.
    """

    name = "each-tool-once"

    async def play(self, episode: EpisodeView) -> str | None:
        """Call the tools in their order."""
        for tool in playable(episode)[: episode.budget.calls]:
            arguments = _bare(tool, Known(), episode.seed)
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
            turns = [(tool, _next(tool, known, made, episode.seed)) for tool in playable(episode)]
            calls = [(tool, arguments) for tool, arguments in turns if arguments is not None]
            if not calls:
                break
            for tool, arguments in calls[:left]:
                made.add(canonical_bytes([tool.name, arguments]))
                known.note(await episode.call(tool.name, arguments))
                left -= 1
        return None


def _next(tool: ToolView, known: Known, made: set[bytes], seed: int) -> JsonObject | None:
    """Return the first call of a tool that was not made yet."""
    for arguments in _calls(tool, known, seed):
        if canonical_bytes([tool.name, arguments]) not in made:
            return arguments
    return None


def _bare(tool: ToolView, known: Known, seed: int) -> JsonObject | None:
    """Return what a tool requires: of what is known, else by chance; `None` if that finds none."""
    draft = next(Drafter(read_prompt("")).drafts(tool, known, bare=True), None)
    if draft is not None:
        return draft.arguments
    drawn = sample_arguments(tool.input_schema, random_stream(seed, "bare", tool.name))
    required = tool.input_schema.get("required")
    if drawn is None or not isinstance(required, list):
        return drawn
    return {name: value for name, value in drawn.items() if name in required}


def _calls(tool: ToolView, known: Known, seed: int) -> Iterator[JsonObject]:
    """Give calls with everything that is required and at most one argument more."""
    base = _bare(tool, known, seed)
    if base is None:
        return
    yield base
    properties = tool.input_schema.get("properties")
    rules = properties if isinstance(properties, dict) else {}
    for name, rule in rules.items():
        if isinstance(rule, dict):
            for value in (*members_of(rule), *known.like(name)):
                yield {**base, name: value}
