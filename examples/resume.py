"""Train so that nothing is lost when the process is killed: run it again, and it goes on where it was saved.

    python examples/resume.py FOLDER

What it ends with is bit for bit what a run ends with that nobody has killed: try Ctrl-C, or kill -9.
"""

import hashlib
import sys

import mxnet as mx
from mxnet import gluon

import gluonbook.optimizers  # noqa: F401  it registers `fusedsignum`
from gluonbook import datasets, models
from gluonbook.training import fit, set_seed

if len(sys.argv) != 2:
    sys.exit(__doc__)

digits = datasets.load("digits")
set_seed(0)
net = models.mlp(hidden=(64,), dropout=0.5)
net.initialize(mx.init.Xavier())

# Momentum, schedule, the order of the data and the units that dropout drops: all of it goes on.
schedule = mx.lr_scheduler.CosineScheduler(max_update=600, base_lr=0.003)
trainer = gluon.Trainer(net.collect_params(), "fusedsignum", {"lr_scheduler": schedule, "momentum": 0.9})

history = fit(net, trainer, digits.train, epochs=20, batch_size=50, test=digits.test, checkpoints=sys.argv[1], every=10)
weights = b"".join(p.data().asnumpy().tobytes() for p in net.collect_params().values())
print(f"test accuracy {history['test_accuracy'][-1]:.1%}, weights {hashlib.sha256(weights).hexdigest()[:16]}")
