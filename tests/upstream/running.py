"""One run of upstream tests, in a process of its own: an error that ends the process costs one run.

Knows nothing of what the runs are for.
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from tests.upstream.comparing import Run

ROOT = Path(__file__).resolve().parents[2]
#: Longer than any test takes, compilation included; the whole of a package takes a few minutes.
TEST_TIMEOUT_S, TIMEOUT_S = 300, 3600


def site(file: str) -> Path:
    """The directory where the package of a file is installed."""
    spec = importlib.util.find_spec(file.partition("/")[0])
    return Path(spec.origin).parents[1] if spec is not None and spec.origin is not None else Path("/nowhere")


def by_package(files: Iterable[str]) -> list[list[str]]:
    """Those of one directory and package together: modules of tests without a package must not have the same name."""
    groups: dict[str, list[str]] = {}
    for file in files:
        groups.setdefault("/".join(file.split("/")[:2]), []).append(file)
    return list(groups.values())


def run(files: Sequence[str], *, with_kernels: bool, store: Path, scratch: Path, more: Sequence[str] = ()) -> Run:
    """Run files of one package; `store` keeps compiled code, `more` are further arguments for pytest."""
    below = site(files[0])
    written = scratch / f"{files[0].replace('/', '.')}.{with_kernels}.json"
    command = [
        sys.executable, "-m", "pytest", "-q", "-c", os.devnull, "--rootdir", str(below), "-p", "no:cacheprovider",
        "-p", "tests.upstream.plugin", "--upstream-report", str(written), "--hypothesis-seed=0",
        "--timeout", str(TEST_TIMEOUT_S), *(["--upstream-kernels"] if with_kernels else []), *more,
        *(str(below / file) for file in files),
    ]  # fmt: skip
    environ = {name: value for name, value in os.environ.items() if not name.startswith("AUTOTUNE_")}
    environ.update(
        AUTOTUNE_MODE="first-use", AUTOTUNE_DB=str(store), AUTOTUNE_SHIPPED="0",
        PYTHONPATH=os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH")))),
    )  # fmt: skip
    done = subprocess.run(
        command, cwd=scratch, env=environ, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
        timeout=TIMEOUT_S,
    )  # fmt: skip
    print(f"{', '.join(files)} {'with' if with_kernels else 'without'} kernels: {done.stdout.splitlines()[-1]}")
    if not written.exists():
        return Run({}, {}, {}, died=f"{files} with{'' if with_kernels else 'out'} kernels: {done.stdout[-2000:]}")
    seen = json.loads(written.read_text())
    return Run(seen["tests"], seen["served"], seen["left_out"])
