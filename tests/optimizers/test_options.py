"""Options out of their range or without effect are refused, by a sentence, before anything has changed."""

from __future__ import annotations

import math

import mxnet as mx
import numpy as np
import pytest
from mxnet import gluon, nd

from gluonbook import optimizers
from gluonbook.optimizers import Lion, Partition, PlainAdam, PlainRMSProp, PlainSGD, SignSGD

OURS = [getattr(optimizers, name) for name in optimizers.__all__ if name != "Partition"]
every = pytest.mark.parametrize("kind", OURS)


def parameter(dtype="float32", name="p"):
    made = gluon.Parameter(name, shape=(2, 3), dtype=dtype)
    made.initialize(mx.init.One())
    return made


def step(trainer, grad=0.5):
    for one in trainer._params:
        if one.grad_req == "null":
            continue
        one.grad()[:] = grad
        one.data()._fresh_grad = True
    trainer.step(1)


# What is out of its range, in the constructor and later.

ATTRIBUTE = {"learning_rate": "lr"}


@every
@pytest.mark.parametrize("wrong", [-1, math.nan, math.inf, "0.5"])
def test_a_value_out_of_its_range_is_refused_later_by_the_sentence_of_the_constructor(kind, wrong):
    optimizer = kind()
    for option in kind.options():
        if option in ("param_idx2name", "sym", "param_dict") or (option, wrong) == ("rescale_grad", -1):
            continue
        with pytest.raises(ValueError, match=f"^{option} must be ") as refused:
            kind(**{option: wrong})
        before = dict(vars(optimizer))
        with pytest.raises(ValueError, match="must be") as later:
            setattr(optimizer, ATTRIBUTE.get(option, option), wrong)
        assert (str(later.value), vars(optimizer)) == (str(refused.value), before)
    with pytest.raises(ValueError, match=r"^learning_rate must be a number in \[0, inf\), got "):
        gluon.Trainer([parameter()], optimizer).set_learning_rate(wrong)


@every
def test_a_rate_out_of_its_range_by_a_schedule(kind):
    one = parameter()
    trainer = gluon.Trainer([one], kind(lr_scheduler=lambda t: 0.5 if t == 1 else -0.5), update_on_kvstore=False)
    step(trainer)
    before = one.data().asnumpy()
    with pytest.raises(ValueError, match=r"^learning_rate must be a number in \[0, inf\), got -0\.5"):
        step(trainer)
    np.testing.assert_array_equal(one.data().asnumpy(), before)


def test_no_rate_is_left_without_a_schedule():
    for optimizer, attribute in ((Lion(lr_scheduler=lambda t: 0.5), "lr_scheduler"), (Lion(), "lr")):
        with pytest.raises(ValueError, match=r"learning_rate must be a number in \[0, inf\), got None"):
            setattr(optimizer, attribute, None)
    optimizer.lr_scheduler = lambda t: 0.5
    optimizer.lr_scheduler = None
    assert optimizer.learning_rate == Lion.default_lr


def test_a_multiplier_may_be_negative():
    one = parameter()
    one.lr_mult = one.wd_mult = -1
    step(gluon.Trainer([one], PlainSGD(0.5, wd=0.5)))
    np.testing.assert_array_equal(one.data().asnumpy(), 1 + 0.5 * (0.5 - 0.5))


@every
@pytest.mark.parametrize(("multiplier", "of"), [("lr_mult", "learning_rate"), ("wd_mult", "wd")])
@pytest.mark.parametrize("wrong", [math.inf, math.nan])
def test_a_multiplier_is_finite(kind, multiplier, of, wrong):
    one = parameter()
    trainer = gluon.Trainer([one], kind(0.5, wd=0.5))
    setattr(one, multiplier, wrong)
    with pytest.raises(ValueError, match=rf"^{of}·{multiplier} of parameter 0 must be a finite number, got {wrong}$"):
        step(trainer)
    np.testing.assert_array_equal(one.data().asnumpy(), 1)


def test_numbers_are_kept_as_the_constructor_keeps_them():
    optimizer = PlainAdam()
    optimizer.beta1, optimizer.begin_num_update, optimizer.lr = np.float32(0.5), np.int64(2), nd.array([0.25])
    kept = optimizer.beta1, optimizer.begin_num_update, optimizer.lr
    assert [(type(value), value) for value in kept] == [(float, 0.5), (int, 2), (float, 0.25)]


# A number that is 0 in the type of the weight.

ALWAYS = {"learning_rate", "wd", "wd_lh", "clip_gradient", "eps", "epsilon", "step_min"}


def small(kind):
    """The options that may be as small as one likes."""
    return [option for option in kind.options() if option in ALWAYS]


@every
@pytest.mark.parametrize(("dtype", "vanishing"), [("float16", 1e-8), ("float32", 1e-46), ("float64", 1e-310)])
def test_what_is_0_in_the_type_of_the_weight_is_refused(kind, dtype, vanishing):
    safe = {option: 1e-3 for option in ("eps", "epsilon") if option in kind.options()}
    for option in small(kind):
        if option in kind.wide and dtype == "float16":
            gluon.Trainer([parameter(dtype)], kind(**{option: vanishing}))
            with pytest.raises(ValueError, match=rf"{option}=1e-46 is 0 in float32, in which p is updated"):
                gluon.Trainer([parameter(dtype)], kind(**{option: 1e-46}))
            continue
        optimizer = kind(**{**safe, option: vanishing})
        found = f"{option}={vanishing} is {'less than MXNet reads' if dtype == 'float64' else '0'} in {dtype}"
        message = rf"{found}, in which p is updated: take .* or more"
        with pytest.raises(ValueError, match=message):
            gluon.Trainer([parameter(dtype)], optimizer)
        with pytest.raises(ValueError, match=message):
            gluon.Trainer([parameter(dtype)], kind.__name__.lower(), {**safe, option: vanishing})
        if dtype == "float16":
            gluon.Trainer([parameter(dtype)], kind(**{**safe, option: vanishing}, multi_precision=True))
        weight, before = nd.ones((2,), dtype=dtype), kind(**safe)
        state = before.create_state(0, weight)
        setattr(before, ATTRIBUTE.get(option, option), vanishing)
        with pytest.raises(ValueError, match=found):
            before.update_multi_precision([0], [weight], [weight], [state])
        np.testing.assert_array_equal(weight.asnumpy(), 1)


@every
def test_the_least_that_is_recommended_makes_no_nan(kind):
    own = {"max_size": 0} if "max_size" in kind.options() else {}
    for option in {"eps", "epsilon"} & set(kind.options()):
        for dtype, least in {"float16": 5.97e-08, "float32": 1.4e-45, "float64": 2.23e-308}.items():
            least = 1.4e-45 if option in kind.wide and dtype == "float16" else least
            optimizer, weight = kind(**{option: least}, **own), nd.ones((3,), dtype=dtype)
            updater = mx.optimizer.get_updater(optimizer)
            for _ in range(3):
                updater(0, nd.array([0, 1e-5, 1], dtype=dtype), weight)
            assert np.isfinite(weight.asnumpy()).all()


def test_a_net_that_is_cast_later_is_looked_at_in_its_step():
    one = parameter()
    trainer = gluon.Trainer([one], PlainAdam())
    one.cast("float16")
    with pytest.raises(ValueError, match=r"epsilon=1e-08 is 0 in float16.*take 5\.96e-08 or more"):
        step(trainer)
    np.testing.assert_array_equal(one.data().asnumpy(), 1)


def test_a_rate_set_later_and_one_of_a_schedule():
    trainer = gluon.Trainer([parameter("float16")], SignSGD())
    with pytest.raises(ValueError, match=r"lr=1e-09 is 0 in float16"):
        trainer.set_learning_rate(1e-9)
    trainer.set_learning_rate(0)
    schedule = mx.lr_scheduler.FactorScheduler(step=1, factor=1e-9, base_lr=0.5)
    trainer = gluon.Trainer([parameter("float16")], SignSGD(lr_scheduler=schedule))
    step(trainer)
    step(trainer)  # a schedule may end at 0


# Multipliers, where the parameters of a trainer have their own.

MULTIPLIERS = {
    "set_lr_mult": lambda optimizer: optimizer.set_lr_mult({0: 0.5}),
    "set_wd_mult": lambda optimizer: optimizer.set_wd_mult({"p": 0.5}),
    "lr_mult": lambda optimizer: setattr(optimizer, "lr_mult", {0: 0.5}),
    "wd_mult": lambda optimizer: setattr(optimizer, "wd_mult", {0: 0.5}),
}


@every
@pytest.mark.parametrize("how", MULTIPLIERS)
def test_multipliers_beside_a_trainers_parameters(kind, how):
    optimizer = kind()
    one = parameter()
    trainer = gluon.Trainer([one], optimizer)
    with pytest.raises(ValueError, match=r"_mult=.* has no effect beside a trainer's parameters: set lr_mult and wd_m"):
        MULTIPLIERS[how](optimizer)
    optimizer.lr_mult[0] = 0.5
    with pytest.raises(ValueError, match=r"lr_mult=\{0: 0\.5\} has no effect"):
        step(trainer)
    np.testing.assert_array_equal(one.data().asnumpy(), 1)
    other = kind()
    MULTIPLIERS[how](other)
    with pytest.raises(ValueError, match=r"_mult=.* has no effect"):
        gluon.Trainer([parameter()], other)


@every
@pytest.mark.parametrize("names", [{"param_idx2name": {0: "p_bias"}}, {"sym": mx.sym.Variable("x")}])
def test_names_beside_a_trainers_parameters(kind, names):
    with pytest.raises(ValueError, match=f"{next(iter(names))}=.* has no effect beside"):
        gluon.Trainer([parameter()], kind.__name__.lower(), names)


def test_the_multipliers_that_are_recommended_have_an_effect():
    one = parameter()
    trainer = gluon.Trainer([one], PlainSGD(0.5))
    one.lr_mult = 0.5
    step(trainer)
    np.testing.assert_array_equal(one.data().asnumpy(), 1 - 0.5 * 0.5 * 0.5)


# A learning rate beside a schedule.

SCHEDULES = {
    "factor": lambda **o: mx.lr_scheduler.FactorScheduler(step=3, factor=0.5, **o),
    "steps": lambda **o: mx.lr_scheduler.MultiFactorScheduler(step=[2, 5], factor=0.5, **o),
    "poly": lambda **o: mx.lr_scheduler.PolyScheduler(max_update=10, **o),
    "cosine": lambda **o: mx.lr_scheduler.CosineScheduler(max_update=10, **o),
}


@pytest.mark.parametrize("warmup", [0, 4])
@pytest.mark.parametrize("name", SCHEDULES)
def test_a_learning_rate_is_where_a_schedule_starts(name, warmup):
    make = SCHEDULES[name]
    expected, given = make(base_lr=0.5, warmup_steps=warmup), make(warmup_steps=warmup)
    optimizer = Lion(learning_rate=0.5, lr_scheduler=given)
    assert [given(t) for t in range(12)] == [expected(t) for t in range(12)]
    with pytest.raises(ValueError, match=r"lr=0\.25 has no effect beside a lr_scheduler"):
        optimizer.lr = 0.25
    with pytest.raises(UserWarning):
        optimizer.set_learning_rate(0.25)


@every
def test_a_schedule_that_is_a_function_starts_where_it_likes(kind):
    assert kind(lr_scheduler=lambda t: 0.5 / (t + 1)).learning_rate == 0.5
    with pytest.raises(ValueError, match=r"learning_rate=0\.5 has no effect beside .*, which has no base_lr"):
        kind(learning_rate=0.5, lr_scheduler=lambda t: 0.5 / (t + 1))


# Options that a state was made by.

MADE_BY = [(kind, option) for kind in OURS for option in ("multi_precision", "begin_num_update", *kind.fixed)]
OTHER = {"multi_precision": True, "begin_num_update": 2, "max_size": 1, "window": 3, "centered": True, "merge_axes": 9}


@pytest.mark.parametrize(("kind", "option"), MADE_BY)
def test_what_a_state_was_made_by_cannot_change(kind, option):
    one = parameter()
    trainer = gluon.Trainer([one], kind(0.5))
    setattr(trainer.optimizer, option, OTHER[option])  # nothing has been made yet
    step(trainer)
    setattr(trainer.optimizer, option, OTHER[option])
    before, legal = one.data().asnumpy(), getattr(trainer.optimizer, option)
    with pytest.raises(ValueError, match=f"{option} cannot become .*, since parameters were updated with {option}="):
        setattr(trainer.optimizer, option, False if legal is True else 7)
    step(trainer)
    assert not np.array_equal(one.data().asnumpy(), before)


def test_momentum_without_its_variant():
    with pytest.raises(ValueError, match=r"gamma2=0\.5 has no effect without centered=True"):
        PlainRMSProp(gamma2=0.5)
    one = parameter()
    trainer = gluon.Trainer([one], PlainRMSProp())
    trainer.optimizer.gamma2 = 0.5
    with pytest.raises(ValueError, match=r"gamma2=0\.5 has no effect"):
        step(trainer)
    np.testing.assert_array_equal(one.data().asnumpy(), 1)


# A partition has no options but those of its parts.


@pytest.mark.parametrize("option", [*PlainAdam.options(), "lr", "momentum", "lr_mult", "num_update"])
def test_an_option_set_at_a_partition(option):
    divided = Partition({"a": PlainSGD(), "b": mx.optimizer.SGD()}, str)
    if option in ("rescale_grad", "param_dict"):
        return  # which are the parts'
    with pytest.raises(ValueError, match=f"{option}=.* has no effect here: set it in one of `optimizers`"):
        setattr(divided, option, 0.5)


@pytest.mark.parametrize("multipliers", ["lr_mult", "wd_mult"])
def test_multipliers_at_a_partition(multipliers):
    divided = Partition({"a": mx.optimizer.SGD()}, str)
    gluon.Trainer([parameter(name="a")], divided)
    with pytest.raises(ValueError, match=f"{multipliers}=.* has no effect beside"):
        getattr(divided, f"set_{multipliers}")({0: 0.5})


# Parameters that are not of floating point, or are not trained.


@every
def test_a_constant_of_integers_beside_a_weight(kind):
    one, constant = parameter(), gluon.Parameter("i", shape=(2,), dtype="int32", grad_req="null")
    constant.initialize(mx.init.One())
    trainer = gluon.Trainer([one, constant], kind(0.5))
    trainer.optimizer.wd = 0.25
    step(trainer)
    assert not np.array_equal(one.data().asnumpy(), np.ones((2, 3)))
    np.testing.assert_array_equal(constant.data().asnumpy(), 1)


@every
def test_what_is_not_trained_may_be_of_any_kind(kind):
    frozen = gluon.Parameter("s", shape=(2, 3), stype="row_sparse", grad_req="null")
    tiny = gluon.Parameter("h", shape=(2, 3), dtype="float16", grad_req="null")
    whole = gluon.Parameter("i", shape=(2,), dtype="int32", grad_req="null")
    kind(param_dict={0: frozen, 1: tiny, 2: whole}).wd = 1e-30


@every
@pytest.mark.parametrize("dtype", ["int32", "uint8"])
def test_a_weight_of_integers_is_refused(kind, dtype):
    message = rf"^p must be of type float16, float32 or float64 to be updated, got {dtype}$"
    with pytest.raises(ValueError, match=message):
        gluon.Trainer([parameter(dtype)], kind())
    weight = nd.ones((2,), dtype=dtype)
    for update in (kind().update, kind().update_multi_precision):
        with pytest.raises(ValueError, match=r"^parameter 0 must be of type float16"):
            update(0, weight, weight, None)


# Sparse weights.


@every
@pytest.mark.parametrize("stype", ["row_sparse", "csr"])
def test_a_sparse_weight_is_a_value_error_wherever_it_comes(kind, stype):
    weight = nd.ones((4, 5)).tostype(stype)
    if kind is not SignSGD:  # which has no state
        for make in (kind().create_state, kind().create_state_multi_precision):
            with pytest.raises(ValueError, match=f"must be dense .*'{stype}'"):
                make(0, weight)
    with pytest.raises(ValueError, match=f"{stype!r}"):
        mx.optimizer.get_updater(kind())(0, nd.ones((4, 5)), weight)
