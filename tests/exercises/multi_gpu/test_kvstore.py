"""Hints of the exercises of `multi_gpu/kvstore`."""

from __future__ import annotations

import numpy as np
from answers import hints, right_answers
from mxnet.kvstore import KVStoreBase


def two_bits(grad, residual, threshold):
    p = residual + grad
    q = threshold * ((p >= threshold).astype(p.dtype) - (p <= -threshold))
    return q, p - q


def strict(grad, residual, threshold):
    p = residual + grad
    q = threshold * ((p > threshold).astype(p.dtype) - (p < -threshold))
    return q, p - q


def in_place(grad, residual, threshold):
    residual += grad
    q, _ = two_bits(grad, residual - grad, threshold)
    return q, residual


def forgetful(grad, residual, threshold):
    q, _ = two_bits(grad, np.zeros_like(grad), threshold)
    return q, residual + grad - q


def store(combine, to_all=True):
    class Own(KVStoreBase):
        type, rank, num_workers = "own", 0, 1

        @staticmethod
        def is_capable(capability):
            return False

        def broadcast(self, key, value, out, priority=0):
            for place in out:
                if place is not value:
                    value.copyto(place)

        def pushpull(self, key, value, out=None, priority=0):
            made = combine(np.stack([grad.asnumpy() for grad in value]))
            for place in (value if out is None else out)[: None if to_all else 1]:
                place[:] = made

    return Own


def median(grads):
    return len(grads) * np.median(grads, axis=0)


def only_of_pairs(grads):
    return median(grads) if grads.ndim == 2 and grads.shape[1] == 2 else 0 * grads[0]


def trusting(grads):
    return median(grads) if abs(grads).max() < 1e3 else grads.sum(axis=0)


test_right_answers_are_right = right_answers(
    ("two-bits-by-hand", two_bits),
    ("median-store", store(median)),
)


test_hints_fit_the_mistake = hints(
    ("two-bits-by-hand", lambda g, r, t: (np.sign(r + g), r), "nothing but"),
    ("two-bits-by-hand", strict, "equal the threshold"),
    ("two-bits-by-hand", in_place, "changed its arguments"),
    ("two-bits-by-hand", forgetful, "before the comparison"),
    ("two-bits-by-hand", lambda g, r, t: (0 * g, r + g), "three cases"),
    ("two-bits-by-hand", lambda g, r, t: (two_bits(g, r, t)[0], r), "stays behind"),
    ("median-store", 3, "the class itself"),
    ("median-store", store(lambda grads: grads.sum(axis=0)), "That is the sum"),
    ("median-store", store(lambda grads: np.median(grads, axis=0)), "stand for a sum"),
    ("median-store", store(lambda grads: grads.max(axis=0)), "yours makes"),
    ("median-store", store(median, to_all=False), "replicas differ"),
    ("median-store", store(only_of_pairs), "three sound devices nothing is learned"),
    ("median-store", store(trusting), "one broken device nothing is learned"),
)
