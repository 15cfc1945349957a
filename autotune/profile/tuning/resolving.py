"""From a workload to what can be measured: its kernels are imported and its signatures found in what they declare.

Knows nothing of what is worth measuring.
"""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from ...dispatch import sampling
from ...dispatch.revision import revised
from ...dispatch.routes import check
from ...errors import AutotuneError, CalibrationError, UnknownKernel
from ...kernel import registry
from ...kernel.model import Kernel
from ...kernel.signature import Signature
from ...machine import fingerprint
from ...store import store
from ...store.record import Record
from ...tuner import hints, locate
from ...tuner.first_use import home_module
from ...tuner.grid import Problem
from ...tuner.locating import Signatures, Size
from ..workload import KernelCalls, SignatureCalls, Workload


@dataclass
class Known:
    """One kernel of a workload.

    Parameters
    ----------
    location : dict or None
        Where a worker finds it.
    numerics : str
        The loosest class that may win.
    """

    kernel: Kernel
    location: dict[str, str] | None
    numerics: str
    signatures: Signatures
    found: store.Found
    #: Variants that were wrong in use; they are not tried again.
    wrong: dict[str, str]

    def own(self, signature: Signature, record: Record | None) -> Record | None:
        """A record of this machine as far as it holds."""
        if record is None or check(self.kernel, signature, record) is not None:
            return None
        return revised(self.kernel, signature, record, cores=fingerprint().cores.count).record


@dataclass
class Resolved:
    """The kernels of a workload that exist, by id, and what is left out, with the reason."""

    kernels: dict[str, Known] = field(default_factory=dict)
    #: Kernels that are not there any more, or cannot be imported.
    gone: dict[str, str] = field(default_factory=dict)


def resolve(workload: Workload, names: Iterable[str], numerics_of: Any) -> Resolved:
    """Import the kernels of a workload.

    Parameters
    ----------
    names : iterable of str
        Only these; all if there are none. Ids, or names without the module.

    Raises
    ------
    UnknownKernel
        The workload has no kernel of such a name.
    """
    wanted = list(names)
    calls = [each for each in workload.kernels if not wanted or {each.kernel, _short(each.kernel)} & set(wanted)]
    unknown = [name for name in wanted if not any(name in (each.kernel, _short(each.kernel)) for each in calls)]
    if unknown:
        there = ", ".join(sorted(_short(each.kernel) for each in workload.kernels))
        raise UnknownKernel(f"the workload has no kernel {unknown[0]!r}; it has: {there or 'none'}")
    found = Resolved()
    scripts = {
        file.resolve() for word in workload.run.command if (file := Path(word)).suffix == ".py" and file.is_file()
    }
    for folder in sorted({str(file.parent) for file in scripts if _refusal(file) is None} - set(sys.path)):
        sys.path.append(folder)  # where the program found the modules beside it
    for each in calls:
        try:
            kernel = _imported(each, scripts)
        except AutotuneError as error:
            found.gone[each.kernel] = str(error)
            continue
        recorded = store.load(kernel.id, numerics=numerics_of(kernel))
        location = locate.location_of(kernel, home_module(kernel))
        found.kernels[each.kernel] = Known(
            kernel, location, numerics_of(kernel), Signatures(kernel), recorded, sampling.learn(kernel, recorded)
        )
    return found


def _short(kernel: str) -> str:
    return kernel.rpartition(":")[2]


def _imported(calls: KernelCalls, scripts: Collection[Path]) -> Kernel:
    """The kernel that a workload names.

    Raises
    ------
    AutotuneError
        Its module cannot be imported, or declares it no more; the message says which.
    """
    module = calls.module
    if module.endswith(".py") or os.sep in module:
        file = Path(module).resolve()
        refused = _refusal(file)
        if refused is None and (file in scripts or not scripts) and not locate.has_main_guard(file):
            refused = (
                "has no main guard, so that importing it would run the program; put its work under "
                'if __name__ == "__main__":, or its kernels into a module'
            )
        if refused is not None:
            raise UnknownKernel(f"{module}: {refused}")
        places = [module]
    else:  # an existing callable that was made a kernel names its own module, not the one that declares the kernel
        places = list(dict.fromkeys([module, calls.kernel.rpartition(":")[0]]))
    failed = None
    for place in places:
        try:
            locate.import_module(place)
        except CalibrationError as error:
            failed = error if place == module else failed
            continue
        for tuned in registry.all_kernels():
            kernel: Kernel = tuned.__autotune__.kernel
            if kernel.id == calls.kernel:
                return kernel
    raise failed or UnknownKernel(f"{module}: does not declare {calls.kernel} any more; record the program anew")


def _refusal(file: Path) -> str | None:
    """Why the code of a file that a workload names must not run: a workload is data, and may be anybody's."""
    try:
        about = file.stat()
    except OSError as error:
        return f"cannot be read: {error.strerror}"
    if os.name != "nt" and (about.st_uid not in (os.getuid(), 0) or about.st_mode & stat.S_IWOTH):
        return "belongs to somebody else, or others may write it; its code is not run because a workload names it"
    return None


def made(known: Known, calls: SignatureCalls, sizes: Sequence[Mapping[str, int]]) -> Made:
    """How the calls of a signature at some sizes are made."""
    by_size = {tuple(each.size.items()): each for each in calls.calls}
    examples = [(size, msgspec.to_builtins(by_size[tuple(size.items())].example)) for size in sizes]
    return Made(*known.signatures.located(calls.signature, examples))


@dataclass(frozen=True)
class Made:
    """Arguments for sizes that occurred: what makes them, what it is asked for each, and what is to be said of it."""

    problem: Problem | None
    points: list[Size | None]
    reason: str


def elsewhere(known: Known, signature: Signature) -> tuple[list[Record], list[Record]]:
    """Records of the kernel's other signatures on this machine, and those of the nearest other machine."""
    siblings = [record for key, record in known.found.records.items() if key != signature.key]
    return siblings, hints.of_nearest_machine(known.kernel, known.found)
