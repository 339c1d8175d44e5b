# Every target sets up what it needs in .venv; nothing has to be activated.
#   make PYTHON=python3.12 test     another interpreter, when .venv is new or was cleaned away
#   make test ARGS="-k gates"       arguments for the command behind a target
#   make test WORKERS=0             tests in one process

PYTHON ?= python3
ARGS ?=
# More than two cores have work for: many tests wait for processes and deadlines.
WORKERS ?= 4

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.ready
PLACE := $(VENV)/.place
UV_PIN := $(shell sed -n 's/^ *"\(uv==[0-9.]*\)",\{0,1\}$$/\1/p' pyproject.toml)

# One certificate file for pip and uv: the one the environment names, else the system's.
CA_FILE := $(firstword $(SSL_CERT_FILE) $(PIP_CERT) $(REQUESTS_CA_BUNDLE) $(CURL_CA_BUNDLE) \
	$(wildcard /etc/ssl/certs/ca-certificates.crt /etc/pki/tls/certs/ca-bundle.crt /etc/ssl/cert.pem))
CA_ENV := $(if $(CA_FILE),SSL_CERT_FILE="$(CA_FILE)" PIP_CERT="$(CA_FILE)")
PIP := $(CA_ENV) PIP_USER=0 $(BIN)/python -m pip --quiet --disable-pip-version-check
UV := $(CA_ENV) UV_PROJECT_ENVIRONMENT=$(VENV) UV_PYTHON_DOWNLOADS=never $(BIN)/uv --quiet

# An activated environment elsewhere must not leak in.
unexport VIRTUAL_ENV CONDA_PREFIX PYTHONPATH UV_PYTHON

say = printf '%s\n' "[$(1)] $(2)" >&2

.DEFAULT_GOAL := help
.PHONY: help setup demo synth-qa suite test test-docker test-interop check bench gate-corpus clean stale

help: ## List the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1|\2/p' Makefile | awk -F'|' '{ printf "  %-18s %s\n", $$1, $$2 }'

setup: $(STAMP) ## Make .venv with everything the other targets need

demo: $(STAMP) ## Run the demonstration (ARGS go to `arena demo`)
	@$(BIN)/arena demo $(ARGS)

synth-qa: $(STAMP) ## Turn the shipped questions into environments, serve them and play the gold
	@$(BIN)/python -m scripts.synth_qa build/synth-qa

suite: $(STAMP) ## Make the starter suite in servers/suite again (ARGS=--check only compares)
	@$(BIN)/python -m scripts.make_suite $(ARGS)

test: $(STAMP) ## Run the whole test suite (ARGS go to pytest; WORKERS=0 for one process)
	@$(call say,test,pytest)
	@$(BIN)/python -m pytest -n $(WORKERS) --dist loadgroup --no-loadscope-reorder $(ARGS)

test-docker: $(STAMP) ## Run the tests of container images (ARGS go to pytest); as root on Debian it installs an engine
	@$(CA_ENV) $(BIN)/python -m tests.docker.engine $(ARGS)

test-interop: $(STAMP) ## Run other people's clients and the MCP conformance suite (ARGS go to pytest); needs npm and package indexes
	@$(call say,test-interop,install what tests/interop/versions.toml names)
	@$(CA_ENV) $(BIN)/python -m tests.interop.tooling
	@$(call say,test-interop,pytest -m interop)
	@$(BIN)/python -m pytest -n 2 --dist loadgroup --no-loadscope-reorder -m interop tests/interop $(ARGS)

check: $(STAMP) ## Lint, format, types, layers and lock file
	@$(call say,check,ruff: lint)
	@$(BIN)/ruff check --quiet .
	@$(call say,check,ruff: format)
	@$(BIN)/ruff format --check --quiet .
	@$(call say,check,basedpyright: strict types)
	@$(BIN)/basedpyright
	@$(call say,check,import-linter: layers)
	@$(BIN)/lint-imports --no-cache --no-logo
	@$(call say,check,uv: lock file)
	@$(UV) lock --check
	@$(call say,check,all passed)

bench: $(STAMP) ## Run the benchmarks (ARGS go to `python -m benchmarks`)
	@$(BIN)/python -m benchmarks $(ARGS)

gate-corpus: $(STAMP) ## Run the release gates on good and defective environments; writes docs/gates-confusion.md
	@$(BIN)/python -m tests.gate_corpus --out docs/gates-confusion.md

clean: ## Remove everything that was built, the environment included
	rm -rf $(VENV) build dist htmlcov .coverage .coverage.* .hypothesis .pytest_cache .ruff_cache .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# A moved checkout, or an interpreter that went away, makes the environment again.
PLACED := $(shell [ "$$($(BIN)/python -c 'print(open("$(PLACE)").read())' 2>/dev/null)" = "$(CURDIR)" ] && echo yes)
ifndef PLACED
$(STAMP): stale
endif

$(STAMP): pyproject.toml uv.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  $(call say,setup,Python 3.11 or newer is needed; $(PYTHON) is not. Name one: make PYTHON=/path/to/python3.11); exit 2; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  $(call say,setup,$(PYTHON) cannot make environments. On Debian or Ubuntu: apt install python3-venv); exit 2; }
	@$(if $(PLACED),:,$(call say,setup,make $(VENV) with $$($(PYTHON) --version)); \
	  $(PYTHON) -m venv --clear $(VENV) && printf '%s' "$(CURDIR)" > $(PLACE))
	@if ! $(BIN)/uv --version 2>/dev/null | grep -qF "uv $(subst uv==,,$(UV_PIN)) "; then \
	  $(call say,setup,install $(UV_PIN)); \
	  $(PIP) install "$(UV_PIN)"; fi
	@$(call say,setup,install what uv.lock names)
	@$(UV) sync --locked
	@touch $(STAMP)
