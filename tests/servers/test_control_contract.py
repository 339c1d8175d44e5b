"""The control plane against its own OpenAPI document: every route, also those to come."""

from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import settings
from schemathesis import Case, GenerationMode
from schemathesis.schemas import BaseSchema

from astra_arena.servers import Bundle, start_server_process
from tests.servers.joint_suite import GUIDE, write_guide
from tests.servers.small_bundle import NAME, TASK
from tests.support.requirement import requirement

# What fits the document may still name what is not there, or be no bundle.
_ANSWERED = ["2xx", "401", "403", "404", "409", "422"]
_CONFIG: dict[str, Any] = {
    "checks": {"positive_data_acceptance": {"expected-statuses": _ANSWERED}},
}


@dataclass(frozen=True)
class Operated:
    """A running server, and a bundle that comes and goes on it."""

    http: httpx.Client
    headers: dict[str, str]
    guide: Path

    def episode(self) -> str:
        asked = {"environment": NAME, "task": TASK}
        return self.http.post("/episodes", json=asked).json()["id"]

    def snapshot(self) -> str:
        return self.http.post(f"/episodes/{self.episode()}/snapshots").json()["id"]

    def with_guide(self, *, served: bool) -> str:
        self.http.delete(f"/environments/{GUIDE}")
        if served:
            self.http.post("/environments", json={"path": str(self.guide)}).raise_for_status()
        return GUIDE

    def answer(self, case: Case[Any]) -> int:
        """Send a request, check the answer by everything that the document says of it."""
        # The library does not type this in full.
        sent: Any = case
        answer: schemathesis.Response = sent.call_and_validate(headers=self.headers)
        if case.path == "/drain":
            self.http.delete("/drain")
        return answer.status_code

    def furnish(self, case: Case[Any]) -> bool:
        """Name what exists wherever a request names something; tell whether all is known."""
        known = {"episode_id": self.episode, "snapshot_id": self.snapshot, "name": lambda: NAME}
        if case.path == "/environments/{name}" and case.method in ("PUT", "DELETE"):
            known["name"] = lambda: self.with_guide(served=True)
        names = list(case.path_parameters or {})
        for name in names:
            if name in known:
                case.path_parameters[name] = known[name]()
        match case.method, case.path:
            case "POST", "/environments":
                self.with_guide(served=False)
                case.body = {"path": str(self.guide)}
            case "PUT", "/environments/{name}":
                case.body = {"path": str(self.guide)}
            case "POST", "/episodes":
                case.body = {"environment": NAME, "task": TASK}
            case "POST", "/episodes/{episode_id}/branch":
                case.body = {"snapshot": None}
            case _:
                # This task takes no words.
                return set(names) <= set(known) and not case.path.endswith("/reply")
        return True


@pytest.fixture(scope="module")
def operated(bundle: Bundle, tmp_path_factory: pytest.TempPathFactory) -> Generator[Operated]:
    guide = write_guide(tmp_path_factory.mktemp("guide")).path
    with start_server_process([bundle.path]) as server:
        headers = {"Authorization": f"Bearer {server.token}"}
        address = server.addresses.control
        with httpx.Client(base_url=address, headers=headers, timeout=30) as http:
            yield Operated(http, headers, guide)


@pytest.fixture(scope="module")
def document(operated: Operated) -> BaseSchema:
    address = f"{operated.http.base_url}/openapi.json"
    configs: Any = schemathesis.Config
    return schemathesis.openapi.from_url(address, config=configs.from_dict(_CONFIG))


# The library does not type what decorates a test.
_lazily: Any = schemathesis.pytest.from_fixture("document")
every_route: Callable[[Callable[..., None]], Callable[..., None]] = _lazily.parametrize()


@requirement("control:contract")
@every_route
@settings(max_examples=20)
def test_a_route_answers_whatever_comes_as_the_document_says(
    case: Case[Any], operated: Operated
) -> None:
    operated.answer(case)


@requirement("control:contract")
@every_route
@settings(max_examples=3)
def test_a_route_answers_about_what_exists_as_the_document_says(
    case: Case[Any], operated: Operated
) -> None:
    if case.meta is not None and case.meta.generation.mode is GenerationMode.NEGATIVE:
        return
    known = operated.furnish(case)
    status = operated.answer(case)
    assert not known or status < 300, (case.method, case.path, status)
