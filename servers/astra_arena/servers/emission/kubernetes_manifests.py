"""Kubernetes manifests of an emitted folder: servers, sandbox worker, and who may talk to whom."""

from collections.abc import Sequence

from astra_arena.core.canonical import Json, JsonObject
from astra_arena.servers.emission.compose_file import Service
from astra_arena.servers.emission.container_files import (
    WORKER_PORT,
    serve_command,
    worker_command,
)
from astra_arena.servers.emission.yaml_text import yaml_text

SECRET = "astra-arena-tokens"
_USER = 10001
_PART = "app.kubernetes.io/component"
_PART_OF: JsonObject = {"app.kubernetes.io/part-of": "astra-arena"}
_MCP, _CONTROL = 8640, 8641
_HEAD = f"""\
# kubectl create secret generic {SECRET} \\
#   --from-literal=control=... --from-literal=sandbox=...      (16 characters or more each)
# kubectl apply -f kubernetes/
#
# One replica for each server: addresses of episodes point at the server that holds them. Pods that
# play bear the label astra-arena/plane: agent; harnesses bear astra-arena/plane: control.
"""


def kubernetes_text(
    services: Sequence[Service], images: Sequence[str], *, runtime: str | None = None
) -> str:
    """Return the manifests as one file.

    Args:
        services: The servers.
        images: The image of each, without its stage; the worker's is the first one's.
        runtime: Runtime class of the worker's pods.
    """
    documents = [*_worker(f"{images[0]}-sandbox", runtime)]
    for service, image in zip(services, images, strict=True):
        documents += _server(service, image)
    return _HEAD + yaml_text(documents)


def _meta(name: str) -> JsonObject:
    return {"name": name, "labels": _labels(name)}


def _labels(name: str) -> JsonObject:
    return {_PART: name, **_PART_OF}


def _deployment(name: str, pod: JsonObject, marks: JsonObject | None = None) -> JsonObject:
    labels = {**_labels(name), **(marks or {})}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": _meta(name),
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": {_PART: name}},
            "strategy": {"type": "Recreate"},
            "template": {"metadata": {"labels": labels}, "spec": pod},
        },
    }


def _pod(container: JsonObject, *, grace_s: int, tmp: str, **more: Json) -> JsonObject:
    hardened: JsonObject = {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    mounts: list[Json] = [
        {"name": "tmp", "mountPath": "/tmp"},
        {"name": "token", "mountPath": "/run/secrets", "readOnly": True},
    ]
    token: JsonObject = {
        "secretName": SECRET,
        "items": [{"key": "sandbox", "path": "sandbox_token"}],
        "defaultMode": 0o440,
    }
    return {
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": _USER,
            "runAsGroup": _USER,
            "fsGroup": _USER,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "terminationGracePeriodSeconds": grace_s,
        "containers": [{**container, "securityContext": hardened, "volumeMounts": mounts}],
        "volumes": [
            {"name": "tmp", "emptyDir": {"medium": "Memory", "sizeLimit": tmp}},
            {"name": "token", "secret": token},
        ],
        **more,
    }


def _resources(cpu: str, memory: str) -> JsonObject:
    return {"requests": {"cpu": cpu, "memory": "256Mi"}, "limits": {"memory": memory}}


def _service(name: str, ports: dict[str, int]) -> JsonObject:
    listed: list[Json] = [
        {"name": label, "port": port, "targetPort": port} for label, port in ports.items()
    ]
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": _meta(name),
        "spec": {"selector": {_PART: name}, "ports": listed},
    }


def _policy(name: str, ingress: list[Json], egress: list[Json]) -> JsonObject:
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": _meta(name),
        "spec": {
            "podSelector": {"matchLabels": {_PART: name}},
            "policyTypes": ["Ingress", "Egress"],
            "ingress": ingress,
            "egress": egress,
        },
    }


def _from(labels: JsonObject, *ports: int) -> JsonObject:
    return {"from": [{"podSelector": {"matchLabels": labels}}], "ports": _tcp(*ports)}


def _tcp(*ports: int) -> list[Json]:
    return [{"protocol": "TCP", "port": port} for port in ports]


def _worker(image: str, runtime: str | None) -> list[JsonObject]:
    name = "sandbox"
    alive: JsonObject = {"tcpSocket": {"port": WORKER_PORT}, "periodSeconds": 10}
    container: JsonObject = {
        "name": name,
        "image": image,
        "args": [*worker_command(), "--max-sessions", "1024"],
        "ports": [{"name": "sandbox", "containerPort": WORKER_PORT}],
        "readinessProbe": alive,
        "livenessProbe": alive,
        "resources": _resources("500m", "4Gi"),
    }
    more: JsonObject = {} if runtime is None else {"runtimeClassName": runtime}
    # Only servers come in, and nothing goes out.
    policy = _policy(name, [_from({"astra-arena/server": "true"}, WORKER_PORT)], [])
    return [
        _deployment(name, _pod(container, grace_s=10, tmp="1Gi", **more)),
        _service(name, {"sandbox": WORKER_PORT}),
        policy,
    ]


def _server(service: Service, image: str) -> list[JsonObject]:
    name = service.name
    container: JsonObject = {
        "name": "server",
        "image": image,
        "args": [
            *serve_command(service.serves),
            *("--advertise-url", f"http://{name}:{_MCP}", "--drain-seconds", "20"),
            *("--sandbox", f"tcp:sandbox:{WORKER_PORT}"),
            *("--sandbox-token-file", "/run/secrets/sandbox_token"),
        ],
        "env": [
            {
                "name": "ARENA_TOKEN",
                "valueFrom": {"secretKeyRef": {"name": SECRET, "key": "control"}},
            }
        ],
        "ports": [
            {"name": "mcp", "containerPort": _MCP},
            {"name": "control", "containerPort": _CONTROL},
        ],
        "readinessProbe": {"httpGet": {"path": "/readyz", "port": "control"}, "periodSeconds": 5},
        "livenessProbe": {"httpGet": {"path": "/healthz", "port": "control"}, "periodSeconds": 10},
        "resources": _resources("500m", "2Gi"),
    }
    pod = _pod(container, grace_s=45, tmp="256Mi")
    deployment = _deployment(name, pod, {"astra-arena/server": "true"})
    worker: JsonObject = {
        "to": [{"podSelector": {"matchLabels": {_PART: "sandbox"}}}],
        "ports": _tcp(WORKER_PORT),
    }
    names: JsonObject = {
        "to": [{"namespaceSelector": {}, "podSelector": {"matchLabels": {"k8s-app": "kube-dns"}}}],
        "ports": [{"protocol": "UDP", "port": 53}, {"protocol": "TCP", "port": 53}],
    }
    # Agents reach their plane alone; harnesses reach both.
    ingress: list[Json] = [
        _from({"astra-arena/plane": "agent"}, _MCP),
        _from({"astra-arena/plane": "control"}, _MCP, _CONTROL),
    ]
    return [
        deployment,
        _service(name, {"mcp": _MCP, "control": _CONTROL}),
        _policy(name, ingress, [worker, names]),
    ]
