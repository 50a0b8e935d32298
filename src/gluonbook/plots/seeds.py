"""Results of several seeds: every run is shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib as mpl
import numpy as np

from gluonbook.plots.figure import MARKERS, PALETTE, Figure, axes


def spread(results: Mapping[str, Sequence[float]], *, xlabel: str, limits: tuple[float, float] | None = None) -> Figure:
    """One row a name: a bar from the smallest to the largest result of its seeds, each seed a point, a line the mean.

    `limits` are those of the horizontal axis.
    """
    fig, ax = axes(size=(6.4, 0.7 + 0.45 * len(results)))
    told = []
    for row, (name, values) in enumerate(results.items()):
        colour = PALETTE[row % len(PALETTE)]
        low, mean, high = min(values), float(np.mean(values)), max(values)
        ax.barh(row, high - low, left=low, height=0.5, color=colour, alpha=0.2)
        ax.plot([mean, mean], [row - 0.32, row + 0.32], color=colour, linestyle="-")
        ax.plot(
            values, np.full(len(values), row), linestyle="", marker=MARKERS[row % len(MARKERS)], color=colour, alpha=0.8
        )
        told.append(f"{name} {mean:.3g} on average, from {low:.3g} to {high:.3g} over {len(values)} seeds")
    ax.set(xlabel=xlabel, yticks=range(len(results)), yticklabels=list(results), xlim=limits)
    ax.invert_yaxis()
    ax.grid(axis="y", visible=False)
    fig.alt = f"{xlabel[:1].upper()}{xlabel[1:]}, every seed a point: {'; '.join(told)}."
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
        top = int(mean.argmax())
        told.append(f"{name} goes from {mean[0]:.3g} to {mean[-1]:.3g}, and is highest, {mean[top]:.3g}, at {x[top]:g}")
    ax.set(xlabel=xlabel, ylabel=ylabel, xscale="log" if log else "linear")
    if not log:
        ax.xaxis.set_major_locator(mpl.ticker.MaxNLocator(integer=np.issubdtype(np.asarray(x).dtype, np.integer)))
    ax.legend()
    seeds = len(next(iter(results.values())))
    over = f", means over {seeds} seeds" if seeds > 1 else ""
    fig.alt = f"{ylabel[:1].upper()}{ylabel[1:]} by {xlabel}{over}: {'; '.join(told)}."
    return fig
