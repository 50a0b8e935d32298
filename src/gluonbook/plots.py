"""The book's figures: each function returns a `Figure`, which carries its own alternative text.

Where only the chapter knows what a figure shows, the cell's metadata hold the text instead (`mystnb: image: alt`), and
the build refuses a page with an image that has neither. A figure shows itself when it is the last expression of a cell.

The palette is Okabe and Ito's, which colour-blind readers tell apart, darkened where it was too pale on white; lines
differ in dash as well as in colour.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Callable

import matplotlib as mpl
import numpy as np
from cycler import cycler
from IPython.display import display
from matplotlib import figure

if TYPE_CHECKING:
    from mxnet.symbol import Symbol

    from gluonbook.training import History

BLUE, VERMILION, GREEN, PURPLE, ORANGE, BLACK = "#0072B2", "#D55E00", "#009E73", "#9B4F96", "#B87A00", "#333333"
PALETTE = (BLUE, VERMILION, GREEN, PURPLE, ORANGE, BLACK)
_DASHES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (1, 1)))

STYLE = {
    "axes.prop_cycle": cycler(color=PALETTE) + cycler(linestyle=_DASHES),
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.grid": True,
    "axes.titlesize": "medium",
    "figure.facecolor": "white",
    "figure.figsize": (6.4, 3.2),
    "figure.constrained_layout.use": True,
    "font.size": 10,
    "grid.alpha": 0.3,
    "lines.linewidth": 1.8,
    "svg.hashsalt": "gluonbook",  # the same figure gives the same file
}


class Figure(figure.Figure):
    """A matplotlib figure with an alternative text, shown as a vector image."""

    alt = ""  # what a reader who does not see the figure is told

    def bundle(self) -> tuple[dict[str, str], dict[str, dict[str, str]]]:
        """The figure as a MIME bundle, and its metadata, which holds the alternative text."""
        file = io.StringIO()
        with mpl.rc_context(STYLE):
            self.savefig(file, format="svg", metadata={"Date": None})
        metadata = {"image/svg+xml": {"alt": self.alt}} if self.alt else {}
        return {"image/svg+xml": file.getvalue(), "text/plain": self.alt or "a figure"}, metadata

    def _ipython_display_(self) -> None:
        data, metadata = self.bundle()
        display(data, metadata=metadata, raw=True)


def axes(
    rows: int = 1, columns: int = 1, *, size: tuple[float, float] | None = None, **options: Any
) -> tuple[Figure, Any]:
    """A figure in the book's style and its axes, as `matplotlib.pyplot.subplots` gives them."""
    with mpl.rc_context(STYLE):
        fig = Figure(figsize=size)
        return fig, fig.subplots(rows, columns, **options)


def learning_curves(history: History) -> Figure:
    """Loss and accuracy by epoch, on the training set and, where it was measured, on the test set."""
    parts = [("train", "training set"), ("test", "test set")]
    panels = [("loss", "cross-entropy loss (nats)"), ("accuracy", "accuracy")]
    fig, (left, right) = axes(1, 2)
    sentences = [f"Two line charts over {len(history)} epochs."]
    for ax, (quantity, label) in zip((left, right), panels):
        ax.set(xlabel="epoch", ylabel=label)
        for part, name in parts:
            values = history[f"{part}_{quantity}"]
            if np.isfinite(values).any():
                ax.plot(history["epoch"], values, label=name)
                sentences.append(f"The {quantity} on the {name} goes from {values[0]:.3g} to {values[-1]:.3g}.")
        ax.legend()
        ax.xaxis.set_major_locator(mpl.ticker.MaxNLocator(integer=True))
    fig.alt = " ".join(sentences)
    return fig


def live() -> Callable[[History], None]:
    """A callback for `training.fit(on_epoch=...)` that redraws the learning curves after each epoch."""
    handle = None

    def redraw(history: History) -> None:
        nonlocal handle
        data, metadata = learning_curves(history).bundle()
        if handle is None:
            handle = display(data, metadata=metadata, raw=True, display_id=True)
        else:
            handle.update(data, metadata=metadata, raw=True)

    return redraw


def images(X: np.ndarray, titles: Sequence[str], *, columns: int = 8) -> Figure:
    """A grid of images of shape (n, channels, height, width) in [0, 1], each under its title."""
    rows = -(-len(X) // columns)
    fig, grid = axes(rows, columns, size=(0.9 * columns, 1.15 * rows), squeeze=False)
    for ax in grid.flat:
        ax.axis("off")
    for ax, image, title in zip(grid.flat, X, titles):
        ax.imshow(image.transpose(1, 2, 0).squeeze(), cmap="gray_r", vmin=0, vmax=1, interpolation="nearest")
        ax.set_title(title, fontsize="small")
    return fig


def confusion(y: np.ndarray, predicted: np.ndarray, classes: Sequence[str]) -> Figure:
    """How often each class (row) is taken for which (column); what is right lies on the diagonal."""
    counts = np.zeros((len(classes), len(classes)), dtype=int)
    np.add.at(counts, (y, predicted), 1)
    fig, ax = axes(size=(4.6, 4.2))
    ax.imshow(counts, cmap="Blues")
    ax.grid(False)
    for row, column in np.ndindex(counts.shape):
        if counts[row, column]:
            dark = counts[row, column] > counts.max() / 2
            ax.text(column, row, counts[row, column], ha="center", va="center", color="white" if dark else "black")
    ticks = range(len(classes))
    ax.set(
        xlabel="predicted", ylabel="true class", xticks=ticks, yticks=ticks, xticklabels=classes, yticklabels=classes
    )
    wrong = counts - np.diag(np.diag(counts))
    row, column = np.unravel_index(wrong.argmax(), wrong.shape)
    fig.alt = (
        f"Confusion matrix of {counts.sum()} images in {len(classes)} classes; {wrong.sum()} lie off the diagonal."
    )
    if wrong.any():
        fig.alt += f" The commonest error takes {classes[row]} for {classes[column]}, {wrong[row, column]} times."
    return fig


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


def graph(symbol: Symbol) -> Figure:
    """The computation graph of an `mx.sym.Symbol`: inputs on the left, each operation to the right of all it needs."""
    nodes = json.loads(symbol.tojson())["nodes"]
    level: list[int] = []
    for node in nodes:
        level.append(1 + max((level[source] for source, *_ in node["inputs"]), default=-1))
    tallest = max(level.count(column) for column in level)
    fig, ax = axes(size=(1.2 + 1.7 * max(level), 0.7 + 0.7 * tallest))
    boxes = []
    for index, node in enumerate(nodes):
        column = [other for other, depth in enumerate(level) if depth == level[index]]
        place = (level[index], (len(column) - 1) / 2 - column.index(index))
        colour = BLUE if node["op"] == "null" else VERMILION
        style = {"boxstyle": "round,pad=0.4", "facecolor": "white", "edgecolor": colour}
        boxes.append(ax.text(*place, _label(node), ha="center", va="center", bbox=style))
    for index, node in enumerate(nodes):
        for source, *_ in node["inputs"]:
            start, end = boxes[source], boxes[index]
            ends = {"patchA": start.get_bbox_patch(), "patchB": end.get_bbox_patch(), "shrinkA": 1, "shrinkB": 1}
            ax.annotate("", end.get_position(), start.get_position(), arrowprops={"arrowstyle": "-|>", **ends})
    ax.set(xlim=(-0.5, max(level) + 0.5), ylim=(-tallest / 2, tallest / 2))
    ax.axis("off")
    sentences = [
        f"{_label(node)} takes {' and '.join(_label(nodes[source]) for source, *_ in node['inputs'])}"
        for node in nodes
        if node["inputs"]
    ]
    fig.alt = f"A graph with {len(nodes)} boxes joined by arrows: {'; '.join(sentences)}.".replace("\n", ", ")
    return fig


def _label(node: dict[str, Any]) -> str:
    """What a node of a symbol's graph is called: a variable by its name, an operation by its kind and settings."""
    if node["op"] == "null":
        return node["name"]
    return "\n".join([node["op"].strip("_"), *(f"{name} = {value}" for name, value in node.get("attrs", {}).items())])
