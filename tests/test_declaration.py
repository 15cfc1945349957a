"""Declaring kernels and variants: every mistake is an error that names the kernel, the variant and the mend."""

from __future__ import annotations

import inspect

import numpy as np
import pytest

from autotune import Choice, DeclarationError, Pow2, Range, Static, tunable
from autotune.kernel.registry import find


def kernel(**options):
    @tunable(**options)
    def rms(x, scale=1.0, *, axis=None):
        """Root mean square."""
        return scale * np.sqrt(np.mean(x * x, axis=axis))

    return rms


class Opaque:
    """A callable whose signature nobody can read."""

    __name__ = "opaque"
    __signature__ = 3

    def __call__(self, x):
        return x


def test_a_tuned_function_looks_like_its_reference():
    rms = kernel()

    assert rms.__name__ == "rms"
    assert rms.__doc__ == "Root mean square."
    assert inspect.signature(rms) == inspect.signature(rms.reference)
    assert rms.__wrapped__ is rms.reference
    np.testing.assert_equal(rms(np.arange(4.0), 2.0), rms.reference(np.arange(4.0), 2.0))


def test_tunable_works_bare():
    @tunable
    def twice(x):
        return 2 * x

    assert twice(3) == 6
    assert dict(twice.variants) == {}


def test_an_existing_callable_becomes_the_reference():
    cosine = tunable(np.cos, size={"n": "x.size"})

    assert cosine.reference is np.cos
    assert cosine(0.0) == 1.0
    assert find(f"{__name__}:cos") is cosine


def test_variant_returns_the_function_unchanged():
    rms = kernel()

    def fast(x):
        return np.sqrt(x @ x / x.size)

    assert rms.variant(fast, kind="vectorized") is fast
    assert list(rms.variants) == ["fast"]
    assert rms.variants["fast"].kind == "vectorized"


def test_a_parameter_named_out_is_written_without_saying():
    @tunable
    def double(x, out=None):
        return np.multiply(x, 2, out=out)

    assert double.__autotune__.kernel.mutates == {"out"}


def test_declaring_again_replaces_as_reloading_a_module_does():
    first, second = kernel(name="again"), kernel(name="again")

    assert find(f"{__name__}:again") is second is not first


def variant_of(function, /, **options):
    kernel().variant(**{"kind": "scalar", **options})(function)


def test_clashing_names_are_refused():
    tunable(np.cos, name="clash")
    with pytest.raises(DeclarationError, match=r"clash is declared twice.*name="):
        tunable(np.sin, name="clash")


@pytest.mark.parametrize(
    ("declare", "part"),
    [
        (lambda: kernel(size={"n": "y.size"}), "size n: 'y.size' uses the unknown name 'y'"),
        (lambda: kernel(size={"n": "x.size +"}), "is not a Python expression"),
        (lambda: kernel(size={}), "size={} names nothing"),
        (lambda: kernel(size={"x": "x.size"}), "has the name of an argument"),
        (lambda: kernel(size={"_n": "x.size"}), "cannot name a size"),
        (lambda: kernel(size="x.size"), "must map names to expressions"),
        (lambda: kernel(static=("mode",)), "static='mode' is not a parameter"),
        (lambda: kernel(mutates="y"), "mutates='y' is not a parameter"),
        (lambda: kernel(numerics="exact"), "expected one of bitwise"),
        (lambda: kernel(tolerance=8), "source of that figure"),
        (lambda: kernel(tolerance=(-1.0, "guess")), "source of that figure"),
        (lambda: kernel(tolerance=(8.0, "error analysis", "max")), '"norm" as a third item'),
        (lambda: kernel(inputs=3), "inputs= must be a callable"),
        (lambda: kernel(calibrate={"n": (1, 10)}), "calibrate= needs inputs="),
        (lambda: kernel(inputs=lambda rng, n: n, calibrate={"m": Range(1, 5)}), "ranges over 'm'"),
        (lambda: kernel(inputs=lambda rng, n, m: n, calibrate={"n": Range(1, 5)}), "needs 'm'"),
        (lambda: kernel(inputs=lambda rng, n: n, calibrate=({"n": (1, 5)}, {})), "needs 'n'"),
        (lambda: kernel(inputs=lambda rng, n: n, calibrate={"n": 7}), "expected Range"),
        (lambda: kernel(inputs=lambda rng: 1, calibrate={"layout": Choice("Q")}), '"C", "F" and "strided"'),
        (lambda: tunable(3), "expected a callable"),
        (lambda: tunable(Opaque()), "cannot be read"),
        (lambda: tunable(lambda _x: _x), "begins with an underscore"),
        (lambda: kernel().variant(kind="scalar")(3), "a variant must be a callable"),
        (lambda: variant_of(lambda x: x, kind="fast"), "kind='fast'; expected one of scalar"),
        (lambda: kernel().variant(lambda x: x), "no kind="),
        (lambda: variant_of(lambda x: x, name="reference"), "names the reference itself"),
        (lambda: variant_of(lambda x: x, numerics="close"), "expected one of bitwise"),
        (lambda: variant_of(lambda x: x, jit="fast"), "expected True, False or a mapping"),
        (lambda: variant_of(np.sum, jit=True), "jit= compiles Python functions"),
        (lambda: variant_of(lambda y: y), "takes 'y', which is neither"),
        (lambda: variant_of(lambda scale=1.0: 1), "does not take 'x', which the reference requires"),
        (lambda: variant_of(lambda x, scale=2.0: x), "the default of 'scale' is 2.0, the reference's is 1.0"),
        (lambda: variant_of(lambda *x: x), "takes *x; name the parameters"),
        (lambda: variant_of(lambda x, *, axis=None: x, params={"axis": Pow2(1, 4)}), "has the name of an argument"),
        (lambda: variant_of(lambda x: x, params={"block": Pow2(1, 4)}), "which the function does not take"),
        (lambda: variant_of(lambda x, block: x, params={"block": Pow2(1, 4)}), "must be keyword-only"),
        (lambda: variant_of(lambda x, *, b: x, params={"b": []}), "the space is empty"),
        (lambda: variant_of(lambda x, *, b: x, params={"b": [1, 2]}, where="b > 4"), "no setting satisfies"),
        (lambda: variant_of(lambda x: x, when="x.size > 10"), "depends on the size"),
        (lambda: variant_of(lambda x: x, when="len(x) > 10"), "reads len(x), which depends on the size"),
        (lambda: variant_of(lambda x: x, when="y.ndim == 1"), "unknown name 'y'"),
        (lambda: variant_of(lambda x: x, when=7), "when= must be an expression or a predicate"),
    ],
)
def test_a_wrong_declaration_is_refused_with_the_mend(declare, part: str):
    with pytest.raises(DeclarationError) as caught:
        declare()

    assert part in str(caught.value)


def test_a_duplicate_variant_is_refused_and_says_where_the_first_is():
    rms = kernel()
    rms.variant(lambda x: x, kind="scalar", name="fast")
    with pytest.raises(DeclarationError, match=r"'fast' is already declared .*test_declaration.py"):
        rms.variant(lambda x: x, kind="scalar", name="fast")


def test_errors_name_the_kernel_and_the_variant():
    with pytest.raises(DeclarationError, match=r"kernel .*:.*rms, variant slow \(.*test_declaration"):
        variant_of(lambda x: x, name="slow", kind="?")


def test_a_condition_that_reads_a_size_through_a_predicate_is_refused_when_it_is_asked():
    rms = kernel()
    rms.variant(lambda x: x, kind="scalar", name="big", when=lambda x: x.size > 10)
    with pytest.raises(DeclarationError, match=r"reads x.size; it may use dtype, ndim"):
        rms.call("big", np.ones(3))


def test_a_condition_on_a_value_that_the_signature_does_not_hold_names_static():
    rms = kernel()
    rms.variant(lambda x, scale=1.0: x, kind="scalar", name="unscaled", when="scale > 1")
    with pytest.raises(DeclarationError, match=r"add static=\('scale',\)"):
        rms.call("unscaled", np.ones(3), 2.0)


def test_a_condition_on_an_array_does_not_hold_for_what_is_none():
    rms = kernel()
    rms.variant(lambda x, scale: x, kind="scalar", name="scaled", when="scale.ndim == 1")

    for scale in (2.0, 3, np.float64(2)):
        assert rms(np.ones(3), scale) == scale  # by the reference, without a warning


def test_a_kernel_of_the_default_size_takes_arguments_that_no_variant_has():
    rms = kernel()
    rms.variant(lambda x, scale: x, kind="scalar", name="scaled")

    assert rms(np.ones(3)) == 1
    np.testing.assert_array_equal(rms(np.ones((2, 3)), 2.0, axis=0), 2 * np.ones(3))


def test_a_predicate_that_raises_is_named():
    rms = kernel()
    rms.variant(lambda x: x, kind="scalar", name="odd", when=lambda x: 1 / 0)
    with pytest.raises(DeclarationError, match=r"when= raised ZeroDivisionError"):
        rms.call("odd", np.ones(3))


def test_static_settings_are_kept_in_the_space():
    rms = kernel()
    rms.variant(lambda x, *, tile: x, kind="blocked", name="tiled", params={"tile": Static(Pow2(8, 32))})

    assert rms.variants["tiled"].space.static_names == ("tile",)
    assert rms.variants["tiled"].space.size == 3
