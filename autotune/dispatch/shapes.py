"""Statements that compute the sizes a route branches on, from the cheapest attribute that tells.

`x.shape[0]` becomes ``len(x)`` (12 against 41 ns); several axes of one array become one unpacking, which tests its ndim
on the way. Knows nothing of decisions.
"""

from __future__ import annotations

import ast

from ..compile.handled import Namespace
from ..kernel.invocation import constants_of
from ..kernel.model import Kernel
from .plan import Branch, Route, walk

#: Stands for a feature where a callable computes all sizes, and only whether there are any matters.
CALL = ""


class Sizes:
    """The sizes of one route, or of a part of its tree.

    Parameters
    ----------
    kernel : Kernel
    route : Route
    tree : Branch
    tested : set of str
        What earlier tests have made sure of: ``"x.ndim"``, ``"x.layout"``.
    """

    def __init__(self, kernel: Kernel, route: Route, tree: Branch, tested: set[str]) -> None:
        self.kernel = kernel
        self.route = route
        #: What the statements make sure of themselves.
        self.tested: set[str] = set()
        #: Tests for «not tunable».
        self.none_tests: list[str] = []
        self._sources = kernel.size.sources(constants_of(route.signature, kernel), route.signature.arrays)
        features = {node.feature for node in walk(tree) if isinstance(node, Branch)}
        self._products = {feature: self._product(feature, features) for feature in features if "*" in feature}
        single = {name for feature in features for name in self._products.get(feature, feature).split("*")}
        self._needed = self._closure({name for name in single if "." not in name})
        self._unpacked = self._to_unpack()

    def whole(self, feature: str) -> str | None:
        """The source of a product that is the ``.size`` of one array, which needs nothing computed before."""
        source = self._product(feature, {feature})
        return source if "*" in feature and source.endswith(".size") and "*" not in source else None

    def holds(self, feature: str) -> bool:
        """Whether all that the source of a feature names is computed."""
        return feature in self._products or set(feature.split("*")) <= set(self._needed)

    def source(self, feature: str) -> str:
        """A feature as source, over the computed sizes."""
        return self._products.get(feature, feature)

    def _product(self, feature: str, features: set[str]) -> str:
        """A product of sizes with those that are all axes of one array, and needed nowhere else, as its ``.size``."""
        factors = feature.split("*")
        if self._sources is None:
            return feature
        elsewhere = {name for other in features if other != feature for name in other.split("*")}
        for array, described in self.route.signature.arrays.items():
            axes = {
                name: found[1]
                for name in factors
                if name in self._sources
                if (found := self._axis(self._sources[name])) is not None and found[0] == array
            }
            whole = sorted(axes.values()) == list(range(described.ndim)) and array in self.kernel.array_parameters
            if whole and len(axes) > 1 and not elsewhere & set(axes):
                factors = [f"{array}.size", *(name for name in factors if name not in axes)]
        return "*".join(factors)

    def _closure(self, features: set[str]) -> list[str]:
        """Names of sizes to compute, those that they build on first."""
        if self._sources is None:
            return sorted(features)
        needed: set[str] = set()
        pending = list(features)
        while pending:
            name = pending.pop()
            if name not in needed:
                needed.add(name)
                used = {node.id for node in ast.walk(self._sources[name]) if isinstance(node, ast.Name)}
                pending += used & set(self._sources)
        return [name for name in self._sources if name in needed]

    def _to_unpack(self) -> dict[str, list[int]]:
        """Arrays of which several axes are needed: their axes in use."""
        axes: dict[str, set[int]] = {}
        for source in self._needed_sources():
            for node in ast.walk(source):
                found = self._axis(node)
                if found is not None:
                    axes.setdefault(found[0], set()).add(found[1])
        return {name: sorted(used) for name, used in axes.items() if used - {0}}

    def _needed_sources(self) -> list[ast.expr]:
        return [] if self._sources is None else [self._sources[name] for name in self._needed]

    def _axis(self, node: ast.AST) -> tuple[str, int] | None:
        """(array, axis) if `node` is ``array.shape[axis]`` of an array of the signature."""
        if not (isinstance(node, ast.Subscript) and isinstance(node.value, ast.Attribute)):
            return None
        holder, index = node.value, _integer(node.slice)
        if holder.attr != "shape" or not isinstance(holder.value, ast.Name) or index is None:
            return None
        array = self.route.signature.arrays.get(holder.value.id)
        if array is None or not -array.ndim <= index < array.ndim:
            return None
        return holder.value.id, index % array.ndim

    @property
    def cannot_fail(self) -> bool:
        """Whether computing the sizes raises for no array: they are numbers of elements and what is fixed."""
        total = {f"{name}.size" for name in self.kernel.array_parameters}
        return self._sources is not None and all(ast.unparse(source) in total for source in self._needed_sources())

    @property
    def may_be_none(self) -> bool:
        """Whether one of the sizes can be None for calls of this signature."""
        return self._sources is None or any(_has_none(source) for source in self._needed_sources())

    def lines(self, namespace: Namespace) -> list[str]:
        """The statements; empty if the route does not branch."""
        if not self._needed:
            return []
        if self._sources is None:
            arguments = ", ".join(f"{name}={name}" for name in self.kernel.parameters)
            function = namespace.name("_size_", self.kernel.size.function)
            lines = [f"_sizes = {function}({arguments})"]
            self.none_tests.append("_sizes is None")
            wanted = [name for name in self._needed if name != CALL]
            return [*lines, *(f"{name} = _sizes and _sizes[{name!r}]" for name in wanted)]
        lines = []
        given: dict[str, str] = {}
        for array, used in self._unpacked.items():
            targets = ["_"] * self.route.signature.arrays[array].ndim
            for axis in used:
                named = next((n for n in self._needed if self._axis(self._sources[n]) == (array, axis)), None)
                targets[axis] = given[f"{array}.{axis}"] = named or f"_{array}_{axis}"
            lines.append(f"{', '.join(targets)}, = {array}.shape")
            self.tested.add(f"{array}.ndim")
        for name in self._needed:
            if name in given.values():
                continue  # unpacked under its own name
            expression = _Cheaper(self, given).visit(self._sources[name])
            lines.append(f"{name} = {ast.unparse(ast.fix_missing_locations(expression))}")
            declared = self.kernel.size.expressions.get(name)
            if declared is not None and declared.may_be_none and _has_none(expression):
                self.none_tests.append(f"{name} is None")
        return lines


class _Cheaper(ast.NodeTransformer):
    """Reads axes from what is unpacked, or from ``len``."""

    def __init__(self, sizes: Sizes, given: dict[str, str]) -> None:
        self.sizes = sizes
        self.given = given

    def visit_Subscript(self, node: ast.Subscript) -> ast.expr:
        found = self.sizes._axis(node)
        if found is None:
            self.generic_visit(node)
            return node
        array, axis = found
        return ast.parse(self.given.get(f"{array}.{axis}", f"len({array})"), mode="eval").body


def _integer(node: ast.expr) -> int | None:
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub) and isinstance(node.operand, ast.Constant):
        value = node.operand.value
        return -value if isinstance(value, int) else None
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, int) else None


def _has_none(expression: ast.expr) -> bool:
    return any(isinstance(node, ast.Constant) and node.value is None for node in ast.walk(expression))
