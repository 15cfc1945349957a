"""The report as a browser shows it: nothing is loaded, nothing runs, nothing overlaps; light, dark, narrow, on paper.

Where none is on the path these tests are skipped (Debian: ``apt-get install chromium``). What needs no browser stands
in `test_report_pages`.
"""

from __future__ import annotations

import json

import pytest

from tests.browser import FOUND, browser
from tests.pages import pages

pytestmark = pytest.mark.skipif(FOUND is None, reason="no Chromium or Chrome is on the path: apt-get install chromium")

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


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The two kinds of page as files."""
    folder = tmp_path_factory.mktemp("pages")
    for name, content in pages().items():
        (folder / f"{name}.html").write_text(content)
    return folder


@pytest.fixture(scope="module")
def window():
    with browser() as opened:
        yield opened


@pytest.fixture(params=["workload", "library"])
def shown(folder, window, request):
    """A page in a window of the usual size, all of it laid out."""
    window.look()
    window.open(folder / f"{request.param}.html")
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


def test_the_numbers_of_a_chart_open_under_it(shown):
    hidden = "document.querySelector('figure details table').checkVisibility()"
    assert shown.value(hidden) is False

    shown.value("document.querySelector('figure details summary').click()")

    assert shown.value(hidden) is True
