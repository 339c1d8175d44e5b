"""The sandbox in a container: Docker's default profile, no capability, no network, no writing."""

import json
import subprocess
import uuid
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from astra_arena.sandbox import DurableSession, Limits, RemoteSandbox, Succeeded
from tests.adversarial.catalogue import CATEGORIES
from tests.docker.containers import (
    CONFINED,
    ROOT,
    build_sandbox_image,
    docker,
    require_engine,
    run_python,
)
from tests.sandbox.programs import program_of
from tests.sandbox.workers import TOKEN
from tests.support.requirement import requirement

pytestmark = [pytest.mark.docker, pytest.mark.timeout(900)]

CODE = """
def add(db, *, name):
    db.execute("INSERT INTO thing VALUES (?)", (name,))
    return {"count": db.execute("SELECT count(*) FROM thing").fetchone()[0]}
"""


@pytest.fixture(scope="module")
def runtimes() -> set[str]:
    return require_engine()


@pytest.fixture(scope="module")
def image(runtimes: set[str], tmp_path_factory: pytest.TempPathFactory) -> str:
    return build_sandbox_image(tmp_path_factory.mktemp("context"))


@pytest.fixture(params=["runc", "runsc"])
def runtime(request: pytest.FixtureRequest, runtimes: set[str]) -> str:
    if request.param not in runtimes:
        pytest.skip(f"the engine has no runtime {request.param!r}")
    return request.param


def test_the_image_holds_the_sandbox_and_nothing_above_it(image: str) -> None:
    script = """
import importlib.util as u
names = ["sandbox", "servers", "client", "synthesizer"]
print([name for name in names if u.find_spec("astra_arena." + name)])
print([name for name in ("mcp", "fastapi", "httpx", "uvicorn", "pytest") if u.find_spec(name)])
"""
    assert run_python(image, script, runtime="runc").splitlines() == ["['sandbox']", "[]"]


@requirement("sandbox:containers")
def test_the_sandbox_conforms_in_a_container(image: str, runtime: str) -> None:
    script = (Path(__file__).parent / "inside_conformance.py").read_text(encoding="utf-8")
    said = json.loads(run_python(image, script, runtime=runtime, timeout_s=800))
    assert said["tier"].startswith("seccomp")
    wrong = {name: outcome for name, outcome in said["outcomes"].items() if outcome != "passed"}
    assert wrong == {}
    assert len(said["outcomes"]) >= 16


@requirement("sandbox:containers")
@pytest.mark.parametrize("name", CATEGORIES)
def test_no_attack_gets_out_of_its_session_in_a_container(
    image: str, runtime: str, name: str
) -> None:
    category = CATEGORIES[name]
    tier = "seccomp" if runtime == "runsc" else "seccomp+landlock"
    mounted = [f"--volume={ROOT}/tests/__init__.py:/attacks/tests/__init__.py:ro"]
    mounted.append(f"--volume={ROOT}/tests/adversarial:/attacks/tests/adversarial:ro")
    command = ["run", *CONFINED, f"--runtime={runtime}", *mounted, "--env=PYTHONPATH=/attacks"]
    command += ["--entrypoint=python3", image, "-m", "tests.adversarial.driver", name, tier]
    told = json.loads(docker(*command, timeout_s=600))["endings"]
    assert sorted(told) == sorted(category.names)
    wrong = {
        attack: ending
        for attack, ending in told.items()
        if ending[0] not in category.endings_of(attack)
    }
    assert wrong == {}


@contextmanager
def worker_container(image: str, folder: Path) -> Generator[tuple[str, str]]:
    """Run a worker whose socket lies in `folder`; yields its address and the container's name."""
    name = f"arena-worker-{uuid.uuid4().hex[:8]}"
    folder.mkdir()
    folder.chmod(0o777)
    token = folder.parent / "token"
    token.write_text(TOKEN, encoding="utf-8")
    token.chmod(0o644)
    mounted = (f"--volume={folder}:/run/arena", f"--volume={token}:/run/secrets/sandbox_token:ro")
    command = ["docker", "run", f"--name={name}", *CONFINED, "--pids-limit=300", *mounted, image]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline().startswith(b"ready")
            yield f"unix:{folder}/worker.sock", name
        finally:
            subprocess.run(["docker", "kill", name], capture_output=True, check=False, timeout=60)
            process.wait(60)


async def test_a_worker_in_a_container_is_lost_and_made_good_by_another(
    image: str, tmp_path: Path
) -> None:
    with ExitStack() as stack:
        one, name = stack.enter_context(worker_container(image, tmp_path / "one"))
        two, _ = stack.enter_context(worker_container(image, tmp_path / "two"))
        async with RemoteSandbox([one, two], token=TOKEN) as sandbox:
            assert sandbox.tier.startswith("seccomp")
            program = program_of(tmp_path, CODE, limits=Limits())
            session = DurableSession(sandbox, program, seed=1)
            await session.call("add", {"name": "a"})
            docker("kill", name)
            delivery = await session.call("add", {"name": "b"})
            assert delivery.execution == Succeeded({"count": 2})
            await session.close()


def test_a_worker_without_its_token_does_not_start(image: str) -> None:
    done = subprocess.run(
        ["docker", "run", *CONFINED, image], capture_output=True, check=False, timeout=60
    )
    assert done.returncode == 2
    assert b"token file" in done.stderr
