"""The bottleneck report: what it finds, and that it shows it in the terminal and as one file, whatever it is given."""

from __future__ import annotations

import html.parser
import io
import itertools
import json
import math
import re

import msgspec
import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from autotune import WorkloadError, quantity, tunable
from autotune.cli import report_table, report_verb
from autotune.profile import files
from autotune.profile.report import (
    axes,
    chart,
    distribution,
    findings,
    knowledge,
    library,
    markup,
    page,
    sections,
    style,
)
from autotune.profile.report.advice import advice
from autotune.profile.report.curves import Curves
from autotune.profile.report.plots import Plots, in_order
from autotune.profile.workload import SignatureCalls
from autotune.store import store
from autotune.store.record import Choice, Gap, HeldOut, Split
from tests.full_disk import no_room, posix
from tests.records import cell, leaf, record
from tests.test_calibrate import command
from tests.workloads import calls, kernel, workload

SIZES = (10, 100, 1000, 10_000, 100_000)


def declared():
    """A kernel of this module with two variants."""

    @tunable(size={"n": "x.size"}, name="rms")
    def rms(x):
        return np.sqrt(np.mean(x * x))

    @rms.variant(kind="vectorized")
    def dots(x):
        return np.sqrt(np.dot(x, x) / x.size)

    @rms.variant(kind="parallel", threads=True)
    def threads(x):
        return np.sqrt(np.dot(x, x) / x.size)

    return rms


def measured(tuned, *, dtype="float64", cells=None, decision=None, held_out=()):
    """A record: the reference is best below 1000, `dots` twice as fast from there on."""
    if cells is None:
        cells = [cell({"n": n}, reference=1e-6 + n * 1e-9, dots=1.3e-6 + n * 0.4e-9, threads=1e-5 + n * 0.39e-9)
                 for n in SIZES]  # fmt: skip
    made = record(
        tuned, (np.zeros(8, dtype),),
        decision or Split("n", 1000, leaf("reference"), leaf("dots"), 900, 1100), cells=cells,
    )  # fmt: skip
    return msgspec.structs.replace(made, held_out=list(held_out))


@pytest.fixture
def tuned():
    return declared()


@pytest.fixture
def recorded(tuned):
    """That kernel's record in the store."""
    made = measured(tuned, held_out=[
        HeldOut({"n": 300}, Choice("reference"), Choice("reference"), 0.0),
        HeldOut({"n": 2000}, Choice("dots"), Choice("threads"), 0.12),
    ])  # fmt: skip
    assert store.save(made)
    return made


def found_in(tuned, *kernels, **run):
    made = workload(*kernels, **run)
    return findings.find(made, knowledge.known((one.kernel for one in made.kernels), [tuned]))


def of(tuned, signature, *found, untuned="", own=1.0):
    return kernel(tuned.__autotune__.kernel.id, SignatureCalls(signature, list(found), untuned), own=own)


# -- what is found


def test_hot_spots_come_first_and_shares_count_nested_calls_once(tuned, recorded):
    inner = of(tuned, recorded.signature, calls({"n": 10}, 1e-6, 1e6), calls({"n": 1000}, 3e-6, 1e6))
    outer = kernel("other:outer", SignatureCalls("", [calls({}, 5e-6, 1e6)], "x is a list"), own=0.2)

    found = found_in(tuned, outer, inner)

    assert [part.name for part in found.parts] == ["rms", "outer"]
    assert [spot.size for spot in found.spots] == [{"n": 1000}, {"n": 10}, {}]
    assert found.kernel_s == pytest.approx(5.0)
    assert sum(spot.share for spot in found.spots) == pytest.approx(1)
    assert found.spots[2].share == pytest.approx(0.2)


def test_the_best_possible_is_interpolated_between_measured_sizes_and_scaled_to_the_program(tuned, recorded):
    at = 31_623  # in the middle of 10^4 and 10^5, in logarithms
    times = Curves(recorded).at({"n": at})

    (spot,) = found_in(tuned, of(tuned, recorded.signature, calls({"n": at}, 50e-6, 1e5))).spots

    assert times["reference"] == pytest.approx(math.sqrt(11e-6 * 101e-6), rel=1e-4)
    assert spot.best == "dots"
    assert spot.best_s == pytest.approx(50e-6 * times["dots"] / times["reference"])
    assert spot.saving_s == pytest.approx(5.0 * (1 - times["dots"] / times["reference"]))
    assert spot.now_saving_s == spot.saving_s


@pytest.mark.parametrize(("slower", "saved"), [(1.02, False), (1.05, True)])
def test_what_a_race_cannot_tell_from_noise_is_no_saving(tuned, slower, saved):
    cells = [cell({"n": n}, reference=1e-3 * slower, dots=1e-3) for n in SIZES]
    made = measured(tuned, cells=cells, decision=leaf("dots"))
    assert store.save(made)

    (spot,) = found_in(tuned, of(tuned, made.signature, calls({"n": 1000}, 1e-3))).spots

    assert spot.best == "dots"
    assert (spot.saving_s > 0) is saved
    assert spot.reason == ""


def test_a_decision_that_costs_more_than_it_may_is_told_from_one_that_a_run_now_would_take(tuned):
    cells = [cell({"n": n}, reference=1e-3, dots=0.5e-3, threads=0.25e-3) for n in SIZES]
    made = measured(tuned, cells=cells, decision=leaf("dots"))
    assert store.save(made)

    found = found_in(tuned, of(tuned, made.signature, calls({"n": 1000}, 1e-3)))
    texts = [one.text for one in advice(found, "w.json")]

    assert found.saving_s == pytest.approx(0.75)
    assert found.now_saving_s == pytest.approx(0.5)
    assert any("A run now uses it" in text for text in texts)
    assert any("between what is decided and the fastest" in text for text in texts)


def test_calls_that_take_longer_than_when_they_were_measured_are_marked(tuned, recorded):
    alike, slower = (calls({"n": 100_000}, s, served={"dots": 1.0}) for s in (41e-6, 90e-6))
    key = recorded.signature

    found = [found_in(tuned, of(tuned, key, one)).spots[0] for one in (alike, slower)]

    assert [spot.unlike for spot in found] == [False, True]
    assert found[1].expected_s == pytest.approx(41.3e-6)


def test_beyond_the_measured_sizes_nothing_is_promised(tuned, recorded):
    curves = Curves(recorded)

    (spot,) = found_in(tuned, of(tuned, recorded.signature, calls({"n": 10**8}, 1.0))).spots

    assert curves.at({"n": 199_000})
    assert not curves.at({"n": 201_000})
    assert spot.saving_s is None
    assert spot.reason == "beyond the sizes that were measured"


def test_of_several_sizes_times_go_through_what_was_measured(tuned):
    sizes = [{"m": m, "n": n} for m in (1, 30, 1000) for n in (5, 100, 3000)]
    cells = [cell(size, reference=1e-9 * size["m"] * size["n"], dots=2e-9 * size["m"] * size["n"]) for size in sizes]
    curves = Curves(measured(tuned, cells=cells, decision=leaf("reference")))

    between = curves.at({"m": 10, "n": 700})

    assert curves.varying == ("m", "n")
    assert curves.at(sizes[4])["reference"] == pytest.approx(1e-9 * 30 * 100)
    assert between["reference"] == pytest.approx(1e-9 * 7000)
    assert between["dots"] == pytest.approx(2e-9 * 7000)


def test_calls_without_a_record_say_why_then_and_now(tuned, recorded):
    other = recorded.signature.replace("float64", "float32")

    found = found_in(tuned, of(tuned, other, calls({"n": 10}, 1e-6), untuned="not the main thread"))

    assert found.spots[0].reason == "nothing recorded for this signature; when it ran: not the main thread"
    assert found.untuned_s == pytest.approx(1e-3)
    assert advice(found, "my file.json")[0].command == "autotune calibrate --from 'my file.json'"


def test_a_kernel_that_nothing_declares_is_said_to_be_gone(tuned):
    found = found_in(tuned, kernel("gone.away:fast", SignatureCalls("[]", [calls({"n": 3}, 1e-6)])))
    told = advice(found, "w.json")

    assert "nothing that was imported declares it" in found.parts[0].gone
    assert any("gone.away:fast" in one.text and one.warning for one in told)
    assert told[-1].command == "autotune report w.json --module gone.away"


def test_a_kernel_of_a_script_is_found_by_the_script(tuned):
    script = msgspec.structs.replace(kernel("fit:fast", SignatureCalls("[]", [calls({}, 1.0)])), module="__main__")

    told = advice(found_in(tuned, script), "w.json")

    assert told[-1].command == "autotune report w.json --module fit.py"


def edit(recorded, *variants):
    """The store's record as if these variants had been measured in another form."""
    sources = {**recorded.variants.sources, **dict.fromkeys(variants, "0" * 16)}
    edited = msgspec.structs.replace(recorded, variants=msgspec.structs.replace(recorded.variants, sources=sources))
    store.put([edited])
    return edited


def test_after_the_reference_was_edited_nothing_that_was_measured_counts(tuned, recorded):
    edited = edit(recorded, "reference")

    (spot,) = found_in(tuned, of(tuned, recorded.signature, calls({"n": 100_000}, 1e-3))).spots
    about = knowledge.known([recorded.kernel], [tuned])[recorded.kernel]

    assert spot.reason == "the reference was edited since it was measured"
    assert spot.saving_s is None
    assert "reference was edited since it was measured" in about.notes(edited)


def test_where_the_winner_was_edited_since_nothing_is_promised_and_that_is_said(tuned, recorded):
    edit(recorded, "dots")

    by_reference, by_dots = found_in(tuned, of(
        tuned, recorded.signature, calls({"n": 10_000}, 1e-5), calls({"n": 10_001}, 1e-6, served={"dots": 5.0}),
    )).spots  # fmt: skip

    assert by_reference.reason == "dots was edited since it won"
    assert by_reference.saving_s is None
    assert (by_dots.best, by_dots.now, by_dots.saving_s) == ("reference", "", 0)


def test_a_size_between_what_first_use_measured_is_not_decided(tuned):
    assert store.save(measured(tuned, decision=Split("n", 1000, Gap(), leaf("dots"))))
    key = knowledge.known([tuned.__autotune__.kernel.id], [tuned])

    (spot,) = found_in(
        tuned, of(tuned, key["tests.test_report:rms"].records[0].signature, calls({"n": 99}, 1e-6))
    ).spots

    assert spot.reason == "nothing is decided for this size"


def test_a_workload_of_another_machine_is_said_to_be_one(tuned, recorded):
    of_it = of(tuned, recorded.signature, calls({"n": 10}, 1e-6))

    found = found_in(tuned, of_it, machine={"cpu": "Abacus 3000"})

    assert found.other_machine[0].startswith("cpu Abacus 3000, here ")
    assert any("another machine" in one.text for one in advice(found, "w.json"))
    assert not found_in(tuned, of_it).other_machine


def test_launching_is_set_against_the_time_of_the_calls(tuned, recorded):
    found = found_in(tuned, of(tuned, recorded.signature, calls({"n": 10}, 0.5e-6, 1e6)), dispatch_s=1e-7)

    assert found.launch_s == pytest.approx(0.1)
    assert found.spots[0].launch_share == pytest.approx(0.2)
    assert any("out of the loop" in one.text for one in advice(found, "w.json"))


def test_first_calls_are_told_apart_and_no_variant_is_said_to_save_them(tuned, recorded):
    place = round(16 * math.log2(1e-3 / 1e-9))  # of a call of about a millisecond
    first = round(16 * math.log2(4 / 1e-9))
    odd = calls({"n": 100_000}, 1e-3, 1001, total_s=5.0, times={place: 1000.0, first: 1.0})

    found = found_in(tuned, of(tuned, recorded.signature, odd))
    (spot,) = found.spots

    assert spot.slow_calls == 1
    assert spot.slow_s == pytest.approx(4.0, rel=0.05)
    assert 0 < spot.saving_s < 1.2
    assert any("1 call of over 10 times" in one.text for one in advice(found, "w.json"))


def test_what_loading_and_tuning_took_is_told_beside_the_time_of_the_calls(tuned, recorded):
    made = of(tuned, recorded.signature, calls({"n": 10}, 1e-6))

    found = found_in(tuned, msgspec.structs.replace(made, miss_s=2.5))

    assert found.kernel_s == pytest.approx(1e-3)
    assert found.parts[0].miss_s == found.miss_s == 2.5
    assert any("2.5 s beside the calls went into loading" in one.text for one in advice(found, "w.json"))


def test_where_threads_or_processes_called_no_share_of_the_wall_is_told(tuned, recorded):
    of_it = of(tuned, recorded.signature, calls({"n": 10}, 1e-3))

    assert found_in(tuned, of_it).share_of_wall == pytest.approx(0.8)
    assert found_in(tuned, of_it, threads=2).share_of_wall is None
    assert found_in(tuned, of_it, processes=3).share_of_wall is None


def test_the_library_knows_gains_regrets_and_what_loses_most(tuned, recorded):
    found = library.survey(list(knowledge.everything([tuned]).values()))

    assert [about.name for about in found.kernels] == ["rms"]
    assert found.worst()[0].regret == 0.12
    assert "at 2 sizes" in found.audited()
    assert "1 of them over 5 %" in found.audited()


def test_the_distribution_of_regrets_counts_every_size_once():
    drawn = distribution.staircase([0.0, -0.01, 0.02, 0.02, 0.4, math.nan], 0.05, "regrets")
    (path,) = re.findall(r'class="line" d="M[^V]*V[^"]*"', drawn)
    heights = [float(value) for value in re.findall(r"V([\d.]+)", path)]

    low, high = distribution.HEIGHT - distribution.BOTTOM, distribution.TOP
    assert [round((low - height) / (low - high), 2) for height in heights] == [0.4, 0.8, 1.0]
    assert "80 % of the sizes" in drawn
    assert distribution.staircase([], 0.05, "regrets") is None


def test_a_map_shows_who_serves_where_and_gaps_as_gaps(tuned):
    sizes = [{"m": m, "n": n} for m in (1, 30, 1000) for n in (5, 100, 3000)]
    cells = [cell(size, reference=1e-9 * size["n"], dots=1e-7) for size in sizes]
    decision = Split("m", 100, Split("n", 100, leaf("reference"), leaf("dots")), Gap())
    made = measured(tuned, cells=cells, decision=decision)

    drawn = Plots(made, Curves(made), (), in_order([made])).map("map")
    shapes = re.findall(r'<path class="f(\d)" d="([^"]*)"><title>(\w+) serves here', drawn)

    assert {name for _, _, name in shapes} == {"reference", "dots"}
    rights = [float(x) + float(w) for _, path, _ in shapes for x, w in re.findall(r"M([\d.]+) [\d.]+h([\d.]+)", path)]
    assert max(rights) < chart.WIDTH - chart.RIGHT - 150  # where m is over 100, nothing is decided


def test_a_variant_looks_alike_in_all_charts_of_its_kernel(tuned, recorded):
    other = measured(tuned, dtype="float32", cells=[cell({"n": n}, reference=1e-3, threads=1e-4) for n in SIZES],
                     decision=leaf("threads"))  # fmt: skip
    order = in_order([recorded, other])

    one, two = (Plots(record, Curves(record), (), order) for record in (recorded, other))

    assert order == ["reference", "threads", "dots"]
    assert one.style("threads") == two.style("threads") == 1
    assert one.variants == ["reference", "threads", "dots"]
    assert two.variants == ["reference", "threads"]


def test_lines_are_told_apart_without_colour():
    looks = [(style.DASHES[index], chart.MARKERS[index]) for index in range(chart.STYLES)]

    assert len(style.DASHES) == len(chart.MARKERS) == chart.STYLES + 1
    assert len(set(looks)) == chart.STYLES
    assert len(set(chart.MARKERS)) == len(chart.MARKERS)


# -- numbers, axes, markup


@pytest.mark.parametrize(
    ("told", "text"),
    [
        (quantity.duration(0.9996e-3), "1 ms"), (quantity.duration(1.234e-6), "1.23 µs"),
        (quantity.duration(0.0), "0 s"), (quantity.duration(math.nan), "–"), (quantity.duration(math.inf), "–"),
        (quantity.duration(-1.0), "–"), (quantity.duration(600), "10 min"), (quantity.duration(3e-10), "0.3 ns"),
        (quantity.duration(86400.0), "24 h"), (quantity.memory(0), "0 B"), (quantity.memory(1536), "1.54 kB"),
        (quantity.memory(math.inf), "–"), (quantity.count(99_999), "99,999"), (quantity.count(1.5e6), "1.5 M"),
        (quantity.share(0.0004), "< 0.1 %"), (quantity.share(0.0995), "10 %"), (quantity.share(0.1234), "12 %"),
        (quantity.share(math.nan), "–"), (quantity.factor(123.4), "123 x"), (quantity.factor(0.0), "–"),
        (quantity.whole(10**400), "10^400.0"), (quantity.size({}), "any size"),
    ],
)  # fmt: skip
def test_numbers_have_a_unit_and_three_digits(told, text):
    assert told == text


@given(st.lists(st.floats(0, 100), min_size=1, max_size=9))
def test_labels_keep_their_order_and_do_not_overlap(wanted):
    places = axes.spread(wanted, 10.0, 0.0, 100.0)
    order = sorted(range(len(wanted)), key=lambda i: (wanted[i], i))

    gaps = [places[b] - places[a] for a, b in itertools.pairwise(order)]
    assert all(gap >= 10 - 1e-6 for gap in gaps)
    assert min(places) >= -1e-6
    assert max(places) <= 100 + 1e-6


def test_labels_that_do_not_collide_stay_where_they_belong():
    assert axes.spread([80.0, 10.0, 40.0], 10.0, 0.0, 100.0) == [80.0, 10.0, 40.0]


@given(st.floats(-12, 300), st.floats(0.01, 300))
def test_an_axis_has_some_labels_and_not_too_many(low, width):
    axis = axes.spanning([low, low + width], 0, 500)
    labels = [tick.label for tick in axis.ticks() if tick.label]

    assert 1 <= len(labels) <= 12
    assert len(set(labels)) == len(labels)
    assert all(0 <= axis.place(tick.at) <= 500 for tick in axis.ticks())


def test_what_has_no_logarithm_has_no_place():
    assert axes.log10(0) is None
    assert axes.log10(math.inf) is None
    assert axes.log10(math.nan) is None
    assert axes.log10(10**400) == pytest.approx(400)
    assert axes.spanning([math.nan], 0, 1) is None


class Elements(html.parser.HTMLParser):
    """What a browser would make of a page, as far as it matters for safety."""

    def __init__(self, content: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str, str]] = []
        self.text: list[str] = []
        self.open: list[str] = []
        self.feed(content)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


def test_a_coordinate_that_is_not_finite_is_never_written():
    assert markup.tag("rect", x=math.nan, y=math.inf, width=1.26) == '<rect x="0" y="0" width="1.3"></rect>'


@given(st.text())
def test_plain_text_stays_text_in_elements_and_attributes(text):
    made = Elements(markup.tag("p", text, title=text))
    shown = re.sub("\r\n?", "\n", "".join(made.text))

    assert made.tags == {"p"}
    assert not made.open
    assert [name for _, name, _ in made.attributes] == ["title"]
    assert shown == str(html.parser.unescape(markup.text(text)))


HOSTILE = [
    "<script>alert(1)</script>", '"><img src=http://evil.example/x onerror=alert(1)>', "</style></title><svg onload=x>",
    "a\x00b\x1b[2Jc\u202ed\ud800e", "javascript:alert(1)", "&lt;b&gt;", "'; url(http://evil.example)", "x" * 700, "",
]  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_names_from_files_are_never_more_than_text(tuned, recorded, name):
    about = kernel(
        name,
        SignatureCalls(name, [calls({name: 5, "n": 7}, 1e-6, served={name: 10.0}, ranges={name: (1, 9)})], name),
        SignatureCalls(recorded.signature, [calls({"n": 50}, 1e-6, served={name: 10.0})]),
    )
    mine = of(tuned, recorded.signature, calls({"n": 50}, 1e-6, served={name: 10.0}), untuned=name)
    made = workload(about, mine, command=[name], label=name, mode=name, machine={"cpu": name})
    known = knowledge.known((one.kernel for one in made.kernels), [tuned])

    content = page.of_workload(findings.find(made, known), known, name)
    parsed = Elements(content)

    assert not parsed.open
    assert not parsed.tags & {"script", "img", "link", "iframe", "object", "image", "foreignobject"}
    assert not [one for one in parsed.attributes if one[1].startswith("on")]
    assert all(value.startswith("#") for _, attribute, value in parsed.attributes if attribute in ("href", "src"))
    content.encode()  # no lone surrogates
    assert not set(map(ord, content)) & {0, 0x1B, 0x202E}
    out = io.StringIO()
    found = findings.find(made, known)
    report_table.of_workload(Console(file=out, width=100), found, advice(found, name))
    assert "\x1b" not in out.getvalue()


EXTREME = [
    {"n": 0}, {"n": 1}, {"n": 10**300}, {"n": -5}, {}, {"other": 3},
]  # fmt: skip


@pytest.mark.parametrize("size", EXTREME)
@pytest.mark.parametrize("seconds", [0.0, -1.0, 1e-300, 1e300])
def test_numbers_that_have_no_place_are_not_drawn(tuned, recorded, size, seconds):
    odd = calls(
        size,
        seconds,
        1e300,
        tail_s=1e308,
        total_s=1e308,
        allocated_bytes=1e308,
        warm=7.0,
        times={10**9: 1e300, -(10**9): 1e300},
    )
    plain = calls({"n": 500}, 1e-6)
    made = workload(
        of(tuned, recorded.signature, odd, plain),
        of(tuned, recorded.signature, odd),
        dispatch_s=1e308,
        wall_s=1e308,
        cpu_s=1e308,
    )
    known = knowledge.known((one.kernel for one in made.kernels), [tuned])

    found = findings.find(made, known)
    content = page.of_workload(found, known, "w.json")

    json.dumps(report_verb.as_data(found), allow_nan=False)
    drawn = [
        value for tag, _, value in Elements(content).attributes if tag in ("path", "rect", "use", "svg", "text", "b")
    ]
    assert drawn
    assert not [value for value in drawn if re.search(r"\b(nan|inf)\b|\de[+-]?\d", value)]


def test_a_damaged_record_does_not_keep_the_others_from_being_shown(tuned, recorded):
    empty = msgspec.structs.replace(recorded, signature="[]", cells=[])
    odd = msgspec.structs.replace(recorded, signature='[["x"]]', cells=[
        cell({"n": 0}, reference=1e-300, dots=1e300), cell({"m": 4}, reference=1.0), cell({"n": 7}, dots=1.0),
    ])  # fmt: skip
    store.put([empty, odd])

    known = knowledge.everything([tuned])
    content = page.of_library(library.survey(list(known.values())))

    assert not Elements(content).open
    assert content.count("<h4>") >= 3


# -- the terminal


@pytest.mark.parametrize("width", [20, 40, 80, 120, 200])
def test_a_terminal_of_any_width_shows_the_hottest_kernel_and_no_line_beyond_it(tuned, recorded, width):
    found = found_in(tuned, of(tuned, recorded.signature, calls({"n": 1000}, 3e-6, 1e6)))
    out = io.StringIO()

    report_table.of_workload(Console(file=out, width=width), found, advice(found, "w.json"))
    lines = out.getvalue().splitlines()

    assert any("rms" in line for line in lines)
    assert max(map(len, lines)) <= width
    if width >= 80:
        assert "dots" in out.getvalue()


def test_a_report_of_a_thousand_spots_shows_some_and_says_how_many_are_left(tuned, recorded):
    many = [calls({"n": n}, 1e-6) for n in range(10, 1010)]
    found = found_in(tuned, of(tuned, recorded.signature, *many))
    out = io.StringIO()

    report_table.of_workload(Console(file=out, width=120), found, [])

    assert "980 more take 98 % of the time" in out.getvalue()
    known = knowledge.known([part.kernel for part in found.parts], [tuned])
    assert f"{1000 - sections.HOT - sections.FOLDED} more: autotune report --json" in page.of_workload(
        found, known, "w"
    )


# -- the command


@pytest.fixture
def file(tmp_path, tuned, recorded):
    made = workload(of(tuned, recorded.signature, calls({"n": 1000}, 3e-6, 1e6)))
    files.write(tmp_path / "workload.json", made)
    return tmp_path / "workload.json"


def test_the_report_is_printed_written_and_given_as_json(file, tmp_path):
    output = tmp_path / "report.html"

    text = command("report", file, "-o", output).stdout
    data = json.loads(command("report", file, "--json").stdout)

    assert "fit.py --fast" in text
    assert "could not" not in text
    assert "dots" in text
    assert f"report written to {output}" in text
    assert output.read_text().startswith("<!DOCTYPE html>")
    assert data["findings"]["kernels"][0]["spots"][0]["best"] == "dots"
    assert data["findings"]["saving_s"] > 0
    assert [path.name for path in tmp_path.iterdir() if path.name.endswith(".new")] == []


def test_without_a_workload_the_whole_library_is_reported(file, tmp_path):
    output = tmp_path / "report.html"

    text = command("report", "-o", output).stdout
    data = json.loads(command("report", "--json").stdout)

    assert "What tuning gains" in text
    assert "rms" in text
    assert len(data["records"]) == 1
    assert data["held_out"][0]["regret"] == 0.0
    assert "Regret audit" in output.read_text()


def test_what_cannot_be_reported_is_told_with_the_documented_code(file, tmp_path):
    newer = json.loads(file.read_text()) | {"schema": 99}
    (tmp_path / "newer.json").write_text(json.dumps(newer))
    (tmp_path / "damaged.json").write_bytes(file.read_bytes()[:-40])
    (tmp_path / "foreign.json").write_text('{"format": "speedscope"}')
    (tmp_path / "empty.json").write_text(json.dumps(json.loads(file.read_text()) | {"kernels": []}))
    told = {
        name: command("report", tmp_path / f"{name}.json", check=code).stderr
        for name, code in (("damaged", 2), ("empty", 3))
    }
    for name in ("newer", "foreign", "missing"):
        done = CliRunner().invoke(report_verb.command, [str(tmp_path / f"{name}.json")])
        assert done.exit_code == 2
        told[name] = " ".join(done.output.split())

    assert "written by a newer autotune" in told["newer"]
    assert "is no workload that can be read" in told["damaged"]
    assert "speedscope" in told["foreign"]
    assert "cannot be read: No such file" in told["missing"]
    assert "called no tuned kernels" in told["empty"]
    assert not any("Traceback" in text for text in told.values())


def test_what_cannot_be_written_is_told_and_nothing_is_left_behind(file, tmp_path):
    place = tmp_path / "sub"
    place.mkdir()

    directory = command("report", file, "-o", place, check=2).stderr
    nowhere = command("report", file, "-o", tmp_path / "no" / "report.html", check=1).stderr

    assert "is a directory" in directory
    assert "the report cannot be written: No such file or directory; choose another path" in nowhere
    assert not list(place.iterdir())


@posix
def test_a_full_disk_is_told_and_the_old_report_stays(file, tmp_path):
    report = tmp_path / "report.html"
    report.write_text("yesterday's")

    with no_room():
        failed = CliRunner().invoke(report_verb.command, [str(file), "-o", str(report)]).exception

    assert isinstance(failed, WorkloadError)
    assert "the report cannot be written: File too large; choose another path" in str(failed)
    assert report.read_text() == "yesterday's"
    assert sorted(path.name for path in tmp_path.iterdir() if "report" in path.name) == ["report.html"]


def test_an_empty_store_says_what_to_do(file):
    command("db", "clear", "--yes")

    assert "measure it: autotune calibrate" in command("report", check=3).stderr
    assert "nothing recorded for this signature" in command("report", file).stdout
