"""Short trainings with made-up gradients, the same for every engine; as a script, one worker of such a run.

python made_up.py ENGINE METHOD FOLDER [CASE...]      trains every case; the weights go to FOLDER/CASE-WORKERS-RANK.npz
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path

import mxnet as mx
import numpy as np
from mxnet import gluon

import gluonbook.optimizers  # noqa: F401  (registers ours)
from gluonbook.kvstore import ErrorFeedbackStore, Link, MeanStore, MPILink, Store, VoteStore

SHAPES = [(3,), (5, 7), (64,), (65, 1), (1,), (2, 3, 4, 5), (128,), (1000, 7)]
LONG = [(300_001,), (2,)]


@dataclass(frozen=True)
class Case:
    """What a run is like, but for the engine and the number of workers."""

    dtype: str = "float32"
    shapes: tuple = tuple(SHAPES)
    inverters: int = 0  # so many workers, the last ones, send the opposite
    optimizer: str = "signsgd"
    update_on_kvstore: bool = True
    steps: int = 4
    wd_lh: float = 0.01


CASES = {
    "plain": Case(),
    "float16": Case(dtype="float16"),
    "float64": Case(dtype="float64"),
    "long": Case(shapes=tuple(LONG)),
    "inverter": Case(inverters=1),
    "trainer": Case(update_on_kvstore=False),
    "fusedsignum": Case(optimizer="fusedsignum"),
}


def gradient(shape: tuple, worker: int, step: int, place: int, case: Case, workers: int) -> np.ndarray:
    """Worker's gradient: small whole numbers, many of them zero, so that there are ties."""
    luck = np.random.RandomState([worker, step, place])
    grad = luck.randint(-2, 3, size=shape).astype(case.dtype)
    return -grad if worker >= workers - case.inverters else grad


def parameters(case: Case, ctx: Sequence[mx.Context], seed: int) -> gluon.ParameterDict:
    """Parameters p0, p1, ... whose values depend on the seed."""
    params = gluon.ParameterDict()
    for place, shape in enumerate(case.shapes):
        parameter = params.get(f"p{place:02d}", shape=shape, dtype=case.dtype)
        parameter.initialize(mx.init.Zero(), ctx=list(ctx))
        parameter.set_data(mx.nd.array(np.random.RandomState([seed, place]).randn(*shape), dtype=case.dtype))
    return params


def trained(case: Case, store: Store, ctx: Sequence[mx.Context], workers: Sequence[int], total: int) -> list:
    """The weights after the run, those of the first device; the devices play these workers of `total`."""
    params = parameters(case, ctx, seed=store.rank)
    options = {"learning_rate": 0.05, "wd_lh": case.wd_lh}
    trainer = gluon.Trainer(
        params, case.optimizer, options, kvstore=store, update_on_kvstore=None if case.update_on_kvstore else False
    )
    for step in range(case.steps):
        for place, parameter in enumerate(params.values()):
            for device, worker in zip(ctx, workers):
                grad = gradient(parameter.shape, worker, step, place, case, total)
                parameter.grad(device)[:] = mx.nd.array(grad, device, dtype=case.dtype)
                parameter.data(device)._fresh_grad = True
        trainer.step(1)
    return [parameter.list_data()[0].asnumpy() for parameter in params.values()]


def remembered(store) -> dict:
    """All arrays and numbers that a store remembers, by parameter."""

    def leaves(value):
        if isinstance(value, (dict, list)):
            for part in value.values() if isinstance(value, dict) else value:
                yield from leaves(part)
        else:
            yield value.asnumpy() if isinstance(value, mx.nd.NDArray) else deepcopy(value)

    return {key: list(leaves(value)) for key, value in store.states.items()}


METHODS = {kind.method: kind for kind in (VoteStore, MeanStore, ErrorFeedbackStore)}


def main(engine: str, method: str, folder: str, *cases: str) -> None:
    """Train every case as one worker; over MPI with the first M ranks only, too, for each M."""
    for M, link in _groups(engine):
        for case in cases:
            store = METHODS[method](link)
            weights = trained(CASES[case], store, [mx.cpu()], [store.rank], store.num_workers)
            np.savez(Path(folder) / f"{case}-{M or store.num_workers}-{store.rank}.npz", *weights)


def _groups(engine: str) -> Iterator[tuple[int, str | Link]]:
    """Groups that this rank belongs to, and how a store reaches them."""
    if engine != "mpi":
        yield 0, engine
        return
    from mpi4py import MPI

    for M in range(1, MPI.COMM_WORLD.size + 1):
        comm = MPI.COMM_WORLD.Split(MPI.COMM_WORLD.rank < M)
        if MPI.COMM_WORLD.rank < M:
            yield M, MPILink(comm)


if __name__ == "__main__":
    main(*sys.argv[1:])
