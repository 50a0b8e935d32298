"""How a training went."""

from __future__ import annotations

from typing import TYPE_CHECKING, Callable

import matplotlib as mpl
import numpy as np
from IPython.display import display

from gluonbook.plots.figure import Figure, axes

if TYPE_CHECKING:
    from gluonbook.training import History


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
