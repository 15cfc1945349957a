"""Which upstream tests are run, which of their files are left out and why, and where they are known to differ."""

from __future__ import annotations

from typing import NamedTuple

#: Below the directory where packages are installed; those in which functions whose place is taken are called.
FILES = (
    "numpy/_core/tests/test_einsum.py",
    "numpy/_core/tests/test_errstate.py",
    "numpy/_core/tests/test_half.py",
    "numpy/_core/tests/test_item_selection.py",
    "numpy/_core/tests/test_longdouble.py",
    "numpy/_core/tests/test_mem_overlap.py",
    "numpy/_core/tests/test_multiarray.py",
    "numpy/_core/tests/test_nep50_promotions.py",
    "numpy/_core/tests/test_numeric.py",
    "numpy/_core/tests/test_overrides.py",
    "numpy/_core/tests/test_regression.py",
    "numpy/_core/tests/test_scalarmath.py",
    "numpy/_core/tests/test_ufunc.py",
    "numpy/_core/tests/test_umath.py",
    "numpy/_core/tests/test_umath_accuracy.py",
    "numpy/fft/tests/test_pocketfft.py",
    "numpy/lib/tests/test_function_base.py",
    "numpy/lib/tests/test_histograms.py",
    "numpy/lib/tests/test_mixins.py",
    "numpy/lib/tests/test_nanfunctions.py",
    "numpy/lib/tests/test_regression.py",
    "numpy/linalg/tests/test_linalg.py",
    "numpy/linalg/tests/test_regression.py",
    "numpy/ma/tests/test_core.py",
    "numpy/matrixlib/tests/test_defmatrix.py",
    "scipy/ndimage/tests/test_filters.py",
    "scipy/signal/tests/test_signaltools.py",
    "scipy/spatial/tests/test_distance.py",
    "scipy/special/tests/test_logit.py",
    "scipy/special/tests/test_logsumexp.py",
    "sklearn/metrics/tests/test_pairwise.py",
)


class NotRun(NamedTuple):
    expression: str
    reason: str


#: What pytest's markers leave out.
NOT_RUN = NotRun("not slow", "what its package marks as slow: minutes, and gigabytes of memory")

#: Tests that pass without the kernels and not with them, and why that is meant. Without their parameters.
_LAST_PLACE = "compares a variant's result with NumPy's, to the last bit"
BY_DESIGN = {
    "numpy/_core/tests/test_umath.py::TestSpecialFloats::test_sincos_overlaps": (
        f"{_LAST_PLACE}: an output that overlaps the input is left to NumPy"
    ),
    "numpy/_core/tests/test_umath.py::TestSpecialMethods::test_ufunc_override_with_super": (
        f"{_LAST_PLACE}: an argument with __array_ufunc__ is left to NumPy"
    ),
}
