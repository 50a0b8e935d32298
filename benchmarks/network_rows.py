"""Whole exchanges of gradients among real processes, over links of a given speed."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Iterator

import numpy as np
from gluoncv.model_zoo import get_model
from links import why_not
from mxnet import autograd, gluon, nd
from races import TORCH, Race, raced

from gluonbook.theory import costs
from gluonbook.theory.costs import AlphaBeta
from measure import Row, row

D = 25.6  # million parameters: those of ResNet-50
SIZES = (6.4, 12.8, D)  # for the α–β model
IMAGES = 8  # in the training step that overheads are compared with


def race(engine: str, workers: int, millions: float, rounds: int, names: list[str], gigabits: float | str) -> Race:
    """Let workers race over a link of so many Gbit/s; "memory" is no link at all, and MPI's alone."""
    words = [str(millions), str(rounds)]
    if engine == "torch":
        return raced("ddp_worker.py", words, "torch", workers, gigabits)
    launcher = "mpi" if engine == "mpi" else "pslite"
    return raced("network_worker.py", [engine, *words, *names], launcher, workers, gigabits)


def links(repeat: int) -> Iterator[Row]:
    """The rows over links, of which every round takes seconds, so there are fewer. They need root."""
    rounds = max(2, repeat // 7)
    if reason := why_not():
        print(f"links are left out, since {reason}")
        return
    for gigabits, millions in ((10, D), (1, D), (0.1, D / 10)):
        for workers in (2, 4, 8):
            yield from _on_link(workers, millions, rounds, gigabits)
    yield from _peers(rounds)
    yield from _model(rounds)


def memory(rounds: int) -> Iterator[Row]:
    """The rows of workers that share one machine's memory."""
    for workers in (2, 4):
        t = race("mpi", workers, D, rounds, ["vote", "mean"], "memory").seconds
        on = f"{D} M, {workers} workers in one memory"
        yield row("step of a vote", "all-reduce and update", on, t["vote"], t["mean"] / t["vote"], at_least=2.5)
        ratio = t["all-reduce alone"] / t["exchange alone"]
        yield row("exchange of a vote", "all-reduce alone", on, t["exchange alone"], ratio, at_least=25)
    extra = sum(t[name] for name in ("pack", "count votes", "unpack and apply")) / workers
    ratio = extra / _resnet50_step(rounds)
    on = f"{D} M, one worker's share of {workers}"
    yield row("pack, count, apply", f"ResNet-50, {IMAGES} images", on, extra, ratio, at_most=0.1)


def _on_link(workers: int, millions: float, rounds: int, gigabits: float) -> Iterator[Row]:
    got = race("mpi", workers, millions, rounds, ["vote", "mean"], gigabits)
    t, d = got.seconds, round(millions * 1e6)
    on = f"{millions:g} M, {workers} workers, {gigabits:g} Gbit/s"
    goal = 25 if (workers, gigabits) == (4, 1) else None
    yield row("step of a vote", "all-reduce and update", on, t["vote"], t["mean"] / t["vote"], at_least=goal)
    ratio = np.array([got.bytes["mean"] / got.bytes["vote"]])
    yield row("bytes of a vote", "all-reduce, times more", on, t["vote"], ratio, at_least=31)
    ratio = np.array([got.bytes["vote"] / costs.vote_sharded(workers, d).total])
    yield row("bytes of a vote", "the formula", on, t["vote"], ratio, at_most=1.02)
    spent = {name: float(np.median(t[name])) for name in t}
    fixed = spent["vote"] - got.bytes["vote"] * 8e-9 / gigabits
    other = spent["mean"] - got.bytes["mean"] * 8e-9 / gigabits
    even = costs.break_even(fixed, got.bytes["vote"], other, got.bytes["mean"]) * 8e-9
    for name in PARTS:
        yield row(f"{name}, by itself", "step of a vote", on, t[name], t[name] / t["vote"])
    if np.isfinite(even):
        yield row("bandwidth up to which a vote is faster", "1 Gbit/s", on, t["vote"], np.array([even]))
    else:
        print(f"links: {on}: a vote is faster at any bandwidth")


PARTS = ("pack", "exchange alone", "count votes", "unpack and apply")


def _peers(rounds: int) -> Iterator[Row]:
    """How much longer others take at 1 Gbit/s than our vote over MPI."""
    workers, gigabits = 4, 1
    vote = float(np.median(race("mpi", workers, D, rounds, ["vote"], gigabits).seconds["vote"]))
    asked = [("pslite", ["vote over ps-lite"]), ("dist_sync", ["dist_sync"]), ("dist_sync", ["dist_sync, 2 bit"])]
    if TORCH in os.environ:
        asked.append(("torch", []))
    else:
        print(f"links: PyTorch's DDP is left out, since {TORCH} does not say which Python has PyTorch")
    for engine, names in asked:
        got = race(engine, workers, D, rounds, names, gigabits)
        for name, seconds in got.seconds.items():
            on = f"{D} M, {workers} workers, {gigabits} Gbit/s, {got.bytes[name] / 1e6:.1f} MB"
            yield row(name, "our vote over MPI", on, seconds, seconds / vote)


def _model(rounds: int) -> Iterator[Row]:
    """Fit the α–β model to all points but one, and predict that one; then carry it to many workers."""
    points, times = {}, {}
    for workers in (2, 4, 8):
        for millions in SIZES:
            got = race("mpi", workers, millions, rounds, ["vote"], 1)
            # All workers of this machine share one link and its cores, so their bytes and their work add up.
            cost = costs.vote_sharded(workers, round(millions * 1e6))
            points[workers, millions] = (cost.messages, cost.total, workers * millions * 1e6)
            times[workers, millions] = got.seconds["vote"]
    held_out = (4, 12.8)
    known = [place for place in points if place != held_out]
    model = AlphaBeta.fit([points[place] for place in known], [float(np.median(times[place])) for place in known])
    error = np.abs(model.seconds(*points[held_out]) / times[held_out] - 1)
    fitted = {"α, in µs a message": 1e6 * model.alpha, "γ, in ns a parameter": 1e9 * model.gamma}
    if model.beta:
        fitted["1/β, in Gbit/s"] = 8e-9 / model.beta
    for name, value in fitted.items():
        yield row("α–β model", name, "1 Gbit/s", np.array([0.0]), np.array([value]))
    yield row("α–β model", "the point left out", "12.8 M, 4 workers, 1 Gbit/s", times[held_out], error, at_most=0.15)
    d = round(D * 1e6)
    for name, formula in costs.METHODS.items():
        for M in (2, 8, 64, 1000):
            seconds, vote = (np.array([_on_paper(model, f, M, d)]) for f in (formula, costs.vote_sharded))
            on = f"{D} M, {M} workers with a card of 1 Gbit/s each"
            yield row(f"on paper: {name}", "vote, sharded", on, seconds, seconds / vote)


def _on_paper(model: AlphaBeta, formula: costs.Formula, workers: int, d: int) -> float:
    """With a card and cores of its own for each worker."""
    cost = formula(workers, d)
    return model.seconds(cost.messages, cost.bytes, d)


def _resnet50_step(rounds: int) -> float:
    """The seconds that forward and backward of ResNet-50 take on all cores."""
    net = get_model("resnet50_v1b", pretrained=False)
    net.initialize()
    net.hybridize(static_alloc=True, static_shape=True)
    X, y = nd.random.normal(shape=(IMAGES, 3, 224, 224)), nd.zeros(IMAGES)
    loss = gluon.loss.SoftmaxCrossEntropyLoss()
    times = []
    for _ in range(rounds + 1):
        nd.waitall()
        start = time.perf_counter()
        with autograd.record():
            error = loss(net(X), y)
        error.backward()
        nd.waitall()
        times.append(time.perf_counter() - start)
    return statistics.median(times[1:])
