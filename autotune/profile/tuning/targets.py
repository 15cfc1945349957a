"""The signatures of a workload that can be measured, with what is known of each.

Knows nothing of measuring, or of the order in which it is done.
"""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from ...errors import CalibrationError
from ...kernel.signature import Signature
from ...machine import fingerprint
from ...machine.fingerprint import too_large
from ...store.record import Record
from ..workload import Calls, SignatureCalls, Workload
from . import gains, resolving
from .costs import entry_of
from .planning import Site, Target
from .resolving import Known, Resolved

#: Times of a size that are shorter, in a share of the program, are not looked at: a thousand of them are 1 %.
LEAST_SHARE = 1e-5


@dataclass
class Signed:
    """A signature of a workload that can be measured."""

    known: Known
    signature: Signature
    calls: SignatureCalls
    #: Of this machine, as far as it holds.
    own: Record | None
    #: Whether what is recorded of it does not count, because it is to be measured anew.
    forced: bool = False
    #: What measuring it took.
    spent_s: float = 0.0

    @property
    def sources(self) -> gains.Sources:
        own = None if self.forced else self.own
        return gains.Sources(own, *resolving.elsewhere(self.known, self.signature))

    def learn(self, record: Record) -> None:
        """A record that has just been made; the kernel's other signatures can tell from it too."""
        self.own, self.forced, found = record, False, self.known.found
        self.known.found = type(found)(
            {**found.records, record.signature: record}, found.shipped - {record.signature}, found.foreign
        )


def targets_of(workload: Workload, resolved: Resolved, *, force: bool) -> tuple[list[Target], list[tuple[str, str]]]:
    """What can be measured, and names of what cannot, with the reason.

    Parameters
    ----------
    force : bool
        As if nothing were recorded of it.
    """
    cores = fingerprint().cores.count
    least_s = LEAST_SHARE * workload.run.wall_s
    found, left_out = [], []
    for kernel in workload.kernels:
        known = resolved.kernels.get(kernel.kernel)
        for calls in kernel.signatures if known is not None else ():
            assert known is not None
            timed = [each for each in calls.calls if each.total_s > least_s]
            if not timed:
                continue
            if not calls.signature:
                left_out.append((known.kernel.name, calls.untuned or "no variant covers such calls"))
                continue
            try:
                example = msgspec.to_builtins(timed[0].example)
                signature = known.signatures.signature(calls.signature, timed[0].size, example)
            except CalibrationError as error:
                left_out.append((known.kernel.name, f"{error}; first use tunes it"))
                continue
            recorded = known.own(signature, known.found.records.get(signature.key))
            signed = Signed(known, signature, calls, recorded, force)
            entry = entry_of(known.kernel, signature, numerics=known.numerics, cores=cores)
            own = kernel.self_s / kernel.total_s if kernel.total_s > 0 else 1.0
            sites = [Site(each, own=min(own, 1.0)) for each in timed]
            for site in sites:
                if too_large(site.calls.argument_bytes):
                    site.unable = "its arrays need more than an eighth of the free memory"
            target = Target(f"{known.kernel.name} [{signature}]", entry, sites, about=signed)
            estimate(target)
            found.append(target)
    return found, left_out


def estimate(target: Target) -> None:
    """What is known now of the sites that are not measured."""
    signed: Signed = target.about
    sources = signed.sources
    for site in target.sites:
        if site.after is None:
            calls: Calls = site.calls
            site.best = sources.best(signed.signature.key, site.size, calls.served, calls.median_s)
            site.now = sources.now(site.size, calls.served, site.best)
