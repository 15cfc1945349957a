"""The methods of a tuned function.

The public object is a plain function, so these are attributes of it; `Tuned` says what they are. Knows nothing of how
decisions are made.
"""

from __future__ import annotations

import contextlib
import importlib
from collections.abc import Callable, Iterator, Mapping
from types import FunctionType, MappingProxyType
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from ..errors import VariantError
from ..kernel.model import REFERENCE, REFERENCE_CANDIDATE, Candidate, Kernel, Variant
from .handle import Handle

if TYPE_CHECKING:
    from ..profile.calls.stats import KernelStats
    from ..store.record import Record
    from .counts import CacheInfo
    from .dispatcher import Dispatcher
    from .explanation import Chosen, Explanation


class Tuned(Protocol):
    """What `tunable` makes: a function, called exactly like its reference, with these attributes.

    In the place of a ufunc it also has that one's: ``types``, ``reduce``, ``at`` and so on, which are not tuned.
    """

    #: The reference, as declared.
    reference: Callable[..., Any]

    def __call__(self, *args: Any, **kwargs: Any) -> Any: ...

    @property
    def variants(self) -> Mapping[str, Variant]:
        """The variants by name, without the reference."""
        ...

    def variant(
        self, function: Callable[..., Any] | None = None, *, kind: str, name: str | None = None,
        params: Mapping[str, Any] | None = None, where: str | Callable[..., Any] | None = None,
        jit: bool | Mapping[str, Any] = False, when: str | Callable[..., Any] | None = None,
        requires: Any = (), numerics: str = "reassociated", threads: bool = False,
    ) -> Any:  # fmt: skip
        """Register another implementation of the kernel; returns the function unchanged.

        The function takes parameters of the reference by name. It may leave out optional ones; then it is considered
        only for calls that leave them at their default. It must be right for every size.

        Parameters
        ----------
        kind : str
            scalar, vectorized, parallel, blocked or library.
        name : str, optional
            The function's name by default.
        params : mapping, optional
            Knobs, which the function takes keyword-only: `Pow2`, `IntRange`, `Choice`, a sequence, or `Static` of one.
        where : str or callable, optional
            Constraint over the knobs.
        jit : bool or mapping
            Have the runtime compile it: True means ``njit(nogil=True, error_model="numpy")``; a mapping adds options.
        when : str or callable, optional
            Condition over the arguments: dtype, ndim, itemsize, flags, and values that the signature holds.
        requires : str, callable, or tuple of these
            Modules that must be installed, or predicates that must hold.
        numerics : str
            bitwise, reassociated or approximate against the reference; verified, not believed.
        threads : bool
            Whether it uses several threads by other means than a parallel jit.

        Raises
        ------
        DeclarationError
            Unknown kind, duplicate name, a signature that does not match, an empty space, a condition on the size.
        """
        ...

    def tune(self, *args: Any, budget: float | None = None, **kwargs: Any) -> Record:
        """Tune the signature and size of this call now, on copies of its arguments, and return the record."""
        ...

    def calibrate(self, **options: Any) -> list[Record]:
        """Measure all that ``calibrate=`` declares; see `autotune.tuner.calibrate`."""
        ...

    def decision(self, *args: Any, **kwargs: Any) -> Chosen:
        """What would serve this call now, without tuning it: `.variant`, `.params`, `.source`."""
        ...

    def explain(self, *args: Any, **kwargs: Any) -> Explanation:
        """Why this call is served as it is, with the evidence."""
        ...

    def resolve(self, *args: Any, **kwargs: Any) -> Callable[..., Any]:
        """The bare winner for calls like this one, for use in a loop: no tests, no rescue."""
        ...

    def call(self, variant: Any, *args: Any, params: Mapping[str, Any] | None = None, **kwargs: Any) -> Any:
        """Call one variant, by name or function."""
        ...

    def force(self, variant: Any, **params: Any) -> contextlib.AbstractContextManager[None]:
        """Within the context, and in this thread or task only, every call uses this variant."""
        ...

    def cache_info(self) -> CacheInfo:
        """Counts of the slow path: hits, misses, maxsize, currsize, tuned."""
        ...

    def cache_clear(self, disk: bool = False) -> None:
        """Forget what this process has learnt; with `disk`, also what is recorded."""
        ...

    def profile(self) -> KernelStats:
        """What this process has called so far: calls, time, who served, misses, and what is decided.

        Calls and times are known while, and after, a program is recorded; see `autotune.recording`.
        """
        ...


def attach(public: FunctionType, handle: Handle, variant: Callable[..., Any]) -> None:
    """Give the public function its attributes, and those of a ufunc (``types``, ``reduce``) in whose place it is."""
    reference, methods = handle.kernel.reference, Methods(handle)
    of_ufunc = [name for name in dir(np.ufunc) if not name.startswith("_")] if isinstance(reference, np.ufunc) else []
    for name in (*of_ufunc, "__signature__"):
        if hasattr(reference, name):
            setattr(public, name, getattr(reference, name))
    public.reference = handle.kernel.reference  # type: ignore[attr-defined]
    public.variant = variant  # type: ignore[attr-defined]
    public.variants = _Variants(handle)  # type: ignore[attr-defined]
    public.__autotune__ = handle  # type: ignore[attr-defined]
    for name in ("tune", "calibrate", "decision", "explain", "resolve", "call", "force", "cache_info", "cache_clear",
                 "profile"):  # fmt: skip
        setattr(public, name, getattr(methods, name))


class _Variants(Mapping[str, Variant]):
    """A live view of the variants."""

    def __init__(self, handle: Handle) -> None:
        self._handle = handle

    def __getitem__(self, name: str) -> Variant:
        return self._handle.kernel.variants[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._handle.kernel.variants)

    def __len__(self) -> int:
        return len(self._handle.kernel.variants)

    def __repr__(self) -> str:
        return repr(MappingProxyType(dict(self)))


class Methods:
    """Implements what `Tuned` documents."""

    def __init__(self, handle: Handle) -> None:
        self._handle = handle

    @property
    def _kernel(self) -> Kernel:
        return self._handle.kernel

    @property
    def _dispatcher(self) -> Dispatcher:
        return self._handle.dispatcher

    def tune(self, *args: Any, budget: float | None = None, **kwargs: Any) -> Record:
        from ..kernel.signature import NotCovered, signature_of
        from . import learning

        dispatcher = self._dispatcher
        values = self._kernel.bind(*args, **kwargs)
        signature = signature_of(self._kernel, values)
        if dispatcher.open().locked:
            raise VariantError(
                f"{self._kernel.id}: AUTOTUNE_MODE=locked obeys {dispatcher.open().lock_file()} and measures nothing; "
                "tune in another mode, then write the file anew: autotune freeze"
            )
        if isinstance(signature, NotCovered):
            raise VariantError(f"{self._kernel.id}: this call cannot be tuned: {signature.reason}")
        with dispatcher.lock:
            entry = dispatcher.entry(signature)
            if entry is None:
                raise VariantError(f"{self._kernel.id}: more signatures than are learnt; call cache_clear() first")
            budget_s = dispatcher.open().budget_s if budget is None else budget
            refused = learning.tune(dispatcher, entry, values, budget_s=budget_s)
            if refused is not None or entry.record is None:
                raise VariantError(f"{self._kernel.id}: not tuned: {refused.reason if refused else 'nothing measured'}")
            dispatcher.rebuild()
            return entry.record

    def calibrate(self, **options: Any) -> list[Record]:
        from . import learning

        records: list[Record] = importlib.import_module(learning.TUNER).calibrate(self._kernel, **options)
        self._dispatcher.clear()  # what was calibrated is read from the store, like by any other process
        learning.remember(self._dispatcher, records)
        return records

    def decision(self, *args: Any, **kwargs: Any) -> Chosen:
        from .explanation import chosen

        return chosen(self._dispatcher, self._kernel.bind(*args, **kwargs))

    def explain(self, *args: Any, **kwargs: Any) -> Explanation:
        from .explanation import explain

        return explain(self._dispatcher, self._kernel.bind(*args, **kwargs))

    def resolve(self, *args: Any, **kwargs: Any) -> Callable[..., Any]:
        from . import serve
        from .plan import ToVariant

        values = self._kernel.bind(*args, **kwargs)
        with self._dispatcher.lock:
            target = self._dispatcher.target_of(values)
        if not isinstance(target, ToVariant):
            return self._kernel.reference
        return serve.bare(self._kernel, target)

    def call(self, variant: Any, *args: Any, params: Mapping[str, Any] | None = None, **kwargs: Any) -> Any:
        from . import serve

        candidate = self._candidate(variant, params or {})
        return serve.call_candidate(self._kernel, candidate, self._kernel.bind(*args, **kwargs))

    @contextlib.contextmanager
    def force(self, variant: Any, **params: Any) -> Iterator[None]:
        dispatcher, candidate = self._dispatcher, self._candidate(variant, params)
        with dispatcher.lock:
            dispatcher.forcing += 1
            dispatcher.rebuild()
        token = dispatcher.forced.set(candidate)
        try:
            yield
        finally:
            dispatcher.forced.reset(token)
            with dispatcher.lock:
                dispatcher.forcing -= 1
                dispatcher.rebuild()

    def cache_info(self) -> CacheInfo:
        return self._dispatcher.info()

    def profile(self) -> KernelStats:
        from . import tap

        found: KernelStats = importlib.import_module(tap.STATS).of(self._handle)
        return found

    def cache_clear(self, disk: bool = False) -> None:
        if disk:
            from ..store import store

            store.clear(self._kernel.id)
        self._dispatcher.clear()

    def _candidate(self, variant: Any, params: Mapping[str, Any]) -> Candidate:
        """The candidate that a caller names; missing parameters are at the middle of their range."""
        from ..kernel.coverage import unavailable

        kernel = self._kernel
        if variant == REFERENCE or variant is kernel.reference:
            return REFERENCE_CANDIDATE
        found = next((v for v in kernel.variants.values() if variant in (v.name, v.function)), None)
        if found is None:
            known = ", ".join([REFERENCE, *kernel.variants])
            raise VariantError(f"{kernel.id}: no variant {variant!r}; declared: {known}")
        reason = unavailable(found)
        if reason is not None:
            raise VariantError(f"{kernel.id}: the variant {found.name} is not available: {reason}")
        unknown = sorted(set(params) - set(found.space.names))
        if unknown:
            raise VariantError(
                f"{kernel.id}: the variant {found.name} has no parameter {unknown[0]!r}; "
                f"it has: {', '.join(found.space.names) or 'none'}"
            )
        config = found.space.config({**dict(found.space.default), **params})
        if config is None:
            raise VariantError(
                f"{kernel.id}: {dict(params)} is no legal setting of {found.name}: {found.space.describe()}"
            )
        return Candidate(found.name, config)
