"""Calibration end to end: the real command, the real store, real workers, bad candidates and interruptions."""

from __future__ import annotations

import dataclasses
import itertools
import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from types import SimpleNamespace

import numpy as np
import psutil
import pytest

import autotune
from autotune import CalibrationError, Choice, Range, tunable
from autotune.kernel.model import REFERENCE
from autotune.store import store
from autotune.store.record import leaves
from autotune.tuner import decide, grid
from autotune.tuner.effort import EFFORTS

MODULE = '''
import os, time
import numpy as np
from autotune import Choice, Pow2, Range, Static, jitable, tunable

@tunable(
    size={"n": "x.size"},
    inputs=lambda rng, dtype, n: (rng.standard_normal(n).astype(dtype),),
    calibrate={"n": Range(1, 20_000), "dtype": Choice("float32", "float64")},
)
def rms(x):
    """Root mean square."""
    return np.sqrt(np.mean(x * x))

@rms.variant(kind="vectorized", jit=True)
def single_pass(x):
    total = 0.0
    for i in range(x.size):
        total += x[i] * x[i]
    return np.sqrt(total / x.size)

@rms.variant(kind="vectorized")
def by_einsum(x):
    return np.sqrt(np.einsum("i,i", x, x) / x.size)
'''

BAD = """
@jitable
def needs_numba(x):
    return x

@rms.variant(kind="library")
def aborts(x):
    needs_numba(1.0)
    os.abort()

@rms.variant(kind="library")
def hangs(x):
    while x.size:
        pass
    return rms.reference(x)

@rms.variant(kind="scalar")
def wrong(x):
    return rms.reference(x) * (1 + 1e-6)

@rms.variant(kind="scalar", jit=True)
def uncompilable(x):
    return x.nonsense

@rms.variant(kind="scalar")
def raises_when_large(x):
    if x.size > 1000:
        raise RuntimeError("too large")
    return rms.reference(x)

@rms.variant(kind="scalar")
def prints_and_moves(x):
    print("noise" * 100)
    os.chdir("/")
    return rms.reference(x)
"""


@pytest.fixture
def module(tmp_path):
    file = tmp_path / "measured.py"
    file.write_text(MODULE)
    return file


def command(*arguments, check=0, timeout=300, **environ):
    done = subprocess.run(
        [sys.executable, "-m", "autotune", *map(str, arguments)], capture_output=True, text=True, timeout=timeout,
        check=False, env={**os.environ, **environ},
    )  # fmt: skip
    assert done.returncode == check, (done.returncode, done.stdout, done.stderr)
    return done


def calibrate(module, *more, **options):
    return json.loads(command("calibrate", "-m", module, "--effort", "quick", "--json", *more, **options).stdout)


def test_it_measures_records_and_then_knows(module):
    first = calibrate(module)
    started = time.monotonic()
    second = calibrate(module)
    took_s = time.monotonic() - started

    assert (first["measured"], first["kept"]) == (2, 0)
    assert (second["measured"], second["kept"]) == (0, 2)
    assert took_s < first["seconds"] + 3
    records = store.load_all()
    assert {record.kernel for record in records} == {"measured:rms"}
    for record in records:
        assert not record.untried
        assert record.provenance.origin == "calibrate"
        assert record.provenance.effort == "quick"
        assert len(record.cells) >= 4
        # Compiled code beats NumPy's temporaries for short arrays on any machine.
        assert record.cells[0].winner.variant != REFERENCE


def test_what_is_calibrated_is_used_by_every_process_and_by_the_tuned_object(module, run, tmp_path):
    calibrate(module)
    program = (
        "import numpy as np, measured\n"
        "x = np.ones(50); measured.rms(x)\n"
        "print(measured.rms.decision(x).source, measured.rms.cache_info().tuned, measured.rms(x))\n"
    )

    assert run(program).stdout.split() == ["store", "0", "1.0"]


def test_bad_candidates_fail_for_their_own_reason_and_the_rest_is_tuned(module):
    module.write_text(MODULE + BAD)
    found = calibrate(module, "--dtype", "float64", timeout=600)
    (record,) = found["records"]
    reasons = {failure["candidate"]["variant"]: failure["reason"] for failure in record["failures"]}

    assert reasons.keys() == {"aborts", "hangs", "wrong", "uncompilable", "raises_when_large", "prints_and_moves"}
    assert "changes the working directory to /; a variant may not" in reasons["prints_and_moves"]
    assert "was killed by SIGABRT" in reasons["aborts"]
    assert "took longer than" in reasons["hangs"]
    assert "off by" in reasons["wrong"]
    assert "Numba cannot compile it" in reasons["uncompilable"]
    assert "raised RuntimeError: too large" in reasons["raises_when_large"]
    assert not any(name in str(record["intervals"]) for name in reasons)


def test_editing_a_variant_measures_again_and_editing_nothing_does_not(module):
    calibrate(module)
    module.write_text(MODULE.replace("total / x.size", "(total / x.size)") + "\n# a comment\n")
    unchanged = calibrate(module)
    module.write_text(MODULE.replace("total / x.size", "total / max(x.size, 1)"))
    changed = calibrate(module)

    assert (unchanged["measured"], unchanged["kept"]) == (0, 2)
    assert (changed["measured"], changed["kept"]) == (2, 0)


def test_more_effort_measures_again_and_less_does_not(module):
    calibrate(module, "--dtype", "float32")

    assert calibrate(module, "--dtype", "float32", "--force")["measured"] == 1
    assert json.loads(
        command("calibrate", "-m", module, "--effort", "standard", "--dtype", "float32", "--json").stdout
    )["measured"] == 1  # fmt: skip
    assert calibrate(module, "--dtype", "float32")["kept"] == 1


def test_a_range_of_sizes_can_be_given(module):
    found = calibrate(module, "--size", "n=100:200", "--dtype", "float64")
    sizes = [cell.size["n"] for cell in store.load_all()[0].cells]

    assert found["measured"] == 1
    assert min(sizes) == 100
    assert max(sizes) == 200


def test_a_budget_leaves_out_what_does_not_fit_and_says_so(module):
    found = calibrate(module, "--budget", "0.001", check=1)

    assert found["measured"] == 0
    assert len(found["left_out"]) == 2
    assert "the budget is spent" in found["left_out"][0]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_calibration_leaves_quickly_without_orphans_and_resumes(module, number, code):
    module.write_text(MODULE.replace("20_000", "2_000_000"))
    process = subprocess.Popen(
        [sys.executable, "-m", "autotune", "calibrate", "-m", str(module), "--effort", "thorough"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    deadline = time.monotonic() + 120
    while not store.load_all() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    children = psutil.Process(process.pid).children(recursive=True)
    interrupted = time.monotonic()
    process.send_signal(number)

    assert process.wait(timeout=30) == code
    assert time.monotonic() - interrupted < 5
    _, alive = psutil.wait_procs(children, timeout=5)
    assert not alive
    assert len(store.load_all()) == 1
    again = json.loads(command("calibrate", "-m", module, "--effort", "thorough", "--json").stdout)
    assert (again["measured"], again["kept"]) == (1, 1)


def test_a_killed_calibration_leaves_a_sound_store_and_resumes(module):
    process = subprocess.Popen(
        [sys.executable, "-m", "autotune", "calibrate", "-m", str(module), "--effort", "quick"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    while not store.load_all() and process.poll() is None:
        time.sleep(0.02)
    children = psutil.Process(process.pid).children(recursive=True)
    process.kill()
    process.wait()

    assert not psutil.wait_procs(children, timeout=5)[1]
    assert calibrate(module)["kept"] >= 1
    assert len(store.load_all()) == 2


def test_several_sizes_make_a_tree_and_the_table_names_them(tmp_path):
    file = tmp_path / "several.py"
    file.write_text(textwrap.dedent('''
        import numpy as np
        from autotune import Range, tunable

        @tunable(
            size={"m": "x.shape[0]", "n": "x.shape[1]"},
            inputs=lambda rng, m, n: (rng.standard_normal((m, n)),),
            calibrate={"m": Range(1, 200), "n": Range(1, 200)},
        )
        def row_sums(x):
            return np.array([row.sum() for row in x]) if len(x) else np.zeros(0)

        @row_sums.variant(kind="vectorized")
        def at_once(x):
            return x.sum(axis=1)
    '''))  # fmt: skip
    found = calibrate(file)
    (record,) = store.load_all()

    assert "at_once" in str(found["records"][0]["intervals"])
    assert set(record.cells[0].size) == {"m", "n"}
    assert len(record.cells) > 8


def test_layouts_are_signatures_of_their_own(tmp_path):
    file = tmp_path / "layouts.py"
    file.write_text(textwrap.dedent('''
        import numpy as np
        from autotune import Choice, Range, tunable

        @tunable(
            size={"n": "x.size"},
            inputs=lambda rng, n: (rng.standard_normal((n, 3)),),
            calibrate={"n": Range(1, 100), "layout": Choice("C", "F", "strided")},
        )
        def total(x):
            return x.sum()

        total.variant(lambda x: np.add.reduce(x, axis=None), kind="vectorized", name="v")
    ''').replace('"n": "x.size"', '"n": "x.shape[0]"'))  # fmt: skip
    calibrate(file)

    assert {json.loads(record.signature)[0][-1] for record in store.load_all()} == {"C", "F", "A"}


def test_a_kernel_that_no_other_process_can_import_is_calibrated_here():
    @tunable(size={"n": "x.size"}, inputs=lambda rng, n: (rng.standard_normal(n),), calibrate={"n": Range(1, 500)})
    def local(x):
        return np.array([value + value for value in x])

    local.variant(lambda x: x + x, kind="vectorized", name="v")
    (record,) = local.calibrate(effort="quick")

    assert record.kernel.endswith(":test_a_kernel_that_no_other_process_can_import_is_calibrated_here.<locals>.local")
    assert [found.winner.variant for found in leaves(record.decision)][-1] == "v"


def test_many_signatures_share_the_time_of_a_calibration():
    standard = EFFORTS["standard"]

    alone, one_of_many = standard.hurried(standard.total_s), standard.hurried(standard.total_s / 300)

    assert alone is standard
    assert one_of_many.name == "standard"
    for what in ("points", "race_s", "duel_s", "held_out", "refinements"):
        assert getattr(one_of_many, what) < getattr(standard, what)
    assert one_of_many.factor == EFFORTS["quick"].factor
    assert standard.hurried(0.9 * standard.usual_s).factor == standard.factor


def test_how_long_large_calls_take_is_judged_by_what_inputs_is_given():
    @tunable(
        size={"m": "x.shape[0]", "n": "x.shape[1]"},
        inputs=lambda rng, rows, columns: (rng.standard_normal((rows, columns)),),
        calibrate={"rows": (1, 1000), "columns": (1, 1000)},
    )
    def local(x):
        return np.std(x)

    local.variant(lambda x: x.std(), kind="vectorized", name="method")
    (record,) = local.calibrate(effort="quick")

    assert record.skipped == []
    assert max(cell.size["m"] * cell.size["n"] for cell in record.cells) > 100_000


def test_no_size_is_measured_twice_even_where_there_are_few():
    @tunable(size={"n": "x.size"}, inputs=lambda rng, n: (rng.standard_normal(n),), calibrate={"n": (1, 16)})
    def local(x):
        return np.array([value + value for value in x.tolist()])

    local.variant(lambda x: x + x, kind="vectorized", name="at_once")
    (record,) = local.calibrate(effort="quick")
    local.variant(lambda x: 2 * x, kind="vectorized", name="doubled")
    (updated,) = local.calibrate(effort="quick")

    assert record.held_out
    for made in record, updated:
        sizes = [cell.size["n"] for cell in made.cells]
        assert len(set(sizes)) == len(sizes) <= 16


def test_random_sizes_are_new_ones_while_there_are_any():
    ranges = {"n": Range(1, 6), "k": Range(1, 2)}
    every = {(n, k) for n in range(1, 7) for k in (1, 2)}
    known = [{"n": 1, "k": 1}, {"n": 3, "k": 2, "more": 7}]

    for seed in range(20):
        rng = np.random.default_rng(seed)
        few = grid.random_points(ranges, 4, rng, without=known)
        rest = grid.random_points(ranges, 1000, rng, without=[*known, *few])
        found = [(point["n"], point["k"]) for point in [*few, *rest]]

        assert len(few) == 4
        assert len(found) == len(set(found))
        assert set(found) == every - {(1, 1), (3, 2)}


def test_a_calibration_that_is_late_measures_less(monkeypatch):
    @tunable(size={"n": "x.size"}, inputs=lambda rng, n: (rng.standard_normal(n),), calibrate={"n": (1, 100_000)})
    def local(x):
        return np.array([value + value for value in x.tolist()])

    local.variant(lambda x: x + x, kind="vectorized", name="at_once")
    (patient,) = local.calibrate()
    (short_of_time,) = local.calibrate(force=True, budget=3.0)
    monkeypatch.setitem(EFFORTS, "standard", dataclasses.replace(EFFORTS["standard"], total_s=0.0))
    (late,) = local.calibrate(force=True)

    for hurried in short_of_time, late:
        assert hurried.provenance.effort == patient.provenance.effort == "standard"
        assert len(hurried.cells) < len(patient.cells)
        assert len(hurried.held_out) < len(patient.held_out)
        assert hurried.provenance.spent_s < patient.provenance.spent_s


def test_a_winner_that_is_wrong_at_a_larger_size_loses_those_that_it_had_won():
    @tunable(size={"n": "x.size"}, inputs=lambda rng, n: (rng.standard_normal(n),), calibrate={"n": (1, 100_000)})
    def local(x):
        return np.array([value + value for value in x.tolist()])

    local.variant(lambda x: x + x if x.size < 20_000 else x, kind="vectorized", name="right_at_first")
    local.variant(lambda x: (x + x).copy().copy(), kind="vectorized", name="right")
    (record,) = local.calibrate(effort="quick")

    (failure,) = record.variants.failures
    assert failure.candidate.variant == "right_at_first"
    assert "wrong at n=" in failure.reason
    assert min(cell.size["n"] for cell in record.cells) == 1
    assert {cell.winner.variant for cell in record.cells} <= {"right", "reference"}
    assert "right_at_first" not in {leaf.winner.variant for leaf in leaves(record.decision)}


def test_sizes_for_which_there_is_no_memory_are_left_out_and_named():
    @tunable(
        size={"n": "x.size"},
        inputs=lambda rng, n: (rng.standard_normal(n if n < 10_000 else 1 << 50),),
        calibrate={"n": (1, 100_000)},
    )
    def local(x):
        return np.array([value + value for value in x.tolist()])

    local.variant(lambda x: x + x, kind="vectorized", name="at_once")
    (record,) = local.calibrate(effort="quick")

    assert record.skipped
    assert all("not enough memory" in text for text in record.skipped)
    assert max(cell.size["n"] for cell in record.cells) < 10_000


def test_a_contended_record_never_replaces_a_clean_one(monkeypatch):
    from autotune.measure.timer import Disturbances

    @tunable(size={"n": "x.size"}, inputs=lambda rng, n: (rng.standard_normal(n),), calibrate={"n": Range(1, 50)})
    def local(x):
        return x + 1

    local.variant(lambda x: 1 + x, kind="vectorized", name="v")
    monkeypatch.setattr(Disturbances, "contended", False)
    (clean,) = local.calibrate(effort="quick")
    monkeypatch.setattr(Disturbances, "contended", True)
    (kept,) = local.calibrate(effort="quick", force=True)

    assert clean.quality == "clean"
    assert kept == clean
    assert store.load_all() == [clean]


def test_a_size_at_which_the_reference_takes_too_long_is_left_out_and_named(tmp_path):
    file = tmp_path / "patient.py"
    file.write_text(
        textwrap.dedent("""
        import os, time
        import numpy as np
        from autotune import Range, tunable
        from autotune.tuner import heat
        heat.REFERENCE_DEADLINE_S = 1.0

        @tunable(size={"n": "x.size"}, inputs=lambda rng, n: (rng.standard_normal(n),), calibrate={"n": Range(1, 4000)})
        def work(x):
            if x.size > 3000: time.sleep(10)
            return x + 1

        @work.variant(kind="vectorized")
        def v(x):
            return 1 + x
    """)
    )
    done = command("calibrate", "-m", str(file), "--effort", "quick", "--json")
    (found,) = json.loads(done.stdout)["records"]

    assert found["skipped"] == ["n=4,000: the reference took longer than 1.0 s"]


def test_a_kernel_that_cannot_be_calibrated_does_not_keep_others_from_it(tmp_path):
    file = tmp_path / "two_kernels.py"
    declared_there = """
        @tunable(size={"n": "x.size"}, inputs=lambda rng, n: (rng.standard_normal(n),), calibrate={"n": Range(1, 50)})
        def NAME(x):
            BODY
            return x + 1

        NAME.variant(lambda x: 1 + x, kind="vectorized", name="v")
    """
    broken = declared_there.replace("NAME", "broken").replace("BODY", "if x.size > 30: raise ZeroDivisionError('no')")
    sound = declared_there.replace("NAME", "sound").replace("BODY", "pass")
    file.write_text("from autotune import Range, tunable\n" + textwrap.dedent(broken) + textwrap.dedent(sound))
    done = command("calibrate", "-m", str(file), "--effort", "quick", check=1)

    assert [record.kernel for record in store.load_all()] == ["two_kernels:sound"]
    assert "broken [float64 1-d C]: kernel two_kernels:broken: the reference raises ZeroDivisionError" in done.stdout


# -- declarations that do not fit together


def declared(**options):
    given = {
        "size": {"n": "x.size"},
        "inputs": lambda rng, n: (np.ones(n),),
        "calibrate": {"n": Range(1, 10)},
        **options,
    }

    @tunable(**given)
    def odd(x):
        if options.get("raises"):
            raise ZeroDivisionError("always")
        return x + 1

    odd.variant(lambda x: 1 + x, kind="vectorized", name="v")
    return odd


def failing():
    @tunable(size={"n": "x.size"}, inputs=lambda rng, n: (np.ones(n),), calibrate={"n": Range(1, 10)})
    def failing(x):
        raise ZeroDivisionError("always")

    failing.variant(lambda x: x, kind="scalar", name="v")
    return failing


@pytest.mark.parametrize(
    ("make", "part"),
    [
        (
            lambda: declared(inputs=lambda rng, n: (np.ones(n + 1),)),
            "n=4, asked for n=3; make inputs=",
        ),
        (lambda: declared(inputs=lambda rng, n: 1 / 0), "inputs(rng, n=3) failed: ZeroDivisionError"),
        (lambda: declared(inputs=lambda rng, n: ([1.0] * n,)), "gives a call that cannot be tuned: x is a list"),
        (lambda: declared(inputs=lambda rng, n: ()), "missing a required argument: 'x'"),
        (lambda: declared(inputs=None, calibrate=None), "cannot be calibrated without inputs="),
        (lambda: declared(size={"n": "x.size / 1"}), "use // instead of /"),
        (lambda: declared(size={"n": "x.size - 100"}), "a size is at least 0"),
        (lambda: declared(size={"n": "x.size // 0"}), "raised ZeroDivisionError"),
        (failing, "the reference raises ZeroDivisionError: always on a calibration input"),
    ],
)
def test_a_declaration_that_does_not_fit_together_is_named(make, part):
    with pytest.raises(CalibrationError) as caught:
        make().calibrate(effort="quick")

    assert part in str(caught.value)


def test_options_that_mean_nothing_are_refused():
    with pytest.raises(CalibrationError, match="effort='some': expected one of quick, standard, thorough"):
        declared().calibrate(effort="some")
    with pytest.raises(CalibrationError, match="has no size 'm'; it has: n"):
        declared().calibrate(sizes={"m": Range(1, 2)})


def test_grids_and_designs_cover_their_ranges():
    sizes = grid.grid(Range(1, 1000), 4)
    assert [sizes[0], sizes[-1], len(sizes)] == [1, 1000, 6]
    assert all(4**0.7 < after / before < 4**1.3 for before, after in itertools.pairwise(sizes))
    assert grid.grid(Range(1, 10**7), 4) != [4**k for k in range(12)]
    assert sum(size % 64 == 0 for size in grid.grid(Range(1, 10**7), 4)) < 4
    assert {0, 10} <= set(grid.grid(Range(0, 10), 4))
    assert grid.grid(Range(7, 7), 4) == [7]
    points = grid.design({"m": Range(2, 512), "n": Range(16, 20_000)}, 24, seed=1)
    assert 20 <= len(points) <= 24
    assert points[0] == {"m": 2, "n": 16}
    assert points[-1] == {"m": 512, "n": 20_000}
    assert points == grid.design({"m": Range(2, 512), "n": Range(16, 20_000)}, 24, seed=1)


def test_a_worker_that_imports_something_else_is_told(tmp_path):
    from autotune import UnknownKernel
    from autotune.errors import CalibrationError as Error
    from autotune.tuner import job, locate

    with pytest.raises(UnknownKernel, match="no kernel is named"):
        job.found({"location": {"kernel": "json:nothing", "module": "json"}})
    with pytest.raises(Error, match="no such file"):
        locate.import_module(str(tmp_path / "missing.py"))
    (tmp_path / "broken_file.py").write_text("1 / 0")
    with pytest.raises(Error, match="ZeroDivisionError"):
        locate.import_module(str(tmp_path / "broken_file.py"))
    with pytest.raises(Error, match="cannot import no_such_module"):
        locate.import_module("no_such_module")
    (tmp_path / "text.txt").write_text("no Python")
    with pytest.raises(Error, match="is not a Python file"):
        locate.import_file(str(tmp_path / "text.txt"))


def test_choices_of_a_declaration_can_be_narrowed():
    kernel = declared(
        inputs=lambda rng, dtype, n: (np.ones(n, dtype),),
        calibrate={"n": (1, 10), "dtype": Choice("float32", "float64")},
    ).__autotune__.kernel

    assert [p.fixed["dtype"] for p in grid.problems(kernel)] == ["float32", "float64"]
    assert [p.fixed["dtype"] for p in grid.problems(kernel, only={"dtype": "float64"})] == ["float64"]
    assert autotune.__version__


def test_kinds_of_calls_have_ranges_of_their_own():
    kernel = declared(
        inputs=lambda rng, n, m=1: (np.ones((m, n)),),
        calibrate=({"n": (1, 10)}, {"n": (1, 5), "m": (2, 3)}),
    ).__autotune__.kernel

    found = [list(p.ranges.items()) for p in grid.problems(kernel, sizes={"m": Range(7, 8)})]

    assert found == [[("n", Range(1, 10))], [("n", Range(1, 5)), ("m", Range(7, 8))]]


def test_a_size_that_is_always_the_same_is_no_border_between_decisions():
    sizes = [{"outer": 1, "inner": 10}, {"outer": 1, "inner": 20}, {"outer": 2, "inner": 10}]
    raced = [SimpleNamespace(size=size) for size in sizes]

    assert decide.only_size(raced[:2], ["inner"]) == "inner"
    assert decide.only_size(raced, ["inner"]) is None
    assert decide.only_size(raced, ["outer", "inner"]) is None
    assert decide.only_size([SimpleNamespace(size={"n": 3})], ["n"]) == "n"
    assert decide.only_size([SimpleNamespace(size={"n": 3})], ["rows"]) is None
