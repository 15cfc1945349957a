"""Every error that autotune raises on purpose is triggered by some test of the suite, and says what to do.

Most are triggered beside what they are about; here are those that have no other place. `every_error` looks over all.
"""

from __future__ import annotations

import importlib
import textwrap

import numpy as np
import pytest

from autotune import Choice, Static, errors, jitable, tunable
from autotune.cli import common, db_verb, freeze_verb
from autotune.compile import build
from autotune.dispatch.dispatcher import MAX_SIGNATURES
from autotune.errors import CalibrationError, CompileError, DeclarationError, StoreError, UnknownKernel, VariantError
from autotune.kernel import registry
from autotune.kernel.model import Candidate
from autotune.kernel.signature import signature_of
from autotune.store import store
from autotune.tuner import shipping, task, trial_job
from tests.records import leaf, record

X = np.ones(50)


def kernel(**options):
    @tunable(size={"n": "x.size"}, **options)
    def work(x):
        return x + 1

    work.variant(lambda x: 1 + x, kind="vectorized", name="v")
    return work


# -- the command line's, in this process


def test_a_module_without_kernels_is_named():
    with pytest.raises(CalibrationError, match=r"no kernels are declared \(json\); name a module"):
        common.load_kernels(["json"])


def test_files_of_an_export_that_cannot_be_used_are_named(tmp_path):
    work = kernel()
    store.save(record(work, (X,), leaf("v")))
    other = tmp_path / "other.json"
    other.write_text("[1, 2]")

    with pytest.raises(StoreError, match="cannot be written"):
        db_verb.export.callback(output=tmp_path / "no" / "folder.json", all_machines=False, as_json=False)
    with pytest.raises(StoreError, match="cannot be read"):
        db_verb.import_.callback(file=tmp_path / "missing.json", as_json=False)
    with pytest.raises(StoreError, match="is not an export of autotune"):
        db_verb.import_.callback(file=other, as_json=False)


def test_a_lock_file_that_cannot_be_written_is_named(tmp_path):
    work = kernel()
    store.save(record(work, (X,), leaf("v")))

    with pytest.raises(StoreError, match=r"folder/autotune\.lock: cannot be written"):
        freeze_verb.command.callback(
            kernels=(), modules=(), output=tmp_path / "no" / "folder" / "autotune.lock", threads=False, as_json=False
        )


def test_a_name_of_several_kernels_is_not_guessed():
    work = kernel()
    name = work.__autotune__.kernel.id.partition(":")[2]
    registry.register(f"another_module:{name}", work, work.reference)
    with pytest.raises(UnknownKernel, match="names several kernels: .*another_module:"):
        registry.find(name)


# -- compiling


def test_a_helper_that_cannot_be_compiled_is_told():
    with pytest.raises(DeclarationError, match=r"\*rest cannot be compiled; name the parameters"):
        jitable(lambda x, *rest: x)
    with pytest.raises(DeclarationError, match="static= needs parameters that go by position"):
        jitable(static=("tile",))(lambda x, *, tile: x)


def test_a_static_parameter_needs_a_function_made_with_def():
    work = kernel()
    tiled = lambda x, *, tile: x + tile  # noqa: E731 - that is the point
    work.variant(tiled, kind="blocked", name="tiled", jit=True, params={"tile": Static(Choice(8, 16))})
    model = work.__autotune__.kernel
    with pytest.raises(CompileError, match="needs a function made with def"):
        build.load(model, Candidate("tiled", (("tile", 8),)), signature_of(model, model.bind(X)))


# -- calls


def test_a_forced_variant_does_not_drop_arguments():
    total = tunable(np.sum, size={"n": "a.size"}, name="total")
    total.variant(lambda a: np.float64(0), kind="scalar", name="fixed")
    with total.force("fixed"), pytest.raises(VariantError, match=r"fixed does not take this call: \{'keepdims': True"):
        total(X, keepdims=True)


def test_tuning_by_hand_says_why_it_did_not():
    work = kernel()
    with pytest.raises(VariantError, match=r"not tuned: .*too long for the budget"):
        work.tune(X, budget=1e-12)
    for number in range(MAX_SIGNATURES):
        work(np.ones((1,) * (number % 32), np.float32 if number < 32 else np.float64))
    with pytest.raises(VariantError, match="more signatures than are learnt"):
        work.tune(np.ones((1, 1), np.complex64))


# -- workers


MODULE = """
import os
import numpy as np
from autotune import Range, tunable

@tunable(size={"n": "x.size"}, inputs=lambda rng, n: (rng.standard_normal(n),), calibrate={"n": Range(1, 100)})
def work(x):
    if IN_WORKER and x.size > 50: raise ZeroDivisionError("only in the worker")
    return x + 1

@work.variant(kind="scalar", jit=True)
def v(x):
    return x + 1

@work.variant(kind="vectorized")
def deadly(x):
    if IN_WORKER and DEADLY: os.abort()
    return 1 + x
"""


@pytest.fixture
def declare(tmp_path, monkeypatch):
    """A kernel in a module that a worker can import, and that behaves otherwise there."""
    count = iter(range(100))

    def make(at_import: str = "", *, deadly: bool = False):
        name = f"errors_{tmp_path.name.replace('-', '_')}_{next(count)}"
        text = MODULE.replace("IN_WORKER", "(os.getpid() != PARENT)").replace("DEADLY", str(deadly))
        parent = "from pathlib import Path\nPARENT = int(Path(__file__).with_suffix('.pid').read_text())\n"
        (tmp_path / f"{name}.pid").write_text(str(__import__("os").getpid()))
        (tmp_path / f"{name}.py").write_text(parent + textwrap.dedent(at_import) + text)
        monkeypatch.syspath_prepend(str(tmp_path))
        return importlib.import_module(name).work

    return make


def test_an_error_of_the_reference_in_the_worker_comes_back(declare):
    with pytest.raises(CalibrationError, match="the reference raises ZeroDivisionError: only in the worker"):
        declare().calibrate(effort="quick")


def test_a_kernel_that_loses_every_worker_is_given_up(declare, monkeypatch):
    monkeypatch.setattr(task, "MAX_LOST", 1)
    with pytest.raises(CalibrationError, match=r"given up after 1 lost workers: .*SIGABRT"):
        declare(deadly=True).calibrate(effort="quick")


def test_a_module_that_kills_its_worker_at_import_is_named(declare):
    killing = "import os\nif os.getpid() != PARENT: os.abort()\n"
    with pytest.raises(errors.WorkerError, match=r"the worker was lost at .*: was killed by SIGABRT"):
        declare(killing).calibrate(effort="quick")


def test_first_use_of_a_module_that_kills_its_worker_at_import_is_tuned_here(declare):
    killing = "import os\nif os.getpid() != PARENT: os.abort()\n"
    tuned = declare(killing)

    assert [cell.size for cell in tuned.tune(X, budget=30).cells] == [{"n": 50}]


def test_a_worker_that_sees_another_call_refuses(declare, tmp_path):
    tuned = declare()
    job = {
        "location": {"module": tuned.__module__, "kernel": tuned.__autotune__.kernel.id},
        "values": shipping.pack({"x": X}, tmp_path), "folder": str(tmp_path), "signature": "[]",
    }  # fmt: skip
    with pytest.raises(CalibrationError, match="sees another call here"):
        trial_job.run(job, lambda event: None)
