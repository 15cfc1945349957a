"""The sampling check: a variant that passed its gate and is wrong all the same is caught in use, and used no more."""

from __future__ import annotations

import json
import logging
import threading

import numpy as np
import pytest

from autotune import DeclarationError, SettingsError, StoreWarning, VariantWarning, settings, tunable
from autotune.dispatch import sampling
from autotune.kernel import condemned
from autotune.measure import sample as hook
from autotune.store import store
from autotune.store.record import leaves
from tests.records import decide, leaf, record
from tests.reliability.places import own_store
from tests.reliability.soak import Outcome, row
from tests.test_calibrate import command

X = np.arange(1.0, 13.0)


@pytest.fixture(autouse=True)
def every_call(monkeypatch):
    monkeypatch.setenv("AUTOTUNE_MODE", "use")
    monkeypatch.setenv("AUTOTUNE_VERIFY", "1")


def doubling(variant, *, reference=lambda x: 2 * x, numerics="reassociated", **options):
    """A kernel whose calls are served by one variant."""
    made = tunable(reference, name="doubling", size={"n": "x.size"}, **options)
    made.variant(variant, kind="vectorized", name="v", numerics=numerics)
    return made


def wrong_at(n, right=lambda x: x + x):
    return lambda x: right(x) + (x.size == n)


def disabled(tuned) -> set[str]:
    return tuned.__autotune__.dispatcher.disabled


# -- what is caught


def test_a_wrong_result_is_caught_and_the_references_is_returned(caplog, store_root):
    tuned = doubling(wrong_at(12))
    decide(tuned, (X,), leaf("v"))
    with caplog.at_level(logging.ERROR, "autotune"), pytest.warns(VariantWarning, match="v gave a wrong result"):
        np.testing.assert_array_equal(tuned(X), 2 * X)

    (told,) = [entry.getMessage() for entry in caplog.records]
    for part in ("doubling [float64 1-d C] at n=12: v is wrong: result: off by 1 at [0]", "Source ", ".npz"):
        assert part in told
    assert disabled(tuned) == {"v"}
    np.testing.assert_array_equal(tuned(X[:5].copy()), 2 * X[:5])
    assert tuned.decision(X).variant == "reference"


def test_the_saved_inputs_show_the_mismatch_again(store_root):
    tuned = doubling(wrong_at(12))
    decide(tuned, (X,), leaf("v"))
    with pytest.warns(VariantWarning):
        tuned(X)
    (path,) = (store_root / sampling.SAVED).iterdir()
    saved = np.load(path, allow_pickle=False)

    np.testing.assert_array_equal(saved["x"], X)
    assert str(saved["about_candidate"]) == "v"
    assert str(saved["about_size"]) == "n=12"
    assert not np.array_equal(tuned.call("v", saved["x"]), tuned.reference(saved["x"]))
    assert path.stat().st_mode & 0o077 == 0


def test_large_inputs_are_not_saved_and_the_log_says_so(caplog, store_root):
    x = np.ones(200_000)
    tuned = doubling(wrong_at(x.size))
    decide(tuned, (x,), leaf("v"))
    with pytest.warns(VariantWarning):
        tuned(x)

    assert "its inputs were not saved: 1,600,000 bytes" in caplog.text
    assert not (store_root / sampling.SAVED).exists()


def test_a_store_that_cannot_be_written_costs_the_mark_and_not_the_result(caplog, monkeypatch):
    monkeypatch.setenv("AUTOTUNE_DB", "/proc/nowhere")
    tuned = doubling(wrong_at(12))
    decide(tuned, (X,), leaf("v"))
    with pytest.warns(StoreWarning), pytest.warns(VariantWarning, match="gave a wrong result"):
        np.testing.assert_array_equal(tuned(X), 2 * X)

    assert "could not be saved in /proc/nowhere" in caplog.text
    assert disabled(tuned) == {"v"}


@pytest.mark.parametrize(
    ("variant", "numerics", "part"),
    [
        (lambda x: (x + x).astype("f4"), "reassociated", "dtype float32"),
        (lambda x: (x + x)[:, None], "reassociated", "shape"),
        (lambda x: float(x[0]), "reassociated", "type float"),
        (lambda x: (2 * x) * (1 + 1e-6), "reassociated", "off by"),
        (lambda x: np.nextafter(2 * x, 100), "bitwise", "not bit for bit"),
        (lambda x: np.where(x == 3, np.nan, 2 * x), "approximate", "NaN in other places"),
        (lambda x: 1 / 0, "reassociated", "raises ZeroDivisionError"),
        (lambda x: None, "reassociated", "NoneType"),
        (lambda x: np.multiply(x, 2, out=x), "reassociated", "changes its input x"),
        (lambda x: x, "reassociated", "the result is the argument x"),
    ],
)
def test_every_kind_of_difference_is_caught(variant, numerics, part):
    tuned, x = doubling(variant, numerics=numerics), X.copy()
    decide(tuned, (x,), leaf("v"))
    with pytest.warns(VariantWarning) as caught:
        result = tuned(x)

    np.testing.assert_array_equal(result, 2 * X)
    np.testing.assert_array_equal(x, X)  # also where the variant had changed it
    assert part in str(caught[0].message)


@pytest.mark.parametrize(
    ("variant", "numerics"),
    [
        (lambda x: x + x, "bitwise"),
        (lambda x: np.nextafter(2 * x, 100), "reassociated"),
        (lambda x: (2 * x) * (1 + 1e-10), "approximate"),
    ],
)
def test_what_the_class_allows_is_given_as_it_is(variant, numerics):
    tuned = doubling(variant, numerics=numerics)
    decide(tuned, (X,), leaf("v"))

    assert tuned(X).tobytes() == variant(X).tobytes()
    assert tuned(X).tobytes() == variant(X).tobytes()
    assert disabled(tuned) == set()


def test_exceptions_are_compared_too():
    def careful(x):
        if x[0] < 0:
            raise ValueError("negative")
        return 2 * x

    def as_careful(x):
        if x[0] < 0:
            raise ValueError("in other words")
        return x + x

    tuned = doubling(as_careful, reference=careful)
    decide(tuned, (X,), leaf("v"))
    with pytest.raises(ValueError, match="negative"):
        tuned(-X)
    assert disabled(tuned) == set()

    tuned = doubling(lambda x: x + x, reference=careful)
    decide(tuned, (X,), leaf("v"))
    with pytest.raises(ValueError, match="negative"), pytest.warns(VariantWarning, match="raises nothing, expected"):
        tuned(-X)
    assert disabled(tuned) == {"v"}


# -- arguments that are written, and results that are not arrays


def writing(x, out=None):
    out = np.empty_like(x) if out is None else out
    np.multiply(x, 2, out=out)
    return out


@pytest.mark.parametrize("wrong", [False, True])
def test_out_is_written_and_returned_whether_or_not_the_variant_is_right(wrong):
    def v(x, out=None):
        out = np.empty_like(x) if out is None else out
        np.add(x, x + wrong, out=out)
        return out

    tuned = doubling(v, reference=writing)
    out = np.zeros_like(X)
    decide(tuned, (X, out), leaf("v"))
    if wrong:
        with pytest.warns(VariantWarning):
            result = tuned(X, out)
    else:
        result = tuned(X, out)

    assert result is out
    np.testing.assert_array_equal(out, 2 * X)
    assert disabled(tuned) == ({"v"} if wrong else set())


@pytest.mark.parametrize("fault", ["none", "wrong", "raises half way"])
def test_an_argument_that_is_changed_is_changed_once(fault):
    def twice(x):
        x *= 2

    def v(x):
        x[:6] *= 2
        if fault == "raises half way":
            raise RuntimeError("half way")
        x[6:] *= 2 + (fault == "wrong")

    tuned, x = doubling(v, reference=twice, mutates="x"), X.copy()
    decide(tuned, (x,), leaf("v"))
    if fault == "none":
        assert tuned(x) is None
    else:
        with pytest.warns(VariantWarning):
            assert tuned(x) is None

    np.testing.assert_array_equal(x, 2 * X)
    assert disabled(tuned) == (set() if fault == "none" else {"v"})


def test_tuples_and_numbers_are_compared_by_part():
    tuned = doubling(lambda x: (x.min(), x.max() + (x.size == 12)), reference=lambda x: (x.min(), x.max()))
    decide(tuned, (X,), leaf("v"))

    assert tuned(X[:3].copy()) == (1, 3)
    with pytest.warns(VariantWarning, match=r"result\[1\]: off by 1"):
        assert tuned(X) == (1, 12)


def test_a_compiled_number_is_boxed_before_it_is_compared():
    made = tunable(lambda x: np.sum(x), name="doubling", size={"n": "x.size"})

    @made.variant(kind="scalar", jit=True)
    def loop(x):
        total = 0.0
        for i in range(x.size):
            total += x[i]
        return total

    decide(made, (X,), leaf("loop", boxing="float64"))
    assert type(made(X)) is np.float64
    assert type(made(X)) is np.float64
    assert disabled(made) == set()


@pytest.mark.parametrize(
    "array",
    [
        np.arange(24.0).reshape(4, 6), np.arange(24.0).reshape(4, 6).T, np.arange(24.0).reshape(4, 6)[::-1, ::2],
        np.broadcast_to(np.arange(6.0), (4, 6)), np.array(3.0), np.empty((0, 3)), np.arange(9, dtype="i1")[3:],
        np.arange(1000.0)[::100],
    ],
    ids=["C", "F", "negative", "broadcast", "0-d", "empty", "offset", "sparse"],
)  # fmt: skip
def test_copies_lie_in_memory_as_the_originals(array):
    copy = hook.exact_copy(array)

    np.testing.assert_array_equal(copy, array)
    assert not np.may_share_memory(copy, array)
    if array.size and array.strides != (800,):  # a view of a hundred times its size is copied compactly
        assert copy.strides == array.strides
        assert (copy.ctypes.data - array.ctypes.data) % hook.ALIGNMENT == 0
        assert copy.flags.writeable == array.flags.writeable


def test_calls_without_memory_for_copies_are_made_unchecked(monkeypatch):
    monkeypatch.setattr(hook, "SMALL_BYTES", 1)
    monkeypatch.setattr(hook, "too_large", lambda needed_bytes: True)
    tuned = doubling(wrong_at(12))
    decide(tuned, (X,), leaf("v"))

    np.testing.assert_array_equal(tuned(X), 2 * X + 1)
    tuned = doubling(lambda x: 1 / 0)
    decide(tuned, (X,), leaf("v"))
    with pytest.warns(VariantWarning, match="ZeroDivisionError"):
        np.testing.assert_array_equal(tuned(X), 2 * X)


def test_variants_with_threads_are_checked_without_generating_code_anew(monkeypatch):
    tuned = doubling(wrong_at(12))
    tuned.variant(wrong_at(12), kind="parallel", threads=True, name="threads")
    decide(tuned, (X,), leaf("threads", single="v"))
    tuned(X[:5].copy())
    tuned(X[:5].copy())
    dispatcher = tuned.__autotune__.dispatcher
    monkeypatch.setattr(dispatcher, "target_of", lambda values: pytest.fail("looked up anew"))

    np.testing.assert_array_equal(tuned(X[:5].copy()), 2 * X[:5])
    with pytest.warns(VariantWarning, match="threads gave a wrong result"):
        np.testing.assert_array_equal(tuned(X), 2 * X)


# -- which calls


def test_without_the_check_the_code_holds_no_trace_of_it(monkeypatch):
    monkeypatch.setenv("AUTOTUNE_VERIFY", "0")
    tuned = doubling(wrong_at(12), verify=3)
    decide(tuned, (X,), leaf("v"))
    np.testing.assert_array_equal(tuned(X), 2 * X + 1)
    plain = tuned.__autotune__.dispatcher.source

    monkeypatch.delenv("AUTOTUNE_VERIFY")
    tuned.cache_clear()
    decide(tuned, (X,), leaf("v"))
    tuned(X[:3].copy())
    assert not any(name in plain for name in ("_tick", "_sample"))
    assert "_tick" in tuned.__autotune__.dispatcher.source


def test_one_call_in_so_many_is_checked_whatever_the_rhythm_of_the_program(monkeypatch):
    monkeypatch.setenv("AUTOTUNE_VERIFY", "10")
    calls = []
    tuned = doubling(lambda x: x + x, reference=lambda x: calls.append(x.size) or 2 * x)
    decide(tuned, (X,), leaf("v"))
    for number in range(4000):
        tuned(X[: 3 + number % 2].copy())

    assert 300 < len(calls) < 500  # 400 expected; the gaps are uniform, so that the deviation is about 12
    assert 0.35 < calls.count(3) / len(calls) < 0.65


def test_a_forced_variant_is_not_checked_and_the_first_call_is():
    tuned = doubling(wrong_at(12))
    with tuned.force("v"):
        np.testing.assert_array_equal(tuned(X), 2 * X + 1)
    store.save(record(tuned, (X,), leaf("v")))
    tuned.cache_clear()

    with pytest.warns(VariantWarning):
        np.testing.assert_array_equal(tuned(X), 2 * X)


def test_many_threads_find_one_mismatch_and_all_results_are_right(recwarn, caplog):
    all_at_once = threading.Barrier(8)

    def wrong(x):
        all_at_once.wait(10)
        return x + x + 1

    tuned = doubling(wrong)
    decide(tuned, (X,), leaf("v"))
    results = []

    def work():
        for _ in range(50):
            results.append(np.array_equal(tuned(X), 2 * X))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert results == [True] * 400
    assert len(recwarn) == len(caplog.records) == 1


def test_the_setting_comes_from_the_environment_the_project_or_the_kernel(tmp_path, monkeypatch):
    (tmp_path / "pyproject.toml").write_text("[tool.autotune]\nverify = 50\n")

    assert settings.current({"AUTOTUNE_VERIFY": "7"}, str(tmp_path)).verify == 7
    assert settings.current({}, str(tmp_path)).verify == 50
    assert settings.current({}, "/").verify is None
    kernel = doubling(wrong_at(12), verify=9).__autotune__.kernel
    assert sampling.sampler(kernel, None, {}).every == 9
    assert sampling.sampler(kernel, 4, {}).every == 4
    assert sampling.sampler(kernel, 0, {}) is None
    for wrong in ("-1", "often", "1.5", "9" * 5000):
        with pytest.raises(SettingsError, match="AUTOTUNE_VERIFY=.*expected a whole number of calls"):
            settings.current({"AUTOTUNE_VERIFY": wrong}, "/")
    for wrong in (-1, 1.5, True, "3"):
        with pytest.raises(DeclarationError, match="expected how many calls one check stands for"):
            doubling(wrong_at(12), verify=wrong)


# -- what later processes know

MODULE = """
import numpy as np
from autotune import Choice, Range, tunable

@tunable(
    size={"n": "x.size"},
    inputs=lambda rng, dtype, n: (rng.standard_normal(n).astype(dtype),),
    calibrate={"n": Range(1, 3000), "dtype": Choice("float32", "float64")},
)
def doubled(x):
    sum(range(2000 + 20 * x.size))  # slow, also where there is next to nothing to do
    return 2 * x

@doubled.variant(kind="vectorized")
def quick(x):
    return x + x if x.size != 1234 else x + x + 1  # right wherever it is tested

@doubled.variant(kind="vectorized")
def right(x):
    sum(range(500 + 5 * x.size))
    return x + x
"""
#: Calls at sizes that were tested and at the one that was not; prints what serves, and whether all was right.
PROGRAM = """
import sys, warnings
sys.path.insert(0, ".")
import numpy as np
from wrong_once import doubled
warnings.simplefilter("ignore")
found = []
for n in (1000, 1234, 1234, 1000):
    x = np.arange(float(n))
    found.append(np.array_equal(doubled(x), 2 * x))
print(all(found), doubled.decision(x).variant, doubled.decision(x.astype("f4")).variant)
"""


@pytest.fixture
def calibrated(tmp_path, monkeypatch):
    monkeypatch.delenv("AUTOTUNE_VERIFY")
    monkeypatch.delenv("AUTOTUNE_MODE")
    file = tmp_path / "wrong_once.py"
    file.write_text(MODULE)
    command("calibrate", "-m", file, "--effort", "quick")
    return file


def test_a_variant_wrong_at_an_untested_size_is_never_used_again_until_it_is_edited(calibrated, run):
    def calibrate():
        return json.loads(command("calibrate", "-m", calibrated, "--effort", "quick", "--json").stdout)

    assert run(PROGRAM, AUTOTUNE_MODE="use").stdout.split() == ["False", "quick", "quick"]
    assert run(PROGRAM, AUTOTUNE_MODE="use", AUTOTUNE_VERIFY="1").stdout.split() == ["True", "reference", "reference"]
    # From here on nobody checks, and nobody needs to.
    assert run(PROGRAM, AUTOTUNE_MODE="use").stdout.split() == ["True", "reference", "reference"]
    shown = command("show", "doubled", "-m", calibrated).stdout
    explained = command("explain", "doubled", "-m", calibrated, "--size", "n=1000", check=3).stdout
    for text in (shown, explained):
        assert "quick: " in text
        assert "wrong in use: result: off by 1 at [0]" in text

    again = calibrate()
    assert again["kept"] == 0
    assert run(PROGRAM, AUTOTUNE_MODE="use").stdout.split() == ["True", "right", "right"]
    assert calibrate()["kept"] == 2
    command("calibrate", "-m", calibrated, "--effort", "quick", "--force")
    assert run(PROGRAM, AUTOTUNE_MODE="use").stdout.split() == ["True", "right", "right"]
    frozen = command("freeze", "-m", calibrated).stdout
    assert "quick" not in frozen

    calibrated.write_text(MODULE.replace("x + x + 1", "x + x"))
    assert calibrate()["kept"] == 0
    assert run(PROGRAM, AUTOTUNE_MODE="use").stdout.split() == ["True", "quick", "quick"]


def test_first_use_does_not_try_it_again_either(calibrated, run):
    run(PROGRAM, AUTOTUNE_MODE="use", AUTOTUNE_VERIFY="1")
    done = run(PROGRAM, AUTOTUNE_MODE="first-use", AUTOTUNE_BUDGET="30")

    assert done.stdout.split()[:2] == ["True", "right"]
    (made,) = [r for r in store.load_all() if "float64" in r.signature]
    assert "quick" not in {one.winner.variant for one in leaves(made.decision)}
    assert any(failure.reason.startswith(condemned.MARK) for failure in made.variants.failures)


def test_processes_that_must_not_write_leave_no_mark(calibrated, run):
    before = store.load_all()
    done = run(PROGRAM, AUTOTUNE_MODE="use", AUTOTUNE_VERIFY="1", SLURM_PROCID="3")

    assert done.stdout.split()[0] == "True"
    assert store.load_all() == before


def test_a_signature_without_a_record_of_its_own_gets_a_mark_that_decides_nothing(monkeypatch):
    tuned = doubling(wrong_at(12))
    decide(tuned, (X,), leaf("v"))
    with pytest.warns(VariantWarning):
        tuned(X)
    (made,) = store.load_all()
    found = store.load(made.kernel, numerics="reassociated")

    assert [failure.candidate.variant for failure in made.variants.failures] == ["v"]
    assert made.variants.failures[0].reason.startswith(condemned.MARK)
    kernel = doubling(wrong_at(12)).__autotune__.kernel
    other = doubling(lambda x: x + x + x - x).__autotune__.kernel
    assert list(sampling.learn(kernel, found)) == ["v"]
    assert sampling.learn(other, found) == {}


# -- many kernels, many calls


@row("variants right where tested, wrong at one size in use, one call in 20 checked: missed", tries=200)
def wrong_in_use(tries: int) -> Outcome:
    """Each variant is wrong at one size, every third call of its program; wrong results count until it is found."""
    rng = np.random.default_rng(3)
    faults = served_wrong = 0
    import os
    import warnings

    logging.getLogger("autotune").setLevel(logging.CRITICAL)
    with own_store(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        os.environ.update(AUTOTUNE_MODE="use", AUTOTUNE_VERIFY="20")
        for _ in range(tries):
            n = int(rng.integers(2, 500))
            tuned, bad, good = doubling(wrong_at(n)), np.ones(n), np.ones(n + 1)
            decide(tuned, (bad,), leaf("v"))
            for call in range(1500):
                served_wrong += not np.array_equal(tuned(good if call % 3 else bad), 2 * (good if call % 3 else bad))
            faults += disabled(tuned) != {"v"}
    note = f"{served_wrong / tries:.1f} wrong results before it is found, about 20 expected"
    return Outcome(tries, faults=faults, note=note)


def test_variants_wrong_at_one_size_are_found_in_use():
    assert wrong_in_use(3).sound
