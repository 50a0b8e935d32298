"""How a training went."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Callable

import matplotlib as mpl
import numpy as np

from gluonbook.plots.figure import SMALL, Figure, axes
from gluonbook.plots.words import alike, count, course, drawn, number
from gluonbook.show import display

if TYPE_CHECKING:
    from gluonbook.training import History


def learning_curves(history: History, *, tested: str = "test set", log: bool = False) -> Figure:
    """Loss and accuracy by epoch, on the training set and, where it was measured, on what `fit` was given as `test`.

    `tested` names that, such as "validation set"; `log` makes the axis of the loss logarithmic. Where no accuracy was
    measured, as in a regression, the loss stands alone.
    """
    parts = [("train", "training set"), ("test", tested)]
    panels = {"loss": "cross-entropy loss (nats)", "accuracy": "accuracy"}
    if len(history) and not any(np.isfinite(history[f"{part}_accuracy"]).any() for part, _ in parts):
        panels = {"loss": "loss"}
    fig, places = axes(1, len(panels), squeeze=False)
    charts = "Two line charts" if len(panels) == 2 else "A line chart"
    sentences = [f"{charts} over {count(len(history), 'epoch')}."]
    for ax, (quantity, label) in zip(places.flat, panels.items()):
        ax.set(xlabel="epoch", ylabel=label)
        for part, name in parts:
            values = history[f"{part}_{quantity}"]
            if np.isfinite(values).any():
                ax.plot(history["epoch"], values, label=name)
                sentences.append(f"The {quantity} on the {name} {'is' if alike(values) else 'goes'} {course(values)}.")
        if ax.lines:
            ax.legend()
        ax.xaxis.set_major_locator(mpl.ticker.MaxNLocator(integer=True))
    if log:
        places[0, 0].set_yscale("log")
    fig.alt = " ".join(sentences)
    return fig


def live(*, tested: str = "test set", log: bool = False) -> Callable[[History], None]:
    """A callback for `training.fit(on_epoch=...)` that redraws the `learning_curves` after each epoch."""
    handle = None

    def redraw(history: History) -> None:
        nonlocal handle
        data, metadata = learning_curves(history, tested=tested, log=log).bundle()
        if handle is None:
            handle = display(data, metadata, display_id=True)
        else:
            handle.update(data, metadata=metadata, raw=True)

    return redraw


def lines(
    curves: Mapping[str, Sequence[float]], *, xlabel: str, ylabel: str, first: int = 1, log: bool = False
) -> Figure:
    """Named curves over a count such as that of steps or epochs, which starts at `first`."""
    fig, ax = axes()
    for name, values in curves.items():
        ax.plot(range(first, first + len(values)), values, label=name)
    ax.set(xlabel=xlabel, ylabel=ylabel)
    ax.xaxis.set_major_locator(mpl.ticker.MaxNLocator(integer=True))
    if log:
        ax.set_yscale("log")
    if len(curves) > 3:  # too many names to find room among the curves
        fig.legend_outside("upper center", columns=3, fontsize=SMALL)
    elif len(curves) > 1:
        ax.legend()
    sentences = [
        f"{name}: {course(values)}{'' if alike(values) else f', at most {number(max(drawn(values)))}'}."
        for name, values in curves.items()
    ]
    kind = "A line chart" if len(curves) == 1 else f"{len(curves)} curves"
    fig.alt = f"{kind} of {ylabel} over {xlabel}. " + " ".join(sentences)
    return fig
