"""autotune: measures the variants of a numerical function on this machine, and calls the winner.

>>> from autotune import tunable
>>> @tunable(size={"n": "x.size"})
... def rms(x):
...     return np.sqrt(np.mean(x * x))

See `tunable` for declaring kernels, `Tuned` for what a tuned function offers, and ``autotune --help`` for the command
line. Importing this loads nothing, not even NumPy, because the pytest plugin does it in every test suite; each name is
loaded when it is first used, and none of them loads Numba or anything else that is heavy.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from . import workspace
    from .compile.lazy import jitable, prange
    from .dispatch.tunable import tunable
    from .dispatch.tuned import Tuned
    from .errors import (
        AutotuneError,
        AutotuneWarning,
        BaselineError,
        CalibrationError,
        CompileError,
        DeclarationError,
        LockError,
        ProgramError,
        SettingsError,
        StaleRecord,
        StoreError,
        StoreWarning,
        UnknownKernel,
        VariantError,
        VariantWarning,
        WorkerError,
        WorkloadError,
        WorkloadWarning,
    )
    from .kernel.registry import all_kernels, find
    from .profile.calls.recording import recording
    from .profile.calls.stats import stats
    from .space import Choice, IntRange, Pow2, Range, Static

__version__ = "0.1.0"

__all__ = [
    "AutotuneError",
    "AutotuneWarning",
    "BaselineError",
    "CalibrationError",
    "Choice",
    "CompileError",
    "DeclarationError",
    "IntRange",
    "LockError",
    "Pow2",
    "ProgramError",
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
    "WorkloadError",
    "WorkloadWarning",
    "all_kernels",
    "find",
    "jitable",
    "prange",
    "recording",
    "stats",
    "tunable",
    "workspace",
]

#: Where the names are that do not stand in `errors`.
_HOMES = {
    "jitable": "compile.lazy", "prange": "compile.lazy", "tunable": "dispatch.tunable", "Tuned": "dispatch.tuned",
    "all_kernels": "kernel.registry", "find": "kernel.registry", "recording": "profile.calls.recording",
    "stats": "profile.calls.stats",
    **dict.fromkeys(("Choice", "IntRange", "Pow2", "Range", "Static"), "space"),
}  # fmt: skip

if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from importlib import import_module

        if name == "workspace":
            return import_module(".workspace", __name__)
        value = getattr(import_module(f".{_HOMES.get(name, 'errors')}", __name__), name)
        globals()[name] = value
        return value

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})
