"""The two sizes of the book: `quick` for two CPU cores, `full` for the scale of the papers.

A profile holds sizes and nothing else: the chapters run the same cells in both. `GLUONBOOK_PROFILE` chooses, and
`quick` is the default.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

VARIABLE = "GLUONBOOK_PROFILE"


@dataclass(frozen=True)
class Profile:
    """The sizes that chapters ask for, each named after its chapter."""

    name: str
    cell_timeout: int  # seconds after which a cell counts as stuck

    # gluon/imperative_symbolic
    loop_side: int  # side of the matrices that a Python loop multiplies
    async_side: int  # side of the square matrices that the engine multiplies in the background

    # gluon/hybridize
    hybridize_layers: int  # hidden layers of the network that has many small ones
    hybridize_width: int  # units in each of two wide layers
    hybridize_rounds: int  # rounds of each race

    # convnets/lenet
    lenet_data: str  # a name of gluonbook.datasets
    lenet_epochs: int
    lenet_accuracy: float  # the test accuracy that the chapter claims

    # convnets/data_pipeline
    data_pipeline_seeds: int  # how often each training is repeated
    data_pipeline_epochs: int
    data_pipeline_images: int  # images that the workers load, against the clock

    # convnets/save_resume
    save_resume_seeds: int
    save_resume_flips: int  # bits that are flipped in a file, one at a time


_PROFILES = {
    profile.name: profile
    for profile in (
        Profile(
            name="quick",
            cell_timeout=300,
            loop_side=100,
            async_side=1500,
            hybridize_layers=8,
            hybridize_width=1024,
            hybridize_rounds=11,
            lenet_data="digits",
            lenet_epochs=20,
            lenet_accuracy=0.95,
            data_pipeline_seeds=3,
            data_pipeline_epochs=10,
            data_pipeline_images=256,
            save_resume_seeds=3,
            save_resume_flips=100,
        ),
        Profile(
            name="full",
            cell_timeout=6 * 3600,
            loop_side=200,
            async_side=3000,
            hybridize_layers=8,
            hybridize_width=2048,
            hybridize_rounds=31,
            lenet_data="mnist",
            lenet_epochs=10,
            lenet_accuracy=0.99,
            data_pipeline_seeds=10,
            data_pipeline_epochs=10,
            data_pipeline_images=1500,
            save_resume_seeds=10,
            save_resume_flips=1000,
        ),
    )
}
NAMES = tuple(_PROFILES)


def profile(name: str | None = None) -> Profile:
    """The profile called `name`; without a name, the one that `GLUONBOOK_PROFILE` names, or `quick`.

    Raises:
        ValueError: there is no profile of that name.
    """
    asked = name if name is not None else os.environ.get(VARIABLE) or "quick"
    try:
        return _PROFILES[asked]
    except KeyError:
        raise ValueError(f"{VARIABLE} is {asked!r}; the profiles are {', '.join(map(repr, NAMES))}") from None
