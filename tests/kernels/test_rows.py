"""Many arrays at once: each call asks anew what they are and where they lie, and waits for each of them."""

from __future__ import annotations

import gc
import threading

import mxnet as mx
import numpy as np
import pytest
from arrays import DTYPES, column, mixed, plain, same
from mxnet import autograd, gluon, nd

from gluonbook import kernels
from gluonbook.kernels import engine, memory, reference
from gluonbook.kernels.memory import FLOATS

HALF, SINGLE, DOUBLE = DTYPES


def packed(arrays) -> np.ndarray:
    return np.concatenate([reference.pack(array.asnumpy().reshape(-1)) for array in arrays])


def placed(shapes, dtype=SINGLE) -> list[nd.NDArray]:
    return [nd.array(mixed(dtype, shape, seed), dtype=dtype) for seed, shape in enumerate(shapes)]


def test_what_mxnet_says_of_a_list():
    arrays = [nd.zeros((3, 5), dtype="float16"), nd.zeros(7, dtype="float64"), nd.zeros((1,) * 12), np.zeros((2, 0))]
    own = column(*arrays, None)
    assert own.sizes.tolist() == [15, 7, 1, 0, 0]
    assert [own.dtype(i) for i in range(5)] == [HALF, DOUBLE, SINGLE, DOUBLE, None]
    assert [own.shape(i) for i in range(4)] == [(3, 5), (7,), (1,) * 12, (2, 0)]


def test_more_axes_than_numpy_has():
    array = nd.zeros(3).reshape((3,) + (1,) * 40)
    with pytest.raises(ValueError, match="array 1 of the list: x must have a known shape of at most 32 axes, got 41"):
        kernels.pack([nd.zeros(3), array])


def test_numpy_mode_has_arrays_without_axes():
    with mx.util.np_shape(True):
        scalar, empty = mx.np.array(-2.0), mx.np.zeros((3, 0))
        assert kernels.pack([scalar.as_nd_ndarray(), scalar, empty]).tolist() == [0, 0]
        assert kernels.nonfinite([scalar, empty]) == []


def test_an_array_that_takes_the_place_and_the_number_of_another():
    """Python gives the id of what is gone to the next object, and MXNet its handle: often at once."""
    ids, handles = set(), set()
    for i in range(40):
        shape, dtype = [(3,), (70, 5), (200,)][i % 3], FLOATS[i % 2]
        x = nd.array(mixed(dtype, shape, i), dtype=dtype)
        ids.add(id(x))
        handles.add(x.handle.value)
        assert np.array_equal(kernels.pack([x, x]), packed([x, x]))
        del x
        gc.collect()
    assert min(len(ids), len(handles)) < 40  # else this has tested nothing


def test_an_array_whose_memory_is_replaced():
    """`resize`, a cast, another context and a new initialization keep the parameter, and change the array."""
    parameter = gluon.Parameter("w", shape=(64, 3))
    parameter.initialize()
    for change in (
        lambda: None,
        lambda: parameter.cast("float16"),
        lambda: parameter.reset_ctx([mx.cpu(1)]),
        lambda: parameter.cast("float64"),
        lambda: parameter.set_data(nd.array(plain(DOUBLE, (64, 3)), dtype="float64")),
        lambda: parameter.initialize(force_reinit=True),
    ):
        change()
        w = parameter.list_data()[0]
        assert np.array_equal(kernels.pack([w, parameter.list_grad()[0]]), packed([w, parameter.list_grad()[0]]))
        expected = w.asnumpy() - np.sign(w.asnumpy()) / 4
        kernels.apply_signs([w], kernels.pack([w]), lr=0.25)
        assert same(w.asnumpy(), expected.astype(w.dtype))


def test_one_handle_whose_array_moves():
    """What an operation writes with `out=` stays the same object; where it lies may change, and is asked each time."""
    x = nd.zeros((64, 64))
    for i in range(5):
        nd.random.normal(shape=(64, 64), out=x)
        assert np.array_equal(kernels.pack([x, x]), packed([x, x]))
        x[:] = nd.full((64, 64), i - 2)
        assert np.array_equal(kernels.pack([x, x]), packed([x, x]))


@pytest.mark.parametrize("static", [False, True])
def test_gradients_of_a_net_that_keeps_its_memory(static):
    """With `static_alloc`, and an inference between the calls that puts weights into oneDNN's layout."""
    mx.random.seed(0)
    net = gluon.nn.HybridSequential()
    for _ in range(3):
        net.add(gluon.nn.Conv2D(32, 3, padding=1, in_channels=32, use_bias=False))
    net.initialize()
    net.hybridize(static_alloc=static, static_shape=static)
    X = nd.random.normal(shape=(2, 32, 8, 8))
    weights = [parameter.data() for parameter in net.collect_params().values()]
    moms = [nd.zeros(w.shape) for w in weights]
    for _ in range(4):
        with autograd.record():
            loss = (net(X) ** 2).sum()
        loss.backward()
        grads = [parameter.grad() for parameter in net.collect_params().values()]
        expected = [w.asnumpy() - np.float32(0.125) * np.sign(g.asnumpy()) for w, g in zip(weights, grads)]
        net(X)  # not waited for
        kernels.signum_step(weights, grads, moms, lr=0.125, momentum=0.0)
        net(X)
        for w, one in zip(weights, expected):
            assert same(w.asnumpy(), one)
        net(X)
        assert np.array_equal(kernels.pack(weights), packed(weights))


def test_all_arrays_of_a_place_may_be_slices_of_one():
    """Which have one variable of the engine, that must not wait for itself."""
    room, g = nd.array(plain(SINGLE, (3, 1000))), nd.array(plain(SINGLE, 1000))
    w, m, n = room[0], room[1], room[2]
    before = room.asnumpy()
    for _ in range(3):
        room[:] = nd.array(before)  # still pending
        kernels.signum_step([w, n], [g, g], [m, nd.zeros(1000)], lr=0.5, momentum=0.0)
        assert same(w.asnumpy(), before[0] - np.float32(0.5) * np.sign(g.asnumpy()))
        assert same(n.asnumpy(), before[2] - np.float32(0.5) * np.sign(g.asnumpy()))


def test_types_and_numpy_arrays_in_any_order():
    arrays: list = [nd.array(mixed(d, n, i), dtype=d) for i, (d, n) in enumerate(zip(FLOATS * 4, (3, 900, 64, 0) * 3))]
    arrays = [a.asnumpy() if i % 5 == 1 else a for i, a in enumerate(arrays)]
    plainly = [np.asarray(a if isinstance(a, np.ndarray) else a.asnumpy()) for a in arrays]
    assert np.array_equal(kernels.pack(arrays), np.concatenate([reference.pack(a) for a in plainly]))
    assert kernels.nonfinite(arrays) == [i for i, a in enumerate(plainly) if reference.nonfinite(a)]
    signs = kernels.unpack(kernels.pack(arrays), out=arrays)
    for got, before in zip(signs, plainly):
        expected = reference.unpack(reference.pack(before), before.size, before.dtype)
        if not isinstance(got, np.ndarray):
            assert same(got.asnumpy(), expected)


def test_arrays_that_nobody_holds_any_more():
    """A call keeps its arrays until it is done, also those that a list gave up meanwhile, and no longer."""
    arrays = [np.ones(300_000, np.float32) for _ in range(4)]
    kernels.pack([array[::2] for array in arrays])  # of copies that only the call knows
    counts = [len(gc.get_referrers(array)) for array in arrays]
    kernels.momentum_pack(arrays, [nd.ones(300_000) for _ in arrays], momentum=0.5)
    gc.collect()
    assert [len(gc.get_referrers(array)) for array in arrays] == counts


def test_two_threads_with_lists_of_their_own():
    shapes = [(3,), (300, 7), (64,), (1000, 50), (1,)]
    wrong = []

    def work(seed: int) -> None:
        xs = [nd.array(plain(SINGLE, shape, seed + i)) for i, shape in enumerate(shapes)]
        expected = packed(xs)
        for _ in range(50):
            if not np.array_equal(kernels.pack(xs), expected) or kernels.nonfinite(xs):
                wrong.append(seed)

    threads = [threading.Thread(target=work, args=(10 * k,)) for k in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_an_error_of_a_pending_operation_among_many():
    bad = nd.ones((3, 3))
    bad[:] = nd.linalg.potrf(-bad)
    with pytest.raises(mx.base.MXNetError):
        kernels.pack([nd.ones(3), bad, nd.ones(4)])
    assert kernels.pack([nd.ones(3), nd.ones(4)]).tolist() == [7, 15]  # and the engine goes on


@pytest.mark.parametrize("where", [0, 3, 6])
def test_the_number_of_the_array_that_is_wrong(where):
    arrays = placed([(3,)] * 7)
    arrays[where] = nd.zeros(3, dtype="int32")
    with pytest.raises(ValueError, match=f"^array {where} of the list: x must be of type .* got int32"):
        kernels.nonfinite(arrays)


def test_mxnet_is_asked_three_times_a_list_and_not_an_array(monkeypatch):
    """One call for what they are, and, where they are short, one to wait for all of them and see where they lie."""
    asked = []
    for name in ("ask", "settle"):
        own = getattr(engine.native_engine, name)
        monkeypatch.setattr(engine.native_engine, name, lambda *a, own=own, name=name: asked.append(name) or own(*a))
    kernels.signum_step(placed([9] * 100), placed([9] * 100), placed([9] * 100), lr=0.1, momentum=0.9)
    assert asked == ["ask"] * 3 + ["settle"]


def test_a_column_of_some_and_of_others():
    own = memory.column("x", [nd.zeros(3), None, np.zeros(2)], True, optional=True)
    other = memory.column("y", [np.zeros(3), nd.zeros(4, dtype="float16"), nd.zeros(2)], True)
    whole, few = own.or_else(other), other.beside(own)
    assert [whole.dtype(i) for i in range(3)] == [SINGLE, HALF, DOUBLE]
    assert [array is None for array in few.arrays] == few.absent.tolist() == [False, True, False]
