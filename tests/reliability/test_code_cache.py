"""Compiled code on disk: what it depends on is in its name, and nobody else's is ever used."""

from __future__ import annotations

import json
import os
import textwrap

import pytest

PROGRAM = textwrap.dedent("""
    import json, sys
    import numpy as np
    from autotune import Static, tunable
    from autotune.compile import build
    from autotune.kernel.model import Candidate
    from autotune.kernel.signature import signature_of

    FACTOR = float(sys.argv[1])

    @tunable(size={"n": "x.size"})
    def scaled(x): return x * FACTOR

    def of_blocks(x, *, block):
        found = np.empty(x.size)
        for i in range(x.size): found[i] = x[i] * FACTOR * 1e-300 * 1e300 + 0.0 * block
        return found * 0.0 + block

    def of_options(x):
        total = 0.0
        for i in range(x.size): total += 1.0 / x[i]
        return total

    scaled.variant(of_blocks, kind="blocked", name="blocks", jit=True, params={"block": Static([8, 64])})
    scaled.variant(of_options, kind="scalar", name="numpy", jit={"error_model": "numpy"})
    scaled.variant(of_options, kind="scalar", name="python", jit={"error_model": "python"})
    kernel = scaled.__autotune__.kernel
    x = np.zeros(3)
    signature = signature_of(kernel, kernel.bind(x))
    said = {}
    for variant, config in (("blocks", (("block", 8),)), ("blocks", (("block", 64),)), ("numpy", ()), ("python", ())):
        made = build.load(kernel, Candidate(variant, config), signature)
        try:
            result = np.asarray(made(x)).max()
        except ZeroDivisionError:
            result = "raised"
        said[f"{variant} {dict(config)}"] = [str(result), sum(made.stats.cache_hits.values())]
    print(json.dumps(said))
""")
RESULTS = {"blocks {'block': 8}": "8.0", "blocks {'block': 64}": "64.0", "numpy {}": "inf", "python {}": "raised"}


@pytest.fixture
def program(tmp_path):
    file = tmp_path / "program.py"
    file.write_text(PROGRAM)
    return file


def test_two_settings_and_two_sets_of_options_never_share_code(run, program, store_root):
    first = json.loads(run(program, "1.0").stdout)
    second = json.loads(run(program, "1.0").stdout)

    assert first == {name: [result, 0] for name, result in RESULTS.items()}
    assert second == {name: [result, 1] for name, result in RESULTS.items()}
    assert len(list((store_root / "code").iterdir())) == 4


@pytest.mark.soak
def test_another_value_of_a_constant_means_compiling_again(run, program):
    run(program, "1.0")
    other = json.loads(run(program, "2.0").stdout)

    assert other["blocks {'block': 8}"] == ["8.0", 0]
    assert other["numpy {}"] == ["inf", 1], "what does not use the constant is kept"


@pytest.mark.skipif(os.name != "posix", reason="changes owners and modes of files, which Windows does not have")
def test_code_lies_where_only_the_owner_may_write_and_is_not_used_otherwise(run, program, store_root):
    run(program, "1.0")
    code = store_root / "code"
    files = [path for path in code.rglob("*") if path.is_file()]

    assert {path.stat().st_mode & 0o777 for path in (code, *code.iterdir())} == {0o700}
    assert {path.stat().st_mode & 0o777 for path in files} == {0o600}
    code.chmod(0o777)
    assert {hits for _, hits in json.loads(run(program, "1.0").stdout).values()} == {0}
    code.chmod(0o700)
    for folder in code.iterdir():
        folder.chmod(0o777)
    assert {hits for _, hits in json.loads(run(program, "1.0").stdout).values()} == {0}
