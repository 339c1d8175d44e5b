"""Suites: bundles with tasks that span them, as a folder that is written and verified like a bundle.

A suite holds copies of its members, so that it can be moved as a whole.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from astra_arena.core.canonical import JsonObject, digest_of
from astra_arena.core.environment import Digests
from astra_arena.core.tasks import Task
from astra_arena.servers.bundle import Bundle, find_task

SUITE = "suite.json"
MEMBERS = "members"


@dataclass(frozen=True, slots=True)
class Suite:
    """Bundles with tasks that span them."""

    path: Path
    name: str
    title: str
    members: tuple[Bundle, ...]
    digests: Digests
    tasks: tuple[Task, ...]

    def task(self, task_id: str) -> Task:
        """Return the task with this id.

        Raises:
            UnknownTaskError: naming what there is.
        """
        return find_task(self.tasks, task_id, f"suite {self.name!r}")


Source: TypeAlias = Bundle | Suite
"""What episodes are played on."""


def members_of(source: Source) -> tuple[Bundle, ...]:
    """Return the environments of a bundle or a suite."""
    return source.members if isinstance(source, Suite) else (source,)
