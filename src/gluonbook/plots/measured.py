"""Measured curves with the spread of their runs, beside what theory says of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes

from gluonbook.plots.figure import BLACK, MARKERS, PALETTE, SMALL, Figure, axes
from gluonbook.plots.words import alike, course, number

_GUIDES = ("-", (0, (6, 3)), (0, (2, 2)))


def bands(
    x: Sequence[float],
    results: Mapping[str, np.ndarray],
    *,
    xlabel: str,
    ylabel: str,
    guides: Mapping[str, Sequence[float]] | None = None,
    log: str = "",
) -> Figure:
    """A curve a name through the means over runs, with a band from the smallest to the largest run.

    Every result has shape (runs, len(x)), or (len(x),) for a curve without a band. `guides` are thin black curves over
    the same x, for a bound or a slope to compare with. `log` names the logarithmic axes: "", "x", "y" or "xy".

    Raises:
        ValueError: `log` is something else, or a result or guide does not have one value for each x.
    """
    if log not in ("", "x", "y", "xy"):
        raise ValueError(f"log is {log!r}; it must be '', 'x', 'y' or 'xy'")
    fig, ax = axes()
    told = []
    for i, (name, values) in enumerate({**results, **(guides or {})}.items()):
        runs = np.atleast_2d(np.asarray(values, dtype=float))
        if runs.ndim != 2 or runs.shape[1] != len(x):
            raise ValueError(f"{name} has shape {np.asarray(values).shape}: it needs {len(x)} values, one for each x")
        mean = runs.mean(axis=0)
        if name in results:
            _banded(ax, x, runs, i, label=name)
        else:
            ax.plot(x, mean, label=name, color=BLACK, linestyle=_GUIDES[(i - len(results)) % 3], linewidth=0.9)
        told.append(f"{name} {_way(np.asarray(x), mean)}")
    scales = {axis: "log" if axis in log else "linear" for axis in "xy"}
    ax.set(xlabel=xlabel, ylabel=ylabel, xscale=scales["x"], yscale=scales["y"])
    if len(told) > 3:
        fig.set_figheight(3.8)
        fig.legend_outside("lower center", columns=4)
    elif len(told) > 1:
        ax.legend()
    fig.alt = f"{ylabel[:1].upper()}{ylabel[1:]} by {xlabel}, {course((x[0], x[-1]))}: {'; '.join(told)}."
    return fig


def panels(quantities: Mapping[str, Mapping[str, np.ndarray]], *, xlabel: str, log: Sequence[str] = ()) -> Figure:
    """A panel a quantity, two side by side; in it a curve a name through the means over seeds, and a band from the
    lowest to the highest.

    `quantities[quantity][name]` has shape (seeds, points), points numbered from 1. Quantities in `log` get a
    logarithmic vertical axis.
    """
    across = min(len(quantities), 2)  # three and more abreast cannot be read on a phone
    rows = -(-len(quantities) // across)
    fig, places = axes(rows, across, size=(3.2 * across, 3.2 * rows + 0.2), squeeze=False)
    told = []
    for ax, (quantity, curves) in zip(places.flat, quantities.items()):
        for i, (name, values) in enumerate(curves.items()):
            x = np.arange(1, values.shape[1] + 1)
            mean = values.mean(axis=0)
            _banded(ax, x, values, i, label=name, marker=MARKERS[i % len(MARKERS)], markersize=3)
            last = values[:, -1]
            ends = "" if alike(last) else f", at the end {course((last.min(), last.max()))}"
            told.append(f"{quantity}, {name}: {number(mean[0])} to {number(mean[-1])}{ends}")
        ax.set(xlabel=xlabel, title=quantity, yscale="log" if quantity in log else "linear")
        ax.xaxis.set_major_locator(mpl.ticker.MaxNLocator(integer=True))
    if len(quantities) < places.size:  # there is a place for the names
        places.flat[-1].axis("off")
        places.flat[-1].legend(*places.flat[0].get_legend_handles_labels(), loc="center", frameon=False)
    else:
        fig.legend_outside("upper center", *places.flat[0].get_legend_handles_labels(), columns=3, fontsize=SMALL)
    seeds = len(next(iter(next(iter(quantities.values())).values())))
    what = f"Means over {seeds} seeds" if seeds > 1 else "Curves of one seed"
    spread = ", with bands from the lowest to the highest" if seeds > 1 else ""
    fig.alt = f"{what} by {xlabel}{spread}. {'; '.join(told)}."
    return fig


def _way(x: np.ndarray, mean: np.ndarray) -> str:
    """Where a curve goes, and where it is lowest and highest, if that is not at its ends; only where it is drawn."""
    drawn = np.isfinite(mean)
    if drawn.any() and not drawn.all():
        return f"{_way(x[drawn], mean[drawn])}, drawn {course((x[drawn][0], x[drawn][-1]))}"
    if not drawn.any() or alike(mean):
        return course(mean)
    ends = number(mean[0]), number(mean[-1])
    between = [
        f", {word} {number(mean[at])} at {number(x[at])}"
        for word, at in (("at least", mean.argmin()), ("at most", mean.argmax()))
        if number(mean[at]) not in ends
    ]
    return f"{course(mean)}{''.join(between)}"


def _banded(ax: Axes, x: Sequence[float] | np.ndarray, runs: np.ndarray, i: int, **line: Any) -> None:
    """The i-th curve of its axes: the mean over runs, and the band from the smallest to the largest of them."""
    ax.plot(x, runs.mean(axis=0), **line)
    if len(runs) > 1:
        colour = PALETTE[i % len(PALETTE)]
        ax.fill_between(x, runs.min(axis=0), runs.max(axis=0), color=colour, alpha=0.2, linewidth=0)
