"""``python -m tests.upstream``: upstream tests with and without the kernels; 1 if one passes only without.

Arguments choose files whose name contains one of them. ``--store DIRECTORY`` keeps compiled code for the next time.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.benchmarks.timing import report
from tests.upstream import originals, running
from tests.upstream.comparing import Verdict, compare
from tests.upstream.files import BY_DESIGN, FILES, SLOW, UNREACHED


def main() -> int:
    asked = _arguments()
    chosen = [file for file in FILES if not asked.names or any(name in file for name in asked.names)]
    here = [file for file in chosen if (running.site(file) / file).exists()]
    for file in sorted(set(chosen) - set(here)):
        print(f"not installed: {file}")
    packages = running.by_package(here)
    with tempfile.TemporaryDirectory() as scratch, ThreadPoolExecutor(asked.jobs) as pool:
        places = {"store": asked.store or Path(scratch) / "store", "scratch": Path(scratch)}
        more = [] if asked.slow else ["-m", "not slow"]
        after, before = (
            [pool.submit(running.run, files, with_kernels=with_kernels, more=more, **places) for files in packages]
            for with_kernels in (True, False)
        )
        runs = [(then.result(), now.result()) for then, now in zip(before, after, strict=True)]
    verdicts = [compare(file, *both, BY_DESIGN) for files, both in zip(packages, runs, strict=True) for file in files]
    return _conclude(verdicts, [run.died for both in runs for run in both if run.died], whole=not asked.names)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.upstream")
    parser.add_argument("names", nargs="*", metavar="FILE")
    parser.add_argument("--store", type=lambda given: Path(given).resolve(), metavar="DIRECTORY")
    parser.add_argument("--slow", action="store_true", help=f"also {SLOW}")
    parser.add_argument("--jobs", type=int, default=2, help="processes at a time")
    return parser.parse_args()


def _conclude(verdicts: list[Verdict], died: list[str], *, whole: bool) -> int:
    """Print what was found; 1 if it is not sound."""
    head = ["file", "tests", "left out", "passed", "with kernels", "runs", "calls served", "differ by design", "new"]
    lines = []
    for v in verdicts:
        passed = (v.passed_before, v.passed, v.runs, v.served.total(), len(v.by_design), len(v.new))
        lines.append([v.file, *map(str, (v.tests, v.left_out, *passed))])
    report("Upstream tests, file by file", head, lines)
    served: Counter[str] = sum((v.served for v in verdicts), Counter())
    variants = {
        (name, place.name): {key.partition(":")[2]: n for key, n in served.items() if key.startswith(f"{name}:")}
        for place in originals.places()
        for name in place.kernels
    }
    lines = [[*who, str(sum(by.values())), ", ".join(sorted(by))] for who, by in variants.items()]
    report("Upstream tests, kernel by kernel", ["kernel", "in the place of", "calls served", "by"], lines)
    print()
    for name, summary in originals.without_place().items():
        print(f"In nobody's place: {name}: {summary}")
    print(f"Left out: {SLOW}; --slow runs them")
    for name, reason in UNREACHED.items():
        print(f"Not reached: {name}: {reason}")
    for test, reason in BY_DESIGN.items():
        differing = sum(test in (key, key.partition("[")[0]) for v in verdicts for key in v.by_design)
        if differing:
            print(f"Differs by design ({differing}): {test}: {reason}")
    faults = [f"NEW FAILURE {text}" for v in verdicts for text in _by_test(v.new)]
    faults += [f"DIED {text}" for text in died]
    faults += [f"NOTHING PASSED {v.file}: not even without kernels" for v in verdicts if not v.passed_before]
    idle = [name for (name, _), by in variants.items() if whole and not by]
    faults += [f"NOT SERVED {name}: no variant was called" for name in idle if name not in UNREACHED]
    faults += [] if served else ["NOT SERVED: no variant of any kernel was called"]
    print("\n".join(faults))
    new = sum(len(v.new) for v in verdicts)
    print(f"\n{new} new failures, {served.total()} calls served by variants{': NOT SOUND' if faults else ''}")
    return int(bool(faults))


def _by_test(failures: Mapping[str, str]) -> Iterator[str]:
    """A line for each test, with why the first of its parameters failed."""
    parameters = Counter(test.partition("[")[0] for test in failures)
    for test, why in failures.items():
        count = parameters.pop(test.partition("[")[0], 0)
        if count:
            yield f"{test}{f' and {count - 1} more' if count > 1 else ''}: {why}"


if __name__ == "__main__":
    sys.exit(main())
