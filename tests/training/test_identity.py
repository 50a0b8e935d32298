"""What makes two runs of `fit` the same: whatever can be set is set to something else in turn, and has to be named."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any, NamedTuple, final

import mxnet as mx
import numpy as np
import pytest
from mxnet import gluon
from mxnet.contrib.amp.loss_scaler import LossScaler
from mxnet.gluon import nn
from mxnet.kvstore import KVStoreBase

import runs
from gluonbook import checkpoint, optimizers
from gluonbook.gossip import RingStore, RoundsStore
from gluonbook.kvstore import (
    CompressedStore,
    ErrorFeedbackStore,
    Feedback,
    GradientStore,
    Levels,
    MeanStore,
    PowerStore,
    VoteStore,
)
from gluonbook.training import PlainStep, ShuffledBatches, Step, fit, set_seed
from gluonbook.training.description import PLAIN, Description
from gluonbook.training.evaluation import Tally
from gluonbook.training.run import Run

X = np.random.RandomState(0).randn(12, 1, 4, 4).astype("float32")
DATA = gluon.data.ArrayDataset(X, np.arange(12, dtype="int32") % 3)


@final
class Halved(Step):
    """A step that holds another one, and options of many types."""

    def __init__(self, inner: Step) -> None:
        self.inner, self.factor, self.on, self.name, self.bounds = inner, 0.5, True, "halved", [1.0, {"upper": 2}]
        self._hidden = None

    def take(self, trainer, batch):
        return self.inner.take(trainer, batch)


@KVStoreBase.register
@final
class Shrunk(GradientStore):
    """A method of one's own, with options."""

    method = "shrunk"

    def __init__(self, link="local", **options):
        super().__init__(link, **options)
        self.factor, self._hidden = 0.5, 1

    def aggregate(self, gradients, voters):
        return self.factor * gradients.values


def compressed() -> CompressedStore:
    """Whose options have options."""
    return CompressedStore(codec=Levels(3), memory=Feedback(0.5, 0.75), seed=1)


class Program(NamedTuple):
    """All that takes part in a run."""

    net: gluon.Block
    trainer: gluon.Trainer
    loss: Any
    step: Step
    batches: ShuffledBatches

    def identity(self) -> dict[str, Any]:
        return Run(*self, Tally([mx.cpu()]), None).identity().values

    def fit(self, folder: Path, **arguments: Any) -> Any:
        arguments = {"epochs": 1, "batch_size": 4, "seed": 0, "loss": self.loss, "step": self.step, **arguments}
        return fit(self.net, self.trainer, DATA, checkpoints=folder, **arguments)


def program(optimizer="sgd", store=None, **options) -> Program:
    set_seed(1)
    net = nn.HybridSequential()
    net.add(nn.Conv2D(2, 3, padding=1), nn.BatchNorm(), nn.Activation("relu"), nn.Dropout(0.25), nn.Dense(3))
    net.initialize()
    options.setdefault("lr_scheduler", mx.lr_scheduler.FactorScheduler(step=50, factor=0.5, base_lr=0.1))
    trainer = gluon.Trainer(net.collect_params(), optimizer, options, kvstore=store)
    loss = gluon.loss.SoftmaxCrossEntropyLoss()
    return Program(net, trainer, loss, Halved(PlainStep()), ShuffledBatches(12, 4, 0))


def another(value: Any) -> Any:
    if isinstance(value, bool):
        return not value
    if isinstance(value, (int, float)):
        return 3 * value + 1
    return {None: 2.5, "write": "null"}.get(value, f"{value}2")


def settable(thing: Any) -> list[str]:
    return [key for key, value in vars(thing).items() if isinstance(value, PLAIN)]


def things(one: Program) -> dict[str, Any]:
    """Everything of a program that has attributes, by the place where its identity has them."""
    net, trainer, loss, step, _ = one
    layers = {f"net.{i}": layer for i, layer in enumerate(net)}
    store = checkpoint.store_of(trainer)
    return {
        **layers,
        **{f"net.{name}": parameter for name, parameter in net._collect_params_with_prefix().items()},
        "loss": loss,
        "step": step,
        "step.inner": step.inner,
        "optimizer": trainer.optimizer,
        "optimizer.lr_scheduler": trainer.optimizer.lr_scheduler,
        **({"store": store} if store is not None else {}),
    }


# What may be set to something else, and why.
INDIFFERENT = {
    *("_prefix", "_name", "_empty_prefix"),  # a block's name counts blocks
    *("_active", "_monitor_all", "_cached_op", "_callback", "_backend", "_out_format", "_in_format"),  # hybridize
    *("rescale_grad", "num_update"),  # the trainer sets them at each step
    *("sym_info", "allow_np_array"),  # wired in by MXNet
    *("check_every", "steps"),  # what a store compares and counts
}


def cases(one: Program, beginning: str) -> list[tuple[str, str]]:
    """The places of things, and their attributes."""
    found = []
    for place, thing in things(one).items():
        asked = ["lr_mult", "wd_mult", *(["grad_req"] if getattr(thing, "grad_req", "") == "write" else [])]
        keys = asked if isinstance(thing, gluon.Parameter) else set(settable(thing)) - INDIFFERENT
        found += [(place, key) for key in keys if place.startswith(beginning)]
    return found


def wrong(begin, beginning: str) -> dict[str, list[str]]:
    """The attributes that another program sets to something else, where not just these are named."""
    plain, found = begin().identity(), {}
    places = cases(begin(), beginning)
    assert places
    for place, key in places:
        changed = begin()
        thing = things(changed)[place]
        try:
            setattr(thing, key, another(getattr(thing, key)))
        except ValueError as error:  # refused at once
            assert str(error).startswith(key)
            continue
        now = changed.identity()
        names = [name for name in plain.keys() | now.keys() if plain.get(name) != now.get(name)]
        if names != [f"{place}.{key}"]:
            found[f"{place}.{key}"] = names
    return found


OPTIMIZERS = [*(name.lower() for name in optimizers.__all__ if name != "Partition"), "sgd", "adam", "nag", "signum"]


@pytest.mark.parametrize("beginning", ["net", "loss", "step"])
def test_whatever_is_set_to_something_else_is_named(beginning):
    assert wrong(program, beginning) == {}


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_whatever_is_set_in_an_optimizer_is_named(optimizer):
    assert wrong(functools.partial(program, optimizer), "optimizer") == {}


@pytest.mark.parametrize(
    "store", [VoteStore, ErrorFeedbackStore, MeanStore, Shrunk, PowerStore, compressed, RoundsStore, RingStore]
)
def test_whatever_is_set_in_a_store_is_named(store):
    assert wrong(lambda: program("signsgd", store()), "store") == {}


def test_two_programs_that_say_the_same_are_the_same():
    """Though layers are counted on, and hybridized."""
    one, other = program(), program()
    other.net.hybridize()
    other.loss.hybridize()
    assert one.identity() == other.identity()


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    folder = tmp_path_factory.mktemp("saved")
    program().fit(folder)
    return folder


def change(place: str, value: Any):
    def changed(one: Program) -> Program:
        *way, key = place.split(".")
        setattr(functools.reduce(getattr, way, one), key, value)
        return one

    return changed


def scaled(one: Program) -> Program:
    one.trainer._amp_loss_scaler, one.trainer._amp_original_scale = LossScaler(), one.trainer._scale
    return one


REFUSED = {
    r"net\.4\.bias\.lr_mult=0\.1, there 1\.0": lambda one: (setattr(one.net[4].bias, "lr_mult", 0.1), one)[1],
    r"net\.0\.weight\.grad_req=null, there write": lambda one: (setattr(one.net[0].weight, "grad_req", "null"), one)[1],
    r"net\.3\._rate=0\.5, there 0\.25": lambda one: (setattr(one.net[3], "_rate", 0.5), one)[1],
    r"loss\._weight=2\.0, there None": lambda one: one._replace(loss=gluon.loss.SoftmaxCrossEntropyLoss(weight=2.0)),
    r"loss=mxnet\.gluon\.loss\.L2Loss, there mxnet.*SoftmaxCrossEntropyLoss": lambda one: one._replace(
        loss=gluon.loss.L2Loss()
    ),
    r"step\.bounds\.1\.upper=5, there 2": lambda one: (one.step.bounds[1].update(upper=5), one)[1],
    r"step\.inner\.ignore_stale_grad=True, there False": lambda one: one._replace(step=Halved(PlainStep(True))),
    r"step=.*PlainStep, there .*Halved": lambda one: one._replace(step=PlainStep()),
    r"optimizer\.wd=0\.5, there 0\.0": change("trainer.optimizer.wd", 0.5),
    r"optimizer\.lr_scheduler\.step=60, there 50": change("trainer.optimizer.lr_scheduler.step", 60),
    r"trainer\.rescale_grad=0\.5, there 1\.0": change("trainer._scale", 0.5),
    r"amp\.loss_scaler=.*LossScaler, there None": scaled,
    r"store=.*VoteStore, there a sum over devices": lambda one: program(store=VoteStore())._replace(loss=one.loss),
}


@pytest.mark.parametrize("message", REFUSED)
def test_fit_refuses_it_and_nothing_has_changed(saved, message):
    before = {path: path.read_bytes() for path in saved.rglob("*") if path.is_file()}
    other = REFUSED[message](program())
    with pytest.raises(ValueError, match=rf"belongs to another run \(.*{message}.*\): choose another folder"):
        other.fit(saved, epochs=2)
    assert {path: path.read_bytes() for path in saved.rglob("*") if path.is_file()} == before
    assert other.net[4].weight._data is None, "nothing was loaded"
    assert other.trainer.optimizer.num_update == 0


W = 2.0


def captured(weight):
    return lambda out, y: weight * out


def with_default(out, y, weight=2.0):
    return weight * out


def with_global(out, y):
    return W * out


class Own:
    def __init__(self, weight):
        self.weight = weight

    def __call__(self, out, y):
        return self.weight * out

    def method(self, out, y):
        return self.weight * out


class Mixed(gluon.loss.Loss):
    def __init__(self, *losses):
        super().__init__(None, 0)
        self.losses = losses
        self.first = losses[0]


def constant(value):
    loss = gluon.loss.L2Loss()
    with loss.name_scope():
        loss.weights = loss.params.get_constant("weights", np.array([1.0, value]))
    return loss


LOSSES = {
    "class": lambda w: gluon.loss.L2Loss() if w == 1 else gluon.loss.L1Loss(),
    "attribute": lambda w: gluon.loss.L2Loss(weight=w),
    "nested": lambda w: Mixed(gluon.loss.L2Loss(), gluon.loss.HuberLoss(rho=w)),
    "child": lambda w: Mixed(gluon.loss.HuberLoss(rho=w)),
    "constant of a block": constant,
    "captured": captured,
    "captured twice": lambda w: captured(captured(w)),
    "function": lambda w: with_default if w == 1 else with_global,
    "literal": lambda w: (lambda out, y: 1.5 * out) if w == 1 else (lambda out, y: 2.5 * out),
    "default": lambda w: lambda out, y, weight=w: weight * out,
    "keyword": lambda w: lambda out, y, *, weight=w: weight * out,
    "partial": lambda w: functools.partial(with_default, weight=w),
    "callable": Own,
    "method": lambda w: Own(w).method,
    "numpy scalar": lambda w: Own(np.float32(w)),
    "array": lambda w: Own(np.array([1.0, w])),
    "array of MXNet": lambda w: Own(mx.nd.array([1.0, w])),
    "array of objects": lambda w: Own(np.array([None, w], dtype=object)),
    "tuple": lambda w: Own((1, (2, w))),
    "dict": lambda w: Own({"a": {3: w}}),
    "set": lambda w: Own({1.5, w}),
    "type": lambda w: Own(np.float32 if w == 1 else np.float64),
}


@pytest.mark.parametrize("kind", LOSSES)
def test_losses_that_differ_in_a_part_are_told_apart_and_others_are_not(kind):
    first, again, other = (Description({"loss": LOSSES[kind](w)}).values for w in (1, 1, 3))
    assert first == again
    assert first != other


def test_a_global_that_a_loss_reads_is_part_of_it(monkeypatch):
    before = Description({"loss": with_global}).values
    monkeypatch.setitem(globals(), "W", 5.0)
    after = Description({"loss": with_global}).values
    assert {place for place in before if before[place] != after[place]} == {"loss.W"}


def test_what_holds_itself_or_belongs_to_other_libraries_ends():
    import logging

    one = Own(1)
    one.itself, one.logger, one.lock, one.random = one, logging.getLogger(), __import__("threading").Lock(), np.random
    values = Description({"loss": one, "list": [one]}).values
    assert values["loss.weight"] == values["list.0.weight"] == 1
    assert values["loss.logger"] == "logging.RootLogger"
    assert len(values) < 20


@pytest.mark.parametrize("change_at", ["loss._weight", "step.factor", "net.3._rate", "net.4.weight.lr_mult"])
def test_what_was_changed_in_training_is_restored(tmp_path, change_at):
    """By `on_epoch`, which does not run again for the epochs that were done."""

    def run(folder, epochs, left):
        one = program(learning_rate=0.1, lr_scheduler=None)
        runs.break_after(one.trainer, 3 * left)  # three steps an epoch, and no more of them
        place, _, key = change_at.rpartition(".")
        thing = things(one)[place]
        if getattr(thing, key) is None:
            setattr(thing, key, 1.0)

        def on_epoch(history):
            setattr(thing, key, getattr(thing, key) * 0.5)

        one.fit(folder, epochs=epochs, on_epoch=on_epoch)
        return runs.fingerprint(one.net), getattr(thing, key)

    whole = run(tmp_path / "whole", 3, left=3)
    run(tmp_path / "parts", 2, left=2)
    assert run(tmp_path / "parts", 3, left=1) == whole


def test_a_new_program_that_sets_what_training_has_changed_is_another_run(tmp_path):
    one = program(learning_rate=0.1, lr_scheduler=None)
    one.fit(tmp_path, on_epoch=lambda history: one.trainer.set_learning_rate(0.05))
    with pytest.raises(ValueError, match=r"optimizer\.lr=0\.2, there 0\.1"):
        program(learning_rate=0.2, lr_scheduler=None).fit(tmp_path, epochs=2)
    program(learning_rate=0.1, lr_scheduler=None).fit(tmp_path, epochs=2)


# What may be another when a run goes on, and why.
MAY_CHANGE = {
    "every": 1,  # how often it is saved
    "epochs": 3,  # how far it goes
    "test": DATA,  # testing trains nothing
    "on_epoch": print,  # what it changes is restored, what it reads is the caller's
    "num_workers": 1,  # batches do not depend on it
}


@pytest.mark.parametrize("argument", MAY_CHANGE)
def test_what_does_not_change_the_training_may_be_another(tmp_path, argument):
    whole, resumed = program(), program()
    whole.fit(tmp_path / "whole", epochs=3)
    program().fit(tmp_path / "parts")
    resumed.fit(tmp_path / "parts", **{"epochs": 3, argument: MAY_CHANGE[argument]})
    assert runs.fingerprint(resumed.net) == runs.fingerprint(whole.net)


@final
class Remembering(gluon.loss.Loss):
    """A loss with a memory of its own."""

    def __init__(self):
        super().__init__(None, 0)
        self.states = {"seen": 0}

    def forward(self, out, y):
        self.states["seen"] += 1
        return (out * self.states["seen"]).mean(axis=1)


def test_the_memory_of_whatever_takes_part_is_kept(tmp_path):
    def run(folder, epochs, left):
        one = program()._replace(loss=Remembering())
        runs.break_after(one.trainer, 3 * left)
        one.fit(folder, epochs=epochs)
        return runs.fingerprint(one.net), one.loss.states

    whole = run(tmp_path / "whole", 3, left=3)
    run(tmp_path / "parts", 1, left=1)
    assert run(tmp_path / "parts", 3, left=2)[0] == whole[0]


@pytest.mark.parametrize("where", ["optimizer", "step"])
def test_what_cannot_be_kept_is_refused_before_the_first_step(tmp_path, where):
    one = program()
    if where == "optimizer":
        one.trainer.optimizer.secret = object()
    else:
        one.step.states = {"secret": {1.5: object()}}
    with pytest.raises(TypeError, match=r"secret is a .*, which a checkpoint cannot hold exactly"):
        one.fit(tmp_path / "run")
    assert one.trainer.optimizer.num_update == 0
    assert not (tmp_path / "run").exists()
