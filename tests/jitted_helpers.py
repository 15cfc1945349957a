"""A helper that compiled code of another module reaches as an attribute."""

from __future__ import annotations

from autotune import jitable


@jitable
def times(x):
    return x * 3.0
