"""Train with several processes that vote: each sends one bit a weight, and gets one back.

    gluonbook run --workers 4 --engine mpi examples/vote.py mpi

Over MXNet's parameter server instead: `--engine pslite examples/vote.py pslite`.
"""

import sys

import mxnet as mx
from mxnet import gluon

import gluonbook.optimizers  # noqa: F401  it registers `signsgd`
from gluonbook import datasets, models
from gluonbook.kvstore import VoteStore
from gluonbook.training import fit, set_seed

if len(sys.argv) != 2:
    sys.exit(__doc__)

store = VoteStore(sys.argv[1], momentum=0.9)
digits = datasets.load("digits")
X, y = digits.train[:]
share = gluon.data.ArrayDataset(X[store.rank :: store.num_workers], y[store.rank :: store.num_workers])

set_seed(0)  # the same first weights on all
net = models.mlp(hidden=(64,))
net.initialize(mx.init.Xavier())
net.hybridize()

# The momentum is each worker's own, in the store; what all apply is the verdict, a sign.
schedule = mx.lr_scheduler.CosineScheduler(max_update=10 * (len(share) // 25), base_lr=0.003)
trainer = gluon.Trainer(net.collect_params(), "signsgd", {"lr_scheduler": schedule}, kvstore=store)

history = fit(net, trainer, share, epochs=10, batch_size=25, seed=store.rank, test=digits.test)
print(f"rank {store.rank} of {store.num_workers}: test accuracy {history['test_accuracy'][-1]:.1%}")
