"""autotune: measures the variants of a numerical function on this machine, and calls the winner.

>>> from autotune import tunable
>>> @tunable(size={"n": "x.size"})
... def rms(x):
...     return np.sqrt(np.mean(x * x))

See `tunable` for declaring kernels, `Tuned` for what a tuned function offers, and ``autotune --help`` for the command
line. Importing this loads neither Numba nor anything else that is heavy.
"""

from .compile.lazy import jitable, prange
from .dispatch.tunable import tunable
from .dispatch.tuned import Tuned
from .errors import (
    AutotuneError,
    AutotuneWarning,
    CalibrationError,
    CompileError,
    DeclarationError,
    LockError,
    SettingsError,
    StaleRecord,
    StoreError,
    StoreWarning,
    UnknownKernel,
    VariantError,
    VariantWarning,
    WorkerError,
)
from .kernel.registry import all_kernels, find
from .space import Choice, IntRange, Pow2, Range, Static

__version__ = "0.1.0"

__all__ = [
    "AutotuneError",
    "AutotuneWarning",
    "CalibrationError",
    "Choice",
    "CompileError",
    "DeclarationError",
    "IntRange",
    "LockError",
    "Pow2",
    "Range",
    "SettingsError",
    "StaleRecord",
    "Static",
    "StoreError",
    "StoreWarning",
    "Tuned",
    "UnknownKernel",
    "VariantError",
    "VariantWarning",
    "WorkerError",
    "all_kernels",
    "find",
    "jitable",
    "prange",
    "tunable",
]
