"""A step of one's own in some ten lines: what each must equal, and that it goes on exactly."""

from __future__ import annotations

from typing import final

import mxnet as mx
import numpy as np
import pytest
from mxnet import autograd, gluon
from mxnet.contrib import amp
from mxnet.contrib.amp.loss_scaler import LossScaler

import runs
from gluonbook import checkpoint
from gluonbook.models import mlp
from gluonbook.training import Batch, PlainStep, ShuffledBatches, Step, fit

pytestmark = pytest.mark.slow

DATA = runs.digits(96)
RUN = {"epochs": 2, "batch_size": 32, "seed": 1}


@final
class Accumulated(Step):
    """The gradient of a batch, summed over `count` pieces of it, which need a fraction of the memory."""

    def __init__(self, count):
        self.count = count

    def take(self, trainer, batch):
        parameters = trainer.optimizer.param_dict.values()
        for parameter in parameters:
            parameter.grad_req = "add"
            parameter.zero_grad()
        outcomes = [outcome for piece in batch.pieces(self.count) for outcome in piece.backward()]
        trainer.step(len(batch))
        return outcomes


@final
class Clipped(Step):
    """The mean gradient of a batch, over all parameters no longer than `bound`."""

    def __init__(self, bound):
        self.bound = bound

    def take(self, trainer, batch):
        outcomes = batch.backward()
        trainer.allreduce_grads()
        for device in batch.ctx:
            parameters = trainer.optimizer.param_dict.values()
            grads = [parameter.grad(device) for parameter in parameters if parameter.grad_req != "null"]
            gluon.utils.clip_global_norm(grads, self.bound * len(batch), check_isfinite=False)
        trainer.update(len(batch))
        return outcomes


@final
class Averaged(Step):
    """Another step, and an exponential average of the weights that it leaves."""

    def __init__(self, decay, inner):
        self.decay, self.inner = decay, inner
        self.states = {}

    def take(self, trainer, batch):
        outcomes = self.inner.take(trainer, batch)
        for place, parameter in trainer.optimizer.param_dict.items():
            weight = parameter.data(batch.ctx[0])
            mean = self.states.setdefault(place, weight.copy())
            mean[:] = self.decay * mean + (1 - self.decay) * weight
        return outcomes


@final
class Scaled(Step):
    """Losses scaled up, so that no gradient is too small for its type; what overflows is skipped."""

    def take(self, trainer, batch):
        with autograd.record():
            outcomes = batch.forward()
            with amp.scale_loss([outcome.loss for outcome in outcomes], trainer) as losses:
                autograd.backward(losses)
        trainer.step(len(batch))
        return outcomes


@final
class SharpnessAware(Step):
    """SAM: the gradient at w + rho·g/‖g‖ (Foret and others 2020, arXiv:2010.01412), on one device."""

    def __init__(self, rho):
        self.rho = rho

    def take(self, trainer, batch):
        batch.backward()
        parameters = trainer.optimizer.param_dict.values()
        start = [parameter.data().copy() for parameter in parameters]
        norm = mx.nd.add_n(*[parameter.grad().square().sum() for parameter in parameters]).sqrt()
        for parameter in parameters:
            parameter.set_data(parameter.data() + self.rho / norm * parameter.grad())
        outcomes = batch.backward()
        for parameter, weight in zip(parameters, start):
            parameter.set_data(weight)
        trainer.step(len(batch))
        return outcomes


def start(devices=1, left=None, **options):
    """A net and a trainer, which takes no more than the `left` steps: a run that goes on does not begin anew."""
    options = {"learning_rate": 0.1, "momentum": 0.9, **options}
    store = {"kvstore": "local", "update_on_kvstore": False}
    net, trainer = runs.start(net=mlp(hidden=(8,)), ctx=[mx.cpu(i) for i in range(devices)], kvstore=store, **options)
    if left is not None:
        runs.break_after(trainer, left)
    return net, trainer


def trained(step, devices=1, **changes):
    """The weights of each device after a run, and its history."""
    net, trainer = start(devices, **changes.pop("options", {}))
    history = fit(net, trainer, DATA, step=step, **{**RUN, **changes})
    return [p.data(c).asnumpy() for p in net.collect_params().values() for c in trainer._contexts], history


def close(one, other, atol):
    for a, b in zip(one[0], other[0]):
        np.testing.assert_allclose(a, b, rtol=0, atol=atol)
    for column in ("steps", "train_loss", "train_accuracy"):
        np.testing.assert_allclose(one[1][column], other[1][column], rtol=1e-5)


def equal(one, other):
    for a, b in zip(one[0], other[0]):
        np.testing.assert_array_equal(a, b)
    assert one[1] == other[1]


@pytest.mark.parametrize("devices", [1, 3])
@pytest.mark.parametrize("batch_size", [32, 31, 2])
def test_accumulation_equals_the_big_batch(devices, batch_size):
    whole = trained(None, devices, batch_size=batch_size)
    for count in (1, 4, 7):
        close(trained(Accumulated(count), devices, batch_size=batch_size), whole, 1e-5)


@final
class Spread(Step):
    """One update for each `count` batches, whose gradients add up from call to call."""

    def __init__(self, count):
        self.count, self.states = count, {"waiting": 0}

    def take(self, trainer, batch):
        outcomes = batch.backward()
        self.states["waiting"] += 1
        if self.states["waiting"] == self.count:
            trainer.step(self.count * len(batch))
            self.states["waiting"] = 0
            for parameter in trainer.optimizer.param_dict.values():
                parameter.zero_grad()
        return outcomes


def added(folder, step, left=None, **more):
    net, trainer = start(2, left)
    net.collect_params().setattr("grad_req", "add")
    history = fit(net, trainer, DATA, step=step, checkpoints=folder, **{**RUN, **more})
    return [p.data(c).asnumpy() for p in net.collect_params().values() for c in trainer._contexts], history


def test_gradients_that_add_up_are_those_of_one_batch_in_a_plain_step(tmp_path):
    expected = trained(None, 2)
    equal(added(tmp_path / "whole", PlainStep()), expected)
    added(tmp_path / "parts", PlainStep(), left=3, epochs=1)
    equal(added(tmp_path / "parts", PlainStep(), left=3), expected)


def test_gradients_that_add_up_over_batches_go_on_exactly(tmp_path):
    expected = added(tmp_path / "whole", Spread(4))  # of three batches an epoch
    added(tmp_path / "parts", Spread(4), epochs=1)
    before = runs.times(tmp_path / "parts")
    equal(added(tmp_path / "parts", Spread(4)), expected)
    assert runs.times(tmp_path / "parts")[:1] == before


def test_pieces_hold_each_sample_once():
    X, y = mx.nd.arange(22).reshape((11, 2)), mx.nd.arange(11)
    batch = Batch.spread(mlp(), None, [mx.cpu(0), mx.cpu(1)], X, y)
    assert (len(batch), [len(part) for part, _ in batch.parts]) == (11, [6, 5])
    for count in (1, 2, 3, 6, 20):
        pieces = batch.pieces(count)
        assert [len(piece) for piece in pieces if not len(piece)] == []
        assert len(pieces) <= count
        assert sorted(label for piece in pieces for _, part in piece.parts for label in part.asnumpy()) == [*range(11)]
        sizes = [len(part) for piece in pieces for part, _ in piece.parts]
        assert max(sizes) - min(sizes) <= 1
    with pytest.raises(ValueError, match="count must be a whole number from 1, got 0"):
        batch.pieces(0)


@pytest.mark.parametrize("devices", [1, 2])
def test_clipping_equals_gluons_by_hand(devices):
    found = trained(Clipped(0.5), devices)
    net, trainer = start(1)
    norms, loss = [], gluon.loss.SoftmaxCrossEntropyLoss()

    def by_hand(batch):
        (X, y) = DATA[batch]
        with autograd.record():
            error = loss(net(mx.nd.array(X)), mx.nd.array(y)).mean()
        error.backward()
        grads = [parameter.grad() for parameter in net.collect_params().values()]
        norms.append(gluon.utils.clip_global_norm(grads, 0.5))
        trainer.step(1)

    for epoch in range(2):
        for batch in ShuffledBatches(96, 32, seed=1, epoch=epoch):
            by_hand(batch)
    assert min(norms) < 0.5 < max(norms)
    for place, parameter in enumerate(net.collect_params().values()):
        for copy in found[0][place * devices : (place + 1) * devices]:
            np.testing.assert_allclose(copy, parameter.data().asnumpy(), rtol=0, atol=2e-6)


def test_the_average_is_the_formula_and_the_run_is_not_changed():
    step, seen = Averaged(0.9, PlainStep()), []

    class Watched(gluon.Trainer):
        def step(self, batch_size, ignore_stale_grad=False):
            super().step(batch_size, ignore_stale_grad)
            seen.append([p.data().asnumpy().astype(float) for p in self._params])

    net, _ = start()
    trainer = Watched(net.collect_params(), "sgd", {"learning_rate": 0.1, "momentum": 0.9})
    fit(net, trainer, DATA, step=step, **RUN)
    means = seen[0]
    for weights in seen[1:]:
        means = [0.9 * mean + 0.1 * weight for mean, weight in zip(means, weights)]
    for place, mean in enumerate(means):
        np.testing.assert_allclose(step.states[place].asnumpy(), mean, rtol=0, atol=1e-6)
    equal(trained(Averaged(0.9, PlainStep())), trained(None))


class Cut(Exception):
    pass


def cut(history):
    if len(history) == 1:
        raise Cut


def averaged_run(folder, step, devices, left=None, **more):
    net, trainer = start(devices, left)
    fit(net, trainer, DATA, step=step, checkpoints=folder, every=2, **RUN, **more)
    return {place: mean.asnumpy() for place, mean in step.states.items()}, runs.fingerprint(net)


@pytest.mark.parametrize("devices", [1, 2])
def test_what_a_step_remembers_is_restored_exactly_within_an_epoch_too(tmp_path, devices):
    expected, weights = averaged_run(tmp_path / "whole", Averaged(0.9, Clipped(0.5)), devices)
    with pytest.raises(Cut):
        averaged_run(tmp_path / "cut", Averaged(0.9, Clipped(0.5)), devices, on_epoch=cut)
    assert checkpoint.peek(checkpoint.latest(tmp_path / "cut")).step == 2
    found, again = averaged_run(tmp_path / "cut", Averaged(0.9, Clipped(0.5)), devices, left=4)
    assert again == weights
    assert found.keys() == expected.keys()
    for place, mean in found.items():
        np.testing.assert_array_equal(mean, expected[place])


def test_a_step_within_a_step_remembers_too(tmp_path):
    def run(folder, **more):
        step = Averaged(0.5, Averaged(0.9, PlainStep()))
        averaged_run(folder, step, 1, **more)
        return [mean.asnumpy() for one in (step, step.inner) for mean in one.states.values()]

    expected = run(tmp_path / "whole")
    with pytest.raises(Cut):
        run(tmp_path / "cut", on_epoch=cut)
    for one, other in zip(run(tmp_path / "cut"), expected):
        np.testing.assert_array_equal(one, other)
    assert len(expected) == 8


@pytest.mark.parametrize(
    ("step", "message"),
    [
        (None, r"step=gluonbook\.training\.step\.PlainStep, there .*Averaged"),
        (Averaged(0.99, Clipped(0.5)), r"step\.decay=0\.99, there 0\.9"),
        (Averaged(0.9, Clipped(0.25)), r"step\.inner\.bound=0\.25, there 0\.5"),
        (
            Averaged(0.9, PlainStep()),
            r"step\.inner=.*PlainStep, there .*Clipped; .*step\.inner\.bound=None, there 0\.5",
        ),
    ],
)
def test_another_step_is_another_run(tmp_path, step, message):
    averaged_run(tmp_path, Averaged(0.9, Clipped(0.5)), 1)
    net, trainer = start()
    with pytest.raises(ValueError, match=message):
        fit(net, trainer, DATA, step=step, checkpoints=tmp_path, **RUN)


def test_states_without_a_place_are_not_lost_silently(tmp_path):
    net, trainer = start()
    step = Averaged(0.9, PlainStep())
    fit(net, trainer, DATA, step=step, **RUN)
    path = checkpoint.save(tmp_path, net, trainer, step=6, epoch=2, memory={"mean": step})
    with pytest.raises(ValueError, match="the checkpoint has states of a mean: pass one"):
        checkpoint.load(path, net, trainer)
    again = Averaged(0.9, PlainStep())
    checkpoint.load(path, net, trainer, memory={"mean": again})
    for place, mean in step.states.items():
        np.testing.assert_array_equal(again.states[place].asnumpy(), mean.asnumpy())


def scaling(trainer, scale=2.0**16):
    """As `amp.init_trainer` does, without `amp.init`, which would patch all of MXNet for the rest of this process."""
    trainer._amp_loss_scaler, trainer._amp_original_scale = LossScaler(), trainer._scale
    trainer._amp_loss_scaler._loss_scale = trainer._amp_loss_scaler._next_loss_scale = scale


def scaled_run(scale, data=DATA, lr=0.1, left=None, **more):
    net, trainer = start(left=left, learning_rate=lr)
    scaling(trainer, scale)
    history = fit(net, trainer, data, step=Scaled(), **RUN, **more)
    return ([p.data().asnumpy() for p in net.collect_params().values()], history), trainer


def test_a_scaled_loss_is_the_same_run():
    equal(scaled_run(2.0**16)[0], trained(None))


def test_an_overflow_is_skipped_and_a_scaled_run_goes_on_exactly(tmp_path):
    X, y = DATA[:]
    steep = {"scale": 2.0**115, "data": gluon.data.ArrayDataset(4096 * X, y), "lr": 1e-6}
    whole, trainer = scaled_run(**steep)
    assert trainer._amp_loss_scaler.loss_scale < 2.0**115
    assert 0 < trainer.optimizer.num_update < 6
    with pytest.raises(Cut):
        scaled_run(**steep, checkpoints=tmp_path, every=2, on_epoch=cut)
    resumed, trainer_again = scaled_run(**steep, checkpoints=tmp_path, every=2, left=4)
    equal(resumed, whole)
    assert vars(trainer_again._amp_loss_scaler) == vars(trainer._amp_loss_scaler)


def test_sam_against_numpy():
    """Least squares with a linear model, where both gradients can be written down."""
    luck = np.random.RandomState(0)
    X, y, w = luck.randn(8, 3), luck.randn(8, 1), luck.randn(1, 3)
    net, trainer = runs.start(net=gluon.nn.Dense(1, in_units=3, use_bias=False), dtype="float64", learning_rate=0.125)
    net.weight.set_data(mx.nd.array(w, dtype="float64"))
    fit(net, trainer, gluon.data.ArrayDataset(X, y), epochs=3, batch_size=8, loss=gluon.loss.L2Loss(),
        shuffle=False, step=SharpnessAware(0.05))  # fmt: skip

    def grad(w):
        return ((X @ w.T - y) * X).sum(axis=0, keepdims=True)

    for _ in range(3):
        w = w - 0.125 / 8 * grad(w + 0.05 * grad(w) / np.linalg.norm(grad(w)))
    np.testing.assert_allclose(net.weight.data().asnumpy(), w, rtol=0, atol=1e-12)


def test_a_step_is_abstract_in_take_alone():
    with pytest.raises(TypeError, match=r"abstract method '?take'?"):
        Step()
    assert Step.__abstractmethods__ == {"take"}


def test_what_a_step_gives_must_be_one_value_a_sample():
    @final
    class Wrong(Step):
        def take(self, trainer, batch):
            return [outcome._replace(loss=outcome.loss.mean()) for outcome in batch.backward()]

    with pytest.raises(ValueError, match=r"loss must give one value a sample, shape \(32,\), got \(1,\)"):
        trained(Wrong())
