"""The tuner: one kernel and signature at a time, propose, verify, race, find thresholds, return a record.

Imported when something is first tuned. Knows nothing of the command line.
"""

from .calibration import calibrate
from .first_use import first_use

__all__ = ["calibrate", "first_use"]
