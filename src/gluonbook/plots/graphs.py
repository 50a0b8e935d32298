"""Computation graphs."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from gluonbook.plots.figure import BLUE, VERMILION, WIDEST, Figure, axes
from gluonbook.plots.words import count

if TYPE_CHECKING:
    from mxnet.symbol import Symbol


def graph(symbol: Symbol, *, hide: Collection[str] = (), settings: bool = True) -> Figure:
    """The computation graph of an `mx.sym.Symbol`: inputs on the left, each operation to the right of all it needs.

    A graph that would be wider than a page goes downwards instead, from inputs at the top, if that is narrower.

    Args:
        symbol: what is drawn.
        hide: names of variables to leave out, such as `net.collect_params()`.
        settings: whether operations show their settings, too.
    """
    nodes = _visible(json.loads(symbol.tojson())["nodes"], hide)
    if not settings:
        nodes = [{**node, "attrs": {}} for node in nodes]
    level: list[int] = []
    for node in nodes:
        level.append(1 + max((level[source] for source, *_ in node["inputs"]), default=-1))
    tallest = max(level.count(column) for column in level)
    lines = max(_label(node).count("\n") for node in nodes)
    rightwards = 1.2 + 1.7 * max(level), 0.2 + 0.7 * tallest
    downwards = 2.2 * tallest, (0.7 + 0.2 * lines) * (max(level) + 1)
    across = rightwards[0] <= max(WIDEST, downwards[0])
    fig, ax = axes(size=rightwards if across else downwards)
    boxes = []
    for index, node in enumerate(nodes):
        column = [other for other, depth in enumerate(level) if depth == level[index]]
        aside = (len(column) - 1) / 2 - column.index(index)
        place = (level[index], aside) if across else (-aside, -level[index])
        colour = BLUE if node["op"] == "null" else VERMILION
        style = {"boxstyle": "round,pad=0.4", "facecolor": "white", "edgecolor": colour}
        boxes.append(ax.text(*place, _label(node), ha="center", va="center", bbox=style))
    for index, node in enumerate(nodes):
        for source, *_ in node["inputs"]:
            start, end = boxes[source], boxes[index]
            ends = {"patchA": start.get_bbox_patch(), "patchB": end.get_bbox_patch(), "shrinkA": 1, "shrinkB": 1}
            ax.annotate("", end.get_position(), start.get_position(), arrowprops={"arrowstyle": "-|>", **ends})
    sides = (-tallest / 2, tallest / 2)
    if across:
        ax.set(xlim=(-0.5, max(level) + 0.5), ylim=sides)
    else:
        ax.set(xlim=sides, ylim=(-max(level) - 0.5, 0.5))
    ax.axis("off")
    sentences = [
        f"{_label(node)} takes {' and '.join(_label(nodes[source]) for source, *_ in node['inputs'])}"
        for node in nodes
        if node["inputs"]
    ]
    many = count(len(nodes), "box", "boxes")
    fig.alt = f"A graph with {many} joined by arrows: {'; '.join(sentences)}.".replace("\n", ", ")
    return fig


def _visible(nodes: list[dict[str, Any]], hide: Collection[str]) -> list[dict[str, Any]]:
    """The nodes without the hidden variables; inputs refer to the new positions."""
    kept = [index for index, node in enumerate(nodes) if node["op"] != "null" or node["name"] not in hide]
    place = {index: new for new, index in enumerate(kept)}
    return [
        {**nodes[index], "inputs": [[place[i], *rest] for i, *rest in nodes[index]["inputs"] if i in place]}
        for index in kept
    ]


def _label(node: dict[str, Any]) -> str:
    """What a node of a symbol's graph is called: a variable by its name, an operation by its kind and settings."""
    if node["op"] == "null":
        return node["name"]
    return "\n".join([node["op"].strip("_"), *(f"{name} = {value}" for name, value in node.get("attrs", {}).items())])
