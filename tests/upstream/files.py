"""Which upstream tests are run, and where they are known to differ on the kernels."""

from __future__ import annotations

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


#: What is left out where nobody asks for it.
SLOW = "what its package marks as slow: minutes, and gigabytes of memory"

#: Kernels that no upstream test calls so that a variant may serve, and why.
UNREACHED = {"einsum": "its variant is for the subscripts ik,kj->ij, which no test has"}

#: Tests that pass without the kernels and not with them, and why that is meant. With their parameters, or
#: without for all of them.
_LAST_PLACE = "compares a variant's result with NumPy's, to the last bit"
_IDENTITY = "asks whether a function is the very one of NumPy"
BY_DESIGN = {
    "numpy/_core/tests/test_multiarray.py::TestBinop::test_ufunc_binop_interaction": (
        f"{_IDENTITY}: the one that __array_ufunc__ is told is"
    ),
    "numpy/_core/tests/test_multiarray.py::TestCAPI::test_import_entry_point": _IDENTITY,
    "numpy/_core/tests/test_overrides.py::TestNumPyFunctions::test_override_sum": (
        f"{_IDENTITY}: the one that __array_function__ is told is"
    ),
    "numpy/_core/tests/test_overrides.py::TestNumPyFunctions::test_set_module": (
        "asks for the module: a kernel is pickled by the name of its own"
    ),
    "numpy/_core/tests/test_overrides.py::TestNumPyFunctions::test_sum_on_mock_array": (
        f"{_IDENTITY}: the one that __array_function__ is told is"
    ),
    "numpy/_core/tests/test_overrides.py::test_function_like": "asks for the type: a kernel is a function of Python",
    "numpy/_core/tests/test_regression.py::TestRegression::test__array_namespace__": (
        "asks whether a module is the very one of NumPy, and sees the one with kernels"
    ),
    "numpy/_core/tests/test_ufunc.py::TestUfunc::test_pickle_withstring": f"{_IDENTITY}: an old pickle gives that",
    "numpy/_core/tests/test_umath.py::TestSpecialFloats::test_sincos_overlaps": (
        f"{_LAST_PLACE}: an output that overlaps the input is left to NumPy"
    ),
    "numpy/_core/tests/test_umath.py::TestSpecialMethods::test_ufunc_override_with_super": (
        f"{_LAST_PLACE}: an argument with __array_ufunc__ is left to NumPy"
    ),
    "numpy/fft/tests/test_pocketfft.py::test_fft_with_integer_or_bool_input": (
        f"{_LAST_PLACE}: whole numbers are left to NumPy"
    ),
    "numpy/ma/tests/test_core.py::TestMaskedArrayArithmetic::test_basic_ufuncs": (
        f"{_LAST_PLACE}: numpy.ma.sin is of NumPy"
    ),
    "scipy/ndimage/tests/test_filters.py::TestNdimageFilters::test_gauss_memory_overlap": (
        f"{_LAST_PLACE}: an output that overlaps the input is left to SciPy"
    ),
    "scipy/ndimage/tests/test_filters.py::test_multiple_modes[numpy-gaussian_filter]": (
        f"{_LAST_PLACE}: a mode for each axis is left to SciPy"
    ),
}
