"""All kinds of environments that the tests have, served by one real `arena serve` process."""

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from astra_arena.core.tasks import Task
from astra_arena.servers import Source, load_source, start_server_process
from tests.interop.desk_bundle import CONVERSATION, FORM, RETURNS, write_desk_bundle
from tests.interop.tooling import ROOT
from tests.servers.joint_suite import GUIDE, JOINT_TASK, write_town
from tests.servers.small_bundle import write_small_bundle

SHIPPED = ROOT / "servers" / "suite"
"""The starter suite; every folder in it is a bundle or a suite of bundles."""


LABELS = (
    "small library",
    "desk: returns",
    "desk: conversation",
    "desk: form",
    "desk: phase",
    "town: joint",
    "town: member",
    *(f"suite/{path.name}" for path in sorted(SHIPPED.glob("*")) if path.is_dir()),
)
"""What there is to play on: kinds of environments and of tasks."""


_ADDRESSES = {"desk: phase": ("phase",), "town: member": ("members", GUIDE)}
"""Of an episode's further addresses: one phase of its tools, one member of a suite."""


@dataclass(frozen=True, slots=True)
class Place:
    """An environment with a task that an episode can be opened of."""

    path: Path
    environment: str
    task: Task
    address: tuple[str, ...] = ("mcp",)
    """Where the answer that opens an episode names the address to play at."""


class Arena:
    """A running server with all environments."""

    def __init__(self, control: httpx.Client, places: Mapping[str, Place]) -> None:
        self.places = places
        self._http = control

    def open(self, label: str) -> dict[str, Any]:
        """Open an episode over the control plane and return what it answers."""
        place = self.places[label]
        asked = {
            "environment": place.environment,
            "task": place.task.id,
            "seed": 3,
            "variant": place.task.variant,
        }
        answer = self._http.post("/episodes", json=asked)
        assert answer.status_code == 201, answer.text
        opened = answer.json()
        address = opened
        for name in place.address:
            address = address[name]
        return {**opened, "mcp": address}

    def close(self, episode: dict[str, Any]) -> dict[str, Any]:
        """Close an episode and return its record and verdict."""
        answer = self._http.delete(f"/episodes/{episode['id']}")
        assert answer.status_code == 200, answer.text
        return answer.json()


def make_places(folder: Path) -> dict[str, Place]:
    """Write the environments that are made by hand, and find those that ship."""
    small = write_small_bundle(folder / "small")
    desk = write_desk_bundle(folder / "desk")
    town = write_town(folder / "town", small)
    sources: list[tuple[Source, str]] = [
        (small, small.tasks[0].id),
        (desk, RETURNS),
        (desk, CONVERSATION),
        (desk, FORM),
        (desk, CONVERSATION),
        (town, JOINT_TASK),
        (town, JOINT_TASK),
    ]
    shipped = [
        load_source(SHIPPED / label.removeprefix("suite/"))
        for label in LABELS
        if label.startswith("suite/")
    ]
    sources += [(source, source.tasks[0].id) for source in shipped]
    return {
        label: Place(source.path, source.name, source.task(task), _ADDRESSES.get(label, ("mcp",)))
        for label, (source, task) in zip(LABELS, sources, strict=True)
    }


@contextmanager
def open_arena(places: Mapping[str, Place]) -> Generator[Arena]:
    """Serve the environments while the block runs."""
    paths = sorted({place.path for place in places.values()})
    with (
        start_server_process(paths) as process,
        httpx.Client(
            base_url=process.addresses.control,
            headers={"authorization": f"Bearer {process.token}"},
            timeout=60,
        ) as control,
    ):
        yield Arena(control, places)
