"""Lazy compilation with Numba: nothing here imports Numba until compiled code is first needed.

Knows nothing of timing or search.
"""
