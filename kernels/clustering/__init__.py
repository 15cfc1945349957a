"""Clustering: one step each of the usual algorithms, for a loop of the user's own.

What a step decides (labels, neighbours) is the reference's to the last bit; sums are added in other orders.
"""

from kernels.clustering.dbscan_neighborhoods import dbscan_neighborhoods
from kernels.clustering.gmm_responsibilities import gmm_responsibilities
from kernels.clustering.kmeans_step import kmeans_step
from kernels.clustering.linkage_update import linkage_update
from kernels.clustering.mean_shift_step import mean_shift_step

__all__ = ["dbscan_neighborhoods", "gmm_responsibilities", "kmeans_step", "linkage_update", "mean_shift_step"]
