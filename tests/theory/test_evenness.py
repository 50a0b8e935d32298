"""The density of a vector: its range, what it does not depend on, and the values that the book quotes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from gluonbook.theory import density

quick = settings(max_examples=100, deadline=None)
vectors = arrays(np.float64, array_shapes(max_dims=3, max_side=6), elements=st.floats(-1e3, 1e3))


@quick
@given(vectors)
def test_it_lies_between_one_over_d_and_one(v):
    assume(np.abs(v).max() > 0)
    assert (1 - 1e-12) / v.size <= density(v) <= 1 + 1e-12


@quick
@given(vectors, st.sampled_from([-1e-200, 1e-3, 7.0, 1e200]), st.randoms())
def test_neither_scale_nor_order_nor_sign_matters(v, factor, random):
    assume(np.abs(v).max() > 1e-3)
    v = np.where(np.abs(v) < 1e-3, 0, v)  # so that no scaled element leaves the range of normal numbers
    other = list((factor * v).ravel())
    random.shuffle(other)
    assert density(other) == pytest.approx(density(v), rel=1e-9)
    assert density(np.abs(v)) == density(v)


def test_the_extremes():
    assert density([-2, 2, 2]) == 1
    assert density([0, 0, 0, -5]) == 0.25
    assert density(3) == 1


@pytest.mark.parametrize(("draw", "known"), [("normal", 2 / np.pi), ("laplace", 1 / 2), ("uniform", 3 / 4)])
def test_the_values_of_known_distributions(draw, known):
    random = np.random.RandomState(0)
    v = random.uniform(-1, 1, 200_000) if draw == "uniform" else getattr(random, draw)(size=200_000)
    assert density(v) == pytest.approx(known, abs=0.005)


@pytest.mark.parametrize("v", [[], [0.0, 0.0], [1.0, np.nan], [1.0, np.inf]])
def test_where_it_is_not_defined_it_is_refused(v):
    with pytest.raises(ValueError, match="must be finite and not all zeros"):
        density(v)
