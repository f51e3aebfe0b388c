# `make demo` and `make test` do all of their own set-up; they need Python 3.11 or newer and a package index.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin

# Else the wrapper asks the network on every run whether there is a newer pyright.
export PYRIGHT_PYTHON_IGNORE_WARNINGS := 1
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help demo test generate generated worker worker-check lint types bench docs lock clean

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /make \1\t/'

demo: $(VENV)/.demo ## a service talks through a local AI Gateway: hit, miss, skip, tenants
	@$(BIN)/python -m aig_client.apps.demo

test: generated lint types ## every check, then the tests
	$(BIN)/python tools/check_worker.py --quick
	$(BIN)/python -m pytest

generate: $(VENV)/.dev ## write what is generated again: drivers, catalog, the Worker's manifest
	$(BIN)/python tools/unasync.py
	$(BIN)/python tools/catalog/build.py
	$(BIN)/python tools/vendor_core.py

generated: $(VENV)/.dev ## check that the generated drivers are what their source says
	$(BIN)/python tools/unasync.py --check

worker: $(VENV)/.dev ## serve the Worker on this machine, in workerd, in front of the local gateway
	$(BIN)/python tools/serve_worker.py

worker-check: $(VENV)/.dev ## check what a deployment would upload: manifest, syntax, dry run, files, size
	$(BIN)/python tools/check_worker.py

lint: $(VENV)/.dev ## ruff, its formatter, and the direction of imports
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports --no-logo

types: $(VENV)/.dev ## mypy and pyright, both strict
	$(BIN)/mypy
	$(BIN)/pyright

bench: $(VENV)/.dev ## the ratios, side by side from one run
	$(BIN)/python benchmarks/run.py

docs: $(VENV)/.dev ## the examples of the documentation, executed
	$(BIN)/python -m pytest tests/docs

# --- set-up: one environment, two locks ------------------------------------------------------------
# The demo's lock is the development lock's small part, so that a first `make demo` downloads a tenth of it.

$(VENV)/.demo: pyproject.toml requirements/demo.txt
	$(call install,requirements/demo.txt)
	@touch $@

$(VENV)/.dev: pyproject.toml requirements/dev.txt
	$(call install,requirements/dev.txt)
	@touch $@ $(VENV)/.demo

define install
@$(BIN)/python -m pip --version >/dev/null 2>&1 || { $(venv); }
@$(call new_enough,$(BIN)/python) || { echo "$(VENV) is older than Python 3.11: run 'make clean' first." >&2; exit 1; }
@echo "Installing $(1) into $(VENV) (once; up to a minute) ..."
@$(BIN)/python -m pip install --quiet --require-hashes -r $(1)
@$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e .
endef

define venv
command -v $(PYTHON) >/dev/null || { echo "There is no '$(PYTHON)': install Python 3.11 or newer, or name one with make PYTHON=..." >&2; exit 1; }; \
$(call new_enough,$(PYTHON)) || { echo "aig-client needs Python 3.11 or newer and '$(PYTHON)' is older: name another with make PYTHON=..." >&2; exit 1; }; \
$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "'$(PYTHON)' cannot make virtual environments: on Debian and Ubuntu, 'apt install python3-venv' first." >&2; exit 1; }; \
$(PYTHON) -m venv $(VENV)
endef

new_enough = $(1) -c 'import sys; sys.exit(sys.version_info < (3, 11))'

# --- the locks -------------------------------------------------------------------------------------

UV := $(VENV)/uv/bin/uv
COMPILE = $(UV) pip compile --no-config --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" $(UPGRADE) \
	pyproject.toml requirements/build.in

lock: $(UV) ## resolve the locks again; UPGRADE=--upgrade moves what is already pinned
	$(COMPILE) --extra dev -o requirements/dev.txt
	$(COMPILE) --extra cli -c requirements/dev.txt --no-annotate -o requirements/demo.txt

$(UV):
	$(PYTHON) -m venv $(VENV)/uv
	$(VENV)/uv/bin/pip install --quiet 'uv==0.13.*'

clean: ## remove everything that make has made
	rm -rf $(VENV) dist build python_modules tests/worker/harness/node_modules .wrangler .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis .benchmarks
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
