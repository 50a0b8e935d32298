"""Heat maps over a grid of settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from gluonbook.plots.figure import SMALL, Figure, axes
from gluonbook.plots.words import count, number


def heat_maps(
    maps: Mapping[str, np.ndarray],
    rows: Mapping[str, Sequence[float]],
    columns: Mapping[str, Sequence[float]],
    *,
    xlabel: str,
    ylabel: str,
    value: str,
    broken: str = "broke down",
    limits: tuple[float, float] | None = None,
) -> Figure:
    """A panel a name, two side by side: cell (i, j) holds `maps[name][i, j]`, reached with `rows[name][i]` and
    `columns[name][j]`.

    `value` says what is shown, the darker the larger; its number is written into each cell, with two digits. A cell
    that is NaN is white, with a cross, and `broken` says what that means. `limits` are those of the colours, by default
    the smallest and the largest value of all panels.
    """
    wide = min(len(maps), 2)  # three and more abreast cannot be read on a phone
    high = -(-len(maps) // wide)
    fig, panels = axes(high, wide, size=(0.8 + 2.8 * wide, 0.9 + 2.6 * high), squeeze=False)
    for ax in panels.flat[len(maps) :]:
        ax.remove()
    finite = np.concatenate([np.ravel(grid)[np.isfinite(np.ravel(grid))] for grid in maps.values()])
    lowest, highest = limits or ((finite.min(), finite.max()) if len(finite) else (0.0, 1.0))
    told = []
    for ax, (name, grid) in zip(panels.flat, maps.items()):
        shown = ax.imshow(grid, cmap="cividis_r", vmin=lowest, vmax=highest, aspect="auto", origin="lower")
        ax.grid(False)
        for i, j in np.ndindex(grid.shape):
            if np.isnan(grid[i, j]):
                ax.text(j, i, "×", ha="center", va="center", color="black", fontsize="large")
            else:
                dark = grid[i, j] > (lowest + highest) / 2
                colour = "white" if dark else "black"
                ax.text(j, i, number(grid[i, j], 2), ha="center", va="center", color=colour, fontsize=SMALL)
        ax.set(title=name, xlabel=xlabel, xticks=range(len(columns[name])), yticks=range(len(rows[name])))
        ax.set_xticklabels([f"{tick:g}" for tick in columns[name]])
        ax.set_yticklabels([f"{tick:g}" for tick in rows[name]])
        told.append(f"{name}: {_told(grid, rows[name], columns[name], xlabel, ylabel, broken)}")
    for ax in panels[:, 0]:
        ax.set_ylabel(ylabel)
    bar = f"{value}  (×: {broken})"
    fig.colorbar(shown, ax=fig.axes, label=bar, orientation="horizontal", fraction=0.1, aspect=40, shrink=0.8)
    many = count(len(maps), "heat map")
    fig.alt = f"{many} of the {value}, {ylabel} upwards, {xlabel} to the right. {' '.join(told)}"
    return fig


def _told(
    grid: np.ndarray, rows: Sequence[float], columns: Sequence[float], xlabel: str, ylabel: str, broken: str
) -> str:
    lost = int(np.isnan(grid).sum())
    crosses = f"{lost} of {count(grid.size, 'cell')} {broken}"
    if lost == grid.size:
        return f"{crosses}."
    ends = []
    for word, place in (("smallest", np.nanargmin(grid)), ("largest", np.nanargmax(grid))):
        i, j = map(int, np.unravel_index(place, grid.shape))
        ends.append(f"{word} {number(grid[i, j])} at {ylabel} {number(rows[i])} and {xlabel} {number(columns[j])}")
    return f"{', '.join(ends)}; {crosses}."
