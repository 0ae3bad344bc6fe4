# `make help` lists what there is. Everything is installed in .venv; nothing outside it but a browser for the tests.

PYTHON ?= python3
# The tested version, installed first: a bare `torch` would bring several GB of CUDA packages on Linux.
TORCH ?= torch==2.13.0
VENV := .venv
BIN := $(VENV)/bin

.DEFAULT_GOAL := help
.PHONY: help setup browser demo test check bench clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(VENV)/.ready ## put charlstm and all it needs in .venv

$(VENV)/.ready: pyproject.toml Makefile
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check $(TORCH)
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[dev]'
	$(BIN)/python -c 'from charlstm.stream import warm_up; warm_up()'
	@touch $@

demo: setup ## train on the standard library's source for 4 minutes, sample, inspect, report
	$(BIN)/charlstm demo

browser: setup
	@sh tests/browser/install.sh $(BIN)/playwright

test: setup browser ## check, then all tests with coverage
	@$(MAKE) --no-print-directory check
	$(BIN)/pytest --cov

check: setup ## formatter, linter, strict types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

bench: setup ## the benchmarks, as tables
	$(BIN)/python tests/benchmarks/speed.py
	$(BIN)/python tests/benchmarks/growth.py --megabytes 1 10 100
	$(BIN)/python tests/benchmarks/encoding.py --megabytes 200
	$(BIN)/charlstm exam

clean: ## remove what was built, cached or trained here, but no run you named
	rm -rf $(VENV) build dist *.egg-info .coverage .mypy_cache .pytest_cache .ruff_cache .hypothesis
	rm -rf checkpoints/demo data/tokens data/hf data/grammar
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
