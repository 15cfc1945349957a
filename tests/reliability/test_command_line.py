"""Every verb where things go against it: wrong words, no terminal, a reader that left, a narrow window, plain ASCII."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from autotune.cli.app import VERBS
from tests.reliability.places import clean, own_store
from tests.reliability.soak import Outcome, row

MODULE = '''
import numpy as np
from autotune import Choice, Range, tunable

@tunable(
    size={"n": "x.size"},
    inputs=lambda rng, dtype, n: (rng.standard_normal(n).astype(dtype),),
    calibrate={"n": Range(1, 500), "dtype": Choice("float64")},
)
def größe(x):
    """Root mean square – of a 1-D array."""
    return np.sqrt(np.mean(x * x))

@größe.variant(kind="vectorized")
def by_einsum(x):
    return np.sqrt(np.einsum("i,i", x, x) / x.size)
'''
KERNEL = "größe"
#: A sound command for each verb, with its exit code. What asks is answered by nobody: standard input is empty.
SOUND = {
    "calibrate": (["calibrate", "-m", "{module}", "--effort", "quick"], 0),
    "list": (["list", "-m", "{module}"], 0),
    "list --numerics": (["list", "-m", "{module}", "--numerics"], 0),
    "show": (["show", KERNEL, "-m", "{module}"], 0),
    "explain": (["explain", KERNEL, "-m", "{module}", "--size", "n=100"], 0),
    "verify": (["verify", "-m", "{module}", "--sizes", "1", "--max-regret", "900%"], 0),
    "doctor": (["doctor"], None),  # 0 or 1: what this machine is like
    "freeze": (["freeze", "-m", "{module}"], 0),
    "record": (["record", "-o", "{export}.w.json", "{empty}"], 3),  # which calls no kernel
    "report": (["report", "-m", "{module}"], 0),
    "compare": (["compare", "--in-place", "--pairs", "3", "{empty}"], 0),
    "baseline save": (["baseline", "save", "--function", "os:getpid", "--pairs", "3", "--to", "{export}.b.json"], 0),
    "baseline compare": (["baseline", "compare", "--stored", "--function", "os:getpid"], 3),
    "db path": (["db", "path"], 0),
    "db export": (["db", "export"], 0),
    "db import": (["db", "import", "{export}"], 0),
    "db clear": (["db", "clear", "nothing", "--yes"], 3),
}
#: Wrong words by verb, with the exit code: 2 for usage, 1 for what is not there, 3 for nothing recorded.
WRONG = [
    (["fly"], 2), (["--no-such-option"], 2), (["list", "--no-such-option"], 2), (["list", "surplus"], 2),
    (["calibrate", "--effort"], 2), (["calibrate", "--budget", "soon"], 2), (["calibrate", "--budget", "0"], 2),
    (["calibrate", "-m", "{module}", "--size", "m=3:2"], 2), (["calibrate", "-m", "/proc/self/mem"], 1),
    (["calibrate", "-m", ""], 1), (["show"], 2), (["show", "no_such", "-m", "{module}"], 1),
    (["show", "a", "b"], 2), (["explain"], 2), (["explain", KERNEL, "-m", "{module}", "--size", f"n={10**20}"], 1),
    (["explain", KERNEL, "-m", "{module}", "--size", "n=-3"], 2), (["verify", "--max-regret", "much"], 2),
    (["verify", "--sizes", "0"], 2), (["verify", "--seed", "x"], 2), (["verify", "no_such", "-m", "{module}"], 1),
    (["doctor", "surplus"], 2), (["freeze", "-o"], 2), (["freeze", "-m", "{module}", "-o", "/no/such/folder/x"], 1),
    (["freeze", "-m", "{module}", "-o", "/"], 2), (["compare"], 2), (["compare", "/no/such.py"], 2),
    (["record"], 2), (["record", "/no/such.py"], 2), (["report", "/no/such"], 2), (["report", "{module}"], 2),
    (["compare", "--pairs", "2", "{empty}"], 2), (["compare", "-m"], 2), (["compare", "--in-place"], 2),
    (["compare", "--in-place", "-m", "no.such.module"], 1), (["compare", "--no", "x"], 2),
    (["baseline"], 2), (["baseline", "compare", "--fail-above", "much"], 2), (["baseline", "compare", "--against"], 2),
    (["baseline", "compare", "--against", "no-such", "--function", "os:getpid"], 1),
    (["baseline", "save", "--function", "nothing"], 1), (["baseline", "save", "--benchmarks", "/no/such"], 2),
    (["db"], 2), (["db", "fly"], 2), (["db", "import"], 2),
    (["db", "import", "/no/such"], 1), (["db", "import", "{module}"], 1), (["db", "import", "/dev/null"], 1),
    (["db", "export", "-o", "/no/such/x"], 1), (["db", "clear", "--json"], 2), (["db", "clear"], 130),
]  # fmt: skip
ASCII = {"COLUMNS": "20", "LC_ALL": "C", "LANG": "C", "PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii", "TERM": "dumb"}


class Line:
    """The command line on a calibrated module."""

    def __init__(self, folder: Path) -> None:
        self.module, self.export, self.empty = (folder / name for name in ("measured.py", "export.json", "empty.py"))
        self.environ = clean(dict(os.environ), folder / "store")
        self.module.write_text(MODULE, encoding="utf-8")
        self.empty.touch()
        self("calibrate", "-m", "{module}", "--effort", "quick", "--json")
        self("db", "export", "-o", "{export}")

    def words(self, arguments: list[str]) -> list[str]:
        words = [word.format(module=self.module, export=self.export, empty=self.empty) for word in arguments]
        return [sys.executable, "-m", "autotune", *words]

    def __call__(self, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.words(list(arguments)), stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
            timeout=120, env={**self.environ, **environ}, errors="replace",
        )  # fmt: skip

    def led_to(self, target: str, arguments: list[str]) -> subprocess.CompletedProcess[str]:
        """With standard output led to what a shell would name by `target`."""
        return subprocess.run(
            ["bash", "-c", f'"$@" {target}; exit ${{PIPESTATUS[0]}}', "bash", *self.words(arguments)], check=False,
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120, env=self.environ, errors="replace",
        )  # fmt: skip


def trouble(done: subprocess.CompletedProcess[str], *codes: int | None) -> str:
    """What is wrong with the outcome of a command; empty if nothing is."""
    if None not in codes and done.returncode not in codes:
        return f"exit code {done.returncode}, expected {codes}: {done.stderr[-300:]}"
    if None in codes and done.returncode not in (0, 1):
        return f"exit code {done.returncode}"
    return done.stderr[-300:] if "Traceback" in done.stderr or "Exception ignored" in done.stderr else ""


def wrong_words(line: Line) -> dict[str, str]:
    def one(case: tuple[list[str], int]) -> tuple[str, str]:
        done = line(*case[0])
        said = trouble(done, case[1]) or ("" if done.stderr.strip() or case[1] == 130 else "nothing is said")
        return " ".join(case[0]), said

    with ThreadPoolExecutor(2) as pool:
        return dict(pool.map(one, WRONG))


def every_verb(line: Line, how: str) -> dict[str, str]:
    """Trouble by verb, in one kind of surroundings."""

    def one(verb: str) -> str:
        arguments, code = SOUND[verb]
        if how == "json":
            options = (
                arguments.index("{empty}") if "{empty}" in arguments else len(arguments)
            )  # the rest is a program's
            done = line(*arguments[:options], "--json", *arguments[options:], **ASCII)
            said = trouble(done, code)
            if not said and code != 3:
                text = done.stdout
                said = "" if isinstance(json.loads(text), dict | list) and text.isascii() else "no JSON"
            return said
        if how == "ascii":
            return trouble(line(*arguments, **ASCII), code)
        if how == "no reader":
            return trouble(line.led_to("| head -0", arguments), code)
        if how == "closed":
            return trouble(line.led_to(">&-", arguments), code)
        return trouble(line.led_to("> /dev/full", arguments), 1, 3 if code == 3 else 1)

    with ThreadPoolExecutor(2) as pool:
        return dict(zip(SOUND, pool.map(one, SOUND), strict=True))


HOWS = ("json", "no reader", "ascii", "closed", "full")


@pytest.fixture(scope="module")
def line(tmp_path_factory):
    return Line(tmp_path_factory.mktemp("cli"))


def test_every_verb_stands_in_the_table():
    assert {verb.partition(" ")[0] for verb in SOUND} == set(VERBS)


def test_wrong_words_give_one_clear_line_and_the_documented_code(line):
    assert {words: said for words, said in wrong_words(line).items() if said} == {}


@pytest.mark.parametrize("how", [*HOWS[:2], *(pytest.param(how, marks=pytest.mark.soak) for how in HOWS[2:])])
def test_every_verb_holds_its_own(line, how):
    """With --json in ASCII; in a narrow window in ASCII; read by nobody; with no output at all; on a full disk."""
    assert {verb: said for verb, said in every_verb(line, how).items() if said} == {}


def test_a_terminal_as_narrow_as_a_word_is_written_to(line):
    script = "import os, pty, sys; os.environ['COLUMNS'] = '8'; sys.exit(pty.spawn(sys.argv[1:]) >> 8)"
    done = subprocess.run(
        [sys.executable, "-c", script, *line.words(["list", "-m", "{module}"])], stdin=subprocess.DEVNULL, check=False,
        capture_output=True, text=True, timeout=60, env={**line.environ, "TERM": "xterm"}, errors="replace",
    )  # fmt: skip

    assert done.returncode == 0
    assert "Traceback" not in done.stdout + done.stderr


@row("verbs with wrong words, no reader, no output, a full disk, narrow windows, ASCII, --json", tries=1)
def command_line(tries: int) -> Outcome:
    found: list[str] = []
    for _ in range(tries):
        with own_store() as folder:
            one = Line(folder)
            found += wrong_words(one).values()
            for how in HOWS:
                found += every_verb(one, how).values()
    return Outcome(len(found), faults=sum(map(bool, found)))
