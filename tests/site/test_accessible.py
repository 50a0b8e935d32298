"""axe-core on every page, in light and in dark mode; and the palette's contrast, computed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gluonbook.plots.figure import PALETTE

pytestmark = pytest.mark.slow

AXE = (Path(__file__).parent / "axe/axe.min.js").read_text()
RUN = "axe.run(document, {resultTypes: ['violations'], preload: false})"
GRAPHICS, TEXT = 3.0, 4.5  # the least contrast that WCAG 2.2 asks of lines and of text


def grave(page) -> list[str]:
    """The serious and critical violations of a page, with the places."""
    page.evaluate(AXE)
    return [
        f"{violation['id']} ({violation['impact']}): {node['html'][:150]} {node['failureSummary'][:200]}"
        for violation in page.evaluate(RUN)["violations"]
        if violation["impact"] in ("serious", "critical")
        for node in violation["nodes"]
    ]


@pytest.mark.timeout(3600)  # some 140 pages, each of which takes axe-core a second to six
@pytest.mark.parametrize("mode", ["light", "dark"])
def test_no_page_has_a_serious_violation(mode, visitor, pages, html):
    visitor.page.emulate_media(color_scheme=mode)
    found = {
        str(page.relative_to(html)): violations
        for page in pages
        for violations in [grave(visitor.go(page))]
        if violations
    }
    assert not found
    assert visitor.page.locator("html").get_attribute("data-theme") == mode


def test_a_serious_violation_is_found(visitor, pages):
    page = visitor.go(next(iter(pages)))
    page.evaluate("document.querySelector('article').innerHTML += '<p style=\"color:#eee;background:#fff\">pale</p>'")
    assert any("color-contrast" in violation for violation in grave(page))


def luminance(colour: str) -> float:
    """Relative luminance as WCAG 2.2 defines it."""
    channels = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return sum(weight * channel for weight, channel in zip((0.2126, 0.7152, 0.0722), linear))


def contrast(one: str, other: str) -> float:
    bright, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


def test_contrast_is_computed_as_wcag_does():
    assert contrast("#ffffff", "#000000") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("colour", PALETTE)
def test_lines_of_figures_stand_out_from_their_white_card(colour):
    assert contrast(colour, "#ffffff") >= GRAPHICS


def simulated(colour: str, matrix: list[list[float]]) -> list[float]:
    linear = [(int(colour[place : place + 2], 16) / 255) ** 2.2 for place in (1, 3, 5)]
    return [sum(m * c for m, c in zip(row, linear)) for row in matrix]


# Viénot, Brettel and Mollon 1999, "Digital video colourmaps for checking the legibility of displays by dichromats".
DICHROMATS = {
    "protanope": [[0.11238, 0.88762, 0.0], [0.11238, 0.88762, 0.0], [0.00401, -0.00401, 1.0]],
    "deuteranope": [[0.29275, 0.70725, 0.0], [0.29275, 0.70725, 0.0], [-0.02234, 0.02234, 1.0]],
}


@pytest.mark.parametrize("reader", DICHROMATS)
def test_the_first_two_colours_differ_for_colour_blind_readers(reader):
    blue, vermilion = (simulated(colour, DICHROMATS[reader]) for colour in PALETTE[:2])
    assert max(abs(a - b) for a, b in zip(blue, vermilion)) > 0.2


def test_no_two_lines_differ_by_colour_alone():
    from gluonbook.plots.figure import STYLE

    lines = STYLE["axes.prop_cycle"].by_key()
    assert len(set(map(str, lines["linestyle"]))) == len(PALETTE) == len(set(PALETTE))


def test_the_style_sheet_s_link_colour_is_legible_on_tinted_boxes():
    css = (Path(__file__).parents[2] / "chapters/_static/book.css").read_text()
    colour = re.search(r"--pst-color-link: (#\w{6})", css)[1]
    for ground in ("#ffffff", "#ecf3ff", "#f3f4f5"):
        assert contrast(colour, ground) >= TEXT
