"""Hints of the exercises of `multi_gpu/data_parallel`."""

from __future__ import annotations

import numpy as np
from answers import hints, right_answers
from mxnet import autograd, gluon, nd
from mxnet.gluon.utils import split_and_load

from gluonbook.exercises.multi_gpu.data_parallel import cut


def step(net, X, y, ctx, lr, *, busy=True, even=False, per="batch", shared=True):
    used = ctx[: len(X)] if busy else ctx
    loss = gluon.loss.SoftmaxCrossEntropyLoss()
    parts = list(zip(*(split_and_load(array, used, even_split=even) for array in (X, y))))
    with autograd.record():
        losses = [loss(net(X_part), y_part) for X_part, y_part in parts]
    autograd.backward(losses)
    for parameter in net.collect_params().values():
        grads = [parameter.grad(c).as_in_context(ctx[0]) for c in used]
        divisor = len(X) if per == "batch" else len(parts[0][0])
        for place, weight in enumerate(parameter.list_data()):
            total = nd.add_n(*grads) if shared else grads[place % len(grads)]
            weight -= lr / divisor * total.as_in_context(weight.context)


test_right_answers_are_right = right_answers(("own-parallel-step", step))


test_hints_fit_the_mistake = hints(
    ("fair-cut", lambda samples, n: [samples], "one size for each"),
    ("fair-cut", lambda samples, n: [samples / n] * n, "whole numbers"),
    ("fair-cut", lambda samples, n: [samples // n] * n, "add up to 8"),
    ("fair-cut", lambda s, n: [s // n] * (n - 1) + [s - (n - 1) * (s // n)], "differ by one"),
    ("fair-cut", lambda samples, n: cut(samples, n)[::-1], "come first"),
    ("mean-of-means", lambda means, counts: np.mean(means, axis=0), "each sample"),
    ("mean-of-means", lambda m, c: sum(mean * n for mean, n in zip(m, c)) / sum(c), "NaN"),
    ("mean-of-means", lambda means, counts: 0.0, "shape of a gradient"),
    ("own-parallel-step", lambda *given: None, "have not changed"),
    ("own-parallel-step", lambda *given: step(*given, even=True), "For 10 it raises ValueError"),
    ("own-parallel-step", lambda *given: step(*given, busy=False), "For 3 it raises"),
    ("own-parallel-step", lambda *given: step(*given, per="piece"), "lr/|B|"),
    ("own-parallel-step", lambda *given: step(*given, shared=False), "replicas of"),
)
