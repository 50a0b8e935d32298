"""Hints of the exercises of `convnets/cifar_resnet`."""

from __future__ import annotations

from math import cos, pi

import numpy as np
from answers import hints, right_answers
from mxnet import nd


def rate(t, lr, warm, total):
    return lr * t / warm if t < warm else lr / 2 * (1 + cos(pi * (t - warm) / (total - warm)))


def one_step_late(t, lr, warm, total):
    return lr * (t - 1) / warm if t < warm else rate(t, lr, warm, total)


def linear_all_the_way(t, lr, warm, total):
    return rate(t, lr, warm, total) if t < warm else lr * (total - t) / (total - warm)


def quiet(net, which=-1, parameter="gamma"):
    for stage in net.features[2:5]:
        for block in stage:
            array = getattr(block.body[which], parameter)
            array.set_data(nd.zeros_like(array.data()))


def first_stage_only(net):
    for block in net.features[2]:
        block.body[-1].gamma.set_data(nd.zeros(16))


def shortcuts_too(net):
    quiet(net)
    for stage in net.features[3:5]:
        gamma = stage[0].downsample[-1].gamma
        gamma.set_data(nd.zeros_like(gamma.data()))


test_right_answers_are_right = right_answers(
    ("schedule-by-hand", rate),
    ("looking-glass", lambda X: X.flip(axis=2)),
    ("looking-glass", lambda X: X[:, :, ::-1]),
    ("quiet-blocks", quiet),
)


test_hints_fit_the_mistake = hints(
    ("schedule-by-hand", one_step_late, "warms up"),
    ("schedule-by-hand", linear_all_the_way, "on the cosine"),
    ("looking-glass", lambda X: X, "right to left"),
    ("looking-glass", lambda X: X.transpose((0, 2, 1, 3)), "shape"),
    ("looking-glass", lambda X: np.flip(X.asnumpy(), 2), "ndarray"),
    ("quiet-blocks", lambda net: None, "stage 1"),
    ("quiet-blocks", first_stage_only, "stage 2"),
    ("quiet-blocks", lambda net: quiet(net, 1), "for ever"),
    ("quiet-blocks", lambda net: quiet(net, 3, "weight"), "convolutions"),
    ("quiet-blocks", shortcuts_too, "shortcuts"),
)
