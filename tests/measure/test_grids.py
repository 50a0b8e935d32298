"""Choices at the edge of a grid."""

from __future__ import annotations

import numpy as np
import pytest

from gluonbook.measure.grids import at_edge, at_edges

RATES = [0.3, 0.01, 0.1, 0.03]


@pytest.mark.parametrize(
    ("value", "found"),
    {0.01: True, 0.03: False, 0.1: False, 0.3: True, 0.001: True, 1.0: True, 0.05: False}.items(),
)
def test_an_edge_is_where_the_grid_ends_whatever_its_order(value, found):
    assert at_edge(value, RATES) == at_edge(value, sorted(RATES)) == at_edge(value, np.array(RATES)) == found


@pytest.mark.parametrize("grid", [[0.1], [0.1, 0.3], [0.1, 0.1, 0.3]])
def test_two_values_have_nothing_between_them(grid):
    assert all(at_edge(value, grid) for value in grid)


def test_where_a_setting_ends_there_is_no_edge():
    assert not at_edge(0, [0, 0.1, 0.3], ends=[0])
    assert at_edge(0.3, [0, 0.1, 0.3], ends=[0])
    assert at_edges({"decay": 0, "dropout": 0.3}, [0, 0.1, 0.3], ends=[0]) == ["dropout"]


def test_names_share_a_grid_or_have_their_own():
    assert at_edges({"SGD": 0.3, "sign": 0.03, "Adam": 0.01}, RATES) == ["SGD", "Adam"]
    assert at_edges({"SGD": 0.3, "sign": 0.03}, {"SGD": [0.1, 0.3, 1], "sign": RATES, "Adam": []}) == []
    assert at_edges({("sign", 3): np.float64(0.01)}, np.array(RATES)) == [("sign", 3)]


def test_what_cannot_be_judged_is_refused():
    with pytest.raises(ValueError, match=r"chosen\['SGD'\] must be one of \[0.01, 0.03, 0.1, 0.3\], got 2"):
        at_edges({"SGD": 2}, RATES)
    with pytest.raises(ValueError, match=r"grid for each name in chosen, 'SGD' is not among \['sign'\]"):
        at_edges({"SGD": 0.1}, {"sign": RATES})
    with pytest.raises(ValueError, match="chosen must have a value for at least one name, got none"):
        at_edges({}, RATES)
    with pytest.raises(ValueError, match="grid must have a value, got none"):
        at_edge(0.1, [])
    with pytest.raises(ValueError, match=r"each value of grid must be a number in \(-inf, inf\), got nan"):
        at_edge(0.1, [0.1, float("nan")])
    with pytest.raises(ValueError, match=r"value must be a number in \(-inf, inf\), got nan"):
        at_edge(float("nan"), RATES)
