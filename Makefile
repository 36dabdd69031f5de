# Everything sets itself up: python3 (3.11 or newer, with venv), pip and make are all that is needed.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
SOURCES := sidecar_science tests examples benchmarks

.PHONY: help demo test faults check lint types benchmark clean

help:
	@echo "make demo       see it work: two versions of a service, an app, a worker, a report"
	@echo "make test       the whole test suite, with coverage"
	@echo "make faults     the fault rig: real processes, killed and stopped (minutes)"
	@echo "make check      linter, formatter, types"
	@echo "make benchmark  what recording costs a caller, beside what people would use instead"

demo: $(VENV)/.demo
	@$(BIN)/sidecar-worker demo

test: $(VENV)/.test
	@rm -f .coverage .coverage.*
	$(BIN)/python -m pytest -n $(or $(JOBS),4) --dist loadgroup --max-worker-restart 0 -m "not faults" --cov --cov-report=term:skip-covered

faults: $(VENV)/.test
	$(BIN)/python -m pytest -q -m faults tests/faults

check: lint types

lint: $(VENV)/.test
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/ruff format --check $(SOURCES)

types: $(VENV)/.test
	$(BIN)/mypy

benchmark: $(VENV)/.benchmark
	$(BIN)/python -m benchmarks.caller

$(VENV)/.venv:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "sidecar_science needs Python 3.11 or newer")'
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.demo $(VENV)/.test $(VENV)/.benchmark: $(VENV)/.%: setup.cfg pyproject.toml $(VENV)/.venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[$*]'
	@touch $@

clean:
	rm -rf $(VENV) build dist .coverage .coverage.* .mypy_cache .ruff_cache .pytest_cache .hypothesis
