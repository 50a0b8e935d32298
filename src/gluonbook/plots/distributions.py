"""How numbers are distributed, beside the normal distribution."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from gluonbook.plots.figure import BLACK, BLUE, Figure, axes


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
        told.append(f"{name}, skewness {(z**3).mean():.2g}")
    panels[0, 0].set_ylabel("density")
    fig.alt = f"{len(samples)} histograms beside the normal density: {'; '.join(told)}."
    return fig
