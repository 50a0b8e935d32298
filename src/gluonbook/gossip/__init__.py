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

`pairing` and `mixed` are a round in one process, for a table that has the weights of each rank as a row.
"""

from gluonbook.gossip.pairwise import Pairwise
from gluonbook.gossip.ring import RingStore
from gluonbook.gossip.rounds import RoundsStore, mixed, pairing

__all__ = ["Pairwise", "RingStore", "RoundsStore", "mixed", "pairing"]
