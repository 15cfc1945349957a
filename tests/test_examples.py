"""The examples run as they stand, on a store of their own, and print what the README promises."""

from __future__ import annotations

import re
import time

import pytest

from tests.conftest import ROOT

EXAMPLES = sorted((ROOT / "examples").glob("*.py"))


def test_the_examples_are_those_of_the_index():
    index = (ROOT / "examples" / "README.md").read_text()

    assert {path.name for path in EXAMPLES} == set(re.findall(r"`(\w+\.py)`", index))


#: Each takes up to forty seconds of compiling and tuning; the others are run by `make soak`.
IN_THE_NORMAL_RUN = {"quickstart"}


@pytest.mark.parametrize(
    "example",
    [
        pytest.param(path, id=path.stem, marks=[] if path.stem in IN_THE_NORMAL_RUN else [pytest.mark.soak])
        for path in EXAMPLES
    ],
)
def test_an_example_runs_and_a_later_run_knows(run, example):
    # By name, so that CI does not keep it from tuning; a budget that a busy machine can keep.
    asked = {"AUTOTUNE_MODE": "first-use", "AUTOTUNE_BUDGET": "60"}
    iterations = ["100"] if example.stem == "tsne_digits" else []  # of 1,000
    first = run(example, *iterations, timeout=280, **asked)
    for _ in range(2):  # what the first process had no time for, because it ran so short, the second tries
        started = time.perf_counter()
        again = run(example, *iterations, timeout=280, **asked)
        again_s = time.perf_counter() - started
        if "store" in again.stdout:
            break

    assert {
        "quickstart": "Why?", "kmeans": "same labels: True", "image_pipeline": "largest difference of a pixel",
        "mars": "largest difference of a prediction", "option_prices": "largest difference of a price",
        "angular_fit": "largest difference of a parameter", "filter_chain": "largest difference of a sample",
        "gaussian_mixture": "largest difference of a mean", "tsne_digits": "largest difference of a place",
    }[example.stem] in first.stdout  # fmt: skip
    assert "first-use" in first.stdout
    assert "store" in again.stdout
    assert again_s < 60  # the examples promise less than a minute, once it knows, even on a busy machine
