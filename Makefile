# Developers' commands; the two commands for users are in README.md.
PYTHON ?= python

.PHONY: test lint types bench soak calibrate schema build

test:
	$(PYTHON) -m pytest

lint:
	ruff check .
	ruff format --check .

types:
	mypy

# Each benchmark prints its figures beside their limits. Nothing else should run beside them.
bench:
	$(PYTHON) -m tests.benchmarks

# Everything that must be survived, tried often: killed calibrations, damaged and hostile stores, many processes.
soak:
	$(PYTHON) -m pytest -m soak
	$(PYTHON) -m tests.reliability

calibrate:
	autotune calibrate

# The JSON Schema beside the shipped records.
schema:
	$(PYTHON) -c "import sys; from autotune.store import shipped; sys.stdout.buffer.write(shipped.schema())" \
		> tuning_db/record.schema.json

build:
	$(PYTHON) -m build
