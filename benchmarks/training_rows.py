"""Whole training steps of two and four real processes, with forward and backward in them, by every method.

The exchange of a store that overlaps begins while backward still computes. What that saves is seen on a link on which
the exchange alone takes as long as backward alone: at best, a step then takes as long as forward and one of the two.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import numpy as np
from links import ETHERNET, LOOPBACK, why_not
from races import TORCH, Race, raced

from gluonbook.theory import costs
from measure import Row, row

METHODS = ("vote", "error feedback", "PowerSGD 1", "PowerSGD 2", "PowerSGD 4", "top 1 %", "float16", "mean")
NETS = ("ResNet-20", "MLP")
BULK = "MXNET_EXEC_BULK_EXEC_MAX_NODE_TRAIN_BWD"  # so many operations of backward make their gradients ready at once


def training(repeat: int) -> Iterator[Row]:
    """The rows, of which every round takes seconds, so there are fewer. They need root."""
    if reason := why_not():
        print(f"training is left out, since {reason}")
        return
    rounds = max(2, repeat // 7)
    for net in NETS:
        for workers in (2, 4):
            for gigabits in (10, 1, 0.1):
                yield from _methods(net, workers, gigabits, rounds)
    for method in ("vote", "mean"):
        yield from _overlap(method, 3 * rounds)


def _methods(net: str, workers: int, gigabits: float, rounds: int) -> Iterator[Row]:
    """What a step takes, and its exchange, and below which bandwidth it is shorter than one with our mean."""
    got = raced("training_worker.py", [net, str(rounds), *METHODS], "mpi", workers, gigabits)
    on = f"{net}, {workers} workers, {gigabits:g} Gbit/s"
    mean = got.seconds["mean: step"]
    yield row("forward and backward alone", "step with our mean", on, *_over(got, "forward and backward", mean))
    for method in METHODS:
        sent = got.bytes[f"{method}: exchange"]
        kilobytes = f"{on}, {sent / 1e3:.0f} kB"
        yield row(f"{method}: step", "step with our mean", kilobytes, *_over(got, f"{method}: step", mean))
        exchanges = got.seconds["mean: exchange"]
        yield row(
            f"{method}: exchange", "exchange of our mean", kilobytes, *_over(got, f"{method}: exchange", exchanges)
        )
        if sent < got.bytes["mean: exchange"]:
            yield from _break_even(method, got, gigabits, on)
    if TORCH not in os.environ:
        print(f"training: {on}: PyTorch's DDP is left out, since {TORCH} does not say which Python has PyTorch")
        return
    theirs = raced("ddp_training.py", [net, str(rounds)], "torch", workers, gigabits)
    for name, seconds in theirs.seconds.items():
        kilobytes = f"{on}, {theirs.bytes[name] / 1e3:.0f} kB"
        ratio = seconds / np.median(mean)  # another launch: its rounds are not ours
        yield row(name, "step with our mean", kilobytes, seconds, ratio)


def _over(got: Race, name: str, other: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return got.seconds[name], got.seconds[name] / other


def _break_even(method: str, got: Race, gigabits: float, on: str) -> Iterator[Row]:
    names = f"{method}: exchange", "mean: exchange"
    spent = [float(np.median(got.seconds[name])) - got.bytes[name] * 8e-9 / gigabits for name in names]
    even = 8e-9 * costs.break_even(spent[0], got.bytes[names[0]], spent[1], got.bytes[names[1]])
    if np.isfinite(even):
        seconds = got.seconds[names[0]]
        yield row(f"bandwidth up to which {method} is faster", "1 Gbit/s", on, seconds, np.array([even]))
    else:
        print(f"training: {on}: an exchange by {method} is faster than our mean's at any bandwidth")


def _overlap(method: str, rounds: int) -> Iterator[Row]:
    """A link on which the exchange alone takes as long as backward alone, and what a step takes there."""
    words = ["ResNet-20", str(rounds), method]
    free = raced("training_worker.py", words, "mpi", 2, 10)
    backward = np.median(free.seconds["forward and backward"] - free.seconds["forward"])
    gigabits = float(free.bytes[f"{method}: exchange"] * 8e-9 / backward)
    packet = LOOPBACK if method == "mean" else ETHERNET
    for bulk in ("15", "4"):
        os.environ[BULK] = bulk
        try:
            got = raced("training_worker.py", words, "mpi", 2, gigabits, packet)
        finally:
            del os.environ[BULK]
        computing, exchange = (got.seconds[name] for name in ("forward and backward", f"{method}: exchange"))
        backward = computing - got.seconds["forward"]
        longer = np.maximum(backward, exchange)
        on = f"ResNet-20, 2 workers, {1e3 * gigabits:.3g} Mbit/s, {bulk} operations at once"
        for how, bound in (("step", 1.2), ("step, apart", None)):
            rest = got.seconds[f"{method}: {how}"] - got.seconds["forward"]
            against = "the longer of backward and exchange, each alone"
            yield row(f"{method}: {how}, without forward", against, on, rest, rest / longer, at_most=bound)
        yield row(f"{method}: exchange alone", "backward alone", on, exchange, exchange / backward)
        first = got.seconds["first gradients"] - got.seconds["forward"]
        yield row("until a last convolution's gradient is ready", "backward alone", on, first, first / backward)
