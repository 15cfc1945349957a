"""Work in parts of equal length, each a task of its own.

Knows nothing of the work.
"""

from autotune import jitable


@jitable(forceinline=True)
def part_of(length, parts, number):
    """Where the part of that number begins and ends; the last ones may be shorter, or empty."""
    step = (length + parts - 1) // parts
    return min(number * step, length), min((number + 1) * step, length)
