"""Brings up what the tests of containers need, runs them, and stops what it started.

    python -m tests.docker.engine [arguments of pytest]

A Docker engine that answers is used as it is. Where none does, and this runs as root on Debian, the
engine, `docker-compose` and `debootstrap` are installed from Debian's packages, and an engine is
started for as long as the tests run. The base image is pulled or, where no registry can be reached,
made of Debian's packages and imported under the tag that the Dockerfiles name. Version 2 of Compose
comes as a plugin out of Debian 13, and is put under `build/`, not installed.

What could not be had is said; where there is no engine, nothing is tested, and that is said too.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

ROOT = Path(__file__).parents[2]
BASE_IMAGE = "python:3.11-slim-bookworm"
PACKAGES = {"dockerd": "docker.io", "docker": "docker.io", "docker-compose": "docker-compose"}
BASE_PACKAGES = "python3,python3-venv,python3-pip,ca-certificates"
FOLDER = ROOT / "build" / "docker"
READY_SECONDS = 60.0
NEWER_DEBIAN = "trixie"
ARCHIVE_KEYS = "/usr/share/keyrings/debian-archive-keyring.gpg"


def say(text: str) -> None:
    """Tell what is done."""
    print(f"[test-docker] {text}", file=sys.stderr, flush=True)


def succeeds(*command: str, seconds: float = 60) -> bool:
    """Run a command; tell whether it is there and ends well."""
    try:
        done = subprocess.run(command, capture_output=True, check=False, timeout=seconds)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def run(*command: str, cwd: Path | None = None) -> str:
    """Run a command; return what it prints, or stop with it when it fails."""
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=cwd)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}:\n{(done.stdout + done.stderr)[-3000:]}")
    return done.stdout


def engine_answers() -> bool:
    """Tell whether an engine can be used."""
    return succeeds("docker", "version", "--format", "{{.Server.Version}}")


def can_install() -> bool:
    """Tell whether this may install Debian's packages."""
    return os.geteuid() == 0 and shutil.which("apt-get") is not None


def install(*packages: str) -> None:
    """Install Debian's packages."""
    say(f"install {', '.join(packages)} from Debian's packages")
    run("apt-get", "update")
    os.environ["DEBIAN_FRONTEND"] = "noninteractive"
    run("apt-get", "install", "-y", "--no-install-recommends", *packages)


@contextmanager
def engine() -> Generator[bool]:
    """Have an engine while the block runs; gives whether there is one."""
    if engine_answers():
        yield True
        return
    missing = {package for name, package in PACKAGES.items() if shutil.which(name) is None}
    if missing and not can_install():
        yield False
        return
    if missing:
        install(*sorted(missing))
    if os.geteuid() != 0:
        yield False
        return
    FOLDER.mkdir(parents=True, exist_ok=True)
    log = FOLDER / "dockerd.log"
    say(f"start an engine; it logs to {log}")
    with (
        log.open("wb") as output,
        subprocess.Popen(["dockerd"], stdout=output, stderr=output) as it,
    ):
        try:
            yield _became_ready(it)
        finally:
            say("stop the engine")
            it.terminate()
            with suppress(subprocess.TimeoutExpired):
                it.wait(30)
            it.kill()


def _became_ready(process: subprocess.Popen[bytes]) -> bool:
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        if engine_answers():
            return True
        time.sleep(0.5)
    return False


def have_base_image() -> None:
    """Have the image that the Dockerfiles start from."""
    if succeeds("docker", "image", "inspect", BASE_IMAGE):
        return
    if succeeds("docker", "pull", BASE_IMAGE, seconds=300):
        say(f"pulled {BASE_IMAGE}")
        return
    if not can_install():
        say(f"{BASE_IMAGE} cannot be pulled, and only root can make one")
        return
    if shutil.which("debootstrap") is None:
        install("debootstrap")
    say(f"{BASE_IMAGE} cannot be pulled; make one of Debian's packages (about two minutes)")
    with tempfile.TemporaryDirectory(prefix="arena-rootfs-") as folder:
        run("debootstrap", "--variant=minbase", f"--include={BASE_PACKAGES}", "bookworm", folder)
        with subprocess.Popen(["tar", "-C", folder, "-c", "."], stdout=subprocess.PIPE) as packed:
            subprocess.run(
                ["docker", "import", "-", BASE_IMAGE],
                stdin=packed.stdout,
                stdout=subprocess.DEVNULL,
                check=True,
            )


def have_compose_plugin() -> None:
    """Have `docker compose`, version 2, for this process and those that it starts."""
    if succeeds("docker", "compose", "version"):
        return
    plugins = FOLDER / "config" / "cli-plugins"
    if not (plugins / "docker-compose").exists():
        try:
            _unpack_plugin(plugins)
        except (SystemExit, OSError) as error:
            say(f"no version 2 of Compose: its tests are skipped ({str(error).splitlines()[0]})")
            return
    os.environ["DOCKER_CONFIG"] = str(plugins.parent)


def _unpack_plugin(plugins: Path) -> None:
    """Take the plugin out of the next Debian's package; nothing of this system is changed."""
    if shutil.which("apt-get") is None:
        raise OSError("apt-get is not here")
    say(f"fetch Compose version 2 out of Debian's {NEWER_DEBIAN}")
    with tempfile.TemporaryDirectory(prefix="arena-compose-") as name:
        folder = Path(name)
        (folder / "lists" / "partial").mkdir(parents=True)
        (folder / "cache" / "archives" / "partial").mkdir(parents=True)
        source = f"deb [signed-by={ARCHIVE_KEYS}] {_mirror()} {NEWER_DEBIAN} main\n"
        (folder / "sources.list").write_text(source, encoding="utf-8")
        apart = (
            *("-o", f"Dir::Etc::sourcelist={folder}/sources.list", "-o", "Dir::Etc::sourceparts=-"),
            *("-o", f"Dir::State::lists={folder}/lists", "-o", f"Dir::Cache={folder}/cache"),
        )
        run("apt-get", *apart, "update")
        run("apt-get", *apart, "download", "docker-compose", cwd=folder)
        run("dpkg", "-x", str(next(folder.glob("docker-compose_*.deb"))), str(folder / "unpacked"))
        plugins.mkdir(parents=True, exist_ok=True)
        unpacked = folder / "unpacked" / "usr" / "libexec" / "docker" / "cli-plugins"
        shutil.copy(unpacked / "docker-compose", plugins)


def _mirror() -> str:
    """Return where this system's own packages come from."""
    told = run("apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages")
    found = [line for line in told.splitlines() if line.rstrip("/").endswith("/debian")]
    if not found:
        raise OSError("this system's packages come from no mirror of Debian")
    return found[0]


def versions() -> str:
    """Tell what is tried."""
    asked = {
        "engine": ["docker", "version", "--format", "{{.Server.Version}}"],
        "compose v1": ["docker-compose", "version", "--short"],
        "compose v2": ["docker", "compose", "version", "--short"],
    }
    told: dict[str, str] = {}
    for name, command in asked.items():
        done = None
        with suppress(OSError):
            done = subprocess.run(command, capture_output=True, text=True, check=False)
        told[name] = done.stdout.strip() if done and done.returncode == 0 else "none"
    return json.dumps(told)


def main(arguments: Sequence[str]) -> int:
    """Run the tests; the exit code is that of pytest, 0 where nothing can be tested."""
    with engine() as is_there:
        if not is_there:
            say("SKIPPED: no Docker engine answers; nothing about containers was tested")
            return 0
        have_base_image()
        have_compose_plugin()
        say(versions())
        command = [sys.executable, "-m", "pytest", "-n", "0", "-m", "docker", "tests/docker"]
        return subprocess.run([*command, *arguments], cwd=ROOT, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
