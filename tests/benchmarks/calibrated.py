"""A store of its own, calibrated, for benchmarks of what was decided."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence


def run_calibrated(module: str, mode: str, *arguments: str, kernels: Sequence[str] = ()) -> int:
    """Run a module anew in `mode`, on a store calibrated with ``--effort quick``, or on that of ``AUTOTUNE_DB``.

    Parameters
    ----------
    module, mode : str
    arguments : str
        What the module is given on its command line.
    kernels : sequence of str
        What is calibrated; by default the whole library.

    Returns
    -------
    int
        The exit status of the module.
    """
    with tempfile.TemporaryDirectory() as folder:
        environ = {"AUTOTUNE_DB": folder, **os.environ}
        calibrate = [sys.executable, "-m", "autotune", "calibrate", "--effort", "quick", *kernels]
        subprocess.run(calibrate, check=True, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        again = [sys.executable, "-m", module, *arguments]
        return subprocess.run(again, check=False, env={**environ, "AUTOTUNE_MODE": mode}).returncode
