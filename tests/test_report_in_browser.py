"""The report as a browser shows it: nothing is loaded, nothing runs, nothing overlaps; light, dark, narrow, on paper.

Where no Chromium is installed these tests are skipped (Debian: ``apt-get install chromium``).
"""

from __future__ import annotations

import json

import pytest

from autotune.profile.report import findings, knowledge, library, page
from autotune.profile.workload import SignatureCalls
from autotune.store import shipped
from autotune.store.record import lookup
from autotune.store.store import Found
from tests.browser import FOUND, browser
from tests.conftest import ROOT
from tests.workloads import calls, kernel, workload

pytestmark = pytest.mark.skipif(FOUND is None, reason="no Chromium is installed: apt-get install chromium")

HOSTILE = "</script><script>window.ran = 1</script><img src=http://evil.example/ onerror='window.ran = 2'>"
#: Contrast of text with what is under it (WCAG 2.2, 1.4.3), and of the lines of charts (1.4.11).
TEXT_CONTRAST, LINE_CONTRAST = 4.5, 2.0

#: Pairs of texts in one chart whose boxes overlap by more than a pixel and a half.
OVERLAPS = """
[...document.querySelectorAll('svg.chart')].flatMap(svg => {
  const boxes = [...svg.querySelectorAll('text')].filter(t => t.textContent).map(t => [t, t.getBoundingClientRect()]);
  return boxes.flatMap(([a, p], i) => boxes.slice(i + 1)
    .filter(([b, q]) => Math.min(p.right, q.right) - Math.max(p.left, q.left) > 1.5
                     && Math.min(p.bottom, q.bottom) - Math.max(p.top, q.top) > 1.5 + 0.25 * p.height)
    .map(([b]) => svg.getAttribute('aria-label') + ': ' + a.textContent + ' / ' + b.textContent));
})
"""
#: Texts that stick out of their chart.
OUTSIDE = """
[...document.querySelectorAll('svg.chart')].flatMap(svg => {
  const s = svg.getBoundingClientRect();
  return [...svg.querySelectorAll('text')].filter(t => t.textContent).filter(t => {
    const b = t.getBoundingClientRect();
    return b.left < s.left - 1 || b.right > s.right + 1 || b.top < s.top - 1 || b.bottom > s.bottom + 1;
  }).map(t => svg.getAttribute('aria-label') + ': ' + t.textContent);
})
"""
#: Contrast ratios of some selectors' colours with the page's background.
CONTRAST = """
(selectors => {
  const linear = c => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  const light = ([r, g, b]) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
  const read = text => text.match(/[\\d.]+/g).slice(0, 3).map(Number);
  const under = light(read(getComputedStyle(document.body).backgroundColor));
  return Object.fromEntries(selectors.map(([selector, property]) => {
    const over = light(read(getComputedStyle(document.querySelector(selector))[property]));
    return [selector, (Math.max(over, under) + 0.05) / (Math.min(over, under) + 0.05)];
  }));
})
"""


def shipped_library() -> dict[str, knowledge.Known]:
    """The records that come with the package, whatever machine this is."""
    (file,) = (ROOT / "tuning_db").glob("*-cores-*.json")
    found: dict[str, dict] = {}
    for record in shipped.read_file(file):
        found.setdefault(record.kernel, {})[record.signature] = record
    return {name: knowledge.Known(name, Found(records, frozenset(), ())) for name, records in found.items()}


def calls_of(record):
    """Calls at some measured sizes, by the winner or by the reference."""
    for index, cell in enumerate(record.cells[:: max(1, len(record.cells) // 4)]):
        who = "reference" if index % 2 else str(lookup(record.decision, cell.size).winner)
        times = {str(measured.candidate): measured.median_s for measured in cell.measurements}
        if who in times:
            yield calls(cell.size, times[who], 1 + 0.1 / times[who], served={who: 10.0}, allocated_bytes=1e6)


def program(known):
    """A workload of all of these kernels, with some that nothing is known of."""
    kernels = [
        kernel(name, *(SignatureCalls(r.signature, list(calls_of(r))) for r in about.records))
        for name, about in known.items()
    ]
    odd = kernel(f"odd:{HOSTILE}", SignatureCalls("", [calls({HOSTILE: 3}, 1e-3, served={HOSTILE: 9.0})], HOSTILE))
    known[odd.kernel] = knowledge.Known(odd.kernel, Found({}, frozenset(), ()))
    return workload(*kernels, odd, command=[HOSTILE], machine={"cpu": HOSTILE})


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """The two kinds of page as files."""
    folder = tmp_path_factory.mktemp("pages")
    known = shipped_library()
    (folder / "library.html").write_text(page.of_library(library.survey(list(known.values()))))
    made = program(known)
    (folder / "workload.html").write_text(page.of_workload(findings.find(made, known), known, "w.json"))
    return folder


@pytest.fixture(scope="module")
def window():
    with browser() as opened:
        yield opened


@pytest.fixture(params=["workload", "library"])
def shown(pages, window, request):
    """A page in a window of the usual size, all of it laid out."""
    window.look()
    window.open(pages / f"{request.param}.html")
    window.value("document.querySelectorAll('.kernel').forEach(k => k.style.contentVisibility = 'visible')")
    return window


def test_nothing_is_loaded_nothing_runs_and_nothing_is_complained_of(shown):
    assert [url.rpartition("/")[2] for url in shown.requests] in (["workload.html"], ["library.html"])
    assert shown.complaints == []
    assert shown.value("window.ran") is None
    assert shown.value("document.scripts.length + document.images.length") == 0


def test_texts_in_charts_neither_overlap_nor_stick_out(shown):
    assert shown.value("document.querySelectorAll('svg.chart').length") > 20
    assert shown.value(OVERLAPS) == []
    assert shown.value(OUTSIDE) == []


@pytest.mark.parametrize("width", [320, 390, 768])
def test_a_narrow_window_scrolls_tables_and_charts_but_not_the_page(shown, width):
    shown.look(width=width)

    assert shown.value("document.documentElement.scrollWidth") <= width
    if width < 700:  # two columns of figures without a hole
        right = "document.querySelector('.tiles').getBoundingClientRect().right"
        assert (
            shown.value(f"{right} - document.querySelector('.tiles div:last-child').getBoundingClientRect().right") < 3
        )


@pytest.mark.parametrize("dark", [False, True])
def test_text_and_lines_stand_out_from_the_background(shown, dark):
    shown.look(dark=dark)
    text = [["body", "color"], [".muted", "color"], ["a", "color"], [".ticks text", "fill"], [".chart .name", "fill"]]
    lines = [[f".s{index}", "fill"] for index in range(4) if shown.value(f"!!document.querySelector('.s{index}')")]

    found = shown.value(f"{CONTRAST}({json.dumps([*text, *lines])})")

    assert shown.value("getComputedStyle(document.body).backgroundColor") == (
        "rgb(20, 23, 26)" if dark else "rgb(255, 255, 255)"
    )
    for selector, ratio in found.items():
        assert ratio >= (LINE_CONTRAST if selector.startswith(".s") else TEXT_CONTRAST), (selector, ratio)


def test_paper_is_white_and_has_no_links_or_folded_tables(shown, tmp_path):
    shown.look(dark=True, media="print")

    assert shown.value("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert shown.value("getComputedStyle(document.body).color") == "rgb(0, 0, 0)"
    assert shown.value("getComputedStyle(document.querySelector('nav')).display") == "none"
    shown.pdf(tmp_path / "page.pdf")
    assert (tmp_path / "page.pdf").read_bytes().startswith(b"%PDF")


def test_every_link_leads_somewhere_and_every_chart_has_a_name_and_its_numbers(shown):
    astray = "[...document.querySelectorAll('a')].filter(a => !document.querySelector(a.getAttribute('href'))).length"
    unnamed = "[...document.querySelectorAll('svg.chart')].filter(s => !s.getAttribute('aria-label')).length"
    bare = """[...document.querySelectorAll('figure:has(.chart)')]
              .filter(f => !f.querySelector('table, .areas')).length"""

    assert shown.value(astray) == 0
    assert shown.value(unnamed) == 0
    assert shown.value(bare) == 0
    assert shown.value("document.querySelectorAll('[id]').length == new Set([...document.querySelectorAll('[id]')].map("
                       "e => e.id)).size")  # fmt: skip


def test_the_numbers_of_a_chart_open_under_it(shown):
    hidden = "document.querySelector('figure details table').checkVisibility()"
    assert shown.value(hidden) is False

    shown.value("document.querySelector('figure details summary').click()")

    assert shown.value(hidden) is True
