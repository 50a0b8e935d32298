"""Profiles: the variable chooses; sizes and data alone differ."""

from __future__ import annotations

import pytest

from gluonbook import datasets
from gluonbook.profiles import NAMES, VARIABLE, digits_or, profile


def test_quick_is_the_default(monkeypatch):
    monkeypatch.delenv(VARIABLE, raising=False)
    assert profile() == "quick"
    monkeypatch.setenv(VARIABLE, "")
    assert profile() == "quick"


@pytest.mark.parametrize("name", NAMES)
def test_the_variable_chooses(monkeypatch, name):
    monkeypatch.setenv(VARIABLE, name)
    assert profile() == name


def test_an_unknown_profile_is_refused_with_the_legal_ones(monkeypatch):
    monkeypatch.setenv(VARIABLE, "fast")
    with pytest.raises(ValueError, match=r"'fast'.*'quick', 'ci', 'full'"):
        profile()


@pytest.mark.parametrize("name", NAMES)
def test_data_are_the_digits_in_quick_and_the_named_set_otherwise(monkeypatch, name):
    monkeypatch.setenv(VARIABLE, name)
    taken = {data: digits_or(data) for data in datasets.NAMES}
    assert taken == {data: "digits" if name == "quick" else data for data in datasets.NAMES}


def test_an_unknown_data_set_is_refused_in_quick_too():
    with pytest.raises(ValueError, match=f"'mnits'; there are {', '.join(datasets.NAMES)}"):
        digits_or("mnits")
