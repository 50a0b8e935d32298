"""Whether a setting that was chosen from a grid lies inside of it, or at an edge, where a wider grid might do better.

chosen = {"SGD": 0.3, "Signum": 0.003}
at_edges(chosen, [0.001, 0.003, 0.01, 0.03, 0.1, 0.3])  # ["SGD"]
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TypeVar

from gluonbook.checks import real

__all__ = ["at_edge", "at_edges"]

Name = TypeVar("Name")


def at_edge(value: float, grid: Collection[float], *, ends: Collection[float] = ()) -> bool:
    """Whether no value of the grid is smaller than `value`, or none is larger; the order of the grid does not matter.

    Of a grid with one or two values, each is at an edge. In `ends` stand values beyond which there is nothing to try,
    such as 0 for the strength of something that may be left out: they are never at an edge.

    Raises:
        ValueError: `value`, or something in `grid` or `ends`, is no finite number, or the grid is empty.
    """
    value = real("value", value, "(-inf, inf)")
    tried = [real("each value of grid", one, "(-inf, inf)") for one in grid]
    if not tried:
        raise ValueError("grid must have a value, got none")
    if value in [real("each value of ends", one, "(-inf, inf)") for one in ends]:
        return False
    return not min(tried) < value < max(tried)


def at_edges(
    chosen: Mapping[Name, float],
    grids: Collection[float] | Mapping[Name, Collection[float]],
    *,
    ends: Collection[float] = (),
) -> list[Name]:
    """Of the names in `chosen`, those whose value is `at_edge` of its grid: one grid for all, or one for each name.

    Raises:
        ValueError: nothing is chosen; a value is none of its grid's (an index, perhaps), a name has no grid; or as
            `at_edge` does.
    """
    if not chosen:
        raise ValueError("chosen must have a value for at least one name, got none")
    found = []
    for name, value in chosen.items():
        if isinstance(grids, Mapping) and name not in grids:
            raise ValueError(f"grids must have a grid for each name in chosen, {name!r} is not among {list(grids)}")
        grid = grids[name] if isinstance(grids, Mapping) else grids
        edge = at_edge(value, grid, ends=ends)
        if value not in list(grid):
            raise ValueError(f"chosen[{name!r}] must be one of {sorted(grid)}, got {value!r}")
        found += [name] * edge
    return found
