"""One session: loads the tool code and answers calls until the host closes the channel."""

import dis
import hashlib
import json
import marshal
import os
import socket
import sys
from dataclasses import dataclass
from types import CodeType, ModuleType, TracebackType
from typing import Any, NoReturn, cast

from astra_arena.sandbox.guest import confinement, determinism
from astra_arena.sandbox.guest.branching import Forker
from astra_arena.sandbox.guest.frames import read_frame, send_frame
from astra_arena.sandbox.guest.policy import CODE_NAME
from astra_arena.sandbox.guest.world import World, WorldError
from astra_arena.sandbox.guest.worlds import PythonWorld

_RAISE = dis.opmap["RAISE_VARARGS"]
_DEEPEST = 100
_LONGEST_DETAIL = 2000
_RECURSION_LIMIT = 1000
_REFUSALS = (LookupError, ValueError, PermissionError)


class ResultError(Exception):
    """A result that is no reply."""

    def __init__(self, kind: str, detail: str) -> None:
        super().__init__(detail)
        self.kind = kind


@dataclass(frozen=True)
class SessionLimits:
    """The limits that a session keeps itself."""

    cpu_seconds: float
    reply_bytes: int
    sql_steps: int


class Session:
    """The loaded tool code and its world."""

    def __init__(self, world: World, limits: SessionLimits) -> None:
        self._world = world
        self._limits = limits
        self._functions: dict[str, Any] = {}
        self._defect = ""

    def load(self, code: bytes, *, key: bytes) -> None:
        """Run the tool code's top level; what breaks there breaks every call."""
        confinement.renew_cpu_time(self._limits.cpu_seconds)
        determinism.reseed(key)
        # A real module: dataclasses and typing look their classes' module up.
        module = ModuleType("tools")
        sys.modules["tools"] = module
        self._functions = vars(module)
        try:
            exec(cast("CodeType", marshal.loads(code)), self._functions)
            if isinstance(self._world, PythonWorld):
                self._world.attach(self._functions)
        except BaseException as error:
            self._defect = f"while loading: {_described(error)}"

    def answer(self, request: dict[str, Any]) -> bytes:
        """Serve one request; returns the frame's body."""
        number: int = request["id"]
        if self._defect:
            return _broke(number, "raised", self._defect)
        if "replay" in request:
            return self._replayed(number, request["replay"])
        if "tool" not in request:
            return self._told(number, request)
        try:
            text, trace = self._ran(request)
        except BaseException as error:
            return self._failed(number, error)
        return b'{"id":%d,"ok":%b,"trace":"%b"}' % (number, text, trace.encode("ascii"))

    def _ran(self, request: dict[str, Any]) -> tuple[bytes, str]:
        confinement.renew_cpu_time(self._limits.cpu_seconds)
        determinism.reseed(bytes.fromhex(request["key"]))
        sys.setrecursionlimit(_RECURSION_LIMIT)
        first = self._world.begin(self._limits.sql_steps)
        result = self._functions[request["tool"]](first, **request["arguments"])
        text = self._encoded(result)
        if self._world.out_of_steps():
            raise ResultError("steps", "the SQL budget ran out")
        written = self._world.commit()
        return text, hashlib.sha256(written + text).hexdigest() if written else ""

    def _told(self, number: int, request: dict[str, Any]) -> bytes:
        """Tell of the state; no call is under way."""
        confinement.renew_cpu_time(self._limits.cpu_seconds)
        if "difference" not in request:
            return b'{"id":%d,"digest":"%b"}' % (number, self._world.digest().encode("ascii"))
        try:
            difference = self._world.difference()
            _require_shape(cast("dict[object, object]", difference))
        except (ResultError, RecursionError) as error:
            return _broke(number, "bad_result", f"the difference of the state: {error}")
        text = json.dumps(difference, sort_keys=True, separators=(",", ":"), allow_nan=False)
        return json.dumps({"id": number, "difference": text}).encode("ascii")

    def _replayed(self, number: int, calls: list[dict[str, Any]]) -> bytes:
        for place, call in enumerate(calls):
            try:
                _, trace = self._ran(call)
            except BaseException as error:
                return _stopped(number, place, self._failed(number, error))
            if trace != call["trace"]:
                detail = f"expected the trace {call['trace']}, got {trace or 'none'}"
                return _stopped(number, place, _broke(number, "diverged", detail))
        return b'{"id":%d,"replayed":%d}' % (number, len(calls))

    def _failed(self, number: int, error: BaseException) -> bytes:
        self._world.undo()
        lost = self._world.lost
        if self._world.out_of_steps():
            return _broke(number, "steps", "the SQL budget ran out", lost=lost)
        if isinstance(error, ResultError):
            return _broke(number, error.kind, str(error), lost=lost)
        if isinstance(error, WorldError):
            return _broke(number, "raised", str(error), lost=lost)
        if lost or not is_refusal(error):
            return _broke(number, "raised", _described(error), lost=lost)
        message = _text_of(error).encode("utf-8", "backslashreplace").decode("utf-8")
        body = json.dumps({"id": number, "failed": message}).encode("ascii")
        if len(body) > self._limits.reply_bytes:
            return _broke(number, "too_large", f"a message of {len(body)} bytes")
        return body

    def _encoded(self, result: object) -> bytes:
        if not isinstance(result, dict):
            raise ResultError("bad_result", f"expected a dict, got {type(result).__name__}")
        _require_shape(cast("dict[object, object]", result))
        try:
            text = json.dumps(
                result, sort_keys=True, allow_nan=False, ensure_ascii=False, separators=(",", ":")
            ).encode("utf-8")
        except (TypeError, ValueError, RecursionError) as error:
            raise ResultError("bad_result", f"not JSON: {error}") from error
        if len(text) > self._limits.reply_bytes:
            raise ResultError("too_large", f"a reply of {len(text)} bytes")
        return text


def serve(channel: socket.socket, session: Session, forker: Forker | None) -> NoReturn:
    """Answer calls until the channel ends, then end the process."""
    while (frame := read_frame(channel)) is not None:
        request: dict[str, Any] = json.loads(frame)
        body = _branched(request["id"], forker) if "branch" in request else session.answer(request)
        send_frame(channel, body)
    os._exit(0)


def _branched(number: int, forker: Forker | None) -> bytes:
    """Fork; returns what each of the two says."""
    is_child = None if forker is None else forker.fork()
    if not is_child:
        return b'{"id":%d,"branched":%b}' % (number, b"true" if is_child is False else b"false")
    # Timers are not inherited.
    confinement.renew_cpu_time(1)
    return b'{"id":0,"ok":{}}'


def is_refusal(error: BaseException) -> bool:
    """Tell whether a tool refused: one of three types exactly, raised by a `raise` of its own."""
    if type(error) not in _REFUSALS or getattr(error, "errno", None) is not None:
        return False
    last = error.__traceback__
    while last is not None and last.tb_next is not None:
        last = last.tb_next
    return last is not None and _raises(last)


def _raises(entry: TracebackType) -> bool:
    code = entry.tb_frame.f_code
    return code.co_filename == CODE_NAME and code.co_code[entry.tb_lasti] == _RAISE


def _require_shape(result: dict[object, object]) -> None:
    level: list[object] = [result]
    for _ in range(_DEEPEST):
        below: list[object] = []
        for value in level:
            if isinstance(value, dict):
                held = cast("dict[object, object]", value)
                if not all(isinstance(key, str) for key in held):
                    raise ResultError("bad_result", "expected strings as object keys")
                below += [v for v in held.values() if isinstance(v, dict | list | tuple)]
            else:
                items = cast("list[object]", value)
                below += [v for v in items if isinstance(v, dict | list | tuple)]
        if not below:
            return
        level = below
    raise ResultError("bad_result", f"nested more than {_DEEPEST} deep")


def _broke(number: int, kind: str, detail: str, *, lost: bool = False) -> bytes:
    short = detail[:_LONGEST_DETAIL].encode("utf-8", "backslashreplace").decode("utf-8")
    return json.dumps({"id": number, "broke": [kind, short], "lost": lost}).encode("ascii")


def _stopped(number: int, place: int, body: bytes) -> bytes:
    """Say how far a replay came, and how the call after that ended."""
    return json.dumps({**json.loads(body), "replayed": place}).encode("ascii")


def _described(error: BaseException) -> str:
    line = 0
    entry = error.__traceback__
    while entry is not None:
        if entry.tb_frame.f_code.co_filename == CODE_NAME:
            line = entry.tb_lineno
        entry = entry.tb_next
    where = f" ({CODE_NAME}, line {line})" if line else ""
    return f"{type(error).__name__}: {_text_of(error)[:_LONGEST_DETAIL]}{where}"


def _text_of(error: BaseException) -> str:
    try:
        return str(error)
    except BaseException:
        return "(no text)"
