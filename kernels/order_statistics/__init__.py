"""Order statistics of a whole array: drop-ins for the NumPy functions of the same name, and top_k, which it lacks."""

from kernels.order_statistics.histogram import histogram
from kernels.order_statistics.median import median
from kernels.order_statistics.percentile import percentile
from kernels.order_statistics.quantile import quantile
from kernels.order_statistics.top_k import top_k

__all__ = ["histogram", "median", "percentile", "quantile", "top_k"]
