"""Stores with a codec: the same as the stores that they could replace, resumed exactly, alike on all ranks."""

from __future__ import annotations

import copy
import json
from functools import partial
from math import prod
from pathlib import Path

import mxnet as mx
import numpy as np
import pytest
from compressors import CODECS, LAUNCHED, MAKERS, PAIRS, Training, gradient, trained
from made_up import remembered
from threads import ranks

from gluonbook import checkpoint, launch
from gluonbook.kvstore import (
    CompressedStore,
    ErrorFeedbackStore,
    Exact,
    Feedback,
    Half,
    Levels,
    MeanStore,
    MomentumCorrection,
    OneBit,
    PowerStore,
    RandomK,
    ScaledSign,
    Threshold,
    TopK,
)
from gluonbook.kvstore.bucket import Bucket, Terms
from gluonbook.theory import costs

SCRIPT = Path(__file__).with_name("compressors.py")


def same(one, other) -> bool:
    return len(one) == len(other) and all(np.array_equal(a, b) for a, b in zip(one, other))


# What could be had without: bit for bit.


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_exact_is_the_mean(workers):
    assert same(trained(CompressedStore(codec=Exact()), range(workers)), trained(MeanStore(), range(workers)))


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_a_scaled_sign_with_feedback_is_error_feedback(workers):
    store = CompressedStore(codec=ScaledSign(), memory=Feedback())
    assert same(trained(store, range(workers), 20), trained(ErrorFeedbackStore(), range(workers), 20))


@pytest.mark.parametrize("inside", [None, False])
def test_who_has_nothing_to_say_counts_as_in_error_feedback(inside):
    """Of four ranks one abstains from a step, and another has not used half of the parameters; up to rounding."""

    def work(make):
        def of_rank(link) -> list[np.ndarray]:
            training = Training(make(link, nonfinite="zero"), update_on_kvstore=inside, batch=2)
            for step in range(6):
                unused = range(0, 7, 2) if link.rank == step % 4 else ()
                training.step(step, [link.rank], spoilt=[(step + 1) % 4], unused=unused)
            return training.weights

        return of_rank

    ours = ranks(4, work(partial(CompressedStore, codec=ScaledSign(), memory=Feedback())))
    for one, other in zip(ours[0], ranks(4, work(ErrorFeedbackStore))[0]):
        np.testing.assert_allclose(one, other, rtol=0, atol=2e-6)


def test_one_bit_with_feedback_is_the_optimizer_of_one_worker():
    store = CompressedStore(codec=OneBit(), memory=Feedback())
    assert same(trained(store, steps=20, optimizer="plainsgd"), trained(None, steps=20, optimizer="onebitsgd"))


@pytest.mark.parametrize("workers", [2, 3])
@pytest.mark.parametrize("t", [0.5, 1.3])
def test_a_threshold_with_feedback_is_mxnets_own(workers, t):
    store = CompressedStore(codec=Threshold(t), memory=Feedback())
    others = trained("device", range(workers), 20, compression={"type": "2bit", "threshold": t})
    assert same(trained(store, range(workers), 20), others)


@pytest.mark.parametrize("momentum", [0.0, 0.75])
def test_the_momentum_may_be_before_a_codec_that_leaves_nothing_out(momentum):
    store = CompressedStore(codec=Exact(), memory=MomentumCorrection(momentum, mask=False))
    for one, other in zip(trained(store), trained(None, momentum=momentum)):
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-5)


# Properties of every pair.


@pytest.mark.parametrize("name", MAKERS)
def test_a_resumed_run_is_the_same_bits(tmp_path, name):
    """On two devices, of which the second one leaves some parameters out in some steps."""

    def go(training: Training, steps: range) -> None:
        for step in steps:
            training.step(step, range(2), unused=[place for place in range(7) if (step + place) % 3 == 0], by=(1,))

    straight = Training(MAKERS[name](seed=5), devices=2)
    go(straight, range(4))
    path = checkpoint.save(tmp_path, straight.net, straight.trainer, step=4, epoch=0)
    go(straight, range(4, 8))
    resumed = Training(MAKERS[name](seed=5), devices=2)
    checkpoint.load(path, resumed.net, resumed.trainer)
    go(resumed, range(4, 8))
    assert same(straight.weights, resumed.weights)
    found, expected = (remembered(training.trainer._kvstore) for training in (resumed, straight))
    assert found.keys() == expected.keys()
    assert all(same(found[key], expected[key]) for key in found)


@pytest.mark.parametrize("name", MAKERS)
def test_a_message_and_an_exchange_change_nothing_that_lasts(name):
    """They may be made again, before it is known whether the step is taken."""
    store = MAKERS[name]()
    training = Training(store, devices=2)
    for step in range(2):
        training.step(step, range(2))
    states = copy.deepcopy(store.states)
    grads = [parameter.list_grad() for parameter in training.parameters]
    bucket = Bucket([*range(len(grads))], grads, grads, [], (0, 1), [0], 0, Terms(0, [0], 1.0, 1.0))

    def made() -> tuple[np.ndarray, dict]:
        """The values and what is to be remembered."""
        combined = store.exchange(store.message(bucket), bucket)
        vector, new = combined
        return vector.values, new

    (first, new), (second, again) = made(), made()
    np.testing.assert_array_equal(first, second)
    np.testing.assert_equal(new, again)
    np.testing.assert_equal(store.states, states)


@pytest.mark.parametrize("name", MAKERS)
def test_a_gradient_that_is_not_finite_is_refused_before(name):
    store = MAKERS[name]()
    training, unharmed = Training(store), Training(MAKERS[name]())
    training.step(0, [0])
    unharmed.step(0, [0])
    states = copy.deepcopy(store.states)
    with pytest.raises(FloatingPointError, match=r"step 2: the gradient of 0 .* is not finite"):
        training.step(1, [0], spoilt=[0])
    np.testing.assert_equal(store.states, states)
    assert same(training.weights, unharmed.weights)
    training.step(2, [0])
    unharmed.step(2, [0])
    assert same(training.weights, unharmed.weights)


@pytest.mark.parametrize("name", MAKERS)
def test_ranks_hold_the_same_bits_and_who_abstains_loses_nothing(name):
    """Rank 1 has no gradient in step 1, ranks 0 and 2 none in step 2; what an abstainer has kept stays."""

    def work(link) -> tuple[list, list]:
        store = MAKERS[name](link, nonfinite="zero", check_every=1)
        training = Training(store)
        pairs = []
        for step, spoilt in enumerate([(), (1,), (0, 2), ()]):
            before = copy.deepcopy(store.states)
            training.step(step, [link.rank], spoilt)
            if link.rank in spoilt:
                pairs.append((own(before), own(store.states)))
        return training.weights, pairs

    def own(states: dict) -> dict:
        """Without the last Q of a `PowerStore`, which is that of all ranks."""
        return {key: {what: kept for what, kept in state.items() if what != "q"} for key, state in states.items()}

    found = ranks(3, work)
    assert all(same(found[0][0], weights) for weights, _ in found)
    for before, after in (pair for _, pairs in found for pair in pairs):
        np.testing.assert_equal(before, after)
        assert bool(before) == (name == "PowerStore" or PAIRS[name][0].draws or PAIRS[name][1].slots > 0)


@pytest.mark.parametrize("name", [name for name, (codec, _) in PAIRS.items() if not codec.draws])
def test_devices_of_one_process_and_ranks_are_the_same(name):
    """The mean of four ranks, and a fourth of the sum of four devices."""
    (weights, *_) = ranks(4, lambda link: trained(MAKERS[name](link), [link.rank]))
    assert same(weights, trained(MAKERS[name](), range(4), learning_rate=0.125 / 4))


@pytest.mark.parametrize("codec", [Levels(1), RandomK(0.3)], ids=str)
def test_luck_differs_between_ranks_devices_parameters_exchanges_and_seeds(codec):
    """Of equal gradients, equal draws would give equal messages."""

    def messages(link) -> list[bytes]:
        found = []
        for seed in (0, 1):
            store = CompressedStore(link, codec=codec, seed=seed)
            parts = [[mx.nd.array(np.linspace(-1, 2, 65), mx.cpu(device)) for device in range(2)] for _ in range(2)]
            bucket = Bucket([0, 1], parts, parts, [], (0, 1), [0, 1], 0, Terms(link.rank, [0, 1], 1.0, 1.0))
            for _ in range(2):
                message = store.message(bucket)
                store.states.update(message.states)
                found += [piece.tobytes() for row in message.rows for piece in np.split(row, 2)]
        return found

    seen = [message for rank in ranks(2, messages) for message in rank]
    assert len(seen) == 2 * 2 * 2 * 2 * 2
    assert len({*seen}) == len(seen)


def test_what_devices_that_leave_have_kept_goes_to_the_first():
    """And who joins has kept nothing."""
    store = CompressedStore(codec=TopK(0.1), memory=MomentumCorrection(0.5, mask=False))
    shapes = [(2, 10)]
    training = Training(store, 3, shapes=shapes)
    training.step(0, range(3))
    before = store.states[0]["kept"]
    (parameter,) = training.parameters
    for count in (1, 2):
        parameter.reset_ctx([mx.cpu(device) for device in range(count)])
        kept = store._kept(0, parameter.list_grad())
        assert len(kept) == count
        for slot in range(2):
            total = before[0][slot] + (before[2][slot] if count == 2 else before[1][slot] + before[2][slot])
            np.testing.assert_allclose(kept[0][slot], total, rtol=1e-6)
    joined = store._kept(0, [parameter.list_grad()[0]] * 5)
    assert [bool(np.any(slots)) for slots in joined] == [True] * 3 + [False] * 2


@pytest.mark.parametrize("name", ["Half() Feedback(alpha=1.0, beta=1.0)", "PowerStore"])
def test_the_optimizers_rescaling_and_clipping_come_before(name):
    """A residual is in the unit of the step; and what has been sent is not clipped again."""
    store = MAKERS[name]()
    training = Training(store, shapes=[(40, 50)], rescale_grad=0.25, clip_gradient=0.0625)
    before, total = training.weights[0], 0.0
    for step in range(6):
        training.step(step, [0])
        total += np.clip(gradient((40, 50), 0, step, 0) * 0.25, -0.0625, 0.0625)
    (own,) = store.states.values()
    left = own["error"] if name == "PowerStore" else own["kept"][0][0].reshape(40, 50)
    np.testing.assert_allclose(before - training.weights[0], 0.125 * (total - left), rtol=0, atol=2e-6)
    assert np.abs(left).max() > (0.0625 if name == "PowerStore" else 1e-6)


def test_batches_of_different_sizes_may_be_where_nothing_is_kept():
    parameter = Training(None, shapes=[(5,)]).parameters[0]
    store = CompressedStore(codec=Half())
    trainer = mx.gluon.Trainer([parameter], "sgd", kvstore=store, update_on_kvstore=False)
    for batch in (1, 2, 4):
        parameter.grad()[:] = 1
        parameter.data()._fresh_grad = True
        trainer.allreduce_grads()
        trainer.update(batch)
    assert not CompressedStore(codec=Half()).remembers
    assert CompressedStore(codec=Half(), memory=Feedback()).remembers


def test_nothing_is_remembered_where_there_is_nothing():
    store = CompressedStore(codec=TopK(0.5))
    trained(store)
    assert store.states == {}


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: CompressedStore(codec=TopK), "codec must be a Codec of this book, got <class"),
        (lambda: CompressedStore(codec="topk"), "codec must be a Codec of this book, got 'topk'"),
        (lambda: CompressedStore(codec=Half(), memory=1), "memory must be a Memory of this book, got 1"),
        (lambda: CompressedStore(codec=Half(), memory=MomentumCorrection()), r"mask=True needs.*got Half\(\)"),
        (lambda: CompressedStore(codec=Half(), seed=-1), "seed must be a whole number from 0, got -1"),
        (lambda: PowerStore(rank=0), "rank must be a whole number from 1, got 0"),
    ],
)
def test_what_cannot_be_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


# Real processes.

TCP = {"MPIR_CVAR_CH4_NETMOD": "ofi", "FI_PROVIDER": "tcp", "MPIR_CVAR_NUM_CLIQUES": "64"}
WORKERS, NUMBERS = 4, 600_000


@pytest.fixture(scope="module")
def found(tmp_path_factory) -> dict:
    """By engine, the folder that real processes have written; over MPI all bytes go through TCP, and are counted."""
    folders = {}
    for engine, numbers in (("mpi", NUMBERS), ("pslite", 0)):
        folder = folders[engine] = tmp_path_factory.mktemp(engine)
        settings = {"servers": 2} if engine == "pslite" else {}
        env = {"OMP_NUM_THREADS": "1", **TCP}
        words = [SCRIPT, engine, folder, numbers]
        launch.run(words, workers=WORKERS, engine=engine, env=env, quiet=True, **settings)
    return folders


def of_rank(folder: Path, name: str, rank: int) -> list[np.ndarray]:
    return [*np.load(folder / f"{name}-{rank}.npz").values()]


@pytest.mark.slow
@pytest.mark.parametrize("name", LAUNCHED)
@pytest.mark.parametrize("engine", ["mpi", "pslite"])
def test_processes_hold_the_same_bits_as_threads(found, engine, name):
    """Of every rank, and on both engines; where numbers are drawn, too. Sums of MPI and ps-lite may differ."""
    expected, *_ = ranks(WORKERS, lambda link: trained(MAKERS[name](link), [link.rank]))
    first, *others = (of_rank(found[engine], name, rank) for rank in range(WORKERS))
    assert all(same(first, other) for other in others)
    if name == "PowerStore":
        for one, other in zip(first, expected):
            np.testing.assert_allclose(one, other, rtol=0, atol=1e-4)
    else:
        assert same(first, expected)


DIFFERENCES = {
    "codec": ("compressed_{}, TopK(share=0.5), NoMemory()", "compressed_{}, TopK(share=0.25), NoMemory()"),
    "memory": ("compressed_{}, Half(), NoMemory()", "compressed_{}, Half(), Feedback(alpha=1.0, beta=1.0)"),
    "rank": ("power_{}, rank=3, seed=0", "power_{}, rank=2, seed=0"),
    "seed": ("power_{}, rank=2, seed=0", "power_{}, rank=2, seed=1"),
    "kind": ("compressed_{}, nonfinite='raise', check_every=100", "power_{}, nonfinite='raise', check_every=100"),
}


@pytest.mark.slow
@pytest.mark.parametrize("difference", DIFFERENCES)
@pytest.mark.parametrize("engine", ["mpi", "pslite"])
def test_ranks_with_other_stores_are_refused_on_all(found, engine, difference):
    there, here = (text.format(engine) for text in DIFFERENCES[difference])
    for rank in range(WORKERS):
        said = json.loads((found[engine] / f"{rank}.json").read_text())[difference]
        assert said.endswith(f"rank 0, 2-3: a store {there}; rank 1: a store {here}")


@pytest.mark.slow
@pytest.mark.parametrize("name", [*map(str, CODECS), "PowerStore"])
def test_bytes_on_the_wire_are_those_of_the_formula(found, name):
    """As the kernel counts them, within 2 %: notes and headers are the rest."""
    shape = (NUMBERS // 100, 100)
    if name == "PowerStore":
        expected = costs.power(WORKERS, [shape], 2).bytes
    else:
        (codec,) = (codec for codec in CODECS if str(codec) == name)
        expected = costs.gathered(WORKERS, prod(shape), 8 * codec.nbytes(shape) / prod(shape)).bytes
    for rank in range(WORKERS):
        for counted in json.loads((found["mpi"] / f"{rank}.json").read_text())["bytes"][name]:
            assert counted == pytest.approx(expected, rel=0.02)
