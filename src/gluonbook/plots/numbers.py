"""Numbers side by side."""

from __future__ import annotations

from collections.abc import Mapping

from gluonbook.plots.figure import BLUE, Figure, axes


def bars(values: Mapping[str, float], *, xlabel: str, log: bool = False) -> Figure:
    """Horizontal bars, one a name, with their values written beside them."""
    fig, ax = axes(size=(6.4, 0.5 + 0.45 * len(values)))
    drawn = ax.barh(list(values), list(values.values()), color=BLUE)
    ax.bar_label(drawn, fmt="%.3g", padding=3)
    ax.invert_yaxis()
    ax.grid(axis="y", visible=False)
    ax.set(xlabel=xlabel)
    ax.margins(x=0.15)
    if log:
        ax.set_xscale("log")
    longest = max(values, key=values.__getitem__)
    listed = ", ".join(f"{name} {value:.3g}" for name, value in values.items())
    fig.alt = f"{len(values)} horizontal bars in {xlabel}: {listed}. The longest is {longest}."
    return fig
