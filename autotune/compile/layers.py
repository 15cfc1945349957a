"""Numba's threading layer: which one is in use, and TBB loaded by path so that it can be.

TBB is the only layer that survives both Python threads and fork, and it falls to serial speed at worst under load;
Numba finds the one that pip installs only if its library is already loaded, and looks for it once in a process, before
the first parallel function of anybody. Knows nothing of kernels.
"""

from __future__ import annotations

import ctypes
import importlib
import os
import sys
from functools import lru_cache
from pathlib import Path

#: The library that Numba's TBB layer links to, by platform.
_TBB_LIBRARY = {"linux": "libtbb.so.12", "darwin": "libtbb.12.dylib", "win32": "tbb12.dll"}


@lru_cache(maxsize=1)
def tbb_library() -> Path | None:
    """The path of TBB as installed by pip or conda in this environment, or None."""
    name = _TBB_LIBRARY.get(sys.platform)
    return None if name is None else _tbb_at_hand() or _tbb_by_metadata(name)


@lru_cache(maxsize=1)
def _tbb_at_hand() -> Path | None:
    """The path of TBB where pip and conda put it as a rule; a tenth of a millisecond, found or not."""
    name = _TBB_LIBRARY.get(sys.platform)
    if name is None:
        return None
    folders = [Path(sys.prefix, "lib"), Path(sys.prefix, "Library", "bin"), Path(sys.base_prefix, "lib")]
    folders += [Path(entry).parents[1] for entry in sys.path if entry.endswith("site-packages")]
    return next((folder / name for folder in folders if (folder / name).is_file()), None)


def _tbb_by_metadata(name: str) -> Path | None:
    """The path that the installed distribution records, for ``pip install --user`` and the like."""
    from importlib import metadata

    try:
        files = metadata.files("tbb") or []
    except metadata.PackageNotFoundError:
        return None
    for file in files:
        if file.name == name:
            path = Path(str(file.locate())).resolve()
            if path.is_file():
                return path
    return None


def preload_tbb(*, at_hand: bool = False) -> bool:
    """Load TBB by path, once, unless the environment asks for another layer; whether it is loaded.

    Parameters
    ----------
    at_hand : bool
        Look only where that takes no time.
    """
    if os.environ.get("NUMBA_THREADING_LAYER", "default").lower() not in ("default", "tbb", "safe", "threadsafe",
                                                                         "forksafe"):  # fmt: skip
        return False
    path = _tbb_at_hand() if at_hand else tbb_library()
    return path is not None and _loaded(path)


@lru_cache(maxsize=1)
def _loaded(path: Path) -> bool:
    try:
        ctypes.CDLL(str(path), mode=getattr(ctypes, "RTLD_GLOBAL", 0))
    except OSError:
        return False  # another TBB is already loaded, or this one does not fit the machine: Numba takes what it finds
    return True


def running_layer() -> str | None:
    """The layer that Numba has started in this process, or None if it has not."""
    numba = sys.modules.get("numba")
    if numba is None:
        return None
    try:
        return str(numba.threading_layer())
    except ValueError:
        return None


def started_layer() -> str | None:
    """The layer that runs from now on: Numba chooses it, and starts its threads, if it has not; None if it cannot."""
    preload_tbb()
    numba = importlib.import_module("numba")
    try:
        numba.get_num_threads()
    except ValueError:  # no layer can be loaded: parallel code will say so
        return None
    return running_layer()


def expected_layer() -> str:
    """The layer that is running, or that Numba would choose here."""
    running = running_layer()
    if running is not None:
        return running
    asked = os.environ.get("NUMBA_THREADING_LAYER", "default").lower()
    if asked in ("tbb", "omp", "workqueue"):
        return asked
    if tbb_library() is not None:
        return "tbb"
    return "workqueue" if asked in ("threadsafe", "forksafe", "safe") else "omp"


def wait_policy() -> str:
    """How idle threads of the layer wait; under OpenMP it decides what a busy neighbour costs."""
    if expected_layer() != "omp":
        return "none"
    return os.environ.get("OMP_WAIT_POLICY", "default").lower()
