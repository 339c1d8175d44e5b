"""What episodes tell of an external server: how each call ended, after which writes.

The state of such a server cannot be seen, so a call is known by the calls before it that may have
changed something. Replies are found in the same way here as by the tools of a replay.
"""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from astra_arena.core.calls import CallRecord
from astra_arena.core.canonical import JsonObject, canonical_bytes
from astra_arena.core.rollouts import EpisodeRecord
from astra_arena.servers.gateway.gateway_session import OUTCOME_UNKNOWN_TEXT

NO_HISTORY = ""
"""The history before the first write."""


@dataclass(frozen=True, slots=True, order=True)
class RecordedCall:
    """A call and how it ended."""

    tool: str
    asked: str
    """The arguments, see `asked_text`."""
    history: str
    """The writes before it, see `history_after`."""
    failed: bool
    reply: str
    """The result as canonical JSON, or the message of the failure."""
    steady: bool
    """Whether it never ended in another way after the same writes."""


class Recording:
    """The calls of episodes, each with the one end that a replay gives it.

    Where a call ended in several ways after the same writes, a success goes before failures, and
    what an earlier episode got before what a later one got.

    Args:
        environment: The name of the environment whose calls are wanted.
        episodes: In an order of their own, so that equal episodes make equal recordings.
    """

    def __init__(self, environment: str, episodes: Iterable[EpisodeRecord]) -> None:
        ends: dict[tuple[str, str, str], dict[tuple[bool, str], None]] = {}
        for episode in episodes:
            for key, end in _ended(environment, episode):
                ends.setdefault(key, {}).setdefault(end)
        self._calls: dict[tuple[str, str, str], RecordedCall] = {}
        self._alike: dict[tuple[str, str], list[RecordedCall]] = {}
        for key, found in sorted(ends.items()):
            failed, reply = min(found, key=lambda end: end[0])
            call = RecordedCall(*key, failed=failed, reply=reply, steady=len(found) == 1)
            self._calls[key] = call
            self._alike.setdefault(key[:2], []).append(call)

    @property
    def calls(self) -> tuple[RecordedCall, ...]:
        """All calls, sorted."""
        return tuple(self._calls.values())

    def find(self, tool: str, arguments: JsonObject, history: str) -> RecordedCall | None:
        """Return how a call ends in a replay; `None` where the episodes do not tell.

        A call that was not made after these very writes is answered if it ended in the same way
        after all others.
        """
        asked = asked_text(arguments)
        exact = self._calls.get((tool, asked, history))
        if exact is not None:
            return exact
        alike = self._alike.get((tool, asked), [])
        agree = {(call.failed, call.reply, call.steady) for call in alike}
        return alike[0] if len(agree) == 1 and alike[0].steady else None


def asked_text(arguments: JsonObject) -> str:
    """Return what stands for the arguments of a call; `null` is as good as none."""
    given: JsonObject = {name: value for name, value in arguments.items() if value is not None}
    return canonical_bytes(given).decode("ascii")


def history_after(history: str, tool: str, asked: str) -> str:
    """Return the history after one more write."""
    return hashlib.sha256(f"{history}\n{tool}\n{asked}".encode()).hexdigest()


def _ended(
    environment: str, episode: EpisodeRecord
) -> Iterator[tuple[tuple[str, str, str], tuple[bool, str]]]:
    """Yield what an episode tells of calls, in order."""
    own_words = not _renames(episode)
    history = NO_HISTORY
    for call in episode.calls:
        if call.environment != environment or call.own or not isinstance(call.arguments, dict):
            continue
        asked = asked_text(call.arguments)
        end = _end(call, own_words=own_words)
        if end is not None:
            yield (call.tool, asked, history), end
        if call.state is not None:
            history = history_after(history, call.tool, asked)


def _end(call: CallRecord, *, own_words: bool) -> tuple[bool, str] | None:
    """Return what the server answered; `None` where the log does not hold that."""
    if call.fault is not None:
        return None
    if call.outcome == "ok" and call.result is not None:
        return False, canonical_bytes(call.result).decode("ascii")
    if call.outcome != "tool_failure" or not own_words or call.message == OUTCOME_UNKNOWN_TEXT:
        return None
    return True, call.message or ""


def _renames(episode: EpisodeRecord) -> bool:
    """Tell whether messages were told in other names than the server's."""
    names = {} if episode.mixed is None else episode.mixed.names
    return any(name not in (own, own.partition("__")[2]) for name, own in names.items())
