"""The exercises of `convnets/not_learning`: each likely mistake gets the hint that fits it."""

from __future__ import annotations

import numpy as np
import pytest
from answers import hints, right_answers
from mxnet import autograd

from gluonbook.exercises.convnets.not_learning import SICK, culprit, patient

test_right_answers_are_right = right_answers(
    ("what-to-expect", [6.9078, 0.6931, 2]),
    ("how-low", 3.62),
    ("three-patients", dict(SICK)),
)


test_hints_fit_the_mistake = hints(
    ("three-patients", {"A": "none"}, "'A', 'B', 'C'"),
    ("three-patients", tuple(SICK.values()), "dictionary"),
    ("three-patients", {**SICK, "D": "none"}, "'A', 'B', 'C', not"),
    ("three-patients", {**SICK, "A": "flu"}, "'gradients add up', not 'flu'"),
    ("three-patients", {**SICK, "A": "softmax twice"}, "logarithm"),
    ("three-patients", {**SICK, "B": "first layer frozen"}, "gradient of each"),
    ("three-patients", {**SICK, "C": "none"}, "once more"),
    ("gradient-hunter", lambda net: culprit(net) is not None, "position or None"),
    ("gradient-hunter", lambda net: 2, "-1 stands for None"),
)


def gradients(name):
    net, loss, X, y = patient(name)
    norms = []
    for _ in range(2):
        with autograd.record():
            found = loss(net(X), y)
        found.backward()
        norms.append([p.grad().norm().asscalar() for p in net.collect_params(".*weight").values()])
    return found.mean().asscalar(), np.array(norms)


def test_each_patient_has_its_illness_and_no_other():
    (a, grads_a), (b, grads_b), (c, grads_c) = (gradients(name) for name in "ABC")
    assert a == pytest.approx(np.log(64), rel=0.1)
    assert b == pytest.approx(np.log(10), rel=0.1)
    assert c == pytest.approx(np.log(10), rel=0.25)
    np.testing.assert_allclose(grads_a[1], grads_a[0])
    assert grads_b[0][0] == 0
    np.testing.assert_allclose(grads_c[1], 2 * grads_c[0], rtol=1e-4)
    assert (grads_a[0] > 0).all()
    assert (grads_c[0] > 0).all()


def test_there_is_no_fourth_patient():
    with pytest.raises(ValueError, match="there is no patient 'D'; there are A, B, C"):
        patient("D")
