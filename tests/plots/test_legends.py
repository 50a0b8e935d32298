"""A legend beside the axes lies within its figure, however long its names are: nothing of it is cut."""

from __future__ import annotations

import numpy as np
import pytest

from gluonbook import plots
from gluonbook.plots import moving

LONG = [f"a network of {n} layers with momentum" for n in (1, 2, 4, 8, 16)]
X, TIMES = np.arange(1, 6), np.linspace(0, 3, 31)
CURVES = {name: X * (i + 1.0) for i, name in enumerate(LONG)}
SEEDS = {name: np.stack([values, values + 1]) for name, values in CURVES.items()}
FIGURES = {
    "bands": lambda: plots.bands(X, SEEDS, xlabel="step", ylabel="loss"),
    "bands with guides": lambda: plots.bands(X, {"a": X}, xlabel="step", ylabel="loss", guides=CURVES),
    "lines": lambda: plots.lines(CURVES, xlabel="step", ylabel="loss"),
    "seeds": lambda: plots.seed_curves(X, SEEDS, xlabel="step", ylabel="loss"),
    "two panels": lambda: plots.panels({"loss": SEEDS, "accuracy": SEEDS}, xlabel="epoch"),
    "drones": lambda: moving.drones(TIMES, {name: np.exp(-TIMES) for name in LONG})._strip,
}


@pytest.mark.parametrize("figure", FIGURES)
def test_a_legend_is_not_cut(figure):
    fig = FIGURES[figure]()
    fig.draw_without_rendering()
    (legend,) = fig.legends
    place = legend.get_window_extent()
    assert [text.get_text() for text in legend.get_texts()][-len(LONG) :] == LONG
    assert place.xmin >= 0 and place.ymin >= 0 and place.xmax <= fig.bbox.xmax and place.ymax <= fig.bbox.ymax
    assert not any(place.overlaps(ax.get_window_extent()) for ax in fig.axes)


def test_short_names_stand_in_as_many_columns_as_were_asked_for():
    fig = plots.bands(X, dict.fromkeys("abcd", X), xlabel="step", ylabel="loss")
    fig.draw_without_rendering()
    (legend,) = fig.legends
    assert len({text.get_window_extent().ymin for text in legend.get_texts()}) == 1
