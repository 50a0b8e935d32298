"""The exercises of `frontier/asynchrony`."""

from __future__ import annotations

import math

import numpy as np

from gluonbook.exercises.checking import Exercises
from gluonbook.exercises.exercise import Hint, Mistake
from gluonbook.exercises.numeric import Numbers, Place
from gluonbook.exercises.tried import Tried

exercises = Exercises(__name__)
check = exercises.check

exercises.add(
    Numbers(
        "second-of-gradients",
        Place(
            50,
            [
                Mistake(12.5, hint="So many rounds there are. In each, all four compute a gradient."),
                Mistake(200, hint="That is if nobody were slow. All wait for all: how long does a round take?"),
                Mistake(1000 / 35 * 4, hint="A round does not take the mean of the four times, but the longest."),
                Mistake(162.5, hint="That is if nobody waits. Which number comes first?"),
            ],
            otherwise="A round takes as long as the slowest, and has four gradients. How many rounds has a second?",
        ),
        Place(
            162.5,
            [
                Mistake(150, hint="The slow worker computes gradients, too."),
                Mistake(62.5, hint="Of the fast workers there are three."),
                Mistake(1000 / 35 * 4, hint="Each goes at its own pace. Add up what each computes in a second."),
                Mistake(200, hint="One of the four is slow. How many gradients does it compute in a second?"),
            ],
            otherwise="Each goes at its own pace. Add up what each computes in a second.",
        ),
    )
)


def ring(M):
    own = np.eye(M)
    return (own + np.roll(own, 1, axis=1) + np.roll(own, -1, axis=1)) / 3


def _band(M):
    return np.clip(np.eye(M) + np.eye(M, k=1) + np.eye(M, k=-1), 0, 1) / 3


def _neighbours(M):
    own = np.eye(M)
    return (np.roll(own, 1, axis=1) + np.roll(own, -1, axis=1)) / 2


def _band_of_means(M):
    band = _band(M)
    return band / band.sum(axis=1, keepdims=True)


def _pair(M):
    own = np.eye(M)
    return (own + np.roll(own, 1, axis=1)) / 2


def _matrix(answer, M):
    given = np.asarray(answer(M), dtype=float)
    if given.shape != (M, M):
        raise Hint(f"For {M} workers the matrix has the shape {(M, M)}; yours has {given.shape}.")
    return given


exercises.add(
    Tried(
        "ring-of-thirds",
        ring,
        [(3,), (4,), (7,)],
        [
            Mistake(
                _band,
                _band_of_means,
                hint="On a ring the first worker and the last are neighbours, too.",
            ),
            Mistake(_neighbours, hint="The mean is that of three: a worker's own weights count as well."),
            Mistake(_pair, hint="A worker has two neighbours, one on each side."),
            Mistake(
                lambda M: 3 * ring(M),
                hint="That adds up three. What makes a mean of it?",
            ),
            Mistake(
                lambda M: np.full((M, M), 1 / M),
                hint="That is the mean of all, as of an all-reduce. On a ring a worker has two neighbours.",
            ),
        ],
        otherwise="For M = {M} it should be\n{right}\nand yours is\n{given}",
        trial=_matrix,
    )
)


def worker(own, point, slope, gamma):
    new = point - gamma * slope(point)
    return new - own, new


def _sent(answer, own, point, gamma):
    """What is sent and kept, on a loss whose slope shows where it was taken."""
    given = answer(own, point, lambda x: x**3 + 2 * x, gamma)
    if not isinstance(given, (tuple, list)) or len(given) != 2:
        raise Hint(f"Return two things, what is sent and the new point, not {given!r:.60}.")
    return {"sent": np.asarray(given[0], dtype=float), "own": np.asarray(given[1], dtype=float)}


def _from_the_point(own, point, slope, gamma):
    return -gamma * slope(point), point - gamma * slope(point)


def _whole(own, point, slope, gamma):
    new = point - gamma * slope(point)
    return new, new


def _backwards(own, point, slope, gamma):
    delta, new = worker(own, point, slope, gamma)
    return -delta, new


def _from_its_own(own, point, slope, gamma):
    return worker(own, own, slope, gamma)


def _swapped(own, point, slope, gamma):
    return worker(own, point, slope, gamma)[::-1]


def _old(own, point, slope, gamma):
    return worker(own, point, slope, gamma)[0], own


exercises.add(
    Tried(
        "what-a-point-sends",
        worker,
        [
            (np.array([1.0, -2.0]), np.array([0.5, 0.25]), 0.1),
            (np.array([0.0]), np.array([3.0]), 0.02),
            (np.array([1.5, 1.0, 0.5]), np.array([1.5, 1.0, 0.5]), 0.2),
        ],
        [
            Mistake(
                _from_the_point,
                hint="The master's mean still holds your old x_i. By how much does that one change?",
            ),
            Mistake(
                _whole,
                _swapped,
                hint="That is the new point. First comes what is sent: the master adds it, so it is by how much the "
                "point has changed.",
            ),
            Mistake(_backwards, hint="The sign: the master adds what comes."),
            Mistake(_from_its_own, hint="The step goes on from what the master has sent, not from the old x_i."),
            Mistake(_old, hint="What is sent is right. Where is the worker then?"),
        ],
        otherwise={
            "sent": "From own = {own}, point = {point} and gamma = {gamma}, with the slope x³ + 2x, it sends {right}, "
            "not {given}.",
            "own": "What is sent is right. The new point is {right}, not {given}.",
        },
        trial=_sent,
    )
)


def may_stand_still(asks):
    left = {worker: set(whom) for worker, whom in asks.items()}
    while free := [worker for worker, whom in left.items() if not whom & set(left)]:
        for worker in free:
            del left[worker]
    return bool(left)


def _each_other(asks):
    return any(worker in asks.get(other, ()) for worker, whom in asks.items() for other in whom)


def _both_sides(asks):
    return bool(asks.keys() & {other for whom in asks.values() for other in whom})


def _one_way(asks):
    """Follows the first whom each may ask, and no other."""
    for start in asks:
        at, been = start, set()
        while asks.get(at) and at not in been:
            been.add(at)
            at = asks[at][0]
        if at in been:
            return True
    return False


def _back_to_the_first(asks):
    """Looks for a way back to worker 0 alone."""
    reached, new = set(), set(asks.get(0, ()))
    while new:
        reached |= new
        new = {other for worker in new for other in asks.get(worker, ())} - reached
    return 0 in reached


exercises.add(
    Tried(
        "waiting-in-a-circle",
        may_stand_still,
        [
            ({0: [1, 3], 2: [1, 3]},),
            ({0: [1], 1: [0]},),
            ({0: [1], 1: [2], 2: [0]},),
            ({0: [1], 1: [2], 2: [3]},),
            ({0: [1, 2], 1: [2, 3], 2: [3], 3: []},),
            ({0: [3, 1], 1: [3, 2], 2: [3, 0], 3: []},),
            ({0: [1], 1: [2], 2: [3], 3: [1]},),
            ({},),
        ],
        [
            Mistake(
                _each_other,
                hint="Two that ask each other may stand still. So may three: for asks = {asks} it should be {right}.",
            ),
            Mistake(
                _both_sides,
                hint="Who asks and answers is not in danger yet: for asks = {asks} it should be {right}. Somebody "
                "must come round to where it began.",
            ),
            Mistake(_one_way, hint="You follow one of those that a worker may ask. It may ask any: {asks}."),
            Mistake(_back_to_the_first, hint="A circle need not have worker 0 in it: {asks}."),
            Mistake(lambda asks: not may_stand_still(asks), hint="The other way round."),
        ],
        otherwise="For asks = {asks} it should be {right}, not {given}. Draw an arrow for each.",
    )
)

exercises.add(
    Numbers(
        "longest-harmonic-step",
        Place(
            0.5 * math.log(3),
            [
                Mistake(0.5 * math.log(2), hint="That is for n/2. Here the point is that of update n/3."),
                Mistake(math.log(3), hint="That is for c = 1."),
                Mistake(1 / 3, hint="The delay is 2n/3, and the last step 0.5/n. But the steps before were longer."),
                Mistake(0.5 * math.log10(3), hint="The natural logarithm: it is an integral of 1/m."),
                Mistake(0.5 * math.log(1.5), hint="The steps in flight begin at n/3, and not at 2n/3."),
            ],
            otherwise="Add up 0.5/m from m = n/3 to n. For large n that is an integral.",
        ),
        Place(
            math.pi / 2 / (10 * math.log(3)),
            [
                Mistake(math.pi / 2 / (10 * math.log(2)), hint="That is for n/2."),
                Mistake(math.pi / 2 / math.log(3), hint="That is for a curvature of 1."),
                Mistake(
                    math.pi / 2 / (5 * math.log(3)),
                    hint="With c in place of 0.5, the steps in flight are c ln 3.",
                ),
                Mistake(2 / (10 * math.log(3)), hint="2 is the limit for a gradient that is not late."),
                Mistake(math.pi / 2 / 10, hint="That is what may be in flight. Which c is that?"),
            ],
            otherwise="The steps in flight are c ln 3. What must they be below, if the curvature is 10?",
        ),
    )
)
