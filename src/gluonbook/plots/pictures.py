"""Images, and how they were classified."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from gluonbook.plots.figure import SMALL, WIDEST, Figure, axes
from gluonbook.plots.words import count


def images(X: np.ndarray | Sequence[np.ndarray], titles: Sequence[str], *, columns: int = 8) -> Figure:
    """A grid of images in [0, 1], each under its title.

    `X` has shape (n, channels, height, width), or is a sequence of n images (channels, height, width) of any sizes. One
    channel is drawn in grey, with 0 white and 1 black; three are red, green and blue.
    """
    rows = -(-len(X) // columns)
    cell = min(0.9, WIDEST / columns)
    fig, grid = axes(rows, columns, size=(cell * columns, (cell + 0.25) * rows), squeeze=False)
    for ax in grid.flat:
        ax.axis("off")
    for ax, image, title in zip(grid.flat, X, titles):
        shown = image[0] if len(image) == 1 else image.transpose(1, 2, 0)
        ax.imshow(shown, cmap="gray_r", vmin=0, vmax=1, interpolation="nearest")
        ax.set_title(title, fontsize=SMALL)
    return fig


def confusion(y: np.ndarray, predicted: np.ndarray, classes: Sequence[str]) -> Figure:
    """How often each class (row) is taken for which (column); what is right lies on the diagonal.

    Raises ValueError unless `y` and `predicted` are of shape (n,), and hold whole numbers that are those of classes.
    """
    _refuse_unknown_classes("y", y, classes)
    _refuse_unknown_classes("predicted", predicted, classes)
    if len(y) != len(predicted):
        raise ValueError(f"predicted must hold a class for each of {count(len(y), 'image')}, got {len(predicted)}")
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
    if max(map(len, classes)) > 2:
        ax.tick_params(axis="x", rotation=90)
    wrong = counts - np.diag(np.diag(counts))
    row, column = np.unravel_index(wrong.argmax(), wrong.shape)
    lie = f"{wrong.sum()} {'lies' if wrong.sum() == 1 else 'lie'}"
    fig.alt = (
        f"Confusion matrix of {count(counts.sum(), 'image')} in {count(len(classes), 'class', 'classes')}; "
        f"{lie} off the diagonal."
    )
    if wrong.max() > 1:
        fig.alt += f" The commonest error takes {classes[row]} for {classes[column]}, {wrong[row, column]} times."
    elif wrong.any():
        fig.alt += f" No error is made twice; one takes {classes[row]} for {classes[column]}."
    return fig


def batches(named: Mapping[str, Sequence[np.ndarray]], classes: Sequence[str]) -> Figure:
    """What the batches of an epoch are made of: for each name a panel, a column a batch, a row a class.

    `named` maps the name of an order to its batches, each the array of its labels. Raises ValueError if one of these is
    no whole number, or none of a class.
    """
    fig, panels = axes(1, len(named), size=(6.4, 3.2), sharey=True, squeeze=False)
    sentences = []
    for ax, (name, labels) in zip(panels.flat, named.items()):
        _refuse_unknown_classes(name, np.concatenate(labels), classes)
        counts = np.stack([np.bincount(batch, minlength=len(classes)) for batch in labels], axis=1)
        shown = ax.imshow(counts / counts.sum(axis=0), cmap="Blues", vmin=0, vmax=1, aspect="auto")
        ax.grid(False)
        ax.set(title=name, xlabel="batch", yticks=range(len(classes)), yticklabels=classes)
        present = (counts > 0).sum(axis=0)
        held = f"{present.min()}" if present.min() == present.max() else f"from {present.min()} to {present.max()}"
        sentences.append(f"{name}: a batch holds {held} of {count(len(classes), 'class', 'classes')}.")
    panels[0, 0].set_ylabel("class")
    fig.colorbar(shown, ax=panels, label="share of the batch")
    of = f"of the classes in {count(counts.shape[1], 'batch', 'batches')}"
    fig.alt = f"{count(len(named), 'heat map')} {of}. {' '.join(sentences)}"
    return fig


def _refuse_unknown_classes(name: str, labels: np.ndarray, classes: Sequence[str]) -> None:
    labels = np.asarray(labels)
    if labels.ndim != 1 or labels.dtype.kind not in "iu":
        got = f"{labels.dtype} of shape {labels.shape}"
        raise ValueError(f"{name} must hold whole numbers, in an array of one axis; got {got}")
    unknown = labels[(labels < 0) | (labels >= len(classes))]
    if unknown.size:
        raise ValueError(f"{name} must hold whole numbers from 0 to {len(classes) - 1}, got {unknown[0]}")
