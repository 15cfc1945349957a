"""The process in which code is timed: ``python -P measuring.py JOB``, one run of `measure.regression`.

It is run by its path and imports nothing of autotune itself, because the code to be timed may be an older autotune:
what it uses of one is what users do, and the declaration of a kernel. The job is a JSON file; the results are written
to another one, whose name it holds. All benchmarks are timed in several passes, so that each has samples from all of
the life of the process. Knows nothing of who compares.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import importlib.util
import itertools
import json
import math
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

#: A sample is the mean of so many calls that it lasts this long, or of one (MEASUREMENT.md, section 1: at least 20 µs).
SAMPLE_S = 50e-6
#: Samples in a run at least (MEASUREMENT.md, section 7: 200 calls), and passes that they are taken in.
SAMPLES, PASSES = 200, 4
#: Seconds of samples in a run at least: of a gather from 1.6 MB, medians of 15 ms moved by 4 % from process to process,
#: medians of 75 ms by 0.6 to 1.2 %.
LEAST_S = 0.06
#: A run spends no more on one benchmark, but takes at least so many samples: calls of 10 ms still have all 200, and the
#: median of calls that are longer moves less, because each is itself a mean over disturbances.
MOST_S, FEWEST = 2.0, 12
#: Seed of the arguments, which are the same in every run.
SEED = 20260101


class Timed:
    """A call that is timed.

    Parameters
    ----------
    function : callable
    args, kwargs
        What it is called with.
    fresh : bool
        Whether it changes its arguments, so that every call gets copies.
    """

    def __init__(
        self, function: Callable[..., Any], args: Any = (), kwargs: Any = None, *, fresh: bool = False
    ) -> None:
        self._function, self._args, self._kwargs, self._fresh = function, tuple(args), kwargs or {}, fresh
        self._loops = 1
        self.samples: list[float] = []

    def settle(self) -> None:
        """Call it for the first time, and choose how many calls make a sample."""
        self._seconds(1)
        while not self._fresh and (seconds := self._seconds(self._loops)) < SAMPLE_S:
            self._loops = max(2 * self._loops, math.ceil(self._loops * SAMPLE_S / max(seconds, 1e-9)))

    def take(self) -> None:
        """The samples of one pass."""
        gc.collect()
        self._seconds(1)  # brings code and data back into the caches
        count, began_s = 0, time.perf_counter()
        while not _enough(count, time.perf_counter() - began_s):
            self.samples.append(max(self._seconds(self._loops) / self._loops, 1e-10))
            count += 1

    @property
    def log(self) -> float:
        """The logarithm of the median."""
        return math.log(statistics.median(self.samples))

    def _seconds(self, loops: int) -> float:
        function, args, kwargs, clock = self._function, self._args, self._kwargs, time.perf_counter
        if self._fresh:
            args = tuple(_copy(value) for value in args)
            kwargs = {name: _copy(value) for name, value in kwargs.items()}
        iterations = itertools.repeat(None, loops)
        if kwargs or len(args) > 2:
            start = clock()
            for _ in iterations:
                function(*args, **kwargs)
        elif len(args) == 2:
            a, b = args
            start = clock()
            for _ in iterations:
                function(a, b)
        elif args:
            (a,) = args
            start = clock()
            for _ in iterations:
                function(a)
        else:
            start = clock()
            for _ in iterations:
                function()
        return clock() - start


def _enough(count: int, seconds: float) -> bool:
    """Whether a pass has taken enough samples."""
    if count < FEWEST // PASSES:
        return False
    return seconds >= MOST_S / PASSES or (count >= SAMPLES // PASSES and seconds >= LEAST_S / PASSES)


def _copy(value: Any) -> Any:
    return value.copy(order="K") if type(value).__name__ == "ndarray" else value


def import_from(place: str, *, beside: str | None = None) -> Any:
    """A module by its dotted name, or a file by its path, under its stem.

    Parameters
    ----------
    beside : str, optional
        The directory in which a file finds its neighbours; its own by default.
    """
    if not place.endswith(".py"):
        return importlib.import_module(place)
    file = Path(place)
    known = sys.modules.get(file.stem)
    if known is not None and getattr(known, "__autotune_path__", None) == str(file):
        return known
    spec = importlib.util.spec_from_file_location(file.stem, file)
    if spec is None or spec.loader is None or not file.is_file():
        raise ImportError(f"{place}: no such file")
    module = importlib.util.module_from_spec(spec)
    module.__autotune_path__ = str(file)  # type: ignore[attr-defined]
    sys.modules[file.stem] = module
    sys.path.insert(0, beside or str(file.parent))
    spec.loader.exec_module(module)
    return module


def prepared(benchmark: dict[str, Any], *, tune: bool) -> tuple[Timed, Timed]:
    """A benchmark, and what its ratio refers to: the reference of a kernel, or the yardstick."""
    module = import_from(benchmark["module"], beside=benchmark.get("beside"))
    if "kernel" in benchmark:
        return _kernel(benchmark, tune=tune)
    import numpy as np

    function = module
    for name in benchmark["function"].split("."):
        function = getattr(function, name)
    inputs = getattr(module, benchmark["inputs"], None) if benchmark.get("inputs") else None
    args = inputs(np.random.default_rng(SEED)) if inputs is not None else ()
    return Timed(function, args if isinstance(args, tuple) else (args,)), Timed(yardstick())


def _kernel(benchmark: dict[str, Any], *, tune: bool) -> tuple[Timed, Timed]:
    """A call of the dispatcher, and one of the kernel's reference; what no record covers is tuned first, if asked."""
    import numpy as np

    from autotune import find

    tuned = find(benchmark["kernel"])
    kernel = tuned.__autotune__.kernel
    given = kernel.inputs(np.random.default_rng(SEED), **benchmark["keywords"])
    args, kwargs = given if _is_call(given) else (given if isinstance(given, tuple) else (given,), {})
    args = [_laid_out(value, benchmark["layout"]) for value in args]
    kwargs = {name: _laid_out(value, benchmark["layout"]) for name, value in kwargs.items()}
    if tune and tuned.variants:  # what is known already, and was not edited, is not measured again
        with contextlib.suppress(LookupError):  # VariantError: locked, or too long a call; the reference serves it
            tuned.tune(*args, **kwargs)
    fresh = bool(set(kernel.mutates) - {"out"})
    return Timed(tuned, args, kwargs, fresh=fresh), Timed(tuned.reference, args, kwargs, fresh=fresh)


def _is_call(given: Any) -> bool:
    return isinstance(given, tuple) and len(given) == 2 and isinstance(given[0], tuple) and isinstance(given[1], dict)


def _laid_out(value: Any, layout: str) -> Any:
    """An array in a layout of ``calibrate=``: C, F or strided."""
    import numpy as np

    if type(value) is not np.ndarray or layout == "C" or not value.ndim:
        return value
    if layout == "F":
        return np.array(value, order="F")
    view = np.zeros((*value.shape[:-1], 2 * value.shape[-1] + 1), value.dtype)[..., 1::2]
    view[...] = value
    return view


def yardstick() -> Callable[[], None]:
    """Work that never changes, some 0.1 ms of the interpreter and of NumPy, for functions that have no reference.

    Nothing in it uses threads: beside a busy process they would make it a hundred times slower.
    """
    import numpy as np

    x = np.random.default_rng(SEED).random(20_000)
    out = np.empty_like(x)

    def work() -> None:
        sum(range(2_000))
        np.sqrt(x, out)
        np.multiply(out, x, out)
        out.sum()

    return work


def results(job: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """What was measured, by the name of the benchmark; a failure is an ``error``."""
    ready: dict[str, list[Timed]] = {}
    for benchmark in job["benchmarks"]:
        try:
            timed = list(prepared(benchmark, tune=job["tune"]))[: 2 if job["ratios"] else 1]
            for one in timed:
                one.settle()
            ready[benchmark["name"]] = timed
        except (Exception, SystemExit) as error:  # the candidate boundary: a user's function, or one not there yet
            yield benchmark["name"], {"error": f"{type(error).__name__}: {error}"}
    for _ in range(PASSES):
        for timed in ready.values():
            for one in timed:
                one.take()
    for name, timed in ready.items():
        yield name, dict(zip(("log", "reference"), (one.log for one in timed), strict=False))


def main(job_file: str) -> None:
    job = json.loads(Path(job_file).read_text(encoding="utf-8"))
    found = dict(results(job))
    partial = Path(f"{job['result']}.part")
    partial.write_text(json.dumps(found), encoding="utf-8")
    os.replace(partial, job["result"])


if __name__ == "__main__":
    main(sys.argv[1])
