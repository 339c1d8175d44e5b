# The harness: `arena rollout`, `arena score`, `arena report`; plays on servers elsewhere.
#
#   docker build -f docker/client.Dockerfile -t astra-arena-client .

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
COPY client client
RUN if [ -f ca.crt ]; then export SSL_CERT_FILE=/build/ca.crt; fi; \
    UV_PROJECT_ENVIRONMENT=/opt/arena UV_PYTHON_DOWNLOADS=never \
    /opt/uv/bin/uv sync --quiet --locked --no-dev --no-editable --extra client --compile-bytecode

FROM ${PYTHON_IMAGE}
COPY --from=build /opt/arena /opt/arena
ENV PATH=/opt/arena/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
# Rollout files are written to /rollouts; a volume that is mounted here first takes this owner.
RUN mkdir /rollouts && chown 10001:10001 /rollouts
USER 10001:10001
WORKDIR /rollouts
ENTRYPOINT ["arena"]
CMD ["--help"]
