"""Who talks to whom."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gluonbook.plots.figure import BLUE, VERMILION, Figure, axes
from gluonbook.plots.words import count


def network(places: Mapping[str, tuple[float, float]], links: Sequence[tuple[str, str]]) -> Figure:
    """Boxes at their places (column, row from below), and arrows in both directions between those that talk.

    Boxes without any link are drawn in another colour.
    """
    columns, rows = ([place[axis] for place in places.values()] for axis in (0, 1))
    fig, ax = axes(size=(1.6 + 1.7 * (max(columns) - min(columns)), 0.7 + 0.8 * (max(rows) - min(rows))))
    talking = {name for link in links for name in link}
    boxes = {}
    for name, place in places.items():
        style = {
            "boxstyle": "round,pad=0.4",
            "facecolor": "white",
            "edgecolor": BLUE if name in talking else VERMILION,
        }
        boxes[name] = ax.text(*place, name, ha="center", va="center", bbox=style, zorder=3)
    for one, other in links:
        ends = {"patchA": boxes[one].get_bbox_patch(), "patchB": boxes[other].get_bbox_patch()}
        ax.annotate("", places[other], places[one], arrowprops={"arrowstyle": "<|-|>", "color": "grey", **ends})
    ax.set(xlim=(min(columns) - 0.6, max(columns) + 0.6), ylim=(min(rows) - 0.4, max(rows) + 0.4))
    ax.axis("off")
    told = "; ".join(f"{one} with {other}" for one, other in links)
    fig.alt = f"A diagram of {count(len(places), 'box', 'boxes')}: {', '.join(places)}. Arrows join {told or 'none'}."
    return fig
