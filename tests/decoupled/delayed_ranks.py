"""A net in modules, trained by delayed gradients; as a script, one rank of such a training.

python delayed_ranks.py train FOLDER EPOCHS        from the newest checkpoint in FOLDER; saves after each epoch
python delayed_ranks.py kill FOLDER RANK STEP      the rank is killed in that step
python delayed_ranks.py uneven FOLDER MORE         the last rank has so many batches more
python delayed_ranks.py asleep FOLDER SECONDS      the last rank sleeps so long, once; the processor time of the others
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from hashlib import sha256
from pathlib import Path

from mxnet import gluon, init, nd
from mxnet.gluon import nn

sys.path.append(str(Path(__file__).parents[1]))
import runs
from gluonbook import checkpoint
from gluonbook.decoupled import Module, cut, pipeline
from gluonbook.training import ShuffledBatches, set_seed

SEED, BATCH = 5, 30
PER_EPOCH = 4  # of 100 digits, so that the last batch is a smaller one


def net() -> nn.HybridSequential:
    set_seed(3)
    net = nn.HybridSequential()
    net.add(nn.Dense(24, "relu"), nn.Dropout(0.3), nn.Dense(20, "tanh"), nn.Dense(16, "relu"), nn.Dense(10))
    net.initialize(init.Xavier())
    net.hybridize(static_alloc=True)
    net(nd.zeros((1, 64)))
    return net


def module(part: gluon.Block) -> Module:
    options = {"learning_rate": 0.05, "momentum": 0.9}
    return Module(part, gluon.Trainer(part.collect_params(), "sgd", options, kvstore=None))


def batches(epoch: int):
    X, y = runs.digits(100)[:]
    X = X.reshape(len(X), -1)
    for indices in ShuffledBatches(len(X), BATCH, SEED, epoch=epoch):
        yield nd.array(X[indices]), nd.array(y[indices])


def hashes(modules) -> list[str]:
    """Of the weights of each module, and of what its optimizer remembers."""
    found = []
    for one in modules:
        digest = sha256()
        for parameter in one.trainer._params:
            digest.update(parameter.data().asnumpy().tobytes())
        for _, state in sorted(one.trainer._updaters[0].states.items()):
            digest.update(state.asnumpy().tobytes())
        found.append(digest.hexdigest())
    return found


def train(comm, folder: Path, epochs: str) -> None:
    own = module(cut(net(), comm.size)[comm.rank])
    place, epoch, losses = folder / f"module-{comm.rank}", 0, []
    if path := checkpoint.latest(place):
        epoch = checkpoint.load(path, own.net, own.trainer).epoch
    for now in range(epoch, int(epochs)):
        losses += pipeline(own, batches(now), seed=SEED, first=now * PER_EPOCH).tolist()
        checkpoint.save(place, own.net, own.trainer, step=(now + 1) * PER_EPOCH, epoch=now + 1)
    found = {"hashes": hashes([own]), "losses": losses, "waiting": own.waiting}
    (folder / f"rank-{comm.rank}.json").write_text(json.dumps(found), encoding="utf-8")


def kill(comm, folder: Path, rank: str, step: str) -> None:
    def dying():
        for count, batch in enumerate(batches(0)):
            if (comm.rank, count) == (int(rank), int(step)):
                os.kill(os.getpid(), signal.SIGKILL)
            yield batch

    pipeline(module(cut(net(), comm.size)[comm.rank]), dying())


def uneven(comm, folder: Path, more: str) -> None:
    count = PER_EPOCH - 1 + int(more) * (comm.rank == comm.size - 1)
    pipeline(module(cut(net(), comm.size)[comm.rank]), [batch for _, batch in zip(range(count), batches(0))])


def asleep(comm, folder: Path, seconds: str) -> None:
    def slow():
        for count, batch in enumerate(batches(0)):
            if comm.rank == comm.size - 1 and count == 2:
                time.sleep(float(seconds))
            yield batch

    own = module(cut(net(), comm.size)[comm.rank])
    pipeline(own, batches(0))
    begun, busy = time.perf_counter(), time.process_time()
    pipeline(own, slow())
    found = {"seconds": time.perf_counter() - begun, "busy": time.process_time() - busy}
    (folder / f"rank-{comm.rank}.json").write_text(json.dumps(found), encoding="utf-8")


if __name__ == "__main__":
    from mpi4py import MPI

    {"train": train, "kill": kill, "uneven": uneven, "asleep": asleep}[sys.argv[1]](
        MPI.COMM_WORLD, Path(sys.argv[2]), *sys.argv[3:]
    )
