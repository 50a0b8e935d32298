"""Names and values of parameters on their way to PyTorch and back."""

from __future__ import annotations

import mxnet as mx
import numpy as np
import pytest
from mxnet import autograd, gluon
from mxnet.gluon import nn, rnn
from safetensors.numpy import load, save

from gluonbook import models
from gluonbook.pytorch import load_state_dict, state_dict
from gluonbook.training import set_seed

X = np.random.default_rng(0).normal(size=(3, 2, 6, 6)).astype("float32")


def block(**norm):
    """A small net of all kinds that keep the same names or get others."""
    net = nn.HybridSequential()
    net.add(nn.Conv2D(4, 3, padding=1, use_bias=False), nn.BatchNorm(**norm), nn.PReLU())
    inner = nn.HybridSequential()
    inner.add(nn.Dense(5, activation="relu"), nn.LayerNorm(), nn.Dense(3))
    net.add(inner)
    return net


def trained(net, seed=0):
    """`net` with values that no initializer gives."""
    set_seed(seed)
    net.initialize(mx.init.Xavier())
    with autograd.record():
        out = net(mx.nd.array(X))
    out.backward()  # moves the running statistics
    for parameter in net.collect_params().values():
        parameter.set_data(parameter.data() + mx.nd.random.uniform(0.1, 0.3, parameter.shape))
    return net


def test_names_are_those_of_modules_in_the_same_places():
    names = list(state_dict(trained(block())))
    assert names == [
        "0.weight",
        *("1.weight", "1.bias", "1.running_mean", "1.running_var"),
        "2.weight",
        *("3.0.weight", "3.0.bias", "3.1.weight", "3.1.bias", "3.2.weight", "3.2.bias"),
    ]


def test_a_single_layer_has_names_without_a_place():
    layer = nn.Dense(2, in_units=3)
    layer.initialize()
    assert {name: array.shape for name, array in state_dict(layer).items()} == {"weight": (2, 3), "bias": (2,)}


def test_the_longest_place_is_renamed():
    names = list(state_dict(trained(block()), {"0": "conv", "3": "head", "3.2": "scores"}))
    assert (names[0], names[-1]) == ("conv.weight", "scores.bias")
    assert "head.0.weight" in names
    assert "1.weight" in names


def test_shapes_are_those_that_pytorch_documents():
    net = models.lenet()
    net.initialize()
    net(mx.nd.zeros((1, 1, 8, 8)))
    shapes = [array.shape for array in state_dict(net).values()]
    assert shapes == [(20, 1, 5, 5), (20,), (50, 20, 5, 5), (50,), (128, 200), (128,), (10, 128), (10,)]


def by_hand(arrays):
    """`block` in numpy float64, from the formulas of PyTorch's documentation."""
    a = {name: array.astype("float64") for name, array in arrays.items()}
    patches = np.lib.stride_tricks.sliding_window_view(np.pad(X, ((0, 0), (0, 0), (1, 1), (1, 1))), (3, 3), (2, 3))
    Z = np.einsum("nchwij,ocij->nohw", patches, a["0.weight"])
    mean, var = (a[f"1.running_{what}"][:, None, None] for what in ("mean", "var"))
    Z = (Z - mean) / np.sqrt(var + 1e-5) * a["1.weight"][:, None, None] + a["1.bias"][:, None, None]
    Z = np.where(Z > 0, Z, a["2.weight"] * Z).reshape(len(X), -1)
    Z = np.maximum(Z @ a["3.0.weight"].T + a["3.0.bias"], 0)
    Z = (Z - Z.mean(1, keepdims=True)) / np.sqrt(Z.var(1, keepdims=True) + 1e-5)
    return (Z * a["3.1.weight"] + a["3.1.bias"]) @ a["3.2.weight"].T + a["3.2.bias"]


@pytest.mark.parametrize("norm", [{}, {"scale": False}, {"center": False}], ids=str)
def test_a_forward_in_numpy_agrees(norm):
    """Also where batch norm stores a scale that it does not use."""
    net = trained(block(**norm))
    out = net(mx.nd.array(X)).asnumpy()
    assert np.abs(out).max() > 0.1
    np.testing.assert_allclose(by_hand(load(save(state_dict(net)))), out, rtol=1e-4, atol=1e-5)


def test_there_and_back_gives_the_same_bits():
    rename = {"3": "head"}
    arrays = load(save(state_dict(trained(block()), rename)))
    arrays["1.num_batches_tracked"] = np.array(7)
    fresh = block()
    fresh.initialize()  # its shapes wait for a batch
    load_state_dict(fresh, arrays, rename)
    back = state_dict(fresh, rename)
    assert all(np.array_equal(back[name], array) for name, array in arrays.items() if "batches" not in name)
    np.testing.assert_array_equal(fresh(mx.nd.array(X)).asnumpy(), trained(block())(mx.nd.array(X)).asnumpy())


def test_half_precision_stays():
    net = nn.Dense(2, in_units=3)
    net.cast("float16")
    net.initialize()
    assert state_dict(net)["weight"].dtype == np.float16
    load_state_dict(net, {"weight": np.ones((2, 3)), "bias": np.zeros(2)})
    assert net.weight.data().dtype == np.float16


def test_parameters_of_one_s_own_keep_their_names():
    class Scale(gluon.HybridBlock):
        def __init__(self):
            super().__init__()
            self.gamma = self.params.get("gamma", shape=(1,))

    own = Scale()
    own.initialize(mx.init.One())
    assert list(state_dict(own)) == ["gamma"]


@pytest.mark.parametrize(
    ("make", "rename", "words"),
    [
        (lambda: "net", None, r"net must be a gluon\.Block, got a str"),
        (lambda: nn.Dense(2, in_units=3), None, r"weight of net has no values yet: net\.initialize\(\)"),
        (lambda: initialized(nn.Dense(2)), None, "weight of net has no values yet: show it a batch first"),
        (lambda: initialized(rnn.LSTM(2, input_size=3)), None, "is a LSTM: recurrent layers"),
        (lambda: initialized(rnn.GRUCell(2, input_size=3)), None, "is a GRUCell: recurrent layers"),
        (lambda: initialized(nn.GroupNorm(2)), None, "is a GroupNorm, which scales groups"),
        (lambda: initialized(nn.Conv2D(2, 3, layout="NHWC")), None, "layout NHWC"),
        (lambda: trained(block()), {"9": "head"}, r"rename speaks of '9', and the blocks of net are \['', '0', "),
        (lambda: trained(block()), {"3.0": "a", "3.2": "a"}, r"two parameters of net would be called 'a\.weight'"),
    ],
)
def test_what_cannot_be_named_is_refused(make, rename, words):
    with pytest.raises(ValueError, match=words):
        state_dict(make(), rename)


def initialized(net):
    net.initialize()
    return net


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda arrays: arrays.pop("3.0.bias"), r"arrays lacks 3\.0\.bias"),
        (lambda arrays: arrays.update(more=np.zeros(1)), "arrays holds more, which net has not"),
        (
            lambda arrays: arrays.update({"3.2.bias": np.zeros(4)}),
            r"3\.2\.bias has shape \(4,\), and 3\.2\.bias of net",
        ),
        (lambda arrays: arrays.update({"0.weight": np.zeros((4, 9))}), r"0\.weight has shape \(4, 9\)"),
        (
            lambda arrays: arrays.update({"1.weight": np.full(4, 2.0)}),
            r"1\.weight scales, and 1\.gamma of net does not",
        ),
        (lambda arrays: arrays.update({"3.2.bias": np.array(list("abc"))}), r"3\.2\.bias must hold real .* got <U1"),
        (lambda arrays: arrays.update({"1.weight": np.array(list("abcd"))}), r"1\.weight must hold real .* got <U1"),
        (lambda arrays: arrays.update({"3.2.bias": np.ones(3, dtype=complex)}), "must hold real .* got complex128"),
        (lambda arrays: arrays.update({"3.2.bias": np.ones(3, dtype=object)}), "must hold real .* got object"),
        (
            lambda arrays: arrays.update({"3.2.bias": np.array([1, -1e39, 2])}),
            r"3\.2\.bias holds -1e\+39, which float32 cannot hold",
        ),
    ],
)
def test_what_does_not_fit_is_refused_before_anything_has_changed(change, words):
    net = trained(block(scale=False))
    arrays, before = state_dict(net), state_dict(net)
    arrays = {name: array + (name != "1.weight") for name, array in arrays.items()}
    change(arrays)
    with pytest.raises(ValueError, match=words):
        load_state_dict(net, arrays)
    assert all(np.array_equal(state_dict(net)[name], array) for name, array in before.items())


def test_what_is_not_finite_there_is_not_finite_here():
    layer = initialized(nn.Dense(3, in_units=1, use_bias=False))
    load_state_dict(layer, {"weight": np.array([[np.inf], [-np.inf], [np.nan]])})
    np.testing.assert_array_equal(layer.weight.data().asnumpy().ravel(), [np.inf, -np.inf, np.nan])


@pytest.mark.parametrize("waits", [False, True])
def test_a_parameter_in_two_places_has_one_value(waits):
    net, inputs = nn.Sequential(), 0 if waits else 3
    net.add(nn.Dense(3, in_units=inputs))
    net.add(nn.Dense(3, in_units=inputs, params=net[0].params))
    net.initialize()
    arrays = {"weight": np.full((3, 3), 2.0), "bias": np.array([1, 2, np.nan])}
    named = {f"{place}.{name}": array for place in "01" for name, array in arrays.items()}
    with pytest.raises(ValueError, match=r"1\.weight and 0\.weight are one parameter of net, and .* other values"):
        load_state_dict(net, {**named, "1.weight": np.ones((3, 3))})
    with pytest.raises(ValueError, match=r"1\.weight and 0\.weight are one parameter of net, and .* other values"):
        load_state_dict(
            net, {**named, "1.weight": np.full((3, 1), 2.0)} if waits else {**named, "1.weight": -named["1.weight"]}
        )
    load_state_dict(net, named)
    assert (net[1].weight.data().asnumpy() == 2).all()
    load_state_dict(net, state_dict(net))


def test_the_counter_of_a_net_that_is_a_batch_norm_is_passed_over():
    net = initialized(nn.BatchNorm(in_channels=2))
    load_state_dict(net, {**state_dict(net), "num_batches_tracked": np.array(7)})
    with pytest.raises(ValueError, match="arrays holds my_num_batches_tracked, which net has not"):
        load_state_dict(net, {**state_dict(net), "my_num_batches_tracked": np.array(7)})


def test_a_net_that_is_not_initialized_is_refused():
    with pytest.raises(ValueError, match=r"weight of net is not initialized: net\.initialize\(\) first"):
        load_state_dict(nn.Dense(2), {"weight": np.zeros((2, 3)), "bias": np.zeros(2)})
