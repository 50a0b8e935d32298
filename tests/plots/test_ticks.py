"""A logarithmic axis bears at least two numbers, wherever it begins and however far it goes."""

from __future__ import annotations

import numpy as np
import pytest

from gluonbook import plots


def numbers(axis):
    """What is written along an axis, within the axes."""
    low, high = sorted(axis.get_view_interval())
    ticks = zip(axis.get_ticklocs(), axis.get_majorticklabels())
    more = zip(axis.get_ticklocs(minor=True), axis.get_minorticklabels())
    return [label.get_text() for at, label in (*ticks, *more) if low <= at <= high and label.get_text()]


@pytest.mark.parametrize("start", [1e-5, 0.03, 0.9, 1, 1.1])
@pytest.mark.parametrize("span", [3, 9, 10, 11, 40, 1e4])
def test_a_logarithmic_axis_bears_two_numbers(start, span):
    x = np.geomspace(start, start * span, 4)
    fig = plots.bands(x, {"a": x}, xlabel="rate", ylabel="loss", log="xy")
    fig.bundle()
    (ax,) = fig.axes
    assert len(numbers(ax.xaxis)) >= 2
    assert len(numbers(ax.yaxis)) >= 2


def test_rates_over_one_decade_are_numbered_by_numbers_that_people_read():
    fig = plots.bands([0.03, 0.1, 0.3], {"a": np.ones(3)}, xlabel="rate", ylabel="accuracy", log="x")
    fig.bundle()
    assert numbers(fig.axes[0].xaxis) == ["0.05", "0.1", "0.2"]
