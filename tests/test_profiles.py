"""Profiles: the variable chooses, sizes alone differ."""

from __future__ import annotations

from dataclasses import asdict

import pytest

from gluonbook import datasets
from gluonbook.profiles import NAMES, VARIABLE, profile


def test_quick_is_the_default(monkeypatch):
    monkeypatch.delenv(VARIABLE, raising=False)
    assert profile().name == "quick"
    monkeypatch.setenv(VARIABLE, "")
    assert profile().name == "quick"


@pytest.mark.parametrize("name", NAMES)
def test_the_variable_chooses(monkeypatch, name):
    monkeypatch.setenv(VARIABLE, name)
    assert profile().name == name
    assert profile() == profile(name)


def test_an_unknown_profile_is_refused_with_the_legal_ones(monkeypatch):
    monkeypatch.setenv(VARIABLE, "fast")
    with pytest.raises(ValueError, match=r"'fast'.*'quick', 'ci', 'full'"):
        profile()


def test_data_sets_exist():
    for name in NAMES:
        named = {key: value for key, value in asdict(profile(name)).items() if key.endswith("_data")}
        assert named
        assert set(named.values()) <= set(datasets.NAMES)
