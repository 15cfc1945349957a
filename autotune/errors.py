"""Every exception and warning that autotune raises on purpose.

::

    AutotuneError
    ├── DeclarationError      a kernel, variant, space or size is declared wrongly (also a TypeError)
    │   ├── ExpressionError   an expression string cannot be read, or uses a name it may not use
    │   └── SpaceError        a parameter space is empty or malformed
    ├── UnknownKernel         no declared kernel has the name
    ├── CalibrationError      a kernel cannot be calibrated as declared (inputs, size, reference)
    ├── VariantError          a variant is unknown, unavailable, or does not take this call
    ├── CompileError          a variant cannot be compiled for a signature
    ├── WorkerError           the isolated process cannot be started or was lost
    ├── StoreError            records cannot be written, read or imported
    ├── LockError             the file that AUTOTUNE_MODE=locked obeys is missing or cannot be obeyed
    ├── WorkloadError         a recorded workload cannot be read, written or used
    ├── ProgramError          a program that is run to be compared fails, hangs, or cannot be run as asked
    ├── BaselineError         code or a saved baseline cannot be had, read, written or compared with
    └── SettingsError         an environment variable or a [tool.autotune] entry has no legal value
        └── UnknownStrategy   no search strategy has the name

    AutotuneWarning (a UserWarning)
    ├── StaleRecord           a stored record was made for another source, machine or version
    ├── StoreWarning          the store cannot be used as asked; decisions stay in memory
    ├── VariantWarning        a variant was disabled for this process
    └── WorkloadWarning       something of a recording could not be written or read

A message says where, what was expected and found, and the edit or command that mends it. Knows nothing of anything
else, but where warnings go that may not be raised.
"""

from __future__ import annotations

import warnings

from .events import log


class AutotuneError(Exception):
    """Base of every error raised by autotune on purpose."""


class DeclarationError(AutotuneError, TypeError):
    """A kernel, variant, space or size is declared in a way that cannot work."""


class ExpressionError(DeclarationError):
    """An expression string cannot be read, or uses something that is not allowed in it."""


class SpaceError(DeclarationError):
    """A parameter space is empty, malformed, or its constraint leaves nothing."""


class UnknownKernel(AutotuneError, LookupError):
    """No declared kernel, or more than one, has the name."""


class CalibrationError(AutotuneError):
    """A kernel cannot be calibrated: its inputs, size or reference do not fit together."""


class VariantError(AutotuneError, LookupError):
    """A variant is unknown, unavailable on this machine, or does not take the call."""


class CompileError(AutotuneError):
    """A variant cannot be compiled for a signature."""


class WorkerError(AutotuneError):
    """The isolated worker process could not be started, or was lost."""


class StoreError(AutotuneError, OSError):
    """Records cannot be written, read, exported or imported."""


class LockError(AutotuneError, OSError):
    """The file that ``AUTOTUNE_MODE=locked`` obeys is missing, damaged, or of another version."""


class WorkloadError(AutotuneError, OSError):
    """A recorded workload cannot be read, written, or says nothing of the kernels at hand."""


class ProgramError(AutotuneError):
    """A program that is run to be compared fails, hangs, or cannot be run as asked."""


class BaselineError(AutotuneError, OSError):
    """What to compare with, code or a saved baseline, cannot be had, read, written or compared with."""


class SettingsError(AutotuneError, ValueError):
    """A setting has no legal value."""


class UnknownStrategy(SettingsError, LookupError):
    """No search strategy has the name, or the package that offers it cannot be imported."""


class AutotuneWarning(UserWarning):
    """Base of every warning issued by autotune."""


class StaleRecord(AutotuneWarning):
    """A stored record was made for another source, machine or version."""


class StoreWarning(AutotuneWarning):
    """The store cannot be used as asked; decisions are kept in memory only."""


class VariantWarning(AutotuneWarning):
    """A variant raised what the reference does not, and was disabled for this process."""


class WorkloadWarning(AutotuneWarning):
    """Something of what a program called could not be written, or read; the rest is as it was."""


def warn(message: str, category: type[AutotuneWarning]) -> None:
    """Issue a warning; where warnings are errors, log it: lost speed must not become a lost result."""
    try:
        warnings.warn(message, category, stacklevel=3)
    except category:
        log("warned", "%s", message, category=category.__name__)
