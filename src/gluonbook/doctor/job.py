"""The smallest job there is, for `gluonbook doctor --workshop`: each worker gives its rank, and gets the mean."""

from __future__ import annotations

import sys

from mxnet import nd

from gluonbook.kvstore import MeanStore


def main(engine: str) -> None:
    store = MeanStore(engine)
    weight, grad = nd.zeros(3), nd.full(3, store.rank)
    store.broadcast(0, weight, out=weight)
    store.pushpull(0, grad, out=grad)
    print(f"rank {store.rank} of {store.num_workers}: the mean is {grad.mean().asscalar():g}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
