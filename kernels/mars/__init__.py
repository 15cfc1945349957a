"""Multivariate adaptive regression splines (Friedman 1991, The Annals of Statistics 19(1)): the two hot kernels.

hinge_basis_matrix evaluates basis functions, which are products of hinges max(0, ±(x - t)); candidate_rss judges every
knot t that the forward pass may choose next for one variable.
"""

from kernels.mars.candidate_rss import candidate_rss
from kernels.mars.hinge_basis_matrix import hinge_basis_matrix

__all__ = ["candidate_rss", "hinge_basis_matrix"]
