"""The stores in one process: formulas, what the trainer sees, errors, states. `test_engines` is about the engines."""

from __future__ import annotations

import dataclasses
from contextlib import nullcontext
from functools import partial

import mxnet as mx
import numpy as np
import pytest
from made_up import CASES, Case, gradient, parameters, remembered, trained
from mxnet import autograd, gluon, nd
from own_stores import GossipStore, HalfStore, TopStore
from threads import ranks

from gluonbook import checkpoint, kvstore
from gluonbook.kernels import bits
from gluonbook.kvstore import (
    CompressedStore,
    ErrorFeedbackStore,
    Exact,
    Feedback,
    MeanStore,
    PowerStore,
    RandomK,
    ScaledSign,
    VoteStore,
)

STORES = (VoteStore, MeanStore, ErrorFeedbackStore)
EVERY = (
    *(*STORES, HalfStore, TopStore, PowerStore),
    pytest.param(partial(CompressedStore, codec=RandomK(0.3), memory=Feedback()), id="CompressedStore"),
)  # what a store does for every method, one's own too


def devices(n: int) -> list:
    return [mx.cpu(i) for i in range(n)]


def run(store, case: Case = CASES["plain"], workers: int = 3) -> list:
    return trained(case, store, devices(workers), range(workers), workers)


def by_hand(case: Case, workers: int, momentum: float, lr: float = 0.05) -> list:
    """The formula of `VoteStore` in numpy, in the precision of the weights, one operation after the other."""
    kind = np.dtype(case.dtype).type
    wide = np.float32 if kind is np.float16 else kind
    weights = [p.data().asnumpy() for p in parameters(case, [mx.cpu()], 0).values()]
    moms = [[np.zeros(shape, wide) for shape in case.shapes] for _ in range(workers)]
    beta = wide(momentum)

    def signs(x, k):
        drawn = (-1) ** (k + np.arange(x.size).reshape(x.shape))
        return np.where(x == 0, drawn, np.sign(x)).astype(wide)

    for step in range(case.steps):
        for place, shape in enumerate(case.shapes):
            total = np.zeros(shape)
            for worker in range(workers):
                grad = gradient(shape, worker, step, place, case, workers).astype(wide)
                moms[worker][place] = beta * moms[worker][place] - (1 - beta) * grad
                total += signs(-moms[worker][place], step + worker)
            vote = signs(total, step)
            w = weights[place].astype(wide)
            weights[place] = (w - wide(lr) * (vote + wide(case.wd_lh) * w)).astype(kind)
    return weights


@pytest.mark.parametrize("momentum", [0.0, 0.9])
@pytest.mark.parametrize("workers", range(1, 9))
@pytest.mark.parametrize("name", ["plain", "float16", "float64", "inverter"])
def test_a_vote_is_its_formula_bit_for_bit(name, workers, momentum):
    expected = by_hand(CASES[name], workers, momentum)
    for a, b in zip(expected, run(VoteStore(momentum=momentum), CASES[name], workers)):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("store", STORES)
def test_the_trainer_may_run_the_optimizer_itself(store):
    """signSGD then rounds (1 − lr·wd_lh)·w in another order, hence without decay."""
    inside = dataclasses.replace(CASES["plain"], wd_lh=0.0)
    outside = dataclasses.replace(inside, update_on_kvstore=False)
    for a, b in zip(run(store(), inside), run(store(), outside)):
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-6)


@pytest.mark.parametrize("store", STORES)
@pytest.mark.parametrize("optimizer", ["sgd", "adam", "fusedsignum", "plainsignum"])
def test_every_optimizer_takes_what_a_store_gives(store, optimizer):
    """All devices hold the same bits, and an optimizer that does its step in one pass is no exception."""
    case = dataclasses.replace(CASES["plain"], optimizer=optimizer)
    params = parameters(case, devices(3), 0)
    options = {"learning_rate": 0.05}
    trainer = gluon.Trainer(params, optimizer, options, kvstore=store())
    for step in range(3):
        step_with_gradients(params, trainer, step)
        for parameter in params.values():
            one, *others = (array.asnumpy() for array in parameter.list_data())
            assert all(np.array_equal(one, other) for other in others)
    assert not np.array_equal(one, parameters(case, devices(1), 0)["p07"].data().asnumpy())


def step_with_gradients(params, trainer, step, change=lambda grad, worker, place: grad):
    """A step with the gradients of `made_up`, which `change` may alter."""
    for place, parameter in enumerate(params.values()):
        for worker, device in enumerate(parameter.list_ctx() if parameter.grad_req != "null" else []):
            grad = gradient(parameter.shape, worker, step, place, CASES["plain"], len(parameter.list_ctx()))
            parameter.grad(device)[:] = nd.array(change(grad, worker, place), device)
            parameter.data(device)._fresh_grad = True
    trainer.step(1)


def setting(store, workers=3, optimizer="signsgd", **options):
    """Parameters and their trainer."""
    params = parameters(CASES["plain"], devices(workers), 0)
    return params, gluon.Trainer(params, optimizer, {"learning_rate": 0.05, **options}, kvstore=store)


def test_the_mean_of_one_process_is_the_sum_of_its_devices():
    params, trainer = setting(MeanStore(), optimizer="sgd")
    before = params["p00"].data().asnumpy()
    step_with_gradients(params, trainer, 0)
    grads = [gradient((3,), worker, 0, 0, CASES["plain"], 3) for worker in range(3)]
    np.testing.assert_allclose(params["p00"].data().asnumpy(), before - 0.05 * sum(grads), rtol=1e-6)


def noisy(grad, worker, place):
    """No zeros: there a bit draws, and the sign of the optimizer is 0."""
    return grad + 0.1 * np.random.RandomState(place).randn(*grad.shape)


def test_error_feedback_with_one_worker_is_the_optimizer():
    """As long as the learning rate stays what it is."""
    ours, trainer = setting(ErrorFeedbackStore(), workers=1, optimizer="plainsgd", momentum=0.0)
    others, plain = setting(None, workers=1, optimizer="efsignsgd")
    for step in range(20):
        for params, own in ((ours, trainer), (others, plain)):
            step_with_gradients(params, own, step, noisy)
    for one, other in zip(ours.values(), others.values()):
        np.testing.assert_allclose(one.data().asnumpy(), other.data().asnumpy(), rtol=0, atol=2e-5)


def test_error_feedback_loses_nothing():
    """The sum of what was sent, and what is left, is the sum of all gradients."""
    store = ErrorFeedbackStore()
    params, trainer = setting(store, workers=2, optimizer="plainsgd", momentum=0.0, learning_rate=1.0)
    before = [p.data().asnumpy() for p in params.values()]
    for step in range(10):
        step_with_gradients(params, trainer, step)
    for place, (parameter, start) in enumerate(zip(params.values(), before)):
        total = sum(gradient(start.shape, w, s, place, CASES["plain"], 2) for w in range(2) for s in range(10))
        left = sum(error.asnumpy() for error in store.states[place])
        np.testing.assert_allclose(start - parameter.data().asnumpy() + left, total, rtol=0, atol=1e-4)


@pytest.mark.parametrize("store", STORES)
def test_a_frozen_parameter_is_left_alone(store):
    params, trainer = setting(store())
    params["p01"].grad_req = "null"
    before = params["p01"].data().asnumpy()
    for step in range(2):
        step_with_gradients(params, trainer, step)
    np.testing.assert_array_equal(params["p01"].data().asnumpy(), before)
    params["p01"].grad_req = "write"
    step_with_gradients(params, trainer, 3)
    assert not np.array_equal(params["p01"].data().asnumpy(), before)


def test_a_learning_rate_set_later_holds():
    params, trainer = setting(VoteStore())
    step_with_gradients(params, trainer, 0)
    before = params["p07"].data().asnumpy()
    trainer.set_learning_rate(0.25)
    step_with_gradients(params, trainer, 1)
    np.testing.assert_allclose(np.abs(params["p07"].data().asnumpy() - before), 0.25, rtol=1e-5)


def test_multipliers_and_schedules_hold():
    schedule = mx.lr_scheduler.FactorScheduler(step=1, factor=0.5, base_lr=0.5)
    params, trainer = setting(VoteStore(), learning_rate=0.5, lr_scheduler=schedule)
    params["p00"].lr_mult = 0.5
    for step, lr in enumerate((0.5, 0.25, 0.125)):
        before = [params[name].data().asnumpy() for name in ("p00", "p01")]
        step_with_gradients(params, trainer, step)
        for name, start, expected in zip(("p00", "p01"), before, (lr / 2, lr)):
            np.testing.assert_allclose(np.abs(params[name].data().asnumpy() - start), expected, rtol=1e-5)


def spoil(value, at_worker, at_place):
    def change(grad, worker, place):
        if (worker, place) == (at_worker, at_place):
            grad = grad.copy()
            grad.flat[-1] = value
        return grad

    return change


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("store", STORES)
def test_a_gradient_that_is_not_finite_changes_nothing(store, value):
    store = store()
    params, trainer = setting(store)
    step_with_gradients(params, trainer, 0)
    before = [p.data().asnumpy() for p in params.values()]
    states = remembered(store)
    with pytest.raises(FloatingPointError, match=r"step 2: the gradient of 4 \(p04\) on rank 0 is not finite"):
        step_with_gradients(params, trainer, 1, spoil(value, 1, 4))
    assert all(np.array_equal(p.data().asnumpy(), start) for p, start in zip(params.values(), before))
    for key, found in remembered(store).items():
        assert all(np.array_equal(a, b) for a, b in zip(found, states[key]))


def at_once(store, *grads, dtype="float32", optimizer="plainsgd", **options) -> list:
    """The weights, from 0, after steps of one parameter; the gradients of a step are one number a device."""
    parameter = gluon.Parameter("p", shape=(5,), dtype=dtype)
    parameter.initialize(mx.init.Zero(), ctx=devices(len(grads[0])))
    trainer = gluon.Trainer([parameter], optimizer, {"learning_rate": 1e-3, **options}, kvstore=store)
    for step in grads:
        for device, size in zip(parameter.list_ctx(), step):
            parameter.grad(device)[:] = nd.full(5, size, device, dtype)
            parameter.data(device)._fresh_grad = True
        trainer.step(1)
    return [weight.asnumpy() for weight in parameter.list_data()]


scaled_sign = partial(CompressedStore, codec=ScaledSign(), memory=Feedback())
OVERLAPPING = (MeanStore, PowerStore, ErrorFeedbackStore, pytest.param(scaled_sign, id="CompressedStore"))


@pytest.mark.parametrize("store", OVERLAPPING)
def test_a_finite_gradient_is_finite_all_the_way(store):
    """Its sum is beyond float32, or would be."""
    np.testing.assert_allclose(at_once(store(), [2e38]), -2e35, rtol=1e-5)


@pytest.mark.parametrize("store", [*OVERLAPPING, HalfStore, GossipStore])
@pytest.mark.parametrize("nonfinite", ["raise", "zero"])
def test_a_gradient_beyond_float32_is_not_finite(store, nonfinite):
    store = store(nonfinite=nonfinite)
    with pytest.raises(FloatingPointError, match="on rank 0 is not finite") if nonfinite == "raise" else nullcontext():
        assert not np.any(at_once(store, [1e39], dtype="float64"))
    assert store.abstentions == [int(nonfinite == "zero")]


@pytest.mark.filterwarnings("error::RuntimeWarning")
@pytest.mark.parametrize("store", OVERLAPPING)
def test_finite_gradients_that_do_not_stay_so_count_as_not_finite(store):
    """Since their sum over the devices is beyond float32."""
    with pytest.raises(FloatingPointError, match=r"step 1: the gradient of 0 \(p\) on rank 0 is not finite"):
        at_once(store(), [3e38, 3e38])


@pytest.mark.filterwarnings("error::RuntimeWarning")
@pytest.mark.parametrize("store", OVERLAPPING[1:])
def test_finite_gradients_that_are_rescaled_beyond_float32_count_as_not_finite(store):
    with pytest.raises(FloatingPointError, match=r"step 1: the gradient of 0 \(p\) on rank 0 is not finite"):
        at_once(store(), [1e30, -1e30], rescale_grad=1e10)


@pytest.mark.parametrize("store", [ErrorFeedbackStore, scaled_sign])
def test_a_gradient_that_does_not_stay_finite_with_what_was_left_counts_as_not_finite(store):
    store, uneven = store(nonfinite="zero"), np.float32([3e38, 1, 1, 1])
    grads, out = nd.array(uneven), nd.zeros(4)
    store.pushpull(0, grads, out)
    before = remembered(store)
    store.pushpull(0, nd.array(uneven), out)
    assert store.abstentions == [1]
    np.testing.assert_equal(remembered(store), before)
    assert not out.asnumpy().any()


@pytest.mark.parametrize("store", [MeanStore, PowerStore, partial(CompressedStore, codec=Exact())])
def test_finite_gradients_whose_sum_over_ranks_is_not(store):
    def of_rank(link):
        with pytest.raises(FloatingPointError, match="on rank 0 is not finite"):
            at_once(store(link), [3e38])

    ranks(2, of_rank)


@pytest.mark.parametrize("store", EVERY)
def test_the_only_worker_that_abstains_leaves_the_weights(store):
    store = store(nonfinite="zero")
    params, trainer = setting(store)
    before = [p.data().asnumpy() for p in params.values()]
    step_with_gradients(params, trainer, 0, spoil(np.nan, 2, 0))
    assert store.abstentions == [1]
    assert all(np.array_equal(p.data().asnumpy(), start) for p, start in zip(params.values(), before))
    step_with_gradients(params, trainer, 1)
    assert store.abstentions == [1]


@pytest.mark.parametrize("store", EVERY)
def test_a_checkpoint_holds_what_the_store_remembers(tmp_path, store):
    class Net(gluon.HybridBlock):
        def __init__(self):
            super().__init__(prefix="net_")
            for place, shape in enumerate(CASES["plain"].shapes):
                setattr(self, f"p{place:02d}", self.params.get(f"p{place:02d}", shape=shape))

    def fresh():
        net = Net()
        net.initialize(mx.init.One(), ctx=devices(2))
        return net, gluon.Trainer(net.collect_params(), "signsgd", {"learning_rate": 0.05}, kvstore=store())

    net, trainer = fresh()
    for step in range(3):
        step_with_gradients(net.collect_params(), trainer, step)
    path = checkpoint.save(tmp_path, net, trainer, step=3, epoch=0)
    other, resumed = fresh()
    checkpoint.load(path, other, resumed)
    for step in range(3, 8):
        step_with_gradients(net.collect_params(), trainer, step)
        step_with_gradients(other.collect_params(), resumed, step)
    for one, two in zip(net.collect_params().values(), other.collect_params().values()):
        np.testing.assert_array_equal(one.data().asnumpy(), two.data().asnumpy())


def test_lists_of_keys_go_in_one_call():
    store, one_by_one = VoteStore(), VoteStore()
    grads = [[nd.array([1, -1, 0]), nd.array([1, -2, -3])], [nd.array([[-5.0]]), nd.array([[4.0]])]]
    outs = [[nd.zeros(3), nd.zeros(3)], [nd.zeros((1, 1)), nd.zeros((1, 1))]]
    store.pushpull([3, 5], grads, outs)
    assert [array.asnumpy().reshape(-1).tolist() for pair in outs for array in pair] == [[1, -1, 1]] * 2 + [[1]] * 2
    for key, pair in zip((3, 5), grads):
        one_by_one.pushpull(key, pair)
    assert grads[0][1].asnumpy().tolist() == [1, -1, 1]


def test_names_by_which_mxnet_finds_them():
    for kind in STORES:
        assert type(mx.kv.create(kind.__name__.lower())) is kind
    store = VoteStore()
    assert (store.type, store.rank, store.num_workers) == ("vote_local", 0, 1)
    assert store.is_capable("optimizer")


def test_a_key_that_comes_again_is_refused():
    store = VoteStore()
    params, trainer = setting(store)
    step_with_gradients(params, trainer, 0)
    grads = params["p00"].list_grad()
    store.pushpull(0, grads, out=params["p00"].list_data())
    with pytest.raises(ValueError, match=r"parameter 0 \(p00\) .* comes again.*: a step takes 0-7, and had 0,"):
        store.pushpull(0, grads, out=params["p00"].list_data())
    expected = stepped(VoteStore(), 0, 1)
    step_with_gradients(params, trainer, 1)
    for parameter, weight in zip(params.values(), expected):
        np.testing.assert_array_equal(parameter.data().asnumpy(), weight)


def stepped(store, *steps) -> list:
    """The weights after these steps."""
    params, trainer = setting(store)
    for step in steps:
        step_with_gradients(params, trainer, step)
    return [parameter.data().asnumpy() for parameter in params.values()]


@pytest.mark.parametrize("store", EVERY)
def test_the_step_after_one_that_raised(store):
    params, trainer = setting(store())
    step_with_gradients(params, trainer, 0)
    with pytest.raises(FloatingPointError):
        step_with_gradients(params, trainer, 1, spoil(np.inf, 0, 7))
    step_with_gradients(params, trainer, 2)
    for parameter, weight in zip(params.values(), stepped(store(), 0, 2)):
        np.testing.assert_array_equal(parameter.data().asnumpy(), weight)


@pytest.mark.parametrize("store", EVERY)
def test_all_abstain_and_the_trainer_runs_the_optimizer(store):
    params = parameters(CASES["plain"], devices(2), 0)
    options = {"learning_rate": 0.05, "momentum": 0.0}
    trainer = gluon.Trainer(params, "sgd", options, kvstore=store(nonfinite="zero"), update_on_kvstore=False)
    step_with_gradients(params, trainer, 0)
    before = params["p03"].data().asnumpy()
    step_with_gradients(params, trainer, 1, spoil(np.nan, 1, 3))
    np.testing.assert_array_equal(params["p03"].data().asnumpy(), before)


@pytest.mark.parametrize("store", STORES)
@pytest.mark.parametrize("optimizer", ["sgd", "signsgd"])
def test_half_precision_with_a_master_copy(store, optimizer):
    """The step is far smaller than what float16 can tell apart at 1, and adds up all the same."""
    parameter = gluon.Parameter("p", shape=(5,), dtype="float16")
    parameter.initialize(mx.init.One(), ctx=devices(2))
    options = {"learning_rate": 1e-4, "multi_precision": True}
    trainer = gluon.Trainer([parameter], optimizer, options, kvstore=store())
    for _ in range(100):
        for device in devices(2):
            parameter.grad(device)[:] = 1
            parameter.data(device)._fresh_grad = True
        trainer.step(1)
    expected = 1 - 100 * 1e-4 * (2 if optimizer == "sgd" and store is not VoteStore else 1)
    for weight in parameter.list_data():
        np.testing.assert_allclose(weight.asnumpy(), expected, atol=1e-3)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: VoteStore("nccl"), "link must be 'local', 'mpi', 'pslite' or a Link, got 'nccl'"),
        (lambda: MeanStore(kvstore.LocalLink), "link must be 'local', 'mpi', 'pslite' or a Link, got <class"),
        (lambda: VoteStore(momentum=1), r"momentum must be a number in \[0, 1\), got 1"),
        (lambda: VoteStore(nonfinite="skip"), "nonfinite must be 'raise' or 'zero', got 'skip'"),
        (lambda: MeanStore(check_every=-1), "check_every must be a whole number from 0, got -1"),
    ],
)
def test_what_cannot_be_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize("workers", [1, 2, 3, 4])
def test_a_weight_whose_gradient_is_zero_moves_to_and_fro(workers):
    votes = [np.tile([-0.125, 0.125], 3)[:5], np.zeros(5)]
    zeros = [0.0] * workers
    for steps in range(1, 5):
        weights = at_once(VoteStore(), *[zeros] * steps, optimizer="signsgd", learning_rate=0.125)
        np.testing.assert_array_equal(weights, [votes[(steps - 1) % 2]] * workers)


def test_coupled_weight_decay_is_refused_beside_a_vote():
    params, trainer = setting(VoteStore(), wd=0.1)
    with pytest.raises(ValueError, match=r"use wd_lh, got wd=0\.1"):
        step_with_gradients(params, trainer, 0)


def test_the_trainers_own_files_are_refused(tmp_path):
    params, trainer = setting(VoteStore())
    step_with_gradients(params, trainer, 0)
    with pytest.raises(RuntimeError, match=r"checkpoint\.save"):
        trainer.save_states(str(tmp_path / "states"))
    with pytest.raises(RuntimeError, match=r"checkpoint\.load"):
        trainer.load_states(str(tmp_path / "states"))


class Second(kvstore.Link):
    """A second rank that does the same as this one."""

    engine, rank, size = "test", 0, 2

    def vote(self, ballot, voters, step):
        pass

    def all_gather(self, values):
        return np.stack([values, values])

    def all_reduce(self, values):
        values *= 2

    def sendrecv(self, values, to, source):
        return values.copy()

    def broadcast(self, values):
        pass


def test_weights_that_differ_are_noticed():
    class Other(Second):
        def all_gather(self, values):
            theirs = values.copy()
            theirs[-1] += values.dtype == np.int64  # the hash goes last
            return np.stack([values, theirs])

    params, trainer = setting(VoteStore(Other(), check_every=2))
    with pytest.raises(RuntimeError, match="after 0 steps, the weights of rank 1 are not those of rank 0"):
        step_with_gradients(params, trainer, 0)


def test_no_step_follows_one_that_was_broken_off_halfway():
    """Say by Ctrl-C, or by an error of the connection in the store's own thread: others may have done more of it."""

    class Breaking(Second):
        left = 2

        def vote(self, ballot, voters, step):
            self.left -= 1
            if self.left < 0:
                raise OSError("no route to host")

    params, trainer = setting(VoteStore(Breaking()))
    for step in range(2):
        step_with_gradients(params, trainer, step)
    with pytest.raises(OSError, match="no route"):
        step_with_gradients(params, trainer, 2)
    with pytest.raises(RuntimeError, match=r"broken off halfway.*go on from a checkpoint"):
        step_with_gradients(params, trainer, 3)


def test_a_store_serves_one_trainer():
    store = VoteStore()
    for message in (None, "serves another trainer"):
        params, trainer = setting(store)
        with pytest.raises(ValueError, match=message) if message else nullcontext():
            step_with_gradients(params, trainer, 0)


def test_weights_must_be_given_to_a_store_with_the_optimizer():
    store = VoteStore()
    params, trainer = setting(store)
    step_with_gradients(params, trainer, 0)
    with pytest.raises(ValueError, match="pushpull needs the weights"):
        store.pushpull(0, params["p00"].list_grad())


def test_a_ballot_has_one_bit_a_coordinate():
    sizes = [int(np.prod(shape)) for shape in CASES["long"].shapes]
    sent = []

    class Counting(kvstore.Link):
        engine, rank, size = "test", 0, 1

        def vote(self, ballot, voters, step):
            sent.append(ballot.nbytes)

        all_gather, all_reduce, sendrecv, broadcast = (lambda self, values, *_: values[None],) * 4

    run(VoteStore(Counting()), CASES["long"], workers=1)
    assert sent == [8 * sum(map(bits.words_for, sizes))] * CASES["long"].steps
    assert sent[0] * 8 <= sum(sizes) + 64 * len(sizes)


@pytest.mark.parametrize("store", STORES)
def test_weights_that_an_inference_has_turned_into_another_layout(store):
    """oneDNN keeps a convolution's weights in an order of its own, in which MXNet takes no numpy array."""
    net = gluon.nn.Conv2D(16, kernel_size=3, in_channels=16)
    net.initialize(mx.init.Xavier())
    net.hybridize()
    expected = net.weight.data().asnumpy()
    net(nd.ones((1, 16, 8, 8))).wait_to_read()
    store().broadcast(0, net.weight.data(), net.weight.list_data())
    np.testing.assert_array_equal(net.weight.data().asnumpy(), expected)


@pytest.mark.parametrize("store", [*STORES, HalfStore, GossipStore])
@pytest.mark.parametrize("inside", [None, False])
def test_an_inference_before_a_step_on_several_devices(store, inside):
    """See above; here the weights, and gradients, of each device are in an order of their own."""
    inside = None if store is GossipStore else inside  # which takes the optimizer
    net = gluon.nn.Conv2D(16, kernel_size=3, in_channels=16)
    net.initialize(mx.init.Xavier(), ctx=devices(2))
    net.hybridize()
    trainer = gluon.Trainer(
        net.collect_params(),
        "sgd",
        {"learning_rate": 0.5},
        kvstore=store(),
        update_on_kvstore=inside,
    )
    for _ in range(2):
        for device in devices(2):
            X = nd.ones((1, 16, 8, 8), device)
            net(X).wait_to_read()
            with autograd.record():
                out = net(X).sum()
            out.backward()
            net(X).wait_to_read()
        before = net.weight.data(mx.cpu(1)).copy()
        net(X).wait_to_read()
        trainer.step(1)
        one, other = (weight.asnumpy() for weight in net.weight.list_data())
        np.testing.assert_array_equal(one, other)
        assert not np.array_equal(other, before.asnumpy())


def test_statistics_that_a_backward_pass_still_moves(monkeypatch):
    """With static_alloc, MXNet's engine does not know that it does, and would let an old value be read."""
    net = gluon.nn.HybridSequential()
    net.add(gluon.nn.Conv2D(16, 3, padding=1, in_channels=3), gluon.nn.BatchNorm(in_channels=16))
    net.add(*(gluon.nn.Conv2D(16, 3, padding=1, in_channels=16) for _ in range(6)))
    net.initialize(mx.init.Xavier())
    net.hybridize(static_alloc=True, static_shape=True)
    X, store, sent = nd.random.normal(2, 3, shape=(16, 3, 32, 32)), VoteStore(), []
    monkeypatch.setattr(store.link, "broadcast", lambda values: sent.append(values.tobytes()))
    nd.waitall()
    with autograd.record():
        out = net(X).sum()
    out.backward()
    mean = net[1].running_mean
    store.broadcast(0, mean.data(), mean.list_data())
    nd.waitall()
    assert sent == [mean.data().asnumpy().tobytes()]
    assert mean.data().asnumpy().any()


@pytest.mark.parametrize("momentum", [0.0, 0.9])
@pytest.mark.parametrize("inside", [True, False], ids=["optimizer in the store", "in the trainer"])
def test_ties_go_on_after_a_resume(tmp_path, momentum, inside):
    """Two devices that contradict each other: each weight moves to and fro, and a resumed run goes on with the turn."""

    def made():
        net = gluon.nn.Dense(5, in_units=3, prefix="net_")
        net.initialize(mx.init.Zero(), ctx=devices(2))
        store = VoteStore(momentum=momentum)
        options = {"learning_rate": 1.0}
        trainer = gluon.Trainer(
            net.collect_params(), "signsgd", options, kvstore=store, update_on_kvstore=None if inside else False
        )
        return net, trainer

    def step(net, trainer):
        for parameter in net.collect_params().values():
            for sign, weight, grad in zip((1, -1), parameter.list_data(), parameter.list_grad()):
                grad[:] = sign
                weight._fresh_grad = True
        trainer.step(1)
        return net.weight.data(mx.cpu(0)).asnumpy().ravel()

    straight, seen = made(), []
    for number in range(5):
        seen.append(step(*straight))
        if number == 2:
            checkpoint.save(tmp_path, *straight, epoch=0, step=1)
    drawn = np.where(np.arange(15) % 2 == 0, -1, 1)
    for number, weights in enumerate(seen):
        np.testing.assert_array_equal(weights, drawn if number % 2 == 0 else np.zeros(15))
    resumed = made()
    checkpoint.load(checkpoint.latest(tmp_path), *resumed)
    for expected in seen[3:]:
        np.testing.assert_array_equal(step(*resumed), expected)


def test_each_parameter_has_its_turn():
    """Heads that are trained in turns: the ties of neither always fall to one side."""
    params, trainer = setting(VoteStore(momentum=0.0), workers=2, learning_rate=1.0)
    before = [p.data().asnumpy() for p in params.values()]
    for step in range(8):
        for place, parameter in enumerate(params.values()):
            for worker, device in enumerate(parameter.list_ctx()):
                parameter.grad(device)[:] = (1, -1)[worker]
                parameter.data(device)._fresh_grad = place % 2 == step % 2
        trainer.step(1, ignore_stale_grad=True)
    for parameter, start in zip(params.values(), before):
        np.testing.assert_allclose(parameter.data().asnumpy(), start, rtol=0, atol=1e-5)
