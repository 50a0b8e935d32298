"""A copy of an array of numpy's, made without a wait: the same as MXNet makes, for all types and layouts."""

from __future__ import annotations

import mxnet as mx
import numpy as np
import pytest
from mxnet.util import use_np

from gluonbook.arrays import as_array, as_ndarray

TYPES = ("float16", "float32", "float64", "int8", "uint8", "int32", "int64", "bool", ">f4", ">i4")
SOURCE = np.arange(24).reshape(2, 3, 4) % 7
LAYOUTS = {
    "in C order": SOURCE,
    "in Fortran's order": np.asfortranarray(SOURCE),
    "with steps": SOURCE[:, ::-2, 1::2],
    "with axes exchanged": SOURCE.T,
    "spread": np.broadcast_to(SOURCE[:1], (5, 3, 4)),
    "of one number": SOURCE[0, 0, 1:2],
    "without axes": np.float64(3),
    "without numbers": SOURCE[:0],
}


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_it_is_what_mxnet_makes(layout, dtype):
    values = np.asarray(LAYOUTS[layout]).astype(dtype)
    found, expected = as_ndarray(values), mx.nd.array(values, dtype=dtype)
    assert type(found) is type(expected)
    assert (found.shape, found.dtype, found.context) == (expected.shape, expected.dtype, expected.context)
    np.testing.assert_array_equal(found.asnumpy(), expected.asnumpy())


def test_it_is_a_copy():
    values = np.zeros((3, 4), "float32")
    array = as_ndarray(values)
    values += 1
    array += 2
    assert (values == 1).all() and (array.asnumpy() == 2).all()


def test_it_takes_no_memory_that_somebody_still_reads():
    """Arrays are freed, and their memory is used again, while the engine has yet to read them."""
    size, total = 40_000, mx.nd.zeros(40_000)
    for k in range(200):
        total += as_ndarray(np.full(size, k, "float32"))
    assert (total.asnumpy() == sum(range(200))).all()


def test_it_lies_in_the_current_context():
    with mx.cpu(1):
        assert as_ndarray(np.ones(3)).context == mx.cpu(1)


def test_it_does_not_wait(monkeypatch):
    def wait(*_):
        raise AssertionError("it waits")

    monkeypatch.setattr(mx.nd.NDArray, "_sync_copyfrom", wait)
    assert as_ndarray(np.ones(3)).sum().asscalar() == 3
    with pytest.raises(AssertionError, match="it waits"):
        mx.nd.array(np.ones(3))


def test_in_numpy_mode_it_is_one_of_its_arrays():
    values = np.ones((2, 3), "int32")
    assert type(use_np(as_array)(values)) is mx.np.ndarray
    assert type(as_array(values)) is type(use_np(as_ndarray)(values)) is mx.nd.NDArray
