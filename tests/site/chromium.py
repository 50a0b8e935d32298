"""The machine's own Chromium, or a word that it lacks."""

from __future__ import annotations

import pytest

from gluonbook.book import pdf


def installed_browser() -> str:
    """Where it is; the test is skipped where there is none."""
    try:
        return pdf.browser()
    except pdf.NoBrowser as error:
        pytest.skip(str(error))
