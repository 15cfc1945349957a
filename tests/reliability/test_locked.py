"""Mode `locked`: a file alone decides, whatever the store, the load and the order of calls; no result is ever wrong."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
import warnings
from pathlib import Path

import numpy as np
import pytest

from autotune import LockError, Pow2, StaleRecord, VariantError, settings, tunable
from autotune.dispatch import locking
from autotune.dispatch.dispatcher import MAX_SIGNATURES
from autotune.store import lockfile, store
from autotune.store.record import Gap, Leaf, Pick, Split
from tests.conftest import ROOT
from tests.records import leaf, record, split
from tests.reliability.places import own_store
from tests.reliability.soak import Outcome, row
from tests.test_calibrate import command

X, LONG = np.arange(6.0), np.arange(600.0)


def kernel():
    @tunable(size={"n": "x.size"}, name="doubling")
    def doubling(x):
        return 2 * x

    @doubling.variant(kind="vectorized", numerics="bitwise")
    def added(x):
        return x + x

    @doubling.variant(kind="blocked", params={"block": Pow2(2, 8)})
    def in_blocks(x, *, block):
        out = np.empty_like(x)
        for start in range(0, len(x), block):
            out[start : start + block] = 2 * x[start : start + block]
        return out

    @doubling.variant(kind="parallel", threads=True)
    def on_threads(x):
        return x * 2.0

    @doubling.variant(kind="parallel", threads=True, numerics="bitwise")
    def on_threads_exactly(x):
        return x * 2

    return doubling


DECISION = split("n", 100, leaf("added"), leaf("in_blocks", block=4))


def frozen(tuned, decision=DECISION, *, threads=False):
    return locking.frozen(tuned.__autotune__.kernel, record(tuned, (X,), decision), threads=threads)


@pytest.fixture
def lock(tmp_path, monkeypatch):
    """Write a lock file and obey it."""
    path = tmp_path / "autotune.lock"
    monkeypatch.setenv("AUTOTUNE_MODE", "locked")
    monkeypatch.setenv("AUTOTUNE_LOCK", str(path))
    monkeypatch.setattr(locking, "_warned", set())

    def write(content: str | list[lockfile.Frozen] = "") -> Path:
        path.write_text(content if isinstance(content, str) else lockfile.write(content, locking.PYTHON))
        return path

    return write


# -- the file


def test_a_lock_file_reads_as_a_reviewer_would_write_it():
    text = lockfile.write([frozen(kernel())], "cpython-311")

    assert '{ where = ["n < 100"], use = "added" },\n' in text
    assert '{ where = ["n >= 100"], use = "in_blocks", params = { block = 4 } },\n' in text
    assert 'arguments = "float64 1-d C"\n' in text
    assert text.startswith("# What autotune uses with AUTOTUNE_MODE=locked")


def test_equal_decisions_give_equal_bytes_and_any_order_the_same():
    first, second = frozen(kernel()), frozen(kernel()).replace(kernel="a:b")

    assert lockfile.write([first, second], "x") == lockfile.write([second, first], "x")


PICKS = [
    Pick("v", {"block": 4, "share": 0.5, "mode": "a 'b' \"c\" \\ \x7f é", "flag": True, "none": None}),
    Pick("v", {}, "float64", "number"), Pick("v", {}, ["float64", None, "int64"], "arrays"), Pick("<lambda>"),
]  # fmt: skip
DECISIONS = [
    *(Leaf(pick) for pick in PICKS), Leaf(PICKS[0], PICKS[1]),
    Split("n", 10, Leaf(PICKS[0]), Split("m*k", 7, Leaf(PICKS[1]), Split("n", 10**18 - 1, *map(Leaf, PICKS[2:])))),
    Split("n", 10, Split("m", 0, Leaf(PICKS[0]), Leaf(PICKS[1])), Leaf(PICKS[3])),
]  # fmt: skip


@pytest.mark.parametrize("decision", DECISIONS, ids=range(len(DECISIONS)))
def test_what_is_written_is_what_is_read(decision, tmp_path):
    made = frozen(kernel()).replace(decision=decision, sources={"reference": "1", "<lambda>": "2"})
    read = lockfile.parse(lockfile.write([made], "p").encode(), tmp_path)

    assert read.decisions[made.kernel, made.signature] == made
    assert read.python == "p"


def test_what_was_not_measured_is_the_references():
    made = frozen(kernel(), split("n", 10, Gap(), split("n", 100, Gap(), leaf("added"))))

    assert made.decision == Split("n", 100, Leaf(Pick("reference")), Leaf(Pick("added")))


def test_winners_with_threads_give_way_unless_their_bits_cannot_depend_on_the_cores():
    decision = split("n", 100, leaf("on_threads", single="added"), leaf("on_threads_exactly", single="added"))

    assert frozen(kernel(), decision).decision == split(
        "n", 100, leaf("added"), leaf("on_threads_exactly", single="added")
    )
    assert frozen(kernel(), decision, threads=True).decision == decision


def test_what_was_edited_since_it_was_measured_is_not_frozen():
    tuned = kernel()
    made = record(tuned, (X,), DECISION)
    about = made.variants
    about.sources["in_blocks"] = "0"

    assert locking.frozen(tuned.__autotune__.kernel, made, threads=False).decision == split(
        "n", 100, leaf("added"), leaf("reference")
    )
    about.sources["reference"] = "0"
    assert locking.frozen(tuned.__autotune__.kernel, made, threads=False) is None


# -- obeying it


def test_locked_serves_what_the_file_says_and_nothing_else(lock):
    tuned = kernel()
    lock([frozen(tuned)])
    store.save(record(tuned, (X,), leaf("on_threads")))

    assert (tuned.decision(X).variant, tuned.decision(X).source) == ("added", "locked")
    assert tuned.decision(LONG) == tuned.decision(LONG.copy())
    assert (tuned.decision(LONG).variant, dict(tuned.decision(LONG).params)) == ("in_blocks", {"block": 4})
    assert tuned.decision(X.astype("f4")).variant == "reference"
    np.testing.assert_array_equal(tuned(X), 2 * X)
    np.testing.assert_array_equal(tuned(LONG), 2 * LONG)
    text = str(tuned.explain(X))
    assert "by the lock file" in text
    assert "n < 100" in text


def test_an_empty_file_pins_every_kernel_to_its_reference(lock):
    tuned = kernel()
    lock("# nothing here\n")
    store.save(record(tuned, (X,), leaf("added")))

    assert tuned.decision(X).variant == "reference"
    assert "says nothing of this signature" in tuned.decision(X).reason


def test_a_missing_file_is_an_error_that_says_how_to_write_it(lock, tmp_path):
    with pytest.raises(
        LockError, match=r"obeys .*autotune\.lock, which cannot be read .* autotune freeze -o .*AUTOTUNE_LOCK"
    ):
        kernel()(X)
    tuned = kernel()
    with pytest.raises(LockError):
        tuned(X)
    lock([frozen(tuned)])
    np.testing.assert_array_equal(tuned(X), 2 * X)


BLOCK = """[[decision]]
kernel = "k"
signature = "[]"
size = {}
numerics = "bitwise"
sources = {}
"""
SOUND = f'schema = 1\npython = "p"\n{BLOCK}'


@pytest.mark.parametrize(
    ("content", "part"),
    [
        ("schema = ", "Invalid value"),
        ("schema = 2\n", "schema 2, this version reads 1"),
        ("x = 1\n", "schema None"),
        ("schema = 1\n", "python is missing"),
        ("schema = 1\npython = 3\n", "python = 3: expected a str"),
        ("schema = 1\npython = 'p'\ndecision = 3\n", "decision = 3: expected a list"),
        ("schema = 1\npython = 'p'\ndecision = [3]\n", "3: expected a table"),
        (SOUND, "decision 1: serves is missing"),
        (SOUND.replace("sources = {}", "sources = { a = 1 }") + "serves = []", "expected texts"),
        (SOUND + "serves = [{ where = ['n < 3'] }]", "use is missing"),
        (SOUND + "serves = [{ where = ['n <= 3'], use = 'v' }]", 'expected a condition such as "n < 1000"'),
        (SOUND + "serves = [{ where = ['n < -3'], use = 'v' }]", "expected a condition"),
        (SOUND + "serves = [{ where = ['n.x < 3'], use = 'v' }]", "expected a condition"),
        (SOUND + "serves = [{ where = ['n < 3'], use = 'v' }, { where = ['n >= 4'], use = 'w' }]", "one side of n = 3"),
        (SOUND + "serves = [{ where = ['n >= 3'], use = 'v' }, { where = ['n < 3'], use = 'w' }]", "stands after"),
        (SOUND + "serves = [{ use = 'v' }, { use = 'w' }]", "for all sizes, and others follow"),
        (SOUND + "serves = [{ use = 'v', params = { a = [1] } }]", "expected numbers, texts"),
        (SOUND + "serves = [{ use = 'v', result = 3 }]", "expected the name of a type"),
        (f"{SOUND}serves = []\n{BLOCK}serves = []", "decides k [] a second time"),
        (SOUND + "serves = " + "[" * 5000, ""),
        ("x = " + "9" * 5000, ""),
        ("#" * (lockfile.MAX_BYTES + 1), "larger than 2 MiB"),
    ],
)  # fmt: skip
def test_a_damaged_file_is_an_error_that_says_where_and_never_a_result(lock, content, part):
    lock(content)

    with pytest.raises(LockError) as raised:
        kernel()(X)
    assert part in str(raised.value)
    assert "autotune freeze -o" in str(raised.value)


def test_flipped_bytes_give_an_error_or_the_right_result(lock):
    tuned = kernel()
    sound = lockfile.write([frozen(tuned)], locking.PYTHON).encode()
    rng = np.random.default_rng(5)
    path = lock("")
    outcomes = set()
    for number in range(200):
        content = bytearray(sound)
        for place in rng.integers(0, len(content), size=rng.integers(1, 4)):
            content[place] ^= 1 << rng.integers(0, 8)
        path.write_bytes(content[: rng.integers(1, len(content))] if number % 4 == 0 else content)
        tuned.cache_clear()
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", StaleRecord)
                right = np.array_equal(tuned(X), 2 * X) and np.array_equal(tuned(LONG), 2 * LONG)
            outcomes.add("right" if right else "wrong")
        except LockError:
            outcomes.add("refused")

    assert outcomes == {"right", "refused"}


@pytest.mark.parametrize(
    ("change", "part"),
    [
        ({"decision": leaf("gone")}, "names gone, which is not declared"),
        ({"decision": leaf("in_blocks", block=0)}, "names in_blocks(block=0), which is no legal setting"),
        ({"decision": leaf("in_blocks", block="4")}, "no legal setting"),
        ({"decision": leaf("added", boxing="os.system")}, "which means nothing"),
        ({"decision": split("m", 3, leaf("added"), leaf("reference"))}, "branches on the unknown size m"),
        ({"sources": {"reference": "0", "added": "0", "in_blocks": "0"}}, "frozen for source 0 of reference"),
        ({"sources": "edited"}, "frozen for source 0 of added"),
    ],
)  # fmt: skip
def test_an_entry_that_does_not_fit_is_served_by_the_reference_with_one_warning(lock, change, part):
    tuned = kernel()
    made = frozen(tuned, split("n", 100, leaf("added"), leaf("in_blocks", block=4)))
    if change.get("sources") == "edited":
        change = {"sources": {**made.sources, "added": "0"}}
    lock([made.replace(**change)])

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        np.testing.assert_array_equal(tuned(X), 2 * X)
        np.testing.assert_array_equal(tuned(LONG), 2 * LONG)
        tuned.cache_clear()
        tuned(X)

    assert [warning.category for warning in caught] == [StaleRecord]
    assert part in str(caught[0].message)
    assert "autotune freeze" in str(caught[0].message)
    assert tuned.decision(X).variant == "reference"


def test_a_variant_that_cannot_run_here_is_served_by_the_reference(lock):
    @tunable(size={"n": "x.size"}, name="doubling")
    def doubling(x):
        return 2 * x

    doubling.variant(lambda x: x + x, kind="library", name="missing", requires="no_such_module")
    doubling.variant(lambda x: x + x, kind="library", name="unfit", when="x.ndim == 2")
    doubling.variant(lambda x: x + x, kind="library", name="wrong", when=lambda x: x.nonsense_of_no_array)
    for name, part in (("missing", "requires no_such_module"), ("unfit", "when="), ("wrong", "cannot be judged")):
        lock([frozen(doubling, leaf(name))])
        doubling.cache_clear()
        with pytest.warns(StaleRecord, match=part):
            doubling(X)


def test_another_python_is_told_once_for_the_whole_file(lock):
    tuned = kernel()
    path = lock("")
    path.write_text(lockfile.write([frozen(tuned), frozen(tuned).replace(signature="[]")], "cpython-399"))

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for call in (X, X.astype("f4"), np.ones((2, 2))):
            tuned(call)
        tuned.cache_clear()
        tuned(X)

    assert ["frozen with cpython-399" in str(warning.message) for warning in caught] == [True]


def test_threads_are_not_watched_in_locked_mode(lock):
    tuned = kernel()
    lock([frozen(tuned, leaf("on_threads_exactly", single="added"))])
    tuned(X)

    assert tuned.decision(X).variant == "on_threads_exactly"
    assert "_variant_" in tuned.__autotune__.dispatcher.source
    assert "_watch_" not in tuned.__autotune__.dispatcher.source


def test_a_class_that_the_user_forbids_by_name_is_not_served(lock, monkeypatch):
    tuned = kernel()
    lock([frozen(tuned, leaf("in_blocks", block=4))])
    assert tuned.decision(X).variant == "in_blocks"

    tuned.cache_clear()
    monkeypatch.setenv("AUTOTUNE_NUMERICS", "bitwise")
    with pytest.warns(StaleRecord, match="reassociated, and AUTOTUNE_NUMERICS allows bitwise"):
        assert tuned.decision(X).variant == "reference"


def test_what_is_locked_does_not_hang_on_how_many_other_signatures_were_seen(lock):
    @tunable(size={"n": "x.size"}, name="doubling")
    def doubling(x, note=""):
        return 2 * x

    doubling.variant(lambda x, note="": x + x, kind="vectorized", name="v")
    lock([frozen(doubling, leaf("v"))])
    for number in range(MAX_SIGNATURES + 2):
        doubling(X, str(number))

    assert doubling(X).tolist() == (2 * X).tolist()
    assert doubling.decision(X).variant == "v"
    doubling(X)
    assert any(name.startswith("_variant_") for name in doubling.__code__.co_names)


def test_an_edit_while_a_program_runs_changes_nothing_until_it_asks(lock):
    tuned = kernel()
    made = frozen(tuned, leaf("added"))
    lock([made])
    tuned(X)
    lock([made.replace(signature=made.signature.replace("float64", "float32"))])

    assert tuned.decision(X.astype("f4")).variant == "reference"
    assert tuned.decision(X).variant == "added"
    tuned.cache_clear()
    assert tuned.decision(X.astype("f4")).variant == "added"
    assert tuned.decision(X).variant == "reference"


def test_nothing_is_measured_in_locked_mode_even_if_asked(lock):
    tuned = kernel()
    lock([frozen(tuned)])
    tuned(X)

    with pytest.raises(VariantError, match="AUTOTUNE_MODE=locked obeys .* measures nothing"):
        tuned.tune(X)
    assert tuned.cache_info().tuned == 0
    assert store.load_all() == []


# -- where the file is looked for


def test_the_file_lies_here_or_beside_the_nearest_project(tmp_path):
    deep = tmp_path / "a" / "b"
    deep.mkdir(parents=True)
    nothing = settings.current({}, str(deep))
    assert nothing.lock_file(str(deep)) == deep / "autotune.lock"

    (tmp_path / "pyproject.toml").write_text("")
    assert nothing.lock_file(str(deep)) == tmp_path / "autotune.lock"
    (deep / "autotune.lock").write_text("")
    assert nothing.lock_file(str(deep)) == deep / "autotune.lock"


def test_a_project_names_its_file_relative_to_itself_and_the_environment_overrides_it(tmp_path):
    deep = tmp_path / "deep"
    deep.mkdir()
    (tmp_path / "pyproject.toml").write_text('[tool.autotune]\nlock = "conf/my.lock"\nmode = "locked"\n')

    assert settings.current({}, str(deep)).lock_file() == tmp_path / "conf" / "my.lock"
    assert settings.current({}, str(deep)).locked
    assert settings.current({"AUTOTUNE_LOCK": "/x/y"}, str(deep)).lock_file() == Path("/x/y")
    assert settings.current({"AUTOTUNE_LOCK": "y"}, str(deep)).lock_file() == Path.cwd() / "y"


# -- the command

MODULE = """
import numpy as np
from autotune import Choice, Range, tunable

@tunable(
    size={"n": "x.size"},
    inputs=lambda rng, dtype, n: (rng.standard_normal(n).astype(dtype),),
    calibrate={"n": Range(1, 3000), "dtype": Choice("float32", "float64")},
)
def rms(x):
    sum(range(20 * x.size))  # slow
    return np.sqrt(np.mean(x * x))

@rms.variant(kind="vectorized")
def by_mean(x):
    return np.sqrt(np.mean(x * x))
"""


@pytest.fixture
def calibrated(tmp_path):
    file = tmp_path / "measured.py"
    file.write_text(MODULE)
    command("calibrate", "-m", file, "--effort", "quick", "--dtype", "float64")
    return file


def test_freeze_writes_what_locked_obeys_to_a_file_or_the_terminal(calibrated, tmp_path, run):
    printed = command("freeze", "-m", calibrated).stdout
    told = command("freeze", "rms", "-m", calibrated, "-o", tmp_path / "autotune.lock").stdout
    data = json.loads(command("freeze", "-m", calibrated, "--json").stdout)
    program = (
        "import sys; sys.path.insert(0, '.'); import numpy as np; from measured import rms\n"
        "x = np.ones(2000); rms(x); print(rms.decision(x).variant, rms.decision(x).source)"
    )

    assert (tmp_path / "autotune.lock").read_text() == printed
    assert "1 decisions written to" in told
    assert data["decisions"][0]["kernel"] == "measured:rms"
    assert run(program, AUTOTUNE_MODE="locked", AUTOTUNE_DB=str(tmp_path / "none")).stdout.split() == [
        "by_mean",
        "locked",
    ]
    explained = command("explain", "rms", "-m", calibrated, "--dtype", "float64", "--size", "n=2000",
                        AUTOTUNE_MODE="locked", AUTOTUNE_LOCK=str(tmp_path / "autotune.lock"))  # fmt: skip
    assert "lock file" in explained.stdout


def test_freeze_without_records_exits_with_3_and_what_cannot_be_written_is_told(calibrated, tmp_path):
    assert "cannot be written" in command("freeze", "-m", calibrated, "-o", "/no/such/x", check=1).stderr
    calibrated.write_text(MODULE.replace("20 * x", "30 * x"))
    done = command("freeze", "-m", calibrated, "-o", tmp_path / "x", check=3)

    assert "the reference was edited since; calibrate it again" in done.stderr
    assert not (tmp_path / "x").exists()


def test_doctor_looks_at_the_lock(tmp_path):
    environ = {"AUTOTUNE_MODE": "locked", "AUTOTUNE_LOCK": str(tmp_path / "autotune.lock")}
    missing = json.loads(command("doctor", "--json", check=1, **environ).stdout)
    (tmp_path / "autotune.lock").write_text("")
    done = subprocess.run([sys.executable, "-m", "autotune", "doctor", "--json"], capture_output=True, text=True,
                          check=False, env={**os.environ, **environ})  # fmt: skip

    (found,) = [finding for finding in missing if finding["what"] == "lock file"]
    assert (found["level"], "autotune freeze" in found["remedy"]) == ("warning", True)
    (found,) = [finding for finding in json.loads(done.stdout) if finding["what"] == "lock file"]
    assert (found["level"], "0 decisions" in found["found"]) == ("ok", True)


# -- the same bits

BITS = """
import os, sys
import numpy as np
sys.path[:0] = [FOLDER, ROOT]
number = int(sys.argv[1])
from sums import total
from tests.records import leaf, record
from autotune.store import store
x = np.random.default_rng(7).standard_normal(3000).astype("f4")
if number % 5:  # stores that say otherwise, and are damaged
    store.save(record(total, (x,), leaf(("one_by_one", "in_parts", "reference", "one_by_one")[number % 4])))
    if number % 7 == 0:
        with open(store.root() / "db" / "cache.db", "r+b") as file:
            file.seek(4096); file.write(os.urandom(2000))
if number % 3 == 0:
    total(x[:10]); total(x.astype("f8"))
if number % 4 == 0:
    os.sched_setaffinity(0, {sorted(os.sched_getaffinity(0))[0]})
print(total(x).tobytes().hex(), total(x[:50]).tobytes().hex())
"""
SUMS = """
import numpy as np
from autotune import Pow2, tunable

@tunable(size={"n": "x.size"})
def total(x):
    return np.sum(x)

@total.variant(kind="scalar")
def one_by_one(x):
    return np.cumsum(x)[-1] if x.size else np.sum(x)

@total.variant(kind="blocked", params={"block": Pow2(2, 64)})
def in_blocks(x, *, block):
    return np.add.reduce(np.add.reduceat(x, np.arange(0, x.size, block))) if x.size else np.sum(x)

@total.variant(kind="parallel", threads=True)
def in_parts(x):
    return x[::2].sum() + x[1::2].sum()
"""


def same_bits(folder: Path, processes: int, at_once: int = 4) -> set[str]:
    """What so many processes print, each with a store of its own, under one lock: one text if all bits are equal.

    Some stores hold other decisions, some are damaged; some processes see other calls first, run on one core, or beside
    busy neighbours (each other, and one that only burns time).
    """
    (folder / "sums.py").write_text(SUMS)
    sys.path.insert(0, str(folder))
    try:
        import sums
    finally:
        sys.path.remove(str(folder))
    x = np.zeros(3000, "f4")
    decision = split("n", 100, leaf("one_by_one"), leaf("in_blocks", block=8))
    one = locking.frozen(sums.total.__autotune__.kernel, record(sums.total, (x,), decision), threads=False)
    (folder / "autotune.lock").write_text(lockfile.write([one], locking.PYTHON))
    program = folder / "bits.py"
    program.write_text(BITS.replace("FOLDER", repr(str(folder))).replace("ROOT", repr(str(ROOT))))
    environ = {**os.environ, "AUTOTUNE_MODE": "locked", "AUTOTUNE_LOCK": str(folder / "autotune.lock")}
    found = set()
    burner = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        for start in range(0, processes, at_once):
            batch = [
                subprocess.Popen([sys.executable, "-W", "error", str(program), str(number)], text=True, cwd=folder,
                                 stdout=subprocess.PIPE, env={**environ, "AUTOTUNE_DB": str(folder / f"db{number}")})
                for number in range(start, min(start + at_once, processes))
            ]  # fmt: skip
            found |= {process.communicate(timeout=120)[0].strip() or "failed" for process in batch}
    finally:
        burner.kill()
        burner.wait()
    return found


def right_bits() -> str:
    """What all of them must print: neither the reference's bits nor any other decision's."""
    x = np.random.default_rng(7).standard_normal(3000).astype("f4")
    blocks, one_by_one = np.add.reduce(np.add.reduceat(x, np.arange(0, 3000, 8))), np.cumsum(x)[-1]
    assert len({blocks, one_by_one, np.sum(x), x[::2].sum() + x[1::2].sum()}) == 4  # otherwise nothing could be told
    return f"{blocks.tobytes().hex()} {np.cumsum(x[:50])[-1].tobytes().hex()}"


@row("processes under one lock, other stores, loads, cores: other bits", tries=50)
def locked_bits(tries: int) -> Outcome:
    with own_store() as folder:
        found = same_bits(folder, tries)
    return Outcome(tries, faults=int("failed" in found), wrong=len(found - {right_bits(), "failed"}))


def test_locked_gives_the_same_bits_whatever_the_store_the_load_and_the_cores(tmp_path):
    assert same_bits(tmp_path, processes=16) == {right_bits()}


def test_a_script_on_a_machine_without_a_file_is_told_on_one_clear_line(run, tmp_path):
    program = textwrap.dedent("""
        import numpy as np
        from kernels import sum
        sum(np.ones(1000))
    """)
    done = run(program, check=False, AUTOTUNE_MODE="locked")

    assert done.returncode == 1
    assert "autotune freeze -o" in done.stderr.strip().splitlines()[-1]
