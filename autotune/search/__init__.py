"""Search: which settings to try, and where one candidate hands over to another.

Sees spaces, seeds, sizes and costs; knows nothing of clocks, disk or kernels.
"""
