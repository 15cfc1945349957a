"""What a dispatcher is to do, as data: routes by signature, branches over sizes, targets.

The step between a decision (names and thresholds) and its code (functions and tests). Knows nothing of how either
came about.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from ..kernel.boxes import Handling
from ..kernel.invocation import Invocation
from ..kernel.model import Candidate
from ..kernel.signature import Signature
from ..value import Value

if TYPE_CHECKING:
    from .watch import Watch


class ToReference(Value):
    """Serve the reference."""


class ToMiss(Value):
    """Ask the dispatcher: nothing is known, or the winner is not loaded yet."""


class Later(Value):
    """Serve the reference until a moment of the monotonic clock (in seconds), then ask again."""

    until_s: float


class ToVariant(Value, by_identity=True):
    """Serve a variant."""

    candidate: Candidate
    function: Callable[..., Any]
    invocation: Invocation
    handling: Handling
    #: Whether the callee tests dtype, ndim and layout itself, as compiled code does.
    tests_itself: bool
    #: Whether two Python threads must not be in it at once.
    alone: bool = False


class ToThreads(Value, by_identity=True):
    """Serve a variant that uses threads."""

    target: ToVariant
    #: What looks after the time that its calls take.
    watch: Watch | None = None
    #: What serves while another Python thread is in code that must not be entered by two; None to wait for it.
    otherwise: ToVariant | ToReference | None = None


class Resting(Value, by_identity=True):
    """Serve the single-threaded runner-up until a moment of the calls' clock (in seconds), then ask again."""

    target: ToVariant | ToReference
    until_s: float


Target = ToReference | ToMiss | Later | ToVariant | ToThreads | Resting


class Branch(Value, by_identity=True):
    """Below `at` one way, from `at` on the other; the feature is a size or a product of sizes."""

    feature: str
    at: int
    below: Branch | Target
    above: Branch | Target


Tree = Branch | Target


class Route(Value, by_identity=True):
    """Everything about one signature."""

    signature: Signature
    tree: Tree
    #: Test ndim and layout even for targets that test themselves: calls of unlike arrays have been seen.
    strict: bool = False
    #: Nothing is decided for it: ndim and layout are tested even before the reference, for others may be decided.
    undecided: bool = False


def walk(tree: Tree) -> Iterator[Tree]:
    yield tree
    if isinstance(tree, Branch):
        yield from walk(tree.below)
        yield from walk(tree.above)


class Plan(Value, by_identity=True):
    """All routes of a kernel, and what happens outside them."""

    routes: Sequence[Route] = ()
    #: Arguments that were seen and are not covered: (parameter, type) or (parameter, dtype).
    uncovered: Sequence[tuple[str, Any]] = ()
    #: Nothing more is learnt: what no route covers goes to the reference.
    closed: bool = False
    #: Whether a forced variant is in force somewhere.
    forced: bool = False
    #: Whether some calls are compared with the reference.
    sampled: bool = False
    #: How calls are counted for a recording; one of the names in `tap`.
    counting: str = ""
    #: The array whose size tells calls apart that are counted by octave.
    octaves_of: str = ""
