"""The kernel library: NumPy and SciPy functions with variants that are measured on this machine, not guessed.

Each kernel is called exactly as the function of its name. What no variant covers goes to that function unchanged. A
family is loaded when the first of its kernels is asked for, because declaring all takes longer than importing NumPy.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kernels.clustering import dbscan_neighborhoods as dbscan_neighborhoods
    from kernels.clustering import gmm_responsibilities as gmm_responsibilities
    from kernels.clustering import kmeans_step as kmeans_step
    from kernels.clustering import linkage_update as linkage_update
    from kernels.clustering import mean_shift_step as mean_shift_step
    from kernels.distances import euclidean as euclidean
    from kernels.distances import nearest_centroid as nearest_centroid
    from kernels.distances import radius_neighbors as radius_neighbors
    from kernels.distances import squared_distances as squared_distances
    from kernels.elementwise import arccos as arccos
    from kernels.elementwise import arcsin as arcsin
    from kernels.elementwise import arctan as arctan
    from kernels.elementwise import clip as clip
    from kernels.elementwise import cos as cos
    from kernels.elementwise import cosh as cosh
    from kernels.elementwise import exp as exp
    from kernels.elementwise import log as log
    from kernels.elementwise import power as power
    from kernels.elementwise import relu as relu
    from kernels.elementwise import sigmoid as sigmoid
    from kernels.elementwise import sin as sin
    from kernels.elementwise import sinh as sinh
    from kernels.elementwise import sqrt as sqrt
    from kernels.elementwise import tan as tan
    from kernels.elementwise import tanh as tanh
    from kernels.embedding import tsne_affinities as tsne_affinities
    from kernels.embedding import tsne_gradient as tsne_gradient
    from kernels.fused import gelu as gelu
    from kernels.fused import layer_norm as layer_norm
    from kernels.fused import log_softmax as log_softmax
    from kernels.fused import logsumexp as logsumexp
    from kernels.fused import multiply_add as multiply_add
    from kernels.fused import relu_multiply as relu_multiply
    from kernels.fused import softmax as softmax
    from kernels.imaging import convolve2d as convolve2d
    from kernels.imaging import gaussian_blur as gaussian_blur
    from kernels.imaging import rgb_to_gray as rgb_to_gray
    from kernels.imaging import sobel as sobel
    from kernels.linalg import corrcoef as corrcoef
    from kernels.linalg import cov as cov
    from kernels.linalg import einsum as einsum
    from kernels.linalg import matmul as matmul
    from kernels.linalg import transpose_copy as transpose_copy
    from kernels.mars import candidate_rss as candidate_rss
    from kernels.mars import hinge_basis_matrix as hinge_basis_matrix
    from kernels.montecarlo import option_price as option_price
    from kernels.montecarlo import pi_estimate as pi_estimate
    from kernels.order_statistics import histogram as histogram
    from kernels.order_statistics import median as median
    from kernels.order_statistics import percentile as percentile
    from kernels.order_statistics import quantile as quantile
    from kernels.order_statistics import top_k as top_k
    from kernels.reductions import dot as dot
    from kernels.reductions import max as max
    from kernels.reductions import mean as mean
    from kernels.reductions import min as min
    from kernels.reductions import norm as norm
    from kernels.reductions import prod as prod
    from kernels.reductions import std as std
    from kernels.reductions import sum as sum
    from kernels.reductions import var as var
    from kernels.spectral import autocorrelation as autocorrelation
    from kernels.spectral import convolve as convolve
    from kernels.spectral import fft as fft
    from kernels.spectral import fir_filter as fir_filter
    from kernels.spectral import ifft as ifft
    from kernels.spectral import rfft as rfft
    from kernels.statistics import angle_filter as angle_filter
    from kernels.statistics import chi_squared as chi_squared
    from kernels.statistics import correlation as correlation
    from kernels.statistics import lagged_correlation as lagged_correlation

_FAMILIES = {
    "clustering": ("dbscan_neighborhoods", "gmm_responsibilities", "kmeans_step", "linkage_update", "mean_shift_step"),
    "distances": ("euclidean", "nearest_centroid", "radius_neighbors", "squared_distances"),
    "elementwise": (
        "arccos",
        "arcsin",
        "arctan",
        "clip",
        "cos",
        "cosh",
        "exp",
        "log",
        "power",
        "relu",
        "sigmoid",
        "sin",
        "sinh",
        "sqrt",
        "tan",
        "tanh",
    ),
    "embedding": ("tsne_affinities", "tsne_gradient"),
    "fused": ("gelu", "layer_norm", "log_softmax", "logsumexp", "multiply_add", "relu_multiply", "softmax"),
    "imaging": ("convolve2d", "gaussian_blur", "rgb_to_gray", "sobel"),
    "linalg": ("corrcoef", "cov", "einsum", "matmul", "transpose_copy"),
    "mars": ("candidate_rss", "hinge_basis_matrix"),
    "montecarlo": ("option_price", "pi_estimate"),
    "order_statistics": ("histogram", "median", "percentile", "quantile", "top_k"),
    "reductions": ("dot", "max", "mean", "min", "norm", "prod", "std", "sum", "var"),
    "spectral": ("autocorrelation", "convolve", "fft", "fir_filter", "ifft", "rfft"),
    "statistics": ("angle_filter", "chi_squared", "correlation", "lagged_correlation"),
}
_HOMES = {name: family for family, names in _FAMILIES.items() for name in names}

__all__ = sorted(_HOMES)

if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from importlib import import_module

        value = getattr(import_module(f"kernels.{_HOMES[name]}"), name)
        globals()[name] = value
        return value

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})
