# Everything one does with a checkout of hookline. `make help` lists it.
# Needs make and a Python of 3.11 or newer, nothing else: the rest goes into .venv, from the locks, by hash.

PYTHON ?= $(or $(shell for p in python3 python3.13 python3.12 python3.11 python3.14; do \
    $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done),python3)
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
# litellm wants an older openai than openai-agents: its hook is tested in an environment of its own.
LITELLM := .venv-litellm
LOCK   := $(BIN)/uv pip compile --quiet pyproject.toml --universal --python-version 3.11 --generate-hashes \
    --no-header --no-annotate --no-emit-index-url $(if $(UPGRADE),--upgrade)

# How pytest is run: `make test TESTS=tests/sdk_hooks`, `make test PYTEST_ARGS="-x -k stream"`.
# One worker more than the cores of a small machine: a third of the time, tests wait for processes. What takes long is heavier.
TESTS       ?= tests
WORKERS     ?= $(if $(LONG),2,3)
PYTEST_ARGS ?=
LONG        ?=
FUZZ        ?= 10000
ROUNDS      ?= 200
ENGINE      ?= sqlite postgresql
SEED        ?=
FUZZ_TESTS   = tests/collector/validation/test_any_body.py tests/collector/api/test_ingest_any_body.py tests/collector/api/test_mutated_whole.py
# The tests set what they need; what the shell around them has must not reach them.
FOREIGN_VARIABLES = $(filter-out HOOKLINE_REQUIRE_ALL,$(filter HOOKLINE_% OTEL_% PYTHONDONTWRITEBYTECODE,$(.VARIABLES)))

.DEFAULT_GOAL := help
.PHONY: help setup setup-litellm demo run test fuzz kill interop hosts check format gen lock migration bench clean

help: ## this list
	@echo "make <target>; the targets are"
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(READY) ## make .venv with everything that tests and demo need (again only when the locks changed)

$(READY): pyproject.toml requirements-dev.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	    echo "hookline needs Python 3.11 or newer; found: $$($(PYTHON) --version 2>&1). Name another one: make setup PYTHON=/path/to/python3"; \
	    exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || { \
	    echo "$(PYTHON) can't make a virtual environment. On Debian and Ubuntu: apt-get install python3-venv"; \
	    rm -rf $(VENV); exit 1; }
	@echo "installing into $(VENV) (a minute or two, once)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile --require-hashes -r requirements-dev.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --no-index -e .
	@touch $(READY)

setup-litellm: $(LITELLM)/.ready ## make .venv-litellm, where the litellm hook is tested (`make test LONG=1` needs it)

$(LITELLM)/.ready: requirements-litellm.lock $(READY)
	@$(BIN)/python -m venv $(LITELLM)
	@echo "installing into $(LITELLM) (a minute or two, once)"
	@$(LITELLM)/bin/python -m pip install --quiet --disable-pip-version-check --no-compile --require-hashes -r requirements-litellm.lock
	@touch $(LITELLM)/.ready

demo: $(READY) ## see the whole product work on this machine; ONCE=1 ends by itself
	@$(BIN)/hookline demo $(if $(ONCE),--once)

run: $(READY) ## start the collector on 127.0.0.1:4319 (settings: docs/settings.md)
	@$(BIN)/hookline serve

test: $(READY) ## run the tests; TESTS=path and PYTEST_ARGS=... choose, LONG=1 adds those that take long
	@env $(addprefix -u ,$(FOREIGN_VARIABLES)) $(if $(LONG),HOOKLINE_LONG=1) $(BIN)/python -m pytest -q -n $(WORKERS) --dist loadfile $(PYTEST_ARGS) $(TESTS)

fuzz: $(READY) ## send ten thousand mutated bodies (some minutes); FUZZ=number for another count
	@env $(addprefix -u ,$(FOREIGN_VARIABLES)) HOOKLINE_FUZZ=$(FUZZ) $(BIN)/python -m pytest -q --timeout=3600 -n $(WORKERS) --dist loadfile $(PYTEST_ARGS) $(FUZZ_TESTS)

kill: $(READY) ## rounds of kill -9 under load, on both engines (minutes each); ROUNDS=number, ENGINE=sqlite, SEED=number
	@for engine in $(ENGINE); do \
	    $(BIN)/python -m tests.end_to_end.kills --engine $$engine --rounds $(ROUNDS) $(if $(SEED),--seed $(SEED)) || exit 1; done

interop: $(READY) ## see whether Arize Phoenix understands our spans (installs it elsewhere, some 900 MB; KEEP=folder keeps it)
	@$(BIN)/python -m tests.interop.check_phoenix $(if $(KEEP),--venv "$(KEEP)")

hosts: $(READY) ## see whether gunicorn, uvicorn, Celery and a notebook lose a call (installs them elsewhere, some 60 MB; KEEP=folder)
	@$(BIN)/python -m tests.interop.check_hosts $(if $(KEEP),--packages "$(KEEP)")

check: $(READY) ## lint, layout, types, who may import whom, generated files
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports --no-cache
	$(BIN)/python -m docs.generate --check
	$(BIN)/python -m grafana.generate --check
	$(BIN)/pyright

format: $(READY) ## let ruff lay out and fix what it can
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

gen: $(READY) ## write the generated files again (docs/generate.py and grafana/generate.py have the lists)
	$(BIN)/python -m docs.generate
	$(BIN)/python -m grafana.generate

lock: $(READY) ## resolve the locks after a change of pyproject.toml; UPGRADE=1 takes newer versions
	$(LOCK) --extra server -o requirements.lock
	$(LOCK) --extra demo --group dev -o requirements-dev.lock
	$(LOCK) --group litellm -o requirements-litellm.lock

migration: $(READY) ## start a migration from the difference between tables and database; m="what changes"
	@test -n "$(m)" || { echo 'say what changes: make migration m="add column x to calls"'; exit 1; }
	$(BIN)/python -m migrations.new "$(m)"

bench: $(READY) ## measure again what the README claims
	$(BIN)/python -m benchmarks.ingest
	$(BIN)/python -m benchmarks.assembly

clean: ## remove .venv, .venv-litellm and caches
	rm -rf $(VENV) $(LITELLM) .pytest_cache .ruff_cache .hypothesis dist build
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
