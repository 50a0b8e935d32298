from __future__ import annotations

import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import mxnet as mx
import numpy as np
import pytest
from mxnet import autograd, gluon
from mxnet.contrib.amp.loss_scaler import LossScaler
from mxnet.gluon import nn
from mxnet.kvstore.base import TestStore
from threads import ranks

import runs
from gluonbook import checkpoint
from gluonbook.checkpoint import Damaged
from gluonbook.kvstore import MeanStore, VoteStore
from gluonbook.models import mlp
from gluonbook.storage import folders
from repetitions import FULL

pytestmark = pytest.mark.slow

TWO = [mx.cpu(0), mx.cpu(1)]


class Linear(nn.HybridBlock):
    """A dense layer made of sums and products, since MXNet's matrix products do without float16 on a CPU."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = self.params.get("weight", shape=(1, 10, 64))

    def hybrid_forward(self, F, X, weight):
        return F.broadcast_mul(F.expand_dims(F.flatten(X), axis=1), weight).sum(axis=2)


def batch_norm_net() -> nn.HybridSequential:
    net = nn.HybridSequential()
    net.add(nn.BatchNorm(), Linear())
    return net


def steps(net, trainer, count: int, first: int = 0, dtype: str = "float32") -> None:
    """`count` plain Gluon steps, each on its own batch; the loop that a reader writes without `fit`."""
    loss, ctx = gluon.loss.SoftmaxCrossEntropyLoss(), trainer._contexts
    for step in range(first, first + count):
        mx.random.seed(step)
        X, y = runs.digits(100, dtype)[step * 8 : step * 8 + 8]
        with autograd.record():
            parts = (gluon.utils.split_and_load(mx.nd.array(a, dtype=a.dtype), ctx) for a in (X, y))
            losses = [loss(net(x_part), y_part) for x_part, y_part in zip(*parts)]
        autograd.backward(losses)
        trainer.step(8)


def factor():
    return mx.lr_scheduler.FactorScheduler(step=3, factor=0.5, base_lr=0.1)


def many_factors():
    return mx.lr_scheduler.MultiFactorScheduler(step=[2, 5, 8], factor=0.5, base_lr=0.1, warmup_steps=2)


def gluoncv_sequence():
    utils = pytest.importorskip("gluoncv.utils.lr_scheduler")
    warmup = utils.LRScheduler("linear", base_lr=0, target_lr=0.1, niters=3)
    return utils.LRSequential([warmup, utils.LRScheduler("cosine", base_lr=0.1, niters=9)])


CASES = {
    "sgd": {"learning_rate": 0.1},
    "sgd momentum": {"momentum": 0.9, "wd": 1e-3, "learning_rate": 0.1},
    "sgd factor": {"momentum": 0.9, "lr_scheduler": factor},
    "sgd many factors": {"momentum": 0.9, "lr_scheduler": many_factors},
    "sgd gluoncv": {"momentum": 0.9, "lr_scheduler": gluoncv_sequence},
    "sgd float16": {"momentum": 0.9, "learning_rate": 0.1, "multi_precision": True, "dtype": "float16"},
    "sgd float64": {"momentum": 0.9, "learning_rate": 0.1, "dtype": "float64"},
    "nag": {"momentum": 0.9, "learning_rate": 0.05, "clip_gradient": 0.5},
    "signum": {"learning_rate": 0.01, "wd_lh": 1e-3},
    "adam": {"learning_rate": 0.01},
    "nadam": {"learning_rate": 0.01},
    "rmsprop centered": {"centered": True, "learning_rate": 0.01},
    "dcasgd": {"learning_rate": 0.1},
    "sgd local": {
        "momentum": 0.9,
        "lr_scheduler": factor,
        "ctx": TWO,
        "kvstore": {"kvstore": "local", "update_on_kvstore": True},
    },
    "adam local": {"learning_rate": 0.01, "ctx": TWO, "kvstore": {"kvstore": "local", "update_on_kvstore": False}},
    "nag device": {"momentum": 0.9, "learning_rate": 0.05, "ctx": TWO, "kvstore": {"kvstore": "device"}},
    "adam apart": {"learning_rate": 0.01, "ctx": TWO, "kvstore": {"kvstore": None}},
}


def begin(case: str, net: gluon.Block | None = None):
    arguments = dict(CASES[case])
    if "lr_scheduler" in arguments:
        arguments["lr_scheduler"] = arguments["lr_scheduler"]()
    return runs.start(case.split()[0], net=net, **arguments)


@pytest.mark.filterwarnings("ignore:Accumulating with float16")
@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("deferred", [True, False], ids=["before the first step", "after some steps"])
def test_a_resumed_run_equals_the_uninterrupted_one(tmp_path, case, deferred):
    dtype = CASES[case].get("dtype", "float32")
    net, trainer = begin(case, batch_norm_net())
    steps(net, trainer, 7, dtype=dtype)
    path = checkpoint.save(tmp_path / "run", net, trainer, step=7, epoch=1, extra={"note": [1.5, None]})
    steps(net, trainer, 5, first=7, dtype=dtype)
    weights, state = runs.fingerprint(net), runs.whole_state(tmp_path / "whole", net, trainer)

    net, trainer = begin(case, batch_norm_net())
    if not deferred:
        steps(net, trainer, 2, dtype=dtype)
    progress = checkpoint.load(path, net, trainer)
    assert (progress.step, progress.epoch, progress.extra) == (7, 1, {"note": [1.5, None]})
    steps(net, trainer, 5, first=7, dtype=dtype)
    assert runs.fingerprint(net) == weights
    assert runs.whole_state(tmp_path / "resumed", net, trainer) == state


def test_batch_norm_differs_between_devices_and_both_are_kept(tmp_path):
    net, trainer = begin("nag device", batch_norm_net())
    steps(net, trainer, 3)
    first, second = net[0].running_mean.list_data()
    assert (first.asnumpy() != second.asnumpy()).any()
    path = checkpoint.save(tmp_path, net, trainer, step=3, epoch=0)
    weights = runs.fingerprint(net)

    net, trainer = begin("nag device", batch_norm_net())
    checkpoint.load(path, net, trainer)
    assert runs.fingerprint(net) == weights

    net, trainer = begin("nag", batch_norm_net())
    with pytest.raises(ValueError, match="2 devices hold different values, and there are 1 here"):
        checkpoint.load(path, net, trainer)


@pytest.mark.parametrize(("before", "after"), [("sgd local", "sgd factor"), ("sgd factor", "sgd local")])
def test_another_number_of_devices_goes_on_alike(tmp_path, before, after):
    results = []
    for case in (before, after):
        net, trainer = begin(before, mlp(hidden=(8,)))
        steps(net, trainer, 5)
        path = checkpoint.save(tmp_path / case, net, trainer, step=5, epoch=0)
        net, trainer = begin(case, mlp(hidden=(8,)))
        checkpoint.load(path, net, trainer)
        steps(net, trainer, 5, first=5)
        results.append([parameter.list_data()[-1].asnumpy() for parameter in net.collect_params().values()])
    for one, other in zip(*results):
        np.testing.assert_allclose(one, other, atol=1e-5)


def cpus(*ids: int) -> list[mx.Context]:
    return [mx.cpu(i) for i in ids]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (cpus(0), cpus(1)),
        (cpus(1), cpus(0)),
        (cpus(0, 1), cpus(1, 0)),
        (cpus(0, 1), cpus(2, 3)),
        (cpus(0), cpus(2, 3)),
        (cpus(2, 3), cpus(1)),
    ],
    ids=str,
)
@pytest.mark.parametrize(
    ("store", "on_store"),
    [(lambda: "local", False), (lambda: mx.kv.create("local"), True), (MeanStore, False), (MeanStore, True)],
    ids=["MXNet's, apart", "MXNet's", "MeanStore, apart", "MeanStore"],
)
def test_other_devices_go_on_with_the_same_counts(tmp_path, before, after, store, on_store):
    def begin(ctx):
        more = {"learning_rate": 0.1, "lr_scheduler": factor()}
        kvstore = {"kvstore": store(), "update_on_kvstore": on_store}
        return runs.start("adam", net=mlp(hidden=(8,)), ctx=ctx, kvstore=kvstore, **more)

    results = []
    for ctx in (before, after):
        net, trainer = begin(before)
        steps(net, trainer, 4)
        path = checkpoint.save(tmp_path / str(ctx), net, trainer, step=4, epoch=0)
        net, trainer = begin(ctx)
        checkpoint.load(path, net, trainer)
        steps(net, trainer, 5, first=4)
        assert (trainer.optimizer.num_update, trainer.learning_rate) == (9, 0.1 / 4)
        results.append([parameter.list_data()[-1].asnumpy() for parameter in net.collect_params().values()])
    for one, other in zip(*results):
        np.testing.assert_allclose(one, other, rtol=0, atol=0 if len(before) == len(after) else 1e-4)


def test_another_trainer_on_the_same_net_does_not_mislead(tmp_path):
    net, trainer = begin("sgd local", mlp(hidden=(8,)))
    steps(net, trainer, 2)
    path = checkpoint.save(tmp_path, net, trainer, step=2, epoch=0)
    steps(net, trainer, 2, first=2)
    expected = runs.fingerprint(net)
    gluon.Trainer(net.collect_params(), "sgd")
    checkpoint.load(path, net, trainer)
    steps(net, trainer, 2, first=2)
    assert runs.fingerprint(net) == expected


def test_the_sorting_of_prefixes_does_not_matter(tmp_path):
    def net_from(number: int) -> nn.HybridSequential:
        net = nn.HybridSequential()
        for i in range(3):
            net.add(nn.Dense(6, in_units=6, prefix=f"dense{number + i}_"))
        return net

    net, trainer = runs.start("adam", net=net_from(3))
    reordered, other = runs.start("adam", net=net_from(9))  # dense10_ and dense11_ sort before dense9_
    X = mx.nd.random.normal(shape=(4, 6))

    def step(net, trainer):
        with autograd.record():
            (net(X) ** 2).backward()
        trainer.step(4)

    step(net, trainer)
    checkpoint.load(checkpoint.save(tmp_path, net, trainer, step=1, epoch=0), reordered, other)
    step(net, trainer)
    step(reordered, other)
    assert other._params[0] is reordered[1].weight or other._params[0] is reordered[1].bias
    assert runs.fingerprint(reordered) == runs.fingerprint(net)


def test_shared_parameters_are_stored_once(tmp_path):
    def tied() -> nn.HybridSequential:
        net = nn.HybridSequential()
        net.add(nn.Dense(6, in_units=6))
        net.add(nn.Dense(6, in_units=6, params=net[0].params))
        return net

    net, trainer = runs.start("adam", net=tied())
    path = checkpoint.save(tmp_path, net, trainer, step=0, epoch=0)
    assert (path / "state.safetensors").read_bytes().count(b"parameter/") == 2
    other, its_trainer = runs.start("adam", net=tied())
    other[0].weight.set_data(mx.nd.zeros((6, 6)))
    checkpoint.load(path, other, its_trainer)
    assert runs.fingerprint(other) == runs.fingerprint(net)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"net": mlp(hidden=(9,))}, r"0\.weight is \(9, .*\) float32 in net, \(16, 64\) float32 in the checkpoint"),
        ({"net": mlp(hidden=(16, 16))}, r"1\.weight is only in net"),
        ({"net": mlp(hidden=())}, r"2\.weight is only in the checkpoint"),
        ({"dtype": "float64"}, r"0\.weight is .* float64 in net"),
        ({"optimizer": "nag"}, r"optimizer\.class is mxnet.*NAG here, mxnet.*SGD in the checkpoint"),
        ({"lr_scheduler": None}, r"optimizer\.lr_scheduler\.class is None here, mxnet.*FactorScheduler in"),
        ({"lr_scheduler": many_factors()}, r"MultiFactorScheduler here, mxnet.*FactorScheduler in"),
    ],
    ids=lambda value: "" if isinstance(value, dict) else value,
)
def test_another_architecture_or_optimizer_is_refused_and_nothing_changes(tmp_path, change, message):
    net, trainer = runs.start(momentum=0.9, lr_scheduler=factor())
    steps(net, trainer, 2)
    path = checkpoint.save(tmp_path, net, trainer, step=2, epoch=0)

    arguments = {"optimizer": "sgd", "momentum": 0.9, "lr_scheduler": factor(), **change}
    net, trainer = runs.start(arguments.pop("optimizer"), **arguments)
    steps(net, trainer, 1, dtype=change.get("dtype", "float32"))
    before = runs.whole_state(tmp_path / "before", net, trainer)
    with pytest.raises(ValueError, match=message):
        checkpoint.load(path, net, trainer)
    assert runs.whole_state(tmp_path / "after", net, trainer) == before


def test_an_optimizer_that_the_store_refuses_changes_nothing(tmp_path):
    """By the settings that it had then; the one that is there would do."""
    net, trainer = runs.start("signsgd", net=Linear(), wd=1e-3, lr_scheduler=factor(), kvstore={"kvstore": None})
    steps(net, trainer, 4)
    path = checkpoint.save(tmp_path / "run", net, trainer, step=4, epoch=0)

    net, trainer = runs.start("signsgd", net=Linear(), lr_scheduler=factor(), kvstore={"kvstore": VoteStore()})
    before = runs.whole_state(tmp_path / "before", net, trainer)
    with pytest.raises(ValueError, match=r"does not fit this net and trainer: .*use wd_lh, got wd=0\.001"):
        checkpoint.load(path, net, trainer)
    assert runs.whole_state(tmp_path / "after", net, trainer) == before
    steps(net, trainer, 1)


def test_an_optimizer_that_the_store_would_refuse_may_be_the_trainers(tmp_path):
    net, trainer = runs.start("signsgd", net=Linear(), wd=1e-3)
    path = checkpoint.save(tmp_path, net, trainer, step=0, epoch=0)
    apart = {"kvstore": VoteStore(), "update_on_kvstore": False}
    net, trainer = runs.start("signsgd", net=Linear(), kvstore=apart)
    checkpoint.load(path, net, trainer)
    assert trainer.optimizer.wd == 1e-3
    steps(net, trainer, 1)


def test_a_checkpoint_that_one_rank_cannot_load_is_loaded_by_none(tmp_path):
    def load(link):
        net, trainer = runs.start(net=Linear(), kvstore={"kvstore": MeanStore(link)})
        path = checkpoint.save(tmp_path / str(link.rank), net, trainer, step=0, epoch=0)
        net.weight.set_data(mx.nd.ones_like(net.weight.data()))
        before = runs.fingerprint(net)
        if link.rank == 1:
            (path / "state.safetensors").write_bytes(b"other")
        kind, message = (Damaged, "does not match") if link.rank == 1 else (ValueError, "rank 1: Damaged: ")
        with pytest.raises(kind, match=message):
            checkpoint.load(path, net, trainer)
        assert runs.fingerprint(net) == before

    ranks(2, load)


def test_a_trainer_of_only_some_layers(tmp_path):
    net, trainer = runs.start(net=mlp(hidden=(8,)))
    steps(net, trainer, 1)
    path = checkpoint.save(tmp_path, net, trainer, step=1, epoch=0)
    head = gluon.Trainer(net[1].collect_params(), "sgd")
    with pytest.raises(ValueError, match=r"the trainer updates 1\.bias, 1\.weight, in the checkpoint 0\.bias"):
        checkpoint.load(path, net, head)
    with pytest.raises(ValueError, match=r"the trainer updates .*dense.*, which net does not have"):
        checkpoint.save(tmp_path, net[0], trainer, step=2, epoch=0)


def test_what_cannot_be_exact_is_refused(tmp_path):
    net, trainer = runs.start()
    with pytest.raises(ValueError, match=r"no values yet for 0\.weight.*pass one batch"):
        checkpoint.save(tmp_path, net, trainer, step=0, epoch=0)

    net, trainer = runs.start(kvstore={"kvstore": "dist_sync"})
    with pytest.raises(ValueError, match="lives on the servers of the 'dist_sync' store"):
        checkpoint.save(tmp_path, net, trainer, step=0, epoch=0)

    compression = {"compression_params": {"type": "2bit", "threshold": 0.5}}
    net, trainer = runs.start(ctx=TWO, kvstore=compression)
    with pytest.raises(ValueError, match=r"gradient compression .*2bit.* residual"):
        checkpoint.save(tmp_path, net, trainer, step=0, epoch=0)

    net, trainer = runs.start(ctx=TWO, kvstore={"kvstore": "votestore"})
    with pytest.raises(ValueError, match=r"'votestore' remembers is out of reach: use kvstore=VoteStore\(\)"):
        checkpoint.save(tmp_path, net, trainer, step=0, epoch=0)

    net, trainer = runs.start(net=mlp(hidden=()))
    net.add(nn.Dense(3))
    with pytest.raises(ValueError, match=r"net is not initialised: 1\.weight, 1\.bias"):
        checkpoint.save(tmp_path, net, trainer, step=0, epoch=0)

    net = nn.HybridSequential()
    net.add(Linear())
    net[0].rows = net[0].params.get("rows", shape=(3, 2), stype="row_sparse")
    net, trainer = runs.start(net=net)
    with pytest.raises(ValueError, match=r"sparse parameters cannot be stored: 0\.rows"):
        checkpoint.save(tmp_path, net, trainer, step=0, epoch=0)

    net, trainer = runs.start(net=mlp(hidden=()))
    steps(net, trainer, 1)
    trainer.optimizer.secret = object()
    with pytest.raises(TypeError, match=r"optimizer/secret is a builtins\.object"):
        checkpoint.save(tmp_path, net, trainer, step=0, epoch=0)
    assert list(tmp_path.iterdir()) == []


def test_a_store_given_as_an_object_takes_weights_only_once(tmp_path):
    store = {"kvstore": mx.kv.create("local"), "update_on_kvstore": True}
    net, trainer = runs.start(ctx=TWO, kvstore=store, net=mlp(hidden=()))
    steps(net, trainer, 1)
    path = checkpoint.save(tmp_path, net, trainer, step=1, epoch=0)
    with pytest.raises(ValueError, match="the store already holds weights: load before the first step"):
        checkpoint.load(path, net, trainer)


class MomentumStore(TestStore):
    """A store with state of its own: momentum on the summed gradient."""

    type = "momentum"

    def __init__(self) -> None:
        self.states = {}

    def pushpull(self, key, value, out=None, priority=0):
        super().pushpull(key, value, out, priority)
        momentum = self.states.setdefault(key, [mx.nd.zeros_like(v) for v in value])
        for v, m in zip(value, momentum):
            m[:] = 0.9 * m + v
            v[:] = m


def test_the_states_of_a_store_are_kept(tmp_path):
    def begin():
        return runs.start(ctx=TWO, kvstore={"kvstore": MomentumStore()}, net=mlp(hidden=(8,)))

    net, trainer = begin()
    steps(net, trainer, 3)
    path = checkpoint.save(tmp_path / "run", net, trainer, step=3, epoch=0)
    steps(net, trainer, 3, first=3)
    weights = runs.fingerprint(net)

    net, trainer = begin()
    checkpoint.load(path, net, trainer)
    assert [array.context for array in trainer._kvstore.states[0]] == TWO
    steps(net, trainer, 3, first=3)
    assert runs.fingerprint(net) == weights

    net, trainer = runs.start(ctx=TWO, net=mlp(hidden=(8,)))
    with pytest.raises(ValueError, match="the checkpoint has states of a store"):
        checkpoint.load(path, net, trainer)


class Averages:
    """Something else that remembers."""

    def __init__(self, *states: dict) -> None:
        self.states = dict(*states)


@pytest.mark.parametrize(
    "keys", [(0, 3), ("0.weight", "1.bias"), ("0.weight", "mine"), (0, "0.weight"), ("0", "1"), (7, 8)], ids=str
)
def test_states_come_back_under_the_keys_that_they_had(tmp_path, keys):
    def begin():
        return runs.start(net=mlp(hidden=(8,)))

    net, trainer = begin()
    steps(net, trainer, 1)
    states = {key: float(i) for i, key in enumerate(keys)}
    trainer.optimizer.averages = states
    memory = {"flat": Averages(states), "nested": Averages({"inner": states}), "none": Averages()}
    path = checkpoint.save(tmp_path, net, trainer, step=1, epoch=0, extra=states, memory=memory)
    net, trainer = begin()
    loaded = {name: Averages() for name in memory}
    assert checkpoint.load(path, net, trainer, memory=loaded).extra == states
    assert trainer.optimizer.averages == states
    for name, one in memory.items():
        assert repr(loaded[name].states) == repr(one.states)
    assert {type(loaded["flat"].states), type(trainer.optimizer.averages)} == {dict}


def test_memories_share_no_array(tmp_path):
    net, trainer = begin("sgd")
    steps(net, trainer, 1)
    memory = {"a": Averages({"b": {"c": np.zeros(2)}}), "a/b": Averages({"c": np.ones(2)})}
    path = checkpoint.save(tmp_path, net, trainer, step=1, epoch=0, memory=memory)
    loaded = {name: Averages() for name in memory}
    checkpoint.load(path, net, trainer, memory=loaded)
    assert loaded["a"].states["b"]["c"].tolist() == [0, 0]
    assert loaded["a/b"].states["c"].tolist() == [1, 1]


def test_the_loss_scale_of_mixed_precision_is_kept(tmp_path):
    net, trainer = runs.start(net=mlp(hidden=()))
    steps(net, trainer, 1)
    trainer._amp_loss_scaler, trainer._scale = LossScaler(), 1 / 1024
    trainer._amp_loss_scaler._unskipped = 77
    path = checkpoint.save(tmp_path, net, trainer, step=1, epoch=0)

    net, trainer = runs.start(net=mlp(hidden=()))
    with pytest.raises(ValueError, match="only one of the two scales its loss"):
        checkpoint.load(path, net, trainer)
    trainer._amp_loss_scaler = LossScaler()
    checkpoint.load(path, net, trainer)
    assert (trainer._amp_loss_scaler._unskipped, trainer._scale) == (77, 1 / 1024)


def test_no_pickle_and_a_format_others_can_read(tmp_path):
    from safetensors import safe_open

    net, trainer = begin("adam")
    steps(net, trainer, 2)
    path = checkpoint.save(tmp_path, net, trainer, step=2, epoch=0, extra={"seed": 5})
    with safe_open(str(path / "state.safetensors"), framework="np") as file:
        np.testing.assert_array_equal(file.get_tensor("0/parameter/0.weight"), net[0].weight.data().asnumpy())
        assert "0/updater/0.weight/1" in file.keys()  # noqa: SIM118  (not a dict)
        record = json.loads(file.metadata()["gluonbook"])
    assert (record["step"], record["extra"]) == (2, {"dict": [["seed", 5]]})
    assert record["versions"]["mxnet"] == mx.__version__
    assert checkpoint.peek(path).settings["optimizer.beta1"] == 0.9
    record["format"] = 99
    blob = (path / "state.safetensors").read_bytes().replace(b'format\\": 3,', b'format\\": 9,')
    shutil.rmtree(path)
    folders.write(tmp_path, 2, {"state.safetensors": blob})
    with pytest.raises(ValueError, match="has format 9, this gluonbook reads format 3"):
        checkpoint.load(path, net, trainer)
    folders.write(tmp_path, 3, {"other": b""})
    with pytest.raises(Damaged, match=r"step-00000003 has no state\.safetensors"):
        checkpoint.peek(tmp_path / "step-00000003")


def test_f11_disk_full(tmp_path):
    net, trainer = begin("adam")
    steps(net, trainer, 2)
    path = checkpoint.save(tmp_path, net, trainer, step=2, epoch=0)
    weights = runs.fingerprint(net)
    steps(net, trainer, 2)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, limits[1]))
    try:
        with pytest.raises(OSError, match="File too large"):
            checkpoint.save(tmp_path, net, trainer, step=4, epoch=0)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert [entry.name for entry in tmp_path.iterdir()] == ["step-00000002"]
    checkpoint.load(checkpoint.latest(tmp_path), net, trainer)
    assert (checkpoint.latest(tmp_path), runs.fingerprint(net)) == (path, weights)


def test_f12_f14_kill_the_real_thing_and_run_it_again(tmp_path):
    """A training process is killed at random steps, each time started again, and ends where an unharmed one does."""
    net, trainer, _ = runs.killable_run(None)
    expected = runs.whole_state(tmp_path / "unharmed", net, trainer)
    folder, luck, kills, before = tmp_path / "run", random.Random(12), 0, []
    command = [sys.executable, runs.__file__, str(folder)]
    for target in sorted(luck.sample(range(1, 58), 50 if FULL else 2)):
        with subprocess.Popen(command, env={**os.environ, "TQDM_DISABLE": "1"}) as process:
            while process.poll() is None and not any(s >= target for s in saved_steps(folder)):
                time.sleep(0.0005)
            time.sleep(luck.uniform(0, 0.005))
            process.kill()
        kills += process.returncode == -signal.SIGKILL
        assert runs.times(folder)[: len(before)] == before
        before = runs.times(folder)
        assert checkpoint.peek(checkpoint.latest(folder)).step >= target
    subprocess.run(command, check=True, env={**os.environ, "TQDM_DISABLE": "1"})
    assert kills > 0
    assert before and runs.times(folder)[: len(before)] == before
    net, trainer = runs.start(momentum=0.9, lr_scheduler=mx.lr_scheduler.CosineScheduler(max_update=60, base_lr=0.1))
    checkpoint.load(checkpoint.latest(folder), net, trainer)
    assert runs.whole_state(tmp_path / "killed", net, trainer) == expected
    assert not list(folder.glob(".tmp-*"))


def saved_steps(folder: Path) -> list[int]:
    return [int(path.name[5:]) for path in folder.glob("step-????????")]


def test_f13_flips_and_cuts(tmp_path):
    net, trainer = begin("adam")
    steps(net, trainer, 2)
    path = checkpoint.save(tmp_path, net, trainer, step=2, epoch=0)
    files = {file: file.read_bytes() for file in path.iterdir()}
    before, luck = runs.whole_state(tmp_path / "before", net, trainer), random.Random(13)
    for _ in range(100):
        victim = luck.choice(sorted(files))
        data = bytearray(files[victim])
        if luck.random() < 0.5:
            data[luck.randrange(len(data))] ^= 1 << luck.randrange(8)
        else:
            del data[luck.randrange(len(data)) :]
        victim.write_bytes(data)
        with pytest.raises(Damaged, match="step-00000002"):
            checkpoint.load(path, net, trainer)
        victim.write_bytes(files[victim])
    assert runs.whole_state(tmp_path / "after", net, trainer) == before
    checkpoint.load(path, net, trainer)
