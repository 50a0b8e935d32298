"""What ranks do that gossip in pairs; as a script, one of them.

python gossip_ranks.py FOLDER CASE...           what each case finds goes to FOLDER/CASE-RANK.json
python gossip_ranks.py FOLDER kill RANK         the rank is killed in its tenth step
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from functools import partial
from hashlib import sha256
from pathlib import Path

import mxnet as mx
import numpy as np
from mpi4py import MPI
from mxnet import autograd, gluon, nd

from gluonbook import checkpoint, datasets
from gluonbook.gossip import Pairwise, RingStore, RoundsStore
from gluonbook.models import mlp
from gluonbook.training import evaluate, set_seed

sys.path.append(str(Path(__file__).parent))
import goals

COMM = MPI.COMM_WORLD
RANK = COMM.rank


def one_parameter(start: np.ndarray) -> gluon.Parameter:
    parameter = gluon.Parameter("p", shape=start.shape)
    parameter.initialize(mx.init.Zero())
    parameter.set_data(nd.array(start))
    return parameter


def nothing() -> None:
    """An update with a learning rate of 0."""


def start() -> np.ndarray:
    """Multiples of 2¹⁰, which float32 halves exactly fourteen times and more."""
    return np.random.RandomState(RANK).randint(-64, 65, 40) * np.float32(2**10)


def averaging(folder: Path) -> dict:
    """Averagings alone: six by each rank that asks, or as many as it takes to come together."""
    found = {"start": start().tolist()}
    for name, steps in (("sum", 6), ("together", 60)):
        parameter = one_parameter(start())
        with Pairwise([parameter], seed=3) as gossip:
            for _ in range(steps):
                gossip.step(nothing)
                time.sleep(0.002)
        found[name] = gossip.weights.tolist()
        found[f"{name} parameter"] = parameter.data().asnumpy().tolist()
        found[f"{name} averagings"] = gossip.averagings
    return found


def uneven(folder: Path) -> dict:
    """Ranks that take other numbers of steps: the odd ones are done long before, or long after."""
    found = {}
    for name, steps in (("few answer", 40 if RANK % 2 == 0 else 3), ("few ask", 3 if RANK % 2 == 0 else 40)):
        with Pairwise([one_parameter(start())]) as gossip:
            for _ in range(steps):
                gossip.step(nothing)
        found[name] = gossip.averagings
    return found


def straggler(folder: Path) -> dict:
    """One rank is in its first step until all others have taken 30, and sleeps for two more seconds."""
    found = {}
    for name, slow in (("asks", 0), ("answers", 1)):
        done = [folder / f"{name}-{rank}.done" for rank in range(COMM.size) if rank != slow]

        def waits(done: list[Path] = done) -> None:
            limit = time.monotonic() + 60
            while not all(file.exists() for file in done):
                assert time.monotonic() < limit, "the others wait for the slow one"
                time.sleep(0.05)
            time.sleep(2)

        COMM.Barrier()
        with Pairwise([one_parameter(start())]) as gossip:
            begun, busy = time.perf_counter(), time.process_time()
            if slow == RANK:
                gossip.step(waits)
                found[f"{name} busy"] = (time.process_time() - busy) / (time.perf_counter() - begun)
            else:
                for _ in range(30):
                    gossip.step(nothing)
                (folder / f"{name}-{RANK}.done").touch()
        found[name] = gossip.averagings
    return found


def training(folder: Path) -> dict:
    """A net on a quarter of the digits each; with a checkpoint in the middle, from which it goes on."""
    digits = datasets.load("digits")
    X, y = (nd.array(part[RANK :: COMM.size]) for part in digits.train[:])
    set_seed(5)
    net = mlp((32,))
    net.initialize(mx.init.Xavier())
    net(X[:1])
    trainer = gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.1, "momentum": 0.9}, kvstore=None)
    loss, luck, place = gluon.loss.SoftmaxCrossEntropyLoss(), np.random.RandomState(RANK), folder / f"rank-{RANK}"

    def train(steps: int) -> None:
        for _ in range(steps):
            batch = nd.array(luck.choice(len(X), 25, replace=False))
            with autograd.record():
                error = loss(net(X[batch]), y[batch])
            error.backward()
            gossip.step(lambda: trainer.step(25))

    def state() -> dict:
        everything = checkpoint.save(folder / f"whole-{RANK}", net, trainer, step=0, epoch=0) / "state.safetensors"
        flat = np.concatenate([p.data().asnumpy().ravel() for p in net.collect_params().values()])
        return {
            "everything": sha256(everything.read_bytes()).hexdigest(),
            "box": sha256(gossip.weights.tobytes()).hexdigest(),
            "net": sha256(flat.tobytes()).hexdigest(),
            "averagings": gossip.averagings,
        }

    found = {}
    with Pairwise(net.collect_params(), seed=1) as gossip:
        train(20 + 10 * RANK)
        with gossip.quiet():
            path = checkpoint.save(place, net, trainer, step=20, epoch=0, memory={"gossip": gossip})
            found["saved"] = state()
            time.sleep(0.2 * (RANK == 1))
            found["still"] = state()
        train(20)
        found["later"] = {"box": sha256(gossip.weights.tobytes()).hexdigest(), "averagings": gossip.averagings}
        with gossip.quiet():
            checkpoint.load(path, net, trainer, memory={"gossip": gossip})
        with gossip.quiet():
            found["loaded"] = state()
        train(60)
    table = np.empty((COMM.size, gossip.weights.size), np.float32)
    COMM.Allgather(gossip.weights, table)
    found["spread"] = float(
        np.linalg.norm(table - table.mean(axis=0), axis=1).max() / np.linalg.norm(table.mean(axis=0))
    )
    found["accuracy"] = evaluate(net, digits.test).accuracy
    return found


def refusals(folder: Path) -> dict:
    """What ranks say that do not fit together, or do something at the wrong time."""
    found = {}

    def told(name: str, call) -> None:
        try:
            call()
        except (ValueError, RuntimeError, FloatingPointError) as error:
            found[name] = f"{type(error).__name__}: {error}"

    told("seeds", lambda: Pairwise([one_parameter(start())], seed=RANK // 2))
    told("shapes", lambda: Pairwise([one_parameter(np.zeros(4 + (RANK == 3)))]))
    told("graphs", lambda: Pairwise([one_parameter(start())], neighbours={0: [1 + RANK // 2 * 2], 2: [1, 3]}))
    parameter = one_parameter(start())
    with Pairwise([parameter]) as gossip:
        if RANK == 0:
            before = gossip.weights
            told("nan", lambda: gossip.step(lambda: parameter.set_data(parameter.data() / 0)))
            found["kept"] = bool((parameter.data().asnumpy() == before).all() and (gossip.weights == before).all())
        told("loud", lambda: gossip.states)
        with gossip.quiet():
            told("quiet", lambda: gossip.step(nothing))
            told("twice", lambda: gossip.quiet().__enter__())
    gossip.close()
    told("closed", lambda: gossip.step(nothing))
    return found


def stores(folder: Path) -> dict:
    """The stores, in processes."""
    made = {"rounds": partial(RoundsStore, "mpi", seed=7), "ring": partial(RingStore, "mpi")}
    return {name: goals.trained(*goals.begun(make()), RANK, goals.STEPS).tolist() for name, make in made.items()}


def kill(victim: int) -> None:
    with Pairwise([one_parameter(start())]) as gossip:
        for step in range(10**6):
            if victim == RANK and step == 10:
                os.kill(os.getpid(), signal.SIGKILL)
            gossip.step(nothing)


CASES = {case.__name__: case for case in (averaging, uneven, straggler, training, refusals, stores)}

if __name__ == "__main__":
    place = Path(sys.argv[1])
    if sys.argv[2] == "kill":
        kill(int(sys.argv[3]))
    for name in sys.argv[2:]:
        (place / f"{name}-{RANK}.json").write_text(json.dumps(CASES[name](place)), encoding="utf-8")
