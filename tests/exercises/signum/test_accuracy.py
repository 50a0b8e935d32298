"""The exercises of `signum/accuracy`: each likely mistake gets the hint that fits it."""

from __future__ import annotations

import numpy as np
from answers import hints, right_answers

test_right_answers_are_right = right_answers(
    ("loud-minority", [-0.1] * 6 + [80]),
    ("loud-minority", np.array([30, -1, 30, -2, 30, -3, -4])),
    ("vote-reach", lambda lr, images, batch, M, epochs: sum([lr] * round(epochs * images / batch / M))),
    ("fair-noise", lambda grads, c: sum((c + g) / (2 * c) - (c - g) / (2 * c) for g in grads)),
)


test_hints_fit_the_mistake = hints(
    ("loud-minority", [-1, -1, -1, -1], "seven numbers"),
    ("loud-minority", [-1, -1, -1, -1, 0, 40, 40], "none"),
    ("loud-minority", [-1, -1, -1, 20, 20, 20, 20], "no majority"),
    ("loud-minority", [-1, -1, -1, -1, 2, 2, 2], "How loud"),
    ("feedback-back", 64.0, "one whole number"),
    ("feedback-back", 32, "twice"),
    ("feedback-back", 7, "solve for M"),
    ("vote-reach", lambda lr, images, batch, M, epochs: lr * epochs * images / batch, "M·30 images"),
    ("vote-reach", lambda lr, images, batch, M, epochs: lr * images / (batch * M), "one epoch"),
    ("vote-reach", lambda lr, images, batch, M, epochs: lr * epochs, "How many steps"),
    ("fair-noise", lambda grads, c: float(np.sign(np.sum(grads))), "positive"),
    ("fair-noise", lambda grads, c: float(np.sign(grads).sum()), "without noise"),
    ("fair-noise", lambda grads, c: float(np.mean(grads) / c), "mean of the expected"),
)
