"""Whose place each kernel takes.

A kernel declared on an existing function (``tunable(np.sin, …)``) takes the place of that function. One that is written
out has a reference of its own: it is named here, with the function whose place it takes, and with what stands between
the two where they are called differently.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from typing import Any, NamedTuple

import numpy as np

import kernels

Function = Callable[..., Any]


class Place(NamedTuple):
    """A function, and what takes its place."""

    #: Where users find it.
    name: str
    original: Function
    instead: Function
    #: Names of the kernels that serve it.
    kernels: tuple[str, ...]


def _are_alike(*arrays: object) -> bool:
    """Whether these are tables of float64 with as many columns."""
    return (
        all(type(array) is np.ndarray and array.ndim == 2 and array.dtype == np.float64 for array in arrays)
        and len({array.shape[1] for array in arrays}) == 1  # type: ignore[attr-defined]
    )


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


#: Kernel → the function in whose place it stands, called in the same way.
WRITTEN_OUT = {
    "log_softmax": "scipy.special.log_softmax",
    "logsumexp": "scipy.special.logsumexp",
    "softmax": "scipy.special.softmax",
}
#: The function → what is made of it, and the kernels that serve that.
ADAPTED = {
    "scipy.spatial.distance.cdist": (_cdist, ("euclidean", "squared_distances")),
    "sklearn.metrics.pairwise_distances_argmin": (_pairwise_distances_argmin, ("nearest_centroid",)),
}
#: Kernels that no function of these packages has the arguments and results of.
WITHOUT = {
    "gelu": "no function of theirs",
    "layer_norm": "no function of theirs",
    "multiply_add": "NumPy computes it in two calls",
    "relu_multiply": "NumPy computes it in two calls",
    "kmeans_step": "a step of what KMeans.fit does as a whole",
    "radius_neighbors": "radius_neighbors_graph gives a matrix",
    "transpose_copy": "numpy.transpose is a view, and stays one",
    "tsne_affinities": "a step of what TSNE.fit does as a whole",
    "tsne_gradient": "a step of what TSNE.fit does as a whole",
}


def function(name: str) -> Function:
    """The function of a dotted name."""
    module, _, attribute = name.rpartition(".")
    found: Function = getattr(import_module(module), attribute)
    return found


def _found_at(reference: Function) -> str:
    return f"{getattr(reference, '__module__', None) or 'numpy'}.{reference.__name__}"  # a ufunc has no module


def _stands_on(reference: Function) -> bool:
    """Whether the reference of a kernel is not written out: it is the original itself."""
    return not _found_at(reference).startswith("kernels.")


def installed(name: str) -> bool:
    """Whether the package of a dotted name is."""
    return find_spec(name.partition(".")[0]) is not None


def places() -> list[Place]:
    """Every function whose place is taken, of the packages that are installed."""
    found = []
    for name in kernels.__all__:
        tuned = getattr(kernels, name)
        kernel = tuned.__autotune__.kernel
        if name in WRITTEN_OUT and installed(WRITTEN_OUT[name]):
            found.append(Place(WRITTEN_OUT[name], function(WRITTEN_OUT[name]), tuned, (name,)))
        elif _stands_on(kernel.reference):
            found.append(Place(_found_at(kernel.reference), kernel.reference, tuned, (name,)))
    for name, (adapt, serving) in ADAPTED.items():
        if installed(name):
            original = function(name)
            found.append(Place(name, original, adapt(original), serving))
    return found


def unknown() -> list[str]:
    """Kernels of which nothing is said here."""
    adapted = {name for _, serving in ADAPTED.values() for name in serving}
    return [
        name
        for name in kernels.__all__
        if not _stands_on(getattr(kernels, name).reference)
        and name not in adapted | WRITTEN_OUT.keys() | WITHOUT.keys()
    ]
