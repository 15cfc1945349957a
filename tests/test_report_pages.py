"""The pages of the report as they are written: nothing to fetch or to run, every link leads somewhere, colours tell."""

from __future__ import annotations

import re

import pytest

from autotune.profile.report import style
from tests.pages import pages
from tests.test_report import Elements
from tests.test_report_in_browser import LINE_CONTRAST, TEXT_CONTRAST


@pytest.fixture(scope="module")
def written():
    return pages()


@pytest.fixture(params=["workload", "library"])
def content(written, request):
    return written[request.param]


def test_nothing_is_fetched_and_nothing_runs(content):
    made = Elements(content)

    assert not made.tags & {"script", "img", "image", "link", "iframe", "object", "embed", "foreignobject", "base"}
    assert not [name for _, name, _ in made.attributes if name.startswith("on") or name in ("src", "srcset")]
    assert not re.search(r"url\(|@import|@font-face", style.sheet())
    assert ("meta", "content", style.POLICY) in made.attributes


def test_every_link_leads_somewhere_and_every_name_is_given_once(content):
    made = Elements(content)
    names = [value for _, name, value in made.attributes if name == "id"]
    links = {value for _, name, value in made.attributes if name == "href"}

    assert not made.open
    assert links <= {f"#{name}" for name in names}
    assert len(names) == len(set(names))


def test_every_chart_has_a_name_and_its_numbers(content):
    charts = re.findall(r'<svg [^>]*class="chart"[^>]*>', content)
    figures = re.findall(r"<figure>(.*?)</figure>", content, re.DOTALL)

    assert len(charts) > 20
    assert all(re.search(r'aria-label="[^"]', chart) for chart in charts)
    assert sum('class="chart"' in figure for figure in figures) == len(charts)
    assert all("<table" in figure or 'class="areas"' in figure for figure in figures)


# -- colours


def colours(block: str) -> dict[str, str]:
    """The variables of a rule."""
    return dict(re.findall(r"--(\w+): (#\w+);", block))


LIGHT, DARK = (colours(block) for block in re.findall(r":root \{(.*?)\}", style.CSS, re.DOTALL))
(PAPER,) = (colours(block) for block in re.findall(r":root \{(.*?)\}", style.SMALL, re.DOTALL))


def luminance(colour: str) -> float:
    """WCAG 2.2, relative luminance."""
    digits = colour[1:] if len(colour) == 7 else "".join(2 * digit for digit in colour[1:])
    parts = [int(digits[place : place + 2], 16) / 255 for place in (0, 2, 4)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("scheme", [{}, DARK, PAPER], ids=["light", "dark", "paper"])
def test_text_and_lines_stand_out_from_the_background(scheme):
    shown = LIGHT | scheme

    for name in ("fg", "muted", "accent"):
        assert contrast(shown[name], shown["bg"]) >= TEXT_CONTRAST, name
    for name in ("c0", "c1", "c2", "c3"):
        assert contrast(shown[name], shown["bg"]) >= LINE_CONTRAST, name


def test_contrast_is_that_of_the_guidelines():
    assert contrast("#fff", "#000000") == pytest.approx(21)
    assert contrast("#767676", "#fff") == pytest.approx(4.54, abs=0.01)
