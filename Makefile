# Everything runs from the project's own virtual environment, made on first use.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
# Two test processes with one computing thread each are faster than one with two.
export OMP_NUM_THREADS ?= 1
JOBS ?= 2

.PHONY: install demo test check lint types docs docs-serve clean

install: $(STAMP)

$(STAMP): pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	touch $@

# Trains on scikit-learn's digits and leaves the samples, the curves, the checkpoint and a summary in runs/demo.
# One computing thread: at 8 by 8 pixels a second one gains little, and on a busy machine the two wait for each other.
demo: install
	OMP_NUM_THREADS=1 $(BIN)/equipoise train digits --out runs/demo --resume

test: install
	$(BIN)/python -m pytest -n $(JOBS) -m "not benchmark" tests src

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: install
	$(BIN)/mypy

# The documentation in site/index.html; every warning is an error.
$(VENV)/.installed-docs: $(STAMP)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[docs]'
	touch $@

docs: $(VENV)/.installed-docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict
	@echo "site/index.html is the start page."

docs-serve: $(VENV)/.installed-docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs serve

check: lint types
	$(MAKE) test

clean:
	rm -rf $(VENV) build dist site
