"""How many threads run while something is verified or measured, the same for every candidate.

What is controlled: Numba's parallel code runs on the usable cores (which a cgroup quota may make fewer than Numba
starts with), every BLAS and OpenMP library on at most as many, never on more than the user allowed it, and OpenMP
regions inside others on one thread. A parallel loop that calls BLAS inside therefore keeps at most the usable cores
busy with its own threads and as many with those of BLAS: OpenBLAS has one pool for all callers, and OpenMP builds fall
to one thread inside a region. All of it is put back afterwards, because first use runs in the user's own process.

Libraries that are loaded later keep what they start with; Numba, which is loaded when it is first needed, does not,
because its count is set around every verification and every race. Knows nothing of candidates.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from .state import all_numba_threads, numba_threads, set_numba_threads, thread_pools


@contextlib.contextmanager
def numba_on(cores: int) -> Iterator[None]:
    """Numba's parallel code on `cores` threads; nothing happens, and nothing is started, where that is so already."""
    before = numba_threads()
    if before is not None:
        set_numba_threads(min(cores, all_numba_threads() or cores))
    try:
        yield
    finally:
        # Loaded meanwhile, Numba keeps the count it started with, which nobody has changed for good.
        if before is not None:
            set_numba_threads(before)


@contextlib.contextmanager
def libraries_on(cores: int) -> Iterator[None]:
    """BLAS and OpenMP libraries on at most `cores` threads, without nesting (some milliseconds: once a session)."""
    limited: list[tuple[Any, int]] = []
    levels: list[tuple[Any, int]] = []
    try:
        for library in thread_pools().lib_controllers:
            count = library.num_threads
            if count is not None and count > cores:
                limited.append((library, count))
                library.set_num_threads(cores)
            nesting = getattr(library.dynlib, "omp_get_max_active_levels", None)
            if nesting is not None and nesting() > 1:
                levels.append((library.dynlib, nesting()))
                library.dynlib.omp_set_max_active_levels(1)
        yield
    finally:
        for library, count in reversed(limited):
            library.set_num_threads(count)
        for library, level in reversed(levels):
            library.omp_set_max_active_levels(level)


@contextlib.contextmanager
def limited(cores: int) -> Iterator[None]:
    """Everything on at most `cores` threads."""
    with libraries_on(cores), numba_on(cores):
        yield
