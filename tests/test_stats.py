"""What a program sees of itself: `autotune.stats()` and ``kernel.profile()``."""

from __future__ import annotations

import io
import json

import numpy as np
import pytest

import autotune
from autotune.kernel import registry
from autotune.profile.calls import recorder
from tests.records import decide, leaf, split
from tests.test_recording import declared


@pytest.fixture(autouse=True)
def nothing_recorded(monkeypatch: pytest.MonkeyPatch, fresh_registry: None) -> None:
    monkeypatch.setattr(recorder, "latest", None)
    monkeypatch.setattr(registry, "_kernels", {})  # those of other tests were called, too


def test_without_a_recording_misses_and_decisions_are_told_and_how_to_record():
    one, idle = declared("one"), declared("idle")
    decide(one, (np.ones(5),), split("n", 50, leaf("reference"), leaf("other")))
    one(np.ones(5))
    one(np.ones([9, 9]))

    found = one.profile()

    assert (found.calls, found.total_s) == (None, None)
    assert found.misses == one.cache_info().hits + one.cache_info().misses > 0
    assert [decision.winners for decision in found.decisions] == [["n < 50: reference", "n ≥ 50: other"], []]
    assert "not tuned" in found.decisions[1].reason or "nothing recorded" in found.decisions[1].reason
    for text in (str(found), str(autotune.stats()), found._repr_html_()):
        assert "with autotune.recording()" in text
    assert idle.profile().misses == 0
    assert "n ≥ 50: other" in str(found)


def test_a_recording_tells_calls_times_and_who_served():
    one, idle = declared("one"), declared("idle")
    decide(one, (np.ones(5),), split("n", 50, leaf("reference"), leaf("other")))

    with autotune.recording():
        for n in (5, 100, 100, 100):
            one(np.ones(n))
        during = one.profile().calls
    found = one.profile()

    assert during == found.calls == 4
    assert found.served == {"other": 3, "reference": 1}
    assert {each.size: each.calls for each in found.sizes} == {"n=5": 1, "n=100": 3}
    assert 0 < found.sizes[0].median_s <= found.total_s < 1
    assert idle.profile().calls == 0
    assert "n=100" in str(found)
    assert "autotune.recording()" not in str(found)


def test_all_kernels_that_were_called_are_told_of_hottest_first():
    quick, slow, idle = declared("quick"), declared("slow"), declared("idle")

    with autotune.recording():
        for _ in range(3):
            quick(np.ones(3))
            slow(np.ones(3_000_000))
    found = autotune.stats()

    names = [each.kernel.rpartition(":")[2] for each in found.kernels]
    assert names == ["slow", "quick"]
    assert found.declared >= 3
    assert f"2 of {found.declared} declared kernels were called" in str(found)
    assert idle.profile().sizes == []


def test_what_is_told_is_plain_data_too_and_survives_names_that_look_like_markup():
    one = declared("<b>[red]one")
    with autotune.recording():
        one(np.ones(3))

    found = autotune.stats()

    assert json.loads(json.dumps(found.to_dict()))["kernels"][0]["calls"] == 1
    assert json.loads(json.dumps(one.profile().to_dict()))["sizes"][0]["size"] == "n=3"
    assert "<b>[red]one" in str(found)
    assert "&lt;b&gt;[red]one" in found._repr_html_()
    assert "<b>" not in one.profile()._repr_html_()


def test_rich_shows_a_table():
    from rich.console import Console

    one = declared("one")
    with autotune.recording():
        one(np.ones(3))

    shown = Console(file=io.StringIO(), width=120)
    shown.print(autotune.stats(), one.profile())

    assert isinstance(shown.file, io.StringIO)
    assert "Kernels called by this process" in shown.file.getvalue()
    assert "one: calls" in shown.file.getvalue()


def test_a_variant_that_was_disabled_is_named():
    one = declared("one")
    decide(one, (np.ones(5),), leaf("other"))
    one(np.ones(5))
    with pytest.warns(autotune.VariantWarning):
        autotune.dispatch.serve.disable(one.__autotune__.dispatcher, "other", "raised in a test")

    assert one.profile().disabled == ["other"]
    assert "disabled: other" in str(one.profile())
