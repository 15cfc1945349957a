"""What a recorded signature is worth to a calibration: kept, brought up to date, or measured anew.

Knows nothing of measuring.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..dispatch.revision import Changes, Revision, revised
from ..dispatch.routes import check
from ..kernel.model import Kernel
from ..kernel.signature import Signature
from ..machine import compiled_fields, fingerprint
from ..store.record import Record
from . import incremental
from .entrants import entrants


@dataclass(frozen=True)
class Standing:
    """What calibrating a signature has to do."""

    #: The record, if it was measured here and most of it holds.
    known: Record | None = None
    #: What of it is to be measured; nothing if it is as good as a new one.
    changes: Changes = Changes()  # noqa: RUF009 - frozen

    @property
    def kept(self) -> Record | None:
        """The record, if calibrating again would change nothing but noise."""
        return None if self.changes else self.known


def standing(
    kernel: Kernel,
    signature: Signature,
    known: Record | None,
    *,
    efforts: Sequence[str],
    ranges: Mapping[str, tuple[int, int]],
) -> Standing:
    """Hold a record against what is asked for.

    Parameters
    ----------
    known : Record or None
        The user's own record.
    efforts : sequence of str
        Efforts that are enough.
    ranges : mapping
        Lowest and highest of each size that is to be calibrated.
    """
    if (
        known is None
        or known.provenance.origin != "calibrate"
        or known.quality != "clean"
        or known.provenance.effort not in efforts
        or known.provenance.ranges != ranges
        or known.provenance.budget_s is not None
        or check(kernel, signature, known) is not None
        or any(compiled_fields().get(name) != then for name, then in known.provenance.compiled.items())
    ):
        return Standing()
    cores = fingerprint().cores.count
    revision: Revision = revised(kernel, signature, known, cores=cores)
    able = [variant.name for variant in entrants(kernel, signature, numerics=known.numerics, cores=cores).variants]
    if revision.changes and incremental.refusal(revision.record, list(ranges), able, revision.changes) is not None:
        return Standing()
    return Standing(known, revision.changes)
