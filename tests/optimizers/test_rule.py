"""The frame around a rule: options, prologue, decay, precision, registry."""

from __future__ import annotations

import math
import pickle
import subprocess
import sys
from fractions import Fraction

import mxnet as mx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mxnet import gluon

from gluonbook.checks import real
from gluonbook.optimizers.rule import OneByOne, Rule, register
from gluonbook.optimizers.whole_step import Decay, WholeStep


@register
class Seen(Rule):
    """Plain gradient descent that remembers what `delta` was given."""

    def delta(self, grad, state, lr, t):
        self.grad, self.lr_seen, self.t = grad.asnumpy(), lr, t
        return lr * grad


class SeenBeforeClip(Seen):
    decay = Decay.BEFORE_CLIP


class SeenBeside(Seen):
    decay = Decay.BESIDE


W, G = np.array([1.0, -2.0, 4.0]), np.array([3.0, -0.5, 8.0])


def one_step(kind=Seen, dtype="float64", index=0, **options):
    """The optimizer and the weights after one step from W with the gradient G."""
    optimizer = kind(**{"learning_rate": 0.5, **options})
    weight, grad = mx.nd.array(W, dtype=dtype), mx.nd.array(G, dtype=dtype)
    state = optimizer.create_state_multi_precision(index, weight)
    optimizer.update_multi_precision(index, weight, grad, state)
    np.testing.assert_array_equal(grad.asnumpy(), G.astype(dtype))  # the gradient is not ours to change
    return optimizer, weight.asnumpy()


def test_rescaling_comes_before_clipping_and_decay_after_both():
    optimizer, weight = one_step(rescale_grad=0.5, clip_gradient=1.0, wd=0.25)
    expected = np.array([1.0, -0.25, 1.0]) + 0.25 * W
    np.testing.assert_array_equal(optimizer.grad, expected)
    np.testing.assert_array_equal(weight, W - 0.5 * expected)


def test_a_class_can_say_that_decay_is_clipped_too_or_stays_beside_the_step():
    optimizer, _ = one_step(SeenBeforeClip, rescale_grad=0.5, clip_gradient=1.0, wd=0.25)
    np.testing.assert_array_equal(optimizer.grad, [1.0, -0.75, 1.0])
    optimizer, weight = one_step(SeenBeside, rescale_grad=0.5, clip_gradient=1.0, wd=0.25)
    np.testing.assert_array_equal(optimizer.grad, [1.0, -0.25, 1.0])
    np.testing.assert_array_equal(weight, W - 0.5 * np.array([1.0, -0.25, 1.0]) - 0.5 * 0.25 * W)


def test_decoupled_decay_is_measured_exactly_and_seen_by_no_gradient():
    optimizer, weight = one_step(wd_lh=0.125)
    np.testing.assert_array_equal(optimizer.grad, G)
    np.testing.assert_array_equal(weight, (1 - 0.5 * 0.125) * W - 0.5 * G)


def test_a_small_decoupled_decay_is_not_rounded_away():
    optimizer = Seen(learning_rate=1e-4, wd_lh=1e-4)
    weight, grad = mx.nd.ones((1,)), mx.nd.zeros((1,))
    for _ in range(100):
        optimizer.update(0, weight, grad, None)
    assert weight.asscalar() == 1  # half a unit in the last place of 1 is 6e-8
    small = Seen(learning_rate=1e-4, wd_lh=1e-3)
    for _ in range(100):
        small.update(0, weight, grad, None)
    assert 1 - weight.asscalar() == pytest.approx(1e-5, rel=0.3)


def test_multipliers_schedule_and_count():
    class Halving(mx.lr_scheduler.LRScheduler):
        def __call__(self, num_update):
            return self.base_lr / 2**num_update

    optimizer = Seen(lr_scheduler=Halving(base_lr=1.0), wd=1.0, begin_num_update=2)
    optimizer.set_lr_mult({7: 0.5})
    optimizer.set_wd_mult({7: 0.25})
    weight, grad = mx.nd.ones((2,)), mx.nd.zeros((2,))
    optimizer.update(7, weight, grad, None)
    assert (optimizer.t, optimizer.lr_seen, optimizer.grad.tolist()) == (3, 1 / 16, [0.25, 0.25])
    optimizer.update(8, weight, grad, None)
    assert (optimizer.t, optimizer.lr_seen) == (3, 1 / 8)
    optimizer.update(7, weight, grad, None)
    assert (optimizer.t, optimizer.lr_seen) == (4, 1 / 32)


def test_a_count_that_is_set_before_the_first_update_is_the_schedules_too():
    optimizer = Seen(lr_scheduler=lambda num_update: num_update / 8, begin_num_update=10)
    optimizer.begin_num_update = 0
    optimizer.update(0, mx.nd.ones((2,)), mx.nd.zeros((2,)), None)
    optimizer.begin_num_update = 0  # what it is already
    assert (optimizer.t, optimizer.lr_seen, optimizer.num_update) == (1, 1 / 8, 1)


class Careful(Seen):
    def delta(self, grad, state, lr, t):
        if grad.shape != (2,):
            raise ValueError(f"a shape of (2,), got {grad.shape}")
        return super().delta(grad, state, lr, t)


@pytest.mark.parametrize("wrong", [mx.nd.zeros((1, 2)).tostype("csr"), mx.nd.zeros((3,))], ids=["sparse", "long"])
def test_a_step_that_fails_is_not_counted(wrong):
    optimizer, weight, grad = Careful(), mx.nd.ones((2,)), mx.nd.zeros((2,))
    optimizer.update(0, weight, grad, None)
    with pytest.raises(ValueError):
        optimizer.update_multi_precision([0, 1], [weight, wrong], [grad, wrong], [None, None])
    with pytest.raises(ValueError):
        optimizer.update(1, wrong, wrong, None)
    assert (optimizer._index_update_count, optimizer.num_update) == ({0: 1}, 1)


def test_wd_mult_does_not_touch_decoupled_decay():
    optimizer = Seen(learning_rate=0.5, wd=1.0, wd_lh=0.125)
    optimizer.set_wd_mult({0: 0.0})
    weight = mx.nd.ones((1,))
    optimizer.update(0, weight, mx.nd.zeros((1,)), None)
    assert weight.asscalar() == 1 - 0.5 * 0.125


def test_float16_goes_through_a_float32_master_copy():
    optimizer = Seen(learning_rate=1.0, multi_precision=True)
    weight, grad = mx.nd.ones((1,), dtype="float16"), mx.nd.full((1,), 2.0**-14, dtype="float16")
    state = optimizer.create_state_multi_precision(0, weight)
    for _ in range(8):
        optimizer.update_multi_precision(0, weight, grad, state)
    assert optimizer.grad.dtype == np.float32
    assert (state[0].dtype, state[0].asscalar()) == (np.float32, 1 - 2.0**-11)
    assert (weight.dtype, weight.asscalar()) == (np.float16, 1 - 2.0**-11)
    coarse = Seen(learning_rate=1.0)
    with pytest.warns(UserWarning, match="multi_precision=True"):
        state = coarse.create_state_multi_precision(0, weight)
    weight[:] = 1
    for _ in range(8):  # each step is too small for float16
        coarse.update_multi_precision(0, weight, grad, state)
    assert weight.asscalar() == 1


@pytest.mark.parametrize("kind", [list, tuple])
@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_lists_of_parameters(kind, dtype):
    optimizer = Seen(learning_rate=0.5, multi_precision=True)
    weights = kind(mx.nd.full((2,), i, dtype=dtype) for i in range(3))
    grads = kind(mx.nd.ones((2,), dtype=dtype) for _ in range(3))
    states = kind(optimizer.create_state_multi_precision(i, w) for i, w in enumerate(weights))
    optimizer.update_multi_precision(kind(range(3)), weights, grads, states)
    assert [w.asnumpy().tolist() for w in weights] == [[i - 0.5] * 2 for i in range(3)]
    assert optimizer._index_update_count == {0: 1, 1: 1, 2: 1}


BAD = [
    ({"learning_rate": -0.1}, r"learning_rate must be a number in \[0, inf\), got -0\.1"),
    ({"learning_rate": math.nan}, r"learning_rate .* got nan"),
    ({"learning_rate": "0.1"}, r"learning_rate .* got '0\.1'"),
    ({"learning_rate": True}, r"learning_rate .* got True"),
    ({"wd": -1}, r"wd must be a number in \[0, inf\), got -1"),
    ({"wd_lh": math.inf}, r"wd_lh must be a number in \[0, inf\), got inf"),
    ({"clip_gradient": 0}, r"clip_gradient must be a number in \(0, inf\), got 0"),
    ({"clip_gradient": -1.0}, r"clip_gradient .* got -1\.0"),
    ({"rescale_grad": math.inf}, r"rescale_grad must be a number in \(-inf, inf\), got inf"),
    ({"lr_scheduler": 0.1}, r"lr_scheduler must be a function .* got 0\.1"),
    ({"multi_precision": 1}, r"multi_precision must be True or False, got 1"),
    ({"begin_num_update": -1}, r"begin_num_update must be a whole number from 0, got -1"),
]


@pytest.mark.parametrize(("options", "message"), BAD, ids=lambda value: str(value)[:30])
def test_options_out_of_range_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        Seen(**options)


def test_unknown_options_are_refused_with_the_legal_ones():
    with pytest.raises(TypeError, match=r"Seen has no option momentm; it takes learning_rate, lr_scheduler, wd, wd_lh"):
        Seen(momentm=0.9)


def test_the_default_learning_rate_leaves_a_schedule_alone():
    schedule = mx.lr_scheduler.FactorScheduler(step=10, base_lr=0.7)
    assert Seen(lr_scheduler=schedule).learning_rate == 0.7
    assert Seen().learning_rate == Seen.default_lr
    assert Seen(learning_rate=0).learning_rate == 0


@given(st.floats(), st.floats(-10, 10), st.floats(0.5, 10), st.sampled_from("[("), st.sampled_from("])"))
def test_real_knows_its_interval(value, low, width, left, right):
    high = low + width
    inside = (low < value or (left == "[" and value == low)) and (value < high or (right == "]" and value == high))
    interval = f"{left}{low}, {high}{right}"
    if inside:
        assert real("x", value, interval) == value
    else:
        with pytest.raises(ValueError, match="x must be a number in"):
            real("x", value, interval)


@pytest.mark.parametrize("scalar", [1, np.float32(0.5), np.int64(1), np.array(1), mx.nd.ones((1,))])
def test_real_takes_any_real_number(scalar):
    assert type(real("x", scalar, "[0, 1]")) is float


@pytest.mark.parametrize(
    "number", [10**400, -(10**400), Fraction(10**400), Fraction(1, 10**400)], ids=lambda n: type(n).__name__
)
def test_real_looks_at_the_float_that_it_gives_back(number):
    with pytest.raises(ValueError, match=r"x must be a number in \(0, inf\), got"):
        real("x", number, "(0, inf)")


@pytest.mark.parametrize("scalar", [None, "1", 1j, np.bool_(True), mx.nd.ones((2,))])
def test_real_takes_nothing_else(scalar):
    with pytest.raises(ValueError, match=r"x must be a number in \[0, 1\], got"):
        real("x", scalar, "[0, 1]")


def test_sparse_is_refused_before_a_store_could_lose_the_error():
    with pytest.raises(ValueError, match=r"Seen takes dense arrays .* the gradient of .*weight is 'row_sparse'"):
        trainer_of(gluon.nn.Embedding(5, 3, sparse_grad=True), "seen")
    net = gluon.nn.Dense(2, in_units=2)
    net.weight._stype = "row_sparse"
    with pytest.raises(ValueError, match=r"the weight of .*weight is 'row_sparse'"):
        trainer_of(net, Seen())


def trainer_of(net, optimizer):
    net.initialize()
    return gluon.Trainer(list(net.collect_params().values()), optimizer)


def test_sparse_arrays_are_refused_at_the_update():
    dense = mx.nd.ones((2, 2))
    with pytest.raises(ValueError, match="the gradient of parameter 3 is 'row_sparse'"):
        Seen().update(3, dense, dense.tostype("row_sparse"), None)
    with pytest.raises(ValueError, match="the weight of parameter 3 is 'csr'"):
        Seen().update(3, dense.tostype("csr"), dense, None)


def test_pickling_leaves_the_parameters_behind():
    net = gluon.nn.Dense(2, in_units=2)
    optimizer = trainer_of(net, "seen").optimizer
    assert optimizer.param_dict[0] is net.weight
    again = pickle.loads(pickle.dumps(optimizer))
    assert again.param_dict == {}
    kept = {key: value for key, value in vars(optimizer).items() if key != "param_dict"}
    assert {key: value for key, value in vars(again).items() if key != "param_dict"} == kept


def test_names_are_not_taken_from_others():
    with pytest.raises(ValueError, match=r"the name 'adam' belongs to mxnet\.optimizer\.optimizer\.Adam"):
        register(type("Adam", (Seen,), {}))
    with pytest.raises(ValueError, match="the name 'seen' belongs to"):
        register(type("Seen", (Rule,), {"__module__": "elsewhere"}))
    assert mx.optimizer.Optimizer.opt_registry["seen"] is Seen
    again = type("Seen", (Rule,), {"__module__": __name__, "__qualname__": "Seen"})
    assert register(again) is again  # a cell or a module run twice
    register(Seen)


@pytest.mark.parametrize("kind", [WholeStep, OneByOne, Rule])
def test_abstract_classes_cannot_be_made(kind):
    with pytest.raises(TypeError, match="abstract"):
        kind()


def test_importable_while_mxnet_is_still_being_imported():
    """As on a ps-lite server, which unpickles in the middle of `import mxnet`."""
    script = """
import sys, mxnet
del mxnet.nd, mxnet.gluon
sys.modules["mxnet.gluon"] = None
import gluonbook.optimizers
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
