# `arena serve` without a sandbox of its own: tool code runs in a container of sandbox.Dockerfile.
#
#   docker build -f docker/server.Dockerfile -t astra-arena-server .

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
COPY servers servers
RUN if [ -f ca.crt ]; then export SSL_CERT_FILE=/build/ca.crt; fi; \
    UV_PROJECT_ENVIRONMENT=/opt/arena UV_PYTHON_DOWNLOADS=never \
    /opt/uv/bin/uv sync --quiet --locked --no-dev --no-editable --extra servers --compile-bytecode

FROM ${PYTHON_IMAGE}
COPY --from=build /opt/arena /opt/arena
ENV PATH=/opt/arena/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
# The worker's user: its socket is its owner's alone.
USER 10001:10001
EXPOSE 8640 8641
ENTRYPOINT ["arena"]
CMD ["serve", "/bundle", "--host", "0.0.0.0", "--sandbox", "unix:/run/arena/worker.sock", "--sandbox-token-file", "/run/secrets/sandbox_token"]
