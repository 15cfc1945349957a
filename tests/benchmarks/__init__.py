"""Benchmarks: each prints its figures beside their limits, baseline and ours interleaved in one run."""
