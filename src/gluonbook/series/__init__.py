"""Time series to forecast: two chaotic systems, and two that were measured and come with the package."""

from gluonbook.series.chaos import logistic_map, lorenz
from gluonbook.series.measured import NAMES, Series, load
from gluonbook.series.windows import windows

__all__ = ["NAMES", "Series", "load", "logistic_map", "lorenz", "windows"]
