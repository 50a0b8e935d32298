"""Trainers that `amp.init_trainer` has prepared: `fit` does what MXNet's own loop does, or refuses the store."""

from __future__ import annotations

from pathlib import Path

import mxnet as mx
import numpy as np
import pytest
from mxnet import autograd, gluon
from mxnet.contrib import amp
from mxnet.gluon.data import ArrayDataset

import runs
from gluonbook import checkpoint, launch
from gluonbook.kvstore import ErrorFeedbackStore, MeanStore, VoteStore
from gluonbook.models import mlp
from gluonbook.training import ShuffledBatches, evaluate, fit, predict

X, Y = runs.digits(60)[:]
DATA = ArrayDataset(4096 * X, Y)  # steep
RUN = {"epochs": 2, "batch_size": 15, "seed": 1}  # eight steps
ORDINARY, TOO_MUCH = 2.0**16, 2.0**116  # with the second some gradients overflow in float32, which ends at 2**128
entropy = gluon.loss.SoftmaxCrossEntropyLoss()


@pytest.fixture(autouse=True)
def prepared(monkeypatch):
    """As after `amp.init`, which would patch all of MXNet for the rest of this process."""
    monkeypatch.setattr(amp.amp, "_amp_initialized", True)
    monkeypatch.setattr(amp.amp, "_amp_loss_scale_initialized", True)


def start(scale, devices=1, optimizer="sgd", **options):
    ctx = [mx.cpu(i) for i in range(devices)]
    kvstore = {"kvstore": "device", "update_on_kvstore": False, **options}
    momentum = {"momentum": 0.9} if optimizer == "sgd" else {}
    net, trainer = runs.start(optimizer, net=mlp(hidden=(8,)), ctx=ctx, kvstore=kvstore, learning_rate=1e-6, **momentum)
    net(mx.nd.zeros((1, 64), ctx=ctx[0]))
    if scale:
        amp.init_trainer(trainer)
        trainer._amp_loss_scaler._loss_scale = trainer._amp_loss_scaler._next_loss_scale = scale
    return net, trainer


def by_hand(net, trainer):
    """MXNet's loop, as its tutorial on AMP has it."""
    images, labels = DATA[:]
    for epoch in range(RUN["epochs"]):
        for indices in ShuffledBatches(len(DATA), RUN["batch_size"], seed=RUN["seed"], epoch=epoch):
            parts = [
                gluon.utils.split_and_load(a[indices], trainer._contexts, even_split=False) for a in (images, labels)
            ]
            with autograd.record():
                losses = [entropy(net(x), label) for x, label in zip(*parts)]
                with amp.scale_loss(losses, trainer) as scaled:
                    autograd.backward(scaled)
            trainer.step(len(indices))


def weights(net):
    return [copy.asnumpy() for parameter in net.collect_params().values() for copy in parameter.list_data()]


def state(trainer):
    return {**vars(trainer._amp_loss_scaler), "updates": trainer.optimizer.num_update}


@pytest.mark.parametrize("devices", [1, 2])
@pytest.mark.parametrize("scale", [ORDINARY, TOO_MUCH])
def test_fit_is_mxnets_own_loop(devices, scale):
    expected, there = start(scale, devices)
    by_hand(expected, there)
    net, trainer = start(scale, devices)
    fit(net, trainer, DATA, **RUN)
    for one, other in zip(weights(net), weights(expected)):
        np.testing.assert_array_equal(one, other)
    assert state(trainer) == state(there)
    assert (trainer.optimizer.num_update == 8) == (scale == ORDINARY)
    assert trainer.optimizer.num_update > 0


STORES = {"mean": (MeanStore, "sgd"), "vote": (VoteStore, "signsgd"), "error feedback": (ErrorFeedbackStore, "sgd")}


@pytest.mark.parametrize("devices", [1, 2])
@pytest.mark.parametrize("name", STORES)
def test_a_scale_changes_nothing_but_the_gradients(name, devices):
    """Nor does another one in mid-run, though a store remembers what it has seen under the first."""
    store, optimizer = STORES[name]
    trained = []
    for scale in (None, ORDINARY):
        net, trainer = start(scale, devices, optimizer, kvstore=store())

        def halve(_, trainer=trainer):
            trainer._amp_loss_scaler._next_loss_scale /= 2

        fit(net, trainer, DATA, **RUN, on_epoch=halve if scale else None)
        trained.append(weights(net))
    for one, other in zip(*trained):
        np.testing.assert_allclose(one, other, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("name", ["mean", "vote"])  # an error feedback sums up what is almost too much
def test_our_stores_skip_what_mxnets_skip(name):
    store, optimizer = STORES[name]
    there = start(TOO_MUCH, 2)
    by_hand(*there)
    net, trainer = start(TOO_MUCH, 2, optimizer, kvstore=store())
    fit(net, trainer, DATA, **RUN)
    assert state(trainer) == state(there[1])
    if name == "mean":
        for one, other in zip(weights(net), weights(there[0])):
            np.testing.assert_allclose(one, other, rtol=1e-6)


@pytest.mark.parametrize("name", STORES)
def test_an_overflow_on_one_device_is_everybodys(name):
    store, optimizer = STORES[name]
    images = X.copy()
    images[50] *= 1e30  # in a batch of 60, on the second device
    net, trainer = start(2.0**40, 2, optimizer, kvstore=store())
    before = weights(net)
    fit(net, trainer, ArrayDataset(images, Y), epochs=1, batch_size=60, shuffle=False)
    assert trainer._amp_loss_scaler._next_loss_scale == 2.0**39
    assert trainer._kvstore.steps == trainer.optimizer.num_update == 0
    for one, other in zip(weights(net), before):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("store", ["device", MeanStore, VoteStore])
def test_a_store_that_runs_the_optimizer_is_refused(tmp_path, store):
    kvstore = store if isinstance(store, str) else store()
    net, trainer = start(
        ORDINARY, 2, "signsgd" if store is VoteStore else "sgd", kvstore=kvstore, update_on_kvstore=None
    )
    before = weights(net)
    with pytest.raises(ValueError, match=r"amp\.init_trainer.*could not be skipped.*update_on_kvstore=False"):
        fit(net, trainer, DATA, checkpoints=tmp_path / "run", **RUN)
    for one, other in zip(weights(net), before):
        np.testing.assert_array_equal(one, other)
    assert not any((tmp_path / "run").iterdir())
    assert trainer.optimizer.num_update == 0


def test_scores_and_predictions_know_no_scale():
    answers = []
    for scale in (None, ORDINARY):
        net, _ = start(scale)
        answers.append((evaluate(net, DATA), predict(net, DATA).tolist()))
    assert answers[0] == answers[1]


def test_a_scaled_run_goes_on_exactly(tmp_path):
    net, trainer = start(TOO_MUCH)
    fit(net, trainer, DATA, **RUN)
    resumed, again = start(TOO_MUCH)
    runs.break_after(again, 4)
    with pytest.raises(runs.Interrupted):
        fit(resumed, again, DATA, checkpoints=tmp_path, every=3, **RUN)
    assert checkpoint.peek(checkpoint.latest(tmp_path)).step == 3
    resumed, again = start(TOO_MUCH)
    runs.break_after(again, 5)  # of eight: it does not begin anew
    fit(resumed, again, DATA, checkpoints=tmp_path, every=3, **RUN)
    assert (runs.fingerprint(resumed), state(again)) == (runs.fingerprint(net), state(trainer))


SCRIPT = Path(__file__).with_name("scaled_rank.py")


@pytest.mark.slow
def test_an_overflow_on_one_rank_is_everybodys(tmp_path):
    launch.run([SCRIPT, tmp_path], workers=2, engine="mpi", quiet=True)
    first, second = ((tmp_path / f"{rank}").read_text(encoding="utf-8") for rank in range(2))
    assert first == second
    assert first.startswith(f"8 steps, 7 updates, scale {2.0**39} ")
