"""Profiles: the variable chooses; sizes and data alone differ."""

from __future__ import annotations

import copy
import pickle

import pytest

from gluonbook import datasets
from gluonbook.profiles import NAMES, VARIABLE, digits_or, profile, sizes


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
    with pytest.raises(ValueError, match=f"'mnits'; there are {', '.join(datasets.NAMES)}$"):
        digits_or("mnits")


IN_QUICK = {"images": 1500, "rate": 0.1, "workers": (1, 2)}
IN_FULL = {"images": 60_000, "rate": 0.01, "workers": (1, 2, 4)}


def test_sizes_are_those_of_the_profile_and_ci_says_what_differs_from_quick(monkeypatch):
    made = {}
    for name in NAMES:
        monkeypatch.setenv(VARIABLE, name)
        made[name] = vars(sizes(quick=IN_QUICK, full=IN_FULL, ci={"images": 3000}))
    assert made == {"quick": IN_QUICK, "ci": {**IN_QUICK, "images": 3000}, "full": IN_FULL}


def test_without_its_own_sizes_ci_has_those_of_quick(monkeypatch):
    monkeypatch.setenv(VARIABLE, "ci")
    size = sizes(quick=IN_QUICK, full=IN_FULL)
    assert (size.images, size.rate, size.workers) == (1500, 0.1, (1, 2))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("others", "what"),
    [
        ({"full": {**IN_FULL, "image": 1}}, "full has the unknown 'image'"),
        ({"full": IN_FULL, "ci": {"rat": 0.1, "work": 2}}, "ci has the unknown 'rat', 'work'"),
        ({"full": {"images": 60_000, "workers": (1,)}}, "full lacks 'rate'"),
    ],
    ids=["unknown in full", "unknown in ci", "missing in full"],
)
def test_a_slip_in_any_profile_is_refused_in_all_with_the_legal_names(monkeypatch, name, others, what):
    monkeypatch.setenv(VARIABLE, name)
    with pytest.raises(ValueError, match=f"^{what}; the sizes of quick are 'images', 'rate', 'workers'$"):
        sizes(quick=IN_QUICK, **others)


def test_a_size_that_there_is_not_is_refused_with_the_legal_names():
    size = sizes(quick=IN_QUICK, full=IN_FULL)
    with pytest.raises(AttributeError, match=r"^no size 'image'; there are 'images', 'rate', 'workers'$"):
        size.image  # noqa: B018


def test_sizes_can_be_copied_and_pickled():
    size = sizes(quick=IN_QUICK, full=IN_FULL)
    assert copy.deepcopy(size) == pickle.loads(pickle.dumps(size)) == size
