"""Measuring: samples, races, the correctness gate, and the isolated process they run in.

Knows nothing of disk or of search.
"""
