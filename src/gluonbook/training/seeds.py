"""Randomness as a function of (seed, step), so that a run can stop anywhere and go on exactly."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager

import mxnet as mx
import numpy as np
from mxnet.gluon import Block, Trainer

from gluonbook.checkpoint import optimizers_of, store_of
from gluonbook.checks import whole_number


def set_seed(seed: int) -> None:
    """Seed the generators of Python, numpy and MXNet (all devices); raises ValueError outside 0 … 2³¹ − 1."""
    seed = whole_number("seed", seed, 0, 2**31 - 1)
    random.seed(seed)
    np.random.seed(seed)
    mx.random.seed(seed)


@contextmanager
def preserved() -> Iterator[None]:
    """Give the global generators of Python and numpy back as they were. MXNet's cannot be read, so it is not."""
    python, legacy = random.getstate(), np.random.get_state()
    try:
        yield
    finally:
        random.setstate(python)
        np.random.set_state(legacy)


def derived(*numbers: int) -> int:
    """A seed that is a fixed, well mixed function of `numbers`: neighbours give unrelated streams."""
    return int(np.random.SeedSequence(numbers).generate_state(1)[0] >> 1)


@contextmanager
def seeded(*numbers: int) -> Iterator[None]:
    """Inside, all generators start from `derived(*numbers)`; Python's and numpy's are `preserved`."""
    with preserved():
        set_seed(derived(*numbers))
        yield


_QUIET = (
    *("mxnet.gluon.nn.", "mxnet.gluon.loss", "mxnet.optimizer.", "mxnet.kvstore."),
    *("gluonbook.optimizers.", "gluonbook.kvstore.", "gluonbook.training."),
)
_LOUD = {"Dropout", "Lambda", "HybridLambda", "SGLD"}


def may_draw(net: Block, trainer: Trainer, *others: object) -> bool:
    """Whether a step may need random numbers: yes, unless every part of it is known to do without.

    `others` are what takes part besides: the loss, the step of `fit`. Seeding MXNet takes about 1 ms on a CPU, as long
    as a whole step of a small net, hence the question.
    """
    parts: list[object] = [*others, *optimizers_of(trainer)]
    net.apply(parts.append)
    store = store_of(trainer)
    parts += [] if store is None or isinstance(store, str) else [store]
    return any(type(p).__name__ in _LOUD or not type(p).__module__.startswith(_QUIET) for p in parts)
