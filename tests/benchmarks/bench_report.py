"""How large the report of the whole library is, how long it takes to write, and how soon a browser shows it.

Run as ``python -m tests.benchmarks.bench_report``. It takes what is recorded on this machine or what comes with the
package, whichever is more, repeated until there are as many signatures as the library has.
"""

from __future__ import annotations

import itertools
import statistics
import sys
import tempfile
import time
from pathlib import Path

from autotune.cli.common import load_kernels
from autotune.profile.report import knowledge, library, page
from autotune.store import shipped
from autotune.store.store import Found
from tests.benchmarks.timing import report, verdict
from tests.browser import FOUND, browser
from tests.conftest import ROOT

#: Issue figures: bytes of the file, and seconds until it is painted.
LIMIT_BYTES, LIMIT_S = 5_000_000, 2.0
#: Signatures that a calibration of the library records, and times that the page is opened.
SIGNATURES, RUNS = 153, 5


def everything() -> tuple[list[knowledge.Known], str]:
    """What is known of a library of full size, and where that comes from."""
    own = list(knowledge.everything(load_kernels(())).values())
    records = [r for file in sorted((ROOT / "tuning_db").glob("*-cores-*.json")) for r in shipped.read_file(file)]
    mine = sum(len(about.records) for about in own)
    if mine >= max(SIGNATURES, len(records)):
        return own, f"{mine} records of this machine"
    found: dict[str, dict[str, object]] = {}
    for index, record in enumerate(itertools.islice(itertools.cycle(records), max(SIGNATURES, len(records)))):
        name = f"{record.kernel}{index // len(records) or ''}"
        found.setdefault(name, {})[record.signature] = record
    known = [knowledge.Known(name, Found(records, frozenset(), ())) for name, records in found.items()]
    return known, f"{len(records)} records of the package, repeated to {SIGNATURES}"


def main() -> int:
    known, source = everything()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "report.html"
        started = time.perf_counter()
        file.write_text(page.of_library(library.survey(known)))
        wrote_s = time.perf_counter() - started
        size = file.stat().st_size
        rows = [
            ["size of the file", f"{size / 1e6:.2f} MB", f"{LIMIT_BYTES / 1e6:.0f} MB", verdict(size < LIMIT_BYTES)],
            ["making it", f"{wrote_s:.1f} s", "", ""],
        ]
        if FOUND is None:
            rows.append(["opening it", "no Chromium is installed", f"{LIMIT_S:.0f} s", "not measured"])
        else:
            opened_s = statistics.median(_opened(file) for _ in range(RUNS))
            rows.append(
                ["opening it, until painted", f"{opened_s:.2f} s", f"{LIMIT_S:.0f} s", verdict(opened_s < LIMIT_S)]
            )
    report(f"HTML report of the whole library ({source})", ["what", "measured", "limit", ""], rows)
    return 1 if any(row[-1] == "MISSED" for row in rows) else 0


def _opened(file: Path) -> float:
    """Seconds until a new browser has painted it."""
    with browser() as window:
        window.look()
        return window.open(file)


if __name__ == "__main__":
    sys.exit(main())
