"""L-BFGS on batches that grow: on least squares, where all of it can be known."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize

from gluonbook.theory import ProgressiveLBFGS, Samples, two_loop


class LeastSquares(Samples):
    """½(x·w − d)² a sample, and a list of all that has been asked."""

    def __init__(self, n: int = 200, weights: int = 6, noise: float = 0.5, seed: int = 0) -> None:
        random = np.random.RandomState(seed)
        self.X = random.normal(size=(n, weights)) * np.geomspace(1, 5, weights)
        self.d = self.X @ random.normal(size=weights) + noise * random.normal(size=n)
        self.asked: list[tuple[str, np.ndarray]] = []

    def __len__(self) -> int:
        return len(self.d)

    def off(self, w, i):
        return self.X[i] @ w - self.d[i]

    def loss(self, w, i):
        self.asked.append(("loss", i))
        return (self.off(w, i) ** 2).mean() / 2

    def grad(self, w, i):
        self.asked.append(("grad", i))
        return self.X[i].T @ self.off(w, i) / len(i)

    def slopes(self, w, i, v):
        self.asked.append(("slopes", i))
        return self.off(w, i) * (self.X[i] @ v)

    def squares(self, w, i):
        return self.off(w, i) ** 2 * (self.X[i] ** 2).sum(axis=1)

    @property
    def best(self) -> np.ndarray:
        return np.linalg.lstsq(self.X, self.d, rcond=None)[0]


def gap(samples: LeastSquares, w: np.ndarray) -> float:
    everything = np.arange(len(samples))
    return samples.loss(w, everything) - samples.loss(samples.best, everything)


def begun(samples: Samples, **options) -> ProgressiveLBFGS:
    return ProgressiveLBFGS(samples, np.zeros(6), **{"seed": 1, **options})


def test_the_line_search_halves_the_step():
    """An unscaled first step overshoots, and the lengths tried are counted."""
    samples = LeastSquares()
    walk = begun(samples, batch=200, first=1.0)
    stride = walk.step()
    losses = [i for what, i in samples.asked if what == "loss"]
    assert stride.backtracks >= 3
    assert stride.alpha == 0.5**stride.backtracks
    assert len(losses) == stride.backtracks + 2  # where it stands, and each length that was tried
    assert stride.spent == pytest.approx(2 * 200 + stride.backtracks * 200 / 3)


def test_with_all_samples_it_is_plain_lbfgs():
    """Written out here: no variance, no test, the first length 1."""
    samples, everything = LeastSquares(), np.arange(200)
    walk, w, S, Y = begun(samples, batch=200), np.zeros(6), [], []
    for _ in range(16):
        stride = walk.step()
        g = samples.grad(w, everything)
        s = -stride.alpha * two_loop(g, S[-10:], Y[-10:])
        S.append(s)
        Y.append(samples.grad(w + s, everything) - g)
        w = w + s
        assert walk.w == pytest.approx(w, rel=1e-6, abs=1e-9)
        assert stride.batch == 200
    assert gap(samples, w) <= 1e-8


def test_with_all_samples_no_gradient_is_asked_for_twice():
    samples = LeastSquares()
    walk = begun(samples, batch=200)
    strides = [walk.step() for _ in range(6)]
    assert len([what for what, _ in samples.asked if what == "grad"]) == 7
    assert strides[-1].spent == pytest.approx(7 * 200 + sum(stride.backtracks for stride in strides) * 200 / 3)


def test_what_a_step_costs():
    """A gradient, a slope for the test, and a gradient behind the step; each length that is not taken, a loss."""
    walk = begun(LeastSquares(), batch=20, theta=10.0)
    one, other = walk.step(), walk.step()
    assert (one.batch, other.batch) == (20, 20)
    assert other.spent - one.spent == pytest.approx(20 * (2 + (1 + other.backtracks) / 3))


def test_it_ends_where_scipys_does():
    samples, everything = LeastSquares(), np.arange(200)
    walk = begun(samples, batch=200)
    for _ in range(40):
        walk.step()
    found = minimize(
        lambda w: (samples.loss(w, everything), samples.grad(w, everything)), np.zeros(6), jac=True, method="L-BFGS-B"
    )
    assert walk.w == pytest.approx(samples.best, abs=1e-6)
    assert walk.w == pytest.approx(found.x, abs=1e-3)


@pytest.mark.parametrize("curvature", [0.1, 3.0, 50.0])
def test_a_round_bowl_takes_one_pair(curvature):
    """The first pair shows the one curvature that there is; then H is exact."""
    samples = LeastSquares()
    samples.X = np.sqrt(curvature * 6) * np.tile(np.eye(6), (40, 1))
    samples.d = samples.X @ np.arange(1.0, 7.0)
    walk = ProgressiveLBFGS(samples, np.zeros(6), seed=0, batch=240)
    walk.step()
    walk.step()
    assert walk.w == pytest.approx(np.arange(1.0, 7.0), abs=1e-9)


@pytest.mark.parametrize("test", ["inner product", "norm"])
@pytest.mark.parametrize("seed", range(5))
def test_the_batch_grows_until_it_is_everything_and_never_shrinks(test, seed):
    samples = LeastSquares()
    walk = begun(samples, seed=seed, batch=4, test=test, theta=0.3)
    strides = [walk.step() for _ in range(80)]
    sizes = [stride.batch for stride in strides]
    assert sizes == sorted(sizes)
    assert sizes[0] < 100
    assert sizes[-1] == 200
    assert gap(samples, walk.w) <= 1e-6


def test_the_inner_product_test_is_met_by_what_it_asks_for():
    """All of the first step, written out: no pairs, so that H is the identity."""
    samples = LeastSquares()
    stride = begun(samples, batch=8, theta=0.1).step()
    (_, first), (_, asked), (_, added) = samples.asked[:3]
    assert np.array_equal(first, asked)
    samples.asked.clear()
    g = samples.grad(np.zeros(6), first)
    slopes = samples.slopes(np.zeros(6), first, g)
    holds = [
        slopes.var(ddof=1) / n * (200 - n) / 199 <= 0.1**2 * (g @ g) ** 2 for n in (stride.batch - 1, stride.batch)
    ]
    assert holds == [False, True]
    assert len(first) + len(added) == stride.batch
    assert not set(first) & set(added)


def test_the_norm_test_is_met_by_what_it_asks_for():
    samples = LeastSquares()
    stride = begun(samples, batch=8, theta=0.5, test="norm").step()
    first = samples.asked[0][1]
    rows = samples.off(np.zeros(6), first)[:, None] * samples.X[first]
    g, variance = rows.mean(axis=0), rows.var(axis=0, ddof=1).sum()
    holds = [variance / n * (200 - n) / 199 <= 0.5**2 * (g @ g) for n in (stride.batch - 1, stride.batch)]
    assert holds == [False, True]


def test_without_pairs_the_norm_asks_for_more():
    """H is the identity at first, and then Cauchy and Schwarz say so."""
    for seed in range(10):
        one, other = (
            begun(LeastSquares(), seed=seed, batch=8, theta=0.3, test=test).step() for test in ("inner product", "norm")
        )
        assert other.batch >= one.batch


def test_the_first_length_is_that_of_the_variance():
    samples = LeastSquares()
    samples.X *= 0.1  # so flat that the first length will do
    stride = begun(samples, batch=20, theta=None).step()
    i = samples.asked[0][1]
    rows = samples.off(np.zeros(6), i)[:, None] * samples.X[i]
    g = rows.mean(axis=0)
    variance = rows.var(axis=0, ddof=1).sum() / 20 * 180 / 199
    assert stride.backtracks == 0
    assert stride.alpha == pytest.approx(1 / (1 + variance / (g @ g)))


def test_without_a_test_the_batch_stays():
    samples = LeastSquares()
    walk = begun(samples, batch=16, theta=None)
    assert {walk.step().batch for _ in range(30)} == {16}
    assert all(len(i) == 16 for _, i in samples.asked)
    assert not [what for what, _ in samples.asked if what == "slopes"]


def test_a_pair_comes_from_one_batch():
    samples = LeastSquares()
    walk = begun(samples, batch=16, theta=None)
    for _ in range(10):
        samples.asked.clear()
        walk.step()
        grads = [i for what, i in samples.asked if what == "grad"]
        assert len(grads) == 2
        assert np.array_equal(*grads)
        assert len(set(grads[0])) == 16


def test_the_same_seed_is_the_same_walk():
    walks = [begun(LeastSquares(), seed=seed) for seed in (3, 3, 4)]
    one, same, other = [[walk.step() for _ in range(20)] for walk in walks]
    assert one == same
    assert one != other
    assert np.array_equal(walks[0].w, walks[1].w)


def test_at_the_minimum_it_stays():
    samples = LeastSquares(noise=0.0)
    walk = ProgressiveLBFGS(samples, samples.best, seed=0)
    for _ in range(5):
        walk.step()
    assert walk.w == pytest.approx(samples.best, abs=1e-12)
    flat = LeastSquares()
    flat.X[:] = 0
    walk = begun(flat)
    strides = [walk.step() for _ in range(3)]
    assert not any(stride.kept for stride in strides)
    assert np.array_equal(walk.w, np.zeros(6))


class Uphill(LeastSquares):
    """Its gradient points the wrong way."""

    def grad(self, w, i):
        return -super().grad(w, i)


def test_a_step_that_lowers_nothing_is_not_taken():
    stride = (walk := begun(Uphill(), batch=50, theta=None)).step()
    assert (stride.alpha, stride.kept) == (0.0, False)
    assert stride.spent == pytest.approx(50 + 21 * 50 / 3)
    assert np.array_equal(walk.w, np.zeros(6))


class Broken(LeastSquares):
    """One of its answers is not what it should be."""

    def __init__(self, what, value):
        super().__init__()
        self.broken, self.value = what, value

    def __getattribute__(self, name):
        if name in ("loss", "grad", "slopes", "squares") and name == object.__getattribute__(self, "broken"):
            return lambda *_: object.__getattribute__(self, "value")
        return super().__getattribute__(name)


@pytest.mark.parametrize(
    ("what", "value", "kind", "told"),
    [
        ("grad", np.zeros(5), ValueError, r"grad must give the shape \(6,\), got \(5,\)"),
        ("slopes", 0.5, ValueError, r"slopes must give the shape \(32,\), got \(\)"),
        ("squares", np.zeros(6), ValueError, r"squares must give the shape \((\d+),\), got \(6,\)"),
        ("grad", np.full(6, np.nan), FloatingPointError, "the gradient of 32 samples is not finite"),
        ("loss", np.nan, FloatingPointError, r"the loss of a batch of \d+ samples is nan"),
        ("loss", np.inf, FloatingPointError, r"the loss of a batch of \d+ samples is inf"),
    ],
)
def test_what_samples_answer_wrongly_is_told(what, value, kind, told):
    with pytest.raises(kind, match=told):
        begun(Broken(what, value)).step()


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"batch": 201}, "batch must be a whole number from 2 to 200, got 201"),
        ({"batch": 1}, "batch must be a whole number from 2 to 200, got 1"),
        ({"theta": 0}, r"theta must be a number in \(0, inf\), got 0"),
        ({"memory": 0}, "memory must be a whole number from 1, got 0"),
        ({"first": 0}, r"first must be a number in \(0, inf\), got 0"),
        ({"test": "inner"}, "test must be 'inner product' or 'norm', got 'inner'"),
        ({"seed": -1}, "seed must be a whole number from 0 to 4294967295, got -1"),
    ],
)
def test_options_that_are_none_are_told(options, told):
    samples = LeastSquares()
    with pytest.raises(ValueError, match=told):
        begun(samples, **options)
    assert samples.asked == []


@pytest.mark.parametrize("start", [np.zeros((2, 3)), 1.0, [0.0, np.nan]])
def test_a_start_that_is_none_is_told(start):
    with pytest.raises(ValueError, match=r"start must be a finite vector of shape \(d,\), got"):
        ProgressiveLBFGS(LeastSquares(), start, seed=0)


def test_samples_that_are_none_are_told():
    with pytest.raises(ValueError, match=r"samples must be Samples, got \[1, 2\]"):
        ProgressiveLBFGS([1, 2], np.zeros(2), seed=0)


def test_where_it_starts_is_copied():
    start = np.zeros(6)
    walk = ProgressiveLBFGS(LeastSquares(), start, seed=0)
    walk.step()
    walk.w[:] = 9
    assert np.array_equal(start, np.zeros(6))
    assert not np.array_equal(walk.w, np.full(6, 9.0))
