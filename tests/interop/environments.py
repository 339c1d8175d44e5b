"""All kinds of environments that the tests have, served by one real `arena serve` process."""

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from astra_arena.core.tasks import Task
from astra_arena.servers import Source, load_source, start_server_process
from astra_arena.synthesizer.apis.api_options import ApiOptions
from astra_arena.synthesizer.apis.api_synthesis import synthesize_api
from astra_arena.synthesizer.demo import DESCRIPTIONS, SHIPPED_DATA
from astra_arena.synthesizer.qa.environments.question_synthesis import (
    QuestionOptions,
    synthesize_questions,
)
from astra_arena.synthesizer.shipped_data import shipped_api
from astra_arena.synthesizer.synthesize import TableOptions, synthesize_tables
from astra_arena.synthesizer.tables.descriptions import load_descriptions
from tests.interop.desk_bundle import CONVERSATION, FORM, RETURNS, write_desk_bundle
from tests.interop.tooling import ROOT
from tests.servers.joint_suite import GUIDE, JOINT_TASK, write_town
from tests.servers.small_bundle import write_small_bundle
from tests.synthesizer.qa.conftest import imported

SHIPPED = ROOT / "servers" / "suite"
"""The starter suite; every folder in it is a bundle or a suite of bundles."""

_QUICK = ("schema",)


LABELS = (
    "small library",
    "desk: returns",
    "desk: conversation",
    "desk: form",
    "desk: phase",
    "town: joint",
    "town: member",
    "flights",
    "petstore",
    "reports",
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
    """Write the environments: by hand, from tables, from an API, from questions."""
    small = write_small_bundle(folder / "small")
    desk = write_desk_bundle(folder / "desk")
    town = write_town(folder / "town", small)
    flights = TableOptions(tasks=4, gates=_QUICK, descriptions=load_descriptions(DESCRIPTIONS))
    api = ApiOptions(tasks=4, rows=20, seed=3, gates=_QUICK)
    questions = QuestionOptions(tasks=4, seed=3, gates=_QUICK)
    (reports,) = synthesize_questions(
        imported("tatqa", folder), folder / "reports", questions
    ).bundles
    sources: list[tuple[Source, str]] = [
        (small, small.tasks[0].id),
        (desk, RETURNS),
        (desk, CONVERSATION),
        (desk, FORM),
        (desk, CONVERSATION),
        (town, JOINT_TASK),
        (town, JOINT_TASK),
    ]
    made = (
        synthesize_tables(SHIPPED_DATA, folder / "flights", flights).bundle,
        synthesize_api(shipped_api("petstore"), folder / "petstore", api).bundle,
        reports,
        *(load_source(SHIPPED / label.partition("/")[2]) for label in LABELS if "/" in label),
    )
    sources += [(source, source.tasks[0].id) for source in made]
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
