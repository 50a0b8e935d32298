"""PowerSGD: its invariants, and what it comes to."""

from __future__ import annotations

import numpy as np
import pytest
from compressors import Training, gradient, trained
from mxnet import nd
from threads import ranks

from gluonbook.kvstore import Link, MeanStore, PowerStore
from gluonbook.theory import costs

SHAPE = (20, 6, 5)


def stepped(training: Training, grads: list[np.ndarray]) -> list[np.ndarray]:
    """How each parameter has moved, for a learning rate of 1: the outcome of the exchange."""
    before = training.weights
    for parameter, grad in zip(training.parameters, grads):
        parameter.grad()[:] = nd.array(grad)
        parameter.data()._fresh_grad = True
    training.trainer.step(1)
    return [a - b for a, b in zip(before, training.weights)]


def test_what_is_sent_and_the_mean_error_make_up_the_mean_gradient():
    """The invariant by which epfml's reference tests itself, of several workers, and in each of several steps."""

    def work(link) -> list:
        store = PowerStore(link, rank=2)
        training, found, error = Training(store, shapes=[SHAPE], learning_rate=1.0), [], np.zeros((20, 30))
        for step in range(4):
            grad = gradient(SHAPE, link.rank, step, 0)
            (sent,) = stepped(training, [grad])
            found.append((grad.reshape(20, 30) + error, sent.reshape(20, 30), store.states[0]["error"]))
            error = store.states[0]["error"]
        return found

    for step in zip(*ranks(3, work)):
        brought, sent, left = (np.mean(part, axis=0) for part in zip(*step))
        np.testing.assert_allclose(brought, sent + left, rtol=0, atol=1e-5)
        assert np.linalg.matrix_rank(sent, tol=1e-3) == 2
        assert all(np.array_equal(step[0][1], other[1]) for other in step)


def test_the_method_is_its_formula_whoever_has_something_to_say():
    """In float64, by hand. Rank 1 abstains from step 1, and rank 2 has not used the parameter in steps 2 and 3."""
    absent, unused = {1: 1}, {2: 2, 3: 2}

    def work(link) -> list:
        training, moved = Training(PowerStore(link, nonfinite="zero"), shapes=[SHAPE], learning_rate=1.0), []
        for step in range(6):
            (before,) = training.weights
            spoilt = [m for m in range(3) if absent.get(step) == m]
            training.step(step, [link.rank], spoilt, unused=[0] if unused.get(step) == link.rank else [])
            moved.append((before - training.weights[0]).reshape(20, 30))
        return moved

    Q = PowerStore()._factor(0, 30).astype(float)
    errors, found = np.zeros((3, 20, 30)), ranks(3, work)
    for step in range(6):
        voters = [m for m in range(3) if absent.get(step) != m]
        brought = {m: errors[m] + gradient(SHAPE, m, step, 0).reshape(20, 30) for m in voters if unused.get(step) != m}
        mean = sum(brought.values()) / len(voters)
        P, _ = np.linalg.qr(mean @ Q)
        Q = mean.T @ P
        for m, own in brought.items():
            errors[m] = own - P @ Q.T
        for of_rank in found:
            np.testing.assert_allclose(of_rank[step], P @ Q.T, rtol=0, atol=1e-4)


@pytest.mark.parametrize("rank", [1, 2, 4])
def test_of_a_matrix_that_stays_it_finds_the_best_approximation(rank):
    """As far as singular values leave a gap: the best one is that of the SVD. Without the errors, which move it."""
    luck = np.random.RandomState(0)
    U, V = (np.linalg.qr(luck.randn(n, 8))[0] for n in (20, 30))
    values = 2.0 ** -np.arange(8)
    A = (U * values) @ V.T
    best = (U[:, :rank] * values[:rank]) @ V[:, :rank].T
    store = PowerStore(rank=rank)
    training = Training(store, shapes=[(20, 30)], learning_rate=1.0)
    off = []
    for _ in range(12):
        (sent,) = stepped(training, [A])
        store.states[0]["error"] = np.zeros((20, 30), np.float32)
        off.append(np.linalg.norm(sent - best))
    assert off[-1] < 1e-4
    assert off[0] > 0.05


def test_with_the_errors_all_of_a_matrix_that_stays_arrives():
    """The mean of what has been sent."""
    A = gradient((20, 30), 0, 0, 0)
    training = Training(PowerStore(rank=2), shapes=[(20, 30)], learning_rate=1.0)
    sent, off = np.zeros((20, 30)), {}
    for step in range(1, 201):
        sent += stepped(training, [A])[0]
        off[step] = np.linalg.norm(sent / step - A) / np.linalg.norm(A)
    assert off[1] > 0.7
    assert off[200] < 0.1


@pytest.mark.parametrize("workers", [2, 5])
def test_many_workers_are_one_that_has_the_mean(workers):
    """The method is linear in what the workers bring along."""

    def work(link) -> list:
        training = Training(PowerStore(link, rank=2), shapes=[SHAPE, (3,)], learning_rate=1.0)
        return [
            stepped(training, [gradient(shape, link.rank, step, 0) for shape in (SHAPE, (3,))]) for step in range(6)
        ]

    alone = Training(PowerStore(rank=2), shapes=[SHAPE, (3,)], learning_rate=1.0)
    (found, *_) = ranks(workers, work)
    for step, moved in enumerate(found):
        mean = [np.mean([gradient(shape, m, step, 0) for m in range(workers)], axis=0) for shape in (SHAPE, (3,))]
        for one, other in zip(moved, stepped(alone, mean)):
            np.testing.assert_allclose(one, other, rtol=0, atol=2e-4)


def test_devices_of_a_process_are_summed_first():
    one, two = PowerStore(), PowerStore()
    training = Training(two, shapes=[SHAPE], learning_rate=1.0)
    for step in range(4):
        stepped(training, [gradient(SHAPE, 0, step, 0) + gradient(SHAPE, 1, step, 0)])
    for a, b in zip(trained(one, range(2), 4, shapes=[SHAPE], learning_rate=1.0), training.weights):
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    ("shape", "rank", "is_worth_it"),
    [
        *[((65,), 1, False), ((65, 1), 1, False), ((2, 2), 1, False), ((2, 3), 1, True), ((8, 8), 3, True)],
        *[((8, 8), 4, False), ((4, 2, 4), 2, True), ((4, 2, 4), 3, False)],
    ],
)
def test_what_thin_factors_would_not_shorten_is_sent_as_it_is(shape, rank, is_worth_it):
    store = PowerStore(rank=rank)
    exact = trained(MeanStore(), steps=3, shapes=[shape])
    found = trained(store, steps=3, shapes=[shape])
    assert np.array_equal(found, exact) != is_worth_it
    assert bool(store.states) == is_worth_it


@pytest.mark.parametrize("rank", [1, 2, 4])
def test_as_many_numbers_are_sent_as_the_formula_says(rank):
    shapes, sent = [(3,), (5, 7), (64,), (2, 3, 4, 5), (17, 241)], []

    class Counting(Link):
        engine, rank, size = "test", 0, 1

        def all_reduce(self, values):
            sent.append(values.nbytes)

        def all_gather(self, values):
            return values[None]

        vote = sendrecv = broadcast = lambda self, *_: None

    trained(PowerStore(Counting(), rank=rank), steps=1, shapes=shapes)
    M = 4
    assert sum(sent) * 2 * (M - 1) / M == costs.power(M, shapes, rank).bytes
    assert len(sent) == 2


def test_a_gradient_of_zeros_does_not_end_the_iteration():
    """Q becomes zero with it, and P with that: any orthonormal one goes on."""
    training = Training(PowerStore(rank=2), shapes=[(20, 30)], learning_rate=1.0)
    stepped(training, [np.zeros((20, 30))])
    moved = [np.linalg.norm(stepped(training, [gradient((20, 30), 0, 0, 0)])[0]) for _ in range(3)]
    assert min(moved) > 1
    assert all(np.isfinite(weight).all() for weight in training.weights)


def test_large_gradients_have_the_same_bits_but_for_their_exponent():
    """Each Q is of the size of A, and A·Q would be of the size of A²."""

    def sent(factor: float) -> list[np.ndarray]:
        store, out = PowerStore(), nd.zeros(SHAPE)
        found = []
        for step in range(4):
            store.pushpull(0, nd.array(factor * gradient(SHAPE, 0, step, 0)), out)
            found.append(out.asnumpy() / np.float32(factor))
        return found

    np.testing.assert_array_equal(sent(2.0**80), sent(1.0))
