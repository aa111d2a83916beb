# Two commands on a fresh machine: `make demo` and `make test`. Both create .venv and install what they need.
PYTHON ?= python3
BIN := .venv/bin
# Two at a time, a file's tests together: they share what is costly to make.
SIDE_BY_SIDE := -n 2 --dist loadfile
RUNTIME := maskwise/serving/page/runtime

.PHONY: help install demo test test-all lint format bench clean

help:  ## this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## */\1\t/' | expand -t 12

.venv/.installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "maskwise needs Python 3.11 or newer; run: make PYTHON=python3.11 ..."; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@touch $@

# What the page runs the model with inside the browser. Everything else works without it, so its absence stops nothing.
web/.built: web/package-lock.json web/build.sh .venv/.installed
	@if command -v npm >/dev/null; then if sh web/build.sh $(RUNTIME) $(BIN)/python; then touch $@; fi; \
	else echo "npm is not there: the page's in-browser mode is left out; install Node.js and run make again to have it"; fi

install: .venv/.installed web/.built  ## .venv with every extra, and what the page runs in the browser

demo: install  ## data, training, report and checked pictures from nothing, no network needed
	$(BIN)/maskwise demo

test: install  ## the tests that run on every change
	$(BIN)/pytest -m 'not slow' $(SIDE_BY_SIDE)

test-all: install  ## the slow ones too
	$(BIN)/pytest $(SIDE_BY_SIDE)

lint: install  ## style, types, direction of imports
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: install  ## write the style
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: install  ## every benchmark; results go to benchmarks/results
	$(BIN)/python -m benchmarks

clean:  ## remove what was built
	rm -rf .venv build dist runs maskwise-demo $(RUNTIME) web/.built web/node_modules .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
