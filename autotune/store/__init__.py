"""Records on disk.

Knows nothing of timing or search.
"""
