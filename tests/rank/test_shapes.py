"""Which optimizers the servers of MXNet may run: those that may be flattened and cut, found by doing so."""

from __future__ import annotations

import mxnet as mx
import numpy as np
import pytest
from mxnet import gluon, nd
from mxnet.optimizer import Optimizer

import gluonbook.optimizers
from gluonbook.kvstore import MeanStore
from gluonbook.kvstore.referee import Referee
from gluonbook.optimizers import Lion, Partition, PlainSGD, Shampoo
from gluonbook.optimizers.rule import OneByOne, Rule
from gluonbook.optimizers.whole_step import WholeStep
from gluonbook.rank import pickles, shapes

OURS = {name.lower(): getattr(gluonbook.optimizers, name) for name in gluonbook.optimizers.__all__}
MXNETS = {name: kind for name, kind in Optimizer.opt_registry.items() if kind.__module__.startswith("mxnet")}
ALL = {name: kind for name, kind in {**OURS, **MXNETS}.items() if name not in ("partition", "sgld")}  # sgld draws
OPTIONS = [{}, {"wd": 0.1, "clip_gradient": 0.5}, {"momentum": 0.9}, {"centered": True}, {"warmup_strategy": "lars"}]
luck = np.random.RandomState(0)
SHAPES = [(6, 8), (7,)]
WEIGHTS = [luck.randn(*shape) for shape in SHAPES]
GRADS = [[luck.randn(*shape) for shape in SHAPES] for _ in range(4)]


def takes(kind, options) -> bool:
    try:
        kind(**options)
    except TypeError:
        return False
    return True


BROKEN = [("dcasgd", {"momentum": 0.9})]  # raises in MXNet itself
CASES = [(name, options) for name, kind in ALL.items() for options in OPTIONS if takes(kind, options)]
CASES = [case for case in CASES if case not in BROKEN]


def trained(optimizers, pieces):
    """The elements of all parameters, where each of these optimizers has a piece of each, as a server would."""
    found = []
    for optimizer, piece in zip(optimizers, pieces):
        updater = mx.optimizer.get_updater(optimizer)
        own = [nd.array(piece(weight)) for weight in WEIGHTS]
        for grads in GRADS:
            for place, (weight, grad) in enumerate(zip(own, grads)):
                if weight.size:
                    updater(place, nd.array(piece(grad)), weight)
        found += [weight.asnumpy().ravel() for weight in own]
    return found


def on_servers_as_in_one_process(make) -> bool:
    whole = np.concatenate(trained([make()], [lambda array: array]))
    flat = np.concatenate(trained([make()], [np.ravel]))
    # Two servers: a slice of the matrix each, and the vector, which is short, on the first.
    cuts = [lambda a: a.ravel()[: 21 if a.ndim > 1 else None], lambda a: a.ravel()[21:]]
    (matrix, vector), (rest, _) = (trained([make()], [cut]) for cut in cuts)
    split = np.concatenate([matrix, rest, vector])
    return all(np.allclose(whole, one, rtol=0, atol=1e-6) for one in (flat, split))


@pytest.mark.parametrize(("name", "options"), CASES, ids=lambda value: str(value))
def test_those_that_may_be_cut_are_sent_and_no_others(name, options):
    kind = ALL[name]

    def make():
        return kind(learning_rate=0.1, **options)

    takes_matrices_only = name == "groupadagrad"
    if not takes_matrices_only and on_servers_as_in_one_process(make):
        pickles.refuse_unsendable(make())
    else:
        with pytest.raises(shapes.Shaped, match=f"{kind.__name__} is not elementwise"):
            pickles.refuse_unsendable(make())


def test_a_partition_is_as_its_parts():
    pickles.refuse_unsendable(Partition({"a": Lion(), "b": PlainSGD()}, str))
    with pytest.raises(shapes.Shaped, match="Shampoo is not elementwise"):
        pickles.refuse_unsendable(Partition({"a": Lion(), "b": Shampoo()}, str))
    with pytest.raises(shapes.Shaped, match="LAMB is not elementwise"):
        pickles.refuse_unsendable(Partition({"a": Lion(), "b": mx.optimizer.create("lamb")}, str))


@pytest.mark.parametrize("kind", [WholeStep, OneByOne, Rule])
def test_one_that_does_not_say_is_refused(kind):
    """Each frame's: a step may look at anything."""
    steps = {"steps": print, "step": print, "delta": print}
    own = {name: steps[name] for name in kind.__abstractmethods__}
    with pytest.raises(shapes.Shaped, match="set elementwise = True in its class if it is"):
        shapes.refuse_shaped(type("Own", (kind,), own)())
    shapes.refuse_shaped(type("Own", (kind,), {**own, "elementwise": True})())


def test_what_is_derived_from_one_of_mxnets_is_refused_with_it():
    with pytest.raises(shapes.Shaped, match="Own is not elementwise"):
        shapes.refuse_shaped(type("Own", (type(mx.optimizer.create("lars")),), {})())
    shapes.refuse_shaped(type("Own", (Optimizer,), {})())
    shapes.refuse_shaped(Referee(2))


@pytest.mark.parametrize("name", [name for name, kind in OURS.items() if not getattr(kind, "elementwise", True)])
def test_the_store_that_is_recommended_does_what_one_process_does(name):
    found = []
    for store in (MeanStore(), None):
        parameters = [gluon.Parameter(str(place), shape=shape) for place, shape in enumerate(SHAPES)]
        for parameter, weight in zip(parameters, WEIGHTS):
            parameter.initialize()
            parameter.set_data(nd.array(weight))
        trainer = gluon.Trainer(parameters, name, {"learning_rate": 0.1}, kvstore=store)
        for grads in GRADS:
            for parameter, grad in zip(parameters, grads):
                parameter.grad()[:] = nd.array(grad)
                parameter.data()._fresh_grad = True
            trainer.step(2)
        found.append(np.concatenate([parameter.data().asnumpy().ravel() for parameter in parameters]))
    np.testing.assert_array_equal(*found)
