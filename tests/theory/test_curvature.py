"""Hessians by differences: of functions whose second derivatives are known, and of nets that MXNet gets wrong."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import rosen_der, rosen_hess

from gluonbook.theory import extreme_curvatures, hessian, hessian_product

x = np.random.RandomState(0).normal(size=7)


def test_it_is_that_of_rosenbrocks_function():
    found = hessian(rosen_der, x)
    assert np.array_equal(found, found.T)
    assert found == pytest.approx(rosen_hess(x), abs=1e-5)


@pytest.mark.parametrize("size", [1e-6, 1, 1e6])
def test_a_product_does_not_depend_on_the_length_of_what_it_multiplies(size):
    v = size * np.random.RandomState(1).normal(size=7)
    assert hessian_product(rosen_der, x, v) / size == pytest.approx(rosen_hess(x) @ v / size, abs=1e-4)
    assert np.array_equal(hessian_product(rosen_der, x, 0 * v), 0 * v)


@pytest.mark.parametrize("far", [1e3, -1e6, 1e12, 1e200])
def test_far_from_the_origin_the_shift_is_not_rounded_away(far):
    x, H = np.array([far, 1.0]), np.diag([3.0, 1.0])
    assert hessian(lambda x: H @ x, x) == pytest.approx(H, rel=1e-7, abs=1e-7)
    assert hessian_product(lambda x: H @ x, x, np.array([1.0, 0.0])) == pytest.approx(H[0], rel=1e-7)
    assert hessian(lambda x: x**2, np.array([1e12, 1.0]))[1, 1] == pytest.approx(2), "the other shift stays short"


def test_near_the_origin_the_shift_is_the_one_asked_for():
    asked = []
    hessian(lambda x: asked.append(x[0]) or x, np.zeros(1), h=1e-12)
    assert asked == [1e-12, -1e-12]
    asked.clear()
    hessian(lambda x: asked.append(x) or x, np.array([100.0, -1.0]), h=1e-5)
    assert [point.tolist() for point in asked] == [
        [100 + 1e-5, -1],
        [100 - 1e-5, -1],
        [100, -1 + 1e-5],
        [100, -1 - 1e-5],
    ]


@pytest.mark.parametrize("count", [1, 3, 6])
def test_extremes_are_the_ends_of_the_spectrum(count):
    values, vectors = np.linalg.eigh(rosen_hess(x))
    top = extreme_curvatures(rosen_der, x, count=count)
    low = extreme_curvatures(rosen_der, x, count=count, largest=False)
    assert top.values == pytest.approx(values[::-1][:count], rel=1e-6)
    assert low.values == pytest.approx(values[:count], rel=1e-5, abs=1e-5)
    assert abs(top.vectors @ vectors[:, ::-1][:, :count]) == pytest.approx(np.eye(count), abs=1e-4)
    again = extreme_curvatures(rosen_der, x, count=count)
    assert all(np.array_equal(a, b) for a, b in zip(top, again))


def test_few_products_do_for_the_extremes_of_many_coordinates():
    asked, scales = [], np.append(np.linspace(0, 1, 1999), 2)

    def grad(w):
        asked.append(1)
        return scales * w

    assert extreme_curvatures(grad, np.ones(2000)).values == pytest.approx([2], rel=1e-6)
    assert len(asked) <= 100, "d products, two gradients each, would be 4000"


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (lambda: hessian(rosen_der, np.zeros((2, 2))), r"shape \(d,\), got shape \(2, 2\)"),
        (lambda: hessian(rosen_der, 1.0), r"shape \(d,\), got shape \(\)"),
        (lambda: hessian(lambda x: x[:-1], x), r"grad gave shape \(6,\) at a point of shape \(7,\)"),
        (lambda: hessian_product(rosen_der, x, x[:-1]), r"v must have the shape of x, \(7,\), got \(6,\)"),
        (lambda: hessian(rosen_der, x, h=0), "h must be .*got 0"),
        (lambda: extreme_curvatures(rosen_der, x, count=7), "count must be a whole number from 1 to 6, got 7"),
    ],
)
def test_what_is_asked_wrongly_is_told(wrong, told):
    with pytest.raises(ValueError, match=told):
        wrong()
