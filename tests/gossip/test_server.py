"""A master that answers as workers come: against the methods on paper, and processes against their replay."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import served_ranks as served
from logistic import SIZE, Problem, arrivals
from mpi4py import MPI

from gluonbook import launch
from gluonbook.gossip import PIAG, DAvePG, DAveWorker, StaleSGD, Worker, replay, serve, staleness

WORKERS = 4


def test_stale_sgd_of_one_worker_is_sgd():
    problem = Problem(1)
    gradient, x = problem.gradient(0), np.ones(SIZE, np.float32)
    gradient32 = lambda at: gradient(at).astype(np.float32)  # noqa: E731
    points = replay(StaleSGD(x, 0.1), [gradient32], [0] * 5)
    for point in points:
        x = x - np.float32(0.1) * gradient32(x)
        np.testing.assert_array_equal(point, x)


def test_a_point_is_made_of_the_gradients_that_have_come_and_each_of_what_its_worker_saw():
    slopes = [lambda x: 1.0 * x, lambda x: 10.0 * x]
    points = replay(StaleSGD(np.array([1.0]), 0.1), slopes, [0, 0, 1, 1])
    np.testing.assert_allclose(np.ravel(points), [0.9, 0.81, -0.19, 0.0], atol=1e-15)


@pytest.mark.parametrize("workers", [1, 3])
def test_dave_keeps_the_mean_of_all_points(workers):
    problem = Problem(workers)
    master = DAvePG(np.ones(SIZE), workers, problem.prox(problem.gamma))
    own = [DAveWorker(np.ones(SIZE), problem.gradient(i), problem.gamma) for i in range(workers)]
    for i in arrivals(workers, 5, 30):
        point = master.answer(own[i](master.point), i)
        np.testing.assert_allclose(master.mean, np.mean([one.own for one in own], axis=0), atol=1e-13)
        np.testing.assert_array_equal(point, problem.prox(problem.gamma)(master.mean))


def test_the_first_point_of_dave_is_one_of_the_proximal_operator():
    assert DAvePG(np.array([3.0]), 2, lambda x: x / 2).point.tolist() == [1.5]
    assert DAvePG(np.array([3.0]), 2).point.tolist() == [3.0]


def test_a_start_in_whole_numbers_is_one():
    whole, gradient = np.array([3, -1]), lambda x: 0.5 * x - 0.3
    for make in (
        lambda start: (StaleSGD(start, 0.1), gradient),
        lambda start: (PIAG(start, start[np.newaxis], 0.1), gradient),
        lambda start: (DAvePG(start, 1), DAveWorker(start, gradient, 0.1)),
    ):
        master, worker = make(whole)
        points = replay(master, [worker], [0] * 3)
        master, worker = make(whole.astype(np.float64))
        np.testing.assert_array_equal(points, replay(master, [worker], [0] * 3))
        assert np.ptp(points, axis=0).min() > 0


def gap(problem, master, workers, order):
    """How far above the least value the last point is."""
    return problem.value(replay(master, workers, order)[-1]) - problem.value(problem.solution)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_dave_needs_no_smaller_step_for_a_slow_worker_and_piag_does(seed):
    problem, order, start = Problem(8, seed), arrivals(8, 10, 2000, seed), np.zeros(SIZE)
    gradients = [problem.gradient(i) for i in range(8)]
    table = np.stack([g(start) for g in gradients])
    gamma, prox = problem.gamma, problem.prox
    dave = [DAveWorker(start, g, gamma) for g in gradients]
    assert gap(problem, DAvePG(start, 8, prox(gamma)), dave, order) < 1e-6
    assert gap(problem, PIAG(start, table, gamma, prox(gamma)), gradients, order) > 0.01
    assert gap(problem, PIAG(start, table, gamma / 10, prox(gamma / 10)), gradients, order) < 1e-6


def test_a_round_of_all_is_the_proximal_gradient_step():
    """Where nobody has come twice, both methods have made one step by the gradient of all."""
    problem, start = Problem(3), np.zeros(SIZE)
    gamma, prox = 0.1, problem.prox(0.1)
    gradients = [problem.gradient(i) for i in range(3)]
    step = prox(prox(start) - gamma * np.mean([g(prox(start)) for g in gradients], axis=0))
    dave = replay(DAvePG(start, 3, prox), [DAveWorker(start, g, gamma) for g in gradients], [2, 0, 1])[-1]
    np.testing.assert_allclose(dave, step, atol=1e-15)
    table = np.stack([g(start) for g in gradients])
    np.testing.assert_allclose(PIAG(start, table, gamma, prox).answer(table[1], 1), step, atol=1e-15)


def test_staleness_counts_the_others_in_between():
    assert staleness([0, 1, 0, 0, 1]) == [0, 1, 1, 0, 2]
    assert staleness([]) == []
    assert staleness([0] * 4) == [0] * 4


@pytest.mark.parametrize(
    ("call", "message"),
    {
        lambda: StaleSGD(np.zeros(2), 0): r"^lr must be a number in \(0, inf\), got 0$",
        lambda: DAvePG(np.zeros(2), 0): "^workers must be a whole number from 1, got 0$",
        lambda: PIAG(np.zeros(2), np.zeros((3, 2)), -1): r"^gamma must be a number in \(0, inf\), got -1$",
        lambda: PIAG(np.zeros(2), np.zeros((2, 3)), 1): r"^gradients must be \(M, 2\), a row a worker, got \(2, 3\)$",
        lambda: replay(
            StaleSGD(np.zeros(2), 1), [lambda x: x[:1]], [0]
        ): r"of a point, \(2,\), got \(1,\) from worker 0$",
        lambda: replay(
            StaleSGD(np.zeros(2), 1), [lambda x: x], [1]
        ): "^worker must be a whole number from 0 to 0, got 1$",
        lambda: serve(StaleSGD(np.zeros(2), 1), MPI.COMM_SELF): "^a master needs a worker: start two ranks or more$",
        lambda: Worker(MPI.COMM_SELF): "^rank 0 calls serve, and all others are a Worker; this is rank 0$",
    }.items(),
)
def test_what_cannot_be_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_a_message_that_is_not_finite_is_refused_before_anything_changes():
    master = StaleSGD(np.ones(2), 1)
    with pytest.raises(FloatingPointError, match=r"^the message of worker 0 is not finite$"):
        replay(master, [lambda x: x * np.inf], [0])
    np.testing.assert_array_equal(master.point, [1, 1])


@pytest.mark.slow
def test_processes_are_their_replay_bit_for_bit(tmp_path):
    done = launch.run(
        [served.__file__, tmp_path], workers=WORKERS + 1, quiet=True, deadline=60, env={"OMP_NUM_THREADS": "1"}
    )
    assert set(done.codes.values()) == {0}
    problem = Problem(WORKERS)
    told = json.loads(Path(tmp_path, "master.json").read_text(encoding="utf-8"))
    assert told.keys() == served.METHODS.keys()
    for name, found in told.items():
        counts = np.bincount(found["order"], minlength=WORKERS)
        assert counts.tolist() == [served.steps(i) for i in range(WORKERS)]
        master, workers = served.METHODS[name](problem)
        points = replay(master, workers, found["order"])
        np.testing.assert_array_equal(points[-1], found["point"])
    assert any(max(staleness(found["order"])) > WORKERS for found in told.values())


@pytest.mark.slow
@pytest.mark.parametrize("victim", [0, 2], ids=["master", "worker"])
def test_a_killed_rank_ends_the_run_and_is_named(tmp_path, victim):
    with pytest.raises(launch.LaunchFailed, match=rf"^rank {victim} was killed by SIGKILL \(signal 9\)"):
        launch.run([served.__file__, tmp_path, victim], workers=3, quiet=True, deadline=60)
