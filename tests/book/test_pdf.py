"""What a machine lacks for printing is said, with what brings it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gluonbook.book import pdf


@pytest.fixture
def machine(tmp_path, monkeypatch) -> Iterator[Path]:
    """Where its programs lie: none yet."""
    monkeypatch.setenv("PATH", str(tmp_path))
    pdf._complaint_of_playwright.cache_clear()
    yield tmp_path
    pdf._complaint_of_playwright.cache_clear()


def program(file: Path, text: str) -> str:
    file.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    file.chmod(0o755)
    return str(file)


def test_no_browser(machine):
    with pytest.raises(pdf.NoBrowser, match=r"^no browser here: none of chromium, .*'apt install chromium' brings one"):
        pdf.browser()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("echo first >&2; echo 'node: no libatomic.so.1' >&2; exit 127", "node: no libatomic.so.1"),
        ("exit 3", "exit status 3"),
    ],
)
def test_a_browser_that_cannot_be_told_what_to_do(machine, monkeypatch, text, said):
    program(machine / "chromium", "exit 0")
    monkeypatch.setattr(sys, "executable", program(machine / "python", text))
    with pytest.raises(pdf.NoBrowser, match=rf"does not run here: {said} \('apt install libatomic1' brings"):
        pdf.browser()


def test_a_browser(machine, monkeypatch):
    found = program(machine / "google-chrome", "exit 0")
    monkeypatch.setattr(sys, "executable", program(machine / "python", "exit 0"))
    assert pdf.browser() == found
