"""The host's log of an episode: every call as it was asked and as it ended."""

from typing import Literal

from astra_arena.core.canonical import Json, JsonObject
from astra_arena.core.model import Model

Outcome = Literal[
    "ok",
    "tool_failure",
    "environment_error",
    "cancelled",
    "invalid_arguments",
    "unknown_tool",
    "over_budget",
]
"""How a call ended. All but `ok` reach the agent as an error.

`tool_failure`: the tool refused with a message of its own. `environment_error`: its code broke,
twice. `cancelled`: its client gave it up before it had ended, and it left no trace. The last three
were refused before the sandbox saw them.
"""

REPLY_TOOL = "reply"
"""The host's own tool by which an agent ends its turn in words."""

ELICIT_TOOL = "elicit"
"""How the log names the host's own question to the user about arguments that a call lacks."""

CALL_KEY_META = "io.github.astra-arena/call-key"
"""The `_meta` field of `tools/call` that carries a client's idempotency key."""

CALL_REFUSED_META = "io.github.astra-arena/refused"
"""The `_meta` field in which a client says why an agent's call could not be sent as it was, so that
it is logged and charged all the same."""

UNCHARGED_META = "io.github.astra-arena/uncharged"
"""The `_meta` field of a reply whose call was not charged, because the host disturbed it."""

MIRROR_KEYWORD = b'"x-mcp-header"'
"""In a tool's input schema as canonical JSON: an argument that clients send as a header, too."""

TOOL_FAILED_TEXT = "the tool failed"
"""All that an agent learns of an environment error."""


class StateRecord(Model):
    """What a world had become after a call that wrote."""

    digest: str
    """Equal for equal states, whatever their history."""
    difference: JsonObject
    """What differs from the start, net: rows by table and key, or values by pointer."""


class CallRecord(Model):
    """One line of the log. Times are kept apart, so that equal episodes have equal logs."""

    index: int
    """Place in the episode's log, from 0."""
    environment: str
    """Name of the member environment."""
    tool: str
    arguments: Json
    """As validated, defaults filled in; as they came when they were refused."""
    outcome: Outcome
    result: JsonObject | None = None
    """With `ok`: what the tool returned."""
    message: str | None = None
    """Otherwise: the text that the agent got."""
    recovered: bool = False
    """Whether the call broke once and succeeded in a fresh session."""
    defect: str | None = None
    """With `environment_error`: what broke, for operators only."""
    fault: str | None = None
    """Name of the injected fault that replaced or followed the call."""
    key: str | None = None
    """The client's idempotency key; a repeated key is answered from the log."""
    own: bool = False
    """A call to the host's own tools, which costs nothing."""
    foreign: bool = False
    """A call to a tool of an environment that the task does not name: one that was mixed in."""
    state: StateRecord | None = None
    """With a call that wrote: the state that it left."""

    @property
    def counts(self) -> bool:
        """Whether the call is part of `c`, the calls that the reward charges for."""
        return not self.own and self.fault is None

    @property
    def may_solve(self) -> bool:
        """Whether the call can solve a sub-question at all."""
        ended_well = self.outcome == "ok" and self.result is not None
        return self.counts and ended_well and not self.foreign
