"""`Dockerfile` and `.dockerignore` of an emitted folder."""

import json
from collections.abc import Sequence

BASE_IMAGE = "python:3.11-slim-bookworm"
USER = "10001:10001"
SERVED = "/srv"
WORKER_PORT = 8650
TOKEN_FILE = "/run/secrets/sandbox_token"

DOCKERIGNORE = """\
# Never part of an image: secrets, and what only starts containers.
sandbox_token
.env
docker-compose.yml
kubernetes
.venv
journals
"""

_DOCKERFILE = """\
# Stage `sandbox` runs tool code and holds no environment, no gold and no credential; stage `server`
# adds the environments. Nothing but /tmp is ever written.
#
#   docker build -t NAME .

ARG PYTHON_IMAGE={base}

FROM ${{PYTHON_IMAGE}} AS build
WORKDIR /build
# Where downloads need a certificate bundle of one's own, it is ca.crt; it stays in this stage.
COPY requirements.txt ca.cr[t] ./
COPY wheels wheels
RUN if [ -f ca.crt ]; then export PIP_CERT=/build/ca.crt; fi; \\
    python3 -m venv /opt/arena && \\
    /opt/arena/bin/python3 -m pip install --quiet --no-cache-dir --disable-pip-version-check \\
      -r requirements.txt

FROM ${{PYTHON_IMAGE}} AS sandbox
COPY --from=build /opt/arena /opt/arena
ENV PATH=/opt/arena/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER {user}
ENTRYPOINT ["arena"]
CMD {worker}

FROM sandbox AS server
{labels}{copies}
EXPOSE 8640 8641
CMD {serve}
"""


def worker_command() -> list[str]:
    """Return the arguments with which the image runs tool code for others."""
    listen = f"tcp:0.0.0.0:{WORKER_PORT}"
    return ["sandbox-worker", "--listen", listen, "--token-file", TOKEN_FILE]


def serve_command(names: Sequence[str]) -> list[str]:
    """Return the arguments with which the image serves environments."""
    return ["serve", *(f"{SERVED}/{name}" for name in names), "--host", "0.0.0.0"]


def dockerfile(folders: dict[str, tuple[str, ...]], *, registry_name: str | None = None) -> str:
    """Return the text of a `Dockerfile`.

    Args:
        folders: By environment name: what of the build context its folder takes, folders
            with a slash at the end; or the name alone, for a folder of that name.
        registry_name: Name in the MCP registry, which looks for it in the image.
    """
    copies = "\n".join(_copies(name, paths) for name, paths in folders.items())
    label = "" if registry_name is None else _label(registry_name)
    return _DOCKERFILE.format(
        base=BASE_IMAGE,
        user=USER,
        worker=json.dumps(worker_command()),
        labels=label,
        copies=copies,
        serve=json.dumps(serve_command(list(folders))),
    )


def _copies(name: str, paths: tuple[str, ...]) -> str:
    if paths == (name,):
        return _copy([name], f"{SERVED}/{name}")
    # COPY takes the content of a folder, not the folder: one that stays a folder has its own line.
    files = [path for path in paths if not path.endswith("/")]
    lines = [_copy(files, f"{SERVED}/{name}/")]
    lines += [_copy([path], f"{SERVED}/{name}/{path}") for path in paths if path.endswith("/")]
    return "\n".join(lines)


def _copy(paths: list[str], target: str) -> str:
    return f"COPY {json.dumps([*paths, target])}"


def _label(registry_name: str) -> str:
    return f'LABEL io.modelcontextprotocol.server.name="{registry_name}"\n'
