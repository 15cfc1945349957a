"""Clustering: one step each of the usual algorithms, for a loop of the user's own.

What a step decides (labels, neighbours) is the reference's to the last bit; sums are added in other orders.
"""

from kernels.clustering.kmeans_step import kmeans_step

__all__ = ["kmeans_step"]
