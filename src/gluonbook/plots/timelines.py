"""What Python asked of MXNet, and when the engine did it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from gluonbook.plots.figure import BLACK, BLUE, SMALL, VERMILION, Figure, axes
from gluonbook.plots.words import count, number

if TYPE_CHECKING:
    from gluonbook.measure.timeline import Recording

# Where a kind of span is drawn, and how. Waiting is hollow: nothing is done.
_LOOKS = {
    "call": (0, "order", {"facecolor": BLUE}),
    "wait": (0, "wait", {"facecolor": "white", "edgecolor": BLACK, "hatch": "////"}),
    "operation": (1, "compute", {"facecolor": VERMILION}),
}


def timeline(recordings: Mapping[str, Recording], *, unit: str = "µs") -> Figure:
    """Recordings of `gluonbook.measure.timeline.record` above each other on one axis of time, in `unit` ("µs" or "ms").

    Each has two rows: Python, which orders and waits, and the engine, which computes.

    Raises:
        ValueError: the unit is another one.
    """
    scale = {"µs": 1e6, "ms": 1e3}.get(unit)
    if scale is None:
        raise ValueError(f"unit is {unit!r}; it must be 'µs' or 'ms'")
    fig, panels = axes(len(recordings), 1, size=(6.4, 0.9 + 0.95 * len(recordings)), sharex=True, squeeze=False)
    longest = scale * max((recording.seconds for recording in recordings.values()), default=0.0)
    sentences = []
    for ax, (name, recording) in zip(panels.flat, recordings.items()):
        for kind, (row, label, style) in _LOOKS.items():
            bars = [(scale * span.start, scale * span.seconds) for span in recording.of(kind)]
            # Neighbours are kept apart by a white edge, unless there would be nothing left but the edge.
            edges = ["white" if width > longest / 100 else style["facecolor"] for _, width in bars]
            ax.broken_barh(bars, (row - 0.35, 0.7), label=label, linewidth=0.5, **{"edgecolor": edges, **style})
        ax.set(title=name, yticks=[0, 1], yticklabels=["Python", "engine"], ylim=(1.6, -0.6))
        ax.grid(axis="y", visible=False)
        orders, computed = recording.of("call"), recording.of("operation")
        end = max((span.start + span.seconds for span in computed), default=0.0)
        sentences.append(
            f"{name}: {count(len(orders), 'order')} from Python, "
            f"{count(len(computed), 'piece')} of work in the engine, done after {number(scale * end)} {unit}"
        )
    panels[-1, 0].set_xlabel(f"time since the first order ({unit})")
    handles, labels = panels[0, 0].get_legend_handles_labels()
    fig.legend_outside("upper right", handles, labels, columns=3, fontsize=SMALL)
    lines = count(len(recordings), "timeline")
    fig.alt = f"{lines} with a row for Python and one for the engine. {'. '.join(sentences)}."
    return fig
