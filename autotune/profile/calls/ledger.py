"""What a process has called, kernel by kernel: events are added up, and given as the kernels of a workload.

The same code adds up in a process that is recorded and in one that reads what a killed one left. Knows nothing of
files, and of how calls are looked at.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ..workload import KernelCalls, SignatureCalls
from .part import Event, Kind, Look, Miss
from .tally import Sizes

#: Reasons that are told apart for calls of no signature; the others are one.
MAX_REASONS = 16
OTHER_REASONS = "other reasons"


class _Row:
    """One signature of a kernel, or the calls of none for one reason."""

    def __init__(self, signature: str, untuned: str) -> None:
        self.signature, self.untuned = signature, untuned
        self.sizes = Sizes()


class _Account:
    """One kernel."""

    def __init__(self, kernel: str, module: str) -> None:
        self.kernel, self.module = kernel, module
        self.rows: dict[tuple[str, str], _Row] = {}
        self.misses = 0
        self.miss_s = self.inside_s = 0.0
        #: The calls that its looks stand for.
        self.weight = 0.0

    def row(self, signature: str, untuned: str) -> _Row:
        reasons = sum(not known for known, _ in self.rows)
        if not signature and ("", untuned) not in self.rows and reasons >= MAX_REASONS:
            untuned = OTHER_REASONS
        row = self.rows.setdefault((signature, "" if signature else untuned), _Row(signature, untuned))
        row.untuned = untuned
        return row


class Ledger:
    """All kernels of a process."""

    def __init__(self) -> None:
        self._accounts: dict[str, _Account] = {}
        self._kinds: list[tuple[_Account, _Row]] = []

    def load(self, kernels: Iterable[KernelCalls]) -> None:
        """Take in the kernels of a workload."""
        for kernel in kernels:
            account = self._account(kernel.kernel, kernel.module)
            account.misses += kernel.misses
            account.miss_s += kernel.miss_s
            account.inside_s += kernel.total_s - kernel.self_s
            account.weight += kernel.calls
            for signature in kernel.signatures:
                account.row(signature.signature, signature.untuned).sizes.join(signature.calls)

    def add(self, event: Event) -> None:
        """Take in what has happened."""
        if isinstance(event, Look):
            account, row = self._kinds[event.kind]
            account.weight += event.weight
            account.inside_s += event.weight * event.inside_s
            row.sizes.add(event)
        elif isinstance(event, Miss):
            account = self._account(event.kernel, event.module)
            account.misses += 1
            account.miss_s += event.took_s
        else:
            account = self._account(event.kernel, event.module)
            kind = account, account.row(event.signature, event.untuned)
            self._kinds[event.number : event.number + 1] = [kind]

    def is_new(self, kind: Kind, size: Mapping[str, int]) -> bool:
        """Whether a size of a signature is kept exactly, and has not been seen."""
        return tuple(size.items()) not in self._kinds[kind.number][1].sizes.exact

    def kernels(self) -> list[KernelCalls]:
        """The kernels, hottest first."""
        return sorted(map(self._kernel, self._accounts.values()), key=lambda kernel: -kernel.total_s)

    @staticmethod
    def _kernel(account: _Account) -> KernelCalls:
        rows = sorted(account.rows.values(), key=lambda row: -row.sizes.total_s)
        total_s = sum(row.sizes.total_s for row in rows)
        return KernelCalls(
            kernel=account.kernel,
            module=account.module,
            calls=round(account.weight),
            self_s=max(0.0, total_s - account.inside_s),
            total_s=total_s,
            signatures=[SignatureCalls(row.signature, row.sizes.all_calls(), row.untuned) for row in rows],
            misses=account.misses,
            miss_s=account.miss_s,
        )

    def _account(self, kernel: str, module: str) -> _Account:
        return self._accounts.setdefault(kernel, _Account(kernel, module))
