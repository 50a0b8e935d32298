"""The sheet of a bundle, in a browser."""

from __future__ import annotations

import re

import pytest
from test_accessible import grave
from test_browser import NARROWEST

from gluonbook.book.sheet import sheet

pytestmark = pytest.mark.slow


@pytest.fixture
def page(visitor, book, bare_site):
    """The sheet, opened where a bundle has it."""
    file = bare_site / "START_HERE.html"
    file.write_text(sheet(book, bare_site, ["3.9", "3.10", "3.11"], ["fashion_mnist"], "2026-11-21"))
    visitor.site = bare_site
    return visitor.go(file)


def test_it_prints_on_one_page(page):
    printed = page.pdf(prefer_css_page_size=True)
    assert len(re.findall(rb"/Type\s*/Page\b", printed)) == 1


def test_it_is_accessible_and_fits_a_telephone(page):
    assert not grave(page)
    page.set_viewport_size({"width": NARROWEST, "height": 640})
    assert page.evaluate("document.documentElement.scrollWidth") <= NARROWEST
