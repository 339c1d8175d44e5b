"""Asking a client's user for what a call lacks, over MCP, in both generations.

Only for tasks of the variant `elicitation`, and only clients that declare it are asked; for the
others the host's user answers. The form has one field for each slot, which may stay empty: then the
host's user tells it. Until the answer is there, nothing has happened: no call is logged and no
world is touched. The newer generation makes the call again with the answer; its request state is
sealed, good for one answer to one call of one episode.
"""

import secrets
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any
from weakref import WeakKeyDictionary

import anyio
import mcp.types as wire
from mcp.server.context import CallNext, HandlerResult
from mcp.server.request_state import RequestStateBoundary, RequestStateSecurity
from mcp.shared.exceptions import MCPError, NoBackChannelError

from astra_arena.core.canonical import Json
from astra_arena.core.errors import EpisodeError
from astra_arena.core.tasks import Slot
from astra_arena.servers.agent_plane.bindings import Binding, EpisodeFinder, binding_of
from astra_arena.servers.agent_plane.extensions import RequestContext
from astra_arena.servers.episodes.elicitation import FormAnswer
from astra_arena.servers.episodes.episode import Episode

ANSWER_SECONDS = 300.0
"""How long a client's user may take."""

_STATE_SECONDS = 600.0
_FORM = "slots"
_OPEN_FORMS = 64
"""So many forms of one episode wait for their answer; beyond it the oldest is given up."""


class Forms:
    """The forms of one environment's server."""

    def __init__(self) -> None:
        self._open: WeakKeyDictionary[Episode, OrderedDict[str, None]] = WeakKeyDictionary()

    async def ask(
        self,
        context: RequestContext,
        params: wire.CallToolRequestParams,
        binding: Binding,
        slots: Sequence[Slot],
    ) -> FormAnswer | wire.InputRequiredResult | None:
        """Return what the client's user says, or what asks for it; `None` to ask the host's user.

        Args:
            context: The request's.
            params: The call.
            binding: Where it is made.
            slots: What it lacks.

        Raises:
            MCPError: if the request state is none that waits for an answer.
        """
        if not _declared(context):
            return None
        if context.protocol_version < "2026":
            return await _pushed(context, binding, slots)
        if params.request_state is None or params.input_responses is None:
            return self._required(binding.episode, slots)
        answer = params.input_responses.get(_FORM)
        self._take(binding.episode, params.request_state)
        if not isinstance(answer, wire.ElicitResult):
            text = f"expected the answer to the form {_FORM!r} in inputResponses, got none"
            raise MCPError(code=wire.INVALID_PARAMS, message=text)
        return _read(answer, slots)

    def _required(self, episode: Episode, slots: Sequence[Slot]) -> wire.InputRequiredResult:
        waiting = self._open.setdefault(episode, OrderedDict())
        nonce = secrets.token_urlsafe(16)
        waiting[nonce] = None
        if len(waiting) > _OPEN_FORMS:
            waiting.popitem(last=False)
        form = wire.ElicitRequestFormParams(
            message=_message(slots), requested_schema=_schema(slots)
        )
        return wire.InputRequiredResult(
            input_requests={_FORM: wire.ElicitRequest(params=form)}, request_state=nonce
        )

    def _take(self, episode: Episode, nonce: str) -> None:
        waiting = self._open.get(episode)
        if waiting is None or nonce not in waiting:
            data = {"reason": "invalid_request_state"}
            text = "Invalid or expired requestState"
            raise MCPError(code=wire.INVALID_PARAMS, message=text, data=data)
        del waiting[nonce]


class SealedState:
    """Seals what clients carry from one round of a call to the next, as server middleware.

    Args:
        audience: The server's name.
        find: Says which episode a request is about; a state is good for that one alone.
    """

    def __init__(self, audience: str, find: EpisodeFinder) -> None:
        self._find = find
        security = RequestStateSecurity(
            keys=[secrets.token_bytes(32)], ttl=_STATE_SECONDS, bind_principal=self._episode_id
        )
        self._boundary = RequestStateBoundary(security, default_audience=audience)

    async def __call__(self, ctx: RequestContext, call_next: CallNext) -> HandlerResult:
        """Handle one request."""
        if ctx.params is not None and ctx.params.get("requestState") is not None:
            # The request has come to its episode: a state that is no good is not a call.
            self._episode_id(ctx)
            return await self._boundary(ctx, call_next)
        result = await call_next(ctx)
        if not isinstance(result, dict) or result.get("resultType") != "input_required":
            return result

        async def done(_: RequestContext) -> HandlerResult:
            return result

        return await self._boundary(ctx, done)

    def _episode_id(self, context: RequestContext) -> str:
        try:
            return binding_of(self._find, context).episode.id
        except EpisodeError:
            return ""


def _declared(context: RequestContext) -> bool:
    """Tell whether a client can show forms to its user."""
    capabilities = context.session.client_capabilities
    offered = None if capabilities is None else capabilities.elicitation
    # In older revisions an empty object means forms.
    return offered is not None and (offered.form is not None or offered.url is None)


async def _pushed(
    context: RequestContext, binding: Binding, slots: Sequence[Slot]
) -> FormAnswer | None:
    if not binding.streams:
        return None
    try:
        with anyio.move_on_after(ANSWER_SECONDS):
            answer = await context.session.elicit_form(
                _message(slots), _schema(slots), context.request_id
            )
            return _read(answer, slots)
    except NoBackChannelError:
        return None
    except MCPError:
        # The client has declared that it can, and did not.
        return FormAnswer(accepted=False)
    return FormAnswer(accepted=False)


def _read(answer: wire.ElicitResult, slots: Sequence[Slot]) -> FormAnswer:
    if answer.action != "accept":
        return FormAnswer(accepted=False)
    content: Mapping[str, object] = answer.content or {}
    typed = {slot.name: content.get(slot.name) for slot in slots}
    given = {name: value for name, value in typed.items() if isinstance(value, str) and value}
    return FormAnswer(accepted=True, given=given)


def _message(slots: Sequence[Slot]) -> str:
    names = ", ".join(slot.name.replace("_", " ") for slot in slots)
    return f"Something is needed first: {names}."


def _schema(slots: Sequence[Slot]) -> dict[str, Any]:
    fields: dict[str, Json] = {
        slot.name: {
            "type": "string",
            "title": slot.name.replace("_", " "),
            "description": "Left empty, it is answered for you.",
        }
        for slot in slots
    }
    return {"type": "object", "properties": fields, "required": []}
