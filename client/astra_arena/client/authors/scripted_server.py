"""The public double of a model's server: plays a transcript over real HTTP, with faults on demand.

It listens on the loopback interface only, in a thread of its own, and counts what it serves. Which
reply is due it reads from the header that requests carry (`request_tags`).
"""

import asyncio
import json
import socket
import threading
from collections import Counter
from dataclasses import asdict, dataclass, replace
from types import TracebackType
from typing import Self, cast

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from astra_arena.client.authors.chat import ChatReply
from astra_arena.client.authors.faulty_responses import CutBody, HangingResponse, TrickleResponse
from astra_arena.client.authors.prompts import Message
from astra_arena.client.authors.request_tags import TAG_HEADER, parse_tag
from astra_arena.client.authors.scripted_author import SCRIPTED_MODEL
from astra_arena.client.authors.server_faults import (
    LOSES_REPLY,
    FaultSchedule,
    ServerFault,
    listed_faults,
)
from astra_arena.client.authors.transcript import Transcript, counted
from astra_arena.core.canonical import Json, JsonObject
from astra_arena.core.errors import SettingsError, SpecError, TranscriptError

_LOOPBACK = "127.0.0.1"
_BACKLOG = 512
_STOP_SECONDS = 10


@dataclass(frozen=True, slots=True)
class Served:
    """What a server has counted."""

    requests: int = 0
    """Chat completions that were asked for, refused and lost ones included."""
    replies: int = 0
    """Those that were sent whole."""
    refused: int = 0
    """Those that were answered with an error status."""
    lost: int = 0
    """Those whose reply was made and never arrived as one."""
    prompt_tokens: int = 0
    completion_tokens: int = 0
    """Tokens of whole replies."""
    lost_prompt_tokens: int = 0
    lost_completion_tokens: int = 0
    most_at_once: int = 0


class ScriptedModelServer:
    """A model's server for as long as a block runs.

    Args:
        transcript: What the model says.
        faults: What goes wrong; nothing when absent.
        offers_schema: Whether replies can be held to a JSON Schema; else asking for it is refused.
        api_key: What requests must bring; anything goes when absent.
        port: 0 takes a free one.

    Raises:
        SettingsError: if the port is taken.
    """

    def __init__(
        self,
        transcript: Transcript,
        *,
        faults: FaultSchedule | None = None,
        offers_schema: bool = True,
        api_key: str | None = None,
        port: int = 0,
    ) -> None:
        self.transcript = transcript
        self._faults = faults or listed_faults({})
        self._offers_schema = offers_schema
        self._api_key = api_key
        self._served = Served()
        self._attempts: Counter[str] = Counter()
        self._at_once = 0
        self._socket = _bound(port)
        self._port: int = self._socket.getsockname()[1]
        self._server = uvicorn.Server(
            uvicorn.Config(
                Starlette(
                    routes=[
                        Route("/v1/chat/completions", self._chat, methods=["POST"]),
                        Route("/v1/models", self._models),
                        Route("/served", self._figures),
                    ]
                ),
                log_config=None,
                log_level="critical",
                access_log=False,
                lifespan="off",
                ws="none",
                timeout_graceful_shutdown=1,
            )
        )
        self._thread = threading.Thread(target=self._run, name="scripted model server", daemon=True)

    @property
    def base_url(self) -> str:
        """What `--base-url` takes."""
        return f"http://{_LOOPBACK}:{self._port}/v1"

    @property
    def served(self) -> Served:
        """What was counted so far; the same figures are at `/served`."""
        return self._served

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.should_exit = True
        self._thread.join(_STOP_SECONDS)
        self._socket.close()

    def _run(self) -> None:
        asyncio.run(self._server.serve(sockets=[self._socket]))

    async def _models(self, request: Request) -> Response:
        model = {"id": SCRIPTED_MODEL, "object": "model", "created": 0, "owned_by": "transcript"}
        return JSONResponse({"object": "list", "data": [model]})

    async def _figures(self, request: Request) -> Response:
        return JSONResponse(asdict(self._served))

    async def _chat(self, request: Request) -> Response:
        self._at_once += 1
        most = max(self._at_once, self._served.most_at_once)
        self._count(requests=1)
        self._served = replace(self._served, most_at_once=most)
        try:
            return await self._answered(request)
        finally:
            self._at_once -= 1

    async def _answered(self, request: Request) -> Response:
        name = request.headers.get(TAG_HEADER, "")
        attempt = self._attempts[name]
        self._attempts[name] += 1
        fault = self._faults(name, attempt)
        if self._api_key and request.headers.get("authorization") != f"Bearer {self._api_key}":
            return self._refusal(401, "the API key is not valid")
        if fault is not None and fault.kind == "rate_limit":
            return self._refusal(429, "too many requests", fault)
        if fault is not None and fault.kind == "server_error":
            return self._refusal(500, "something broke", fault)
        try:
            asked = await request.json()
            line_id, turn = parse_tag(name)
            if "response_format" in asked and not self._offers_schema:
                return self._refusal(400, "response_format of type json_schema is not supported")
            line = self.transcript.take(line_id, turn)
        except (SpecError, ValueError) as error:
            return self._refusal(400, str(error))
        except TranscriptError as error:
            return self._refusal(404, error.message)
        messages = [Message(said["role"], said["content"]) for said in asked["messages"]]
        reply = line.reply(messages)
        if fault is not None and fault.kind == "cut_reply":
            text = reply.text[: len(reply.text) // 2]
            reply = ChatReply(text, "length", counted(messages, text))
        if fault is not None and fault.kind == "latency":
            await asyncio.sleep(fault.seconds)
        return self._sent(reply, fault)

    def _sent(self, reply: ChatReply, fault: ServerFault | None) -> Response:
        usage = reply.usage
        assert usage is not None
        body = json.dumps(_completion(reply)).encode()
        kind = fault.kind if fault is not None else "latency"
        if kind not in LOSES_REPLY:
            self._count(
                replies=1,
                prompt_tokens=usage.prompt_tokens,
                completion_tokens=usage.completion_tokens,
            )
            return Response(body, media_type="application/json")
        self._count(
            lost=1,
            lost_prompt_tokens=usage.prompt_tokens,
            lost_completion_tokens=usage.completion_tokens,
        )
        match kind:
            case "cut_body":
                return CutBody(body, media_type="application/json")
            case "cut_json":
                return Response(body[: len(body) // 2], media_type="application/json")
            case "wrong_content":
                return Response("<html><body>Bad gateway</body></html>", media_type="text/html")
            case "no_choices":
                return JSONResponse({"object": "chat.completion", "choices": []})
            case "trickle":
                return TrickleResponse(media_type="application/json")
            case _:
                return HangingResponse()

    def _refusal(self, status: int, message: str, fault: ServerFault | None = None) -> Response:
        self._count(refused=1)
        headers = None if fault is None else {"Retry-After": f"{fault.seconds:g}"}
        error = {"message": message, "type": "invalid_request_error" if status < 429 else "server"}
        return JSONResponse({"error": error}, status_code=status, headers=headers)

    def _count(self, **more: int) -> None:
        figures = cast("dict[str, int]", asdict(self._served))
        # Replaced whole, so that a reader in another thread sees one moment.
        self._served = replace(
            self._served, **{name: figures[name] + count for name, count in more.items()}
        )


def _completion(reply: ChatReply) -> JsonObject:
    usage = reply.usage
    assert usage is not None
    message: dict[str, Json] = {"role": "assistant", "content": reply.text}
    return {
        "id": "chatcmpl-scripted",
        "object": "chat.completion",
        "created": 0,
        "model": SCRIPTED_MODEL,
        "choices": [{"index": 0, "message": message, "finish_reason": reply.finish_reason}],
        "usage": {
            "prompt_tokens": usage.prompt_tokens,
            "completion_tokens": usage.completion_tokens,
            "total_tokens": usage.prompt_tokens + usage.completion_tokens,
        },
    }


def _bound(port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((_LOOPBACK, port))
        # Connections wait here until the thread runs.
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        raise SettingsError(
            f"cannot listen on {_LOOPBACK}:{port}: {error.strerror or error}; choose another port "
            "(0 takes a free one)"
        ) from None
    return listener
