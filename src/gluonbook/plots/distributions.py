"""How numbers are distributed: beside the normal distribution, and layer by layer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from gluonbook.plots.figure import BLACK, BLUE, SMALL, Figure, axes
from gluonbook.plots.words import count, number


def histograms(samples: Mapping[str, Sequence[float]], *, xlabel: str, reach: float = 4.0) -> Figure:
    """A panel a name: the distribution of its numbers, brought to mean 0 and variance 1, and the normal density.

    What lies beyond `reach` standard deviations is counted in the outermost bars. The text tells each one's skewness.

    Raises:
        ValueError: the numbers of a name are all the same.
    """
    fig, panels = axes(1, len(samples), size=(6.4, 2.4), sharex=True, sharey=True, squeeze=False)
    edges = np.linspace(-reach, reach, 33)
    middles = np.linspace(-reach, reach, 201)
    told = []
    for ax, (name, sample) in zip(panels.flat, samples.items()):
        values = np.asarray(sample, dtype=float)
        spread = values.std()
        if spread == 0:
            raise ValueError(f"the numbers of {name} are all {values.flat[0]}: they have no distribution to draw")
        z = (values - values.mean()) / spread
        ax.hist(z.clip(-reach, reach), bins=edges, density=True, color=BLUE, alpha=0.5)
        ax.plot(middles, np.exp(-(middles**2) / 2) / np.sqrt(2 * np.pi), color=BLACK, linestyle="-", linewidth=0.9)
        ax.set(title=name, xlabel=xlabel)
        told.append(f"{name}, skewness {number((z**3).mean(), 2)}")
    panels[0, 0].set_ylabel("density")
    fig.alt = f"{count(len(samples), 'histogram')} beside the normal density: {'; '.join(told)}."
    return fig


def layers(
    samples: Mapping[str, Mapping[str, Sequence[float]]], *, xlabel: str, limits: tuple[float, float] = (-1.0, 1.0)
) -> Figure:
    """A row a name, and in it a column a layer: how the numbers `samples[name][layer]` are distributed, as they are.

    All panels share the axis of the numbers, which goes over `limits`; what lies beyond is counted in the outermost
    bars. The bars of a panel are drawn to its own height. Each panel, and the text, tells the standard deviation.

    Raises:
        ValueError: the layers of two names are not the same ones, or a layer has numbers that are not finite.
    """
    columns = list(next(iter(samples.values())))
    fig, panels = axes(len(samples), len(columns), size=(6.4, 0.5 + 0.8 * len(samples)), sharex=True, squeeze=False)
    edges = np.linspace(*limits, 32)  # an odd number of bars: one of them holds 0 in its middle
    told = []
    for row, (name, by_layer) in zip(panels, samples.items()):
        if list(by_layer) != columns:
            raise ValueError(f"the layers of {name} are {list(by_layer)}, and those of the first row are {columns}")
        deviations = []
        for ax, (layer, sample) in zip(row, by_layer.items()):
            values = np.ravel(np.asarray(sample, dtype=float))
            if not np.isfinite(values).all():
                raise ValueError(f"{name}, {layer}, has numbers that are not finite")
            ax.hist(values.clip(*limits), bins=edges, color=BLUE)
            ax.set(xlim=limits, yticks=[])
            ax.grid(False)
            ax.spines["left"].set_visible(False)
            deviations.append(number(values.std(), 2))
            ax.set_title(f"σ {deviations[-1]}", fontsize=SMALL, loc="right", pad=2)
        row[0].set_ylabel(name, rotation=0, ha="right", va="center")
        told.append(f"{name} {', '.join(deviations)}")
    for ax, layer in zip(panels[-1], columns):
        ax.set_xlabel(f"{xlabel}\n{layer}")
    fig.alt = (
        f"{count(len(samples), 'row')} of {count(len(columns), 'histogram')} of the {xlabel}, "
        f"one for each of {', '.join(columns)}. "
        f"Their standard deviations: {'; '.join(told)}."
    )
    return fig
