"""Bytes of a file, coloured by what they mean."""

from __future__ import annotations

from collections.abc import Mapping

from gluonbook.plots.figure import PALETTE, SMALL, Figure, axes
from gluonbook.plots.words import count


def raw_bytes(data: bytes, parts: Mapping[str, int], *, columns: int = 16) -> Figure:
    """The first bytes of a file in hexadecimal, `columns` a row; `parts` names them in order, with their lengths.

    Raises:
        ValueError: the parts are longer than the data, or one is empty.
    """
    total = sum(parts.values())
    if min(parts.values()) < 1 or total > len(data):
        raise ValueError(f"parts have lengths {list(parts.values())}: each from 1, together at most {len(data)}")
    rows = -(-total // columns)
    fig, ax = axes(size=(6.4, 0.7 + 0.3 * rows + 0.25 * -(-len(parts) // 2)))
    owners = [name for name, length in parts.items() for _ in range(length)]
    colours = {name: PALETTE[i % len(PALETTE)] for i, name in enumerate(parts)}
    for place, name in enumerate(owners):
        x, y = place % columns, place // columns
        ax.barh(y, 0.94, left=x, height=0.9, color=colours[name], alpha=0.25, label=f"_{place}")
        ax.text(x + 0.47, y, f"{data[place]:02x}", ha="center", va="center", family="monospace", fontsize=SMALL)
    for name, length in parts.items():
        ax.barh(0, 0, color=colours[name], alpha=0.25, label=f"{name} ({count(length, 'byte')})")
    ax.set(xlim=(-0.1, columns), ylim=(rows - 0.4, -0.6), yticks=range(rows), xticks=[])
    ax.set_yticklabels([str(columns * row) for row in range(rows)])
    ax.set_ylabel("offset (bytes)")
    ax.grid(False)
    ax.spines[["left", "bottom"]].set_visible(False)
    fig.legend_outside("lower center", columns=2)
    told, start = [], 0
    for name, length in parts.items():
        told.append(f"{name} {data[start : start + length].hex(' ')}")
        start += length
    fig.alt = f"The first {count(total, 'byte')} in hexadecimal, by meaning: {'; '.join(told)}."
    return fig
