"""The tests inside the installed NumPy, SciPy and scikit-learn wheels, run against the kernels (``make upstream``).

`originals` says whose place each kernel takes and which files test it. `seeing` gives a test module its own sight of
NumPy, in which the kernels stand where the originals were. `deciding` lets the variants serve. `plugin` joins these in
a run of pytest, and ``python -m tests.upstream`` makes two such runs, one without kernels, and compares them.
"""
