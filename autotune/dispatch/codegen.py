"""Turns a plan into the source of a Python function.

Thresholds are literals; a guard stands only where its target needs it: none for the reference, the full signature for
a variant in plain Python, and no layout test for compiled code, whose own type check is the guard. The order of tests
is that of their cost. Knows nothing of records, of what the functions do, or of how a target is served.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from ..compile.handled import Namespace
from ..kernel.model import Kernel
from ..kernel.signature import ArrayType, Constant, Default, Descriptor, Open, Scalar
from . import layouts, tap
from .face import Face, arguments_source, parameter_source
from .plan import Branch, Later, Plan, Route, ToMiss, ToReference, Tree, walk
from .shapes import CALL, Sizes
from .targets import Place, Targets


class Emitter:
    """Writes the function of one kernel.

    Parameters
    ----------
    kernel : Kernel
    face : Face
        The parameters of the function.
    plan : Plan
    namespace : Namespace
        The function's globals.
    """

    def __init__(self, kernel: Kernel, face: Face, plan: Plan, namespace: Namespace) -> None:
        self.kernel = kernel
        self.face = face
        self.plan = plan
        self.namespace = namespace
        self.targets = Targets(kernel, face, plan, namespace)
        self.lines: list[str] = []
        #: Whether dtypes are known as NumPy's own objects, under names of their own.
        self.canonical = False

    def source(self) -> str:
        """The source of two functions; objects that they name are added to the namespace.

        The first is the public one. It tells dtypes by identity, which is quick; what it does not know goes to the
        second, because arrays that were unpickled have dtype objects of their own.
        """
        plan = self.plan
        self.add(0, f"def {self.function_name}({parameter_source(self.face.parameters)}):")
        self._count()
        if plan.forced:
            unnamed = self.face.extra or "False"
            self.add(1, "_candidate = _forced()")
            self.add(1, f"if _candidate is not None: return _call_forced(_candidate, {unnamed}, {self.everything})")
        outside = [test for name in self.face.names for test in self._outside(name)]
        if plan.closed and not plan.routes:
            self.add(1, f"return {self.face.forward}")
        else:
            if self.face.starred:
                taken = ", ".join(parameter.name for parameter in self.face.parameters)
                unnamed = "_unnamed" if plan.counting == tap.NOT else "_unnamed_inside"
                self.add(1, f"if {self.face.extra}: return {unnamed}({taken})")
            if outside:
                self.add(1, f"if {' or '.join(outside)}: return {self.face.forward_named}")
            if plan.sampled:
                self.add(1, "for _one in _tick: break")
                self.add(1, f"else: return _sample({self.everything})")
            self._routes(1, plan.routes, list(self.face.names))
            self.add(1, f"return _other({self.everything})")
        self._other()
        return "\n".join(self.lines) + "\n"

    def _count(self) -> None:
        """Count the call for a recording, and look at it if it is due."""
        if self.plan.counting in (tap.NOT, tap.INSIDE):
            return
        parameters = self.face.parameters
        taken = f"({''.join(f'{parameter.name}, ' for parameter in parameters)})"
        if self.plan.counting == tap.BY_OCTAVE:  # what is no array is counted with the calls that have no octave
            self.add(1, f"try: _due = _octaves[{self.plan.octaves_of}.size.bit_length()]")
            self.add(1, "except Exception: _due = _calls")
        else:
            self.add(1, "_due = _calls")
        self.add(1, "for _one in _due: break")
        self.add(1, "else:")
        call = f"_inside({arguments_source(parameters)})"
        self.add(2, f"_looked = _begin(_due, {taken})")
        self.add(2, f"if _looked is None: return {call}")
        self.add(2, "_begun = _now()")
        self.add(2, f"try: _result = {call}")
        self.add(2, "except BaseException:")
        self.add(3, f"_ended(_looked, _now() - _begun, None, {taken})")
        self.add(3, "raise")
        self.add(2, f"_ended(_looked, _now() - _begun, _result, {taken})")
        self.add(2, "return _result")

    def _other(self) -> None:
        """The function for calls that the first does not know."""
        self.canonical = True
        self.add(0, "")
        self.add(0, f"def _other({self.everything}):")
        for name in sorted(self.kernel.array_parameters):
            self.add(1, f"_dtype_of_{name} = _canonical({name}.dtype)")
            for seen in [seen for uncovered, seen in self.plan.uncovered if uncovered == name]:
                known = self.namespace.name("_dtype_", seen)
                self.add(
                    1, f"if _dtype_of_{name} is None and {name}.dtype == {known}: return {self.face.forward_named}"
                )
        self._routes(1, self.plan.routes, list(self.face.names))
        for name, seen in self.plan.uncovered:
            if name in self.kernel.array_parameters:
                continue
            test = f"_type({name}) is {self.namespace.name('_type_', seen)}"
            if isinstance(seen, np.dtype):
                test = f"_type({name}) is _ndarray and {name}.dtype == {self.namespace.name('_dtype_', seen)}"
            self.add(1, f"if {test}: return {self.face.forward_named}")
        self.add(1, f"return {self.targets.elsewhere}")

    def add(self, depth: int, line: str) -> None:
        self.lines.append("    " * depth + line)

    @property
    def function_name(self) -> str:
        name = self.kernel.name.rpartition(".")[2]
        return name if name.isidentifier() else "kernel"

    @property
    def everything(self) -> str:
        return self.face.everything

    # -- what lies outside every route

    def _outside(self, name: str) -> Iterator[str]:
        kernel, parameter = self.kernel, self.kernel.parameters[name]
        if name not in kernel.coverable and parameter.default is not parameter.empty:
            yield f"not ({self._at_default(name)})"
        elif name in kernel.array_parameters:
            yield f"_type({name}) is not _ndarray"

    def _at_default(self, name: str) -> str:
        default = self.kernel.parameters[name].default
        given = self._equals(name, default)
        return f"{name} is _unset or {given}" if self.kernel.foreign else given

    def _equals(self, name: str, value: object) -> str:
        if value is None or isinstance(value, bool):
            return f"{name} is {value!r}"
        if isinstance(value, int | np.integer | float | str) and value == value:
            kind = self.namespace.name("_type_", type(value))
            literal = repr(value) if type(value) in (int, str) else self.namespace.name("_value_", value)
            return f"_type({name}) is {kind} and {name} == {literal}"
        if isinstance(value, tuple):
            known = self.namespace.name("_value_", value)
            types = self.namespace.name("_types_", tuple(map(type, value)))  # (True,) == (1,)
            return f"_type({name}) is tuple and {name} == {known} and tuple(map(_type, {name})) == {types}"
        return f"{name} is {self.namespace.name('_value_', value)}"

    # -- routes: one test after the other, equal tests once

    def _routes(self, depth: int, routes: Sequence[Route], names: list[str]) -> None:
        if not routes:
            return
        if not names:
            self._same_types(depth, routes)
            return
        name, *rest = sorted(names, key=lambda n: self._cost(routes, n))
        groups: dict[str, list[Route]] = {}
        for route in routes:
            groups.setdefault(self._early_test(name, route), []).append(route)
        if list(groups) == [""]:
            self._routes(depth, routes, rest)
            return
        for position, test in enumerate(sorted(groups, key=lambda test: test == "")):
            self.add(depth, f"{'if' if position == 0 else 'elif'} {test or 'True'}:")
            self._routes(depth + 1, groups[test], rest)

    @staticmethod
    def _cost(routes: Sequence[Route], name: str) -> int:
        """Identity tests first, then types, then dtypes."""
        kinds = [type(route.signature.by_name[name]) for route in routes]
        return max({Default: 0, Constant: 0, Open: 0, Scalar: 1, ArrayType: 2}[kind] for kind in kinds)

    def _early_test(self, name: str, route: Route) -> str:
        parameter = self.kernel.parameters[name]
        descriptor: Descriptor = route.signature.by_name[name]
        if isinstance(descriptor, ArrayType):
            dtype = self.namespace.name("_dtype_", descriptor.dtype)
            if name not in self.kernel.array_parameters:
                return f"_type({name}) is _ndarray and ({name}.dtype is {dtype} or {name}.dtype == {dtype})"
            return f"_dtype_of_{name} is {dtype}" if self.canonical else f"{name}.dtype is {dtype}"
        if isinstance(descriptor, Default):
            if name not in self.kernel.coverable or parameter.kind in (
                parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD,
            ):  # fmt: skip
                return ""  # tested for all routes at once
            return self._at_default(name)
        if isinstance(descriptor, Constant):
            return self._equals(name, descriptor.value)
        if isinstance(descriptor, Scalar):
            test = f"_type({name}) is {self.namespace.name('_type_', descriptor.type)}"
            if descriptor.type is tuple:
                test += f" and tuple(map(_type, {name})) == {self.namespace.name('_types_', descriptor.items)}"
            return test
        return "" if descriptor.kind == "any" else f"_callable({name})"

    # -- routes that differ in ndim and layout only

    def _same_types(self, depth: int, routes: Sequence[Route]) -> None:
        for route in routes:
            arrays = route.signature.arrays
            tested: set[str] = set()
            tests = []
            for name, array in arrays.items():
                others = [other.signature.arrays[name] for other in routes]
                if any(other.ndim != array.ndim for other in others):
                    tests.append(f"{name}.ndim == {array.ndim}")
                    tested.add(f"{name}.ndim")
                if any(other.ndim == array.ndim and other.layout != array.layout for other in others):
                    tests.append(layouts.layout_test(name, array))
                    tested.add(f"{name}.layout")
            inner = depth
            if tests:
                self.add(depth, f"if {' and '.join(tests)}:")
                inner += 1
            known = self._not_tunable(inner, route, tested)
            self._tree(known, route, route.tree, tested)
            self._leave(inner, known)

    def _not_tunable(self, depth: int, route: Route, tested: set[str]) -> int:
        """Sizes that may be None, where the tree does not compute them: such calls go to the reference."""
        if isinstance(route.tree, ToReference | ToMiss | Later):
            return depth
        size = self.kernel.size
        branched = {name for node in walk(route.tree) if isinstance(node, Branch) for name in node.feature.split("*")}
        if size.function is not None:
            unseen = [] if branched else [CALL]
        else:
            unseen = [name for name, how in size.expressions.items() if how.may_be_none and name not in branched]
        for name in unseen:
            sizes = Sizes(self.kernel, route, Branch(name, 0, ToMiss(), ToMiss()), tested)
            depth = self._compute(depth, sizes, sizes.lines(self.namespace) if sizes.may_be_none else [])
        return depth

    def _tree(
        self, depth: int, route: Route, tree: Tree, tested: set[str],
        sizes: Sizes | None = None, known: frozenset[str] = frozenset(), *, small: bool = False,
    ) -> None:  # fmt: skip
        """A tree; `sizes` are those computed already, `known` the arrays whose number of elements is, and `small` says
        that only sizes below some threshold get here."""
        if not isinstance(tree, Branch):
            for line in self.targets.lines(route, tree, Place(frozenset(tested), small, sizes)):
                self.add(depth, line)
            return
        outside = depth
        if sizes is None:
            sizes = Sizes(self.kernel, route, tree, tested)
            whole = sizes.whole(tree.feature)
            if whole is not None:  # the rest is computed where it is needed
                array, sizes = whole.removesuffix(".size"), None
                if array not in known:
                    self.add(depth, f"_size_of_{array} = {whole}")
                    known |= {array}
                test = f"_size_of_{array} < {tree.at}"
            else:
                depth = self._compute(depth, sizes, sizes.lines(self.namespace))
                tested = tested | sizes.tested
        if sizes is not None:
            test = f"{sizes.source(tree.feature)} < {tree.at}"
        self.add(depth, f"if {test}:")
        self._tree(depth + 1, route, tree.below, tested, sizes, known, small=True)
        self._tree(depth, route, tree.above, tested, sizes, known, small=small)  # every target returns
        self._leave(outside, depth)

    def _compute(self, depth: int, sizes: Sizes, lines: list[str]) -> int:
        """Statements for sizes; how deep what follows them stands, after which `_leave` is called."""
        if sizes.cannot_fail or not lines:
            for line in lines:
                self.add(depth, line)
            return depth
        self.add(depth, "try:")
        for line in lines:
            self.add(depth + 1, line)
        # What the reference raises on such a call must not look as if it had been raised while handling this.
        self.add(depth, "except Exception: pass")
        self.add(depth, "else:")
        if sizes.none_tests:
            self.add(depth + 1, f"if {' or '.join(sizes.none_tests)}: return {self.face.forward_named}")
        return depth + 1

    def _leave(self, outside: int, inside: int) -> None:
        """What becomes of a call whose sizes could not be computed."""
        if inside > outside:
            self.add(outside, f"return {self.targets.miss}")
