"""Floating-point numbers as every family treats them: what compiled loops may do, and what only NumPy may answer.

Compiled code is silent. A loop that meets what NumPy may report says so by one of three words; then the whole call is
the reference's. Knows nothing of any one kernel.
"""

from contextvars import ContextVar

import numpy as np

# ---- liberties of compiled loops (LLVM's fast-math flags); NaN and infinity always keep their meaning

# sums may be split over vector lanes
ANY_ORDER = {"reassoc", "contract", "nsz"}
# a·b + c in one instruction with one rounding, where there is one; nothing is reordered
FUSED = {"contract"}

# ---- what a loop found, the worse the greater

PLAIN = 0
UNDERFLOW = 1  # a number below the normal ones: NumPy may report an underflow
ASK = 2  # NumPy's answer is needed


# NumPy keeps its error state in a context variable, which holds another object after any change: to look at that takes
# 20 ns, at the state itself 1.4 µs. A NumPy without the variable has the state looked at.
_STATE = getattr(np._core.umath, "_extobj_contextvar", ContextVar("unknown", default=None))
_UNWATCHED = (np.geterr()["under"] == "ignore" and _STATE.get()) or object()


def underflows_are_watched():
    """Whether somebody wants to hear of underflows, which NumPy ignores unless it is asked not to."""
    return _STATE.get() is not _UNWATCHED and np.geterr()["under"] != "ignore"


def reference_decides(seen):
    """Whether NumPy must answer for what was found."""
    return seen == ASK or (seen == UNDERFLOW and underflows_are_watched())


# Squares and products of smaller numbers of float64 may underflow: 2^-511 squared is the smallest normal one.
SMALLEST_ROOT = 2.0**-511

# ---- scalars, by item size

# A one, which times a Python float is the cheapest way to a NumPy scalar (NEP 50: the type is the one's; 47 ns against
# 197 for np.float32(value)).
ONE = {4: np.float32(1), 8: np.float64(1)}
# The smallest normal number: NumPy may report an underflow for a result below it.
SMALLEST = {4: float(np.finfo(np.float32).tiny), 8: float(np.finfo(np.float64).tiny)}
LARGEST = {4: float(np.finfo(np.float32).max), 8: float(np.finfo(np.float64).max)}
