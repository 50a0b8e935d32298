"""Lists in which the same memory would be changed twice, by threads in any order: refused, with nothing changed."""

from __future__ import annotations

import numpy as np
import pytest
from mxnet import nd

from gluonbook import kernels
from gluonbook.kernels import bits

N = 130
WORDS = np.zeros(2 * bits.words_for(N), np.uint64)


def fresh(n=N):
    return np.full(n, 0.5, np.float32)


def step(weights, moms):
    kernels.signum_step(weights, [3 * fresh(), 3 * fresh()], moms, lr=0.25, momentum=0.5)


def mixed(copies, moms):
    halves = [np.full(N, 0.5, np.float16) for _ in range(2)]
    kernels.signum_step(halves, [3 * half for half in halves], moms, lr=0.25, momentum=0.5, weight32=copies)


def renew(moms, news):
    kernels.momentum_pack(moms, [3 * fresh(), 3 * fresh()], momentum=0.5, new=news)


# What each kernel changes.
CHANGED = {
    "signum_step, weight": lambda pair: step(pair, [fresh(), fresh()]),
    "signum_step, mom": lambda pair: step([fresh(), fresh()], pair),
    "signum_step, weight and another's mom": lambda pair: step([pair[0], fresh()], [fresh(), pair[1]]),
    "signum_step, weight32": lambda pair: mixed(pair, [fresh(), fresh()]),
    "momentum_pack": lambda pair: kernels.momentum_pack(pair, [fresh(), fresh()], momentum=0.5),
    "momentum_pack, new": lambda pair: renew([fresh(), fresh()], pair),
    "apply_signs": lambda pair: kernels.apply_signs(pair, WORDS, lr=0.25),
    "unpack": lambda pair: kernels.unpack(WORDS, out=pair),
}
room, array = fresh(2 * N), nd.full(N, 0.5)
TWICE = {
    "the same": [room[:N], room[:N]],
    "one element": [room[:N], room[N - 1 : 2 * N - 1]],
    "the other way round": [room[5 : N + 5], room[:N]],
    "an NDArray": [array, array],
}
every = pytest.mark.parametrize("change", CHANGED.values(), ids=CHANGED)


@every
@pytest.mark.parametrize("pair", TWICE.values(), ids=TWICE)
def test_memory_that_would_be_changed_twice(change, pair):
    with pytest.raises(ValueError, match="arrays 0 and 1 of the list are in the same memory: none may come twice"):
        change(pair)
    assert (room == 0.5).all()
    assert (array == 0.5).asnumpy().all()


@every
def test_neighbours_are_apart(change):
    own = fresh(2 * N)
    change([own[:N], own[N:]])
    assert (own != 0.5).all()


def test_momentum_that_another_place_would_overwrite():
    own = fresh(2 * N)
    with pytest.raises(ValueError, match="arrays 0 and 1 of the list are in the same memory"):
        renew([own[:N], fresh()], [fresh(), own[N - 1 : 2 * N - 1]])
    assert (own == 0.5).all()
    renew([own[:N], own[N:]], [own[:N], own[N:]])  # each in its own place
    assert (own == -0.5).all()


def test_an_inner_view_is_found_behind_a_long_one():
    own = fresh(3 * N)
    with pytest.raises(ValueError, match="arrays 0 and 2 of the list"):
        kernels.unpack(np.zeros(20, np.uint64), out=[own, fresh(5), own[200:205]])


def test_what_is_only_read_may_come_twice():
    grad, weights, moms = fresh(), [fresh(), fresh()], [fresh(), fresh()]
    kernels.signum_step(weights, [grad, grad], moms, lr=0.25, momentum=0.5)
    assert kernels.pack([grad, grad]).size == WORDS.size
    assert kernels.nonfinite([grad, grad]) == []
    kernels.signum_step(grad, grad, grad, lr=0.25, momentum=0.5)  # of one place, in an order that is known
