"""Whose place each kernel takes.

A kernel declared on an existing function (``tunable(np.sin, …)``) takes the place of that function. One that is
written out takes that of the function which its file says it is a drop-in for. Where a kernel is called differently,
what stands between the two is here.
"""

from __future__ import annotations

import functools
import re
import sys
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from typing import Any, NamedTuple

import numpy as np

import kernels

Function = Callable[..., Any]
Adapter = Callable[[Function], Function]

#: What the file of a kernel says.
_DROP_IN = re.compile(r"drop-in for `((?:numpy|scipy|sklearn)[\w.]+)`")


class Place(NamedTuple):
    """A function, and what takes its place."""

    #: Where users find it.
    name: str
    original: Function
    instead: Function
    #: Names of the kernels that serve it.
    kernels: tuple[str, ...]


def _are_alike(*arrays: Any) -> bool:
    """Whether these are tables of float64 with as many columns."""
    plain = all(type(array) is np.ndarray and array.ndim == 2 and array.dtype == np.float64 for array in arrays)
    return plain and len({array.shape[1] for array in arrays}) == 1


def _cdist(original: Function) -> Function:
    """SciPy's function has many metrics; two of them are kernels."""
    of_metric = {"euclidean": kernels.euclidean, "sqeuclidean": kernels.squared_distances}

    @functools.wraps(original)
    def cdist(XA, XB, metric="euclidean", *, out=None, **more):  # noqa: N803 - SciPy's names
        kernel = of_metric.get(metric) if isinstance(metric, str) else None
        if kernel is None or more or out is not None or not _are_alike(XA, XB):
            return original(XA, XB, metric, out=out, **more)
        return kernel(XA, XB)

    return cdist


def _pairwise_distances_argmin(original: Function) -> Function:
    """scikit-learn's function has many metrics, and a choice of axes."""

    @functools.wraps(original)
    def pairwise_distances_argmin(X, Y, **more):  # noqa: N803 - scikit-learn's names
        return original(X, Y, **more) if more or not _are_alike(X, Y) else kernels.nearest_centroid(X, Y)

    return pairwise_distances_argmin


def _expit(original: Function) -> Function:
    """A ufunc takes more arguments than the kernel, and other numbers."""

    @functools.wraps(original)
    def expit(x, *more, **others):
        plain = type(x) is np.ndarray and x.dtype.char in "fd"
        return kernels.sigmoid(x) if plain and not more and not others else original(x, *more, **others)

    return expit


def _lfilter(original: Function) -> Function:
    """SciPy's filter may have feedback, a state, and an axis."""

    @functools.wraps(original)
    def lfilter(b, a, x, *more, **others):
        series = all(type(value) is np.ndarray and value.ndim == 1 and value.size for value in (b, x))
        plain = series and b.dtype == x.dtype and x.dtype.char in "fd" and not more and not others
        if plain and np.size(a) == 1 and np.ravel(a)[0] == 1:
            return kernels.fir_filter(b, x)
        return original(b, a, x, *more, **others)

    return lfilter


def _gaussian_filter(original: Function) -> Function:
    """SciPy's tests take their names from those of the functions that they are given."""

    @functools.wraps(original)
    def gaussian_filter(*args, **kwargs):
        return kernels.gaussian_blur(*args, **kwargs)

    return gaussian_filter


#: The function → what is made of it, and the kernels that serve that.
ADAPTED: dict[str, tuple[Adapter, tuple[str, ...]]] = {
    "scipy.signal.lfilter": (_lfilter, ("fir_filter",)),
    "scipy.ndimage.gaussian_filter": (_gaussian_filter, ("gaussian_blur",)),
    "scipy.spatial.distance.cdist": (_cdist, ("euclidean", "squared_distances")),
    "scipy.special.expit": (_expit, ("sigmoid",)),
    "sklearn.metrics.pairwise_distances_argmin": (_pairwise_distances_argmin, ("nearest_centroid",)),
}
#: Why no function of these packages has the arguments and results of a kernel, where that is not plain.
WITHOUT = {
    "gelu": "no function of theirs",
    "kmeans_step": "a step of what KMeans.fit does as a whole",
    "layer_norm": "no function of theirs",
    "multiply_add": "NumPy computes it in two calls",
    "radius_neighbors": "radius_neighbors_graph gives a matrix",
    "relu_multiply": "NumPy computes it in two calls",
    "rgb_to_gray": "no function of theirs",
    "transpose_copy": "numpy.transpose is a view, and stays one",
    "tsne_affinities": "a step of what TSNE.fit does as a whole",
    "tsne_gradient": "a step of what TSNE.fit does as a whole",
}


def function(name: str) -> Function:
    """The function of a dotted name."""
    module, _, attribute = name.rpartition(".")
    found: Function = getattr(import_module(module), attribute)
    return found


def installed(name: str) -> bool:
    """Whether the package of a dotted name is."""
    return find_spec(name.partition(".")[0]) is not None


def _original(kernel: Any) -> str | None:
    """The name of the function in whose place a kernel stands, called as it is."""
    module = getattr(kernel.reference, "__module__", None) or "numpy"  # a ufunc has none
    if not module.startswith("kernels"):
        return f"{module}.{kernel.reference.__name__}"
    said = _DROP_IN.search(sys.modules[module].__doc__ or "")
    its_own = said and kernel.name in (module.rpartition(".")[2], said[1].rpartition(".")[2])
    return said[1] if said and its_own else None


def places() -> list[Place]:
    """Every function whose place is taken, of the packages that are installed."""
    found = []
    adapted = {name for _, serving in ADAPTED.values() for name in serving}
    for name in sorted(set(kernels.__all__) - adapted):
        tuned = getattr(kernels, name)
        original = _original(tuned.__autotune__.kernel)
        if original is not None and installed(original):
            found.append(Place(original, function(original), tuned, (name,)))
    for original, (adapt, serving) in ADAPTED.items():
        if installed(original):
            found.append(Place(original, function(original), adapt(function(original)), serving))
    return found


def without_place() -> dict[str, str]:
    """Kernels in nobody's place, and why; else what they are."""
    placed = {name for place in places() for name in place.kernels}
    return {
        name: WITHOUT.get(name) or (getattr(kernels, name).__doc__ or "").strip().partition("\n")[0]
        for name in kernels.__all__
        if name not in placed
    }
