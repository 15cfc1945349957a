"""``python -m tests.reliability``: every row of the table with its full number of tries; 1 if one is not sound.

Names choose rows, ``--tries N`` sets how often. Each row runs in a process of its own, so that what kills it costs the
row and not the table.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time

from tests.benchmarks.timing import report
from tests.reliability.soak import Outcome, Row, all_rows

#: Longer than any row takes.
TIMEOUT_S = 3600.0


def main() -> int:
    asked = _arguments()
    rows = all_rows()
    unknown = sorted(set(asked.names) - set(rows))
    if unknown:
        print(f"no row is named {', '.join(unknown)}; there are {', '.join(sorted(rows))}", file=sys.stderr)
        return 2
    if asked.alone:
        (name,) = asked.names
        print(json.dumps(rows[name].function(asked.tries or rows[name].tries)._asdict()))
        return 0
    chosen = [rows[name] for name in asked.names] or list(rows.values())
    lines, sound = [], True
    for row in chosen:
        started = time.monotonic()
        outcome = _in_own_process(row, asked.tries or row.tries)
        sound = sound and outcome.sound
        counts = (outcome.tries, outcome.faults, outcome.lost, outcome.wrong)
        lines.append([row.title, *map(str, counts), f"{time.monotonic() - started:.0f} s", outcome.note])
        print(f"{row.name}: {'sound' if outcome.sound else 'NOT SOUND'}  {outcome.note}", flush=True)
    report("What must be survived", ["test", "tries", "faults", "lost", "wrong", "took", "note"], lines)
    print("\nnothing wrong, nothing lost" if sound else "\nNOT SOUND: see the rows that are not all 0")
    return 0 if sound else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.reliability")
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--tries", type=int, default=0)
    parser.add_argument("--alone", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args()


def _in_own_process(row: Row, tries: int) -> Outcome:
    command = [sys.executable, "-m", "tests.reliability", "--alone", row.name, "--tries", str(tries)]
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, timeout=TIMEOUT_S, check=False)
        return Outcome(**json.loads(done.stdout.splitlines()[-1]))
    except subprocess.TimeoutExpired:
        return Outcome(tries, faults=1, note=f"hung for {TIMEOUT_S:.0f} s")
    except (ValueError, IndexError):
        return Outcome(tries, faults=1, note=f"died with {done.returncode}")


if __name__ == "__main__":
    sys.exit(main())
