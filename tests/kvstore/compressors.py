"""All codecs with all memories, and short trainings with them; as a script, one worker of such trainings.

python compressors.py ENGINE FOLDER [D]    trains by a pair for each codec, and by `PowerStore`; the weights go to
    FOLDER/NAME-RANK.npz; with D, counts the bytes of an exchange of so many numbers; all else to FOLDER/RANK.json
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import mxnet as mx
import numpy as np
from mxnet import gluon, nd

import gluonbook.optimizers  # noqa: F401  (registers ours)
from gluonbook.kvstore import (
    Codec,
    CompressedStore,
    Exact,
    Feedback,
    Half,
    Levels,
    Memory,
    MomentumCorrection,
    NoMemory,
    OneBit,
    PowerStore,
    RandomK,
    ScaledSign,
    Store,
    Threshold,
    TopK,
)
from gluonbook.measure import wire

CODECS = (
    *(Exact(), Half(), ScaledSign(), OneBit(), Levels(7), Levels(1, "max"), Threshold(0.75), TopK(0.1)),
    RandomK(0.1),
)
MEMORIES = (
    *(NoMemory(), Feedback(), Feedback(0.5, 0.875), MomentumCorrection(0.5, mask=False)),
    MomentumCorrection(0.5, clip=8),
)


def fit(codec: Codec, memory: Memory) -> bool:
    """Whether the memory takes the codec."""
    try:
        memory.accept(codec)
    except ValueError:
        return False
    return True


PAIRS = {f"{codec} {memory}": (codec, memory) for codec in CODECS for memory in MEMORIES if fit(codec, memory)}
MAKERS: dict[str, Callable[..., Store]] = {
    **{name: partial(CompressedStore, codec=codec, memory=memory) for name, (codec, memory) in PAIRS.items()},
    "PowerStore": PowerStore,
}
MEMORY_OF = dict(zip(CODECS, [*MEMORIES[:4], *MEMORIES]))  # one for each codec: for what takes real processes
LAUNCHED = [*(f"{codec} {memory}" for codec, memory in MEMORY_OF.items()), "PowerStore"]
SHAPES = ((3,), (5, 7), (64,), (65, 1), (1,), (2, 3, 4, 5), (17, 241))


def gradient(shape: tuple[int, ...], worker: int, step: int, place: int) -> np.ndarray:
    """Normal numbers, a third of them zero."""
    luck = np.random.RandomState([worker, step, place])
    return (luck.randn(*shape) * (luck.rand(*shape) < 2 / 3)).astype(np.float32)


class Training:
    """A net of nothing but parameters, and its trainer."""

    def __init__(
        self,
        store: Store | str | None,
        devices: int = 1,
        optimizer: str = "sgd",
        shapes: Sequence[tuple[int, ...]] = SHAPES,
        compression: dict | None = None,
        update_on_kvstore: bool | None = None,
        batch: int = 1,
        **options: float,
    ) -> None:
        self.batch = batch
        self.net = gluon.nn.HybridBlock(prefix="net_")
        for place, shape in enumerate(shapes):
            setattr(self.net, f"p{place}", self.net.params.get(f"p{place}", shape=shape))
        self.net.initialize(mx.init.One(), ctx=[mx.cpu(device) for device in range(devices)])
        self.trainer = gluon.Trainer(
            self.net.collect_params(),
            optimizer,
            {"learning_rate": 0.125, **options},
            kvstore=store,
            compression_params=compression,
            update_on_kvstore=update_on_kvstore,
        )

    def step(
        self,
        step: int,
        workers: Sequence[int],
        spoilt: Sequence[int] = (),
        unused: Sequence[int] = (),
        by: Sequence[int] | None = None,
    ) -> None:
        """One device for each of these workers.

        Those of the spoilt ones find something that is no number; some places are not used, by these workers, or all.
        """
        for place, parameter in enumerate(self.parameters):
            for worker, grad, weight in zip(workers, parameter.list_grad(), parameter.list_data()):
                grad[:] = nd.array(gradient(grad.shape, worker, step, place), grad.context)
                if worker in spoilt:
                    grad[-1:] = np.nan
                weight._fresh_grad = place not in unused or (by is not None and worker not in by)
        self.trainer.step(self.batch, ignore_stale_grad=bool(unused))

    @property
    def parameters(self) -> list[gluon.Parameter]:
        """In the order of their places."""
        return [*self.net.collect_params().values()]

    @property
    def weights(self) -> list[np.ndarray]:
        """Those of the first device."""
        return [parameter.list_data()[0].asnumpy() for parameter in self.parameters]


def trained(store: Store | str | None, workers: Sequence[int] = (0,), steps: int = 6, **options) -> list[np.ndarray]:
    """The weights after a training, in which each device has the gradients of one of the workers."""
    training = Training(store, len(workers), **options)
    for step in range(steps):
        training.step(step, workers)
    return training.weights


def counted(store: Store, shape: tuple[int, ...], steps: int = 4) -> list[float]:
    """The bytes that this rank sends, and receives, in one exchange of an array."""
    training = Training(store, shapes=[shape])

    def settled() -> wire.Traffic:
        store.agree("that all have come as far as here")
        time.sleep(0.3)  # confirmations come late
        return wire.counted()

    training.step(0, [store.rank])
    before = settled()
    for step in range(1, 1 + steps):
        training.step(step, [store.rank])
    nd.waitall()
    return [each / steps for each in settled() - before]


def refused(make: Callable[[], Store]) -> str:
    """What is said to a store that cannot be made."""
    try:
        make()
    except ValueError as error:
        return str(error)
    return "nothing"


def main(engine: str, folder: str, numbers: str = "0") -> None:
    """Train with every store, and see what is said where ranks have different ones."""
    rank = 0
    for name in LAUNCHED:
        store = MAKERS[name](engine, check_every=2)
        rank = store.rank
        np.savez(Path(folder, f"{name}-{rank}.npz"), *trained(store, [rank]))
    odd = rank == 1
    found = {
        "codec": refused(lambda: CompressedStore(engine, codec=TopK(0.25 if odd else 0.5))),
        "memory": refused(lambda: CompressedStore(engine, codec=Half(), memory=Feedback() if odd else None)),
        "rank": refused(lambda: PowerStore(engine, rank=2 if odd else 3)),
        "seed": refused(lambda: PowerStore(engine, seed=int(odd))),
        "kind": refused(lambda: PowerStore(engine) if odd else CompressedStore(engine, codec=Exact())),
        "bytes": {},
    }
    if d := int(numbers):
        makers = {str(codec): partial(CompressedStore, codec=codec) for codec in CODECS}
        for name, make in {**makers, "PowerStore": PowerStore}.items():
            found["bytes"][name] = counted(make(engine, check_every=0), (d // 100, 100))
    Path(folder, f"{rank}.json").write_text(json.dumps(found), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
