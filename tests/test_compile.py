"""Lazy compilation: helpers, prange, static parameters, explicit signatures, and the protected code cache."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np
import pytest

import autotune
from autotune import CompileError, DeclarationError, Pow2, Static, jitable, prange, tunable
from autotune.compile import build, code_cache, layers
from autotune.compile.finite import all_finite
from autotune.compile.lazy import reaches_compiled_code
from autotune.kernel.model import Candidate
from autotune.kernel.signature import signature_of
from tests import jitted


def loaded(tuned, variant: str, *args, **config):
    kernel = tuned.__autotune__.kernel
    signature = signature_of(kernel, kernel.bind(*args))
    return build.load(kernel, Candidate(variant, tuple(config.items())), signature)


def test_a_helper_is_plain_python_until_it_is_called(run):
    run(
        "import sys\n"
        "from autotune import jitable\n"
        "@jitable\n"
        "def double(x, y=1, *, z=2): 'Doc.'; return 2 * x + y + z\n"
        "assert 'numba' not in sys.modules\n"
        "assert double.__doc__ == 'Doc.' and double.__wrapped__(1) == 5\n"
        "assert double(3) == 9 and double(3, z=0) == 7 and double(3.5, 0) == 9.0\n"
        "assert 'numba' in sys.modules\n"
        "assert '_compiled' in double.__code__.co_names\n"
    )


def test_prange_is_range_until_it_is_compiled():
    assert list(prange(3)) == [0, 1, 2]
    assert list(prange(1, 7, 2)) == [1, 3, 5]

    x = np.arange(100.0)
    assert jitted.parallel_sum(x) == jitted.parallel_sum.__wrapped__(x) == x.sum()


def test_compiled_code_calls_helpers_by_name_and_through_modules():
    x = np.arange(10.0)

    assert jitted.by_name(x) == jitted.by_name.__wrapped__(x)
    assert jitted.through_module(x) == jitted.through_module.__wrapped__(x)


def test_static_parameters_of_a_helper_are_compiled_in():
    x = np.arange(10.0)

    assert jitted.in_tiles(x, 4) == jitted.in_tiles(x, 3) == x.sum()
    assert set(jitted.in_tiles.__autotune_jitable__.specialized) == {(4,), (3,)}


@pytest.mark.parametrize(
    ("declare", "part"),
    [
        (lambda: jitable(static="tile")(lambda x: x), "static='tile' is not one of its parameters"),
        (lambda: jitable(lambda *x: x), "*x cannot be compiled"),
        (lambda: jitable(len), "expected a Python function"),
    ],
)
def test_a_helper_that_cannot_be_compiled_is_refused(declare, part):
    with pytest.raises(DeclarationError) as caught:
        declare()

    assert part in str(caught.value)


@tunable(size={"n": "x.size"})
def total(x, scale=1.0, out=None):
    return np.sum(x) * scale


@total.variant(kind="scalar", jit=True)
def loop(x, scale=1.0):
    s = 0.0
    for i in range(x.size):
        s += x[i]
    return s * scale


@total.variant(kind="blocked", jit=True, params={"block": Static(Pow2(4, 8)), "extra": Pow2(1, 2)})
def tiled(x, scale=1.0, *, block, extra):
    s = np.zeros(block)
    for i in range(x.size):
        s[i % block] += x[i]
    return s.sum() * scale + 0 * extra


@total.variant(kind="scalar", jit=True)
def untypable(x, scale=1.0):
    return x.no_such_attribute


def test_one_signature_serves_writable_and_read_only_arrays():
    x = np.arange(9.0)
    compiled = loaded(total, "loop", x)
    frozen = x.copy()
    frozen.flags.writeable = False

    assert compiled(x, 1.0) == compiled(frozen, 1.0) == 36
    assert len(compiled.signatures) == 1


def test_only_what_was_verified_runs():
    compiled = loaded(total, "loop", np.arange(9.0))
    for other in (np.arange(9), np.arange(9.0, dtype="f4"), np.arange(9.0)[::2], np.ones((3, 3))):
        with pytest.raises(TypeError):
            compiled(other, 1.0)


def test_static_parameters_of_a_variant_are_constants_and_the_rest_goes_by_position():
    x = np.arange(9.0)

    assert loaded(total, "tiled", x, block=4, extra=1)(x, 1.0, 1) == 36
    assert total.call("tiled", x, params={"block": 8, "extra": 2}) == 36


def test_what_numba_cannot_compile_names_the_kernel_and_the_variant():
    with pytest.raises(CompileError, match=r"kernel .*total, variant untypable: Numba cannot compile it for float64"):
        loaded(total, "untypable", np.arange(9.0))


def test_an_argument_without_a_compiled_type_is_named():
    @tunable(size={"n": "x.size"})
    def apply(x, f):
        return f(x)

    apply.variant(lambda x, f: x, kind="scalar", jit=True, name="v")
    with pytest.raises(CompileError, match="the argument f \\(callable\\) has no compiled type"):
        loaded(apply, "v", np.ones(3), len)


def test_a_static_parameter_needs_source():
    namespace: dict = {}
    exec("def hidden(x, *, tile):\n    return x.size * tile", namespace)

    @tunable(size={"n": "x.size"})
    def work(x):
        return x.size

    work.variant(namespace["hidden"], kind="blocked", jit=True, params={"tile": Static([1, 2])})
    with pytest.raises(CompileError, match="needs the function's source"):
        loaded(work, "hidden", np.ones(3), tile=1)


def test_a_static_parameter_is_not_assigned_to():
    @tunable(size={"n": "x.size"})
    def work(x):
        return x.size

    @work.variant(kind="blocked", jit=True, params={"tile": Static([1, 2])})
    def assigns(x, *, tile):
        tile = tile + 1
        return x.size

    with pytest.raises(CompileError, match="assigns to the static parameter 'tile'"):
        loaded(work, "assigns", np.ones(3), tile=1)


def test_a_file_edited_since_its_import_is_noticed(tmp_path, monkeypatch):
    file = tmp_path / "edited.py"
    body = "def work(x, *, tile):\n    return x.size * tile + {}\n"
    file.write_text(body.format(1))
    monkeypatch.syspath_prepend(tmp_path)
    import edited

    file.write_text(body.format(2))
    import linecache

    linecache.checkcache()

    @tunable(size={"n": "x.size"})
    def reference(x):
        return x.size

    reference.variant(edited.work, kind="blocked", jit=True, params={"tile": Static([1, 2])})
    with pytest.raises(CompileError, match="has changed since it was imported"):
        loaded(reference, "work", np.ones(3), tile=1)
    del sys.modules["edited"]


def test_wrappers_around_helpers_are_known_to_compile():
    assert reaches_compiled_code(jitted.wrapper)
    assert not reaches_compiled_code(np.sum)
    assert not reaches_compiled_code(total.reference)


def test_finite_looks_at_every_number():
    assert all_finite((np.ones(3), 2.0, np.ones((2, 2)).T, np.arange(3), 7))
    for bad in (np.nan, np.inf, -np.inf):
        assert not all_finite(bad)
        assert not all_finite((1.0, np.array([1, bad])))
        assert not all_finite(np.array([[1, bad], [1, 1]])[:, ::1].T)
        assert not all_finite(np.array([1, 1, bad, 1])[::2])
        assert not all_finite(np.array([complex(1, bad)]))


# -- the code cache


def cached_files(root: Path) -> list[Path]:
    return sorted((root / "code").rglob("*.code"))


SCRIPT = """
import numpy as np, sys
sys.path.insert(0, {tests!r})
from autotune import tunable, Static, Pow2
@tunable(size={{"n": "x.size"}})
def work(x):
    return x.sum()
@work.variant(kind="scalar", jit={jit})
def v(x):
    s = 0.0
    for i in range(x.size):
        s += x[i] * {constant}
    return s
print(repr(float(work.call("v", np.array([1.0, np.nan, 2.0])[{index}]))))
from autotune.compile import build
print(sum(sum(d.stats.cache_hits.values()) for d in build._dispatchers.values()))
"""


def test_compiled_code_is_kept_and_found_by_the_next_process(run, store_root):
    script = SCRIPT.format(tests="", jit="True", constant=1, index="::2")
    first, second = run(script).stdout.split(), run(script).stdout.split()

    assert first == ["3.0", "0"]
    assert second == ["3.0", "1"]
    assert len(cached_files(store_root)) == 1


def test_constants_and_options_never_share_compiled_code(run, store_root):
    plain = run(SCRIPT.format(tests="", jit="True", constant=1, index="::2")).stdout.split()
    other = run(SCRIPT.format(tests="", jit="True", constant=3, index="::2")).stdout.split()
    run(SCRIPT.format(tests="", jit="{'fastmath': True}", constant=1, index="::2"))

    assert (plain[0], other[0]) == ("3.0", "9.0")
    assert len({file.parent for file in cached_files(store_root)}) == 3


@pytest.mark.parametrize("damage", ["flip", "truncate", "empty", "junk", "swap"])
def test_damaged_compiled_code_means_compiling_again(run, store_root, damage):
    script = SCRIPT.format(tests="", jit="True", constant=1, index="::2")
    run(script)
    run(SCRIPT.format(tests="", jit="True", constant=3, index="::2"))
    file, other = cached_files(store_root)
    content = bytearray(file.read_bytes())
    if damage == "flip":
        content[len(content) // 2] ^= 1
    elif damage == "truncate":
        del content[len(content) // 2 :]
    elif damage == "empty":
        content.clear()
    elif damage == "junk":
        content[:] = os.urandom(len(content))
    if damage == "swap":
        for path in (file, other):
            path.write_bytes(bytes(32) + path.read_bytes()[32:])
    else:
        file.write_bytes(bytes(content))
        other.write_bytes(bytes(content))

    assert run(script).stdout.split() == ["3.0", "0"]
    assert run(script).stdout.split() == ["3.0", "1"]


def test_the_cache_is_private_and_what_is_not_is_not_used(run, store_root):
    script = SCRIPT.format(tests="", jit="True", constant=1, index="::2")
    run(script)
    file = cached_files(store_root)[0]
    modes = {path.stat().st_mode & 0o777 for path in (store_root, store_root / "code", file.parent)}
    assert modes == {0o700}
    assert file.stat().st_mode & 0o777 == 0o600

    (store_root / "code").chmod(0o777)
    assert run(script).stdout.split() == ["3.0", "0"]


def test_a_cache_that_cannot_be_written_costs_only_speed(monkeypatch, tmp_path):
    code_cache.write_checked(tmp_path / "missing" / "file.code", b"payload")

    assert code_cache.read_checked(tmp_path / "missing" / "file.code") is None
    (tmp_path / "folder").mkdir()
    assert code_cache.read_checked(tmp_path / "folder") is None


# -- threading layers


def test_tbb_is_found_by_path_and_loaded_before_numba_needs_it(run):
    if layers.tbb_library() is None:
        assert sys.platform != "linux" or os.uname().machine != "x86_64"
        return
    layer = run(
        "import numpy as np, sys; sys.path.insert(0, sys.argv[1])\n"
        "from tests import jitted\n"
        "jitted.parallel_sum(np.ones(9))\n"
        "from autotune.compile import layers; print(layers.running_layer(), layers.wait_policy())",
        str(Path(__file__).parents[1]),
    )
    assert layer.stdout.split() == ["tbb", "none"]


def test_a_program_s_own_parallel_code_does_not_decide_the_layer_of_kernels_that_were_declared_before(run):
    layer = run(
        "from autotune import tunable\n"
        "kernel = tunable(lambda x: x)\n"
        "kernel.variant(lambda x: x, kind='parallel', name='together', threads=True)\n"
        "import numba, numpy as np, sys\n"
        "assert 'autotune.compile.build' not in sys.modules, 'nothing was compiled by us'\n"
        "@numba.njit(parallel=True)\n"
        "def own(x):\n"
        "    total = 0.0\n"
        "    for i in numba.prange(x.size):\n"
        "        total += x[i]\n"
        "    return total\n"
        "own(np.ones(9))\n"
        "print(numba.threading_layer())"
    ).stdout.strip()

    assert (layer == "tbb") == (layers._tbb_at_hand() is not None)


def test_the_environment_s_layer_is_respected(run):
    found = run(
        "from autotune.compile import layers\n"
        "print(layers.preload_tbb(), layers.expected_layer(), layers.running_layer(), layers.wait_policy())",
        NUMBA_THREADING_LAYER="omp", OMP_WAIT_POLICY="PASSIVE",
    )  # fmt: skip
    assert found.stdout.split() == ["False", "omp", "None", "passive"]


def test_a_layer_that_is_not_installed_is_not_expected(monkeypatch):
    monkeypatch.setattr(layers, "tbb_library", lambda: None)
    monkeypatch.setattr(layers, "running_layer", lambda: None)

    assert layers.expected_layer() == "omp"
    monkeypatch.setenv("NUMBA_THREADING_LAYER", "safe")
    assert layers.expected_layer() == "workqueue"


def test_tbb_installed_elsewhere_is_found_by_its_metadata():
    name = layers._TBB_LIBRARY.get(sys.platform, "")

    assert layers._tbb_by_metadata("no such file") is None
    assert layers.tbb_library() is None or layers._tbb_by_metadata(name).name.startswith(name.partition(".")[0])


def test_prange_is_known_through_the_package_too():
    @jitable(parallel=True)
    def through_package(x):
        s = 0.0
        for i in autotune.prange(x.size):
            s += x[i]
        return s

    assert through_package(np.arange(10.0)) == 45
    compiled = through_package.__autotune_jitable__.dispatcher()
    (overload,) = compiled.overloads.values()
    assert overload.metadata["parfor_diagnostics"].count_parfors() == 1
