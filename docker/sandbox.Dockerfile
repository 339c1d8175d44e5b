# A sandbox worker: tool code runs here, and nothing that is worth stealing is here.
#
#   docker build -f docker/sandbox.Dockerfile -t astra-arena-sandbox .
#
# Run it with no network, as docker/compose.yaml does; it needs no privilege and writes to /run/arena
# (its socket) and /tmp (worlds that it received) only.

ARG PYTHON_IMAGE=python:3.11-slim-bookworm

FROM ${PYTHON_IMAGE} AS build
WORKDIR /build
# Where downloads need a certificate bundle of one's own, it is docker/ca.crt; it stays in this stage.
COPY pyproject.toml uv.lock README.md LICENSE docker/ca.cr[t] ./
RUN if [ -f ca.crt ]; then export PIP_CERT=/build/ca.crt; fi; \
    python3 -m venv /opt/uv && \
    /opt/uv/bin/pip install --quiet --disable-pip-version-check \
      "$(sed -n 's/^ *"\(uv==[0-9.]*\)",\{0,1\}$/\1/p' pyproject.toml)"
COPY core core
COPY sandbox sandbox
RUN if [ -f ca.crt ]; then export SSL_CERT_FILE=/build/ca.crt; fi; \
    UV_PROJECT_ENVIRONMENT=/opt/arena UV_PYTHON_DOWNLOADS=never \
    /opt/uv/bin/uv sync --quiet --locked --no-dev --no-editable --extra sandbox --compile-bytecode

FROM ${PYTHON_IMAGE}
COPY --from=build /opt/arena /opt/arena
# A volume that is mounted here for the first time takes this owner.
RUN mkdir /run/arena && chown 10001:10001 /run/arena
ENV PATH=/opt/arena/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER 10001:10001
ENTRYPOINT ["arena"]
CMD ["sandbox-worker", "--listen", "unix:/run/arena/worker.sock", "--token-file", "/run/secrets/sandbox_token"]
