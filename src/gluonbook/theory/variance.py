"""By how much noise should shorten a step: the best factors of a length and of a sign, and a rate that follows."""

from __future__ import annotations

from typing import Callable

import numpy as np
from numpy.typing import ArrayLike

from gluonbook.checks import real, whole_number
from gluonbook.theory.noise import NOISES, Noise
from gluonbook.theory.sign_error import signal_to_noise
from gluonbook.theory.walks import point


def variance_factor(grad: ArrayLike, sigma: ArrayLike) -> np.ndarray:
    """The γ of each coordinate for which E(γ·g̃ − grad)² is smallest; g̃ has mean `grad`, standard deviation `sigma`:

        γ = grad²/(grad² + sigma²) = 1/(1 + r²),   r = sigma/|grad|

    Only mean and variance of the noise count. 1 where there is no noise.

    Raises:
        ValueError: a sigma is negative.

    Source: Balles and Hennig, Dissecting Adam: the sign, magnitude and variance of stochastic gradients (2018),
    arXiv:1705.07774.
    """
    return _shortened(grad, sigma, lambda snr: (snr / np.hypot(snr, 1)) ** 2)


def sign_factor(grad: ArrayLike, sigma: ArrayLike, noise: Noise = NOISES["normal"]) -> np.ndarray:
    """The γ of each coordinate for which E(γ·sign(g̃) − sign(grad))² is smallest, for g̃ = grad + sigma·noise:

        γ = P(right sign) − P(wrong sign),   erf(|grad|/(√2·sigma)) for normal noise

    1 where there is no noise, else 0 where there is no gradient; negative where noise without symmetry turns most
    signs. A skewed noise is taken in the direction in which it turns the sign of a positive gradient.

    Raises:
        ValueError: a sigma is negative.

    Source: as of `variance_factor`.
    """
    return _shortened(grad, sigma, lambda snr: np.where(snr == 0, 0, 1 - 2 * noise.wrong_sign(snr)))


def _shortened(grad: ArrayLike, sigma: ArrayLike, factor: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """`factor` of the signal-to-noise ratio, which it gets finite, and 1 where there is no noise."""
    snr = signal_to_noise(grad, sigma)
    certain = np.isinf(snr) | (np.asarray(sigma) == 0)
    return np.where(certain, 1.0, factor(np.where(certain, 1.0, snr)))


def vsgd(
    grad: Callable[[np.ndarray], np.ndarray],
    start: np.ndarray,
    *,
    steps: int,
    curvature: float | np.ndarray,
    noise: Noise,
    sigma: float | np.ndarray = 1.0,
    samples: int = 2,
    caution: float = 2.0,
    runs: int = 1,
    seed: int = 0,
) -> np.ndarray:
    """The points x₀, x₁, … of `runs` independent runs of vSGD, in an array of shape (steps + 1, runs, d):

        g ← grad(x) + sigma·noise
        ḡ ← (1 − 1/τ)·ḡ + g/τ,   v̄ ← (1 − 1/τ)·v̄ + g²/τ
        x ← x − ḡ²/(curvature·v̄)·g
        τ ← (1 − ḡ²/v̄)·τ + 1

    in each coordinate by itself: no learning rate is asked for, and ḡ²/v̄ is what it makes of 1/(1 + r²), see
    `variance_factor`. The memory τ grows while steps are short. The paper estimates the curvatures, too; here they are
    known. The first `samples` steps do not move: their gradients give the first ḡ and v̄, v̄ times `caution`, and
    τ = `samples`. Where all gradients have been 0, nothing moves.

    Args:
        grad: the true gradient at points of shape (runs, d).
        start: x₀, of shape (d,).
        curvature: a positive number, or one for each coordinate.
        sigma: the standard deviation of the noise, a number or one for each coordinate.
        samples: from 2. A single gradient shows no noise, and a memory of τ = 1 would go on seeing none.
        caution: from 1; a v̄ that is too large makes first steps short, as a safe start asks.

    Raises:
        ValueError: a number out of range, or a start of another shape.

    Source: Schaul, Zhang and LeCun, No more pesky learning rates (2013), arXiv:1206.1106, Algorithm 1.
    """
    start = point(start)
    samples = whole_number("samples", samples, 2)
    steps, runs = whole_number("steps", steps, samples), whole_number("runs", runs, 1)
    caution = real("caution", caution, "[1, inf)")
    if not (np.asarray(curvature) > 0).all():
        raise ValueError(f"curvature must be positive, got {np.min(curvature)}")
    random = np.random.RandomState(whole_number("seed", seed, 0, 2**32 - 1))
    x = np.empty((steps + 1, runs, start.size))
    x[: samples + 1] = start

    def drawn(k: int) -> np.ndarray:
        return grad(x[k]) + sigma * noise.sample(random, x[k].shape)

    first = np.array([drawn(k) for k in range(samples)])
    mean, square = first.mean(axis=0), caution * (first**2).mean(axis=0)
    memory = np.full(x[0].shape, float(samples))
    for k in range(samples, steps):
        g = drawn(k)
        mean += (g - mean) / memory
        square += (g**2 - square) / memory
        share = np.divide(mean**2, square, out=np.zeros_like(square), where=square > 0)
        x[k + 1] = x[k] - share / curvature * g
        memory = (1 - share) * memory + 1
    return x
