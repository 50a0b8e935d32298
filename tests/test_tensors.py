from __future__ import annotations

import re
import subprocess
import sys
import warnings

import mxnet as mx
import numpy as np
import pytest
from mxnet import autograd, gluon, nd

from gluonbook.tensors import mxnet_tensorly

tl = pytest.importorskip("tensorly")
from tensorly.decomposition import tensor_train  # noqa: E402

X = np.random.RandomState(0).rand(6, 7, 8).astype("float32")


def modes():
    return tl.get_backend(), mx.util.is_np_shape(), mx.util.is_np_array()


def decomposed():
    with mxnet_tensorly():
        assert modes() == ("mxnet", True, True)
        cores = tensor_train(tl.tensor(X), rank=[1, 3, 3, 1])
        assert all(isinstance(core, mx.np.ndarray) for core in cores)
        return tl.to_numpy(tl.tt_to_tensor(cores))


def layer_works():
    net = gluon.nn.Dense(2)
    net.initialize()
    return type(net(nd.ones((1, 3)))) is nd.NDArray


def test_it_computes_what_numpy_computes_and_leaves_the_process_as_it_was():
    before = modes()
    assert before == ("numpy", False, False)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        first = decomposed()
    assert modes() == before and layer_works()
    second = decomposed()
    assert np.array_equal(first, second) and modes() == before and layer_works()
    plain = tl.tt_to_tensor(tensor_train(X, rank=[1, 3, 3, 1]))
    assert np.linalg.norm(plain - first) <= 1e-4 * np.linalg.norm(plain)


@pytest.mark.slow
def test_without_it_a_backend_breaks_layers_for_good():
    """What the context manager is there for; when this fails, nobody needs it any more."""
    code = """
import mxnet as mx, tensorly as tl
from mxnet import gluon, nd
tl.set_backend("mxnet")
tl.set_backend("numpy")
print(mx.util.is_np_array())
net = gluon.nn.Dense(2)
net.initialize()
net(nd.ones((1, 3)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.split() == ["True"] and done.returncode
    assert "_npx_fully_connected" in done.stderr


def test_gradients_flow_through_it():
    with mxnet_tensorly():
        factors = [mx.np.array(np.random.RandomState(n).rand(n, 2).astype("float32")) for n in (3, 4, 5)]
        for factor in factors:
            factor.attach_grad()
        with autograd.record():
            loss = (tl.cp_to_tensor((None, factors)) ** 2).sum()
        loss.backward()
        grad = factors[0].grad.asnumpy()
        a, b, c = (factor.asnumpy() for factor in factors)
    np.testing.assert_allclose(grad, 2 * a @ ((b.T @ b) * (c.T @ c)), rtol=1e-4)


def test_an_error_inside_is_raised_and_leaves_nothing_behind():
    before = modes()
    with pytest.raises(ZeroDivisionError), mxnet_tensorly():
        raise ZeroDivisionError
    assert modes() == before and layer_works()


def test_who_is_in_numpy_mode_stays_there():
    mx.npx.set_np()
    try:
        decomposed()
        assert modes() == ("numpy", True, True)
    finally:
        mx.npx.reset_np()
    mx.util.set_np_shape(True)
    try:
        decomposed()
        assert modes() == ("numpy", True, False)
    finally:
        mx.util.set_np_shape(False)


def test_one_within_another_is_one():
    with mxnet_tensorly():
        decomposed()
        assert modes() == ("mxnet", True, True)
        assert tl.to_numpy(tl.tt_to_tensor(tensor_train(tl.tensor(X), rank=[1, 2, 2, 1]))).shape == X.shape
    assert modes() == ("numpy", False, False)


def test_a_tensorly_without_that_backend_is_named(monkeypatch):
    def refuse(name):
        if name == "mxnet":
            raise ValueError("Unknown backend name 'mxnet'")

    monkeypatch.setattr(tl, "set_backend", refuse)
    told = re.escape(f"TensorLy {tl.__version__} has no backend for MXNet; 0.8.1 was the last to have one")
    with pytest.raises(ValueError, match=told), mxnet_tensorly():
        pass
    assert modes() == ("numpy", False, False)


def test_a_missing_tensorly_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorly", None)
    with pytest.raises(ModuleNotFoundError, match=r"pip install 'tensorly==0\.8\.1'"), mxnet_tensorly():
        pass
