"""Two measured series, which come with the package; `data/manifest.json` says where from, and under which licence."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import final

import numpy as np

_FOLDER = Path(__file__).parent
_UNITS = {"sunspots": "sunspot number", "elnino": "°C"}
NAMES = tuple(_UNITS)
"""The series that `load` knows."""


@final
@dataclass(frozen=True)
class Series:
    """A measured series: `values` of shape (n,) in `unit`, and when, in years; January 1950 is 1950.0."""

    name: str
    unit: str
    years: np.ndarray = field(repr=False)
    values: np.ndarray = field(repr=False)


def load(name: str) -> Series:
    """A measured series, without any download, in float64.

    | name       | what                                                            | values | from      |
    |------------|-----------------------------------------------------------------|--------|-----------|
    | `sunspots` | sunspots, a number a year                                       | 309    | 1700-2008 |
    | `elnino`   | sea surface off Peru (0-10° S, 80-90° W), the mean of each month | 732    | 1950-2010 |

    Raises:
        ValueError: there is no such series.
    """
    if name not in NAMES:
        raise ValueError(f"no series {name!r}; there are {', '.join(NAMES)}")
    table = np.loadtxt(_FOLDER / f"{name}.csv", delimiter=",", skiprows=1)
    first, values = table[:, 0], table[:, 1:]
    parts = values.shape[1]  # of a year
    years = (first[:, np.newaxis] + np.arange(parts) / parts).ravel()
    return Series(name, _UNITS[name], years, values.ravel())
