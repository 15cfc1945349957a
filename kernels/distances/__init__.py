"""Distances between points: squared and Euclidean, the nearest of some centres, and the neighbours within a radius.

The variants cover two matrices of one precision, float32 or float64. NumPy's one-liners make temporary arrays of
n·k·d or n·k elements; a compiled loop makes none.
"""

from kernels.distances.euclidean import euclidean
from kernels.distances.nearest_centroid import nearest_centroid
from kernels.distances.radius_neighbors import radius_neighbors
from kernels.distances.squared_distances import squared_distances

__all__ = ["euclidean", "nearest_centroid", "radius_neighbors", "squared_distances"]
