"""The data that deceive the sign: their form, and what they do."""

from __future__ import annotations

import numpy as np
import pytest

from gluonbook.theory import wilson_data


def test_their_form():
    X, y = wilson_data(50, np.random.RandomState(0), positive=0.6)
    assert X.shape == (50, 253)
    assert set(y) == {-1, 1}
    assert (X[:, 0] == y).all()
    assert (X[:, 1:3] == 1).all()
    blocks = X[:, 3:].reshape(50, 50, 5)
    own = blocks[np.arange(50), np.arange(50)]
    assert (own.sum(axis=1) == np.where(y > 0, 1, 5)).all()
    assert (own[:, 0] == 1).all()
    assert blocks.sum() == own.sum()


def test_one_sign_step_learns_the_training_set_and_nothing_else():
    X, y = wilson_data(200, np.random.RandomState(1), positive=0.6)
    w = np.sign(X[:100].T @ y[:100])
    assert (X[:100] @ w == 4 * y[:100]).all()
    assert (X[100:] @ w == y[100:] + 2).all()


def test_the_share_of_positive_labels():
    assert (wilson_data(20, np.random.RandomState(0), positive=1)[1] == 1).all()
    assert (wilson_data(20, np.random.RandomState(0), positive=0)[1] == -1).all()


@pytest.mark.parametrize(("n", "positive", "told"), [(0, 0.5, "n must be"), (5, 1.5, r"positive must be .* \[0, 1\]")])
def test_bad_input(n, positive, told):
    with pytest.raises(ValueError, match=told):
        wilson_data(n, np.random.RandomState(0), positive)
