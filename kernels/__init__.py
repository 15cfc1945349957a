"""The kernel library: NumPy and SciPy functions with variants that are measured on this machine, not guessed.

Each kernel is called exactly as the function of its name. What no variant covers goes to that function unchanged.
"""

from kernels.clustering import (
    dbscan_neighborhoods,
    gmm_responsibilities,
    kmeans_step,
    linkage_update,
    mean_shift_step,
)
from kernels.distances import euclidean, nearest_centroid, radius_neighbors, squared_distances
from kernels.elementwise import (
    arccos,
    arcsin,
    arctan,
    clip,
    cos,
    cosh,
    exp,
    log,
    power,
    relu,
    sigmoid,
    sin,
    sinh,
    sqrt,
    tan,
    tanh,
)
from kernels.embedding import tsne_affinities, tsne_gradient
from kernels.fused import gelu, layer_norm, log_softmax, logsumexp, multiply_add, relu_multiply, softmax
from kernels.imaging import convolve2d, gaussian_blur, rgb_to_gray, sobel
from kernels.linalg import corrcoef, cov, einsum, matmul, transpose_copy
from kernels.mars import candidate_rss, hinge_basis_matrix
from kernels.montecarlo import option_price, pi_estimate
from kernels.order_statistics import histogram, median, percentile, quantile, top_k
from kernels.reductions import dot, max, mean, min, norm, prod, std, sum, var
from kernels.spectral import autocorrelation, convolve, fft, fir_filter, ifft, rfft
from kernels.statistics import angle_filter, chi_squared, correlation, lagged_correlation

__all__ = [
    "angle_filter",
    "arccos",
    "arcsin",
    "arctan",
    "autocorrelation",
    "candidate_rss",
    "chi_squared",
    "clip",
    "convolve",
    "convolve2d",
    "corrcoef",
    "correlation",
    "cos",
    "cosh",
    "cov",
    "dbscan_neighborhoods",
    "dot",
    "einsum",
    "euclidean",
    "exp",
    "fft",
    "fir_filter",
    "gaussian_blur",
    "gelu",
    "gmm_responsibilities",
    "hinge_basis_matrix",
    "histogram",
    "ifft",
    "kmeans_step",
    "lagged_correlation",
    "layer_norm",
    "linkage_update",
    "log",
    "log_softmax",
    "logsumexp",
    "matmul",
    "max",
    "mean",
    "mean_shift_step",
    "median",
    "min",
    "multiply_add",
    "nearest_centroid",
    "norm",
    "option_price",
    "percentile",
    "pi_estimate",
    "power",
    "prod",
    "quantile",
    "radius_neighbors",
    "relu",
    "relu_multiply",
    "rfft",
    "rgb_to_gray",
    "sigmoid",
    "sin",
    "sinh",
    "sobel",
    "softmax",
    "sqrt",
    "squared_distances",
    "std",
    "sum",
    "tan",
    "tanh",
    "top_k",
    "transpose_copy",
    "tsne_affinities",
    "tsne_gradient",
    "var",
]
