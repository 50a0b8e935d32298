"""Results of several seeds: every run is shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib as mpl
import numpy as np

from gluonbook.plots.figure import MARKERS, PALETTE, SMALL, Figure, axes
from gluonbook.plots.words import alike, count, course, number


def spread(
    results: Mapping[str, Sequence[float]],
    *,
    xlabel: str,
    limits: tuple[float, float] | None = None,
    point: str = "seed",
) -> Figure:
    """One row a name: a bar from the smallest to the largest result of its seeds, each seed a point, a line the mean.

    `limits` are those of the horizontal axis; `point` says what else the points are, such as "worker".
    """
    fig, ax = axes(size=(6.4, 0.7 + 0.45 * len(results)))
    ax.use_sticky_edges = False  # where the bars begin, points would be cut in half
    told = []
    for row, (name, values) in enumerate(results.items()):
        colour = PALETTE[row % len(PALETTE)]
        low, mean, high = min(values), float(np.mean(values)), max(values)
        ax.barh(row, high - low, left=low, height=0.5, color=colour, alpha=0.2)
        ax.plot([mean, mean], [row - 0.32, row + 0.32], color=colour, linestyle="-")
        ax.plot(
            values, np.full(len(values), row), linestyle="", marker=MARKERS[row % len(MARKERS)], color=colour, alpha=0.8
        )
        between = "" if alike((low, high)) else f" on average, {course((low, high))}"
        told.append(f"{name} {number(mean)}{between} over {count(len(values), point)}")
    ax.set(xlabel=xlabel, yticks=range(len(results)), yticklabels=list(results), xlim=limits)
    ax.invert_yaxis()
    ax.grid(axis="y", visible=False)
    fig.alt = f"{xlabel[:1].upper()}{xlabel[1:]}, every {point} a point: {'; '.join(told)}."
    return fig


def seed_curves(
    x: Sequence[float], results: Mapping[str, np.ndarray], *, xlabel: str, ylabel: str, log: bool = False
) -> Figure:
    """A curve a name through the means over seeds, each seed a point; every result has shape (seeds, len(x)).

    `log` makes the horizontal axis logarithmic.
    """
    fig, ax = axes()
    told = []
    for i, (name, values) in enumerate(results.items()):
        values, colour = np.asarray(values), PALETTE[i % len(PALETTE)]
        mean = values.mean(axis=0)
        ax.plot(x, mean, label=name)
        ax.plot(x, values.T, linestyle="", marker=MARKERS[i % len(MARKERS)], markersize=4, color=colour, alpha=0.5)
        told.append(f"{name} {_way(x, mean)}")
    ax.set(xlabel=xlabel, ylabel=ylabel, xscale="log" if log else "linear")
    if not log:
        ax.xaxis.set_major_locator(mpl.ticker.MaxNLocator(integer=np.issubdtype(np.asarray(x).dtype, np.integer)))
    if len(results) > 3:  # too many names to find room among the curves
        fig.legend_outside("upper center", columns=2, fontsize=SMALL)
    else:
        ax.legend()
    seeds = len(next(iter(results.values())))
    over = f", means over {seeds} seeds" if seeds > 1 else ""
    fig.alt = f"{ylabel[:1].upper()}{ylabel[1:]} by {xlabel}{over}: {'; '.join(told)}."
    return fig


def _way(x: Sequence[float], mean: np.ndarray) -> str:
    if alike(mean):
        return f"is {course(mean)}"
    top = int(np.nanargmax(mean))
    return f"goes {course(mean)}, and is highest, {number(mean[top])}, at {number(x[top])}"
