"""Where `clip_gradient` and `rescale_grad` act beside a store: with one worker, as in the optimizer of one process."""

from __future__ import annotations

import mxnet as mx
import numpy as np
import pytest
from mxnet import gluon, nd

from gluonbook.kernels import momentum_pack, unpack
from gluonbook.kvstore import ErrorFeedbackStore, MeanStore, VoteStore
from gluonbook.optimizers import Lion, Partition, PlainSGD, PlainSignum, SignSGD

GRADS = np.random.RandomState(0).standard_cauchy((6, 2, 4, 5)).astype("float32")  # with outliers


def trained(optimizer, store=None, label=None, **options):
    """Two parameters after some steps with batches of 4."""
    params = [gluon.Parameter(name, shape=(4, 5)) for name in ("a", "b")]
    for parameter in params:
        parameter.initialize(mx.init.One())
    trainer = gluon.Trainer(params, optimizer, options, kvstore=store)
    for grads in GRADS:
        for parameter, grad in zip(params, grads):
            parameter.grad()[:] = nd.array(grad)
            parameter.data()._fresh_grad = True
        trainer.step(4)
    return [parameter.data().asnumpy() for parameter in params]


def same(one, other, atol=0.0):
    for a, b in zip(one, other):
        np.testing.assert_allclose(a, b, rtol=0, atol=atol)


@pytest.mark.parametrize("rescale_grad", [1.0, -1.0, 8.0])
@pytest.mark.parametrize("clip", [None, 2.0, 0.125])
def test_one_worker_is_the_optimizer_of_one_process(clip, rescale_grad):
    options = {"learning_rate": 0.0625, "rescale_grad": rescale_grad, "clip_gradient": clip}
    same(trained("signsgd", VoteStore(), **options), trained("plainsignum", **options))
    same(trained("plainsgd", ErrorFeedbackStore(), **options), trained("efsignsgd", **options), atol=1e-5)
    same(trained("lion", MeanStore(), **options), trained("lion", **options))


@pytest.mark.parametrize("store", [VoteStore, ErrorFeedbackStore])
@pytest.mark.parametrize("optimizer", ["sgd", "plainsgd"])
def test_what_comes_back_is_not_clipped_again(store, optimizer):
    """Each worker clips to 2⁻⁴; a vote of ±1 moves a weight by lr·rescale_grad all the same."""
    before, clipped = trained(optimizer, store(), learning_rate=0.5), None
    clipped = trained(optimizer, store(), learning_rate=0.5, clip_gradient=2.0**-4)
    assert any((a != b).any() for a, b in zip(before, clipped))
    if store is VoteStore:
        moved = (clipped[0] - 1) / (0.5 / 4)
        np.testing.assert_array_equal(moved, moved.round())
        assert np.abs(moved).max() == len(GRADS)


def test_each_part_of_a_partition_has_its_own():
    def parts(**kinds):
        return Partition({name: kind(0.0625, clip_gradient=clip) for name, (kind, clip) in kinds.items()}, str)

    ours = trained(parts(a=(SignSGD, 0.125), b=(SignSGD, None)), VoteStore())
    same(ours, trained(parts(a=(PlainSignum, 0.125), b=(PlainSignum, None))))
    assert not np.array_equal(ours[0], trained(parts(a=(SignSGD, None), b=(SignSGD, None)), VoteStore())[0])


def test_the_options_are_the_optimizers_again_after_a_step():
    optimizer = PlainSGD(0.5, rescale_grad=-4.0, clip_gradient=0.25)
    trained(optimizer, VoteStore())
    assert (optimizer.rescale_grad, optimizer.clip_gradient) == (-1.0, 0.25)


def test_a_ballot_takes_a_bound_for_each_array():
    grads = [np.array([100.0, -1.0]), np.array([100.0, -1.0])]
    moms = [np.array([0.5, 0.5]) for _ in grads]
    words = momentum_pack(moms, grads, momentum=0.5, clip_gradient=[None, 0.25])
    np.testing.assert_array_equal(moms, [[-49.75, 0.75], [0.125, 0.375]])
    assert [unpack(word, 2).tolist() for word in words.reshape(2, 1)] == [[1, -1], [-1, -1]]


@pytest.mark.parametrize("make", [SignSGD, lambda **o: Partition({"a": SignSGD(**o), "b": Lion()}, str)])
@pytest.mark.parametrize("later", [False, True])
def test_wd_beside_a_vote_is_refused_wherever_and_whenever(make, later):
    params = [gluon.Parameter(name, shape=(2,)) for name in ("a", "b")]
    for parameter in params:
        parameter.initialize(mx.init.One())
    optimizer = make() if later else make(wd=0.5)
    trainer = gluon.Trainer(params, optimizer, kvstore=VoteStore())

    def step():
        for parameter in params:
            parameter.grad()[:] = 1
            parameter.data()._fresh_grad = True
        trainer.step(1)

    if later:
        step()
        (optimizer if isinstance(optimizer, SignSGD) else optimizer.optimizers["a"]).wd = 0.5
    before = [p.data().asnumpy() for p in params]
    with pytest.raises(ValueError, match=r"wd has no effect on its sign: use wd_lh, got wd=0\.5"):
        step()
    same([p.data().asnumpy() for p in params], before)
