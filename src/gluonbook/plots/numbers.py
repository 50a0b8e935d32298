"""Numbers side by side."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from gluonbook.plots.figure import BLACK, BLUE, PALETTE, SMALL, Figure, axes
from gluonbook.plots.words import count, number

_HATCHES = ("", "///", "...", "xx", "\\\\\\", "--")


def bars(values: Mapping[str, float], *, xlabel: str, log: bool = False) -> Figure:
    """Horizontal bars, one a name, with their values written beside them."""
    fig, ax = axes(size=(6.4, 0.5 + 0.45 * len(values)))
    drawn = ax.barh(list(values), list(values.values()), color=BLUE)
    ax.bar_label(drawn, [number(value) for value in values.values()], padding=3)
    ax.invert_yaxis()
    ax.grid(axis="y", visible=False)
    ax.set(xlabel=xlabel)
    ax.margins(x=0.15)
    if log:
        ax.set_xscale("log")
    longest = max(values, key=lambda name: np.nan_to_num(values[name], nan=-np.inf))
    listed = ", ".join(f"{name} {number(value)}" for name, value in values.items())
    fig.alt = f"{count(len(values), 'horizontal bar')} in {xlabel}: {listed}. The longest is {longest}."
    return fig


def stacked(values: Mapping[str, Mapping[str, float]], *, xlabel: str) -> Figure:
    """Horizontal bars, one a name, each made of its parts one after the other; a part has the same look in all."""
    fig, ax = axes(size=(6.4, 1.1 + 0.55 * len(values)))
    parts = list(dict.fromkeys(part for own in values.values() for part in own))
    for i, part in enumerate(parts):
        lengths = [own.get(part, 0.0) for own in values.values()]
        before = [sum(own.get(other, 0.0) for other in parts[:i]) for own in values.values()]
        hatch = _HATCHES[(i + i // len(PALETTE)) % len(_HATCHES)]  # no two of 36 parts look alike
        look = {"color": PALETTE[i % len(PALETTE)], "hatch": hatch, "edgecolor": "white"}
        ax.barh(list(values), lengths, left=before, height=0.6, linewidth=0.3, label=part, **look)
    ax.invert_yaxis()
    ax.grid(axis="y", visible=False)
    ax.set(xlabel=xlabel)
    fig.legend_outside("upper center", columns=4, fontsize=SMALL)
    told = [
        f"{name}: {', '.join(f'{part} {number(length)}' for part, length in own.items())}, "
        f"together {number(sum(own.values()))}"
        for name, own in values.items()
    ]
    fig.alt = f"{count(len(values), 'horizontal bar')} in {xlabel}, made of parts. {'; '.join(told)}."
    return fig


def bar_panels(panels: Mapping[str, Mapping[str, float]]) -> Figure:
    """Panels side by side, each under its title with horizontal bars for the same names, their values beside them."""
    height = 0.8 + 0.45 * len(next(iter(panels.values())))
    fig, places = axes(1, len(panels), size=(6.4, height), sharey=True, squeeze=False)
    told = []
    for i, (ax, (title, values)) in enumerate(zip(places.flat, panels.items())):
        drawn = ax.barh(list(values), list(values.values()), color=PALETTE[i % len(PALETTE)])
        ax.bar_label(drawn, [number(value) for value in values.values()], padding=3)
        ax.set_title(title)
        ax.set_xticks([])
        ax.grid(visible=False)
        ax.margins(x=0.3)
        told.append(f"{title}: " + ", ".join(f"{name} {number(value)}" for name, value in values.items()))
    places[0, 0].invert_yaxis()
    fig.alt = f"{count(len(panels), 'panel')} of horizontal bars. {'. '.join(told)}."
    return fig


def ratios(values: Mapping[str, Sequence[float]], *, xlabel: str) -> Figure:
    """Ratios of many rounds, one row a name, on a logarithmic axis with a line at 1.

    A dot is the median, a bar the middle half of the rounds (first to third quartile).
    """
    fig, ax = axes(size=(6.4, 0.8 + 0.4 * len(values)))
    quartiles = {name: np.percentile(rounds, [25, 50, 75]) for name, rounds in values.items()}
    sentences = []
    for row, (name, (low, middle, high)) in enumerate(quartiles.items()):
        ax.plot([low, high], [row, row], color=BLUE, linestyle="-", linewidth=5, alpha=0.35, solid_capstyle="butt")
        ax.plot(middle, row, color=BLUE, marker="o")
        behind = {"facecolor": "white", "edgecolor": "none", "pad": 0.5}  # it may stand on the line at 1
        place = {"xytext": (0, 6), "textcoords": "offset points", "ha": "center"}
        first, median, third = (number(ratio, 2) for ratio in (low, middle, high))
        ax.annotate(median, (middle, row), **place, fontsize=SMALL, bbox=behind)
        sentences.append(f"{name} {median} (middle half {first} to {third})")
    ax.axvline(1, color=BLACK, linestyle="-", linewidth=1)
    ax.set(xscale="log", xlabel=xlabel, yticks=range(len(values)), yticklabels=list(values))
    ax.set_ylim(len(values) - 0.5, -0.7)
    ticks = [tick for tick in (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100) if _near(tick, quartiles.values())]
    ax.set_xticks(ticks, labels=[f"{tick:g}" for tick in ticks])
    ax.minorticks_off()
    ax.grid(axis="y", visible=False)
    fig.alt = f"{count(len(values), 'dot')} for {xlabel}, with bars for the spread: {'; '.join(sentences)}."
    return fig


def _near(tick: float, quartiles: Iterable[np.ndarray]) -> bool:
    low, high = min(1.0, *(q[0] for q in quartiles)), max(1.0, *(q[2] for q in quartiles))
    return low / 1.3 <= tick <= 1.3 * high


def fitted(
    x: Sequence[float], measured: Sequence[float], model: Sequence[float], *, xlabel: str, ylabel: str
) -> Figure:
    """Measured points, and the line that a model draws through them, on two logarithmic axes."""
    fig, ax = axes()
    ax.plot(x, model, label="model")
    ax.plot(x, measured, linestyle="", marker="o", label="measured")
    ax.set(xlabel=xlabel, ylabel=ylabel, xscale="log", yscale="log")
    ax.legend()
    off = np.maximum(np.divide(measured, model), np.divide(model, measured))
    fig.alt = (
        f"{count(len(x), 'point')} of {ylabel} by {xlabel}, both logarithmic: from {number(measured[0])} at "
        f"{number(x[0])} to {number(measured[-1])} at {number(x[-1])}. "
        f"The model's line is off by a factor of {number(off.max())} at most."
    )
    return fig
