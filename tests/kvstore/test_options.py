"""No option is without effect: changing one changes the outcome of a training, or is refused by a sentence.

All options of all optimizers, as their signatures have them, with every store and whoever runs the optimizer; given at
the start, or set as an attribute later.
"""

from __future__ import annotations

import inspect

import mxnet as mx
import numpy as np
import pytest
from mxnet import gluon, nd
from mxnet.optimizer import Optimizer
from own_stores import GossipStore

import gluonbook.optimizers
from gluonbook.kvstore import CompressedStore, ErrorFeedbackStore, Feedback, Half, MeanStore, PowerStore, VoteStore

OURS = {name.lower(): getattr(gluonbook.optimizers, name) for name in gluonbook.optimizers.__all__}
OURS.pop("partition")
MXNETS = ("sgd", "adam", "signum", "rmsprop", "lamb")
KINDS = {**OURS, **{name: Optimizer.opt_registry[name] for name in MXNETS}}
STORES = {
    "none": lambda: (None, None),
    "vote": lambda: (VoteStore(), True),
    "vote, trainer": lambda: (VoteStore(), False),
    "feedback": lambda: (ErrorFeedbackStore(), True),
    "feedback, trainer": lambda: (ErrorFeedbackStore(), False),
    "mean": lambda: (MeanStore(), True),
    "gossip": lambda: (GossipStore(), True),
    "compressed": lambda: (CompressedStore(codec=Half(), memory=Feedback()), True),
    "power": lambda: (PowerStore(), True),
}
# What is not an option of a method, but how MXNet hands it over; these have tests of their own below.
WIRING = {"param_idx2name", "sym", "param_dict"}
VALUES = {
    "learning_rate": 0.125,
    "lr_scheduler": lambda: mx.lr_scheduler.CosineScheduler(max_update=10, base_lr=0.75),
    "wd": 1.0,
    "wd_lh": 0.25,
    "rescale_grad": -0.5,
    "clip_gradient": 0.05,
    "multi_precision": True,
    "begin_num_update": 3,
    "momentum": 0.5,
    "beta": 0.5,
    "beta1": 0.5,
    "beta2": 0.25,
    "gamma1": 0.5,
    "gamma2": 0.5,
    "eps": 0.5,
    "epsilon": 0.5,
    "centered": True,
    "eta_minus": 0.25,
    "eta_plus": 2.0,
    "step_min": 0.9,
    "step_max": 1.05,
    "window": 2,
    "every": 3,
    "max_size": 2,
    "merge_axes": 12,
    "lower_bound": 0.9,
    "upper_bound": 1.1,
    "bias_correction": False,
    "lamda1": 0.5,
}
# Where an option cannot show by itself: what has to be so besides.
BESIDE = {
    "gamma2": {"centered": True},
    "begin_num_update": {"lr_scheduler": VALUES["lr_scheduler"]},
}
SHAPES = {"merge_axes": (3, 4, 3)}  # where the shape of all others has nothing to show
luck = np.random.RandomState(0)
SHAPE = (3, 12)
START = 2 * luck.randn(*SHAPE)
# Of uneven sizes and changing signs, with few that are far from the decay; and one five times, as for a cache.
GRADS = [luck.standard_cauchy(SHAPE) * size for size in (1, 0.25, 0.5)] + [luck.randn(*SHAPE)] * 5


def options_of(kind) -> list[str]:
    if kind in OURS.values():
        return [name for name in kind.options() if name not in WIRING]
    signatures = [inspect.signature(one.__init__) for one in kind.__mro__[:-1]]
    names = dict.fromkeys(name for signature in signatures for name in list(signature.parameters)[1:])
    return [name for name in names if name in VALUES]


def given(options):
    return {name: value() if callable(value) else value for name, value in options.items()}


def trained(name, where, later=None, shape=SHAPE, **options):
    """What a training leaves: the weights, or the sentence by which it was refused.

    Where the sign of a decayed gradient decides, decay is there to be cut off from.
    """
    store, on_store = STORES[where]()
    refused_by_vote = name == "signsgd" and where == "vote"
    options = {"learning_rate": 0.3, "wd": 0.0 if refused_by_vote else 0.25, **options}
    if "lr_scheduler" in options:
        del options["learning_rate"]
    half = "multi_precision" in (*options, *(later or {}))
    parameter = gluon.Parameter("p", shape=shape, dtype="float16" if half else "float32")
    parameter.initialize()
    parameter.set_data(nd.array(START).reshape(shape))
    if half:  # in which the defaults are 0
        options = {**{own: 1e-3 for own in ("epsilon", "eps") if own in options_of(KINDS[name])}, **options}
    optimizer = mx.optimizer.create(name, **given(options))
    trainer = gluon.Trainer([parameter], optimizer, kvstore=store, update_on_kvstore=on_store)
    try:
        for step, grad in enumerate(GRADS):
            if later and step == 2:
                before = parameter.data().asnumpy()
                for attribute, value in given(later).items():
                    setattr(optimizer, attribute, value)
            parameter.grad()[:] = nd.array(grad).reshape(shape)
            parameter.data()._fresh_grad = True
            trainer.step(2)
    except (ValueError, UserWarning) as error:
        if later:
            np.testing.assert_array_equal(parameter.data().asnumpy(), before)
        return str(error)
    return parameter.data().asnumpy().tobytes()


@pytest.mark.parametrize("where", STORES)
@pytest.mark.parametrize("name", OURS)
def test_every_option_of_ours(name, where):
    silent = []
    for option in options_of(OURS[name]):
        beside = {"shape": SHAPES.get(option, SHAPE), **BESIDE.get(option, {})}
        base = trained(name, where, **beside, **({option: False} if option == "multi_precision" else {}))
        changed = trained(name, where, **beside, **{option: VALUES[option]})
        if changed == base or (isinstance(changed, str) and option not in changed):
            silent.append((option, changed if isinstance(changed, str) else None))
    assert silent == []


@pytest.mark.parametrize("name", MXNETS)
def test_an_option_of_mxnets_does_beside_a_store_what_it_does_without(name):
    """That is: something, if it does something there. MXNet's own have options without effect."""
    silent = []
    for option in set(options_of(KINDS[name])) - {"multi_precision", "begin_num_update"}:
        without, *beside = (
            trained(name, where, **{option: VALUES[option]}) != trained(name, where)
            for where in ("none", "vote", "feedback", "mean")
        )
        silent += [option] if without and not all(beside) else []
    assert silent == []


@pytest.mark.parametrize("where", ["none", "vote", "feedback"])
@pytest.mark.parametrize("name", OURS)
def test_every_option_of_ours_set_later(name, where):
    silent = []
    # A trainer sets rescale_grad itself, to what it was at the beginning through the batch size.
    for option in set(options_of(OURS[name])) - {"rescale_grad"}:
        attribute = {"learning_rate": "lr"}.get(option, option)
        beside = {"shape": SHAPES.get(option, SHAPE), **BESIDE.get(option, {})}
        base = trained(name, where, **beside, **({option: False} if option == "multi_precision" else {}))
        changed = trained(name, where, later={attribute: VALUES[option]}, **beside)
        if changed == base or (isinstance(changed, str) and attribute not in changed):
            silent.append((option, changed if isinstance(changed, str) else None))
    assert silent == []


# The options of the stores themselves; what nonfinite and momentum do is in `test_stores`.


@pytest.mark.parametrize("kind", [VoteStore, ErrorFeedbackStore, MeanStore])
def test_a_comparison_of_weights_that_a_store_never_sees(kind):
    parameter = gluon.Parameter("p", shape=(2,))
    parameter.initialize(mx.init.One())
    trainer = gluon.Trainer([parameter], "sgd", kvstore=kind(check_every=5), update_on_kvstore=False)
    parameter.grad()[:] = 1
    parameter.data()._fresh_grad = True
    with pytest.raises(ValueError, match="check_every=5 has no effect where the store has no optimizer"):
        trainer.step(1)
    np.testing.assert_array_equal(parameter.data().asnumpy(), 1)
    assert kind().check_every == 100
