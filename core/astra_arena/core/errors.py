"""The error tree: what broke, at which boundary, and whether trying again may help.

```
ArenaError                          .boundary: where it broke; .retryable: may trying again help
├── SpecError                       data that breaks its own schema; .path
├── SettingsError                   a bad setting, option or address; names it
├── SandboxError
│   ├── SandboxUnavailableError     cannot start or reach the sandbox (retryable)
│   └── PolicyError                 tool code refused before it runs; .findings
├── ServerError
│   ├── BundleError                 missing file, wrong digest, bad content
│   ├── EpisodeError                unknown, closed or void episode
│   └── UnknownTaskError            no such environment or task
├── SynthesisError
│   ├── SourceError                 the user's data cannot be read or used
│   └── GateError                   a check that a bundle must pass failed; .findings
├── AuthorError                     a language model could not be used
│   ├── ReplyError                  one request came to nothing: no usable reply; .findings
│   ├── ModelUnavailableError       the endpoint cannot be reached or refuses; .status
│   ├── BudgetError                 what may be spent is spent
│   └── TranscriptError             a transcript that is damaged, lacks a reply or has too many
└── RolloutError
    ├── ConnectionLostError         the MCP or control connection broke (retryable)
    ├── RecordError                 a rollout or journal file that cannot be read
    └── AgentError                  agent code raised
```

Three planes never mix: tool code that fails is a *result* that the agent sees; misuse of the
protocol is a JSON-RPC error; broken machinery is an `ArenaError`, recorded on the rollout and never
shown to the agent. Messages say what was expected, what came and what to do.
"""

from collections.abc import Generator
from contextlib import contextmanager


class ArenaError(Exception):
    """Any failure of the project's own machinery or of what it was given."""

    boundary: str = "arena"
    retryable: bool = False

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class SpecError(ArenaError):
    """Data that breaks its own schema."""

    boundary = "spec"

    def __init__(self, message: str, *, path: str = "") -> None:
        super().__init__(message)
        self.path = path
        """JSON Pointer to the offending value; empty for the whole document."""


class SettingsError(ArenaError):
    """A setting, option or address that cannot be used."""

    boundary = "settings"


class SandboxError(ArenaError):
    """The sandbox could not do its work."""

    boundary = "sandbox"


class SandboxUnavailableError(SandboxError):
    """The sandbox cannot be started or reached."""

    retryable = True


class PolicyError(SandboxError):
    """Tool code was refused before it ran."""

    def __init__(self, message: str, *, findings: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.findings = findings


class ServerError(ArenaError):
    """A bundle could not be served."""

    boundary = "server"


class BundleError(ServerError):
    """A bundle has a missing file, a wrong digest or bad content."""

    boundary = "bundle"


class EpisodeError(ServerError):
    """An episode is unknown, closed or void."""

    boundary = "episode"


class UnknownTaskError(ServerError):
    """There is no such environment or task."""

    boundary = "task"


class SynthesisError(ArenaError):
    """Synthesis could not make an environment."""

    boundary = "synthesis"


class SourceError(SynthesisError):
    """The user's data cannot be read or used."""

    boundary = "source"


class GateError(SynthesisError):
    """A check that a bundle must pass failed."""

    boundary = "gate"

    def __init__(self, message: str, *, findings: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.findings = findings


class AuthorError(ArenaError):
    """A language model could not be used."""

    boundary = "author"


class ReplyError(AuthorError):
    """One request came to nothing: the model was asked and gave no usable reply.

    It says nothing about other requests: whoever asked rejects this item and goes on.
    """

    def __init__(self, message: str, *, findings: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.findings = findings
        """What was wrong with the last reply."""


class ModelUnavailableError(AuthorError):
    """The endpoint cannot be reached, or refuses whatever is asked."""

    def __init__(self, message: str, *, status: int | None = None, retryable: bool = False) -> None:
        super().__init__(message)
        self.status = status
        """The HTTP status; `None` when no answer came."""
        self.retryable = retryable


class BudgetError(AuthorError):
    """What may be spent is spent."""


class TranscriptError(AuthorError):
    """A transcript is damaged, lacks a reply that is asked for, or holds one too many."""


class RolloutError(ArenaError):
    """A rollout could not be collected or read."""

    boundary = "rollout"


class ConnectionLostError(RolloutError):
    """The MCP or the control connection broke."""

    boundary = "connection"
    retryable = True


class RecordError(RolloutError):
    """A rollout or journal file cannot be read."""

    boundary = "record"


class AgentError(RolloutError):
    """Agent code raised."""

    boundary = "agent"


@contextmanager
def boundary(error: type[ArenaError], doing: str) -> Generator[None]:
    """Attribute foreign exceptions of a block to one boundary; typed ones pass unchanged.

    Args:
        error: The class that a foreign exception becomes (raised `from` it).
        doing: What the block does, for the message: "start the sandbox".

    Raises:
        ArenaError: of class `error`, for any exception that is not one already.
    """
    try:
        yield
    except ArenaError:
        raise
    except Exception as cause:
        raise error(f"could not {doing}: {type(cause).__name__}: {cause}") from cause
