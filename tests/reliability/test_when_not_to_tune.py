"""Section 4's list as programs run it: where first use does not tune although it was asked for by name.

Each program makes its calls in one such place. It must come to its end, be right, and have tuned nothing; in the main
thread, afterwards, the same kernel tunes, so that no test passes because nothing could.
"""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from autotune.store import store
from tests.reliability.places import own_store
from tests.reliability.soak import Outcome, row

TUNES = {"AUTOTUNE_MODE": "first-use", "AUTOTUNE_BUDGET": "30"}

MODULE = """
import numpy as np
from autotune import tunable

@tunable(size={"n": "x.size"})
def doubled(x):
    sum(range(20 * x.size))  # slow
    return 2 * x

@doubled.variant(kind="vectorized")
def added(x):
    return x + x

def right(n=50):
    x = np.arange(float(n))
    return bool(np.array_equal(doubled(x), 2 * x))

def tuned():
    return doubled.cache_info().tuned

def called(n):
    return right(), tuned()
"""

#: What a program does in the place in question; it leaves ``(right, tuned)`` in `found`.
PLACES = {
    "a thread": """
        import threading
        thread = threading.Thread(target=lambda: found.append(called(0)))
        thread.start(); thread.join()
    """,
    "a daemon thread": """
        import threading
        thread = threading.Thread(target=lambda: found.append(called(0)), daemon=True)
        thread.start(); thread.join()
    """,
    "a pool of threads": """
        from concurrent.futures import ThreadPoolExecutor
        with ThreadPoolExecutor(4) as pool:
            found += pool.map(called, range(20))
    """,
    "an event loop": """
        import asyncio
        async def call():
            return called(0)
        async def main():
            return await asyncio.gather(*(call() for _ in range(5)))
        found += asyncio.run(main())
    """,
    "a signal handler": """
        import os, signal
        signal.signal(signal.SIGUSR1, lambda number, frame: found.append(called(0)))
        os.kill(os.getpid(), signal.SIGUSR1)
        while not found: pass
    """,
    "a signal handler that is a method": """
        import os, signal
        class Server:
            def stop(self, number, frame):
                found.append(called(0))
        signal.signal(signal.SIGUSR1, Server().stop)
        os.kill(os.getpid(), signal.SIGUSR1)
        while not found: pass
    """,
    "a finalizer": """
        class Owner:
            def __del__(self):
                found.append(called(0))
        owner = Owner()
        del owner
    """,
    "the reference of another kernel that is tuned": """
        from autotune import tunable
        @tunable(size={"n": "x.size"})
        def outer(x):
            found.append(called(0))
            return x + 1
        outer.variant(lambda x: 1 + x, kind="scalar", name="v")
        outer(np.ones(5))
        assert outer.cache_info().tuned == 1
        import time; from autotune.dispatch import policy
        clock = time.monotonic
        doubled.__autotune__.dispatcher.namespace.globals["_clock"] = lambda: clock() + policy.ASK_AGAIN_S
    """,
    "processes that are spawned": """
        import concurrent.futures, multiprocessing
        with concurrent.futures.ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:
            found += pool.map(called, range(6))
    """,
    "processes of a fork server": """
        import multiprocessing
        with multiprocessing.get_context("forkserver").Pool(2) as pool:
            found += pool.map(called, range(6))
    """,
    "processes that are forked": """
        import multiprocessing
        with multiprocessing.get_context("fork").Pool(2) as pool:
            found += pool.map(called, range(6))
    """,
    "workers of loky": """
        from joblib.externals.loky import get_reusable_executor
        found += get_reusable_executor(2).map(called, range(6))
    """,
    "workers of dask": """
        from dask.distributed import Client
        with Client(n_workers=2, threads_per_worker=1, dashboard_address=None) as client:
            found += client.gather(client.map(called, range(6), pure=False))
    """,
}  # fmt: skip

PROGRAM = """
import numpy as np
from doubling import called, doubled, right, tuned

if __name__ == "__main__":
    found = []
{place}
    print(len(found) > 0, all(one for one, _ in found), sum(times for _, times in found))
    doubled.cache_clear()
    assert right()
    print(tuned())
"""


def written(folder: Path, place: str) -> Path:
    (folder / "doubling.py").write_text(MODULE)
    program = folder / "program.py"
    program.write_text(PROGRAM.format(place=textwrap.indent(textwrap.dedent(place), "    ")))
    return program


@pytest.mark.parametrize("place", PLACES)
def test_nothing_is_tuned_in(run, tmp_path, place):
    module = {"workers of loky": "joblib", "workers of dask": "distributed"}.get(place)
    if module is not None:
        pytest.importorskip(module)
    done = run(written(tmp_path, PLACES[place]), **TUNES)

    assert done.stdout.split() == ["True", "True", "0", "1"], done.stdout + done.stderr


def test_nothing_is_tuned_while_the_program_ends(run, tmp_path):
    """atexit handlers run after the main thread is over and before the interpreter says that it is finalizing."""
    (tmp_path / "doubling.py").write_text(MODULE)
    program = tmp_path / "program.py"
    program.write_text("import atexit\nfrom doubling import called\natexit.register(lambda: print(*called(0)))\n")

    assert run(program, **TUNES).stdout.split() == ["True", "0"]
    assert store.load_all() == []


@pytest.mark.parametrize("before", ["", "doubling.doubled(np.ones(3))"], ids=["its first call", "a later call"])
def test_an_object_that_dies_with_the_interpreter_is_right_and_tunes_nothing(run, tmp_path, before):
    """Then nothing can be imported any more: neither the dispatcher nor the store."""
    (tmp_path / "doubling.py").write_text(MODULE)
    program = tmp_path / "program.py"
    program.write_text(
        textwrap.dedent(f"""
        import os
        import numpy as np
        import doubling
        {before}
        class Owner:
            def __del__(self, doubled=doubling.doubled, x=np.arange(50.0), y=np.ones(3, "f4"), write=os.write):
                write(1, repr((doubled(x).tolist() == (2 * x).tolist(), doubled(y).tolist())).encode())
        doubling.keeps = Owner()
    """)
    )
    done = run(program, **TUNES)

    assert (done.stdout, done.stderr) == ("(True, [2.0, 2.0, 2.0])", "")


def test_a_kernel_that_calls_itself_tunes_once_and_is_right(run, tmp_path):
    program = tmp_path / "program.py"
    program.write_text(
        textwrap.dedent("""
        import numpy as np
        from autotune import tunable

        @tunable(size={"n": "x.size"})
        def total(x):
            return x.sum() if x.size < 8 else total(x[: x.size // 2]) + total(x[x.size // 2 :])

        @total.variant(kind="scalar")
        def halves(x):
            return x.sum() if x.size < 8 else total(x[: x.size // 2]) + total(x[x.size // 2 :])

        x = np.arange(100.0)
        print(total(x) == 4950.0, total(x) == 4950.0, total.cache_info().tuned >= 1)
    """)
    )

    assert run(program, **TUNES).stdout.split() == ["True"] * 3


def test_a_signal_that_comes_while_a_call_is_tuned_is_answered(run, tmp_path):
    (tmp_path / "doubling.py").write_text(MODULE.replace("    sum(range", "    knock()\n    sum(range"))
    program = tmp_path / "program.py"
    program.write_text(
        textwrap.dedent("""
        import os, signal
        import doubling
        found, knocks = [], []
        signal.signal(signal.SIGUSR1, lambda number, frame: found.append(doubling.called(0)))
        def knock():
            knocks.append(1)
            if len(knocks) in (1, 3, 5):
                signal.raise_signal(signal.SIGUSR1)
        doubling.knock = knock
        print(doubling.right(), doubling.tuned(), len(found), {right for right, _ in found}, found[0][1])
    """)
    )

    assert run(program, **TUNES).stdout.split() == ["True", "1", "3", "{True}", "0"]


#: Where the messages of a kernel hold what its cells print, and what they raise.
TEXT, NOTHING = {"stream": ("text", ""), "error": ("evalue", "")}, ("", "")


def test_a_notebook_cell_tunes_but_not_its_threads(tmp_path, store_root):
    """A real Jupyter kernel, whose own event loop runs around every cell and does not count."""
    from jupyter_client.manager import start_new_kernel

    cells = [
        MODULE,
        "import threading\nfound = []\nthread = threading.Thread(target=lambda: found.append(called(0)))\n"
        "thread.start(); thread.join()\nprint(*found[0])",
        "doubled.cache_clear(); print(right(), tuned())",
    ]
    output = []
    environ = {**os.environ, **TUNES}
    manager, client = start_new_kernel(kernel_name="python3", cwd=str(tmp_path), env=environ)
    try:
        for cell in cells:
            client.execute_interactive(
                cell, timeout=60,
                output_hook=lambda m: output.append(m["content"].get(*TEXT.get(m["msg_type"], NOTHING))),
            )  # fmt: skip
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)

    assert "".join(output).split() == ["True", "0", "True", "1"]


# -- ranks

RANKS = ("SLURM_PROCID", "OMPI_COMM_WORLD_RANK", "PMI_RANK", "PMIX_RANK")
RANK_PROGRAM = "from doubling import called\nprint(*called(0))\n"


def ranks(folder: Path, count: int, at_once: int) -> tuple[list[str], list[str]]:
    """What ranks 1 and up print, all before rank 0 has run and as many beside it; and what rank 0 prints."""
    (folder / "doubling.py").write_text(MODULE)
    environ = {**os.environ, **TUNES}

    def start(rank: int) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-c", RANK_PROGRAM], stdout=subprocess.PIPE, text=True, cwd=folder,
            env={**environ, RANKS[rank % len(RANKS)]: str(rank)},
        )  # fmt: skip

    others: list[str] = []
    for first in range(1, count, at_once):
        batch = [start(rank) for rank in range(first, min(first + at_once, count))]
        others += [process.communicate(timeout=120)[0].strip() for process in batch]
    wrote = [str(path) for path in Path(os.environ["AUTOTUNE_DB"]).rglob("*")]
    beside = [start(rank) for rank in range(at_once)]
    first_rank, *rest = [process.communicate(timeout=120)[0].strip() for process in beside]
    return [*others, *wrote, *rest], [first_rank]


@row("processes with rank variables on one node: writers other than rank 0", tries=200)
def rank_variables(tries: int) -> Outcome:
    with own_store() as folder:
        others, first = ranks(folder, tries, at_once=min(25, tries // 2))
        records = len(store.load_all())
    wrong = sum(found.split()[:1] != ["True"] for found in [*others, *first])
    faults = sum(found.split()[1:] != ["0"] for found in others) + (first != ["True 1"]) + (records != 1)
    return Outcome(tries, faults=faults, wrong=wrong)


def test_of_the_ranks_of_a_job_only_the_first_tunes_and_writes():
    assert rank_variables(9).sound
