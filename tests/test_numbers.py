"""Numbers that callers hand over: those of numpy and MXNet are Python's, and what is no such number is refused by name.

The table goes over all public functions that take a number; `test_no_function_is_left_out` finds them.
"""

from __future__ import annotations

import contextlib
import inspect
import json
import re
import shutil
from collections.abc import Iterator
from fractions import Fraction
from functools import partial
from types import SimpleNamespace
from typing import Any, Callable

import mxnet as mx
import numpy as np
import pytest
from mxnet import gluon

from gluonbook import (
    checkpoint,
    crowd,
    datasets,
    decoupled,
    forecast,
    gossip,
    initializers,
    kernels,
    kvstore,
    lander,
    launch,
    lipschitz,
    models,
    optimizers,
    series,
    study,
    theory,
    topics,
    training,
)
from gluonbook.machine import devices
from gluonbook.measure import grids, timeline, timing
from gluonbook.storage import folders
from gluonbook.theory import costs

DATA = gluon.data.ArrayDataset(np.ones((6, 2), "float32"), np.zeros(6, "float32"))
PROBLEM = {"data": "digits", "net": "lenet", "images": 100, "validation": 10, "test": 10}


def dense() -> tuple[gluon.Block, gluon.Trainer]:
    training.set_seed(1)
    net = gluon.nn.Dense(2, in_units=2)
    net.initialize()
    return net, gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.5})


def fit(folder, **numbers):
    net, trainer = dense()
    numbers = {"epochs": 1, "batch_size": 4, "seed": 1, **numbers}
    training.fit(net, trainer, DATA, checkpoints=folder, **numbers)
    return net.weight.data().asnumpy().tolist(), sorted(path.name for path in folder.iterdir())


def save(folder, **numbers):
    path = checkpoint.save(folder, *dense(), **{"step": 3, "epoch": 1, **numbers})
    found = checkpoint.peek(path)
    return path.name, found.step, found.epoch


def stored(function):
    """What is given, and left, of two checkpoints."""

    def calls(folder, **numbers):
        for step in (1, 3):
            folders.write(folder, step, {"a": b"bytes"})
        try:
            found = function(folder, **numbers)
            return str(found), sorted(path.name for path in folder.iterdir())
        finally:
            shutil.rmtree(folder)
            folder.mkdir()

    return calls


def scored(function):
    return lambda folder, **numbers: repr(function(dense()[0], DATA, **numbers))


def set_seed(folder, seed):
    training.set_seed(seed)
    return np.random.rand(), float(mx.nd.random.uniform().asscalar())


def batches(folder, **numbers):
    return list(training.ShuffledBatches(**{"length": 6, "batch_size": 4, "seed": 1, **numbers}))


def pieces(folder, count):
    batch = training.Batch.spread(models.mlp(), None, [mx.cpu()], mx.nd.ones((6, 2)), mx.nd.ones(6))
    return [len(piece) for piece in batch.pieces(count)]


def run(folder, **numbers):
    try:
        launch.run(__file__, engine="pslite", log_dir=folder, quiet="?", **numbers)
    except ValueError as error:
        if "quiet must be" not in str(error):  # which is looked at after the numbers
            raise


def shown(kind, **others):
    """What an object says of itself, once it is made with these numbers."""
    return lambda folder, **numbers: re.sub(" at 0x\\w+", "", json.dumps(vars(kind(**others, **numbers)), default=repr))


def apart(function):
    """The losses of a net of one module, with dropout, and how many passes wait."""

    def calls(folder, **numbers):
        training.set_seed(1)
        part = gluon.nn.HybridSequential()
        part.add(gluon.nn.Dense(2, in_units=2), gluon.nn.Dropout(0.5))
        part.initialize()
        module = decoupled.Module(part, gluon.Trainer(part.collect_params(), "sgd", kvstore=None))
        return function(module, [(mx.nd.ones((3, 2)), mx.nd.zeros(3))] * 3, **numbers).tolist(), module.waiting

    return calls


def cut(folder, count):
    whole = gluon.nn.Sequential()
    whole.add(*(gluon.nn.Dense(n) for n in (1, 2, 3)))
    return [len(part) for part in decoupled.cut(whole, count)]


def gossiping(folder, seed):
    with gossip.Pairwise(dense()[0].collect_params(), seed=seed) as pairwise:
        return pairwise.seed, pairwise.weights.tolist()


def net(kind):
    return lambda folder, **numbers: re.sub(r"\w+\d+_", "", repr(kind(**numbers)))


def called(function, *arguments, **others):
    return lambda folder, **numbers: repr(function(*arguments, **{**others, **numbers}))


def counted(function):
    """How often the work is done."""

    def calls(folder, repeat):
        done = []
        function(partial(done.append, 1), repeat)
        return len(done)

    return calls


def asked(folder, **numbers):
    plan = {"tuning_images": 50, "tuning_epochs": 1, "epochs": 2, "seeds": (1,), **numbers}
    method = study.Method("SGD", "sgd", lrs=(0.1,))
    return repr(study.Study(problem=study.Problem(**PROBLEM), methods=(method,), **plan))


def kernel(function, momentum=0.5):
    def changed(folder, **numbers):
        arrays = [np.full(3, value, np.float32) for value in (1, 2, 3)]
        function(arrays, numbers)
        return [array.tolist() for array in arrays]

    return changed


def signum_step(arrays, numbers):
    weight, grad, mom = arrays
    kernels.signum_step(weight, grad, mom, **{"lr": 0.5, "momentum": 0.5, **numbers})


def apply_signs(arrays, numbers):
    kernels.apply_signs(arrays[0], kernels.pack(arrays[1]), **{"lr": 0.5, **numbers})


def momentum_pack(arrays, numbers):
    kernels.momentum_pack(arrays[0], arrays[1], **{"momentum": 0.5, **numbers})


def held_out(folder, **numbers):
    parts = datasets.hold_out(datasets.load("digits").train, **{"count": 300, **numbers})
    return [part[:][1].tolist() for part in parts]


def compared(folder, **numbers):
    ends = [study.Outcome(name, study.Setting(0.1, None), False, 0, 0.5, test) for name, test in ENDS.items()]
    return repr(study.compare(SimpleNamespace(outcomes=lambda: ends), **{"margin": 0.1, **numbers}))


def walk(folder, **numbers):
    grad, start = np.sign, np.ones(2)
    noise = theory.NOISES["normal"]
    return theory.sign_walks(grad, start, **{"steps": 4, "lr": 0.5, "noise": noise, **numbers}).tolist()


def rated(folder, **numbers):
    noise = theory.NOISES["normal"]
    return theory.vsgd(abs, np.ones(2), **{"steps": 4, "curvature": 1, "noise": noise, **numbers}).tolist()


def descend(folder, steps):
    return theory.descend(np.sign, mx.optimizer.create("sgd"), np.ones(2), steps).tolist()


def curved(function, *more):
    return lambda folder, **numbers: repr(function(lambda x: x**3, np.arange(1.0, 4.0), *more, **numbers))


class Bowl(theory.Samples):
    """Six samples around a minimum, each with one of its own."""

    centers = np.arange(12.0).reshape(6, 2)

    def __len__(self):
        return 6

    def loss(self, w, i):
        return self.squares(w, i).mean() / 2

    def grad(self, w, i):
        return (w - self.centers[i]).mean(axis=0)

    def slopes(self, w, i, v):
        return (w - self.centers[i]) @ v

    def squares(self, w, i):
        return ((w - self.centers[i]) ** 2).sum(axis=1)


def progressed(folder, **numbers):
    walk = theory.ProgressiveLBFGS(Bowl(), np.zeros(2), **{"seed": 1, "batch": 2, **numbers})
    return [walk.step() for _ in range(3)], walk.w.tolist()


def wilson(folder, **numbers):
    return repr(theory.wilson_data(**{"n": 4, "random": np.random.RandomState(0), **numbers}))


COUNTS = np.random.RandomState(0).poisson(2, (9, 4)) + 1
WHITENED = topics.whitened_moments(COUNTS, 2, 1.0)
EVEN = np.full((2, 4), 0.25)


def drawn(function, *arguments, **others):
    """What comes out where a generator is given, the same each time."""
    return lambda folder, **numbers: repr(
        function(*arguments, **{**others, "random": np.random.RandomState(0), **numbers})
    )


def hammers(folder, **numbers):
    given = {"workers": 5, "classes": 2, "hammers": 3, "random": np.random.RandomState(0), **numbers}
    return crowd.hammers_and_spammers(**given).tolist()


def annotated(folder, redundancy):
    return repr(crowd.annotate(np.full((3, 2, 2), 0.5), np.zeros(4, int), redundancy, np.random.RandomState(0)))


SAID = crowd.Labels([[0, 1], [1, 2]], [[0, 0], [1, 0]], workers=3, classes=2)


def limited(folder, gamma):
    net, _ = dense()
    lipschitz.limit(net, gamma)
    return net.weight.data().asnumpy().tolist()


def flown(folder, **numbers):
    flight = lander.fly(
        lander.Drone(), lander.landing(), **{"seconds": 1, "random": np.random.RandomState(0), **numbers}
    )
    return flight.z.tolist()


def forecaster(kind):
    def calls(folder, **numbers):
        made = kind(**{"units": 2, "read": 3, "ahead": 4, **numbers})
        return made.size, made.read, made.ahead

    return calls


ENDS = {"A": (0.5, 0.6, 0.8), "B": (0.6, 0.8, 0.9)}
BOUND = {"calls": 64, "smoothness": 2, "gap": 1, "sigma": 1}
FIRST = {"seed": 3, "first": 2}
ROLE = {"units": 3, "read": 2, "ahead": 5, "gates": 4}
ROUND = {"seed": 3, "number": 2, "size": 5}
# The function, how it is called, and a number for each of its arguments: an int where only whole ones are legal.
TABLE: dict[Callable, tuple[Callable, dict[str, float]]] = {
    training.fit: (fit, {"epochs": 2, "batch_size": 3, "seed": 3, "every": 1, "num_workers": 0}),
    training.evaluate: (scored(training.evaluate), {"batch_size": 4}),
    training.predict: (scored(training.predict), {"batch_size": 4}),
    training.set_seed: (set_seed, {"seed": 3}),
    training.ShuffledBatches: (batches, {"length": 5, "batch_size": 2, "seed": 3, "epoch": 2, "start": 1}),
    training.Batch.pieces: (pieces, {"count": 2}),
    checkpoint.save: (save, {"step": 4, "epoch": 2, "keep": 1}),
    launch.run: (run, {"workers": 3, "servers": 2, "deadline": 30.5}),
    kvstore.VoteStore: (shown(kvstore.VoteStore), {"momentum": 0.5, "check_every": 7}),
    kvstore.ErrorFeedbackStore: (shown(kvstore.ErrorFeedbackStore), {"check_every": 7}),
    kvstore.MeanStore: (shown(kvstore.MeanStore), {"check_every": 7}),
    forecast.MatrixForecaster: (forecaster(forecast.MatrixForecaster), ROLE),
    forecast.TensorTrainForecaster: (
        forecaster(forecast.TensorTrainForecaster),
        {**ROLE, "lags": 3, "order": 3, "rank": 4},
    ),
    series.logistic_map: (drawn(series.logistic_map, n=3), {"n": 4, "c": 3.5, "burn": 2}),
    series.lorenz: (
        drawn(series.lorenz, n=3),
        {"n": 4, "dt": 0.0625, "sigma": 9.5, "rho": 20.5, "beta": 2.5, "burn": 2},
    ),
    series.windows: (lambda folder, length: series.windows(np.arange(6.0), length).tolist(), {"length": 3}),
    decoupled.cut: (cut, {"count": 2}),
    decoupled.emulate: (apart(lambda module, *rest, **numbers: decoupled.emulate([module], *rest, **numbers)), FIRST),
    decoupled.pipeline: (apart(decoupled.pipeline), FIRST),
    kvstore.CompressedStore: (shown(kvstore.CompressedStore, codec=kvstore.Half()), {"seed": 7, "check_every": 7}),
    kvstore.PowerStore: (shown(kvstore.PowerStore), {"rank": 3, "seed": 7, "check_every": 7}),
    kvstore.Levels: (called(kvstore.Levels), {"levels": 3}),
    kvstore.Threshold: (called(kvstore.Threshold), {"t": 0.25}),
    kvstore.TopK: (called(kvstore.TopK), {"share": 0.25}),
    kvstore.RandomK: (called(kvstore.RandomK), {"share": 0.25}),
    kvstore.Feedback: (called(kvstore.Feedback), {"alpha": 0.5, "beta": 0.5}),
    kvstore.MomentumCorrection: (called(kvstore.MomentumCorrection), {"momentum": 0.5, "clip": 0.5}),
    gossip.Pairwise: (gossiping, {"seed": 3}),
    gossip.RoundsStore: (shown(gossip.RoundsStore), {"seed": 3}),
    gossip.StaleSGD: (shown(gossip.StaleSGD, point=np.zeros(2)), {"lr": 0.5}),
    gossip.PIAG: (shown(gossip.PIAG, point=np.zeros(2), gradients=np.zeros((3, 2))), {"gamma": 0.5}),
    gossip.DAvePG: (shown(gossip.DAvePG, mean=np.zeros(2)), {"workers": 3}),
    gossip.DAveWorker: (shown(gossip.DAveWorker, start=np.zeros(2), gradient=abs), {"gamma": 0.5}),
    gossip.pairing: (called(gossip.pairing, **ROUND), ROUND),
    gossip.mixed: (called(gossip.mixed, np.eye(4), seed=1, number=1), {"seed": 3, "number": 2}),
    crowd.Labels: (called(crowd.Labels, SAID.who, SAID.said, workers=3, classes=2), {"workers": 4, "classes": 3}),
    crowd.hammers_and_spammers: (hammers, {"workers": 4, "classes": 3, "hammers": 2, "leak": 0.5}),
    crowd.annotate: (annotated, {"redundancy": 2}),
    crowd.matrices: (called(crowd.matrices, SAID, crowd.votes(SAID)), {"smooth": 0.5}),
    crowd.one_number: (called(crowd.one_number, SAID, crowd.votes(SAID)), {"smooth": 0.5}),
    crowd.dawid_skene: (called(crowd.dawid_skene, SAID), {"rounds": 2}),
    crowd.redundancy_factor: (called(crowd.redundancy_factor, 0.75), {"redundancy": 3}),
    datasets.hold_out: (held_out, {"count": 30, "seed": 3}),
    models.lenet: (net(models.lenet), {"classes": 3, "hidden": 7}),
    models.mlp: (net(models.mlp), {"classes": 3, "dropout": 0.5}),
    lander.Drone: (called(lander.Drone), {"mass": 1.5, "radius": 0.75, "height": 0.5, "drag": 0.5}),
    lander.landing: (
        lambda folder, **numbers: lander.landing(**numbers)(0.5),
        {"start": 1.25, "end": 0.25, "rate": 0.5},
    ),
    lander.set_points: (lambda folder, hold: lander.set_points([1, 0], hold)(1.75), {"hold": 1.5}),
    lander.fly: (
        flown,
        {"seconds": 0.5, "start": 1.25, "stiffness": 1.5, "gain": 1.5, "rounds": 2, "gust": 0.5, "tick": 0.0625},
    ),
    lipschitz.limit: (limited, {"gamma": 0.0625}),
    lipschitz.Limited: (shown(lipschitz.Limited), {"gamma": 0.5}),
    initializers.DeltaOrthogonal: (shown(initializers.DeltaOrthogonal), {"gain": 0.5}),
    grids.at_edge: (called(grids.at_edge, grid=[0.25, 0.5, 1.0]), {"value": 0.5}),
    timing.fastest: (counted(lambda work, n: timing.fastest(work, repeat=n)), {"repeat": 2}),
    timing.race: (counted(lambda work, n: timing.race({"work": work}, n)), {"repeat": 2}),
    timeline.record: (counted(lambda work, n: timeline.record(work, repeat=n)), {"repeat": 2}),
    devices.devices: (called(devices.devices), {"n": 2}),
    devices.explain: (called(devices.explain), {"n": 2}),
    study.Problem: (called(study.Problem, **PROBLEM), {"images": 90, "validation": 5, "test": 5, "batch_size": 8}),
    study.Study: (asked, {"tuning_images": 40, "tuning_epochs": 2, "epochs": 3, "closer": 2}),
    study.methods: (called(study.methods), {"count": 3}),
    theory.hessian: (curved(theory.hessian), {"h": 0.5}),
    theory.hessian_product: (curved(theory.hessian_product, np.ones(3)), {"h": 0.5}),
    theory.extreme_curvatures: (curved(theory.extreme_curvatures), {"count": 2, "h": 0.5}),
    theory.ProgressiveLBFGS: (progressed, {"seed": 3, "batch": 3, "theta": 0.5, "memory": 1, "first": 0.5}),
    theory.LogBowl: (called(theory.LogBowl), {"d": 3}),
    theory.Saddle: (called(theory.Saddle), {"degrees": 22.5, "steep": 2.5}),
    theory.Tube: (called(theory.Tube, d=2), {"d": 3, "tau": 2.5, "gamma": 1.5, "L": 2.5}),
    theory.sign_walks: (
        walk,
        {"steps": 3, "momentum": 0.5, "warmup": 1, "workers": 3, "inverters": 1, "runs": 2, "seed": 3, "batch": 2},
    ),
    theory.delay_limit: (called(theory.delay_limit, delay=3), {"delay": 3, "momentum": 0.5}),
    theory.vsgd: (rated, {"steps": 3, "samples": 3, "caution": 1.5, "runs": 2, "seed": 3}),
    theory.descend: (descend, {"steps": 3}),
    topics.docstrings: (called(topics.docstrings, ["filelock"]), {"shortest": 50}),
    topics.sample_lda: (
        drawn(topics.sample_lda, documents=3, vocabulary=4, topics=2, length=9, alpha0=1),
        {"documents": 2, "vocabulary": 5, "topics": 3, "length": 7.5, "alpha0": 0.5, "eta": 0.25},
    ),
    topics.whitened_moments: (called(topics.whitened_moments, COUNTS, k=2, alpha0=1), {"k": 1, "alpha0": 0.5}),
    topics.tensor_power: (drawn(topics.tensor_power, WHITENED.T, k=2), {"k": 1, "restarts": 3, "steps": 7}),
    topics.topics_from: (drawn(topics.topics_from, WHITENED), {"restarts": 3, "steps": 7}),
    topics.perplexity: (drawn(topics.perplexity, EVEN, COUNTS), {"updates": 3, "smoothing": 0.25}),
    topics.refine: (called(topics.refine, EVEN, COUNTS), {"updates": 3}),
    theory.wilson_data: (wilson, {"n": 3, "positive": 0.5}),
    theory.bounds.large_batch: (called(theory.bounds.large_batch, **BOUND), {**BOUND, "workers": 3}),
    theory.bounds.inverters: (
        called(theory.bounds.inverters, **BOUND, workers=2, share=0.25),
        {**BOUND, "workers": 3, "share": 0.125},
    ),
    checkpoint.latest: (stored(checkpoint.latest), {"until": 2}),
    checkpoint.clear: (stored(checkpoint.clear), {"after": 2}),
    kernels.unpack: (called(kernels.unpack, np.arange(1, dtype=np.uint64)), {"n": 5}),
    theory.bounds.large_batch_sgd: (
        called(theory.bounds.large_batch_sgd, calls=64, largest=2, gap=1, variance=1),
        {"calls": 64.5, "largest": 2.5, "gap": 1.5, "variance": 1.5},
    ),
    theory.bounds.small_batch: (
        called(theory.bounds.small_batch, calls=64, smoothness=2, gap=1),
        {"calls": 64.5, "smoothness": 2.5, "gap": 1.5},
    ),
    kernels.signum_step: (
        kernel(signum_step),
        {"lr": 0.25, "momentum": 0.75, "wd": 0.5, "wd_lh": 0.5, "rescale_grad": 0.5, "clip_gradient": 0.5},
    ),
    kernels.apply_signs: (kernel(apply_signs), {"lr": 0.25, "wd": 0.5}),
    kernels.momentum_pack: (
        kernel(momentum_pack),
        {"momentum": 0.75, "rescale_grad": 0.5, "clip_gradient": 0.5, "step": 1},
    ),
    kernels.pack: (called(kernels.pack, np.zeros(3)), {"step": 1}),
    kernels.vote: (called(kernels.vote, [np.arange(2, dtype=np.uint64)] * 2), {"step": 1}),
    study.compare: (compared, {"margin": 0.25, "level": 0.125}),
    costs.vote_pays_below: (
        called(costs.vote_pays_below, M=2, d=8, work=0.5),
        {"M": 3, "d": 4, "work": 0.25, "computing": 0.5, "hidden": 0.5, "wide": 2},
    ),
}
REALS = {"calls", "smoothness", "gap", "sigma"}  # given as whole numbers above


def options(kind: type) -> dict[str, float]:
    """A legal number for each option of an optimizer, by its signature."""
    legal = {"window": 3, "every": 2, "max_size": 5, "merge_axes": 9, "begin_num_update": 2}
    legal |= {"eta_plus": 1.5, "step_max": 1.5}
    found = {}
    for base in kind.__mro__:
        for name, parameter in inspect.signature(base.__init__).parameters.items():
            if _takes_number(parameter):
                found[name] = legal.get(name, 0.5)
    return found


def _takes_number(parameter: inspect.Parameter) -> bool:
    return bool(re.match(r"(int|float)\b", str(parameter.annotation)))


for name in optimizers.__all__:
    if (kind := getattr(optimizers, name)) is not optimizers.Partition:
        # What only the centered form has is refused without it.
        others = {"centered": True} if "gamma2" in options(kind) else {}
        TABLE[kind] = (shown(kind, **others), options(kind))

CASES = [
    pytest.param(call, name, number, id=f"{function.__qualname__}-{name}")
    for function, (call, numbers) in TABLE.items()
    for name, number in numbers.items()
]


def likes(number: float, whole: bool) -> Iterator[Any]:
    """The same number, as other libraries have it."""
    kinds = [np.int64, np.int32, np.uint8, np.array] if whole else [np.float64, np.float32, np.float16, np.array]
    yield from (kind(number) for kind in kinds)
    yield mx.nd.array([number], dtype="int32" if whole else "float32")
    if not whole:
        yield Fraction(number)


STRANGE = [float("nan"), float("inf"), -float("inf"), np.float32("nan"), True, np.True_, np.array(True), "2", [2],
           np.array([2, 2]), mx.nd.array([2, 2]), 1j, object()]  # fmt: skip
BROKEN = [2.5, np.float32(2.5), np.array(2.5), Fraction(5, 2)]
SIGNED = {"rescale_grad", "degrees", "value"}


@pytest.mark.parametrize(("call", "name", "number"), CASES)
def test_a_number_of_another_library_is_pythons(call, name, number, tmp_path):
    whole = isinstance(number, int) and name not in REALS
    results = []
    for i, like in enumerate([number, *likes(number, whole)]):
        folder = tmp_path / str(i)
        folder.mkdir()
        results.append(json.dumps(call(folder, **{name: like})).replace(str(folder), "folder"))
    assert set(results) == {results[0]}


@pytest.mark.parametrize(("call", "name", "number"), CASES)
def test_what_is_no_such_number_is_refused_by_name_and_nothing_is_written(call, name, number, tmp_path):
    whole = isinstance(number, int) and name not in REALS
    for value in [*STRANGE, *(BROKEN if whole else [10**400]), *([] if name in SIGNED else [-1e30, -(10**30)])]:
        with pytest.raises(ValueError, match=rf"\b{name}\b.* must be .*, got"):
            call(tmp_path, **{name: value})
        assert list(tmp_path.iterdir()) == []


PUBLIC = (checkpoint, crowd, datasets, decoupled, forecast, gossip, initializers, kernels, kvstore, lander, launch,
          lipschitz, models, optimizers, series, study, theory, theory.bounds, topics, training, timing, timeline,
          grids, devices)  # fmt: skip
GIVEN_BACK = {checkpoint.Position, datasets.FileStatus, training.Epoch, training.Score, launch.Result,
              launch.LaunchFailed, launch.LaunchTimedOut, study.Run, study.Outcome, study.Comparison, study.Pair,
              theory.Stride, timeline.Span, timeline.Recording, topics.WhitenedMoments}  # fmt: skip


def public(module) -> Iterator[Callable]:
    names = getattr(module, "__all__", [name for name in vars(module) if not name.startswith("_")])
    for thing in (getattr(module, name) for name in names):
        belongs = getattr(thing, "__module__", "").startswith(module.__name__) or hasattr(module, "__all__")
        if callable(thing) and belongs and not inspect.isabstract(thing) and thing not in GIVEN_BACK:
            yield thing


def test_no_function_is_left_out():
    found = set()
    for thing in (thing for module in PUBLIC for thing in public(module)):
        with contextlib.suppress(ValueError):  # an exception has no signature
            numbers = filter(_takes_number, inspect.signature(thing).parameters.values())
            found |= {(thing, number.name) for number in numbers}
    missing = {f"{f.__qualname__}({name})" for f, name in found if name not in TABLE.get(f, (None, {}))[1]}
    assert missing == {"sign_walks(sigma)", "vsgd(sigma)", "vsgd(curvature)"}  # which may be arrays
