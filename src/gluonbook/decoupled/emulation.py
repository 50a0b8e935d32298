"""Decoupled backpropagation of all modules in one process: the reference."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

import numpy as np
from mxnet import gluon
from mxnet.ndarray import NDArray

from gluonbook.arrays import wide
from gluonbook.checkpoint.anatomy import some
from gluonbook.checks import whole_number
from gluonbook.decoupled.module import Module
from gluonbook.training.evaluation import checked_loss
from gluonbook.training.outcome import Loss, Outcome
from gluonbook.training.seeds import may_draw, seeded

Batches = Iterable[tuple[NDArray, NDArray]]


def emulate(
    modules: Sequence[Module], batches: Batches, loss: Loss | None = None, *, seed: int = 0, first: int = 0
) -> np.ndarray:
    """Train the modules of a net, in their order, on `batches` of (X, y); the mean loss of each batch.

    In a step all modules pass one batch forward, and then all pass gradients back at once: each the one that the module
    after it has found in the step before. At the end the gradients that are still on their way are worked off, without
    new batches: after a call each module has made one update for each batch, and none waits. So a checkpoint of all
    modules is one between two calls.

    `loss(out, y)` gives one value a sample (default: softmax cross-entropy). Dropout is drawn from (seed, step,
    module), where `first` is the number of the first step; with one module that is what `fit` draws.

    Raises ValueError for modules that share a parameter, or have forward passes waiting, for a loss of another shape,
    and numbers out of range.
    """
    modules, loss, (seed, first) = list(modules), checked_loss(loss), numbers(seed, first)
    must_be_ready(modules)
    last, losses = len(modules) - 1, []
    coming: list[NDArray | None] = [None] * len(modules)
    for step, (X, y) in enumerate(batches, first):
        x = X
        for k, module in enumerate(modules):
            with drawn(module, seed, step, k):
                x = forward(module, k, x, loss, y if k == last else None)
        losses.append(wide(x).mean())
        coming = _back(modules, coming)
    while any(module.waiting for module in modules):
        coming = _back(modules, coming)
    return np.array([mean.asscalar() for mean in losses], np.float64)


def _back(modules: Sequence[Module], coming: Sequence[NDArray | None]) -> list[NDArray | None]:
    """All backward passes of a step, each by the gradient that has come to its module; those that come in the next."""
    found: list[NDArray | None] = [None] * len(modules)
    for k, (module, grad) in enumerate(zip(modules, coming)):
        if grad is not None or (k == len(modules) - 1 and module.waiting):
            of_input = module.backward(None if grad is None else grad.as_in_context(module.ctx))
            if k:
                found[k - 1] = of_input
    return found


def forward(module: Module, k: int, x: NDArray, loss: Loss, y: NDArray | None) -> NDArray:
    """What module k gives for x: its output, or, where the labels are there, the losses of its samples."""
    x = x.as_in_context(module.ctx)
    if k:
        x.attach_grad()  # the module before wants it
    if y is None:
        return module.forward(x)
    labels = y.as_in_context(module.ctx)
    return module.forward(x, lambda out: Outcome(loss(out, labels), out, labels).checked().loss)


def numbers(seed: int, first: int) -> tuple[int, int]:
    """Both, checked."""
    return whole_number("seed", seed, 0, 2**31 - 1), whole_number("first", first, 0)


@contextmanager
def drawn(module: Module, seed: int, step: int, k: int) -> Iterator[None]:
    """Inside, all generators start from (seed, step, k), where the module may draw."""
    if not may_draw(module.net, module.trainer):
        yield
        return
    # As `fit`, which has nothing in the place of k: there zeros at the end make no difference.
    with seeded(seed, step, 0, k):
        yield


def must_be_ready(modules: Sequence[Module]) -> None:
    """Raise ValueError unless the modules of a process can begin, and share nothing."""
    if not modules or not all(isinstance(module, Module) for module in modules):
        raise ValueError(f"modules must be one Module or more, got {modules!r}")
    if busy := [str(k) for k, module in enumerate(modules) if module.waiting]:
        raise ValueError(f"forward passes wait in module {some(busy)}: begin with new ones")
    owners: dict[gluon.Parameter, int] = {}
    for k, module in enumerate(modules):
        for parameter in module.net.collect_params().values():
            if owners.setdefault(parameter, k) != k:
                raise ValueError(f"modules {owners[parameter]} and {k} share {parameter.name}: keep both in one")
