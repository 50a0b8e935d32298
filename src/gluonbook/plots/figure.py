"""A figure that carries its alternative text, and the style of all figures."""

from __future__ import annotations

import io
from typing import Any, final

import matplotlib as mpl
import numpy as np
from cycler import cycler
from matplotlib import figure, ticker
from matplotlib.axis import Axis

from gluonbook.show import display

BLUE = "#0072B2"
"""The first colour of curves."""
VERMILION = "#D55E00"
"""The second colour of curves."""
GREEN = "#009E73"
"""The third colour of curves."""
PURPLE = "#9B4F96"
"""The fourth colour of curves."""
ORANGE = "#B87A00"
"""The fifth colour of curves."""
BLACK = "#333333"
"""The last colour of curves."""
PALETTE = (BLUE, VERMILION, GREEN, PURPLE, ORANGE, BLACK)
"""The colours of curves, in the order in which they are taken."""
MARKERS = "os^Dv*"
WIDEST = 6.4
"""The width of a figure in inches, at most: on a phone it is drawn 342 px wide, and its letters shrink with it."""
SMALL = 9.5
"""The smallest letters of a figure, in points: at its greatest width they are 7 px high on a phone."""
_DASHES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (1, 1)))

STYLE = {
    "axes.prop_cycle": cycler(color=PALETTE) + cycler(linestyle=_DASHES),
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.grid": True,
    "axes.titlesize": "medium",
    "figure.facecolor": "white",
    "figure.figsize": (WIDEST, 3.2),
    "figure.constrained_layout.use": True,
    "figure.constrained_layout.hspace": 0.06,  # between panels: a title is not to be taken for the label above it
    "figure.constrained_layout.wspace": 0.06,
    "font.size": 10,
    "grid.alpha": 0.3,
    "lines.linewidth": 1.8,
    "svg.hashsalt": "gluonbook",  # the same figure gives the same file
}
"""What the figures of the book set in Matplotlib's `rcParams`; a colour has a dash of its own."""


@final
class Figure(figure.Figure):
    """A matplotlib figure with an alternative text, shown as a vector image."""

    alt = ""  # what a reader who does not see the figure is told

    def bundle(self) -> tuple[dict[str, str], dict[str, dict[str, str]]]:
        """The figure as a MIME bundle, and its metadata, which holds the alternative text."""
        file = io.StringIO()
        for ax in self.axes:
            for axis in (ax.xaxis, ax.yaxis):
                _number(axis)
        with mpl.rc_context(STYLE):
            self.savefig(file, format="svg", metadata={"Date": None})
        metadata = {"image/svg+xml": {"alt": self.alt}} if self.alt else {}
        return {"image/svg+xml": file.getvalue(), "text/plain": self.alt or "a figure"}, metadata

    def legend_outside(self, side: str, *curves: Any, columns: int, **options: Any) -> None:
        """A legend beside the axes, such as at the "lower center", in `columns` columns, or in fewer if too wide.

        `curves` are handles and labels, as for Matplotlib's `legend`; by default those of all axes.
        """
        with mpl.rc_context(STYLE):
            for count in range(columns, 0, -1):
                legend = self.legend(*curves, loc=f"outside {side}", ncols=count, frameon=False, **options)
                if count == 1 or legend.get_window_extent().width <= self.bbox.width:
                    return
                legend.remove()

    def _ipython_display_(self) -> None:
        data, metadata = self.bundle()
        display(data, metadata)


def axes(
    rows: int = 1, columns: int = 1, *, size: tuple[float, float] | None = None, **options: Any
) -> tuple[Figure, Any]:
    """A figure in the book's style and its axes, as `matplotlib.pyplot.subplots` gives them."""
    with mpl.rc_context(STYLE):
        fig = Figure(figsize=size)
        return fig, fig.subplots(rows, columns, **options)


def _number(axis: Axis) -> None:
    """Ticks at 1, 2 and 5 on a logarithmic axis as long as a decade, if it holds one power of ten, or none."""
    low, high = sorted(axis.get_view_interval())
    if not isinstance(axis.get_major_locator(), ticker.LogLocator) or high < 10 * low:  # shorter ones have more numbers
        return
    if np.floor(np.log10(high)) - np.ceil(np.log10(low)) < 1:
        axis.set_major_locator(ticker.LogLocator(subs=(1, 2, 5)))
        axis.set_major_formatter(ticker.FuncFormatter(lambda value, _: f"{value:g}"))
