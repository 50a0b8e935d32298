"""What a network makes of an image, layer by layer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from matplotlib.patches import Rectangle

from gluonbook.plots.figure import BLUE, VERMILION, Figure, axes
from gluonbook.plots.words import count

_ABREAST = 4  # stages in a row, at most: more, and what stands below them cannot be read on a phone
_SHOWN = 6  # channels that are drawn, at most
_SHIFT = 0.05  # from one channel to the next, in heights of the largest image


def stages(shapes: Mapping[str, Sequence[int]]) -> Figure:
    """What comes out of each layer, named and in order, drawn to scale: a stack of images, or a column of numbers.

    A shape is (channels, height, width), or (units,); of many channels, six are drawn. Four
    stages stand in a row. The names must differ, up to a
    digit in parentheses at the end, such as "Conv2D (2)", which is not drawn.
    """
    across = min(len(shapes), _ABREAST)
    rows = -(-len(shapes) // across)
    fig, ax = axes(size=(1.35 * across, 2.2 * rows))
    largest = max(max(shape[1:], default=1) for shape in shapes.values())
    told = []
    for i, (name, shape) in enumerate(shapes.items()):
        channels, height, width = shape if len(shape) == 3 else (1, largest, 0.1 * largest)
        shown, colour = min(channels, _SHOWN), BLUE if len(shape) == 3 else VERMILION
        left, middle = 1.75 * (i % across), -2.4 * (i // across)
        for k in reversed(range(shown)):
            corner = (left + k * _SHIFT - width / largest / 2, middle + k * _SHIFT - height / largest / 2)
            ax.add_patch(
                Rectangle(corner, width / largest, height / largest, facecolor="white", edgecolor=colour, linewidth=1)
            )
        size = " × ".join(f"{number:,}" for number in shape)
        ax.text(left, middle - 0.68, f"{name.partition(' (')[0]}\n{size}", ha="center", va="top")
        told.append(f"{name}, {size}")
    ax.set(xlim=(-0.9, 1.75 * (across - 1) + 0.9), ylim=(-1.25 - 2.4 * (rows - 1), 0.9), aspect="equal")
    ax.axis("off")
    how = "from left to right" if rows == 1 else f"in rows of {across}, each from left to right"
    fig.alt = f"A drawing of {count(len(shapes), 'stage')}, {how}: {'; '.join(told)}."
    return fig
