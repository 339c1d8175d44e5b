"""Solvers that see the prompt and the tools: each does a little more than the one before.

`literals` fills in what the prompt says, once for each tool. `chaining` goes on with what replies
held, a given number of times. `searching` makes the call next that fits the prompt best, with words
choosing what to sort by and which tool counts. None of them understands the question. Each makes
the same calls for the same episode seed.
"""

from astra_arena.client.agent import EpisodeView, ToolReply, ToolView
from astra_arena.client.solvers.drafting import Draft, Drafter, Known
from astra_arena.client.solvers.reading import read_prompt
from astra_arena.core.calls import REPLY_TOOL
from astra_arena.core.canonical import Json
from astra_arena.core.errors import SettingsError
from astra_arena.core.randomness import random_stream

MOST_CALLS = 12
"""No solver makes more, whatever the budget."""
DEPTHS = (2, 3, 4)


class LiteralsSolver:
    """Calls the tools whose arguments the prompt tells, each once."""

    name = "literals"

    async def play(self, episode: EpisodeView) -> str | None:
        """Make the calls that the prompt suggests, the best first."""
        drafter = Drafter(read_prompt(episode.prompt))
        drafts = [drafter.draft(tool) for tool in playable(episode)]
        told = sorted(
            (one for one in drafts if one is not None and one.arguments),
            key=lambda one: (-one.score, one.tool),
        )
        last: ToolReply | None = None
        for draft in told[: _allowance(episode) // 2]:
            last = await episode.call(draft.tool, draft.arguments)
        return await conclude(episode, last)


class ChainingSolver:
    """Goes on with what replies held under the names of arguments.

    Args:
        depth: How many times, the calls of the prompt's own values included.
    """

    def __init__(self, depth: int) -> None:
        if depth not in DEPTHS:
            raise SettingsError(f"expected a depth of {', '.join(map(str, DEPTHS))}, got {depth}")
        self.name = f"chaining-{depth}"
        self._depth = depth

    async def play(self, episode: EpisodeView) -> str | None:
        """Make calls round by round; each round may use what earlier ones brought."""
        drafter = Drafter(read_prompt(episode.prompt))
        known, made = Known(), set[bytes]()
        last: ToolReply | None = None
        share = max(1, _allowance(episode) // self._depth)
        for number in range(self._depth):
            drafts = [
                draft
                for tool in playable(episode)
                for draft in drafter.drafts(tool, known, bare=number == 0)
                if draft.arguments
            ]
            for draft in _best(drafts, made, share):
                made.add(draft.key)
                last = await episode.call(draft.tool, draft.arguments)
                known.note(last)
        return await conclude(episode, last)


class SearchingSolver:
    """Makes the call next that fits the prompt best."""

    name = "searching"

    async def play(self, episode: EpisodeView) -> str | None:
        """Search best first."""
        drafter = Drafter(read_prompt(episode.prompt), wording=True)
        known, made, used = Known(), set[bytes](), dict[str, int]()
        last: ToolReply | None = None
        stream = random_stream(episode.seed, self.name, episode.task_id)
        for _ in range(_allowance(episode)):
            drafts = [
                Draft(draft.tool, draft.arguments, draft.score - 3 * used.get(draft.tool, 0))
                for tool in playable(episode)
                for draft in drafter.drafts(tool, known, bare=True)
            ]
            stream.shuffle(drafts)
            best = _best(drafts, made, 1)
            if not best or best[0].score <= 0:
                break
            made.add(best[0].key)
            used[best[0].tool] = used.get(best[0].tool, 0) + 1
            last = await episode.call(best[0].tool, best[0].arguments)
            known.note(last)
        return await conclude(episode, last)


def playable(episode: EpisodeView) -> tuple[ToolView, ...]:
    """Return the tools that do something; the host's own `reply` does not."""
    return tuple(tool for tool in episode.tools if tool.name != REPLY_TOOL)


async def conclude(episode: EpisodeView, last: ToolReply | None) -> str | None:
    """End with the first value of the last reply, in words where the episode takes them."""
    found = None if last is None or last.structured is None else _first_scalar(last.structured)
    message = None if found is None else f"The answer is {found}."
    if episode.tool(REPLY_TOOL) is not None:
        said = message or "I found nothing."
        await episode.call(REPLY_TOOL, {"message": said, "kind": "answer"})
    return message


def _first_scalar(value: Json) -> Json:
    if isinstance(value, dict | list):
        inner = list(value.values()) if isinstance(value, dict) else value
        return next((one for one in map(_first_scalar, inner) if one is not None), None)
    return value


def _best(drafts: list[Draft], made: set[bytes], most: int) -> list[Draft]:
    fresh = {draft.key: draft for draft in reversed(drafts) if draft.key not in made}
    return sorted(fresh.values(), key=lambda one: -one.score)[:most]


def _allowance(episode: EpisodeView) -> int:
    return min(MOST_CALLS, episode.budget.calls)
