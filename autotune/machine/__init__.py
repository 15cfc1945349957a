"""The machine that records are valid for, and how quiet it is now.

Knows nothing of kernels.
"""

from .cores import CoreBudget, usable_cores
from .fingerprint import Machine, compiled_fields, fingerprint

__all__ = ["CoreBudget", "Machine", "compiled_fields", "fingerprint", "usable_cores"]
