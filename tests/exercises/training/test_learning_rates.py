"""The exercises of `training/learning_rates`: each likely mistake gets the hint that fits it."""

from __future__ import annotations

import mxnet as mx
import numpy as np
from answers import hints, right_answers


def by_numpy(losses, patience):
    if len(losses) <= patience:
        return False
    return np.min(losses[-patience:]) >= np.min(losses[: len(losses) - patience])


def by_age_of_the_lowest(losses, patience):
    return len(losses) > 0 and len(losses) - 1 - int(np.argmin(losses)) >= patience


class Schedule(mx.lr_scheduler.LRScheduler):
    """Another right answer, whose `base_lr` is what an optimizer makes of it."""

    def __init__(self, c, C):
        super().__init__()
        self.rate = lambda t: c / (C + t)

    def __call__(self, num_update):
        return self.rate(num_update)


class Forgetful(mx.lr_scheduler.LRScheduler):
    """As MXNet's FactorScheduler, it remembers what it was asked."""

    def __init__(self, c, C):
        super().__init__(base_lr=c / C)
        self.c, self.C, self.last = c, C, 0

    def __call__(self, num_update):
        self.last = max(self.last, num_update)
        return self.c / (self.C + self.last)


class Constant(mx.lr_scheduler.LRScheduler):
    """A schedule that is none."""

    def __init__(self, c, C):
        super().__init__(base_lr=c / C)

    def __call__(self, num_update):
        return self.base_lr


class Silent(Constant):
    """A schedule without an answer."""

    def __call__(self, num_update):
        self.base_lr /= num_update + 1


class WithoutC(Constant):
    """1/t where (C + t) is asked for."""

    def __init__(self, c, C):
        super().__init__(c, C)
        self.c = c

    def __call__(self, num_update):
        return self.c / (1 + num_update)


def from_the_top(net, ratio):
    rate = 1.0
    for layer in reversed(list(net)):
        if parameters := layer.collect_params().values():
            for parameter in parameters:
                parameter.lr_mult = rate
            rate *= ratio


test_right_answers_are_right = right_answers(
    ("two-rates", [0.25, 0.5]),
    ("enough-decay", 1 / (2 * 0.2)),
    ("stuck", by_numpy),
    ("stuck", by_age_of_the_lowest),
    ("hyperbola", Schedule),
    ("lower-faster", from_the_top),
)

test_wrong_answers_get_their_hint = hints(
    ("two-rates", (0.25, 2), "2 over what"),
    ("two-rates", (0.5, 0.5), "to and fro"),
    ("enough-decay", 0.1, "flatter"),
    ("stuck", lambda losses, patience: min(losses), "Answer with True or False"),
    ("stuck", lambda losses, patience: True, "should be False"),
    ("hyperbola", Schedule(1, 1), "the class itself"),
    ("hyperbola", Constant, "stays at c/C"),
    ("hyperbola", Silent, "returns nothing"),
    ("hyperbola", WithoutC, "the rate is 3/15"),
    ("hyperbola", Forgetful, "Asked for step 90"),
    ("lower-faster", lambda net, ratio: None, "should be"),
)
