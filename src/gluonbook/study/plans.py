"""The methods that the book compares, and the two studies whose results the repository keeps."""

from __future__ import annotations

from collections.abc import Sequence

from gluonbook.checks import real, whole_number
from gluonbook.study.plan import Method, Study
from gluonbook.study.problem import Problem

BETAS = (0.0, 0.5, 0.9, 0.99)


def methods(count: int = 6, betas: Sequence[float] = BETAS) -> tuple[Method, ...]:
    """SGD with momentum, Adam, Signum and signSGD, each with `count` step sizes, and all but signSGD with each beta.

    Step sizes are evenly spaced in their logarithm, from 0.01 to 3.2 for SGD and from 0.0001 to 0.032 for the others,
    whose every step has the size lr or about it. SGD's momentum is a mean here, as that of the others is.
    """
    count, betas = whole_number("count", count, 1), tuple(real("beta", beta, "[0, 1)") for beta in betas)
    small = spaced(1e-4, 10**-1.5, count)
    return (
        Method("SGD with momentum", "sgd", spaced(1e-2, 10**0.5, count), betas, sums=True),
        Method("Adam", "adam", small, betas, option="beta1"),
        Method("Signum", "fusedsignum", small, betas),
        Method("signSGD", "signsgd", small),
    )


def spaced(low: float, high: float, count: int) -> tuple[float, ...]:
    """`count` numbers from `low` to `high`, each the same number of times larger than the one before, to two digits."""
    ratio = (high / low) ** (1 / max(count - 1, 1))
    return tuple(float(f"{low * ratio**i:.2g}") for i in range(count))


PLANS = {
    "mnist": Study(
        problem=Problem("mnist", "lenet", images=57_000, validation=3_000, test=10_000),
        methods=methods(),
        tuning_images=19_200,
        tuning_epochs=1,
        epochs=3,
        seeds=(0, 1, 2, 3, 4),
        closer=2,
    ),
    "cifar10": Study(
        problem=Problem(
            "cifar10", "cifar_resnet20_v1", images=45_000, validation=5_000, test=10_000, batch_size=128, augment=True
        ),
        methods=methods(betas=(0.0, 0.9)),
        tuning_images=12_800,
        tuning_epochs=1,
        epochs=15,
        seeds=(0, 1, 2),
        closer=1,
    ),
}
"""The studies that `gluonbook bench study` knows, by their names."""
