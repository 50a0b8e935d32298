"""Decoupled backpropagation in processes: each rank of MPI holds one module."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from mxnet import nd
from mxnet.ndarray import NDArray

from gluonbook.arrays import wide
from gluonbook.decoupled.emulation import Batches, drawn, forward, must_be_ready, numbers
from gluonbook.decoupled.module import Module
from gluonbook.rank import heartbeat
from gluonbook.rank.messages import Mailbox, until
from gluonbook.training.evaluation import checked_loss
from gluonbook.training.outcome import Loss

if TYPE_CHECKING:
    from mpi4py import MPI

_FORWARD, _BACK = 0, 1


def pipeline(
    module: Module,
    batches: Batches,
    loss: Loss | None = None,
    *,
    comm: MPI.Comm | None = None,
    seed: int = 0,
    first: int = 0,
) -> np.ndarray:
    """Train the modules of a net, that of rank k in place k, on `batches` of (X, y); the mean loss of each batch.

    All ranks of `comm` (by default of `MPI.COMM_WORLD`) call this, and all get the losses. X is taken from the batches
    of rank 0, y from those of the last rank: hand the same to all. What is computed, what the other arguments are, and
    that nothing waits at the end, is as with `emulate`, bit for bit.

    A module sends its output on, and begins its next batch without waiting for the gradient, until K − 1 − k of its
    batches wait for theirs. Who has to wait sleeps. As a message goes an array as it is, with some 150 bytes that say
    its shape and type.

    Each step is one of `heartbeat.step`: in a launched run a rank that has died or hangs ends all.

    Raises:
        ValueError: on the last rank, if its batches are more or fewer than those of rank 0, or as `emulate`.
        ImportError: mpi4py is not installed (`pip install gluonbook[dist]`).
    """
    from mpi4py import MPI  # at the first use: to import it starts MPI

    must_be_ready([module])
    loss, (seed, first) = checked_loss(loss), numbers(seed, first)
    with heartbeat.waiting():
        comm = (MPI.COMM_WORLD if comm is None else comm).Dup()  # no message of the caller's is taken for one of these
    k, last, mail = comm.rank, comm.size - 1, Mailbox(comm)
    count, losses = 0, []
    for x, y in _coming(module, mail, batches, k, last):
        heartbeat.step()
        with drawn(module, seed, first + count, k):
            out = forward(module, k, x, loss, y if k == last else None)
        count += 1
        if k == last:
            losses.append(wide(out).mean())
        else:
            mail.send(out.asnumpy(), k + 1, _FORWARD)
        if module.waiting > last - k:
            _back(module, mail, k, last)
    if k < last:
        mail.send(None, k + 1, _FORWARD)
    while module.waiting:
        heartbeat.step()
        _back(module, mail, k, last)
    mail.flush()
    means = np.array([mean.asscalar() for mean in losses] or [0.0] * count, np.float64)
    until(comm.Ibcast(means, root=last).Test)
    heartbeat.pause()
    comm.Free()
    return means


def _back(module: Module, mail: Mailbox, k: int, last: int) -> None:
    """The oldest backward pass of module k, when its gradient has come; sleeps until then."""
    found = module.backward(None if k == last else _array(mail.receive(k + 1, _BACK), module))
    if k and found is not None:
        mail.send(found.asnumpy(), k - 1, _BACK)


def _coming(
    module: Module, mail: Mailbox, batches: Batches, k: int, last: int
) -> Iterator[tuple[NDArray, NDArray | None]]:
    """What module k is to pass forward, one batch after the other, and the labels, if it is the last."""
    if k == 0:
        yield from batches
        return
    own = iter(batches) if k == last else None
    count = 0
    while (x := mail.receive(k - 1, _FORWARD)) is not None:
        count += 1
        batch = (None, None) if own is None else next(own, None)
        if batch is None:
            raise ValueError(f"rank 0 has more batches than rank {k}, which has {count - 1}")
        yield _array(x, module), batch[1]
    if own is not None and next(own, None) is not None:
        raise ValueError(f"rank 0 has {count} batches, and rank {k} has more")


def _array(message: Any, module: Module) -> NDArray:
    return nd.array(message, dtype=message.dtype, ctx=module.ctx)
