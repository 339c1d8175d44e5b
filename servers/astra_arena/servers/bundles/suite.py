"""Suites: bundles with tasks that span them, as a folder that is written and read like a bundle.

A suite holds copies of its members, so that it can be moved as a whole.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from pydantic import Field, model_validator

from astra_arena.core.canonical import (
    Json,
    JsonObject,
    digest_of,
    digest_of_bytes,
    pretty_text,
)
from astra_arena.core.environment import Digests, EnvironmentName, ToolSpec
from astra_arena.core.errors import BundleError, SpecError
from astra_arena.core.model import Model
from astra_arena.core.offers import ToolRef, offered_name
from astra_arena.core.tasks import Task
from astra_arena.servers.bundles.artefact_folder import ArtefactFolder
from astra_arena.servers.bundles.bundle import (
    REPORT,
    TASKS,
    Bundle,
    copy_bundle,
    find_task,
    load_bundle,
    load_public_tasks,
    load_tasks,
    read_json_object,
    tasks_text,
    write_text,
)

SUITE = "suite.json"
MEMBERS = "members"
SUITE_FOLDER = ArtefactFolder("suite", SUITE)


@dataclass(frozen=True, slots=True)
class Suite:
    """Bundles with tasks that span them."""

    path: Path
    name: str
    title: str
    members: tuple[Bundle, ...]
    digests: Digests
    tasks: tuple[Task, ...]
    public_tasks_digest: str | None = None
    """Of an agent-side suite: what its tasks hash to."""

    @property
    def holds_gold(self) -> bool:
        """Whether what is played on it can be scored with it."""
        return self.digests.tasks is not None

    @property
    def tasks_digest(self) -> str:
        """What records name as the tasks that were played."""
        return self.digests.tasks or self.public_tasks_digest or ""

    @property
    def description(self) -> str:
        """What the members say of themselves."""
        return " ".join(member.description for member in self.members)

    @property
    def domain(self) -> str:
        """The members' domains."""
        return ", ".join(sorted({member.domain for member in self.members}))

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


def offered_specs(source: Source) -> tuple[ToolSpec, ...]:
    """Return the tools of all environments, under the names that they have when all are in use."""
    members = members_of(source)
    return tuple(
        spec.model_copy(
            update={"name": offered_name(ToolRef(member.name, spec.name), joint=len(members) > 1)}
        )
        for member in members
        for spec in member.environment.tools
    )


class SuiteMember(Model):
    """A member as the manifest names it."""

    name: EnvironmentName
    path: str
    """Of its bundle, below the suite's folder."""
    environment_digest: str

    @model_validator(mode="after")
    def _path_stays_inside(self) -> "SuiteMember":
        if self.path != f"{MEMBERS}/{self.name}":
            raise ValueError(f"the member {self.name!r} is expected at {MEMBERS}/{self.name}")
        return self


class SuiteManifest(Model):
    """The content of `suite.json`."""

    name: EnvironmentName
    title: str
    format_version: Literal[1] = 1
    members: tuple[SuiteMember, ...] = Field(min_length=1)
    digests: Digests | None = None

    @model_validator(mode="after")
    def _names_differ(self) -> "SuiteManifest":
        names = [self.name, *(member.name for member in self.members)]
        doubled = sorted({name for name in names if names.count(name) > 1})
        if doubled:
            raise ValueError(f"the names of a suite and its members must differ: {doubled[0]!r}")
        return self

    @property
    def digest(self) -> str:
        """The suite's digest: over everything here but `digests`, so over all members."""
        bare = self.to_json()
        bare.pop("digests", None)
        return digest_of(bare)


def load_suite(path: Path) -> Suite:
    """Read and verify the suite in the folder `path`, with its members.

    Raises:
        BundleError: naming the file that is missing, malformed or does not match its digest.
    """
    if not path.is_dir():
        raise BundleError(f"expected a suite's folder at {path}, found nothing such")
    file = path / SUITE
    try:
        manifest = SuiteManifest.from_json(read_json_object(file), what=str(file))
    except SpecError as error:
        raise BundleError(error.message) from None
    digests = manifest.digests
    if digests is None:
        raise BundleError(f"{file} has no 'digests'; write them with `arena seal {path}`")
    if manifest.digest != digests.environment:
        raise BundleError(
            f"{file} hashes to {manifest.digest}, but says {digests.environment}: it was changed "
            "after the suite was written; restore it, or write new digests with "
            f"`arena seal {path}`"
        )
    members = tuple(_load_member(path, member) for member in manifest.members)
    public: str | None = None
    if digests.tasks is None:
        tasks, public = load_public_tasks(path)
    else:
        tasks = load_tasks(path / TASKS, digests.tasks, SUITE)
    _require_known_members(tasks, members)
    return Suite(path, manifest.name, manifest.title, members, digests, tasks, public)


def _load_member(path: Path, member: SuiteMember) -> Bundle:
    bundle = load_bundle(path / member.path)
    came = (bundle.name, bundle.digests.environment)
    if came != (member.name, member.environment_digest):
        raise BundleError(
            f"{path / member.path} is {came[0]!r} with the digest {came[1]}, but {SUITE} says "
            f"{member.name!r} with {member.environment_digest}; restore it or make the suite again"
        )
    return bundle


def load_source(path: Path) -> Source:
    """Read and verify the bundle or suite in the folder `path`.

    Raises:
        BundleError: naming the file that is missing, malformed or does not match its digest.
    """
    return load_suite(path) if (path / SUITE).is_file() else load_bundle(path)


def join_bundles(
    name: str, title: str, members: Sequence[Bundle], tasks: Sequence[Task], *, path: Path
) -> Suite:
    """Make a suite in memory, to play tasks before they are written; nothing is at `path`.

    Raises:
        SpecError: if names clash or a task is about an environment that is no member.
    """
    manifest = _manifest(name, title, members)
    digest = digest_of_bytes(tasks_text(tasks).encode("utf-8"))
    digests = Digests(environment=manifest.digest, tasks=digest)
    try:
        _require_known_members(tasks, members)
    except BundleError as error:
        raise SpecError(error.message) from None
    return Suite(path, name, title, tuple(members), digests, tuple(tasks))


def write_suite(
    path: Path,
    *,
    name: str,
    title: str,
    members: Sequence[Bundle],
    tasks: Sequence[Task],
    report: JsonObject | None = None,
) -> Suite:
    """Write a suite into the folder `path` and read it back verified; equal inputs, equal bytes.

    The folder appears whole or not at all, as with `write_bundle`; the members are copied into it.

    Args:
        path: The folder; a suite that is there already is replaced.
        name: Names the suite in records and addresses.
        title: What people call it.
        members: The bundles.
        tasks: The tasks with their gold; each names its members by environment digest.
        report: The report card, without digests, which are added.

    Raises:
        BundleError: if `path` holds something that is not a suite, or cannot be written.
        SpecError: if names clash or a task is about an environment that is no member.
    """
    suite = join_bundles(name, title, members, tasks, path=path)
    manifest = _manifest(name, title, members)
    with SUITE_FOLDER.placed(path) as draft:
        (draft / MEMBERS).mkdir()
        for member in members:
            copy_bundle(member, draft / MEMBERS / member.name)
        write_text(draft / TASKS, tasks_text(tasks))
        digests = suite.digests.to_json()
        write_text(draft / SUITE, pretty_text({**manifest.to_json(), "digests": digests}))
        if report is not None:
            write_text(draft / REPORT, pretty_text({**report, "digests": digests}))
        load_suite(draft)
    return load_suite(path)


def _manifest(name: str, title: str, members: Sequence[Bundle]) -> SuiteManifest:
    listed: list[Json] = [
        {
            "name": member.name,
            "path": f"{MEMBERS}/{member.name}",
            "environment_digest": member.digests.environment,
        }
        for member in members
    ]
    manifest: JsonObject = {"name": name, "title": title, "format_version": 1, "members": listed}
    return SuiteManifest.from_json(manifest, what=f"suite {name!r}")


def _require_known_members(tasks: Sequence[Task], members: Sequence[Bundle]) -> None:
    by_digest = {member.digests.environment: member.name for member in members}
    for task in tasks:
        unknown = sorted(set(task.environments) - set(by_digest))
        if unknown:
            raise BundleError(
                f"task {task.id!r} is about the environment {unknown[0]}, which is no member; "
                f"the members are {', '.join(by_digest.values())}"
            )
        in_use = {by_digest[digest] for digest in task.environments}
        strange = sorted({q.environment for q in task.sub_questions} - in_use)
        if strange:
            raise BundleError(
                f"task {task.id!r} has a sub-question about {strange[0]!r}, which is not among the "
                f"environments that it names: {', '.join(sorted(in_use))}"
            )
