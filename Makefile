# Two commands do all set-up: `make demo` runs the whole job, `make test` passes the tests.
# Both need Python 3.10 or newer and a package index; everything goes into .venv.

PYTHON ?= python3
VENV ?= .venv
# Tests run in two processes: each loads TensorFlow and the networks once.
WORKERS ?= 2
BIN := $(VENV)/bin

.PHONY: demo test docs coverage lint tables wheel clean

demo: $(VENV)/installed
	$(BIN)/phototag demo

test: $(VENV)/installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest -q -n $(WORKERS) --dist loadfile

# Builds the documentation into site/; a warning is an error. Open site/index.html.
docs: $(VENV)/installed-dev
	$(BIN)/python -m mkdocs build --strict

# Runs the tests and writes what share of the lines they reach to docs/coverage.json.
coverage: $(VENV)/installed-dev
	$(BIN)/python -m pytest -q -n $(WORKERS) --dist loadfile --cov --cov-report=
	$(BIN)/python -m docs.generate.coverage

# Puts the figures of benchmarks/results into README.md and docs/.
tables: $(VENV)/installed-dev
	$(BIN)/python -m benchmarks.tables

wheel: $(VENV)/installed-dev
	rm -rf dist
	$(BIN)/python -m build --wheel --outdir dist .

clean:
	rm -rf $(VENV) dist build site phototag-demo

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1'

$(VENV)/installed: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet -e .
	touch $@

$(VENV)/installed-dev: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet -e . --group dev
	touch $@
