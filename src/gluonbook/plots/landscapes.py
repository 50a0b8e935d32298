"""Ways through a landscape of two coordinates."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Callable

import numpy as np

from gluonbook.plots.figure import PALETTE, Figure, axes
from gluonbook.plots.words import count, number


def contours(
    f: Callable[[np.ndarray], float],
    paths: Mapping[str, np.ndarray],
    *,
    x: tuple[float, float],
    y: tuple[float, float],
    levels: int = 20,
) -> Figure:
    """Contour lines of `f` over the rectangle `x` by `y`, and named paths of shape (points, 2) upon them.

    `f` gets one point of shape (2,); where it is NaN there are no lines. A circle marks where a path starts, a cross
    where it ends.
    """
    fig, ax = axes(size=(6.4, 4.6))
    columns, rows = np.linspace(*x, 121), np.linspace(*y, 121)
    grid = np.stack(np.meshgrid(columns, rows), axis=-1)
    height = np.ma.masked_invalid(np.apply_along_axis(f, -1, grid))
    lines = ax.contour(columns, rows, height, levels=levels, cmap="Greys_r", linewidths=0.7)
    lines.set_clim(height.min() - 0.3 * np.ptp(height), height.max() + 0.3 * np.ptp(height))
    for name, path in paths.items():
        ax.plot(path[:, 0], path[:, 1], label=name, linewidth=1.6)
    told = []
    for i, (name, path) in enumerate(paths.items()):  # after all lines, since each marker takes a turn of the colours
        colour = PALETTE[i % len(PALETTE)]
        ax.plot(*path[0], marker="o", color=colour)
        ax.plot(*path[-1], marker="X", markersize=9, color=colour)
        (a, b), (c, d) = path[0], path[-1]
        told.append(f"{name} goes from ({number(a)}, {number(b)}) to ({number(c)}, {number(d)})")
    ax.set(xlabel="x₁", ylabel="x₂", xlim=x, ylim=y, aspect="equal")
    ax.grid(False)
    fig.legend_outside("lower center", columns=3)
    many = count(len(paths), "path")
    fig.alt = f"Contour lines of a function of two coordinates, with {many}: {'; '.join(told)}."
    return fig
