# Developers' commands; the two commands for users are in README.md.
PYTHON ?= python

.PHONY: test lint types bench calibrate build

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

calibrate:
	autotune calibrate

build:
	$(PYTHON) -m build
