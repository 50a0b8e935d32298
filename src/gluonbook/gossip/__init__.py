"""Gossip: workers that average their weights with neighbours, and never all at once.

    gossip = Pairwise(net.collect_params(), seed=0)
    with gossip:
        for X, y in batches:
            with autograd.record():
                error = loss(net(X), y)
            error.backward()
            gossip.step(lambda: trainer.step(len(X)))

Three methods, of which each rank i has weights x_i of its own, and steps along a gradient at the weights that it had
when it began to compute:

- `Pairwise`: AD-PSGD. A rank asks one of its neighbours, drawn at random, and both go on from the mean of their
  weights; nobody waits for anybody's gradient, and a slow rank slows none. In real processes, over MPI, only.
- `RoundsStore`: the same in rounds, in which all ranks are paired at once. It is reproducible, goes on exactly from a
  checkpoint, and is the reference.
- `RingStore`: D-PSGD. Each rank takes the mean of its own weights and those of both neighbours in a ring.

The stores are for `gluon.Trainer(..., kvstore=store)`, as those of `gluonbook.kvstore`. `Pairwise` is not one: a
trainer's exchange is for all ranks together.

With a master instead, which answers each worker as it comes: `serve`, `Worker` and the methods `StaleSGD`, `PIAG` and
`DAvePG`; `replay` is such a run in one process, given the order in which workers came.

`pairing` and `mixed` are a round in one process, for a table that has the weights of each rank as a row.
"""

from gluonbook.gossip.masters import PIAG, DAvePG, DAveWorker, Master, StaleSGD
from gluonbook.gossip.pairwise import Pairwise
from gluonbook.gossip.ring import RingStore
from gluonbook.gossip.rounds import RoundsStore, mixed, pairing
from gluonbook.gossip.server import Worker, replay, serve, staleness

__all__ = [
    "PIAG",
    "DAvePG",
    "DAveWorker",
    "Master",
    "Pairwise",
    "RingStore",
    "RoundsStore",
    "StaleSGD",
    "Worker",
    "mixed",
    "pairing",
    "replay",
    "serve",
    "staleness",
]
