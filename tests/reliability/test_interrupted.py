"""Calibrations that are killed or interrupted: what was acknowledged is there, nothing is left running, it goes on."""

from __future__ import annotations

import json
import random
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest

from autotune.store import store
from autotune.store.record import encode
from tests.reliability.calibrating import COMPILED, MODULE, family, left_of, start
from tests.reliability.places import own_store
from tests.reliability.soak import Outcome, row

#: The eight records of a calibration are saved within about so long.
SAVING_S = 0.8
#: A line of progress that says a record was saved: "total [float64 1-d C]: 0.1 s".
ACKNOWLEDGED = re.compile(r"^(\S+) \[(.*)\]: [\d.]+ s$")


def acknowledged(process: subprocess.Popen[str], after_s: float, *, once_it_saves: bool) -> set[tuple[str, str]]:
    """What a calibration says to be saved, until it is killed so long after its start, or after its first save."""
    said: set[tuple[str, str]] = set()
    saving = threading.Event()

    def listen() -> None:
        for line in process.stdout or ():
            found = ACKNOWLEDGED.match(line.strip())
            if found:
                said.add((found.group(1), found.group(2)))
                saving.set()
        saving.set()

    listener = threading.Thread(target=listen)
    listener.start()
    if once_it_saves:
        saving.wait()
    until_s = time.monotonic() + after_s
    while process.poll() is None and time.monotonic() < until_s:
        time.sleep(0.002)
    kill_with_workers(process)
    listener.join()
    if process.stdout is not None:
        process.stdout.close()
    return said


def kill_with_workers(process: subprocess.Popen[str]) -> None:
    """kill -9 of the command and of everything that it has started, all at the same moment."""
    for one in family(process):
        try:
            one.kill()
        except psutil.NoSuchProcess:
            continue
    process.wait()


def stored() -> dict[tuple[str, str], str]:
    from autotune.kernel.signature import describe_key

    return {(f"{r.kernel.rpartition(':')[2]}", describe_key(r.signature)): encode(r) for r in store.load_all()}


@row("calibrations killed at random moments (kill -9, with their workers)", tries=100)
def killed_calibrations(tries: int, seed: int = 1, module_text: str = COMPILED) -> Outcome:
    rng = random.Random(seed)
    faults = lost = wrong = resumed = told = 0
    others = set(psutil.Process().children(recursive=True))
    with own_store() as folder:
        module = folder / "measured.py"
        module.write_text(module_text)
        command_s = _length_s(module)
        known: dict[tuple[str, str], str] = {}
        for _ in range(tries):
            if len(known) == 8:
                store.clear()
                known = {}
            process, once_it_saves = start(module), rng.random() < 0.5
            after_s = rng.uniform(0.0, SAVING_S if once_it_saves else command_s)
            said = acknowledged(process, after_s, once_it_saves=once_it_saves)
            told += len(said)
            now = stored()
            lost += sum(one not in now for one in said) + sum(one not in now for one in known)
            # What was there and was not measured again is as it was; a resumed calibration measures nothing twice.
            wrong += sum(now.get(one, text) != text for one, text in known.items())
            resumed += bool(known) and bool(set(now) - set(known))
            known = now
            faults += bool(left_of([p for p in psutil.Process().children(recursive=True) if p not in others], 5.0))
        done = subprocess.run(start_to_end(module), capture_output=True, text=True, check=False)
        final = json.loads(done.stdout) if done.returncode == 0 else {"kept": -1, "measured": -1}
        faults += (final["kept"], final["measured"]) != (len(known), 8 - len(known))
        faults += tries >= 20 and not (told and resumed)  # or nothing was tried
        leftover = [str(p.relative_to(folder)) for p in (folder / "store").rglob("*.damaged")]
        faults += len(leftover)
    return Outcome(tries, faults, lost, wrong, f"{told} records acknowledged before the kill; {resumed} runs went on")


def start_to_end(module: Path) -> list[str]:
    return [sys.executable, "-m", "autotune", "calibrate", "-m", str(module), "--effort", "quick", "--json"]


def _length_s(module: Path) -> float:
    """How long a calibration takes that is not killed, code compiled."""
    for _ in range(2 if "jit" in module.read_text() else 1):
        store.clear()
        started = time.monotonic()
        process = start(module)
        said = process.communicate()[0]
        took_s = time.monotonic() - started
        assert process.returncode == 0, said
    store.clear()
    return took_s


def test_killed_calibrations_lose_nothing_that_was_acknowledged():
    found = killed_calibrations(4, seed=3, module_text=MODULE)

    assert found.sound, found


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize("phase", ["compiling", "measuring"])
def test_an_interrupted_calibration_is_gone_within_two_seconds(tmp_path, phase, number, code):
    module = tmp_path / "measured.py"
    slow_to_compile = "\n".join(f"    found += x[{i} % x.size] * found" for i in range(400))
    text = COMPILED.replace("    return found\n", f"{slow_to_compile}\n    return found\n")
    module.write_text(text if phase == "compiling" else MODULE.replace("Range(1, 40)", "Range(1, 2_000_000)"))
    process = start(module, *(() if phase != "measuring" else ("--effort", "thorough")))
    until = time.monotonic() + 60
    while time.monotonic() < until and process.poll() is None:
        if len(family(process)) > 2:  # the server of the workers, and a worker
            break
        time.sleep(0.02)
    time.sleep(0.5)
    running = family(process)
    interrupted = time.monotonic()
    process.send_signal(number)
    try:
        said = process.communicate(timeout=30)[0]
    finally:
        kill_with_workers(process)

    assert time.monotonic() - interrupted < 2
    assert process.returncode == code, said
    assert not left_of(running, 2.0)
    assert "Traceback" not in said
