"""The book's figures: each function returns a `Figure`, which carries its own alternative text.

Where only the chapter knows what a figure shows, the cell's metadata hold the text instead (`mystnb: image: alt`), and
the build refuses a page with an image that has neither. A figure shows itself when it is the last expression of a cell.

The palette is Okabe and Ito's, which colour-blind readers tell apart, darkened where it was too pale on white; lines
differ in dash as well as in colour.
"""

from gluonbook.plots.connections import network
from gluonbook.plots.curves import learning_curves, lines, live
from gluonbook.plots.distributions import histograms, layers
from gluonbook.plots.figure import BLACK, BLUE, GREEN, ORANGE, PALETTE, PURPLE, SMALL, STYLE, VERMILION, Figure, axes
from gluonbook.plots.graphs import graph
from gluonbook.plots.grids import heat_maps
from gluonbook.plots.landscapes import contours
from gluonbook.plots.measured import bands, panels
from gluonbook.plots.numbers import bar_panels, bars, fitted, ratios, stacked
from gluonbook.plots.pictures import batches, confusion, images
from gluonbook.plots.raw import raw_bytes
from gluonbook.plots.seeds import seed_curves, spread
from gluonbook.plots.stages import stages
from gluonbook.plots.timelines import timeline

__all__ = [
    "BLACK",
    "BLUE",
    "GREEN",
    "ORANGE",
    "PALETTE",
    "PURPLE",
    "SMALL",
    "STYLE",
    "VERMILION",
    "Figure",
    "axes",
    "bands",
    "bar_panels",
    "bars",
    "batches",
    "confusion",
    "contours",
    "fitted",
    "graph",
    "heat_maps",
    "histograms",
    "images",
    "layers",
    "learning_curves",
    "lines",
    "live",
    "network",
    "panels",
    "ratios",
    "raw_bytes",
    "seed_curves",
    "spread",
    "stacked",
    "stages",
    "timeline",
]
