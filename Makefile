# Two commands do all set-up: `make demo` runs the whole job, `make test` passes the tests.
# Both need Python 3.10 or newer and a package index; everything goes into .venv.

PYTHON ?= python3
VENV ?= .venv
# Tests run in two processes: each loads TensorFlow and the networks once.
WORKERS ?= 2
BIN := $(VENV)/bin

.PHONY: demo test docs coverage lint figures figures-full tables wheel clean

demo: $(VENV)/installed
	$(BIN)/phototag demo

test: $(VENV)/installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest -q -n $(WORKERS) --dist loadfile

# Builds the documentation into site/; a warning is an error. Read it with `python3 -m http.server --directory site`.
docs: $(VENV)/installed-dev
	$(BIN)/python -m mkdocs build --strict

# Runs the tests and writes what share of the lines they reach to docs/coverage.json.
coverage: $(VENV)/installed-dev
	$(BIN)/python -m pytest -q -n $(WORKERS) --dist loadfile --cov --cov-report=
	$(BIN)/python -m docs.generate.coverage

# Measures what takes less than ten minutes in all, and writes the figures to benchmarks/results/ and into the docs.
# Times are worth something only on a machine that does nothing else. DATA: the research photos.
DATA ?= ../shared/data
FACES := build/benchmark.db
MEASURE = $(BIN)/python -m benchmarks.
figures: $(VENV)/installed-dev
	mkdir -p $(dir $(FACES)) && rm -f $(FACES)*
	$(MEASURE)main_job --data $(DATA)
	$(MEASURE)clustering --data $(DATA) --db $(FACES) --only right time stable
	$(MEASURE)tagging --data $(DATA) --db $(FACES)
	$(MEASURE)interview --data $(DATA) --db $(FACES) --only lfw least
	$(MEASURE)queries
	$(MEASURE)tables

# Measures the rest, which takes several hours.
figures-full: figures
	$(MEASURE)pipeline --data $(DATA)
	$(MEASURE)interview --data $(DATA) --db $(FACES) --only album time
	$(MEASURE)clustering --data $(DATA) --db $(FACES) --only large
	$(MEASURE)clustering --data $(DATA) --db $(FACES) --only million
	$(MEASURE)recognition --data $(DATA)
	$(MEASURE)engines --data $(DATA)
	$(MEASURE)names --data $(DATA)
	$(MEASURE)edits --data $(DATA)
	$(MEASURE)triplet --data $(DATA)
	$(MEASURE)report
	$(MEASURE)two_programs
	$(MEASURE)tables

# Writes the figures of benchmarks/results/ into README.md and docs/.
tables: $(VENV)/installed-dev
	$(MEASURE)tables

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
