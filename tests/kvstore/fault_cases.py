"""Faults of single ranks, many in one launch; as a script, one worker, which catches what its store raises.

python fault_cases.py ENGINE FOLDER CASE...       writes what it saw in each case to FOLDER/rank-N.json
"""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Callable
from functools import partial
from hashlib import sha256
from pathlib import Path

import mxnet as mx
import numpy as np
from mxnet import gluon, nd

import gluonbook.optimizers  # noqa: F401  (registers ours)
from gluonbook import checkpoint
from gluonbook.gossip import RingStore, RoundsStore
from gluonbook.kvstore import (
    CompressedStore,
    ErrorFeedbackStore,
    Feedback,
    Half,
    Levels,
    MeanStore,
    PowerStore,
    Store,
    VoteStore,
)
from gluonbook.storage import folders

SHAPES = {"a": (3, 2), "b": (2, 3), "c": (65,)}
ENGINE = ""
METHODS: dict[str, Callable[..., Store]] = {
    "vote": VoteStore,
    "mean": MeanStore,
    "feedback": ErrorFeedbackStore,
    "compressed": partial(CompressedStore, codec=Levels(7, "max"), memory=Feedback(0.5, 0.875)),
    "power": partial(PowerStore, rank=1),
}
GOSSIP = {"rounds": RoundsStore, "ring": RingStore}  # each rank has weights of its own


def store_of(kind: Callable[..., Store] = VoteStore, **options) -> Store:
    return kind(ENGINE, **options)


class Run:
    """Parameters with their trainer, and made-up gradients that differ between ranks and steps."""

    def __init__(self, store, shapes=SHAPES, dtypes=None, order=None, optimizer="signsgd", ctx=1, **settings) -> None:
        self.store, self.steps = store, 0
        self.parameters = {}
        for name, shape in shapes.items():
            parameter = gluon.Parameter(name, shape=shape, dtype=(dtypes or {}).get(name, "float32"))
            parameter.initialize(mx.init.Constant(1 + store.rank), ctx=[mx.cpu(i) for i in range(ctx)])
            self.parameters[name] = parameter
        listed = [self.parameters[name] for name in order or shapes]
        self.trainer = gluon.Trainer(listed, optimizer, {"learning_rate": 0.125}, kvstore=store, **settings)

    def step(self, spoilt: str | None = None, grads: dict | None = None, used: str = "", batch: int = 1) -> None:
        """Of the parameters that are used; others are skipped."""
        self.backward(spoilt, grads, used)
        self.trainer.step(batch, ignore_stale_grad=bool(used))

    def backward(self, spoilt: str | None = None, grads: dict | None = None, used: str = "") -> None:
        self.steps += 1
        for place, (name, parameter) in enumerate(self.parameters.items()):
            if used and name not in used:
                continue
            for device, array in enumerate(parameter.list_grad() if parameter.grad_req != "null" else []):
                luck = np.random.RandomState([self.store.rank, self.steps, place, device])
                grad = (grads or {}).get(name, luck.randn(*parameter.shape))
                array[:] = nd.array(np.full_like(grad, np.nan) if name == spoilt else grad, dtype=parameter.dtype)
                parameter.list_data()[device]._fresh_grad = True

    def said(self, spoilt: str | None = None) -> str:
        """What the step raises."""
        try:
            self.step(spoilt)
        except (ValueError, ArithmeticError, RuntimeError, UserWarning) as error:
            return f"{type(error).__name__}: {error}"
        return "nothing"

    def weights(self) -> list[np.ndarray]:
        return [array.asnumpy() for parameter in self.parameters.values() for array in parameter.list_data()[:1]]

    def hash(self) -> str:
        return sha256(b"".join(weight.tobytes() for weight in self.weights())).hexdigest()


def refused(run: Run) -> list:
    """What the first step raises, and whether it has left the weights as rank 0 or this rank had them."""
    said = run.said()
    return [said, all(weight.min() == weight.max() for weight in run.weights())]


def f6(rank: int) -> dict:
    odd = rank == 1
    return {
        "shape": refused(Run(store_of(), {**SHAPES, "b": (3, 2)} if odd else SHAPES)),
        "dtype": refused(Run(store_of(), dtypes={"b": "float16"} if odd else None)),
        "fewer": refused(Run(store_of(), {"a": (3, 2), "b": (2, 3)} if odd else SHAPES)),
        "more": refused(Run(store_of(), {**SHAPES, "d": (1,)} if odd else SHAPES)),
        "order": refused(Run(store_of(), order="bac" if odd else "abc")),
        "outside": refused(Run(store_of(), {**SHAPES, "b": (3, 2)} if odd else SHAPES, update_on_kvstore=False)),
        "mean": refused(Run(store_of(MeanStore), {**SHAPES, "b": (7,)} if odd else SHAPES)),
        "power": refused(Run(store_of(PowerStore), {**SHAPES, "b": (7,)} if odd else SHAPES)),
        "rounds": refused(Run(store_of(RoundsStore), {**SHAPES, "b": (7,)} if odd else SHAPES)),
        "ring": refused(Run(store_of(RingStore), {**SHAPES, "b": (7,)} if odd else SHAPES)),
        "devices": refused(Run(store_of(ErrorFeedbackStore), ctx=2 if odd else 1)),
        "devices of a codec": refused(Run(store_of(METHODS["compressed"]), ctx=2 if odd else 1)),
        "frozen": frozen(rank),
    }


def frozen(rank: int) -> list:
    run = Run(store_of())
    if rank == 2:
        run.parameters["c"].grad_req = "null"
    return refused(run)


def stores_that_differ(rank: int) -> dict:
    def said(*arguments, **options) -> str:
        try:
            store_of(*arguments, **options)
        except ValueError as error:
            return str(error)
        return "nothing"

    return {
        "policy": said(nonfinite="zero" if rank == 1 else "raise"),
        "method": said(MeanStore if rank == 1 else VoteStore),
        "codec": said(CompressedStore, codec=Half() if rank == 1 else Levels()),
    }


def f7_raise(rank: int) -> dict:
    found = {}
    for name, kind in {**METHODS, **GOSSIP}.items():
        # Many in a row: then consents follow each other with nothing between them.
        run, unharmed = Run(store_of(kind)), Run(store_of(kind))
        said = [run.said("b" if rank == 1 and 2 <= step < 12 else None) for step in range(15)]
        for step in range(15):
            unharmed.steps = step
            if not 2 <= step < 12:
                unharmed.step()
        found[name] = [said, run.hash(), run.hash() == unharmed.hash()]
    return found


def f7_zero(rank: int) -> dict:
    """Rank 1 abstains in step 2, ranks 0 and 1 in step 3, all in steps 4 and 5."""
    found = {}
    abstaining = {2: (1,), 3: (0, 1), 4: (0, 1, 2), 5: (0, 1, 2)}
    for name, kind in {**METHODS, **GOSSIP}.items():
        for inside in (True, False) if name in METHODS else (True,):
            run = Run(store_of(kind, nonfinite="zero"), update_on_kvstore=None if inside else False)
            hashes = []
            for step in range(1, 8):
                run.step("b" if rank in abstaining.get(step, ()) else None)
                hashes.append(run.hash())
            finite = all(np.isfinite(weight).all() for weight in run.weights())
            found[f"{name} {inside}"] = [run.store.abstentions, hashes, finite]
    return found


def parts(rank: int) -> dict:
    """Each rank uses a parameter of its own, in batches of its own size; then all use the first."""
    found = {}
    for name, kind in {**METHODS, **GOSSIP}.items():
        for inside in (True, False) if name in METHODS else (True,):
            run = Run(store_of(kind), update_on_kvstore=None if inside else False)
            run.step()
            before = run.weights()
            run.step(used="abc"[rank], batch=2 + rank)
            between = run.weights()
            run.step(used="a", batch=7 - rank)
            stayed = [name for name, a, b in zip(SHAPES, between, run.weights()) if np.array_equal(a, b)]
            moved = [name for name, a, b in zip(SHAPES, before, between) if not np.array_equal(a, b)]
            found[f"{name} {inside}"] = [run.hash(), stayed, moved]
    return found


def one_is_stale(rank: int) -> dict:
    found = {}
    for inside in (True, False):
        run = Run(store_of(), update_on_kvstore=None if inside else False)
        run.step()
        before = run.hash()
        run.backward(used="ac" if rank == 1 else "abc")
        try:
            run.trainer.step(1)
            said = "nothing"
        except UserWarning as error:
            said = f"UserWarning: {error}"
        found[str(inside)] = [said, run.hash() == before]
    return found


def votes_of_those_who_are_left(rank: int) -> list:
    run = Run(store_of(nonfinite="zero", momentum=0), {"a": (4,)}, optimizer="sgd")
    mine = {0: [1.0, 1, -1, -1], 1: [np.inf, -1, -1, -1], 2: [1, -1, 1, -1]}[rank]
    run.step(grads={"a": np.array(mine)})
    return run.weights()[0].tolist()


def one_bit(rank: int) -> dict:
    """What is said in the steps after the third, behind whose back a weight of one rank is changed in its last bit."""
    found = {}
    for odd in (0, 1):
        run = Run(store_of(check_every=3))
        said = [run.said() for _ in range(3)]
        if rank == odd:
            weight = run.parameters["c"].data()
            bits = weight.asnumpy()
            bits.view(np.uint32)[64] ^= 1
            weight[:] = nd.array(bits)
        found[str(odd)] = said + [run.said() for _ in range(4)]
    return found


def other_threads(rank: int) -> list:
    """A training in another thread, beside what the main thread does with MXNet."""
    first, second = Run(store_of()), Run(store_of())
    thread = threading.Thread(target=lambda: [first.step() for _ in range(10)])
    thread.start()
    while thread.is_alive():
        nd.random.normal(shape=(50, 50)).sum().asscalar()
    thread.join()
    for _ in range(10):
        second.step()
    return [first.hash(), second.hash()]


def loader_workers(rank: int) -> list:
    """Batches come from forked workers, before and after the store has threads of its own."""
    X = np.arange(40, dtype=np.float32)
    loader = gluon.data.DataLoader(gluon.data.ArrayDataset(X), batch_size=10, num_workers=2)
    run, total = Run(store_of()), 0.0
    for _ in range(2):
        for batch in loader:
            total += float(batch.sum().asscalar())
            run.step()
    return [total, run.hash()]


def several_devices(rank: int) -> list:
    """Only the ballot of a process travels, so ranks may have different numbers of devices."""
    run = Run(store_of(), ctx=1 + rank)
    for _ in range(5):
        run.step()
    return [run.hash(), all(len({a.asnumpy().tobytes() for a in p.list_data()}) == 1 for p in run.parameters.values())]


def tiny(rank: int) -> list:
    """Fewer words, and numbers, than servers."""
    found = []
    for kind in METHODS.values():
        run = Run(store_of(kind), {"a": (1,)})
        for _ in range(3):
            run.step()
        found.append([run.hash(), abs(run.weights()[0] - 1).max() > 0.01])
    return [[digest, bool(moved)] for digest, moved in found]


def a_slow_reader(rank: int) -> list:
    """The last rank is late to read what all have sent. With 14 parameters two gathers of one length follow."""

    class Slow:
        def __init__(self, store) -> None:
            self.store = store

        def __getattr__(self, name: str):
            return getattr(self.store, name)

        def _barrier(self) -> None:
            self.store._barrier()
            time.sleep(0.05)

    run = Run(store_of(ErrorFeedbackStore), dict.fromkeys("abcdefghijklmn", (2,)))
    if rank == 2:
        run.store.link._store = Slow(run.store.link._store)
    return [[run.said() for _ in range(5)], run.hash()]


def common_checkpoints(rank: int) -> dict:
    store, found = store_of(), {}
    for name, steps in {
        "behind": [(3, 4), (4, 5), (4,)],
        "damaged": [(3, 4), (3, 4), (3, -4)],
        "first": [(1,), (), (1,)],
        "none": [(), (), ()],
        "lost": [(3, 4), (), (4, 5)],
    }.items():
        folder = FOLDER / name / f"rank-{rank}"
        for step in steps[rank]:
            path = folders.write(folder, abs(step), {"a": b"bytes"})
            if step < 0:
                (path / "a").write_bytes(b"other")
        try:
            path = checkpoint.latest_common(FOLDER / name, store)
            found[name] = path and path.relative_to(FOLDER / name).as_posix()
        except ValueError as error:
            found[name] = str(error)
    return found


def agreement(rank: int) -> str:
    try:
        store_of().agree(f"{10 + rank % 2} steps")
    except ValueError as error:
        return str(error)
    return "nothing"


if __name__ == "__main__":
    ENGINE, FOLDER = sys.argv[1], Path(sys.argv[2])
    number = store_of().rank
    seen = {case: globals()[case](number) for case in sys.argv[3:]}
    (FOLDER / f"rank-{number}.json").write_text(json.dumps(seen))
