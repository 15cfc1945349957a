# Developers' commands; the two commands for users are in README.md.
PYTHON ?= python

.PHONY: test lint types bench bench-kernels headlines audit-security soak upstream calibrate schema build

test:
	$(PYTHON) -m tests

lint:
	ruff check .
	ruff format --check .

types:
	mypy

# Each benchmark prints its figures beside their limits. Nothing else should run beside them.
bench:
	$(PYTHON) -m tests.benchmarks

# The kernel library against everything a user would pick instead: a table, and in build/bench-kernels a CSV file and a
# picture of each family.
bench-kernels:
	$(PYTHON) -m tests.benchmarks.bench_kernels

# The headline figures of the five plans that this project comes from, each against its baseline.
headlines:
	$(PYTHON) -m tests.benchmarks.bench_headlines

# Everything that must be survived, tried often: killed calibrations, damaged and hostile stores, many processes.
soak:
	$(PYTHON) -m pytest -m soak
	$(PYTHON) -m tests.reliability

# The tests inside the installed NumPy, SciPy and scikit-learn wheels, on the kernels; what passes only without is named.
# Compiled code is kept in build/upstream.
upstream:
	$(PYTHON) -m tests.upstream --store build/upstream

# Known vulnerabilities of what is installed, and dangerous constructs in the source (pip install pip-audit bandit).
# The one finding: diskcache unpickles what it reads (CVE-2025-69872). autotune only writes through it, text alone;
# tests/reliability/test_hostile_files.py plants pickles in every column and looks that none is executed.
audit-security:
	$(PYTHON) -m pip_audit --local --skip-editable --ignore-vuln CVE-2025-69872
	$(PYTHON) -m bandit --quiet --recursive --configfile pyproject.toml autotune kernels

calibrate:
	autotune calibrate

# The JSON Schema beside the shipped records.
schema:
	$(PYTHON) -c "import sys; from autotune.store import shipped; sys.stdout.buffer.write(shipped.schema())" \
		> tuning_db/record.schema.json

build:
	$(PYTHON) -m build
