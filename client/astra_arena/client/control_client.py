"""The control plane from the harness's side: environments, tasks, episodes opened and closed."""

import logging
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Literal, TypeVar

import anyio
import httpx

from astra_arena.client.control_models import (
    ClosedEpisode,
    EnvironmentCard,
    OpenedEpisode,
    SnapshotCard,
    TaskCard,
    TaskPage,
    UserAnswer,
)
from astra_arena.core.canonical import Json, JsonObject
from astra_arena.core.errors import (
    ArenaError,
    ConnectionLostError,
    EpisodeError,
    SettingsError,
    SpecError,
    UnknownTaskError,
)
from astra_arena.core.model import Model
from astra_arena.core.tasks import BudgetChange
from astra_arena.core.tool_mixing import ToolMixing
from astra_arena.core.user import ReplyKind
from astra_arena.core.verdicts import Mode, Verdict

logger = logging.getLogger(__name__)

CONNECT_RETRIES = 2
BUSY_RETRIES = 5
LONGEST_WAIT = 10.0
"""Seconds; a server that asks for more is taken at this."""
TIMEOUT = httpx.Timeout(60.0, connect=5.0, pool=None)
LIMITS = httpx.Limits(max_connections=None, max_keepalive_connections=256, keepalive_expiry=60.0)
TASKS_PER_PAGE = 1000


_ReplyT = TypeVar("_ReplyT", bound=Model)


class ControlClient:
    """Talks to one control plane; made by `open_control_client`.

    Connecting is retried, and so is what a busy server (429, 503) puts off, as long as it asks for,
    a few times.
    """

    def __init__(self, http: httpx.AsyncClient, address: str) -> None:
        self._http = http
        self.address = address

    async def environments(self) -> tuple[EnvironmentCard, ...]:
        """List the environments."""
        data = await self._request("GET", "/environments")
        if not isinstance(data, list):
            raise self._odd("/environments")
        return tuple(_read(EnvironmentCard, item, "an environment") for item in data)

    async def environment(self, name: str | None) -> EnvironmentCard:
        """Return the environment called `name`, or the only one.

        Raises:
            UnknownTaskError: naming what there is.
        """
        cards = await self.environments()
        found = [card for card in cards if name in (None, card.name)]
        if len(found) == 1:
            return found[0]
        names = ", ".join(card.name for card in cards) or "none"
        asked = "name an environment (--environment)" if name is None else f"there is no {name!r}"
        raise UnknownTaskError(f"{self.address}: {asked}; it serves: {names}")

    async def tasks(self, environment: str) -> tuple[TaskCard, ...]:
        """List all tasks of an environment, without their gold."""
        tasks: list[TaskCard] = []
        while True:
            query = f"offset={len(tasks)}&limit={TASKS_PER_PAGE}"
            data = await self._request("GET", f"/environments/{environment}/tasks?{query}")
            page = _read(TaskPage, data, "a page of tasks")
            tasks.extend(page.tasks)
            if not page.tasks or len(tasks) >= page.total:
                return tuple(tasks)

    async def open_episode(
        self,
        environment: str,
        task: str,
        *,
        seed: int = 0,
        variant: str = "base",
        budget: BudgetChange | None = None,
        mixing: ToolMixing | None = None,
    ) -> OpenedEpisode:
        """Open an episode of a task.

        Args:
            environment: The name of a bundle or a suite.
            task: Its task.
            seed: Keys all randomness of the episode.
            variant: The task's.
            budget: What to change of the task's budget.
            mixing: In place of the task's own.

        Raises:
            UnknownTaskError: if there is no such environment or task.
            SpecError: if the task cannot be played so.
        """
        body: JsonObject = {
            "environment": environment,
            "task": task,
            "seed": seed,
            "variant": variant,
        }
        if budget is not None:
            body["budget"] = budget.to_json()
        if mixing is not None:
            body["mixing"] = mixing.to_json()
        return _read(OpenedEpisode, await self._request("POST", "/episodes", body), "an episode")

    async def reply(
        self, episode_id: str, message: str, kind: ReplyKind = "answer", *, key: str | None = None
    ) -> UserAnswer:
        """End the agent's turn in words and return what the user says.

        Args:
            key: Idempotency key: a message that was taken already is answered from the log.

        Raises:
            SpecError: if the message was not taken.
            EpisodeError: if the conversation is over.
        """
        body: JsonObject = {"message": message, "kind": kind, "key": key}
        data = await self._request("POST", f"/episodes/{episode_id}/reply", body)
        return _read(UserAnswer, data, "the user's answer")

    async def close_episode(self, episode_id: str) -> ClosedEpisode:
        """End an episode and return its record and verdict; closing twice gives the same."""
        data = await self._request("DELETE", f"/episodes/{episode_id}")
        return _read(ClosedEpisode, data, "a closed episode")

    async def snapshot(self, episode_id: str) -> SnapshotCard:
        """Keep an open episode as it is now, to branch from it later.

        Raises:
            EpisodeError: if it has ended or is void.
        """
        data = await self._request("POST", f"/episodes/{episode_id}/snapshots")
        return _read(SnapshotCard, data, "a snapshot")

    async def branch_episode(
        self, episode_id: str, *, snapshot: str | None = None
    ) -> OpenedEpisode:
        """Open an independent episode that goes on from where another one is, or was.

        Args:
            episode_id: The other one.
            snapshot: The id of one of its snapshots; as it is now when absent.

        Raises:
            EpisodeError: if it has ended or is void, or the snapshot is not kept any more.
        """
        body: JsonObject = {"snapshot": snapshot}
        data = await self._request("POST", f"/episodes/{episode_id}/branch", body)
        return _read(OpenedEpisode, data, "a branched episode")

    async def verdict(self, episode_id: str, *, mode: Mode = "strict") -> Verdict:
        """Return what an episode has earned so far."""
        data = await self._request("GET", f"/episodes/{episode_id}/verdict?mode={mode}")
        return _read(Verdict, data, "a verdict")

    async def _request(
        self, method: Literal["GET", "POST", "DELETE"], path: str, body: Json = None
    ) -> Json:
        reply = await self._send(method, path, body)
        for attempt in range(BUSY_RETRIES):
            if reply.status_code not in (429, 503):
                break
            await anyio.sleep(_wait_seconds(reply, attempt))
            reply = await self._send(method, path, body)
        if reply.is_success:
            return _json(reply)
        raise self._refused(reply)

    async def _send(self, method: str, path: str, body: Json) -> httpx.Response:
        try:
            return await self._http.request(method, path, json=body)
        except httpx.HTTPError as error:
            raise self._lost(error) from error

    def _lost(self, error: httpx.HTTPError) -> ConnectionLostError:
        detail = str(error) or type(error).__name__
        return ConnectionLostError(
            f"no answer from the control plane at {self.address}: {detail}; check that the server "
            "runs (`arena serve BUNDLE` prints its address) and can be reached from here"
        )

    def _odd(self, path: str) -> ConnectionLostError:
        return ConnectionLostError(
            f"{self.address}{path} is not a control plane's: "
            "give the control address, not the MCP one"
        )

    def _refused(self, reply: httpx.Response) -> ArenaError:
        boundary, message = _error_of(reply)
        match reply.status_code:
            case 401 | 403:
                return SettingsError(
                    f"the control plane at {self.address} refused the token; "
                    "give the one that `arena serve` was started with or has printed"
                )
            case 404 if boundary == "task":
                return UnknownTaskError(message)
            case 404 | 409 if boundary == "episode":
                return EpisodeError(message)
            case 404:
                return self._odd(reply.url.path)
            case 400 | 422:
                return SpecError(f"the control plane at {self.address} refused: {message}")
            case status:
                return ConnectionLostError(
                    f"the control plane at {self.address} answered {status}: {message}"
                )


@asynccontextmanager
async def open_control_client(address: str, token: str) -> AsyncGenerator[ControlClient]:
    """Connect to the control plane at `address`.

    Raises:
        SettingsError: if the address is not one.
    """
    address = address.rstrip("/")
    if not address.startswith(("http://", "https://")):
        raise SettingsError(
            f"expected a control address like http://127.0.0.1:8801, got {address!r}"
        )
    transport = httpx.AsyncHTTPTransport(retries=CONNECT_RETRIES, limits=LIMITS)
    headers = {"authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(
        base_url=address, headers=headers, timeout=TIMEOUT, transport=transport
    ) as http:
        yield ControlClient(http, address)


def _wait_seconds(reply: httpx.Response, attempt: int) -> float:
    asked = reply.headers.get("retry-after", "")
    wait = float(asked) if asked.replace(".", "", 1).isdigit() else 0.1 * 2**attempt
    return min(wait, LONGEST_WAIT)


def _json(reply: httpx.Response) -> Json:
    try:
        return reply.json()
    except ValueError:
        return None


def _error_of(reply: httpx.Response) -> tuple[str | None, str]:
    """Return boundary and message of an error reply; foreign servers have no boundary."""
    match _json(reply):
        case {"error": {"boundary": str(boundary), "message": str(message)}}:
            return boundary, message
        case _:
            return None, reply.text[:200]


def _read(model: type[_ReplyT], data: Json, what: str) -> _ReplyT:
    try:
        return model.from_json(data, what=f"the control plane's reply: {what}")
    except SpecError as error:
        raise ConnectionLostError(
            f"{error.message}; the server and this client are not of the same version"
        ) from None
