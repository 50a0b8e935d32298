"""The rates that are proved, as numbers to hold a measurement against.

All take `calls`, the number N of gradients of single samples that a worker has computed; `smoothness` = ‖L‖₁, the sum
of the coordinate-wise Lipschitz constants of the gradient; `gap` = f(x₀) − f*; and `sigma` = ‖σ‖₁, the sum of the
coordinates' standard deviations of one sample's gradient. They raise ValueError for numbers that are out of range.

Sources: Bernstein, Wang, Azizzadenesheli and Anandkumar (2018), arXiv:1802.04434, Theorems 1 to 3; Bernstein, Zhao,
Azizzadenesheli and Anandkumar (2019), arXiv:1810.05291, Theorems 1 and 2.
"""

from __future__ import annotations

from math import sqrt

from gluonbook.checks import real, whole_number

_POSITIVE, _FROM_0 = "(0, inf)", "[0, inf)"


def large_batch(calls: float, smoothness: float, gap: float, sigma: float, workers: int = 1) -> float:
    """Bounds the square of the mean ‖g_k‖₁ over K steps, [E (1/K) Σ‖g_k‖₁]²:

        N^−½ · [√‖L‖₁·(gap + ½) + 2·‖σ‖₁/√M]²

    for signSGD with lr 1/√(‖L‖₁·K), batches of K samples (so N = K²), and a vote of M workers, each with batches of
    its own. One worker needs no more of the noise than its variance; a vote asks that it be symmetric, with one
    mode (without that, it has the bound of one worker).
    """
    calls, workers = real("calls", calls, _POSITIVE), whole_number("workers", workers, 1)
    smoothness, gap, sigma = real("smoothness", smoothness, _POSITIVE), real("gap", gap, _FROM_0), _sigma(sigma)
    return (sqrt(smoothness) * (gap + 0.5) + 2 * sigma / sqrt(workers)) ** 2 / sqrt(calls)


def large_batch_sgd(calls: float, largest: float, gap: float, variance: float) -> float:
    """Bounds the mean ‖g_k‖₂² over K steps, E (1/K) Σ‖g_k‖₂²:

        N^−½ · [2·‖L‖∞·gap + ‖σ‖₂²]

    for SGD with lr 1/‖L‖∞ and batches of K samples (so N = K²); `largest` = ‖L‖∞, and `variance` = ‖σ‖₂².
    """
    calls, largest = real("calls", calls, _POSITIVE), real("largest", largest, _POSITIVE)
    return (2 * largest * real("gap", gap, _FROM_0) + real("variance", variance, _FROM_0)) / sqrt(calls)


def small_batch(calls: float, smoothness: float, gap: float) -> float:
    """Bounds the mean over steps of Σ_H |gᵢ| + Σ_rest gᵢ²/σᵢ, where H holds the coordinates with |gᵢ| > (2/√3)·σᵢ:

        3·√(‖L‖₁·gap/N)

    for signSGD with batches of one and lr √(gap/(‖L‖₁·N)), if the noise is symmetric, with one mode.
    """
    calls, smoothness = real("calls", calls, _POSITIVE), real("smoothness", smoothness, _POSITIVE)
    return 3 * sqrt(smoothness * real("gap", gap, _FROM_0) / calls)


def inverters(calls: float, smoothness: float, gap: float, sigma: float, workers: int, share: float) -> float:
    """Bounds [E (1/K) Σ‖g_k‖₁]² of a vote of M workers, of whom a `share` α < ½ sends the opposite of its sign:

        (4/√N) · [‖σ‖₁/((1 − 2α)·√M) + √(‖L‖₁·gap)]²

    for lr √(gap/(‖L‖₁·K)) and batches of K samples, if the noise is symmetric, with one mode.
    """
    calls, smoothness = real("calls", calls, _POSITIVE), real("smoothness", smoothness, _POSITIVE)
    workers, share = whole_number("workers", workers, 1), real("share", share, "[0, 0.5)")
    noise = _sigma(sigma) / ((1 - 2 * share) * sqrt(workers))
    return 4 / sqrt(calls) * (noise + sqrt(smoothness * real("gap", gap, _FROM_0))) ** 2


def _sigma(sigma: float) -> float:
    return real("sigma", sigma, _FROM_0)
