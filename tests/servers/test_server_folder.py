"""Emitted folders: what is in them, that they are equal, and what they refuse to overwrite."""

import json
import shutil
import subprocess
import zipfile
from pathlib import Path
from typing import Any

import kubernetes_validate  # pyright: ignore[reportMissingTypeStubs]
import pytest
import yaml

from astra_arena.core import cli
from astra_arena.core.errors import BundleError, SettingsError
from astra_arena.servers import Bundle, Suite, load_source, write_suite
from astra_arena.servers.emission.server_folder import EmissionOptions, emit
from tests.servers.joint_suite import GUIDE, joint_tasks, write_guide
from tests.servers.small_bundle import GOLD_PHONE, NAME, write_small_bundle
from tests.support.requirement import requirement

TOKEN = "a-token-that-no-file-may-hold"


@pytest.fixture(scope="module")
def suite(tmp_path_factory: pytest.TempPathFactory) -> Suite:
    folder = tmp_path_factory.mktemp("suite")
    members = (write_small_bundle(folder), write_guide(folder))
    tasks = joint_tasks(*members)
    return write_suite(folder / "town", name="town", title="Town", members=members, tasks=tasks)


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def compose_of(folder: Path) -> dict[str, Any]:
    return yaml.safe_load((folder / "docker-compose.yml").read_text(encoding="utf-8"))


@requirement("emission:folder")
def test_a_folder_holds_the_environment_and_all_that_runs_it(
    bundle: Bundle, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    emitted = emit([bundle], out)
    assert emitted.folders == (out,)
    again = load_source(out)
    assert (again.digests, again.tasks) == (bundle.digests, bundle.tasks)
    requirements = (out / "requirements.txt").read_text(encoding="utf-8").splitlines()
    wheel, *pins = [line for line in requirements if not line.startswith("#")]
    assert wheel.endswith(".whl[servers]")
    assert (out / wheel.partition("[")[0]).is_file()
    assert {"mcp", "uvicorn", "msgspec", "pydantic"} <= {pin.partition("==")[0] for pin in pins}
    assert all("==" in pin for pin in pins)
    readme = (out / "README.md").read_text(encoding="utf-8")
    assert all(word in readme for word in ("find_loan", "CC0-1.0", "mcpServers", "docker compose"))


@requirement("emission:equal")
def test_equal_sources_give_equal_bytes(suite: Suite, tmp_path: Path) -> None:
    options = EmissionOptions(kubernetes=True)
    emit([suite], tmp_path / "one", options)
    emit([suite], tmp_path / "two", options)
    first, second = contents(tmp_path / "one"), contents(tmp_path / "two")
    assert first.keys() == second.keys()
    assert [name for name in first if first[name] != second[name]] == []


def test_what_is_emitted_again_from_an_emitted_folder_is_equal(
    bundle: Bundle, tmp_path: Path
) -> None:
    emit([bundle], tmp_path / "one")
    emit([load_source(tmp_path / "one")], tmp_path / "two")
    assert contents(tmp_path / "one") == contents(tmp_path / "two")


def test_the_wheel_holds_every_part_and_says_so_in_its_record(
    bundle: Bundle, tmp_path: Path
) -> None:
    emit([bundle], tmp_path / "out")
    (wheel,) = (tmp_path / "out" / "wheels").iterdir()
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        assert archive.testzip() is None
        record = next(name for name in names if name.endswith("/RECORD"))
        listed = [line.split(",")[0] for line in archive.read(record).decode().splitlines()]
    assert sorted(listed) == sorted(names)
    parts = ("core", "sandbox", "servers", "client", "synthesizer")
    assert all(f"astra_arena/{part}/__init__.py" in names for part in parts)
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert not [name for name in names if "__pycache__" in name]


@requirement("emission:foreign")
def test_a_folder_of_something_else_stays(bundle: Bundle, tmp_path: Path) -> None:
    emit([bundle], tmp_path / "out")
    emit([bundle], tmp_path / "out")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "thesis.tex").write_text("years of work", encoding="utf-8")
    with pytest.raises(BundleError, match="is no emitted folder"):
        emit([bundle], tmp_path / "other")
    assert contents(tmp_path / "other") == {"thesis.tex": b"years of work"}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["other", "out"]


@requirement("emission:registry")
def test_the_registry_is_told_of_the_image(bundle: Bundle, tmp_path: Path) -> None:
    emit([bundle], tmp_path / "out", EmissionOptions(namespace="io.github.somebody"))
    entry = json.loads((tmp_path / "out" / "server.json").read_bytes())
    assert entry["$schema"].endswith("/2025-12-11/server.schema.json")
    assert entry["name"] == f"io.github.somebody/{NAME}"
    assert len(entry["description"]) <= 100
    (package,) = entry["packages"]
    assert package["identifier"] == f"ghcr.io/somebody/{NAME}:{entry['version']}"
    assert package["transport"] == {"type": "stdio"}
    recipe = (tmp_path / "out" / "Dockerfile").read_text(encoding="utf-8")
    assert f'LABEL io.modelcontextprotocol.server.name="{entry["name"]}"' in recipe
    with pytest.raises(SettingsError, match="--namespace"):
        emit([bundle], tmp_path / "no", EmissionOptions(namespace="a/b"))


def test_the_image_copies_what_is_there_and_runs_as_nobody(suite: Suite, tmp_path: Path) -> None:
    emit([suite], tmp_path / "out")
    recipe = (tmp_path / "out" / "Dockerfile").read_text(encoding="utf-8")
    copied = [json.loads(line[5:]) for line in recipe.splitlines() if line.startswith("COPY [")]
    for *paths, target in copied:
        assert all((tmp_path / "out" / path).exists() for path in paths)
        assert target.startswith("/srv/town")
    worker, server = recipe.split("AS sandbox")[1].split("AS server")
    assert "/srv" not in worker
    assert "USER 10001:10001" in worker
    assert "USER" not in server
    modes = {path.stat().st_mode & 0o004 for path in (tmp_path / "out").rglob("*")}
    assert modes == {0o004}


@requirement("emission:compose")
def test_containers_get_nothing_that_they_do_not_need(suite: Suite, tmp_path: Path) -> None:
    emit([suite], tmp_path / "out", EmissionOptions(runtime="runsc"))
    compose = compose_of(tmp_path / "out")
    services = compose["services"]
    assert set(services) == {"sandbox", "server"}
    for service in services.values():
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert {"mem_limit", "pids_limit", "healthcheck", "tmpfs"} <= set(service)
    assert compose["networks"]["sandbox"] == {"internal": True}
    assert services["sandbox"]["networks"] == ["sandbox"]
    assert services["sandbox"]["runtime"] == "runsc"
    assert "runtime" not in services["server"]
    assert "ports" not in services["sandbox"]
    assert all(port.startswith("127.0.0.1:") for port in services["server"]["ports"])
    assert services["server"]["environment"] == [
        "ARENA_TOKEN=${ARENA_TOKEN:?the token of the control plane}"
    ]


@requirement("emission:compose")
@pytest.mark.parametrize("command", [("docker-compose",), ("docker", "compose")])
@pytest.mark.parametrize("apart", [False, True])
def test_both_generations_of_compose_accept_the_file(
    suite: Suite, tmp_path: Path, command: tuple[str, ...], apart: bool
) -> None:
    asked = [*command, "version"]
    if shutil.which(command[0]) is None or subprocess.run(asked, capture_output=True).returncode:
        pytest.skip(f"{' '.join(command)} is not installed")
    out = tmp_path / "out"
    emit([suite], out, EmissionOptions(per_environment=apart, runtime="runsc"))
    (out / "sandbox_token").write_text(TOKEN, encoding="utf-8")
    environment = {"PATH": "/usr/bin:/bin:/usr/local/bin", "HOME": str(tmp_path)}
    refused = subprocess.run(
        [*command, "config"], cwd=out, env=environment, capture_output=True, check=False
    )
    assert refused.returncode != 0
    assert b"the token of the control plane" in refused.stderr + refused.stdout
    environment["ARENA_TOKEN"] = TOKEN
    done = subprocess.run(
        [*command, "config"], cwd=out, env=environment, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr.decode()


@requirement("emission:left-out")
def test_a_service_for_each_environment_leaves_joint_tasks_out_and_says_so(
    suite: Suite, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    emitted = emit([suite], out, EmissionOptions(per_environment=True))
    assert {one.task for one in emitted.left_out} == {task.id for task in suite.tasks}
    assert [folder.name for folder in emitted.folders] == [NAME, GUIDE]
    assert all(isinstance(load_source(folder), Bundle) for folder in emitted.folders)
    services = compose_of(out)["services"]
    assert set(services) == {"sandbox", NAME, GUIDE}
    ports = [port for service in (NAME, GUIDE) for port in services[service]["ports"]]
    assert len(set(ports)) == 4
    count = f"{len(suite.tasks)} tasks"
    assert all(count in str(services[name]["labels"]) for name in (NAME, GUIDE))
    assert all(count in (out / name).read_text() for name in ("README.md", "docker-compose.yml"))
    assert json.loads((out / "emission.json").read_bytes())["tasks_left_out"] == len(suite.tasks)


@requirement("agent-side:no-gold")
def test_an_emitted_agent_side_folder_tells_no_gold(bundle: Bundle, tmp_path: Path) -> None:
    out = tmp_path / "out"
    emit([bundle], out, EmissionOptions(agent_side=True, kubernetes=True))
    assert not (out / "tasks.jsonl").exists()
    data = ("world.sqlite", "tools.py")
    told = [
        name
        for name, content in contents(out).items()
        if name not in data and GOLD_PHONE.encode() in content
    ]
    assert told == []
    assert not load_source(out).holds_gold


@requirement("emission:kubernetes")
@pytest.mark.parametrize("apart", [False, True])
def test_manifests_are_hardened_and_part_the_planes(
    suite: Suite, tmp_path: Path, apart: bool
) -> None:
    options = EmissionOptions(kubernetes=True, per_environment=apart, runtime="gvisor")
    emit([suite], tmp_path / "out", options)
    text = (tmp_path / "out" / "kubernetes" / "astra-arena.yaml").read_text(encoding="utf-8")
    for document in yaml.safe_load_all(text):
        kubernetes_validate.validate(document, "1.33", strict=True)
    objects: dict[tuple[str, str], Any] = {
        (one["kind"], one["metadata"]["name"]): one for one in yaml.safe_load_all(text)
    }
    names = (NAME, GUIDE) if apart else ("server",)
    kinds = ("Deployment", "Service", "NetworkPolicy")
    assert set(objects) == {(kind, name) for kind in kinds for name in (*names, "sandbox")}
    for name in (*names, "sandbox"):
        template = objects["Deployment", name]["spec"]["template"]
        pod, (container,) = template["spec"], template["spec"]["containers"]
        selector = objects["Deployment", name]["spec"]["selector"]["matchLabels"]
        assert selector.items() <= template["metadata"]["labels"].items()
        assert objects["Service", name]["spec"]["selector"] == selector
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert container["securityContext"]["readOnlyRootFilesystem"] is True
        assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
        assert {"readinessProbe", "livenessProbe", "resources"} <= set(container)
        ports = {port["containerPort"] for port in container["ports"]}
        assert {port["targetPort"] for port in objects["Service", name]["spec"]["ports"]} == ports
    assert objects["NetworkPolicy", "sandbox"]["spec"]["egress"] == []
    assert "Egress" in objects["NetworkPolicy", "sandbox"]["spec"]["policyTypes"]
    worker = objects["Deployment", "sandbox"]["spec"]["template"]["spec"]
    assert worker["runtimeClassName"] == "gvisor"
    for name in names:
        agents, harnesses = objects["NetworkPolicy", name]["spec"]["ingress"]
        assert [port["port"] for port in agents["ports"]] == [8640]
        assert [port["port"] for port in harnesses["ports"]] == [8640, 8641]
        secret = objects["Deployment", name]["spec"]["template"]["spec"]["containers"][0]["env"][0]
        assert "secretKeyRef" in secret["valueFrom"]


def test_the_verb_tells_what_it_wrote(
    suite: Suite, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["emit", str(suite.path), "--out", str(tmp_path / "out"), "--per-environment"]
    assert cli.run([*arguments, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert len(told["servers"]) == 2
    assert len(told["left_out"]) == len(suite.tasks)
    assert cli.run(["emit", str(suite.path), str(suite.path), "--out", str(tmp_path / "two")]) == 2
    assert "names" in capsys.readouterr().err
