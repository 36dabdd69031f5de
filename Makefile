# Everything sets itself up: python3 (3.11 or newer, with venv), pip and make are all that is needed.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
SOURCES := sidecar_science tests examples benchmarks

.PHONY: help demo test unit faults soak check lint types benchmark clean

help:
	@echo "make demo       see it work: two versions of a service, an app, a worker, a report"
	@echo "make test       the whole test suite: unit, with coverage, and then faults"
	@echo "make faults     the fault rig: real processes, killed and stopped (minutes)"
	@echo "make soak       20 seeds of random faults, 100,000 jobs (half an hour; goes on where it was interrupted)"
	@echo "make check      linter, formatter, types"
	@echo "make benchmark  what recording costs a caller, beside what people would use instead"

demo: $(VENV)/.demo
	@$(BIN)/sidecar-worker demo

test: unit faults

unit: $(VENV)/.test
	@rm -f .coverage .coverage.*
	$(BIN)/python -m pytest -n $(or $(JOBS),4) --dist loadgroup --max-worker-restart 0 -m "not faults" --cov --cov-report=term:skip-covered

faults: $(VENV)/.test
	$(BIN)/python -m pytest -n $(or $(JOBS),4) --dist worksteal --max-worker-restart 0 -m faults tests/faults

soak: $(VENV)/.test
	$(BIN)/python -m tests.faults.soak --seeds 1-20 --jobs 5000 --kill-app --more

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
