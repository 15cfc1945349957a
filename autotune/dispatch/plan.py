"""What a dispatcher is to do, as data: routes by signature, branches over sizes, targets.

The step between a decision (names and thresholds) and its code (functions and tests). Knows nothing of how either
came about.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from ..kernel.boxes import Handling
from ..kernel.invocation import Invocation
from ..kernel.model import Candidate
from ..kernel.signature import Signature


@dataclass(frozen=True)
class ToReference:
    """Serve the reference."""


@dataclass(frozen=True)
class ToMiss:
    """Ask the dispatcher: nothing is known, or the winner is not loaded yet."""


@dataclass(frozen=True)
class Later:
    """Serve the reference until a moment of the monotonic clock (in seconds), then ask again."""

    until_s: float


@dataclass(frozen=True, eq=False)
class ToVariant:
    """Serve a variant."""

    candidate: Candidate
    function: Callable[..., Any]
    invocation: Invocation
    handling: Handling
    #: Whether the callee tests dtype, ndim and layout itself, as compiled code does.
    tests_itself: bool


Target = ToReference | ToMiss | Later | ToVariant


@dataclass(frozen=True, eq=False)
class Branch:
    """Below `at` one way, from `at` on the other; the feature is a size or a product of sizes."""

    feature: str
    at: int
    below: Branch | Target
    above: Branch | Target


Tree = Branch | Target


@dataclass(frozen=True, eq=False)
class Route:
    """Everything about one signature."""

    signature: Signature
    tree: Tree
    #: Test ndim and layout even for targets that test themselves: calls of unlike arrays have been seen.
    strict: bool = False

    @property
    def features(self) -> set[str]:
        """Sizes that the tree looks at."""
        return {name for node in walk(self.tree) if isinstance(node, Branch) for name in node.feature.split("*")}


def walk(tree: Tree) -> Iterator[Tree]:
    yield tree
    if isinstance(tree, Branch):
        yield from walk(tree.below)
        yield from walk(tree.above)


@dataclass
class Plan:
    """All routes of a kernel, and what happens outside them."""

    routes: list[Route] = field(default_factory=list)
    #: Arguments that were seen and are not covered: (parameter, type) or (parameter, dtype).
    uncovered: list[tuple[str, Any]] = field(default_factory=list)
    #: Nothing more is learnt: what no route covers goes to the reference.
    closed: bool = False
    #: Whether a forced variant is in force somewhere.
    forced: bool = False
