"""The statements that serve a target, for the code of a public function.

Tests that the target needs, its call, and what follows if it raises. A call of a variant that uses threads is also
clocked, and made by one Python thread at a time where the threading layer bears no more; other calls hold no trace of
either. Knows nothing of how the code gets to a target.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ..compile.handled import Handled, Namespace, handled
from ..kernel.invocation import invocation
from ..kernel.model import REFERENCE_CANDIDATE, Kernel
from ..value import Value
from . import layouts
from .face import Face
from .limits import Limits
from .plan import Branch, Later, Plan, Resting, Route, Target, ToMiss, ToReference, ToThreads, ToVariant
from .shapes import Sizes
from .watch import UNCLOCKED, Watch

#: Seconds that no call takes, for one whose size cannot be computed.
NO_LIMIT = 1e300


class Place(Value):
    """What is known where a target stands."""

    #: What earlier tests have made sure of: ``"x.ndim"``, ``"x.layout"``.
    tested: frozenset[str]
    #: Only sizes below some threshold get here.
    small: bool
    #: Sizes that are computed already.
    sizes: Sizes | None


class Targets(Value, by_identity=True):
    """Writes what serves the targets of one kernel."""

    kernel: Kernel
    face: Face
    plan: Plan
    #: The function's globals; objects that the statements name are added.
    namespace: Namespace

    @property
    def miss(self) -> str:
        return f"_miss({self.face.everything})"

    @property
    def elsewhere(self) -> str:
        """What serves a call of no known signature."""
        return self.face.forward_named if self.plan.closed else self.miss

    def lines(self, route: Route, target: Target, place: Place) -> Iterator[str]:
        """The statements; each way through them returns."""
        if isinstance(target, ToMiss):
            yield f"return {self.elsewhere}"
        elif isinstance(target, ToVariant):
            yield from self._tests(route, target, place)
            yield from self._alone(target, self._call(target))
        elif isinstance(target, ToThreads):
            yield from self._tests(route, target.target, place)
            yield from self._threads(route, target, place)
        elif isinstance(target, Resting):
            yield f"if _now() >= {target.until_s!r}: return {self.miss}"
            yield from self.lines(route, target.target, place)
        else:
            yield from self._reference(route, target, place)

    def _reference(self, route: Route, target: ToReference | Later, place: Place) -> Iterator[str]:
        tests = [] if self.plan.closed else layouts.unlike(route, place.tested, small=place.small)
        if tests:
            yield f"if not ({' and '.join(tests)}): return {self.miss}"
        if isinstance(target, Later):
            yield f"if _clock() >= {target.until_s!r}: return {self.miss}"
        yield f"return {invocation(self.kernel, REFERENCE_CANDIDATE, route.signature).reference}"

    # -- what a variant needs before it is called

    def _tests(self, route: Route, target: ToVariant, place: Place) -> Iterator[str]:
        tests = []
        for name, array in route.signature.arrays.items():
            if target.tests_itself and not route.strict and array.layout != "A":
                continue
            tests += [test for key, test in layouts.late_tests(name, array, place.tested) if key not in place.tested]
        overlap = self._overlap_tests(route)
        if overlap:
            yield f"if {' or '.join(overlap)}: return {self.face.forward_named}"
        if tests:
            yield f"if not ({' and '.join(tests)}): return {self.elsewhere}"

    def _overlap_tests(self, route: Route) -> list[str]:
        tests = []
        arrays = route.signature.arrays
        for written in sorted(self.kernel.mutates & set(arrays)):
            for read in arrays:
                if read != written:
                    same = f"{read} is not {written} and " if self.kernel.elementwise else ""
                    tests.append(f"{same}_may_share_memory({written}, {read})")
        return tests

    # -- the call

    def _call(self, target: ToVariant) -> Iterator[str]:
        call = handled(target.function, target.invocation, target.handling, self.namespace)
        if call.test is None:
            yield f"try: return {call.given}"
        else:
            yield "try:"
            yield f"    _result = {call.call}"
            yield f"    if {call.test}: return {call.given}"
        yield from self._raised(target, call)

    def _raised(self, target: ToVariant, call: Handled) -> Iterator[str]:
        """What follows a call that raised, or whose result is given up."""
        yield "except Exception as _raised: _error = _raised"
        if call.test is not None:
            yield f"else: return {call.reference}"
        served = self.namespace.name("_served_", target)
        yield f"return _rescue({served}, _error, {self.face.everything})"

    def _threads(self, route: Route, threads: ToThreads, place: Place) -> Iterator[str]:
        if threads.otherwise is not None:
            yield "if not _enter():"
            yield from indented(self.lines(route, threads.otherwise, place))
        lines = self._call(threads.target)
        if threads.watch is not None:
            lines = self._clocked(route, threads.target, threads.watch, place)
        yield from self._alone(threads.target, lines, entered=threads.otherwise is not None)

    @staticmethod
    def _alone(target: ToVariant, lines: Iterable[str], *, entered: bool = False) -> Iterator[str]:
        """A call that other Python threads wait for, where two must not make it at once."""
        if not target.alone:
            yield from lines
            return
        if not entered:
            yield "_wait()"
        yield "try:"
        yield from indented(lines)
        yield "finally: _leave()"

    def _clocked(self, route: Route, target: ToVariant, watch: Watch, place: Place) -> Iterator[str]:
        """One call in a few is clocked: two looks at the clock take 120 ns."""
        call = handled(target.function, target.invocation, target.handling, self.namespace, named=True)
        watched = self.namespace.name("_watch_", watch)
        yield f"_left = {watched}.left"
        yield "if _left:"
        yield f"    {watched}.left = _left - 1"
        yield from indented(self._call(target))
        yield f"{watched}.left = {UNCLOCKED}"
        yield from self._limit(route, watch.limits, place)
        yield "_begun = _now()"
        yield "try:"
        yield f"    _result = {call.call}"
        yield "    _took = _now() - _begun"
        yield f"    if _took > _limit or _begun > {watched}.due_s: {watched}.clocked(_begun, _took, _took > _limit)"
        yield f"    {'' if call.test is None else f'if {call.test}: '}return {call.given}"
        yield from self._raised(target, call)

    def _limit(self, route: Route, limits: Limits, place: Place) -> Iterator[str]:
        """Statements that compute how long the call may take."""
        rates, feature = self.namespace.name("_rates_", limits.rates), limits.feature
        lines: list[str] = []
        sizes = place.sizes
        if sizes is None or not sizes.holds(feature):
            sizes = Sizes(self.kernel, route, Branch(feature, 0, ToMiss(), ToMiss()), set(place.tested))
            whole = sizes.whole(feature)
            if whole is not None:
                yield f"_limit = {rates}[{whole}.bit_length()] * {whole}"
                return
            lines = sizes.lines(self.namespace)
        work = sizes.source(feature)
        if sizes.cannot_fail and "*" not in work:  # the elements of an array: a whole number of at most 64 digits
            yield from lines
            yield f"_limit = {rates}[{work}.bit_length()] * {work}"
            return
        yield "try:"
        yield from indented([*lines, f"_work = int({work})", f"_limit = {rates}[_work.bit_length()] * _work"])
        yield f"except Exception: _limit = {NO_LIMIT!r}"


def indented(lines: Iterable[str]) -> Iterator[str]:
    for line in lines:
        yield f"    {line}"
