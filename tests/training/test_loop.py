from __future__ import annotations

import os
import random
import subprocess
import sys
import textwrap

import mxnet as mx
import numpy as np
import pytest
from mxnet import autograd, gluon
from mxnet.gluon import nn
from threads import ranks

import runs
from gluonbook import checkpoint
from gluonbook.kvstore import MeanStore
from gluonbook.models import mlp
from gluonbook.storage import folders
from gluonbook.training import History, PlainStep, ShuffledBatches, evaluate, fit, set_seed
from gluonbook.training.run import Run, start_or_resume

pytestmark = pytest.mark.slow

DATA, TEST = runs.digits(100), runs.digits(37)
FEW, ODD = {"epochs": 2, "batch_size": 10}, {"epochs": 2, "batch_size": 32}


def cpus(count: int) -> list[mx.Context]:
    return [mx.cpu(i) for i in range(count)]


def plain() -> nn.HybridSequential:
    return mlp(hidden=(8,))


def scheduled(**changes):
    """The run of F14: momentum, a schedule, dropout; everything made anew."""
    schedule = mx.lr_scheduler.FactorScheduler(step=3, factor=0.8, base_lr=0.2)
    return runs.start(**{"momentum": 0.9, "wd": 1e-3, "lr_scheduler": schedule, **changes})


def weights_of(net) -> list[np.ndarray]:
    return [array.asnumpy() for parameter in net.collect_params().values() for array in parameter.list_data()]


@pytest.mark.parametrize("shuffle", [True, False])
def test_fit_is_the_loop_one_would_write(shuffle):
    net, trainer = runs.start(net=plain(), learning_rate=0.1)
    history = fit(net, trainer, DATA, **ODD, test=TEST, seed=4, shuffle=shuffle)

    by_hand, trainer = runs.start(net=plain(), learning_rate=0.1)
    loss, X, y = gluon.loss.SoftmaxCrossEntropyLoss(), *DATA[:]
    for epoch in range(2):
        total, hits = 0.0, 0
        for batch in ShuffledBatches(100, 32, seed=4, epoch=epoch, shuffle=shuffle):
            with autograd.record():
                out = by_hand(mx.nd.array(X[batch]))
                losses = loss(out, mx.nd.array(y[batch]))
            losses.backward()
            trainer.step(len(batch))
            total += losses.asnumpy().astype(np.float64).sum()
            hits += (out.asnumpy().argmax(axis=1) == y[batch]).sum()
        row, score = history.rows[epoch], evaluate(by_hand, TEST)
        assert (row.epoch, row.steps) == (epoch + 1, 4 * (epoch + 1))
        assert (row.train_loss, row.train_accuracy) == (pytest.approx(total / 100, rel=1e-12), hits / 100)
        assert (row.test_loss, row.test_accuracy) == (score.loss, score.accuracy)
    assert row.seconds > 0
    assert row.samples_per_second == pytest.approx(100 / row.seconds)
    for one, other in zip(weights_of(net), weights_of(by_hand)):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("devices", [2, 3])
@pytest.mark.parametrize("batch_size", [32, 11, 2])
@pytest.mark.parametrize("update_on_kvstore", [True, False])
def test_many_devices_equal_one(devices, batch_size, update_on_kvstore):
    # 100 = 3·32 + 4 = 9·11 + 1: last batches that are small, odd, or smaller than the number of devices.
    net, trainer = runs.start(net=plain(), learning_rate=0.05)
    expected = fit(net, trainer, DATA, epochs=1, batch_size=batch_size, test=TEST)
    store = {"kvstore": "local", "update_on_kvstore": update_on_kvstore}
    many, trainer = runs.start(net=plain(), learning_rate=0.05, ctx=cpus(devices), kvstore=store)
    history = fit(many, trainer, DATA, epochs=1, batch_size=batch_size, test=TEST)
    for column in ("steps", "train_loss", "train_accuracy", "test_loss", "test_accuracy"):
        np.testing.assert_allclose(history[column], expected[column], rtol=1e-4)
    for name, parameter in many._collect_params_with_prefix().items():
        one = net._collect_params_with_prefix()[name].data().asnumpy()
        for copy in parameter.list_data():
            np.testing.assert_allclose(copy.asnumpy(), one, atol=2e-5)


def test_seed_decides_shuffling_and_dropout_and_global_generators_stay():
    fingerprints = []
    for seed, noise in ((1, 5), (1, 6), (2, 5)):
        net, trainer = scheduled()
        evaluate(net, DATA)  # the first batch draws the weights
        set_seed(noise)
        expected = random.random(), np.random.rand()
        set_seed(noise)
        fit(net, trainer, DATA, **FEW, seed=seed)
        assert (random.random(), np.random.rand()) == expected
        fingerprints.append(runs.fingerprint(net))
    assert fingerprints[0] == fingerprints[1] != fingerprints[2]


def test_saving_does_not_change_the_run(tmp_path):
    fingerprints = set()
    for folder, every in ((None, None), (tmp_path / "epochs", None), (tmp_path / "steps", 3)):
        net, trainer = scheduled()
        history = fit(net, trainer, DATA, **FEW, test=TEST, checkpoints=folder, every=every)
        fingerprints.add((runs.fingerprint(net), history.to_json().split("seconds")[0]))
    assert len(fingerprints) == 1
    assert sorted(path.name for path in (tmp_path / "epochs").iterdir()) == ["step-00000010", "step-00000020"]
    assert sorted(path.name for path in (tmp_path / "steps").iterdir()) == ["step-00000018", "step-00000020"]


def interrupted(folder, steps: int, every: int, start=scheduled, data=DATA, **arguments) -> None:
    net, trainer = start()
    runs.break_after(trainer, steps)
    with pytest.raises(runs.Interrupted):
        fit(net, trainer, data, checkpoints=folder, every=every, **arguments)


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    net, trainer = scheduled()
    history = fit(net, trainer, DATA, **FEW, test=TEST, seed=1)
    return runs.whole_state(tmp_path_factory.mktemp("whole"), net, trainer), runs.fingerprint(net), history


@pytest.mark.parametrize("steps", range(1, 21))
def test_f14_resume_at_each_step(tmp_path, uninterrupted, steps):
    if steps < 20:
        interrupted(tmp_path / "run", steps, every=steps, **FEW, test=TEST, seed=1)
        assert checkpoint.peek(checkpoint.latest(tmp_path / "run")).step == steps
    else:
        net, trainer = scheduled()
        fit(net, trainer, DATA, **FEW, test=TEST, seed=1, checkpoints=tmp_path / "run")
    net, trainer = scheduled()
    set_seed(steps)
    history = fit(net, trainer, DATA, **FEW, test=TEST, seed=1, checkpoints=tmp_path / "run", every=100)
    whole, fingerprint, expected = uninterrupted
    assert runs.fingerprint(net) == fingerprint
    assert runs.whole_state(tmp_path / "whole", net, trainer) == whole
    assert history == expected


@pytest.mark.parametrize("devices", [1, 2])
def test_resume_with_a_coarser_interval_and_more_devices(tmp_path, devices):
    def start():
        return scheduled(ctx=cpus(devices))

    net, trainer = start()
    expected = fit(net, trainer, DATA, epochs=3, batch_size=32, test=TEST)
    interrupted(tmp_path, 7, every=3, start=start, epochs=3, batch_size=32, test=TEST)
    resumed, trainer = start()
    history = fit(resumed, trainer, DATA, epochs=3, batch_size=32, test=TEST, checkpoints=tmp_path, every=3)
    assert history == expected
    assert runs.fingerprint(resumed) == runs.fingerprint(net)


def test_resume_on_another_number_of_devices(tmp_path):
    def start(count):
        return runs.start(net=plain(), learning_rate=0.1, ctx=cpus(count))

    net, trainer = start(1)
    expected = fit(net, trainer, DATA, **FEW)
    for before, after in ((1, 2), (2, 1)):
        folder = tmp_path / f"{before}"
        interrupted(folder, 15, every=3, start=lambda count=before: start(count), **FEW)
        net, trainer = start(after)
        history = fit(net, trainer, DATA, **FEW, checkpoints=folder, every=3)
        np.testing.assert_allclose(history["train_loss"], expected["train_loss"], rtol=1e-5)
        assert history["train_accuracy"].tolist() == expected["train_accuracy"].tolist()


@pytest.mark.parametrize("num_workers", [0, 2])
def test_resume_with_augmentation(tmp_path, num_workers):
    def noisy(X):
        return X + mx.nd.random.normal(scale=0.1, shape=X.shape).asnumpy() * random.random() + np.random.rand()

    augmented = DATA.transform_first(noisy)
    net, trainer = scheduled()
    expected = fit(net, trainer, augmented, **FEW)
    interrupted(tmp_path, 13, every=4, data=augmented, **FEW)
    resumed, trainer = scheduled()
    assert fit(resumed, trainer, augmented, **FEW, checkpoints=tmp_path, num_workers=num_workers) == expected
    assert runs.fingerprint(resumed) == runs.fingerprint(net)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # pytest.warns repeats those of MXNet's own code
def test_resume_passes_over_a_damaged_checkpoint(tmp_path, uninterrupted):
    interrupted(tmp_path, 9, every=3, **FEW, test=TEST, seed=1)
    (tmp_path / "step-00000009" / "SHA256SUMS").unlink()
    net, trainer = scheduled()
    with pytest.warns(RuntimeWarning, match="skipped damaged step-00000009"):
        history = fit(net, trainer, DATA, **FEW, test=TEST, seed=1, checkpoints=tmp_path, every=3)
    assert (runs.fingerprint(net), history) == uninterrupted[1:]


def test_a_finished_run_is_loaded(tmp_path, uninterrupted):
    net, trainer = scheduled()
    fit(net, trainer, DATA, **FEW, test=TEST, seed=1, checkpoints=tmp_path)
    again, trainer = scheduled()
    runs.break_after(trainer, 0)
    history = fit(again, trainer, DATA, **FEW, test=TEST, seed=1, checkpoints=tmp_path)
    assert (runs.fingerprint(again), history) == uninterrupted[1:]


def test_a_run_is_prolonged_with_the_same_or_a_new_trainer(tmp_path):
    net, trainer = scheduled()
    expected = fit(net, trainer, DATA, epochs=3, batch_size=10)
    for name, fresh in (("same", False), ("new", True)):
        prolonged, trainer = scheduled()
        fit(prolonged, trainer, DATA, epochs=1, batch_size=10, checkpoints=tmp_path / name)
        if fresh:
            prolonged, trainer = scheduled()
        assert fit(prolonged, trainer, DATA, epochs=3, batch_size=10, checkpoints=tmp_path / name) == expected
        assert runs.fingerprint(prolonged) == runs.fingerprint(net)


def test_a_rate_set_by_hand_is_state(tmp_path):
    def halve(trainer):
        return lambda history: trainer.set_learning_rate(trainer.learning_rate / 2)

    net, trainer = runs.start(learning_rate=0.2)
    expected = fit(net, trainer, DATA, epochs=3, batch_size=10, on_epoch=halve(trainer))
    resumed, trainer = runs.start(learning_rate=0.2)
    fit(resumed, trainer, DATA, epochs=2, batch_size=10, on_epoch=halve(trainer), checkpoints=tmp_path)
    resumed, trainer = runs.start(learning_rate=0.2)
    arguments = {"epochs": 3, "batch_size": 10, "on_epoch": halve(trainer), "checkpoints": tmp_path}
    assert fit(resumed, trainer, DATA, **arguments) == expected
    assert trainer.learning_rate == 0.2 / 8
    assert runs.fingerprint(resumed) == runs.fingerprint(net)


@pytest.mark.parametrize(
    ("arguments", "trainer_arguments", "message"),
    [
        ({}, {"momentum": 0.8}, r"optimizer\.momentum=0\.8, there 0\.9"),
        ({}, {"wd": 0.0}, r"optimizer\.wd=0\.0, there 0\.001"),
        ({}, {"lr_scheduler": mx.lr_scheduler.FactorScheduler(4, 0.8, base_lr=0.2)}, r"lr_scheduler\.step=4, there 3"),
        ({"batch_size": 20, "epochs": 4}, {}, "batch_size=20, there 10"),
        ({"seed": 2}, {}, "seed=2, there 0"),
        ({"shuffle": False}, {}, "shuffle=False, there True"),
        ({"epochs": 1}, {}, "10 steps, there 20 already"),
    ],
)
def test_another_run_is_refused_unless_told_to_start_over(tmp_path, arguments, trainer_arguments, message):
    net, trainer = scheduled()
    fit(net, trainer, DATA, **FEW, checkpoints=tmp_path)
    net, trainer = scheduled(**trainer_arguments)
    arguments = {**FEW, "checkpoints": tmp_path, **arguments}
    with pytest.raises(ValueError, match=rf"step-00000020 belongs to another run \(.*{message}.*\).*checkpoint\.clear"):
        fit(net, trainer, DATA, **arguments)
    assert net[0].weight._data is None, "nothing is loaded"
    checkpoint.clear(tmp_path)
    history = fit(net, trainer, DATA, **arguments)
    assert len(history) == arguments["epochs"]
    assert max(path.name for path in tmp_path.iterdir()) == f"step-{history['steps'][-1]:08d}"


def test_a_checkpoint_of_another_loop_is_refused(tmp_path):
    net, trainer = runs.start(net=plain())
    evaluate(net, DATA)
    checkpoint.save(tmp_path, net, trainer, step=0, epoch=0)
    with pytest.raises(ValueError, match="step-00000000 was not written by fit"):
        fit(net, trainer, DATA, **FEW, checkpoints=tmp_path)


def begun(link, folder) -> Run:
    """A run of one of several ranks, before its first step, or where it goes on."""
    net, trainer = runs.start(net=nn.Dense(10, in_units=64), kvstore={"kvstore": MeanStore(link)})
    loss, batches = gluon.loss.SoftmaxCrossEntropyLoss(), ShuffledBatches(100, 10, 0)
    return start_or_resume(net, trainer, loss, PlainStep(), batches, cpus(1), 20, folder)


@pytest.mark.parametrize("saving", [0, 1])
def test_ranks_save_all_or_none(tmp_path, saving):
    said = [f"rank {rank}: 20 steps, 10 an epoch, {'' if rank == saving else 'not '}saved" for rank in range(2)]

    def run(link):
        with pytest.raises(ValueError, match="; ".join(said)):
            begun(link, tmp_path if link.rank == saving else None)

    ranks(2, run)


def test_what_keeps_one_rank_from_going_on_is_raised_on_all(tmp_path):
    def run(link):
        begun(link, tmp_path).save()
        if link.rank == 1:
            folders.write(tmp_path / "rank-1", 0, {"other": b"sound, and no checkpoint of a net"})
        return raised(lambda: begun(link, tmp_path))

    its, mine = ranks(2, run)
    assert isinstance(mine, checkpoint.Damaged) and "has no state.safetensors" in str(mine)
    assert isinstance(its, ValueError) and "rank 1: Damaged: " in str(its)


def test_a_folder_that_one_rank_cannot_write_is_raised_on_all(tmp_path):
    def run(link):
        one = begun(link, tmp_path)
        if link.rank == 1:
            (tmp_path / "rank-1").touch()
        return raised(one.prepare)

    its, mine = ranks(2, run)
    assert isinstance(mine, checkpoint.StorageError) and "cannot be written" in str(mine)
    assert isinstance(its, ValueError) and "rank 1: StorageError: " in str(its)


def raised(act) -> BaseException | None:
    try:
        act()
    except (ValueError, RuntimeError, OSError) as error:
        return error
    return None


@pytest.mark.parametrize("every", [None, 1])
def test_a_loss_that_is_not_finite_stops_the_run_before_it_is_saved(tmp_path, every):
    X, y = DATA[:]
    net, trainer = runs.start(net=mlp(hidden=()), learning_rate=0.01)  # a ReLU would turn NaN into 0
    fit(net, trainer, DATA, epochs=1, batch_size=10, checkpoints=tmp_path, every=every)
    X = X.copy()
    X[50] = np.nan
    poisoned = gluon.data.ArrayDataset(X, y)
    with pytest.raises(FloatingPointError, match=r"the train loss is nan in epoch 2, by step \d+"):
        fit(net, trainer, poisoned, epochs=3, batch_size=10, checkpoints=tmp_path, every=every)
    checkpoint.load(checkpoint.latest(tmp_path), net, trainer)
    assert np.isfinite(np.concatenate([array.ravel() for array in weights_of(net)])).all()
    with pytest.raises(FloatingPointError, match=r"the test loss is nan in epoch 1, by step 10"):
        fit(net, trainer, DATA, epochs=1, batch_size=10, test=poisoned)


@pytest.mark.parametrize("every", [None, 1])
def test_a_run_that_may_diverge_ends_with_an_infinite_loss_and_its_last_checkpoint_is_a_sound_one(tmp_path, every):
    X, y = DATA[:]
    X = X.copy()
    X[50] = np.nan
    poisoned, seen = gluon.data.ArrayDataset(X, y), []
    arguments = {"batch_size": 10, "checkpoints": tmp_path, "every": every, "may_diverge": True}
    net, trainer = runs.start(net=mlp(hidden=()), learning_rate=0.01)  # a ReLU would turn NaN into 0
    fit(net, trainer, DATA, epochs=1, **arguments)
    history = fit(
        net, trainer, poisoned, epochs=5, on_epoch=lambda history: seen.append(history["train_loss"][-1]), **arguments
    )
    assert len(history) == 2 and np.isfinite(history["train_loss"][0])
    assert seen == [np.inf] == history["train_loss"][1:].tolist()
    checkpoint.load(checkpoint.latest(tmp_path), net, trainer)
    assert np.isfinite(np.concatenate([array.ravel() for array in weights_of(net)])).all()

    net, trainer = runs.start(net=mlp(hidden=()), learning_rate=0.01)
    assert fit(net, trainer, poisoned, epochs=5, **arguments) == history  # resumed, it comes to the same end


def test_a_run_that_may_diverge_ends_with_a_test_loss_that_is_not_finite():
    X, y = DATA[:]
    X = X.copy()
    X[50] = np.nan
    poisoned = gluon.data.ArrayDataset(X, y)
    net, trainer = runs.start(net=mlp(hidden=()), learning_rate=0.01)
    history = fit(net, trainer, DATA, epochs=3, batch_size=10, test=poisoned, may_diverge=True)
    assert history["test_loss"].tolist() == [np.inf]
    assert np.isfinite(history["train_loss"]).all()


def test_who_may_diverge_and_does_not_trains_as_ever():
    ends = []
    for may_diverge in (False, True):
        net, trainer = runs.start(net=plain())
        ends.append(fit(net, trainer, DATA, **FEW, may_diverge=may_diverge))
    assert ends[0] == ends[1] and len(ends[0]) == FEW["epochs"]


def test_on_epoch_sees_the_history_grow():
    seen, (net, trainer) = [], runs.start(net=plain())
    history = fit(net, trainer, DATA, **FEW, on_epoch=lambda history: seen.append(len(history)))
    assert seen == [1, 2]
    assert history["test_loss"].tolist() == pytest.approx([np.nan, np.nan], nan_ok=True)
    assert History.from_json(history.to_json()) == history


def test_regression_trains_too():
    X = np.linspace(-1, 1, 50, dtype="float32").reshape(-1, 1)
    data = gluon.data.ArrayDataset(X, 3 * X + 1)
    net, trainer = runs.start("adam", net=mlp(hidden=(), classes=1), learning_rate=0.1)
    history = fit(net, trainer, data, epochs=20, batch_size=7, loss=gluon.loss.L2Loss(), test=data)
    assert history["test_loss"][-1] < 1e-2
    assert np.isnan(history["train_accuracy"]).all()
    assert history.rows[0].train_accuracy is None


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"epochs": 0}, "epochs must be a whole number from 1, got 0"),
        ({"batch_size": 0}, "batch_size must be a whole number from 1, got 0"),
        ({"seed": -1}, "seed must be a whole number from 0, got -1"),
        ({"num_workers": -1}, "num_workers must be a whole number from 0, got -1"),
        ({"every": 2}, "every=2 needs a folder to save in"),
        ({"every": 0, "checkpoints": "run"}, "every must be a whole number from 1, got 0"),
        ({"ctx": mx.cpu(1)}, r"ctx is \[cpu\(1\)\], and net lives on \[cpu\(0\)\]"),
        ({"ctx": []}, r"ctx is \[\], and net lives on \[cpu\(0\)\]"),
        ({"train": gluon.data.ArrayDataset(np.zeros((0, 3)), np.zeros(0))}, "train is empty"),
        ({"loss": lambda out, y: (out * 0).sum()}, r"loss must give one value a sample, shape \(10,\), got \(1,\)"),
    ],
)
def test_bad_arguments_are_named(arguments, message):
    net, trainer = runs.start(net=plain())
    with pytest.raises(ValueError, match=message):
        fit(net, trainer, **{"train": DATA, **FEW, **arguments})


def test_the_net_must_be_used_on_all_its_devices():
    net, trainer = runs.start(net=plain(), ctx=cpus(2))
    with pytest.raises(ValueError, match=r"ctx is \[cpu\(0\)\], and net lives on \[cpu\(0\), cpu\(1\)\]"):
        fit(net, trainer, DATA, **FEW, ctx=mx.cpu(0))


def test_a_trainer_that_compresses_may_be_dropped_after_a_fit_that_breaks_off():
    """MXNet's store does not keep what its work under way still needs: without `fit`'s waiting, this is a segfault."""
    script = """
        import gc
        import mxnet as mx
        from mxnet import gluon, nd
        from gluonbook.training import PlainStep, fit

        class Broken(PlainStep):
            def take(self, trainer, batch):
                super().take(trainer, batch)
                raise RuntimeError

        ctx = [mx.cpu(0), mx.cpu(1)]
        some = gluon.data.ArrayDataset(nd.ones((4, 2000)), nd.zeros(4))
        gc.freeze()  # so that a collection is fast
        for _ in range(10):
            net = gluon.nn.Dense(2000)
            net.initialize(ctx=ctx)
            settings = {"kvstore": "device", "compression_params": {"type": "2bit", "threshold": 0.5}}
            trainer = gluon.Trainer(net.collect_params(), "sgd", **settings)
            try:
                fit(net, trainer, some, ctx=ctx, batch_size=4, epochs=1, step=Broken())
            except RuntimeError:
                pass
            del net, trainer
            gc.collect()  # they know each other
    """
    words = [sys.executable, "-c", textwrap.dedent(script)]
    done = subprocess.run(words, capture_output=True, text=True, env={**os.environ, "TQDM_DISABLE": "1"})
    assert done.returncode == 0, done.stderr
