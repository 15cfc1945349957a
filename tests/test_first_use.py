"""First use: in scripts, modules, notebooks and pools; safe, within its budget, and known to the next process."""

from __future__ import annotations

import subprocess
import sys
import textwrap

import pytest

from autotune.store import store
from tests.programs import CALLS, GUARDED, KERNEL, SCRIPT

#: Asked for by name, so that CI and a busy test machine do not keep it from tuning.
TUNES = {"AUTOTUNE_MODE": "first-use", "AUTOTUNE_BUDGET": "30"}


def facts(output: str) -> dict[str, str]:
    return {line.split(" ", 1)[0]: line.split(" ", 1)[1] for line in output.splitlines() if " " in line}


def script(tmp_path, text, name="program.py"):
    file = tmp_path / name
    file.write_text(textwrap.dedent(text))
    return file


@pytest.mark.parametrize("text", [SCRIPT, GUARDED], ids=["plain script", "script with a main guard"])
def test_a_script_tunes_once_and_the_next_process_uses_what_it_found(run, tmp_path, text):
    file = script(tmp_path, text)
    first = facts(run(file, **TUNES).stdout)
    second = facts(run(file, **TUNES).stdout)

    assert first["same"] == "True"
    assert first["right"] == "True True"
    assert first["tuned"] == "1"
    assert first["variant"].endswith("first-use")
    assert first["untried"] == ""
    assert second["tuned"] == "0"
    assert second["variant"] == first["variant"].replace("first-use", "store")


def test_records_of_a_script_go_by_its_stem(run, tmp_path):
    run(script(tmp_path, GUARDED, "my_analysis.py"), **TUNES)

    assert [record.kernel for record in store.load_all()] == ["my_analysis:rms"]


def test_a_kernel_of_a_users_module_is_tried_in_a_worker(run, tmp_path):
    script(tmp_path, KERNEL, "their_module.py")
    program = "import their_module; from their_module import *\n" + CALLS
    found = facts(run(program, **TUNES, AUTOTUNE_LOG="debug").stdout)

    assert found["tuned"] == "1"
    assert [record.kernel for record in store.load_all()] == ["their_module:rms"]


def test_a_candidate_that_kills_its_process_costs_the_candidate_and_not_the_program(run, tmp_path):
    script(
        tmp_path,
        KERNEL
        + textwrap.dedent("""
        @jitable
        def core(x):
            return 1.0

        @rms.variant(kind="library")
        def deadly(x):
            import os
            core(x)
            os.abort()
        """),
        "their_module.py",
    )
    found = facts(run("import their_module; from their_module import *\n" + CALLS, **TUNES).stdout)
    (record,) = store.load_all()

    assert found["right"] == "True True"
    assert [(f.candidate.variant, f.reason) for f in record.variants.failures] == [
        ("deadly", "verify: was killed by SIGABRT")
    ]


def test_a_wrong_or_uncompilable_variant_is_recorded_as_failed_and_never_chosen(run, tmp_path):
    text = KERNEL + textwrap.dedent("""
        @rms.variant(kind="scalar")
        def wrong(x):
            return rms.reference(x) * (1 + 1e-6)

        @rms.variant(kind="scalar", jit=True)
        def uncompilable(x):
            return x.nonsense
    """)
    found = facts(run(script(tmp_path, text + CALLS), **TUNES).stdout)
    (record,) = store.load_all()
    reasons = {failure.candidate.variant: failure.reason for failure in record.variants.failures}

    assert found["right"] == "True True"
    assert set(reasons) == {"wrong", "uncompilable"}
    assert "off by" in reasons["wrong"]
    assert "Numba cannot compile it" in reasons["uncompilable"]


def test_what_does_not_fit_in_the_budget_is_left_to_a_later_process(run, tmp_path):
    file = script(tmp_path, SCRIPT)
    first = facts(run(file, AUTOTUNE_MODE="first-use", AUTOTUNE_BUDGET="0.05").stdout)
    second = facts(run(file, **TUNES).stdout)
    third = facts(run(file, **TUNES).stdout)

    assert first["untried"] != ""
    assert (second["untried"], second["tuned"]) == ("", "1")
    assert third["tuned"] == "0"


def test_what_is_left_untried_at_one_size_leaves_the_decisions_of_others_alone(run, tmp_path):
    text = KERNEL + textwrap.dedent("""
        x, y = np.ones(100), np.ones(10_000)
        rms(x)
        first = rms.decision(x)
        rms(y)
        print("then", first == rms.decision(x), rms.decision(y).source, rms.decision(x).source)
    """)
    short = {"AUTOTUNE_MODE": "first-use", "AUTOTUNE_BUDGET": "0.05"}
    file = script(tmp_path, text)

    assert facts(run(file, **short).stdout)["then"] == "True first-use first-use"
    assert [len(record.cells) for record in store.load_all()] == [2]
    assert any(cell.untried for record in store.load_all() for cell in record.cells)
    run(file, **TUNES)
    run(file, **TUNES)
    assert [record.untried for record in store.load_all()] == [[]]


def test_a_call_too_long_for_the_budget_is_left_to_calibrate(run, tmp_path):
    text = """
        import time, numpy as np
        from autotune import tunable
        @tunable(size={"n": "x.size"})
        def slow(x):
            time.sleep(0.3)
            return x + 1
        slow.variant(lambda x: x + 1, kind="scalar", name="v")
        slow(np.ones(3))
        print("reason", slow.decision(np.ones(3)).reason)
    """
    found = facts(run(script(tmp_path, text), AUTOTUNE_MODE="first-use").stdout)

    assert "too long for the budget of 2 s; autotune calibrate slow" in found["reason"]


def test_sizes_between_measured_ones_that_agree_are_filled_in(run, tmp_path):
    text = """
        import numpy as np
        from autotune import tunable
        @tunable(size={"n": "x.size"})
        def twice(x):
            s = np.empty_like(x)
            for i in range(x.size): s[i] = 2 * x[i]
            return s
        twice.variant(lambda x: 2 * x, kind="vectorized", name="v")
        for n in (100, 350): twice(np.ones(n))
        before = twice.cache_info().tuned
        for n in (80, 100, 140, 200, 300, 400): twice(np.ones(n))
        print("tuned", before, twice.cache_info().tuned)
        twice(np.ones(3000))
        print("then", twice.cache_info().tuned)
    """
    found = facts(run(script(tmp_path, text), **TUNES).stdout)

    assert found["tuned"] == "2 2"
    assert found["then"] == "3"


def test_ci_pytest_and_mode_use_do_not_tune(run, tmp_path):
    file = script(tmp_path, SCRIPT)

    for environ in ({"CI": "1"}, {"PYTEST_CURRENT_TEST": "x"}, {"AUTOTUNE_MODE": "use"}, {"SLURM_PROCID": "1"}):
        found = facts(run(file, **environ).stdout)
        assert (found["tuned"], found["variant"]) == ("0", "reference source none")
    assert store.load_all() == []


def test_threads_and_event_loops_are_served_by_the_reference(run, tmp_path):
    text = KERNEL + textwrap.dedent("""
        import asyncio, threading
        x = np.ones(100)
        results = []
        thread = threading.Thread(target=lambda: results.append(rms(x)))
        thread.start(); thread.join()
        async def call(): return rms(x)
        results.append(asyncio.run(call()))
        print("results", results == [1.0, 1.0], rms.cache_info().tuned)
    """)

    assert facts(run(script(tmp_path, text), **TUNES).stdout)["results"] == "True 0"


def test_of_many_processes_at_once_one_tunes_and_all_are_right(tmp_path, store_root):
    import os

    file = script(tmp_path, SCRIPT)
    environ = {**os.environ, **TUNES}
    started = [
        subprocess.Popen([sys.executable, str(file)], stdout=subprocess.PIPE, text=True, env=environ) for _ in range(6)
    ]
    found = [facts(process.communicate(timeout=120)[0]) for process in started]

    assert {f["right"] for f in found} == {"True True"}
    assert sum(f["tuned"] == "1" for f in found) == 1
    assert len(store.load_all()) == 1


def test_a_process_pool_uses_what_its_parent_tuned_and_tunes_nothing_itself(run, tmp_path):
    text = KERNEL + textwrap.dedent("""
        from concurrent.futures import ProcessPoolExecutor
        import multiprocessing

        def work(seed):
            x = np.random.default_rng(seed).standard_normal(1000)
            right = abs(rms(x) - rms.reference(x)) < 1e-12
            return right, rms.cache_info().tuned, rms.decision(x).source

        if __name__ == "__main__":
            for tunes in (False, True):
                if tunes:
                    rms(np.ones(1000))
                with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:
                    found = list(pool.map(work, range(20)))
                print("before after".split()[tunes], *sorted(set(found))[0], len(set(found)))
    """)
    found = facts(run(script(tmp_path, text), **TUNES).stdout)

    assert found["before"] == "True 0 none 1"
    assert found["after"] == "True 0 store 1"


def test_a_forked_child_after_openmp_uses_one_thread_and_is_right(run, tmp_path):
    if sys.platform != "linux":
        return
    text = """
        import os, numpy as np
        from autotune import prange, tunable
        @tunable(size={"n": "x.size"})
        def total(x):
            return np.sum(x)
        @total.variant(kind="parallel", jit={"parallel": True})
        def threads(x):
            s = 0.0
            for i in prange(x.size): s += x[i]
            return s
        @total.variant(kind="scalar")
        def single(x): return np.add.reduce(x)
        import sys; sys.path.insert(0, TESTS)
        from tests.records import decide, leaf
        x = np.ones(1000)
        decide(total, (x,), leaf("threads", single="single", boxing="float64"))
        assert total(x) == 1000 and total.decision(x).variant == "threads"
        child = os.fork()
        if child == 0:
            right = total(x) == 1000 and total.decision(x).variant == "single"
            os._exit(0 if right else 3)
        print("child", os.waitpid(child, 0)[1], total.decision(x).variant)
    """.replace("TESTS", repr(str(__import__("pathlib").Path(__file__).parents[1])))

    found = facts(run(script(tmp_path, text), NUMBA_THREADING_LAYER="omp", AUTOTUNE_MODE="use").stdout)
    assert found["child"] == "0 threads"


def test_a_notebook_cell_tunes_in_its_kernel(run, tmp_path, store_root):
    """A real Jupyter kernel: cells run inside its event loop, and tune all the same."""
    import os

    from jupyter_client.manager import start_new_kernel

    os.environ.update(TUNES)
    try:
        manager, client = start_new_kernel(kernel_name="python3", cwd=str(tmp_path))
    finally:
        for name in TUNES:
            del os.environ[name]
    output = []
    try:
        for cell in (KERNEL, CALLS):
            client.execute_interactive(
                cell, timeout=120,
                output_hook=lambda m: output.append(m["content"].get("text", "") or str(m["content"].get("ename", ""))),
            )  # fmt: skip
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
    found = facts("".join(output))

    assert found["right"] == "True True", output
    assert found["tuned"] == "1"
    assert found["untried"] == ""
    assert store.load_all()[0].kernel == "__main__:rms"


def test_whatever_goes_wrong_while_tuning_a_call_is_still_answered(run, tmp_path):
    text = """
        import warnings, numpy as np
        import autotune.tuner
        from autotune import tunable
        @tunable(size={"n": "x.size"})
        def work(x): return x + 1
        work.variant(lambda x: 1 + x, kind="scalar", name="v")
        def broken(*args, **kwargs): raise MemoryError("no room")
        autotune.tuner.first_use = broken
        with warnings.catch_warnings(record=True) as caught:
            print("result", work(np.ones(2)), work(np.ones(2)), [str(w.message) for w in caught])
    """
    said = facts(run(script(tmp_path, text), **TUNES).stdout)["result"]

    assert said.startswith("[2. 2.] [2. 2.]")
    assert said.count("could not tune a call, the reference serves: MemoryError: no room") == 1


def test_a_call_that_the_reference_refuses_costs_no_warning_and_other_calls_their_tuning_only_for_a_while(
    run, tmp_path
):
    text = """
        import warnings, numpy as np
        from autotune import tunable
        from autotune.dispatch import policy
        @tunable(size={"count": "n"})
        def triangle(n):
            if n < 0: raise ValueError("negative")
            return float(np.arange(n + 1.0).sum())
        triangle.variant(lambda n: n * (n + 1) / 2, kind="scalar", name="gauss")
        policy.ASK_AGAIN_S = 0.0
        with warnings.catch_warnings(record=True) as caught:
            for _ in range(2):
                try: triangle(-1)
                except ValueError as error: print("raised", error)
            print("result", triangle(100_000), len(caught), triangle.decision(100_000))
    """
    found = run(script(tmp_path, text), **TUNES).stdout

    assert found.startswith("raised negative\nraised negative\nresult 5000050000.0 0 ")
    assert "gauss" in found


def test_tuning_works_on_copies_of_the_callers_arrays(run, tmp_path):
    text = """
        import numpy as np
        from autotune import tunable
        seen = set()
        @tunable(size={"n": "x.size"}, mutates=("x",))
        def double(x):
            seen.add(x.ctypes.data)
            x *= 2
        @double.variant(kind="scalar")
        def v(x):
            seen.add(x.ctypes.data)
            np.multiply(x, 2, out=x)
        x = np.ones(50)
        double(x)
        print("once", x.tolist() == [2.0] * 50, len(seen) > 2)
    """

    assert facts(run(script(tmp_path, text), **TUNES).stdout)["once"] == "True True"


def test_a_read_only_home_and_no_temporary_directory_cost_only_speed(run, tmp_path):
    file = script(tmp_path, SCRIPT)
    found = facts(run(file, **{**TUNES, "AUTOTUNE_DB": "/proc/nowhere", "TMPDIR": "/proc/nowhere"}).stdout)

    assert found["right"] == "True True"


def test_what_was_compiled_in_another_environment_is_tuned_again_once(run, tmp_path):
    text = KERNEL + textwrap.dedent("""
        import msgspec
        from autotune.store import store
        x = np.ones(2000)
        rms(x)
        (made,) = store.load_all()
        about = msgspec.structs.replace(made.provenance, compiled={**made.provenance.compiled, "llvm_cpu": "another"})
        store.put([msgspec.structs.replace(made, provenance=about)])
        winner = rms.decision(x).variant
        rms.cache_clear()
        rms(x)
        (again,) = store.load_all()
        print("again", winner, rms.cache_info().tuned, again.provenance.compiled == made.provenance.compiled)
    """)
    found = facts(run(script(tmp_path, text.replace('@rms.variant(kind="vectorized")', "")), **TUNES).stdout)["again"]

    assert found.split()[0] in ("single_pass", "blocked")
    assert found.split()[1:] == ["1", "True"]
